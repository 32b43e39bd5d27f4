"""The events that an endpoint can hear of, and how a subscription names them. Pure."""

from collections.abc import Iterable
from functools import lru_cache

JOB_SUCCEEDED = "job.succeeded"
JOB_FAILED = "job.failed"
JOB_DEAD_LETTERED = "job.dead_lettered"
JOB_CANCELLED = "job.cancelled"
JOB_SKIPPED = "job.skipped"
TEMPLATE_MISSED = "template.missed"
TEMPLATE_SET_ASIDE = "template.set_aside"
INCIDENT_OPENED = "incident.opened"
INCIDENT_RESOLVED = "incident.resolved"
ENDPOINT_DISABLED = "webhook_endpoint.disabled"
# Sent to one endpoint when somebody asks for it; nobody subscribes to it.
ENDPOINT_TEST = "webhook_endpoint.test"

TYPES = (
    JOB_SUCCEEDED,
    JOB_FAILED,
    JOB_DEAD_LETTERED,
    JOB_CANCELLED,
    JOB_SKIPPED,
    TEMPLATE_MISSED,
    TEMPLATE_SET_ASIDE,
    INCIDENT_OPENED,
    INCIDENT_RESOLVED,
    ENDPOINT_DISABLED,
)
GROUPS = tuple(dict.fromkeys(f"{one.partition('.')[0]}.*" for one in TYPES))
SUBSCRIBABLE = (*TYPES, *GROUPS)

# What a job's end is told as, in this order.
OF_STATUS = {
    "succeeded": (JOB_SUCCEEDED,),
    "failed": (JOB_FAILED, JOB_DEAD_LETTERED),
    "cancelled": (JOB_CANCELLED,),
    "skipped": (JOB_SKIPPED,),
}


def types_of(subscribed: Iterable[str]) -> frozenset[str]:
    """Return the types that a subscription comes to; `job.*` names all of its group."""
    return _types_of(tuple(subscribed))


@lru_cache(maxsize=1024)
def _types_of(subscribed: tuple[str, ...]) -> frozenset[str]:
    return frozenset(
        one
        for name in subscribed
        for one in TYPES
        if one == name or (name.endswith(".*") and one.startswith(name[:-1]))
    )
