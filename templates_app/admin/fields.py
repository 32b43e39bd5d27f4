"""Form fields: JSON as text, and calendars that are searched for instead of listed."""

from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from unfold.widgets import UnfoldAdminMultipleAutocompleteWidget, UnfoldAdminTextareaWidget

from jobs.admin import display as show
from jobs.admin.history import as_uuid
from jobs.strict_json import MalformedJson, read_json
from templates_app.models import Calendar

# More than any field may hold; what a forged request sends beyond is not looked up.
MOST_NAMED = 50


class JsonField(forms.CharField):
    """A JSON document that people type; empty is None."""

    def __init__(self, *, rows: int = 10, **kwargs: Any) -> None:
        attrs = {"rows": rows, "spellcheck": "false"}
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs=attrs), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return show.pretty(value)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text is None or text in self.empty_values:
            return None
        try:
            # A lone surrogate, which no encoding takes, is left to the reader to refuse.
            return read_json(text.encode("utf-8", "surrogatepass"))
        except MalformedJson as error:
            raise forms.ValidationError(str(error)) from error

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            # As texts: Python calls 1 and true equal, nobody else does.
            return show.pretty(self.to_python(data)) != show.pretty(initial)
        except forms.ValidationError:
            return True


class CalendarPicker(UnfoldAdminMultipleAutocompleteWidget):
    """Offers calendars by search; only the chosen ones are in the page."""

    def __init__(self) -> None:
        super().__init__(attrs={"data-tags": "false"})
        self.visible: QuerySet[Calendar] = Calendar.objects.none()

    def get_context(self, name: str, value: Any, attrs: Any) -> dict[str, Any]:
        address = reverse("admin:templates_app_calendar_choices")
        return super().get_context(name, value, {**(attrs or {}), "data-ajax--url": address})

    def optgroups(self, name: str, value: Any, attrs: Any = None) -> Any:
        ids = [found for one in value[:MOST_NAMED] if (found := as_uuid(str(one)))]
        rows = self.visible.in_bulk(ids) if ids else {}
        self.choices = [(str(one), rows[one].name if one in rows else str(one)) for one in ids]
        return super().optgroups(name, [str(one) for one in ids], attrs)


class CalendarsField(forms.MultipleChoiceField):
    """Ids of calendars; whether they may be used is the operation's to say."""

    widget = CalendarPicker

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(required=False, **kwargs)

    def valid_value(self, value: Any) -> bool:
        return True

    def show_only(self, visible: QuerySet[Calendar]) -> None:
        """Name chosen calendars only when the reader may see them."""
        assert isinstance(self.widget, CalendarPicker)
        self.widget.visible = visible
