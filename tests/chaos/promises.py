"""The checker: one pure function a promise, from the witnesses to sentences on what broke it."""

import itertools
from collections import Counter, defaultdict
from collections.abc import Callable, Iterator, Mapping
from types import MappingProxyType

from tests.chaos.ledger import Call
from tests.chaos.orders import MANY
from tests.chaos.witnesses import FINAL, StoredAttempt, StoredLetter, Witnesses

Promise = Callable[[Witnesses], Iterator[str]]

RECOVERED_WITHIN = 60.0  # seconds
# Where intervals begin unless told otherwise: 2001-01-01, UTC.
ANCHOR = 978_307_200.0
# Attempts that ended without anybody knowing what they did, or because somebody stopped them.
UNKNOWN_EFFECT = frozenset({"lost", "released", "timed_out", "cancelled"})
# One clock, read by two processes: what a float keeps of a moment.
TICK = 0.001


def acknowledged_jobs_exist(seen: Witnesses) -> Iterator[str]:
    """Every job whose creation was acknowledged is stored, under its name."""
    for asked in seen.client.asked.values():
        if not asked.job:
            continue
        job = seen.job_of.get(asked.job)
        if job is None:
            yield f"{asked.name} ({asked.job}) was acknowledged and is not there"
        elif job.name != asked.name:
            yield f"{asked.job} was acknowledged as {asked.name} and is {job.name}"


def every_job_ends(seen: Witnesses) -> Iterator[str]:
    """After healing the queue drains: every job comes to a final state."""
    for job in seen.jobs:
        if job.status not in FINAL:
            yield f"{job.name} ({job.job}) is {job.status}, attempt {job.attempt}"


def one_final_state(seen: Witnesses) -> Iterator[str]:
    """A job comes to a final state once and stays there."""
    ends = Counter(change.job for change in seen.transitions if change.became in FINAL)
    for job, count in ends.items():
        if count > 1:
            yield f"{job} ended {count} times"
    for change in seen.transitions:
        if change.was in FINAL:
            yield f"{change.job} went from {change.was} to {change.became}"
    for stored in seen.jobs:
        if stored.status in FINAL and not ends[stored.job]:
            yield f"{stored.job} is {stored.status}, and nobody saw it end"


def ends_as_it_must(seen: Witnesses) -> Iterator[str]:
    """What can succeed does, unless it was cancelled or lost its worker three times."""
    cancelled = {one.job for one in seen.client.cancelled}
    poison = {letter.job for letter in seen.letters if letter.code == "poison"}
    for asked in seen.client.asked.values():
        job = seen.job_of.get(asked.job)
        if job is None or job.status not in FINAL:
            continue
        if asked.job in cancelled:
            expected = {"cancelled", "succeeded"}
        elif asked.fails >= MANY:
            expected = {"failed"}
        elif asked.parents:
            # What its parents came to decides; children_after_parents looks at that.
            expected = {"succeeded", "cancelled", "skipped"}
        else:
            expected = {"succeeded"}
        if job.status not in expected and asked.job not in poison:
            yield f"{asked.name} ({asked.job}) ended as {job.status}"


def no_phantom(seen: Witnesses) -> Iterator[str]:
    """Nothing is stored that nobody asked for, and nothing twice."""
    templates = {planned.template for planned in seen.client.templates}
    names = Counter(job.name for job in seen.jobs if not job.template)
    for name, count in names.items():
        if name not in seen.client.asked:
            yield f"nobody asked for {name}"
        elif count > 1:
            yield f"{name} is there {count} times"
    for job in seen.jobs:
        if job.template and job.template not in templates:
            yield f"{job.job} belongs to a template that nobody made"


def attempts_without_gap(seen: Witnesses) -> Iterator[str]:
    """A job's attempts are numbered 1 to n, each once."""
    for job in seen.jobs:
        if job.status not in FINAL:
            continue
        numbers = [attempt.number for attempt in seen.attempts_of.get(job.job, [])]
        if numbers != list(range(1, job.attempt + 1)):
            yield f"{job.job} made {job.attempt} attempts; recorded are {numbers}"


def no_start_before_due(seen: Witnesses) -> Iterator[str]:
    """No attempt starts before its time, by the row and by the producer's own clock."""
    for attempt in seen.attempts:
        if attempt.started_at < attempt.scheduled_at - TICK:
            early = attempt.scheduled_at - attempt.started_at
            yield f"attempt {attempt.number} of {attempt.job} started {early:.3f} s early"
    for asked in seen.client.asked.values():
        for attempt in seen.attempts_of.get(asked.job, [])[:1]:
            if attempt.started_at < asked.sent_at + asked.delay - TICK:
                yield f"{asked.name} started before its delay of {asked.delay} s was over"


