"""What work costs: processor time, SQL statements, Valkey commands; read before and after.

Imports nothing of TaskFlow: the peers' environment uses it, too.
"""

import os
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

import psycopg
import redis

from benchmarks.memory import family

PROC = Path("/proc")
TICKS = os.sysconf("SC_CLK_TCK")
# Marks the benchmark's own questions, which are not counted.
OURS = "/* benchmark */"
# The look-up of a foreign key's row, which the server makes itself, once a row.
FOREIGN_KEYS = "SELECT $_ FROM ONLY % FOR KEY SHARE OF x"
CALLS = f"""
SELECT {OURS} coalesce(sum(calls), 0) FROM pg_stat_statements
 WHERE NOT query LIKE ANY (%s)
"""


@dataclass(frozen=True, kw_only=True)
class Costs:
    """Sums since the servers' start: seconds of processor time, numbers of statements, commands."""

    cpu_workers: float
    cpu_client: float
    cpu_postgres: float
    cpu_valkey: float
    statements: int
    commands: int

    def since(self, earlier: "Costs", *, jobs: int) -> dict[str, float]:
        """Return what each of so many jobs cost: milliseconds of processor time, counts."""
        milliseconds = {
            name: round((getattr(self, name) - getattr(earlier, name)) * 1000 / jobs, 3)
            for name in ("cpu_workers", "cpu_client", "cpu_postgres", "cpu_valkey")
        }
        return {
            **milliseconds,
            "cpu": round(sum(milliseconds.values()), 3),
            "statements": round((self.statements - earlier.statements) / jobs, 2),
            "commands": round((self.commands - earlier.commands) / jobs, 2),
        }


class Meter:
    """Reads the costs of two servers that nobody else uses, of processes, and of this process."""

    def __init__(
        self, *, database_url: str, redis_url: str, pids: Callable[[], Iterable[int]]
    ) -> None:
        self._database = psycopg.connect(database_url, autocommit=True)
        self._database.execute("CREATE EXTENSION IF NOT EXISTS pg_stat_statements")
        self._redis = redis.Redis.from_url(redis_url)
        self._pids = pids
        self._postgres = _parent(self._database.info.backend_pid)
        self._valkey = int(self._redis.info("server")["process_id"])

    def read(self) -> Costs:
        """Return the sums up to now."""
        row = self._database.execute(CALLS, [[f"%{OURS}%", FOREIGN_KEYS]]).fetchone()
        assert row is not None
        return Costs(
            cpu_workers=sum(cpu_seconds(pid) for pid in self._pids()),
            cpu_client=sum(os.times()[:2]),
            cpu_postgres=cpu_seconds(self._postgres),
            cpu_valkey=cpu_seconds(self._valkey),
            statements=int(row[0]),
            commands=int(self._redis.info("stats")["total_commands_processed"]),
        )

    def close(self) -> None:
        """Close the connections."""
        self._database.close()
        self._redis.close()


def cpu_seconds(pid: int) -> float:
    """Return the processor time of a process and its descendants, those that ended included."""
    return sum(map(_own_seconds, family(pid)))


def _own_seconds(pid: int) -> float:
    try:
        fields = _stat(pid)
    except FileNotFoundError:
        # Ended since it was listed: its parent has its time, or will.
        return 0.0
    # utime, stime and those of children that were waited for; proc(5) counts from 1 with the name.
    return sum(map(int, fields[11:15])) / TICKS


def _parent(pid: int) -> int:
    return int(_stat(pid)[1])


def _stat(pid: int) -> list[str]:
    # The name in parentheses may hold blanks.
    return (PROC / str(pid) / "stat").read_text(encoding="utf-8").rpartition(")")[2].split()
