"""Canaries: made and looked after by the watcher."""

from collections.abc import Sequence
from datetime import datetime

from jobs.lifecycle.announcing import announce
from jobs.rows import Moved, moved_row
from jobs.statements import canaries
from tenants.platform import PLATFORM_ID, platform_merchant
from tenants.statement import execute


def send_canaries(*, lanes: Sequence[str], now: datetime, every: float) -> list[Moved]:
    """Note which canaries came back, and send one to each of `lanes` that none waits in.

    Not sooner than `every` seconds after the last one. A lane's former canary is deleted.
    """
    execute(canaries.SETTLE_CANARIES)
    if not lanes:
        return []
    platform_merchant()
    sent = execute(
        canaries.SEND_CANARIES, lanes=sorted(lanes), now=now, every=every, platform=PLATFORM_ID
    )
    return announce("create", [moved_row(row) for row in sent])


def close_canary_letters(*, before: datetime, now: datetime) -> int:
    """Discard dead letters of canaries from before a time, of lanes that work again; return how many."""
    return len(execute(canaries.CLOSE_LETTERS, before=before, now=now, platform=PLATFORM_ID))


def withdraw_canaries(*, before: datetime) -> int:
    """Delete canaries that wait since `before` in lanes that nobody serves; return how many."""
    return len(execute(canaries.WITHDRAW_CANARIES, before=before, platform=PLATFORM_ID))