def no_start_after_cancel(seen: Witnesses) -> Iterator[str]:
    """No attempt starts after its job's cancel was acknowledged."""
    for cancelled in seen.client.cancelled:
        for attempt in seen.attempts_of.get(cancelled.job, []):
            if attempt.started_at > cancelled.acknowledged_at:
                yield f"attempt {attempt.number} of {cancelled.job} started after its cancel"
        job = seen.job_of.get(cancelled.job)
        if job is not None and cancelled.status == 200 and job.status != "cancelled":
            yield f"{cancelled.job} was cancelled, and is {job.status}"


def one_lease_at_once(seen: Witnesses) -> Iterator[str]:
    """A job is in one worker's hands at most."""
    for job, attempts in seen.attempts_of.items():
        for earlier, later in itertools.pairwise(attempts):
            if later.started_at < earlier.finished_at - TICK:
                yield f"attempt {later.number} of {job} began before {earlier.number} had ended"


def no_stale_write(seen: Witnesses) -> Iterator[str]:
    """The answer recorded with an attempt is the answer to this very attempt."""
    for attempt in seen.attempts:
        if attempt.told is not None and attempt.told != attempt.number:
            yield f"attempt {attempt.number} of {attempt.job} holds the answer to {attempt.told}"
        if attempt.outcome == "succeeded" and not any(
            call.status == 200 and (call.ended or 0.0) <= attempt.finished_at + TICK
            for call in seen.calls_of.get((attempt.job, attempt.number), [])
        ):
            yield f"attempt {attempt.number} of {attempt.job} succeeded before its call had"


def one_call_an_attempt(seen: Witnesses) -> Iterator[str]:
    """An attempt calls its target once at most, with the key of its job."""
    known = {(attempt.job, attempt.number) for attempt in seen.attempts}
    for (job, number), calls in seen.calls_of.items():
        if len(calls) > 1:
            yield f"attempt {number} of {job} called {len(calls)} times"
        if (job, number) not in known:
            yield f"attempt {number} of {job} called and is not recorded"
        for call in calls:
            if call.key != job:
                yield f"attempt {number} of {job} called with the key {call.key!r}"


def extra_calls_explained(seen: Witnesses) -> Iterator[str]:
    """A target that did its work is called again only because an attempt was lost."""
    for attempt in seen.attempts:
        if attempt.outcome == "succeeded" or attempt.outcome in UNKNOWN_EFFECT:
            continue
        calls = seen.calls_of.get((attempt.job, attempt.number), [])
        if any(call.status == 200 for call in calls) and _goes_on(seen, attempt):
            yield f"attempt {attempt.number} of {attempt.job} worked; {attempt.outcome} is recorded"


def concurrency_limits_hold(seen: Witnesses) -> Iterator[str]:
    """Of the jobs with one key, never more than the limit are between first start and end."""
    spans: dict[tuple[str, str], list[tuple[float, int]]] = defaultdict(list)
    limits: dict[tuple[str, str], int] = {}
    for job in seen.jobs:
        attempts = seen.attempts_of.get(job.job)
        if job.key and attempts and job.finalized_at is not None:
            line = (job.merchant, job.key)
            limits[line] = job.limit
            spans[line] += [(attempts[0].started_at, 1), (job.finalized_at, -1)]
    for line, events in spans.items():
        going = most = 0
        for _, change in sorted(events):
            going += change
            most = max(most, going)
        if most > limits[line]:
            yield f"{most} jobs with the key {line[1]} of {line[0]} at once; {limits[line]} may"


def occurrences_exactly_once(seen: Witnesses) -> Iterator[str]:
    """Each occurrence of a template is one job, or one row that says why not."""
    of: dict[str, list[float]] = defaultdict(list)
    for job in seen.jobs:
        if job.template and job.occurrence_at is not None:
            of[job.template].append(job.occurrence_at)
    for planned in seen.client.templates:
        times = of[planned.template]
        for moment, count in Counter(times).items():
            if count > 1:
                yield f"{planned.template} has {count} jobs for {moment:.0f}"
        skipped = [one for one in seen.not_run if one.template == planned.template]
        # The first is the first after its creation; those of the end may have been withdrawn.
        steps = (planned.made_at - ANCHOR) // planned.step + 1
        moment = ANCHOR + steps * planned.step
        known = set(times)
        while moment < planned.off_at - planned.step:
            if moment not in known and not any(
                one.first_at <= moment <= one.last_at for one in skipped
            ):
                yield f"{planned.template} has nothing for {moment:.0f}"
            moment += planned.step


def dead_letters_complete(seen: Witnesses) -> Iterator[str]:
    """A job has an open dead letter if and only if it failed, and one."""
    letters = Counter(letter.job for letter in seen.letters)
    for job in seen.jobs:
        wanted = 1 if job.status == "failed" else 0
        if letters[job.job] != wanted:
            yield f"{job.job} is {job.status} and has {letters[job.job]} open dead letters"
    for lost in letters.keys() - seen.job_of.keys():
        yield f"a dead letter of {lost}, which is not there"


