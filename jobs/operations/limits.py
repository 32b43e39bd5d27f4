"""The bounds of what a producer may ask for, and what holds when it does not ask. Sizes in bytes."""

from datetime import UTC, datetime, timedelta

MAX_NAME = 200
MAX_TAGS = 20
MAX_TAG = 64
MAX_METADATA = 16 * 1024  # of JSON
MAX_PAYLOAD = 128 * 1024  # of JSON
MAX_PRIORITY = 10
MAX_ATTEMPTS = 100
MIN_TIMEOUT = 0.1  # seconds
MAX_TIMEOUT = 86_400  # seconds
HORIZON = timedelta(days=3653)  # ten years
EARLIEST = datetime(2000, 1, 1, tzinfo=UTC)
MAX_FACTOR = 100
DEFAULT_PRIORITY = 5
DEFAULT_ATTEMPTS = 5
DEFAULT_TIMEOUT = 60.0
MAX_UNIQUE_KEY = 200
MAX_CONCURRENCY_KEY = 200
MAX_CONCURRENCY = 1_000
MAX_PERIOD = 366 * 86_400  # seconds
