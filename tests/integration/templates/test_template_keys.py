"""Templates with a concurrency key: whose turn it is, overlap, outages, edits, and what it costs."""

from datetime import datetime
from typing import Any

import pytest

from jobs import lifecycle, populator
from jobs.models import Job
from jobs.occurrence_rows import NewOccurrence, occurrences_text
from jobs.operations.steer import retry
from jobs.waiting_reason import waiting_reason
from templates_app.models import Template
from templates_app.operations.running import backfill, run_now
from templates_app.operations.templates import delete_template, edit_template
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.actors import somebody
from tests.factories.jobs import make_job, make_merchant, make_worker
from tests.factories.templates import HOUR, MINUTE, NOW, SECOND, make_template
from tests.integration.templates.ticking import (
    ENGINE,
    counted_statements,
    expand_all,
    expand_until_calm,
    live,
    moments_run,
    skipped,
    work_off,
)

pytestmark = pytest.mark.django_db
ONE, TWO, THREE = NOW + HOUR, NOW + 2 * HOUR, NOW + 3 * HOUR
KEY = "warehouse"


def keyed(merchant: Merchant | None = None, **fields: Any) -> Template:
    return make_template(merchant=merchant, **{"concurrency_key": KEY, **fields})


def holder(merchant: Merchant) -> Job:
    """Store a running job of a producer that has the only place of the key."""
    return make_job(merchant=merchant, status="running", concurrency_key=KEY)


def end(*jobs: Job, now: datetime) -> None:
    """Let jobs end as a worker would."""
    for job in jobs:
        changes = {"status": "succeeded", "finalized_at": now, "ticket": None}
        Job.objects.filter(pk=job.pk).update(**changes)


def settle(now: datetime) -> None:
    """Step until nothing more is to be done, with nobody to run anything."""
    while populator.populate(now, ENGINE).more:
        pass


def of(template: Template, at: datetime) -> Job:
    return Job.objects.get(template_id=template.pk, occurrence_at=at)


def stand(job: Job) -> tuple[str, str, bool, bool]:
    job.refresh_from_db()
    return (job.status, job.gate, job.in_line, job.holds_place)


class TestTurns:
    def test_all_jobs_of_a_template_have_its_key_and_limit(self) -> None:
        template, plain = keyed(concurrency_limit=3), make_template()
        run_now(template, now=NOW)
        backfill(template, {"from": f"{NOW:%FT%TZ}", "to": f"{NOW:%FT%TZ}"}, now=NOW)
        jobs = Job.objects.filter(template_id=template.pk)
        told = jobs.values_list("origin", "concurrency_key", "concurrency_limit", "gate")
        assert set(told) == {
            ("template", KEY, 3, "keyed"),
            ("run_now", KEY, 3, "keyed"),
            ("backfill", KEY, 3, "shut"),
        }
        other = of(plain, ONE)
        assert (other.concurrency_key, other.concurrency_limit, other.gate) == ("", 1, "")

    def test_jobs_of_several_templates_and_producers_go_one_after_another(self) -> None:
        merchant = make_merchant()
        first, second = keyed(merchant), keyed(merchant)
        own = make_job(merchant=merchant, concurrency_key=KEY, scheduled_at=ONE - SECOND)
        stranger, plain = keyed(), make_template()
        make_worker(heartbeat_at=ONE)
        order = []
        for _ in range(3):
            settle(ONE)
            queued = Job.objects.filter(status="queued", merchant=merchant)
            [job] = queued
            order.append(job.template_id)
            end(job, now=ONE)
        assert order[0] == own.template_id
        assert set(order[1:]) == {first.pk, second.pk}
        assert {of(one, ONE).status for one in (stranger, plain)} == {"queued"}

    def test_waiting_reason_names_whose_turn_it_is(self) -> None:
        template = keyed()
        running = holder(template.merchant)
        settle(ONE)
        assert waiting_reason(of(template, ONE), now=ONE) == (
            f"In the line of concurrency key {KEY}: job {running.pk} has a place of 1."
        )

    def test_backfill_and_run_now_stand_in_the_line_too_and_all_of_it_runs(self) -> None:
        template = keyed(overlap="skip")
        running = holder(template.merchant)
        run_now(template, now=NOW)
        range_ = {"from": f"{NOW - 3 * HOUR:%FT%TZ}", "to": f"{NOW:%FT%TZ}"}
        backfill(template, range_, now=NOW)
        assert moments_run(NOW) == []
        end(running, now=NOW)
        assert moments_run(NOW) == [NOW - n * HOUR for n in (3, 2, 1, 0)]
        waiting = Job.objects.filter(template_id=template.pk, status="scheduled")
        assert [job.occurrence_at for job in waiting] == [ONE]

    @pytest.mark.parametrize(("overlap", "gate"), [("allow", "keyed"), ("one_at_a_time", "shut")])
    def test_skipped_run_that_a_backfill_restarts_stands_in_line(
        self, overlap: str, gate: str
    ) -> None:
        template = keyed()
        job = make_job(
            merchant=template.merchant,
            template_id=template.pk,
            occurrence_at=NOW - HOUR,
            status="skipped",
            concurrency_key=KEY,
        )
        running = holder(template.merchant)
        range_ = {"from": f"{NOW - HOUR:%FT%TZ}", "to": f"{NOW - HOUR:%FT%TZ}", "overlap": overlap}
        assert backfill(template, range_, now=NOW).restarted == 1
        assert stand(job) == ("scheduled", gate, False, False)
        settle(NOW)
        assert stand(job) == ("scheduled", "keyed", True, False)
        end(running, now=NOW)
        assert moments_run(NOW) == [NOW - HOUR]

    def test_nothing_is_left_in_line_after_hours_of_two_templates(self) -> None:
        merchant = make_merchant()
        one, two = keyed(merchant, overlap="skip"), keyed(merchant, overlap="queue_one")
        assert len(live(NOW, NOW + 5 * HOUR)) == 10
        assert skipped(one) == skipped(two) == []
        assert not Job.objects.filter(in_line=True).exists()


