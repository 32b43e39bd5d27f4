"""The one lock between those who plan templates and those who change what surrounds them.

Surroundings are calendars and maintenance windows. Who plans reads them and writes jobs that nobody
else sees before the commit; who changes them looks for the templates and jobs that the change
concerns. Without the lock each would miss the other, and the plan would stay wrong.

Take it first in a transaction, before any row: then it cannot be part of a circle of row locks.
Never change the surroundings in a transaction that holds them still already: two at once would wait
for one another. (The other way round, planning after a change, is how a change has its templates
planned.) Who waits to change them makes every later planner wait, so parse and check before it.
"""

from tenants.statement import execute

# Beside the numbers in jobs.engine; held until the transaction ends.
SURROUNDINGS_LOCK = 7_407_310_003

# Statements of their own: what is read next needs a snapshot from after the lock was granted. (A row
# that is locked in the same statement is read again then: operations/row.py.)
HOLD = "SELECT pg_advisory_xact_lock_shared(%(lock)s)"
CHANGE = "SELECT pg_advisory_xact_lock(%(lock)s)"


def hold_surroundings() -> None:
    """Let nobody change a calendar or a window until this transaction, which plans, has ended.

    Any number of sessions hold it at once.
    """
    execute(HOLD, lock=SURROUNDINGS_LOCK)


def change_surroundings() -> None:
    """Let nobody plan a template, or change a calendar or window, until this transaction has ended."""
    execute(CHANGE, lock=SURROUNDINGS_LOCK)
