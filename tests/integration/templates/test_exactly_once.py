"""Many expanders at once over a week with clock changes, some killed: every occurrence once.

What must exist is worked out apart from the plans: by the wall clock, minute by minute, where that is
simple, else by a fresh parse of the recurrence.
"""

import random
import threading
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any
from zoneinfo import ZoneInfo

import pytest
from django.db import DatabaseError, InterfaceError, connection, transaction

from jobs.models import Job
from templates_app.expander import expand
from templates_app.models import SkippedOccurrence, Template
from templates_app.recurrence.parse import parse
from tests.factories.jobs import make_merchant
from tests.factories.templates import DAY, EXPANSION, HOUR, MINUTE, cron, every, make_template
from tests.integration.sessions import OtherSession
from tests.integration.templates.ticking import expand_until_calm

pytestmark = [pytest.mark.django_db(transaction=True), pytest.mark.slow]
ZONES = (
    "UTC",
    "Europe/Madrid",
    "America/New_York",
    "Australia/Lord_Howe",
    "America/Santiago",
    "Antarctica/Troll",
    "Pacific/Chatham",
    "Asia/Kolkata",
)
WEEKS = {
    # Madrid and Troll on 29 March; Lord Howe, Chatham and Santiago on 5 April.
    "spring in Europe, autumn in the south": datetime(2026, 3, 28, 12, tzinfo=UTC),
    # Madrid and Troll on 25 October, New York on 1 November.
    "autumn": datetime(2026, 10, 24, 20, tzinfo=UTC),
}
LASTS = 8 * DAY + 6 * HOUR
EXPANDERS = 5  # three expanders, and the doubled ticks of two beats
GENEROUS = {"misfire": "run_all", "misfire_limit": 10_000, "misfire_window": 31 * 86_400}


@dataclass(frozen=True)
class Named:
    """Wall times by hour and minute, and whether they are a repetition."""

    hours: frozenset[int]
    minutes: frozenset[int]
    repeats: bool
    expression: str

    def instants(self, zone: str, start: datetime, end: datetime) -> set[datetime]:
        """Walk every minute on the wall: shifted over a gap, twice in an overlap if it repeats."""
        info = ZoneInfo(zone)
        wall = (start - DAY).astimezone(info).replace(tzinfo=None, second=0)
        last = (end + DAY).astimezone(info).replace(tzinfo=None)
        found: set[datetime] = set()
        while wall <= last:
            if wall.hour in self.hours and wall.minute in self.minutes:
                passes = {wall.replace(tzinfo=info, fold=0).astimezone(UTC)}
                again = wall.replace(tzinfo=info, fold=1).astimezone(UTC)
                if self.repeats and again.astimezone(info).replace(tzinfo=None, fold=0) == wall:
                    passes.add(again)
                found |= passes
            wall += MINUTE
        return {at for at in found if start < at <= end}


BY_THE_WALL = (
    Named(frozenset(range(0, 24, 2)), frozenset({0, 30}), True, "*/30 */2 * * *"),
    Named(frozenset({2}), frozenset({30}), False, "30 2 * * *"),
    Named(frozenset({1, 2, 3}), frozenset({0, 15}), False, "0,15 1-3 * * *"),
)
BY_THE_PARSER: tuple[dict[str, Any], ...] = (
    every(20),
    every(90, "minutes"),
    every(11, "hours"),
    every(1, "days") | {"timezone": "Europe/Madrid", "anchor": "2026-01-01T02:30:00+01:00"},
    {"kind": "daily", "times": ["00:00", "02:15"], "timezone": "America/Santiago"},
    {
        "kind": "weekly",
        "weekdays": ["sa", "su", "we"],
        "times": ["02:30"],
        "timezone": "Europe/Madrid",
        "dst_overlap": "both",
    },
    {"kind": "monthly", "days": [1, 29, -1], "times": ["02:30"], "timezone": "Europe/Madrid"},
    {
        "kind": "rrule",
        "dtstart": "2026-01-01T01:30:00",
        "timezone": "America/New_York",
        "rules": ["FREQ=HOURLY;INTERVAL=5"],
    },
    {
        "kind": "union",
        "of": [cron("*/30 2 * * *", "Europe/Madrid"), cron("0 */2 * * *", "Europe/Madrid")],
    },
    {
        "kind": "except",
        "from": cron("0 * * * *", "Europe/Madrid"),
        "minus": cron("0 12 * * *", "Europe/Madrid"),
    },
    cron("H * * * *", "Australia/Lord_Howe"),
    every(1, "hours") | {"jitter": 1200},
    cron("30 2 * * *", "Europe/Madrid") | {"dst_gap": "gap_end", "dst_overlap": "second"},
)


