"""Whoever changes calendars and windows at once: nobody waits for one another, or without need."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from django.db import connection, transaction

from jobs import lifecycle
from jobs.models import Job
from jobs.operations.fields import InvalidFields
from templates_app.expander import expand
from templates_app.models import Calendar, MaintenanceWindow, Template
from templates_app.operations.calendars import create_calendar, edit_calendar
from templates_app.operations.templates import (
    create_template,
    delete_template,
    edit_template,
    pause_template,
    resume_template,
)
from templates_app.operations.windows import create_window, edit_window
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import make_job
from tests.factories.templates import DAY, EXPANSION, HOUR, NOW, make_template, make_window
from tests.integration.sessions import OtherSession
from tests.integration.templates.surroundings.kit import (
    AT_NINE,
    NINE,
    ONE,
    SOON,
    as_far_as_it_gets,
    body,
    close_tomorrow,
    create_avoiding,
    skip_window,
)
from tests.integration.templates.ticking import (
    counted_statements,
    expand_until_calm,
    nominal,
    skipped,
)

pytestmark = pytest.mark.django_db(transaction=True)


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
            lambda row: pause_template(row, {}, now=NOW, by=somebody("somebody")),
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
