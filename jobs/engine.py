"""The engine's tunables: how long things may take before somebody acts.

The defaults keep the promise of the fault budget (a killed worker's jobs run again in under 60 s);
tests use shorter ones.
"""

import ipaddress
from dataclasses import dataclass

Network = ipaddress.IPv4Network | ipaddress.IPv6Network

# The session advisory lock of the leading populator; health looks for it.
POPULATOR_LOCK = 7_407_310_001
# The transaction's advisory lock of whoever decides on overlapping occurrences.
OVERLAP_LOCK = 7_407_310_002
# The transaction's advisory lock of whoever hands out the places of flow rules. (…003 is templates'.)
FLOW_LOCK = 7_407_310_004
# The same for the places of concurrency keys.
KEY_LOCK = 7_407_310_005
# The session advisory lock of the archiver that works.
ARCHIVER_LOCK = 7_407_310_031


@dataclass(frozen=True, kw_only=True)
class Engine:
    """All durations in seconds, all sizes in bytes."""

    # A worker process says that it lives every `heartbeat`; silent for `worker_lease`, it is lost.
    heartbeat: float = 2.0
    worker_lease: float = 20.0
    # A queued job whose message was not claimed within `queue_lease` goes back to scheduled.
    queue_lease: float = 60.0
    # The populator looks for due jobs at least this often, woken or not.
    poll: float = 0.5
    # How often beat ticks the watcher.
    watch: float = 5.0
    # A tiny job shows this often that a lane's workers take and finish jobs; one that waits for longer
    # than `lane_silence` makes the lane silent.
    canary: float = 30.0
    lane_silence: float = 60.0
    # A running job may outlive its timeout by this much before the watcher takes it away.
    deadline_grace: float = 10.0
    # Jobs one async worker process runs at once.
    async_capacity: int = 500
    # Requests that HTTP jobs of one worker process have under way at once; None: one a job.
    http_connections: int | None = None
    # Commands one command worker process runs at once.
    command_capacity: int = 4
    # At most so many jobs of a lane lie in the broker at once; the rest waits in PostgreSQL.
    queued_limit: int = 5000
    # A level of priority counts as much as so much waiting, so nothing waits for ever.
    aging: float = 60.0
    # Rows one step of the populator or the watcher touches.
    step_limit: int = 1000
    # At most so many jobs in one broker message, and about so much work.
    message_jobs: int = 100
    message_seconds: float = 0.2
    # A job whose worker was lost this often is dead-lettered as poison.
    poison_losses: int = 3
    # So many calls in a row without an answer, and a host is given up for a pause that doubles with
    # each probe that fails, up to the longest one.
    breaker_failures: int = 10
    breaker_pause: float = 10.0
    breaker_longest: float = 300.0
    # A job that waited so long for a host that was tried meanwhile, and did not answer, fails.
    breaker_patience: float = 86_400.0
    # From its first answer on two calls at once, four, eight…; from so many on, as many as there are.
    breaker_unbound: int = 64
    # What is kept of a response body or of a result.
    output_limit: int = 64 * 1024
    # Networks that HTTP jobs may reach although the deny table names them (operators, demo, tests).
    http_allow_networks: tuple[Network, ...] = ()