class TestOverlap:
    def test_overlap_is_asked_first_and_what_stands_in_line_is_going(self) -> None:
        template = keyed(overlap="skip")
        running = holder(template.merchant)
        first = of(template, ONE)
        assert stand(first) == ("scheduled", "shut", False, False)
        settle(ONE)
        assert stand(first) == ("scheduled", "keyed", True, False)
        expand_all(ONE)
        settle(TWO)
        assert stand(of(template, TWO))[0] == "skipped"
        assert skipped(template, "overlap") == [(TWO, TWO, 1)]
        end(running, now=TWO)
        assert moments_run(TWO) == [ONE]

    def test_held_job_takes_its_turn_when_its_sibling_has_had_its_own(self) -> None:
        template = keyed(overlap="queue_one")
        running = holder(template.merchant)
        settle(ONE)
        expand_all(ONE)
        settle(TWO)
        first, second = of(template, ONE), of(template, TWO)
        assert [stand(first)[1], stand(second)[1]] == ["keyed", "held"]
        end(running, now=TWO)
        make_worker(heartbeat_at=TWO)
        settle(TWO)
        assert [stand(first)[0], stand(second)[1]] == ["queued", "held"]
        blocker = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=NOW)
        end(first, now=TWO)
        settle(TWO)
        # What fell due earlier goes first; the opened job has the line before it.
        assert stand(blocker)[0] == "queued"
        assert stand(second) == ("scheduled", "keyed", True, False)
        end(blocker, now=TWO)
        settle(TWO)
        assert stand(second)[0] == "queued"

    def test_cancel_running_cancels_what_stands_in_line(self) -> None:
        template = keyed(overlap="cancel_running")
        running, bystander = holder(template.merchant), keyed(template.merchant)
        settle(ONE)
        expand_all(ONE)
        settle(TWO)
        assert stand(of(template, ONE))[0] == "cancelled"
        assert stand(of(template, TWO)) == ("scheduled", "keyed", True, False)
        assert stand(of(bystander, ONE)) == ("scheduled", "keyed", True, False)
        end(running, now=TWO)
        assert sorted(moments_run(TWO)) == [ONE, TWO, TWO]

    def test_retried_backfill_does_not_wait_for_who_waits_for_its_place(self) -> None:
        template = keyed()
        range_ = {"from": f"{NOW - HOUR:%FT%TZ}", "to": f"{NOW:%FT%TZ}"}
        backfill(template, range_, now=NOW)
        make_worker()
        settle(NOW)
        first, second = of(template, NOW - HOUR), of(template, NOW)
        assert [stand(first)[0], stand(second)[1]] == ["queued", "held"]
        values = {"status": "failed", "finalized_at": NOW, "ticket": None}
        Job.objects.filter(pk=first.pk).update(**values)
        retry(Job.objects.get(pk=first.pk), now=NOW, by=somebody("Ana"))
        assert stand(first) == ("scheduled", "keyed", False, False)
        assert sorted(moments_run(NOW)) == [NOW - HOUR, NOW]

    def test_job_with_a_place_that_is_moved_gives_it_back_and_waits_for_no_sibling(self) -> None:
        template = keyed(overlap="queue_one")
        settle(ONE)
        job = of(template, ONE)
        assert stand(job) == ("scheduled", "", False, True)
        waiting = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=ONE)
        settle(ONE)
        assert lifecycle.edit(job_id=job.pk, changes={"run_at": THREE})
        settle(ONE)
        assert stand(job) == ("scheduled", "keyed", False, False)
        assert stand(waiting) == ("scheduled", "", False, True)
        end(waiting, now=ONE)
        settle(THREE)
        assert stand(job) == ("scheduled", "", False, True)


