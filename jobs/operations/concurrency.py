"""The fields `concurrency_key` and `concurrency_limit` of a new job."""

from dataclasses import dataclass

from jobs.operations.fields import Fields
from jobs.operations.limits import MAX_CONCURRENCY, MAX_CONCURRENCY_KEY

CONCURRENCY_FIELDS = ("concurrency_key", "concurrency_limit")


@dataclass(frozen=True, kw_only=True, slots=True)
class Concurrency:
    """At most `limit` unfinished jobs with the same key that have started, or are about to."""

    key: str = ""  # none
    limit: int = 1


ANY_NUMBER = Concurrency()


def read_concurrency(fields: Fields) -> Concurrency:
    """Return what the fields ask for; a limit that is null is left out, as answers show it."""
    key = fields.text("concurrency_key", longest=MAX_CONCURRENCY_KEY)
    if not key:
        named = fields.data.get("concurrency_limit") is not None
        if named and not fields.is_refused("concurrency_key"):
            fields.refuse(
                "concurrency_limit",
                "conflict",
                'goes with "concurrency_key": say which jobs it speaks of, or leave it out.',
            )
        return ANY_NUMBER
    if fields.data.get("concurrency_limit") is None:
        return Concurrency(key=key)
    limit = fields.integer("concurrency_limit", 1, minimum=1, maximum=MAX_CONCURRENCY)
    return Concurrency(key=key, limit=limit)
