"""A template is written while its calendar or a window changes: the plan is that of both, once calm.

Whoever comes second waits or sees the first one's work; nobody waits for one another.
"""

import random
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from functools import partial
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.operations.fields import Fields, InvalidFields
from templates_app.expander import expand, plan_again
from templates_app.models import Calendar, MaintenanceWindow, Template
from templates_app.operations.calendars import (
    CalendarInUse,
    create_calendar,
    delete_calendar,
    edit_calendar,
)
from templates_app.operations.reading import read_calendar_ids
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
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.jobs import make_job, make_merchant
from tests.factories.templates import (
    DAY,
    EXPANSION,
    HOUR,
    MINUTE,
    NOOP,
    NOW,
    SECOND,
    cron,
    every,
    make_calendar,
    make_template,
    make_window,
)
from tests.integration.templates.ticking import (
    OtherSession,
    counted_statements,
    expand_until_calm,
    live,
    nominal,
    skipped,
    wait_until_it_waits_or_ends,
)

pytestmark = pytest.mark.django_db(transaction=True)
AT_NINE = cron("0 9 * * *")
NINE = NOW - 3 * HOUR + DAY
SOON = NOW + HOUR - 30 * SECOND
ONE = NOW + HOUR


@pytest.fixture
def shop() -> Merchant:
    return make_merchant()


@pytest.fixture
def calendar(shop: Merchant) -> Calendar:
    """Closed on weekends: tomorrow, a Tuesday, is open."""
    return make_calendar(merchant=shop)


@pytest.fixture
def bystander(shop: Merchant) -> Iterator[Template]:
    """Uses another calendar of the merchant, at a time that no window here covers: never replanned."""
    other = make_calendar(merchant=shop, name="Other")
    template = make_template(
        merchant=shop, recurrence=cron("30 20 * * *"), avoid=[str(other.pk)], name="Bystander"
    )
    before = list(Job.objects.filter(template_id=template.pk).values_list("id", flat=True))
    yield template
    assert list(Job.objects.filter(template_id=template.pk).values_list("id", flat=True)) == before


def body(**fields: Any) -> dict[str, Any]:
    return {"name": "Report", "recurrence": AT_NINE, **NOOP, **fields}


def skip_window(start: datetime, end: datetime, **fields: Any) -> dict[str, Any]:
    times = {"starts_at": start.isoformat(), "ends_at": end.isoformat()}
    return {"name": "Move", "mode": "skip", **times, **fields}


def create_avoiding(calendar: Calendar) -> Template:
    """Create a template of the calendar's merchant that avoids it."""
    shop = calendar.merchant
    assert shop is not None
    return create_template(body(avoid=[str(calendar.pk)]), merchant=shop, now=NOW)


def close_tomorrow(calendar: Calendar, now: datetime = NOW) -> Calendar:
    return edit_calendar(calendar, {"definition": {"dates": [f"{NINE:%Y-%m-%d}"]}}, now=now)


def skip_the_second(shop: Merchant | None, **fields: Any) -> MaintenanceWindow:
    """Create a window over the second of the next two runs of an hourly template."""
    wanted = skip_window(ONE + 50 * MINUTE, ONE + 90 * MINUTE, **fields)
    return create_window(wanted, merchant=shop, now=SOON)


def as_far_as_it_gets(theirs: Callable[[], Any]) -> OtherSession:
    """Carry out theirs in the other session until it waits for this one, or ends."""
    other = OtherSession(theirs)
    wait_until_it_waits_or_ends(other)
    return other


def meanwhile(mine: Callable[[], Any], theirs: Callable[[], Any]) -> tuple[Any, OtherSession]:
    """Carry out mine; before it is committed the other session gets as far as it can with theirs."""
    with transaction.atomic():
        answer = mine()
        other = as_far_as_it_gets(theirs)
    return answer, other


@contextmanager
def before_first(part: str, theirs: Callable[[], Any]) -> Iterator[None]:
    """Let the other session get as far as it can right before the first statement with `part` in it.

    At the end wait for it; what it raised comes out here.
    """
    others: list[OtherSession] = []

    def look(execute: Callable[..., Any], sql: str, *rest: Any) -> Any:
        if part in sql and not others:
            others.append(as_far_as_it_gets(theirs))
        return execute(sql, *rest)

    with connection.execute_wrapper(look):
        yield
    assert others, f"No statement had {part!r} in it."
    others[0].result()


