"""The lines of an iCalendar file that matter, picked out before it is parsed.

Parsing 2 MiB of short lines takes half a minute, and a VTIMEZONE's rules have no bound at all. Only
the events' own times and names get through: no VTIMEZONE (zones are IANA's, by name), no alarms, no
descriptions, and no date that an event names twice.
"""

from collections import defaultdict
from collections.abc import Iterable, Iterator

from templates_app.calendars.parse import MOST_ENTRIES
from templates_app.recurrence.errors import RecurrenceError

BAD_ICS = "bad_ics"
MOST_BYTES = 2 * 1024 * 1024
# What parsing costs: a line as much as two values or parameters.
MOST_PIECES = 72_000
LINE_PIECES = 2
MOST_DATES = 20_000
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
DATES = frozenset({"RDATE", "EXDATE"})
# Lines that say what an event is without them.
DEFAULTS = {"SEQUENCE": ("0",), "STATUS": ("CONFIRMED", "TENTATIVE")}
VALUED = frozenset({"BEGIN", "END", *DEFAULTS})


def events_text(content: bytes) -> str:
    """Return a small iCalendar file with the events of a larger one.

    Raises RecurrenceError `bad_ics`; `too_many_entries` for more than 5,000 events or rules.
    """
    if len(content) > MOST_BYTES:
        raise _bad(f"The file is larger than {MOST_BYTES // 1024 // 1024} MiB.")
    try:
        text = _unfolded(content).decode("utf-8-sig")
    except UnicodeDecodeError:
        raise not_ics() from None
    lines = text.lstrip("\n").split("\n")
    if lines[0].strip().upper() != FIRST_LINE:
        raise not_ics()
    kept = "\n".join(_listed_once(_kept(lines)))
    if kept.count("\n") * LINE_PIECES + kept.count(",") + kept.count(";") > MOST_PIECES:
        raise _bad(
            "The events have too many lines, values and parameters.",
            hint="Split the file, or export fewer years.",
        )
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


def _unfolded(content: bytes) -> bytes:
    """Return the whole lines: RFC 5545 section 3.1 lets a fold cut through a character."""
    lines = content.replace(b"\r\n", b"\n").replace(b"\r", b"\n")
    return lines.replace(b"\n ", b"").replace(b"\n\t", b"")


def _kept(lines: list[str]) -> Iterator[tuple[str, str]]:
    """Yield the events' lines that matter, each with its property's name."""
    events = rules = inner = 0
    inside = False
    for line in filter(None, lines):
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
        if keeping and value not in DEFAULTS.get(name, ()):
            yield name, line
    if inside:
        raise _bad("The file ends within an event.")
    if not events:
        raise _bad("The file holds no events.")


def _listed_once(lines: Iterable[tuple[str, str]]) -> Iterator[str]:
    """Yield the lines, without the RDATEs and EXDATEs that an event has named before."""
    found = 0
    seen: dict[str, set[str]] = defaultdict(set)
    for name, line in lines:
        if name == "BEGIN":
            seen.clear()
        if name not in DATES:
            yield line
            continue
        head, colon, listed = line.rpartition(":")
        values = dict.fromkeys(value.strip() for value in listed.split(","))
        new = [value for value in values if value not in seen[head]]
        seen[head].update(new)
        found += len(new)
        if found > MOST_DATES:
            raise _bad(
                f"The events name more than {MOST_DATES:,} dates in RDATE and EXDATE.",
                hint="Export fewer years.",
            )
        if new:
            yield f"{head}{colon}{','.join(new)}"


def _split(line: str) -> tuple[str, str]:
    """Return a line's property name and, of a few, what follows its last colon; in capitals."""
    name = line.split(":", 1)[0].split(";", 1)[0].strip().upper()
    return name, line.rpartition(":")[2].strip().upper() if name in VALUED else ""


def _bad(message: str, *, hint: str | None = None) -> RecurrenceError:
    return RecurrenceError(BAD_ICS, "ics", message, hint=hint)


def not_ics() -> RecurrenceError:
    """Return the error for a file of another kind."""
    return RecurrenceError(
        BAD_ICS,
        "ics",
        "The file is not an iCalendar file (RFC 5545, in UTF-8).",
        hint="Export the calendar as .ics; the file begins with BEGIN:VCALENDAR.",
    )