class Clock:
    """One time for all sessions, moved on by whoever asks."""

    def __init__(self, start: datetime, end: datetime) -> None:
        self.now, self._end, self._lock = start, end, threading.Lock()

    def next(self, step: timedelta) -> datetime | None:
        with self._lock:
            self.now += step
            return self.now if self.now <= self._end else None


class Killed(Exception):
    """The expander's process died between two statements."""


@contextmanager
def dying_at(statement: int, die: Callable[[], None]) -> Iterator[None]:
    """Die before the given statement of this session."""
    left = statement

    def count(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        nonlocal left
        left -= 1
        if left == 0:
            die()
        return execute(sql, *rest)

    with connection.execute_wrapper(count):
        yield


def lose_the_connection() -> None:
    connection.connection.close()


def die() -> None:
    raise Killed


def tick_until_the_end(clock: Clock, seed: int) -> Counter[str]:
    """Tick at the shared time; now and then die in the middle, or right before the commit."""
    dice = random.Random(seed)
    told: Counter[str] = Counter()
    while (now := clock.next(timedelta(seconds=dice.uniform(30, 600)))) is not None:
        fate = dice.random()
        try:
            if fate < 0.03:
                with dying_at(dice.randint(1, 9), lose_the_connection):
                    expand(now, EXPANSION)
            elif fate < 0.06:
                with dying_at(dice.randint(1, 9), die):
                    expand(now, EXPANSION)
            elif fate < 0.09:
                with transaction.atomic():
                    expand(now, EXPANSION)
                    die()
            else:
                told["jobs"] += expand(now, EXPANSION).jobs
            told["lived"] += 1
        except (Killed, DatabaseError, InterfaceError):
            told["died"] += 1
            connection.close()
    return told


def finish_what_is_due(clock: Clock, done: threading.Event) -> None:
    """Stand in for populator and workers, so that finished jobs leave the plans."""
    while not done.wait(0.2):
        with transaction.atomic():
            due = Job.objects.filter(status="scheduled", scheduled_at__lte=clock.now)
            ids = list(due.select_for_update(skip_locked=True).values_list("id", flat=True))
            Job.objects.filter(id__in=ids).update(
                status="succeeded", attempt=1, started_at=clock.now, finalized_at=clock.now
            )


def templates_and_what_they_owe(start: datetime, end: datetime) -> dict[Template, set[datetime]]:
    merchants = [make_merchant() for _ in range(3)]
    owed: dict[Template, set[datetime]] = {}
    for number, zone in enumerate(ZONES):
        for named in BY_THE_WALL:
            template = make_template(
                recurrence=cron(named.expression, zone),
                merchant=merchants[number % 3],
                now=start,
                **GENEROUS,
            )
            owed[template] = named.instants(zone, start, end)
    for document in BY_THE_PARSER:
        template = make_template(recurrence=document, merchant=merchants[0], now=start, **GENEROUS)
        fresh = parse(document, seed=str(template.id))
        until = end + (fresh.jitter or timedelta(0))
        owed[template] = {
            at
            for one in fresh.occurrences(start, until)
            # What jitter delays past the creation was named before it, and is not the template's.
            if start < (at := one.scheduled.astimezone(UTC)) <= end
        }
    return owed


@pytest.mark.parametrize("start", WEEKS.values(), ids=WEEKS)
def test_every_occurrence_of_a_week_has_exactly_one_job(start: datetime) -> None:
    end = start + LASTS
    owed = templates_and_what_they_owe(start, end)
    clock, done = Clock(start, end), threading.Event()
    worker = OtherSession(lambda: finish_what_is_due(clock, done))
    crowd = [OtherSession(partial(tick_until_the_end, clock, seed)) for seed in range(EXPANDERS)]
    told: Counter[str] = sum((one.result(300) for one in crowd), Counter())
    done.set()
    worker.result()
    expand_until_calm(end)

    assert told["died"] > 20
    for template, moments in owed.items():
        jobs = Job.objects.filter(template_id=template.id, occurrence_at__lte=end)
        made = Counter(jobs.values_list("occurrence_at", flat=True))
        assert set(made) - moments == set(), template.recurrence
        assert moments - set(made) == set(), template.recurrence
        assert set(made.values()) <= {1}, template.recurrence
    assert not SkippedOccurrence.objects.exclude(cause="clock_change").exists()
    assert not Template.objects.exclude(set_aside_at=None).exists()