class TestCalendars:
    def test_template_made_while_its_calendar_changes_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template, change = meanwhile(
            lambda: create_avoiding(calendar), lambda: close_tomorrow(calendar)
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_template_that_takes_up_a_calendar_while_that_changes_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template = make_template(merchant=shop, recurrence=AT_NINE)
        _, change = meanwhile(
            lambda: edit_template(template, {"keep_to": [str(calendar.pk)]}, now=NOW),
            lambda: edit_calendar(calendar, {"definition": {"weekdays": ["th"]}}, now=NOW),
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + 2 * DAY]

    def test_template_made_after_its_calendar_changed_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        _, creation = meanwhile(lambda: close_tomorrow(calendar), lambda: create_avoiding(calendar))
        template = creation.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_platforms_calendar_that_changes_reaches_a_template_that_is_being_made(
        self, shop: Merchant, bystander: Template
    ) -> None:
        shared = make_calendar(merchant=None)
        within = make_calendar(merchant=shop, definition={}, includes=[shared.pk])
        template, change = meanwhile(
            lambda: create_avoiding(within), lambda: close_tomorrow(shared)
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_calendar_is_in_use_by_a_template_that_is_being_made(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template, deletion = meanwhile(
            lambda: create_avoiding(calendar), lambda: delete_calendar(calendar)
        )
        with pytest.raises(CalendarInUse, match='1 template \\("Report"\\)'):
            deletion.result()
        assert edit_template(template, {"name": "Still editable"}, now=NOW).avoid == [calendar.pk]

    def test_template_cannot_take_up_a_calendar_that_is_being_deleted(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        _, creation = meanwhile(
            lambda: delete_calendar(calendar), lambda: create_avoiding(calendar)
        )
        with pytest.raises(InvalidFields, match="not a calendar that you can use"):
            creation.result()
        assert Template.objects.count() == 1

    def test_platforms_calendar_is_in_use_by_a_merchants_that_is_being_made(
        self, shop: Merchant, bystander: Template
    ) -> None:
        shared = make_calendar(merchant=None)
        _, deletion = meanwhile(
            lambda: create_calendar(
                {"name": "Ours", "includes": [str(shared.pk)]}, merchant=shop, now=NOW
            ),
            lambda: delete_calendar(shared),
        )
        with pytest.raises(CalendarInUse, match='1 calendar \\("Ours"\\)'):
            deletion.result()

    def test_two_calendars_cannot_come_to_include_one_another(
        self, shop: Merchant, bystander: Template
    ) -> None:
        one, other = (make_calendar(merchant=shop, name=name) for name in ("One", "Two"))
        _, second = meanwhile(
            lambda: edit_calendar(one, {"includes": [str(other.pk)]}, now=NOW),
            lambda: edit_calendar(other, {"includes": [str(one.pk)]}, now=NOW),
        )
        with pytest.raises(InvalidFields, match="circle"):
            second.result()


class TestWindows:
    def test_template_made_while_a_window_is_made_has_no_run_in_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template, window = meanwhile(
            lambda: create_template(body(), merchant=shop, now=NOW),
            lambda: create_window(skip_window(NINE - HOUR, NINE + HOUR), merchant=shop, now=NOW),
        )
        window.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]
        assert skipped(template, "window") == [(NINE, NINE, 1)]

    @pytest.mark.parametrize("whose", ["the merchant's", "the template's", "the platform's"])
    def test_run_that_an_expander_is_planning_is_not_in_a_window_that_is_made(
        self, shop: Merchant, bystander: Template, whose: str
    ) -> None:
        template = make_template(merchant=shop)
        assert nominal(template) == [ONE]
        mine = {"template_id": str(template.pk)} if whose == "the template's" else {}
        owner = None if whose == "the platform's" else shop
        step, window = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: skip_the_second(owner, **mine)
        )
        assert step.jobs == 1
        window.result()
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_expander_that_comes_after_a_window_plans_nothing_in_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        make_template(merchant=shop)
        _, step = meanwhile(lambda: skip_the_second(shop), lambda: expand(SOON, EXPANSION))
        assert step.result().templates == 1
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_run_that_an_expander_is_planning_is_not_in_a_window_that_is_moved(
        self, shop: Merchant, bystander: Template
    ) -> None:
        make_template(merchant=shop)
        window = make_window(
            starts_at=NOW + 2 * DAY, ends_at=NOW + 3 * DAY, merchant=shop, mode="skip"
        )
        to = skip_window(ONE + 50 * MINUTE, ONE + 90 * MINUTE)
        step, edit = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: edit_window(window, to, now=SOON)
        )
        assert step.jobs == 1
        edit.result()
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_run_that_an_expander_skips_for_a_window_runs_when_that_is_deleted(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        window = make_window(
            starts_at=ONE + 50 * MINUTE, ends_at=ONE + 90 * MINUTE, merchant=shop, mode="skip"
        )
        step, deletion = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: delete_window(window, now=SOON)
        )
        assert step.skipped == 1
        deletion.result()
        assert live(SOON, ONE + HOUR) == [ONE, ONE + HOUR]
        assert skipped(template) == []

    def test_window_cannot_be_given_to_a_template_that_is_being_deleted(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        mine = {"template_id": str(template.pk)}
        _, creation = meanwhile(
            lambda: delete_template(template, now=NOW),
            lambda: create_window(skip_window(ONE, ONE + HOUR, **mine), merchant=shop, now=NOW),
        )
        with pytest.raises(InvalidFields, match="is not the id of a template of yours"):
            creation.result()

    def test_window_goes_with_its_template_while_somebody_edits_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        window = make_window(
            starts_at=ONE, ends_at=ONE + HOUR, merchant=shop, template_id=template.pk
        )
        _, edit = meanwhile(
            lambda: delete_template(template, now=NOW),
            lambda: edit_window(window, {"name": "Late"}, now=NOW),
        )
        with pytest.raises(WindowGone):
            edit.result()
        assert not MaintenanceWindow.objects.exists()

    def test_second_of_two_edits_of_a_window_keeps_what_the_first_one_changed(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop, recurrence=AT_NINE)
        window = make_window(
            starts_at=NINE + HOUR, ends_at=NINE + 2 * HOUR, merchant=shop, mode="skip"
        )
        _, second = meanwhile(
            lambda: edit_window(window, {"starts_at": (NINE - HOUR).isoformat()}, now=NOW),
            lambda: edit_window(window, {"name": "Two"}, now=NOW),
        )
        second.result()
        expand_until_calm(NOW)
        stored = MaintenanceWindow.objects.get()
        assert (stored.name, stored.starts_at) == ("Two", NINE - HOUR)
        assert nominal(template) == [NINE + DAY]


class TestDeadlocks:
    def window_of(self, template: Template) -> MaintenanceWindow:
        """Store a window that skips the template's run of the day after tomorrow."""
        return make_window(
            starts_at=NINE + DAY - HOUR,
            ends_at=NINE + DAY + HOUR,
            merchant=template.merchant,
            template_id=template.pk,
            mode="skip",
        )

    def test_calendar_changes_while_the_populator_records_a_skipped_overlap(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        """The populator holds the job and refers to the template; the change wants both."""
        template = make_template(merchant=shop, overlap="skip", avoid=[str(calendar.pk)])
        make_job(template_id=template.pk, occurrence_at=NOW, status="running", merchant=shop)
        insert = "INSERT INTO templates_app_skippedoccurrence"
        with before_first(insert, lambda: close_tomorrow(calendar, now=ONE)):
            assert lifecycle.settle_overlaps(now=ONE, limit=100).skipped == 1
        assert skipped(template, "overlap") == [(ONE, ONE, 1)]

    def test_window_moves_to_another_template_while_a_calendar_of_both_changes(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        first, second = (create_avoiding(calendar) for _ in range(2))
        window = self.window_of(second)
        looked_up = 'FROM "templates_app_maintenancewindow"'
        with before_first(looked_up, lambda: close_tomorrow(calendar)):
            edit_window(window, {"template_id": str(first.pk)}, now=NOW)
        expand_until_calm(NOW)
        assert nominal(first) == [NINE + 2 * DAY]
        assert nominal(second) == [NINE + DAY]

    @pytest.mark.parametrize(
        "verb",
        [
            lambda row: edit_template(row, {"name": "Anew"}, now=NOW),
            lambda row: pause_template(row, {}, now=NOW, by="somebody"),
            lambda row: resume_template(row, now=NOW),
            lambda row: delete_template(row, now=NOW),
        ],
        ids=["edit", "pause", "resume", "delete"],
    )
    def test_one_transaction_may_change_several_templates_while_their_calendar_changes(
        self,
        shop: Merchant,
        calendar: Calendar,
        bystander: Template,
        verb: Callable[[Template], Any],
    ) -> None:
        first, second = (create_avoiding(calendar) for _ in range(2))
        with transaction.atomic():
            verb(second)
            change = as_far_as_it_gets(lambda: close_tomorrow(calendar))
            verb(first)
        change.result()
        expand_until_calm(NOW)
        waiting = Job.objects.filter(template_id__in=[first.pk, second.pk], status="scheduled")
        assert not waiting.filter(occurrence_at=NINE).exists()

    def test_window_that_moves_marks_both_its_templates_in_one_statement(
        self, shop: Merchant, bystander: Template
    ) -> None:
        first, second = (make_template(merchant=shop, recurrence=AT_NINE) for _ in range(2))
        wanted = skip_window(NINE - HOUR, NINE + HOUR, template_id=str(second.pk))
        window = create_window(wanted, merchant=shop, now=NOW)
        assert nominal(second) == [NINE + DAY]
        with counted_statements() as sent:
            edit_window(window, {"template_id": str(first.pk)}, now=NOW)
        assert sum("SET replan = true" in one for one in sent) == 1
        assert nominal(first) == [NINE + DAY]
        assert nominal(second) == [NINE]

    def test_window_that_becomes_the_merchants_marks_its_template_with_the_others(
        self, shop: Merchant, bystander: Template
    ) -> None:
        owner, other = (make_template(merchant=shop, recurrence=AT_NINE) for _ in range(2))
        window = self.window_of(owner)
        to = skip_window(NINE - HOUR, NINE + HOUR, template_id=None)
        with counted_statements() as sent:
            edit_window(window, to, now=NOW)
        assert sum("SET replan = true" in one for one in sent) == 1
        assert nominal(owner) == nominal(other) == [NINE + DAY]


class TestWaiting:
    """Who changes the surroundings makes everybody wait: for as little as can be."""

    REFUSED: tuple[Callable[[Merchant], Any], ...] = (
        lambda shop: create_calendar({"name": ""}, merchant=shop, now=NOW),
        lambda shop: edit_calendar(Calendar(merchant=shop), {"definition": 1}, now=NOW),
        lambda shop: create_window({"name": "Night", "recurrence": 1}, merchant=shop, now=NOW),
        lambda shop: edit_window(
            MaintenanceWindow(merchant=shop, starts_at=NOW, ends_at=ONE, name="Old"),
            {"mode": "nonsense"},
            now=NOW,
        ),
    )

    @pytest.mark.parametrize("change", REFUSED, ids=["calendar", "its edit", "window", "its edit"])
    def test_what_is_refused_waits_for_nobody(
        self, shop: Merchant, bystander: Template, change: Callable[[Merchant], Any]
    ) -> None:
        with transaction.atomic():
            create_template(body(), merchant=shop, now=NOW)
            refused = OtherSession(lambda: change(shop))
            with pytest.raises(InvalidFields):
                refused.result()

    def test_those_who_plan_do_not_wait_for_one_another(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        with transaction.atomic():
            assert expand(SOON, EXPANSION).templates == 1
            made = OtherSession(lambda: create_template(body(), merchant=shop, now=NOW)).result()
            edit = OtherSession(lambda: edit_template(made, {"name": "Anew"}, now=NOW))
            assert edit.result().name == "Anew"
        assert nominal(template) == [ONE, ONE + HOUR]


class TestVanishedCalendars:
    """Rows of before the lock may name a calendar that is gone."""

    def test_id_that_is_stored_already_is_not_looked_for_again(self, calendar: Calendar) -> None:
        gone, shop = new_id(), calendar.merchant
        fields = Fields({"avoid": [str(gone), str(calendar.pk)]}, ("avoid",))
        found = read_calendar_ids(fields, "avoid", shop, kept=[gone])
        assert (found, fields.problems) == ([gone, calendar.pk], [])

    def test_id_that_is_added_is_refused_when_there_is_no_such_calendar(
        self, calendar: Calendar
    ) -> None:
        gone, other = new_id(), new_id()
        fields = Fields({"avoid": [str(gone), str(other)]}, ("avoid",))
        read_calendar_ids(fields, "avoid", calendar.merchant, kept=[gone])
        assert [problem.code for problem in fields.problems] == ["unknown_calendar"]
        assert str(other) in fields.problems[0].detail

    def test_calendar_that_includes_one_that_is_gone_can_be_edited(
        self, shop: Merchant, calendar: Calendar
    ) -> None:
        gone = new_id()
        holder = make_calendar(merchant=shop, includes=[gone])
        assert edit_calendar(holder, {"name": "Anew"}, now=NOW).includes == [gone]
        more = {"includes": [str(gone), str(calendar.pk)]}
        assert edit_calendar(holder, more, now=NOW).includes == [gone, calendar.pk]
        with pytest.raises(InvalidFields, match="not a calendar that you can use"):
            edit_calendar(holder, {"includes": [str(new_id())]}, now=NOW)
        assert edit_calendar(holder, {"includes": []}, now=NOW).includes == []


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
            pause_template(template, {}, now=self.now(), by="somebody")
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
