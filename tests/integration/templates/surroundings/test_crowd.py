"""A crowd changes templates, calendars and windows at once: the plans are those of the last."""

import random
import threading
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from jobs.models import Job
from jobs.operations.fields import InvalidFields
from templates_app.expander import expand, plan_again
from templates_app.models import Calendar, MaintenanceWindow, Template
from templates_app.operations.calendars import edit_calendar
from templates_app.operations.templates import (
    TemplateGone,
    create_template,
    delete_template,
    edit_template,
    pause_template,
    resume_template,
)
from templates_app.operations.windows import (
    TooManyWindows,
    WindowGone,
    create_window,
    delete_window,
    edit_window,
)
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import make_merchant
from tests.factories.templates import EXPANSION, MINUTE, NOW, every, make_calendar
from tests.integration.sessions import OtherSession
from tests.integration.templates.surroundings.kit import AT_NINE, NINE, body, skip_window
from tests.integration.templates.ticking import expand_until_calm

pytestmark = pytest.mark.django_db(transaction=True)
THREADS = 8
ROUNDS = 2
TURNS = 3
LOOKS = 50
STEP = timedelta(seconds=1)
PACES = (every(1), every(2), every(90, "seconds"), every(1, "hours"), AT_NINE)
CLOSINGS: tuple[dict[str, Any], ...] = (
    {"weekdays": ["sa", "su"]},
    {"weekdays": ["mo"]},
    {"hours": {"mo": [["12:03", "12:05"]]}},
    {"dates": [f"{NINE:%Y-%m-%d}"]},
    {"hours": {"mo": [["12:00", "13:30"]]}},
)


class Crowd:
    """Sessions that do, each by its own dice, what merchants, operators and the expander do."""

    def __init__(self, merchants: list[Merchant]) -> None:
        self._merchants = merchants
        self._turn, self._lock = 0, threading.Lock()

    def now(self) -> datetime:
        """Return the time for all sessions, a second later at each turn."""
        with self._lock:
            self._turn += 1
            return NOW + self._turn * STEP / 2

    def live(self, seed: int) -> int:
        """Take turns; return how many of them found their row."""
        dice = random.Random(seed)
        planning = [self._create, self._create, self._edit, self._steer, self._expand]
        changing = [self._calendar, self._calendar, self._window, self._window]
        done = 0
        for _ in range(TURNS):
            try:
                verb = dice.choice([*planning, *changing])
                with transaction.atomic():
                    verb(dice)
                    if verb in planning:
                        self._linger()
                done += 1
            except (TemplateGone, WindowGone, TooManyWindows, IndexError):
                continue
            except InvalidFields as refusal:
                if {one.code for one in refusal.problems} != {"unknown_template"}:
                    raise
        return done

    def _linger(self) -> None:
        """Let the others at what is not committed yet, for a few turns of theirs if they can."""
        turn = self._turn
        with connection.cursor() as cursor:
            for _ in range(LOOKS):
                if self._turn > turn + 3:
                    return
                cursor.execute("SELECT 1")

    def _create(self, dice: random.Random) -> None:
        shop = dice.choice(self._merchants)
        create_template(self._wanted(dice, shop), merchant=shop, now=self.now())

    def _edit(self, dice: random.Random) -> None:
        template = dice.choice(Template.objects.select_related("merchant").order_by("id"))
        edit_template(template, self._wanted(dice, template.merchant), now=self.now())

    def _steer(self, dice: random.Random) -> None:
        template = dice.choice(Template.objects.select_related("merchant").order_by("id"))
        if dice.random() < 0.4:
            delete_template(template, now=self.now())
        elif template.paused_at is None:
            pause_template(template, {}, now=self.now(), by=somebody("somebody"))
        else:
            resume_template(template, now=self.now())

    def _calendar(self, dice: random.Random) -> None:
        calendar = dice.choice(Calendar.objects.select_related("merchant").order_by("id"))
        edit_calendar(calendar, {"definition": dice.choice(CLOSINGS)}, now=self.now())

    def _window(self, dice: random.Random) -> None:
        now = self.now()
        fate = dice.random()
        start = now + dice.randint(0, 4) * MINUTE
        wanted = skip_window(start, start + dice.randint(1, 5) * MINUTE)
        wanted["mode"] = dice.choice(["skip", "hold"])
        if fate < 0.4:
            shop = dice.choice([None, *self._merchants])
            create_window(wanted, merchant=shop, now=now)
            return
        window = dice.choice(MaintenanceWindow.objects.select_related("merchant").order_by("id"))
        if fate < 0.6:
            delete_window(window, now=now)
        elif window.merchant is None:
            edit_window(window, wanted, now=now)
        else:
            own = Template.objects.of(window.merchant).order_by("id")
            chosen = dice.choice([None, *own.values_list("id", flat=True)])
            wanted["template_id"] = None if chosen is None else str(chosen)
            edit_window(window, wanted, now=now)

    def _expand(self, dice: random.Random) -> None:
        expand(self.now(), EXPANSION)

    def _wanted(self, dice: random.Random, shop: Merchant) -> dict[str, Any]:
        usable = list(Calendar.objects.usable_by(shop).order_by("id").values_list("id", flat=True))
        avoid = dice.sample(usable, dice.randint(0, 2))
        return body(recurrence=dice.choice(PACES), avoid=[str(one) for one in avoid])


def ahead(template: Template, after: datetime, until: datetime) -> set[tuple[Any, ...]]:
    """Return what the template has planned in a span: moments, times, notes."""
    rows = Job.objects.filter(
        template_id=template.pk, occurrence_at__gt=after, occurrence_at__lte=until
    )
    return set(rows.values_list("occurrence_at", "run_at", "occurrence_note", "status"))


def in_step_with(surroundings: datetime) -> int:
    """See that each template's plan is what it would be if it were made now; return how many are."""
    going = list(Template.objects.filter(active=True, paused_at=None))
    for template in going:
        assert template.expanded_to is not None
        found = ahead(template, surroundings, template.expanded_to)
        with transaction.atomic():
            Template.objects.filter(pk=template.pk).update(replan=True)
            plan_again([template.pk], surroundings, EXPANSION)
            fresh = ahead(template, surroundings, template.expanded_to)
            transaction.set_rollback(True)
        assert found == fresh, (template.recurrence, template.avoid)
    return len(going)


@pytest.mark.slow
def test_crowd_that_changes_everything_at_once_leaves_the_plans_of_its_last_surroundings() -> None:
    merchants = [make_merchant() for _ in range(2)]
    for shop in (None, *merchants):
        make_calendar(merchant=shop)
    crowd = Crowd(merchants)
    for seed in range(6):
        crowd._create(random.Random(seed))
    done = 0
    for number in range(ROUNDS):
        sessions = [
            OtherSession(partial(crowd.live, seed))
            for seed in range(number * THREADS, (number + 1) * THREADS)
        ]
        done += sum(one.result() for one in sessions)
        now = crowd.now()
        expand_until_calm(now)
        assert not Template.objects.filter(expansion_failures__gt=0).exists()
        assert in_step_with(now) > 2
        for template in Template.objects.exclude(paused_at=None):
            assert not Job.objects.filter(template_id=template.pk, status="scheduled").exists()
    assert done > ROUNDS * THREADS * TURNS / 2
