"""What the recurrence manager asks of jobs: occurrences missed, released and made up for."""

import pytest

from jobs import lifecycle, populator, queries
from jobs.rows import Missed
from jobs.waiting_reason import waiting_reason
from tenants.identifiers import new_id
from tests.factories.jobs import NOW, SECOND, make_job, make_merchant, make_worker
from tests.integration.occurrences import EVERY_STATUS, HOUR, found, missed, planned, queue, rows_of

pytestmark = pytest.mark.django_db


class TestMissed:
    def test_those_are_found_that_nobody_queued_in_time(self):
        late = missed(missed_at=NOW - SECOND)
        just = missed()
        others = [
            missed(missed_at=NOW + SECOND),
            missed(missed_at=None),
            missed(attempt=1),
            missed(merchant=make_merchant(active=False)),
            *(missed(status=status) for status in EVERY_STATUS if status != "scheduled"),
        ]
        assert found() == [late.id, just.id]
        assert found(limit=1) == [late.id]
        assert len(others) == 12
        (row, _) = lifecycle.find_missed(now=NOW, limit=9)
        assert row == Missed(
            job_id=late.id,
            merchant_id=late.merchant_id,
            template_id=late.template_id,
            occurrence_at=late.occurrence_at,
            scheduled_at=late.scheduled_at,
            missed_at=NOW - SECOND,
        )

    def test_those_of_some_templates_are_found_among_all(self):
        job, other = missed(), missed()
        later = NOW + SECOND
        missed(template_id=job.template_id, occurrence_at=later, missed_at=later)
        found = lifecycle.find_missed_of(template_ids=[job.template_id, new_id()], now=NOW)
        assert [row.job_id for row in found] == [job.id]
        assert other.template_id != job.template_id

    def test_a_missed_job_is_not_queued_and_others_are(self):
        missed()
        others = [
            make_job(),
            missed(missed_at=NOW + SECOND),
            missed(attempt=1),
            missed(status="retryable"),
        ]
        assert queue() == {job.id for job in others}

    def test_what_is_queued_is_not_missed_until_its_message_is_lost(self):
        job = missed(missed_at=NOW + SECOND)
        queue()
        assert found(NOW + HOUR) == []
        lifecycle.requeue_lost_messages(before=NOW + HOUR, limit=9)
        assert found(NOW + HOUR) == [job.id]

    def test_a_released_job_runs(self):
        job, other = missed(), missed()
        assert [m.job_id for m in lifecycle.release_missed(job_ids=[job.id])] == [job.id]
        assert queue() == {job.id}
        assert found() == [other.id]

    def test_a_released_job_with_a_policy_asks_its_siblings_anew(self):
        template = new_id()
        job = missed(template_id=template, overlap="skip")
        planned(template, -60, status="running")
        lifecycle.settle_overlaps(now=NOW, limit=10)
        assert rows_of(job)[0]["status"] == "scheduled"
        lifecycle.release_missed(job_ids=[job.id])
        lifecycle.settle_overlaps(now=NOW, limit=10)
        assert rows_of(job)[0]["status"] == "skipped"

    def test_an_opened_job_that_was_missed_goes_behind_its_gate_again(self):
        template = new_id()
        first = planned(template, overlap="wait", missed_at=NOW + SECOND)
        lifecycle.settle_overlaps(now=NOW, limit=10)
        second = planned(template, 1, overlap="wait")
        later = NOW + 2 * SECOND
        lifecycle.settle_overlaps(now=later, limit=10)
        lifecycle.release_missed(job_ids=[first.id])
        lifecycle.settle_overlaps(now=later, limit=10)
        assert queue(later) == {second.id}
        assert rows_of(first)[0]["gate"] == "held"

    def test_skipping_ends_only_what_never_started(self):
        job, reason = missed(), "Missed: the platform was down at 09:00." + "x" * 300
        others = [missed(attempt=1), *(missed(status=s) for s in EVERY_STATUS if s != "scheduled")]
        stranger = missed()
        before = rows_of(*others, stranger)
        ids = [job.id, *(other.id for other in others)]

        moved = lifecycle.skip(reasons=dict.fromkeys(ids, reason), now=NOW)

        job.refresh_from_db()
        assert [m.job_id for m in moved] == [job.id]
        assert (job.status, job.finalized_at, job.skip_reason) == ("skipped", NOW, reason[:200])
        assert rows_of(*others, stranger) == before

    def test_a_person_who_runs_it_now_has_decided(self):
        job = missed()
        lifecycle.advance(job_ids=[job.id], now=NOW)
        assert found() == []
        assert queue() == {job.id}

    def test_a_restarted_job_cannot_be_missed(self):
        job = missed(status="cancelled", skip_reason="A later run fell due.")
        lifecycle.restart(job_ids=[job.id], now=NOW, by="someone")
        job.refresh_from_db()
        assert (found(), job.skip_reason) == ([], "")
        assert queue() == {job.id}

    def test_missed_jobs_keep_the_populator_asleep_and_the_platform_healthy(self):
        make_worker()
        missed()
        assert populator.next_due(NOW) is None
        assert queries.oldest_due(NOW) == {}
        assert queries.due_ahead_of(make_job(priority=0), NOW) == 0


