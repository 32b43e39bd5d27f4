"""Flow rules in words: what they concern, what they bound, who paused them, how many jobs wait."""

from jobs.admin import display as show
from jobs.flow import FlowScope
from jobs.models import Flow, Job
from jobs.states import WAITING, Gate

MOST_COUNTED = 1_000


def concerned(flow: Flow) -> str:
    """Return which jobs a rule speaks of, such as "jobs of kind http"."""
    everybodys = " of all merchants" if flow.merchant_id is None else ""
    if flow.scope == FlowScope.MERCHANT:
        return f"all jobs of {flow.merchant}"
    return f"jobs of {flow.scope} {flow.name}{everybodys}"


def bounds(flow: Flow) -> str:
    """Return what a rule bounds, such as "at most 5 at once, 10 a minute, burst 20"."""
    parts = []
    if flow.most_active is not None:
        parts.append(f"at most {flow.most_active:,} at once")
    if flow.rate is not None:
        period = flow.get_rate_period_display()
        parts.append(f"{flow.rate:,} {'an' if period == 'hour' else 'a'} {period}")
    if flow.burst is not None:
        parts.append(f"burst {flow.burst:,}")
    return ", ".join(parts) or "none"


def paused(flow: Flow) -> str:
    """Return who paused a rule, when and why."""
    why = f": {flow.pause_note}" if flow.pause_note else ""
    return f"by {flow.paused_by} at {show.moment(flow.paused_at)} UTC{why}"


def paused_by_operators(flow: Flow) -> str:
    """Return when the operators paused a rule. Who of them did, and why, is their business."""
    return f"by the operators at {show.moment(flow.paused_at)} UTC"


def in_line(flow: Flow) -> str:
    """Return how many jobs wait for a rule; reads at most so many entries of an index."""
    # As the index job_parked is conditioned, or all waiting jobs would be read.
    line = Job.objects.filter(gate=Gate.PARKED, status__in=WAITING, parked_by=flow.pk)
    count = line.order_by()[:MOST_COUNTED].count()
    if count >= MOST_COUNTED:
        return f"{MOST_COUNTED:,} or more jobs"
    return "1 job" if count == 1 else f"{count:,} jobs"
