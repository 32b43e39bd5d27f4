"""Counts requests on Valkey, atomically over all processes.

A limit guards against floods; it is not worth an outage. When Valkey does not answer within a
quarter of a second, requests pass uncounted, and it is left alone for a few seconds, so that a frozen
one does not hold every request.
"""

import logging
import math
import time
from dataclasses import dataclass
from functools import lru_cache
from typing import Final

import redis
from django.conf import settings
from limits import RateLimitItem
from limits.storage import RedisStorage
from limits.strategies import SlidingWindowCounterRateLimiter
from redis.backoff import NoBackoff
from redis.retry import Retry

logger = logging.getLogger(__name__)

_TIMEOUT: Final = 0.25
_PAUSE: Final = 5.0
_LOG_EVERY: Final = 60.0


@dataclass(frozen=True, slots=True)
class Verdict:
    """Whether a request may pass; if not, after how many whole seconds to come back."""

    allowed: bool
    retry_after: int = 0


class Limiter:
    """Sliding windows on one Valkey; safe to share between threads."""

    def __init__(self, url: str) -> None:
        pool = redis.ConnectionPool.from_url(
            url,
            socket_timeout=_TIMEOUT,
            socket_connect_timeout=_TIMEOUT,
            # redis-py's own default retries three times with growing pauses.
            retry=Retry(NoBackoff(), 0),
        )
        storage = RedisStorage(url, connection_pool=pool, key_prefix="taskflow:limits")
        self._windows = SlidingWindowCounterRateLimiter(storage)
        self._paused_until = -math.inf
        self._logged_at = -math.inf

    def hit(self, limit: RateLimitItem, *identifiers: str) -> Verdict:
        """Count one request against `limit`; an uncounted one, with Valkey away, is allowed."""
        moment = time.monotonic()
        if moment < self._paused_until:
            return Verdict(allowed=True)
        try:
            if self._windows.hit(limit, *identifiers):
                return Verdict(allowed=True)
            reset = self._windows.get_window_stats(limit, *identifiers).reset_time
        except (redis.RedisError, OSError) as error:
            self._leave_alone(moment, error)
            return Verdict(allowed=True)
        return Verdict(allowed=False, retry_after=max(1, math.ceil(reset - time.time())))

    def _leave_alone(self, moment: float, error: Exception) -> None:
        self._paused_until = moment + _PAUSE
        if moment - self._logged_at >= _LOG_EVERY:
            self._logged_at = moment
            # The text of the error may hold the server's address; its type says enough.
            logger.warning("rate limits are off: Valkey fails with %s", type(error).__name__)


def limiter() -> Limiter:
    """Return this process's limiter on `settings.REDIS_URL`."""
    return _limiter_on(settings.REDIS_URL)


@lru_cache(maxsize=4)
def _limiter_on(url: str) -> Limiter:
    return Limiter(url)