class TestMakeUp:
    def make_up(self, template, dues, overlap="wait"):
        return lifecycle.make_up(
            template_id=template, dues=dues, origin="backfill", overlap=overlap
        )

    @pytest.mark.parametrize(("overlap", "gate"), [("wait", "shut"), ("", "")])
    def test_each_skipped_occurrence_is_due_when_it_is_told(self, overlap, gate):
        template = new_id()
        jobs = [
            planned(template, n, status="skipped", skip_reason="Missed.", overlap="skip")
            for n in range(3)
        ]
        stranger = planned(new_id(), 1, status="skipped")
        before = rows_of(jobs[0], stranger)
        dues = {job.occurrence_at: NOW + HOUR * place for place, job in enumerate(jobs[1:])}

        moved = self.make_up(template, dues, overlap)

        assert {job.job_id for job in moved} == {job.id for job in jobs[1:]}
        for job in jobs[1:]:
            job.refresh_from_db()
            assert (job.status, job.finalized_at, job.skip_reason) == ("scheduled", None, "")
            assert (job.scheduled_at, job.origin) == (dues[job.occurrence_at], "backfill")
            assert (job.overlap, job.gate) == (overlap, gate)
        assert rows_of(jobs[0], stranger) == before

    @pytest.mark.parametrize("status", EVERY_STATUS[:-1])
    def test_what_was_not_skipped_is_left_alone(self, status):
        job = planned(new_id(), status=status)
        before = rows_of(job)
        assert self.make_up(job.template_id, {job.occurrence_at: NOW}) == []
        assert rows_of(job) == before

    def test_deadline_that_has_passed_is_lifted(self):
        template = new_id()
        late = planned(template, 0, status="skipped", expires_at=NOW)
        good = planned(template, 1, status="skipped", expires_at=NOW + 2 * HOUR)
        self.make_up(template, {late.occurrence_at: NOW + HOUR, good.occurrence_at: NOW + HOUR})
        assert [row["expires_at"] for row in rows_of(late, good)] == [None, NOW + 2 * HOUR]


class TestWaitingReason:
    def test_a_missed_job_tells_who_decides(self):
        assert waiting_reason(missed(), now=NOW) == (
            "It was due at 2026-06-01T11:00:00Z, during an outage; "
            "the template's misfire policy decides within seconds."
        )

    @pytest.mark.parametrize(
        ("overlap", "words"),
        [
            ("wait", "one after another"),
            ("queue_one", "still going"),
            ("cancel_running", "it was cancelled"),
        ],
    )
    def test_a_held_job_tells_what_it_waits_for(self, overlap, words):
        job = planned(new_id(), overlap=overlap, gate="held")
        assert words in str(waiting_reason(job, now=NOW))

    def test_a_gated_job_that_is_not_due_waits_for_its_time(self):
        job = planned(new_id(), overlap="wait", scheduled_at=NOW + HOUR)
        assert waiting_reason(job, now=NOW) == "Due in 1 hour, at 2026-06-01T13:00:00Z."

    def test_without_a_populator_nothing_is_decided(self):
        make_worker()
        job = planned(new_id(), overlap="wait")
        assert "No populator" in str(waiting_reason(job, now=NOW))