def tenants_apart(seen: Witnesses) -> Iterator[str]:
    """What is a merchant's is so in every witness."""
    yield from seen.client.foreign
    for asked in seen.client.asked.values():
        job = seen.job_of.get(asked.job)
        if job is not None and job.merchant != asked.merchant:
            yield f"{asked.name} of {asked.merchant} is {job.merchant}'s"
    notes: list[StoredAttempt | StoredLetter | Call] = [*seen.attempts, *seen.letters, *seen.calls]
    for what in notes:
        owner = seen.job_of.get(what.job)
        if owner is not None and owner.merchant != what.merchant:
            yield f"{type(what).__name__} of {what.job}: {what.merchant}, not {owner.merchant}"


def children_after_parents(seen: Witnesses) -> Iterator[str]:
    """A job that depends on another one starts after its success only."""
    for asked in seen.client.asked.values():
        for attempt in seen.attempts_of.get(asked.job, [])[:1]:
            for parent_name in asked.parents:
                parent = seen.job_of.get(seen.client.asked[parent_name].job)
                if parent is None or parent.status != "succeeded":
                    yield f"{asked.name} ran although {parent_name} did not succeed"
                elif (parent.finalized_at or 0.0) > attempt.started_at + TICK:
                    yield f"{asked.name} started before {parent_name} had ended"


def killed_workers_jobs_start_again(seen: Witnesses) -> Iterator[str]:
    """What a killed worker ran starts again within a minute."""
    for job, seconds in recoveries(seen):
        if seconds > RECOVERED_WITHIN:
            yield f"{job} started again {seconds:.1f} s after its worker was killed"


def calm_needs_no_rescue(seen: Witnesses) -> Iterator[str]:
    """While nothing is broken, no message and no attempt has to be rescued."""
    for change in seen.transitions:
        if (change.was, change.became) == ("queued", "scheduled") and _is_calm(seen, change.at):
            yield f"the message of {change.job} was lost although nothing had happened"
    for attempt in seen.attempts:
        if attempt.outcome == "lost" and _is_calm(seen, attempt.finished_at):
            yield f"attempt {attempt.number} of {attempt.job} was lost although nothing had happened"


PROMISES: Mapping[str, Promise] = MappingProxyType(
    {
        promise.__name__: promise
        for promise in (
            acknowledged_jobs_exist,
            every_job_ends,
            one_final_state,
            ends_as_it_must,
            no_phantom,
            attempts_without_gap,
            no_start_before_due,
            no_start_after_cancel,
            one_lease_at_once,
            no_stale_write,
            one_call_an_attempt,
            extra_calls_explained,
            concurrency_limits_hold,
            occurrences_exactly_once,
            dead_letters_complete,
            tenants_apart,
            children_after_parents,
            killed_workers_jobs_start_again,
            calm_needs_no_rescue,
        )
    }
)


def check(seen: Witnesses) -> dict[str, list[str]]:
    """Return the sentences of every promise that was broken."""
    found = {name: list(promise(seen)) for name, promise in PROMISES.items()}
    return {name: sentences for name, sentences in found.items() if sentences}


def recoveries(seen: Witnesses) -> Iterator[tuple[str, float]]:
    """Yield jobs that a killed worker ran, and how many seconds later they started again."""
    killed_at = {killed.pid: killed.at for killed in seen.killed}
    for job, attempts in seen.attempts_of.items():
        for lost, following in itertools.pairwise(attempts):
            at = killed_at.get(seen.worker_pids.get(lost.worker, 0))
            if lost.outcome != "lost" or at is None:
                continue
            if lost.started_at <= at <= lost.finished_at:
                yield job, following.started_at - at - _paused(seen, at, following.started_at)


def explained_repeats(seen: Witnesses) -> int:
    """Return how many calls repeated work that a target had done, each for a recorded reason."""
    return sum(
        call.status == 200
        for attempt in seen.attempts
        if attempt.outcome in UNKNOWN_EFFECT and _goes_on(seen, attempt)
        for call in seen.calls_of.get((attempt.job, attempt.number), [])
    )


def _goes_on(seen: Witnesses, attempt: StoredAttempt) -> bool:
    return any(later.number > attempt.number for later in seen.attempts_of[attempt.job])


def _paused(seen: Witnesses, begin: float, end: float) -> float:
    """Return how long the test itself stood still between two moments."""
    return sum(max(0.0, min(end, until) - max(begin, since)) for since, until in seen.paused)


def _is_calm(seen: Witnesses, at: float) -> bool:
    return any(begin <= at <= end for begin, end in seen.calm)
