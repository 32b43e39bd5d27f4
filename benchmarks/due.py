"""Makes templates due that are not."""

from datetime import datetime

import psycopg

from benchmarks.stack import wait_for

# At random, whatever their own time is. The share that is looked at yields some more than wanted.
MAKE_DUE = """
UPDATE templates_app_template AS template SET next_expansion_at = %(now)s
  FROM (SELECT id FROM templates_app_template TABLESAMPLE BERNOULLI (%(percent)s)
         WHERE next_expansion_at > %(now)s LIMIT %(number)s) AS chosen
 WHERE template.id = chosen.id
"""
# The first of the index, by the index: a plan for EXISTS read the whole table each time, with
# statistics by which many were due, and took a fifth of both cores from the expanders.
STILL_DUE = """
SELECT (SELECT next_expansion_at
          FROM templates_app_template
         WHERE next_expansion_at IS NOT NULL
         ORDER BY next_expansion_at
         LIMIT 1) <= %(moment)s
"""


def make_due(
    database: psycopg.Connection, number: int, *, of: int, now: datetime | None = None
) -> datetime:
    """Have so many `of` all templates fall due at `now`, the server's time unless given; return it.

    One in a hundred may be missing: the expander may hold it at this very moment. Raises
    ValueError when there were not enough that are not due.
    """
    percent = min(100.0, 200.0 * max(number, 50) / of)
    moment = now or database.execute("SELECT clock_timestamp()").fetchall()[0][0]
    done = database.execute(MAKE_DUE, {"now": moment, "percent": percent, "number": number})
    if done.rowcount < number * 0.99:
        raise ValueError(f"{done.rowcount} of {number} templates were made due")
    return moment


def wait_until_expanded(database: psycopg.Connection, moment: datetime, *, every: float) -> None:
    """Poll until no template is due that was at `moment`. Raises TimeoutError after a minute."""

    def expanded() -> bool:
        row = database.execute(STILL_DUE, {"moment": moment}).fetchone()
        assert row is not None
        return not row[0]

    wait_for(expanded, every=every, within=60)
