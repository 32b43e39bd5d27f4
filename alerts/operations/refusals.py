"""What the operations answer instead of doing what was asked, beside InvalidFields."""


class AlertGone(Exception):
    """What was to be changed was deleted meanwhile."""


class InUse(Exception):
    """Something else still needs it."""


class TooManyAlerts(Exception):
    """There are as many as there may be."""


class TooManyTests(Exception):
    """The channel was tested often just now."""


class IncidentOver(Exception):
    """The incident is resolved already."""


REFUSALS = (AlertGone, InUse, TooManyAlerts, TooManyTests, IncidentOver)
