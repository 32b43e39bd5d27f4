"""The lines of an iCalendar file that matter, picked out before it is parsed.

Parsing 2 MiB of short lines takes half a minute, and a VTIMEZONE's rules have no bound at all. Only the events' own times and names get through: no VTIMEZONE (zones are IANA's, by
name), no alarms, no descriptions.
"""

from collections.abc import Iterator

from templates_app.calendars.parse import MOST_ENTRIES
from templates_app.recurrence.errors import RecurrenceError

BAD_ICS = "bad_ics"
MOST_BYTES = 2 * 1024 * 1024
# Lines, values and parameters together: what parsing costs.
MOST_PIECES = 100_000
FIRST_LINE = "BEGIN:VCALENDAR"
EVENT = "VEVENT"
KEPT = frozenset(
    [
        "UID",
        "SEQUENCE",
        "SUMMARY",
        "STATUS",
        "DTSTART",
        "DTEND",
        "DURATION",
        "RRULE",
        "EXRULE",
        "RDATE",
        "EXDATE",
        "RECURRENCE-ID",
    ]
)
RULES = frozenset({"RRULE", "EXRULE"})


def events_text(content: bytes) -> str:
    """Return a small iCalendar file with the events of a larger one.

    Raises RecurrenceError `bad_ics`; `too_many_entries` for more than 5,000 events or rules.
    """
    if len(content) > MOST_BYTES:
        raise _bad(f"The file is larger than {MOST_BYTES // 1024 // 1024} MiB.")
    try:
        text = content.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_ics() from None
    lines = text.replace("\r\n", "\n").replace("\r", "\n").lstrip("\n").split("\n")
    if lines[0].strip().upper() != FIRST_LINE:
        raise not_ics()
    kept = "\n".join(_kept(lines))
    if sum(map(kept.count, "\n,;")) > MOST_PIECES:
        raise _bad(f"The events have more than {MOST_PIECES:,} lines, values and parameters.")
    return f"{FIRST_LINE}\n{kept}\nEND:VCALENDAR\n"


def check_size(found: int) -> None:
    """Raise RecurrenceError `too_many_entries` above 5,000."""
    if found > MOST_ENTRIES:
        raise RecurrenceError(
            "too_many_entries",
            "ics",
            f"The file has more than {MOST_ENTRIES:,} events, counting each repetition.",
            hint="Split it, or write what repeats as weekly hours or days of every year.",
        )


def _kept(lines: list[str]) -> Iterator[str]:
    events = rules = inner = 0
    inside = keeping = False
    for line in lines:
        if line[:1] in (" ", "\t"):
            if keeping:
                yield line
            continue
        name, value = _split(line)
        keeping = inside and not inner and name in KEPT
        if name == "BEGIN" and inside:
            inner += 1
        elif name == "END" and inner:
            inner -= 1
        elif name in ("BEGIN", "END") and value == EVENT:
            inside, keeping = name == "BEGIN", True
            events += inside
        rules += keeping and name in RULES
        check_size(max(events, rules))
        if keeping:
            yield line
    if inside:
        raise _bad("The file ends within an event.")
    if not events:
        raise _bad("The file holds no events.")


def _split(line: str) -> tuple[str, str]:
    """Return a line's property name and what follows its last colon, both in capitals."""
    name = line.split(":", 1)[0].split(";", 1)[0].strip().upper()
    return name, line.rpartition(":")[2].strip().upper() if name in ("BEGIN", "END") else ""


def _bad(message: str) -> RecurrenceError:
    return RecurrenceError(BAD_ICS, "ics", message)


def not_ics() -> RecurrenceError:
    """Return the error for a file of another kind."""
    return RecurrenceError(
        BAD_ICS,
        "ics",
        "The file is not an iCalendar file (RFC 5545, in UTF-8).",
        hint="Export the calendar as .ics; the file begins with BEGIN:VCALENDAR.",
    )
