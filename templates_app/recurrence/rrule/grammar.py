"""From the text of an RRULE to its parts (RFC 5545 section 3.3.10, RFC 7529 section 4)."""

from collections.abc import Callable
from functools import lru_cache
from typing import Any, NoReturn

from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.rrule import values
from templates_app.recurrence.rrule.combinations import MOST_COUNT, check
from templates_app.recurrence.rrule.frequency import FREQUENCIES, Frequency
from templates_app.recurrence.rrule.moments import read_until
from templates_app.recurrence.rrule.parts import Parts
from templates_app.recurrence.shown import quoted

LONGEST_TEXT = 6_500
_LONGEST_REMEMBERED = 400  # characters; the few longer rules would fill the memory
_LONGEST_INTERVAL = 1_000_000_000
_FIELDS = {"COUNT": "total"}
_PREFIXES = ("RRULE:", "EXRULE:")


def parse_parts(text: str) -> Parts:
    """Return the checked parts of a rule, given with or without `RRULE:`.

    Names and values may be in any case, parts in any order; one `;` may trail, as Google
    Calendar writes it. Raises `RecurrenceError`, whose `field` is the part's name, or `rrule`.
    """
    return _read(text) if len(text) <= _LONGEST_REMEMBERED else _read.__wrapped__(text)


@lru_cache(maxsize=4_096)
def _read(text: str) -> Parts:
    body = _body(text)
    found: dict[str, Any] = {}
    byday = None
    for piece in body.split(";"):
        name, equals, value = piece.partition("=")
        name = name.upper()
        read = _READERS.get(name)
        if read is None or not equals:
            raise _unknown(text, piece, name)
        if name in found or (name == "BYDAY" and byday is not None):
            raise RecurrenceError(
                "duplicate_part", name, f"{name} is given twice.", hint="Join them in one."
            )
        try:
            if name == "BYDAY" and value:
                byday = value.upper()
            else:
                found[name] = read(name, value) if value else _no_value(name)
        except RecurrenceError as fault:
            raise _placed(fault, text, piece) from None
    return _assemble(text, found, byday)


def _body(text: str) -> str:
    if len(text) > LONGEST_TEXT:
        raise RecurrenceError(
            "too_long", "rrule", f"The rule has {len(text):,} characters; at most {LONGEST_TEXT:,}."
        )
    body = text.strip()
    if body[:7].upper().startswith(_PREFIXES):
        body = body[body.index(":") + 1 :]
    if not body:
        raise RecurrenceError(
            "empty", "rrule", "The recurrence rule is empty.", hint="Example: FREQ=DAILY;INTERVAL=2"
        )
    if not body.isascii():
        position = next(i for i, character in enumerate(text) if not character.isascii())
        raise RecurrenceError(
            "bad_character",
            "rrule",
            f'"{text[position]}" cannot be part of a rule; only plain letters and digits can.',
            position=position,
        )
    return body.removesuffix(";")


def _assemble(text: str, found: dict[str, Any], byday: str | None) -> Parts:
    if "FREQ" not in found:
        raise RecurrenceError(
            "missing_freq", "FREQ", "A rule needs FREQ.", hint="Example: FREQ=DAILY"
        )
    fields = {_FIELDS.get(name) or name.lower(): value for name, value in found.items()}
    if byday is not None:
        yearly = found["FREQ"] is Frequency.YEARLY and "BYMONTH" not in found
        try:
            fields["byday"] = values.weekdays(byday, 53 if yearly else 5)
        except RecurrenceError as fault:
            raise _placed(fault, text, "BYDAY=") from None
    if "BYSECOND" in found and 59 in found["BYSECOND"]:
        fields["leap_second"] = "60" in _value_of(text, "BYSECOND").split(",")
    parts = Parts(**fields)
    try:
        check(parts)
    except RecurrenceError as fault:
        raise _placed(fault, text, f"{fault.field}=") from None
    return parts


def _no_value(name: str) -> NoReturn:
    raise RecurrenceError("empty_value", name, f"{name} has no value.")


def _value_of(text: str, name: str) -> str:
    _, _, rest = text.upper().partition(f"{name}=")
    return rest.partition(";")[0].strip()


def _unknown(text: str, piece: str, name: str) -> RecurrenceError:
    position = text.find(piece) if piece else None
    if name in _READERS:
        return RecurrenceError(
            "empty_value", name, f'{name} has no value; write "{name}=...".', position=position
        )
    if not piece:
        return RecurrenceError(
            "empty_part", "rrule", "The rule has an empty part.", hint='Drop a ";".'
        )
    return RecurrenceError(
        "unknown_part", "rrule", f"{quoted(name)} is not a rule part.", position=position
    )


def _placed(fault: RecurrenceError, text: str, piece: str) -> RecurrenceError:
    """Return the fault with the position of the part's value in the text."""
    start = text.upper().find(piece.upper())
    return RecurrenceError(
        fault.code,
        fault.field,
        fault.message,
        hint=fault.hint,
        position=start + piece.index("=") + 1 if start >= 0 else None,
    )


def _frequency(part: str, value: str) -> Frequency:
    freq = FREQUENCIES.get(value.upper())
    if freq is None:
        names = ", ".join(FREQUENCIES)
        raise RecurrenceError(
            "bad_value", part, f"{quoted(value)} is not a frequency.", hint=f"Use {names}."
        )
    return freq


def _scale(part: str, value: str) -> str:
    if value.upper() != "GREGORIAN":
        raise RecurrenceError(
            "unsupported_calendar",
            part,
            f"The calendar {quoted(value)} is not supported; only GREGORIAN is.",
        )
    return "GREGORIAN"


def _skip(part: str, value: str) -> str:
    skip = value.upper()
    if skip not in {"OMIT", "BACKWARD", "FORWARD"}:
        raise RecurrenceError(
            "bad_value", part, f"{quoted(value)} is not OMIT, BACKWARD or FORWARD."
        )
    return skip


_READERS: dict[str, Callable[[str, str], Any]] = {
    "FREQ": _frequency,
    "INTERVAL": lambda part, value: values.whole_number(part, value, _LONGEST_INTERVAL),
    "COUNT": lambda part, value: values.whole_number(part, value, MOST_COUNT),
    "UNTIL": read_until,
    "BYDAY": lambda part, value: value,
    "WKST": lambda part, value: values.weekday(part, value.upper()),
    "RSCALE": _scale,
    "SKIP": _skip,
    **dict.fromkeys(values.NUMBERS, values.numbers),
}
