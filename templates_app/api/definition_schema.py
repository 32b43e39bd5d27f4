"""The JSON of calendars' definitions for the OpenAPI document: a component that refers to itself.

What is accepted is decided in `templates_app.calendars`; a test holds stored documents against this.
"""

from typing import Final

from templates_app.api.json_schema import WEEKDAYS, Schema, list_of, ref, text

_SPAN_NAME: Final = text("Told to people as the reason.", maxLength=200)
_DEFINITION: Final[Schema] = {
    "type": "object",
    "description": "The times that are in the calendar: all parts together, less `except`.",
    "additionalProperties": False,
    "examples": [
        {"holidays": [{"country": "ES", "region": "MD"}], "weekdays": ["sa", "su"]},
        {"hours": {"mo": [["09:00", "17:30"]], "tu": [["09:00", "17:30"]]}},
        {"dates": [{"every_year": "12-24", "name": "Christmas Eve"}, "2026-05-02"]},
    ],
    "properties": {
        "holidays": list_of(
            {
                "type": "object",
                "properties": {
                    "country": text("ISO 3166."),
                    "region": text("A subdivision of the country."),
                    "market": text("Instead of a country: an exchange such as XNYS."),
                    "categories": list_of({"type": "string"}, "`public` unless given."),
                },
                "additionalProperties": False,
            },
            "Public holidays by country and region, or of a market.",
        ),
        "dates": list_of(
            {
                "oneOf": [
                    {"type": "string", "format": "date"},
                    {
                        "type": "object",
                        "properties": {
                            "date": text("One day."),
                            "from": text("The first day."),
                            "to": text("The last day; MM-DD after `every_year`."),
                            "every_year": text("MM-DD."),
                            "name": _SPAN_NAME,
                        },
                        "additionalProperties": False,
                    },
                ]
            },
            "Whole days: one, a range, or one of every year.",
        ),
        "hours": {
            "type": "object",
            "description": "Times of weekdays, each [start, end); an end before its start is on the "
            "next day.",
            "properties": {
                day: {
                    "type": "array",
                    "items": {
                        "type": "array",
                        "items": {"type": "string"},
                        "minItems": 2,
                        "maxItems": 2,
                    },
                }
                for day in WEEKDAYS
            },
            "additionalProperties": False,
        },
        "weekdays": list_of({"enum": WEEKDAYS}, "Whole weekdays."),
        "spans": list_of(
            {
                "type": "object",
                "required": ["from", "to"],
                "properties": {
                    "from": text("Local to the template's time zone, or with an offset."),
                    "to": text("Not included."),
                    "name": _SPAN_NAME,
                },
                "additionalProperties": False,
            },
            "From a minute to a minute.",
        ),
        "any_of": list_of(ref("CalendarDefinition"), "Definitions that belong to it as well."),
        "except": {
            **ref("CalendarDefinition"),
            "description": "What is not in the calendar after all.",
        },
    },
}

DEFINITION: Final = ref("CalendarDefinition")
COMPONENTS: Final[dict[str, Schema]] = {"CalendarDefinition": _DEFINITION}
