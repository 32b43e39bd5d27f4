"""How many jobs travel in one broker message."""

import math
from collections.abc import Sequence

from jobs.engine import Engine
from jobs.handlers.registry import ASYNC
from jobs.liveness import LiveLane
from jobs.publishing import Message
from jobs.rows import Queued

# Of a worker's places that one message may take: a message waits until all of its jobs have one.
SHARE_OF_PLACES = 4


def pack(jobs: Sequence[Queued], live: LiveLane, engine: Engine) -> list[Message]:
    """Put neighbours into one message, as many as keep a worker busy for about `message_seconds`.

    An async worker runs its jobs side by side, so each takes only its part of the worker's places;
    and no message holds more than a worker's part of these jobs. The other lanes get one job a
    message: their processes share nothing but their queue. Work that nobody has measured travels
    alone, since it may be long.
    """
    if live.lane != ASYNC:
        return [_message(live.lane, [job]) for job in jobs]
    places = max(live.capacity // max(live.workers, 1), 1)
    most = min(
        engine.message_jobs,
        max(places // SHARE_OF_PLACES, 1),
        math.ceil(len(jobs) / max(live.workers, 1)),
    )
    messages: list[Message] = []
    batch: list[Queued] = []
    work = 0.0
    for job in jobs:
        run_time = live.run_times.get(f"{job.kind}:{job.handler}")
        cost = engine.message_seconds if run_time is None else run_time / places
        if batch and (len(batch) >= most or work + cost > engine.message_seconds):
            messages.append(_message(live.lane, batch))
            batch, work = [], 0.0
        batch.append(job)
        work += cost
    if batch:
        messages.append(_message(live.lane, batch))
    return messages


def _message(lane: str, jobs: Sequence[Queued]) -> Message:
    return Message(lane=lane, tickets=tuple((job.job_id, job.ticket) for job in jobs))
