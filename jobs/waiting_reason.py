"""Why a job has not started yet, in one sentence for people."""

from datetime import datetime, timedelta
from uuid import UUID

from django.conf import settings

from jobs import liveness
from jobs.breaker import at_once
from jobs.flow import FlowScope, declared_rules
from jobs.graph import waited_for
from jobs.handlers.registry import most_active
from jobs.models import Breaker, Execution, Flow, Job
from jobs.queries import MOST_AHEAD, due_ahead_of, last_execution, line_of, populator_leads
from jobs.states import WAITING, Gate, JobStatus, Needs, Overlap


def waiting_reason(job: Job, *, now: datetime) -> str | None:
    """Return the nearest obstacle between the job and its next attempt; None when it waits for none.

    Costs a few bounded queries: for one job, never for a list.
    """
    if job.status == JobStatus.BLOCKED:
        return _blocked(job)
    if job.status == JobStatus.QUEUED:
        return _queued(job, now)
    if job.status not in WAITING:
        return None
    if not job.merchant.active:
        return "The merchant is suspended; its jobs wait until it is active again."
    if job.gate == Gate.PARKED:
        return _parked(job, now)
    if job.scheduled_at > now:
        return _not_due(job, now)
    return _undecided(job, now) or _overdue(job, now)


def duration(seconds: float) -> str:
    """Return a duration in its two largest units, such as "3 minutes" or "2 days 4 hours"."""
    left = max(1, round(seconds))
    if left >= 600:
        left = round(left / 60) * 60
    parts = []
    for unit, size in (("day", 86_400), ("hour", 3_600), ("minute", 60), ("second", 1)):
        number, left = divmod(left, size)
        if number:
            parts.append(f"{number} {unit}{'s' if number > 1 else ''}")
    return " ".join(parts[:2])


def _blocked(job: Job) -> str:
    waited = waited_for(job)
    if waited is None:
        return "What it depends on has ended; it is looked at next."
    own_name = "" if waited.name == str(waited.parent_id) else f"{waited.name}, "
    rest = f", and for {waited.others:,} more" if waited.others else ""
    return (
        f"Waiting for {own_name}job {waited.parent_id} ({waited.status}) to "
        f"{_NEEDED[Needs(waited.needs)]}{rest}."
    )


_NEEDED = {Needs.SUCCESS: "succeed", Needs.FAILURE: "fail", Needs.FINISHED: "end"}


def _queued(job: Job, now: datetime) -> str:
    assert job.queued_at is not None
    since = duration((now - job.queued_at).total_seconds())
    if not _alive(job.lane, now):
        return f"Handed to a worker queue {since} ago, but no worker of lane {job.lane} is alive."
    return f"Handed to a worker queue {since} ago."


def _not_due(job: Job, now: datetime) -> str:
    at = f"{job.scheduled_at:%Y-%m-%dT%H:%M:%SZ}"
    left = duration((job.scheduled_at - now).total_seconds())
    if job.status == JobStatus.RETRYABLE:
        number = job.attempt - job.earlier_attempts
        return (
            f"Attempt {number} of {job.max_attempts} failed{_why(last_execution(job))}; "
            f"the next one is due in {left}, at {at}."
        )
    return f"Due in {left}, at {at}."


def _undecided(job: Job, now: datetime) -> str | None:
    """Say what a template's due job waits for before it may be queued; None when for nothing."""
    if job.expires_at and job.expires_at <= now:
        return None
    if job.missed_at and job.missed_at <= now and job.attempt == 0:
        return (
            f"It was due at {job.scheduled_at:%Y-%m-%dT%H:%M:%SZ}, during an outage; "
            "the template's misfire policy decides within seconds."
        )
    if job.gate == Gate.KEYED:
        return _in_line(job, now)
    if job.gate == Gate.HELD:
        return _HELD[Overlap(job.overlap)]
    if job.gate == Gate.SHUT and populator_leads():
        return "Due now; whether an earlier run of its template is still going is looked at next."
    return None


def _in_line(job: Job, now: datetime) -> str:
    """Say whose turn it is before that of a job with a concurrency key."""
    line = line_of(job, now)
    key = f"concurrency key {job.concurrency_key}"
    if line.holder is None:
        return f"Next in the line of {key}; it is looked at next."
    others = f" and {line.taken - 1:,} more have" if line.taken > 1 else " has"
    places = f"job {line.holder}{others} a place of {job.concurrency_limit:,}"
    more = " or more" if line.ahead >= MOST_AHEAD else ""
    before = f"; {line.ahead:,}{more} stand before it" if line.ahead else ""
    return f"In the line of {key}: {places}{before}."


