"""Form fields: JSON as text, and calendars that are searched for instead of listed."""

import json
from typing import Any

from django import forms
from django.db.models import QuerySet
from django.urls import reverse
from unfold.widgets import UnfoldAdminMultipleAutocompleteWidget, UnfoldAdminTextareaWidget

from jobs.admin.history import as_uuid
from jobs.strict_json import MalformedJson, read_json
from templates_app.admin.json_text import written
from templates_app.models import Calendar

# More than any field may hold; what a forged request sends beyond is not looked up.
MOST_NAMED = 50


class JsonField(forms.CharField):
    """A JSON document that people type; empty is None."""

    def __init__(self, *, rows: int = 10, example: str = "", **kwargs: Any) -> None:
        attrs = {"rows": rows, "spellcheck": "false", "class": "font-mono"}
        if example:
            attrs["placeholder"] = example
        super().__init__(widget=UnfoldAdminTextareaWidget(attrs=attrs), **kwargs)

    def prepare_value(self, value: Any) -> Any:
        if value is None or isinstance(value, str):
            return value
        return written(value)

    def to_python(self, value: Any) -> Any:
        text = super().to_python(value)
        if text is None or text in self.empty_values:
            return None
        try:
            # A lone surrogate, which no encoding takes, is left to the reader to refuse.
            return read_json(text.encode("utf-8", "surrogatepass"))
        except MalformedJson as error:
            raise forms.ValidationError(str(error)) from error

    def validate(self, value: Any) -> None:
        # `{}` and `[]` are there; what they lack is the operation's to say.
        if value is None and self.required:
            raise forms.ValidationError(self.error_messages["required"], code="required")

    def has_changed(self, initial: Any, data: Any) -> bool:
        try:
            return _compared(self.to_python(data)) != _compared(initial)
        except forms.ValidationError:
            return True


def _compared(value: Any) -> str:
    # As texts: Python calls 1 and true equal, nobody else does.
    return json.dumps(value, sort_keys=True)


class CalendarPicker(UnfoldAdminMultipleAutocompleteWidget):
    """Offers calendars by search; only the chosen ones are in the page."""

    # unfold's own sends "True" instead of the id of what is chosen.
    option_template_name = "django/forms/widgets/select_option.html"

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
