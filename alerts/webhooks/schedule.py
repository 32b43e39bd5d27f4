"""When a delivery that failed is tried again: the schedule that Standard Webhooks 1.0 recommends. Pure."""

from itertools import accumulate

# Seconds after the first, second, … failed attempt: three days and some hours in all.
DELAYS = (5, 300, 1_800, 7_200, 18_000, 36_000, 50_400, 72_000, 86_400)
ATTEMPTS = len(DELAYS) + 1
SPAN = list(accumulate(DELAYS))[-1]
# How much later, as a share of the delay: endpoints that failed together do not come back together.
SPREAD = 0.1
# For an attempt whose worker died before it could say when to try again: never later than the schedule.
BACKOFF = {"strategy": "exponential", "base": 5.0, "factor": 3.5, "cap": 86_400.0, "jitter": 0.0}


def delay_after(attempt: int, *, chance: float) -> float | None:
    """Return the seconds to wait after attempt 1, 2, … failed, None after the last one.

    `chance` is in [0, 1).
    """
    if not 1 <= attempt <= len(DELAYS):
        return None
    return DELAYS[attempt - 1] * (1.0 + SPREAD * chance)
