"""The form of a calendar: typed as JSON, or filled by an iCalendar file."""

from typing import TYPE_CHECKING, Any

from django import forms
from django.db import transaction
from django.http import HttpRequest
from unfold.widgets import UnfoldAdminFileFieldWidget, UnfoldAdminTextareaWidget

from jobs.admin.made_by_members import only_merchant
from jobs.admin.steering import by
from templates_app.admin.fields import CalendarsField, JsonField
from templates_app.admin.pages import ScheduleForm
from templates_app.admin.shared import visible_calendars
from templates_app.models import Calendar
from templates_app.operations.calendars import (
    ImportedCalendar,
    create_calendar,
    edit_calendar,
    import_again,
    import_calendar,
)
from templates_app.recurrence.errors import Caution
from tenants.clock import database_now

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[Calendar]
else:
    _ModelForm = forms.ModelForm

DOCUMENT = ("name", "description", "definition", "includes")
# The reader of the files refuses more than 2 MiB; what is larger still is not even read here.
LARGEST_FILE = 4 * 1024 * 1024
EXAMPLE = {"holidays": [{"country": "ES"}], "weekdays": ["sa", "su"]}


class CalendarForm(ScheduleForm, _ModelForm):
    """A file, when there is one, takes the place of what is typed as the definition."""

    request: HttpRequest
    cautions: tuple[Caution, ...] = ()

    definition = JsonField(
        rows=14,
        required=False,
        help_text="Holidays, dates, weekdays, hours and spans, as JSON.",
    )
    ics = forms.FileField(
        required=False,
        label="iCalendar file",
        widget=UnfoldAdminFileFieldWidget,
        help_text="An .ics file that fills the definition, instead of typing it.",
    )
    includes = CalendarsField(help_text="What these calendars hold belongs to this one, too.")

    class Meta:
        model = Calendar
        fields = ("merchant", *DOCUMENT)
        widgets = {"description": UnfoldAdminTextareaWidget(attrs={"rows": 3})}
        help_texts = {"merchant": "Empty: the calendar is the platform's, for everybody to use."}

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        if "includes" in self.fields:
            field = self.fields["includes"]
            assert isinstance(field, CalendarsField)
            field.show_only(visible_calendars(self.request.user))
        if self.instance._state.adding:  # noqa: SLF001
            self.initial.setdefault("definition", EXAMPLE)

    def clean_ics(self) -> str | None:
        """Return the file's text; what is not UTF-8 is told by the reader of the file."""
        file = self.cleaned_data["ics"]
        if not file:
            return None
        if file.size > LARGEST_FILE:
            raise forms.ValidationError("The file is too large; export fewer years.")
        content: bytes = file.read()
        return content.decode("utf-8", "surrogateescape")

    def carry_out(self) -> Calendar:
        text = self.cleaned_data["ics"]
        with transaction.atomic():
            if text is None:
                return self._typed()
            imported = self._imported(text)
        self.cautions = imported.cautions
        return imported.calendar

    def _typed(self) -> Calendar:
        now = database_now()
        typed = self._typed_values()
        if self.instance._state.adding:  # noqa: SLF001
            return create_calendar(typed, merchant=self._merchant(), now=now, by=by(self.request))
        changes = {name: value for name, value in typed.items() if name in self.changed_data}
        return (
            edit_calendar(self.instance, changes, now=now, by=by(self.request))
            if changes
            else self.instance
        )

    def _imported(self, text: str) -> ImportedCalendar:
        now = database_now()
        data = {"name": self.cleaned_data["name"], "ics": text}
        if self.instance._state.adding:  # noqa: SLF001
            imported = import_calendar(
                data, merchant=self._merchant(), now=now, by=by(self.request)
            )
        else:
            imported = import_again(self.instance, data, now=now, by=by(self.request))
        rest = {name: self._typed_values()[name] for name in ("description", "includes")}
        calendar = edit_calendar(imported.calendar, rest, now=now, by=by(self.request))
        return ImportedCalendar(calendar=calendar, cautions=imported.cautions)

    def _typed_values(self) -> dict[str, Any]:
        values = {name: self.cleaned_data[name] for name in DOCUMENT}
        return {
            **values,
            "definition": {} if values["definition"] is None else values["definition"],
        }

    def _merchant(self) -> Any:
        """Return the owner; None, the platform, is offered to superusers only."""
        return self.cleaned_data.get("merchant") or only_merchant(self.request)