class TestOutages:
    def test_what_stands_in_line_is_not_missed(self) -> None:
        template = keyed(misfire="skip")
        running = holder(template.merchant)
        settle(ONE)
        late = ONE + 30 * MINUTE
        expand_until_calm(late)
        assert lifecycle.find_missed(now=late, limit=10) == []
        assert stand(of(template, ONE)) == ("scheduled", "keyed", True, False)
        end(running, now=late)
        assert moments_run(late) == [ONE]
        assert skipped(template) == []

    def test_what_has_its_turn_or_stands_in_line_cannot_be_skipped(self) -> None:
        template = keyed()
        settle(ONE)
        placed, other = of(template, ONE), keyed(template.merchant)
        settle(ONE)
        waiting, missed = of(other, ONE), of(make_template(), ONE)
        reasons = {job.pk: "Missed." for job in (placed, waiting, missed)}
        lifecycle.skip(reasons=reasons, now=ONE)
        assert stand(placed) == ("scheduled", "", False, True)
        assert stand(waiting) == ("scheduled", "keyed", True, False)
        assert stand(missed)[0] == "skipped"

    def test_job_that_has_its_turn_and_no_worker_is_not_replaced_by_a_later_one(self) -> None:
        template = keyed(misfire="run_once", concurrency_limit=2)
        settle(ONE)
        assert stand(of(template, ONE)) == ("scheduled", "", False, True)
        late = TWO + 10 * MINUTE
        expand_until_calm(late)
        assert stand(of(template, ONE)) == ("scheduled", "", False, True)

    @pytest.mark.parametrize("overlap", ["allow", "queue_one"])
    @pytest.mark.parametrize(
        ("misfire", "ran"), [("skip", []), ("run_once", [TWO]), ("run_all", [ONE, TWO])]
    )
    def test_missed_runs_wait_for_the_policy_before_their_turn(
        self, misfire: str, ran: list[datetime], overlap: str
    ) -> None:
        template = keyed(misfire=misfire, overlap=overlap)
        bystander = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=TWO)
        late = TWO + 10 * MINUTE
        work_off(late)
        missed = of(template, ONE)
        assert (missed.status, missed.holds_place, missed.in_line) == ("scheduled", False, False)
        assert stand(bystander)[0] == "succeeded"
        expand_until_calm(late)
        assert moments_run(late) == ran
        assert sum(count for _, _, count in skipped(template, "missed")) == 2 - len(ran)
        unfinished = Job.objects.filter(template_id=template.pk, finalized_at=None)
        assert [job.scheduled_at for job in unfinished] == [THREE]


