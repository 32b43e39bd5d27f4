"""A recurrence as one plain English sentence."""

from collections.abc import Mapping, Sequence
from typing import Any

from templates_app.recurrence.describe.closed import calendar_words
from templates_app.recurrence.describe.wording import upper_first
from templates_app.recurrence.describe.words import Manner, parts_of, words

LONGEST = 300
# How many items of a list are named, from the fullest telling to the shortest.
TELLINGS = (12, 6, 3, 1)


def sentence(
    document: Mapping[str, Any],
    avoid: Sequence[str] = (),
    keep_to: Sequence[str] = (),
    on_closed: str = "skip",
) -> str:
    """Say what a canonical document (`Recurrence.document`) names, for people.

    At most 300 characters, without a full stop, the time zone last: "At 09:00, on weekdays;
    Europe/Madrid". Long lists are summarised, never told wrongly. `avoid` and `keep_to` are the
    names of calendars ("public holidays in Spain"), `on_closed` is what happens to an occurrence
    on a closed time (a ClosedPolicy's value). The names are not escaped.
    """
    zones = {part["timezone"] for part in parts_of(document)}
    for most in TELLINGS:
        closed = calendar_words(avoid, keep_to, on_closed, most)
        told = words(document, Manner(most, mixed=len(zones) > 1), closed)
        text = f"{upper_first(told)}; {document['timezone']}"
        if len(text) <= LONGEST:
            return text
    return _shortest(document, calendar_words(avoid, keep_to, on_closed, 1))


def _shortest(document: Mapping[str, Any], closed: list[str]) -> str:
    inner = sum(1 for part in parts_of(document) if part["kind"] not in ("union", "except"))
    many = f"a combination of {inner} schedules" if inner > 1 else "a schedule of many parts"
    return f"{upper_first(', '.join([many, *closed]))}; {document['timezone']}"
