"""What there is to do, asked at once: on an idle machine a new job waits for each question."""

from dataclasses import dataclass
from datetime import datetime

from jobs.statements import surveying
from tenants.statement import execute


@dataclass(frozen=True, kw_only=True)
class Survey:
    """Whether jobs expired, or wait for a decision on siblings, parents or a concurrency key; whether
    flow rules apply, as `flows_apply` tells."""

    undecided: bool
    flows: bool


def survey(now: datetime) -> Survey:
    """Look in one statement for what `expire`, the settling verbs and `grant_places` would find."""
    [(undecided, flows)] = execute(surveying.SURVEY, now=now, limit=1)
    return Survey(undecided=undecided, flows=flows)