class TestEdits:
    def test_edit_gives_the_key_to_what_waits_and_takes_it_away(self) -> None:
        template = make_template()
        template = edit_template(template, {"concurrency_key": KEY}, now=NOW)
        job = of(template, ONE)
        assert (job.concurrency_key, job.concurrency_limit, job.gate) == (KEY, 1, "keyed")
        template = edit_template(template, {"concurrency_limit": 4}, now=NOW)
        assert of(template, ONE).concurrency_limit == 4
        template = edit_template(template, {"concurrency_key": "other"}, now=NOW)
        assert (of(template, ONE).concurrency_key, template.concurrency_limit) == ("other", 4)
        template = edit_template(template, {"concurrency_key": ""}, now=NOW)
        job = of(template, ONE)
        assert (job.concurrency_key, job.gate, template.concurrency_limit) == ("", "", None)

    def test_edit_takes_a_place_away_and_the_line_goes_on(self) -> None:
        template = keyed()
        settle(ONE)
        had = of(template, ONE)
        assert stand(had) == ("scheduled", "", False, True)
        waiting = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=ONE)
        settle(ONE)
        assert stand(waiting) == ("scheduled", "keyed", True, False)

        edit_template(template, {"concurrency_key": "", "priority": 9}, now=ONE)

        had.refresh_from_db()
        assert (had.status, had.occurrence_at, had.template_id) == ("cancelled", None, template.pk)
        assert had.skip_reason == "Its template was planned anew before it started."
        again = of(template, ONE)
        assert (again.pk == had.pk, again.priority, again.gate) == (False, 9, "")
        settle(ONE)
        assert stand(waiting) == ("scheduled", "", False, True)
        had.refresh_from_db()
        assert not had.holds_place

    def test_what_stands_in_line_is_made_anew_in_its_place(self) -> None:
        template = keyed()
        running = holder(template.merchant)
        settle(ONE)
        was = of(template, ONE)
        later = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=ONE + SECOND)
        now = ONE + 2 * SECOND
        settle(now)
        edit_template(template, {"priority": 9}, now=now)
        again = of(template, ONE)
        assert (again.pk == was.pk, again.priority) == (False, 9)
        end(running, now=now)
        make_worker(heartbeat_at=now)
        settle(now)
        assert [stand(again)[0], stand(later)[1]] == ["queued", "keyed"]

    @pytest.mark.parametrize("change", ["edit", "delete"])
    def test_line_goes_on_when_a_template_with_a_stricter_limit_leaves_its_head(
        self, change: str
    ) -> None:
        strict = keyed(concurrency_limit=1)
        merchant = strict.merchant
        make_job(merchant=merchant, status="running", concurrency_key=KEY, concurrency_limit=5)
        behind = make_job(
            merchant=merchant, concurrency_key=KEY, concurrency_limit=5, scheduled_at=ONE + SECOND
        )
        bystander = keyed()
        holder(bystander.merchant)
        now = ONE + SECOND
        settle(now)
        assert stand(behind) == stand(of(bystander, ONE)) == ("scheduled", "keyed", True, False)
        if change == "edit":
            edit_template(strict, {"concurrency_key": ""}, now=now)
        else:
            delete_template(strict, now=now)
        settle(now)
        assert stand(behind) == ("scheduled", "", False, True)
        assert stand(of(bystander, ONE)) == ("scheduled", "keyed", True, False)

    def test_deletion_of_a_template_lets_the_line_go_on(self) -> None:
        template = keyed()
        settle(ONE)
        waiting = make_job(merchant=template.merchant, concurrency_key=KEY, scheduled_at=ONE)
        settle(ONE)
        delete_template(template, now=ONE)
        settle(ONE)
        assert stand(waiting) == ("scheduled", "", False, True)


class TestCosts:
    def test_key_costs_the_expander_no_statement(self) -> None:
        counts = []
        for key in ("", KEY):
            for _ in range(5):
                make_template(concurrency_key=key)
            with counted_statements() as sent:
                assert expand_all(ONE) == 5
            counts.append(len(sent))
            Template.objects.all().delete()
        assert counts[0] == counts[1]

    def test_job_without_a_key_does_not_name_it(self) -> None:
        def text(**key: Any) -> str:
            values: dict[str, Any] = {
                "merchant_id": new_id(),
                "template_id": new_id(),
                "occurrence_at": NOW,
                "run_at": NOW,
                "kind": "python",
                "handler": "demo.noop",
                "lane": "async",
                "payload": {},
                "priority": 5,
                "max_attempts": 5,
                "timeout": 60.0,
            }
            return occurrences_text([NewOccurrence(**values, **key)])

        assert "concurrency" not in text()
        assert '"concurrency_limit": 2' in text(concurrency_key=KEY, concurrency_limit=2)
