"""The bases of this app's pages and forms: they know what its operations may answer."""

from jobs.admin.made_by_members import MadeByMembers
from jobs.admin.operating import OperatingForm
from templates_app.admin.refusals import REFUSALS


class SchedulePages(MadeByMembers):
    """The pages of what members make of schedules."""

    refusals = REFUSALS


class ScheduleForm(OperatingForm):
    """A form or dialog that carries out an operation of this app."""

    refusals = REFUSALS