def _parked(job: Job, now: datetime) -> str:
    """Say which flow rule the job waits for. The operators' are told without who and why."""
    assert job.parked_by is not None
    rule = Flow.objects.filter(pk=job.parked_by).first()
    if rule is None:
        return _declared(job) or _given_up(job, job.parked_by, now)
    if rule.paused_at is None and rule.most_active is None and rule.rate is None:
        return _LINE_IS_OVER
    what = _jobs_of(rule)
    if rule.paused_at is not None:
        if rule.set_by_operators:
            return f"The operators have paused {what}."
        why = f": {rule.pause_note}" if rule.pause_note else "."
        return f"{rule.paused_by} paused {what}{why}"
    bounds = []
    if rule.most_active is not None:
        bounds.append(f"at most {rule.most_active:,} at once")
    if rule.rate is not None:
        bounds.append(f"{rule.rate:,} a {rule.get_rate_period_display()}")
    whose = "a flow rule of the operators" if rule.set_by_operators else "a flow rule"
    return f"In line: {whose} lets {what} run {' and '.join(bounds)}."


def _declared(job: Job) -> str | None:
    """Say what the handler's own bound is, if that is what the job waits for."""
    for rule in declared_rules(most_active()):
        if rule.id == job.parked_by:
            return f"In line: {job.handler} runs at most {rule.most_active:,} at once."
    return None


_LINE_IS_OVER = "What it stood in line for is over; it is handed to a worker next."


def _given_up(job: Job, line: UUID, now: datetime) -> str:
    breaker = Breaker.objects.filter(pk=line, opened_at__isnull=False).first()
    if breaker is None:
        return _LINE_IS_OVER
    if breaker.recovering_at is not None:
        return (
            f"{breaker.handler} answers again and is taken back step by step: now at most "
            f"{at_once(breaker.answers):,} of its jobs at once, twice as many with each round of answers."
        )
    tried = "now one job at a time tries it"
    if breaker.probe_at is not None and breaker.probe_at > now:
        tried = f"one job at a time tries it again from {breaker.probe_at:%Y-%m-%dT%H:%M:%SZ} on"
    times = "once" if breaker.failures == 1 else f"{breaker.failures:,} times in a row"
    said = f"{breaker.handler} did not answer {times} ({breaker.error_code}); {tried}."
    return said + _patience(job, breaker, now)


def _patience(job: Job, breaker: Breaker, now: datetime) -> str:
    """Say how long the job waits for its host."""
    if job.unanswered_since is None or breaker.tried_since is None:
        return ""
    since = max(job.unanswered_since, breaker.tried_since)
    until = since + timedelta(seconds=settings.TASKFLOW_ENGINE.breaker_patience)
    if until <= now:
        return " The job fails when the next try is not answered either."
    return f" If it has not answered by {until:%Y-%m-%dT%H:%M:%SZ}, the job fails."


def _jobs_of(rule: Flow) -> str:
    match rule.scope:
        case FlowScope.MERCHANT:
            return "the merchant's jobs"
        case FlowScope.TEMPLATE:
            return "jobs of its template"
    return f"jobs of {rule.scope} {rule.name}"


_HELD = {
    Overlap.WAIT: "Waiting for the earlier runs of its template to end, one after another.",
    Overlap.QUEUE_ONE: "Waiting for the run of its template that is still going to end.",
    Overlap.CANCEL_RUNNING: "Waiting for the earlier run of its template to stop; it was cancelled.",
    Overlap.SKIP: "Waiting for the run of its template that is still going to end.",
}


def _overdue(job: Job, now: datetime) -> str:
    if job.expires_at and job.expires_at <= now:
        return "Its deadline has passed; it will fail as expired."
    if not _alive(job.lane, now):
        return f"No worker of lane {job.lane} is alive."
    if not populator_leads():
        return "No populator is running, so due jobs are not handed to workers."
    ahead = due_ahead_of(job, now)
    if ahead >= MOST_AHEAD:
        return f"Behind {MOST_AHEAD:,} or more of its merchant's due jobs in lane {job.lane}."
    if ahead:
        return f"Behind {ahead:,} of its merchant's due jobs in lane {job.lane}."
    return "Due now; it is handed to a worker next."


def _why(last: Execution | None) -> str:
    if last is None:
        return ""
    if last.http_status:
        return f" (HTTP {last.http_status})"
    return f" ({last.error_code})" if last.error_code else ""


def _alive(lane: str, now: datetime) -> bool:
    return lane in liveness.live_lanes(now=now, lease=settings.TASKFLOW_ENGINE.worker_lease)
