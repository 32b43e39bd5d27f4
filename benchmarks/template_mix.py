"""A realistic mix of recurrences: what a million templates of many merchants look like."""

import random
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

Document = dict[str, Any]

ZONES = (
    "UTC",
    "Europe/Madrid",
    "Europe/London",
    "America/New_York",
    "America/Sao_Paulo",
    "Asia/Kolkata",
    "Asia/Tokyo",
    "Australia/Sydney",
)
WEEKDAYS = ("mo", "tu", "we", "th", "fr", "sa", "su")
# How far back an RRULE's DTSTART lies at most.
YEARS_BACK = 10


@dataclass(frozen=True, kw_only=True)
class Entry:
    """One recurrence of the mix; `with_calendar`: its template keeps off closed days."""

    kind: str
    document: Document
    with_calendar: bool = False


def mix(size: int, *, now: datetime) -> list[Entry]:
    """Return so many entries, the same on each call: every prefix has about the shares of all."""
    chance = random.Random(20_260_601)
    kinds = [kind for kind, (share, _) in SHARES.items() for _ in range(share)]
    entries: list[Entry] = []
    while len(entries) < size:
        chance.shuffle(kinds)
        entries += [_entry(kind, chance, now) for kind in kinds]
    return entries[:size]


def _entry(kind: str, chance: random.Random, now: datetime) -> Entry:
    _, build = SHARES[kind]
    return Entry(
        kind=kind, document=build(chance, now), with_calendar=kind == "weekday cron with calendar"
    )


def _zone(chance: random.Random) -> str:
    return chance.choice(ZONES)


def _at(chance: random.Random) -> str:
    return f"{chance.randrange(24):02}:{chance.randrange(60):02}"


def _cron(expression: str, chance: random.Random) -> Document:
    return {"kind": "cron", "expression": expression, "timezone": _zone(chance)}


def _daily(chance: random.Random, now: datetime) -> Document:
    return _cron(f"{chance.randrange(60)} {chance.randrange(24)} * * *", chance)


def _hourly(chance: random.Random, now: datetime) -> Document:
    return _cron(f"{chance.randrange(60)} * * * *", chance)


def _weekday(chance: random.Random, now: datetime) -> Document:
    return _cron(f"{chance.randrange(60)} {chance.randrange(6, 20)} * * MON-FRI", chance)


def _form(chance: random.Random, now: datetime) -> Document:
    if chance.random() < 0.6:
        weekdays = sorted(chance.sample(WEEKDAYS, chance.randint(1, 3)), key=WEEKDAYS.index)
        own: Document = {"kind": "weekly", "weekdays": weekdays}
    elif chance.random() < 0.7:
        own = {"kind": "monthly", "days": [chance.choice((1, 5, 15, 28, -1))]}
    else:
        own = {"kind": "monthly", "nth": [f"{chance.choice((1, 2, -1))}{chance.choice(WEEKDAYS)}"]}
    return {**own, "times": [_at(chance)], "timezone": _zone(chance)}


def _interval(chance: random.Random, now: datetime) -> Document:
    anchor = now - timedelta(seconds=chance.randrange(86_400 * 30))
    return {
        "kind": "interval",
        "every": chance.choice((10, 15, 20, 30, 45, 90, 240)),
        "unit": "minutes",
        "anchor": anchor.replace(microsecond=0).isoformat(),
        "timezone": "UTC",
    }


def rule_of(chance: random.Random) -> str:
    """Return one RRULE of those that people's calendars hold, daily or longer."""
    day = chance.choice(WEEKDAYS).upper()
    return chance.choice(
        (
            "FREQ=DAILY",
            f"FREQ=DAILY;INTERVAL={chance.randint(2, 14)}",
            f"FREQ=WEEKLY;BYDAY={day}",
            f"FREQ=WEEKLY;INTERVAL=2;BYDAY={day},FR",
            "FREQ=WEEKLY;BYDAY=MO,TU,WE,TH,FR",
            f"FREQ=MONTHLY;BYMONTHDAY={chance.randint(1, 28)}",
            f"FREQ=MONTHLY;BYDAY={chance.choice((1, 2, 3, -1))}{day}",
            "FREQ=MONTHLY;BYDAY=MO,TU,WE,TH,FR;BYSETPOS=-1",
            f"FREQ=YEARLY;BYMONTH={chance.randint(1, 12)};BYMONTHDAY={chance.randint(1, 28)}",
        )
    )


def _rrule(chance: random.Random, now: datetime) -> Document:
    start = now - timedelta(minutes=chance.randrange(YEARS_BACK * 525_600))
    return {
        "kind": "rrule",
        "dtstart": start.replace(tzinfo=None, second=0, microsecond=0).isoformat(),
        "timezone": _zone(chance),
        "rules": [rule_of(chance)],
    }


# In per cent.
SHARES: dict[str, tuple[int, Callable[[random.Random, datetime], Document]]] = {
    "daily cron": (40, _daily),
    "hourly cron": (30, _hourly),
    "weekly and monthly forms": (10, _form),
    "rrule, up to ten years old": (10, _rrule),
    "interval of minutes": (5, _interval),
    "weekday cron with calendar": (5, _weekday),
}


def questions(count: int, *, now: datetime) -> Iterator[Document]:
    """Yield lines for `manage.py occurrences`: the mix, asked at spread times."""
    chance = random.Random(545)
    for number, entry in enumerate(mix(count, now=now)):
        after = now + timedelta(minutes=chance.randrange(5 * 525_600))
        yield {
            "id": number,
            "recurrence": entry.document,
            "after": after.isoformat(),
            "count": chance.randint(1, 5),
        }
