"""Named places at which the chaos test lets a process die, stall or fail.

They do nothing: `reach` asks a module's None. Only the settings of the chaos test arm them
(tests.chaos.settings), and never in production.
"""

from collections.abc import Callable
from typing import Final

from django.conf import settings

API_AFTER_COMMIT: Final = "api.after_commit"
POPULATOR_AFTER_COMMIT: Final = "populator.after_commit"
POPULATOR_AFTER_PUBLISH: Final = "populator.after_publish"
EXECUTOR_AFTER_CLAIM: Final = "executor.after_claim"
EXECUTOR_AFTER_EFFECT: Final = "executor.after_effect"
RECORDER_BEFORE_COMMIT: Final = "recorder.before_commit"
RECORDER_AFTER_COMMIT: Final = "recorder.after_commit"
EXPANDER_BEFORE_COMMIT: Final = "expander.before_commit"
EXPANDER_AFTER_COMMIT: Final = "expander.after_commit"
WATCHER_BETWEEN_STATEMENTS: Final = "watcher.between_statements"
POINTS: Final = (
    API_AFTER_COMMIT,
    POPULATOR_AFTER_COMMIT,
    POPULATOR_AFTER_PUBLISH,
    EXECUTOR_AFTER_CLAIM,
    EXECUTOR_AFTER_EFFECT,
    RECORDER_BEFORE_COMMIT,
    RECORDER_AFTER_COMMIT,
    EXPANDER_BEFORE_COMMIT,
    EXPANDER_AFTER_COMMIT,
    WATCHER_BETWEEN_STATEMENTS,
)

_reached: Callable[[str], None] | None = None


class RefusedInProduction(RuntimeError):
    """Somebody tried to arm fault points in production."""


def reach(point: str) -> None:
    """Say that the process is at `point`. What is armed there may raise, stall or not return."""
    if _reached is not None:
        _reached(point)


def arm(reached: Callable[[str], None]) -> None:
    """Call `reached` at every point from now on. Raises RefusedInProduction."""
    global _reached
    if settings.PRODUCTION:
        raise RefusedInProduction("Fault points are for tests; they are never armed in production.")
    _reached = reached


def disarm() -> None:
    """Make the points do nothing again."""
    global _reached
    _reached = None
