"""Calendars that a template avoids or keeps to, in words."""

from collections.abc import Sequence

from templates_app.recurrence.describe.wording import listed

MOVES = {
    "next_open": "at the next open time",
    "previous_open": "at the last open time before",
    "next_business_day": "on the next business day",
    "previous_business_day": "on the business day before",
}
LONGEST_NAME = 60


def calendar_words(
    avoid: Sequence[str], keep_to: Sequence[str], on_closed: str, most: int
) -> list[str]:
    """Return "only during business hours" and "except public holidays in Spain (then on …)"."""
    found = []
    if keep_to:
        found.append(f"only during {_names(keep_to, most, 'and')}")
    if avoid:
        found.append(f"except {_names(avoid, most, 'and')}")
    if found and on_closed in MOVES:
        found[-1] += f" ({'otherwise' if keep_to else 'then'} {MOVES[on_closed]})"
    return found


def _names(names: Sequence[str], most: int, joint: str) -> str:
    shown = [_short(name) for name in names]
    if len(shown) > most:
        shown = [*shown[:most], f"{len(names) - most} more"]
    return listed(shown, joint)


def _short(name: str) -> str:
    return name if len(name) <= LONGEST_NAME else f"{name[: LONGEST_NAME - 1]}…"
