"""Create, edit, pause, resume and delete flow rules; the populator acts on them from its next step."""

from collections.abc import Callable
from datetime import datetime
from typing import Any

from django.db import IntegrityError, transaction

from jobs import publishing
from jobs.models import Flow
from jobs.operations.fields import Fields
from jobs.operations.flow_draft import FlowDraft, read_flow, read_flow_change
from tenants.audit import SYSTEM, Actor, record
from tenants.models import Merchant

MOST_FLOWS = 1_000
MAX_NOTE = 500
_TOLD = (
    "merchant_id",
    "scope",
    "name",
    "most_active",
    "rate",
    "rate_period",
    "burst",
    "paused_at",
    "pause_note",
)


class FlowExists(Exception):
    """There is a rule for the same jobs already."""


class TooManyFlows(Exception):
    """The merchant has as many flow rules as it may have."""


class FlowGone(Exception):
    """The rule was deleted meanwhile."""


class OperatorsFlow(Exception):
    """The operators made the rule for the merchant, who may not change it."""


def create_flow(data: Any, *, merchant: Merchant, by: Actor, now: datetime) -> Flow:
    """Store a merchant's own rule. Raises InvalidFields, FlowExists, TooManyFlows."""
    draft = read_flow(data, merchant=merchant)
    if Flow.objects.own_of(merchant).count() >= MOST_FLOWS:
        raise TooManyFlows(f"You can have {MOST_FLOWS:,} flow rules; delete some that do nothing.")
    return _stored(Flow(merchant=merchant, set_by_operators=False), draft, by=by, now=now)


def create_operators_flow(
    data: Any, *, merchant: Merchant | None, by: Actor, now: datetime
) -> Flow:
    """Store a rule of the operators, over one merchant's jobs beside its own rule, or over all.

    Raises InvalidFields, FlowExists.
    """
    draft = read_flow(data, merchant=merchant)
    return _stored(Flow(merchant=merchant, set_by_operators=True), draft, by=by, now=now)


def merchants_own(flow: Flow) -> Flow:
    """Return a rule that its merchant may change. Raises OperatorsFlow. Whose it is never changes."""
    if flow.set_by_operators:
        raise OperatorsFlow(
            "The operators made this flow rule: you can see it, and only they change or delete it. "
            "Ask them, or make a rule of your own beside it."
        )
    return flow


def _stored(flow: Flow, draft: FlowDraft, *, by: Actor, now: datetime) -> Flow:
    flow.created_at = now
    for name, value in draft.columns.items():
        setattr(flow, name, value)
    if draft.paused:
        flow.paused_at, flow.paused_by = now, by.shown
    try:
        with transaction.atomic():
            flow.save(force_insert=True)
            _record("create", flow, by, after=_told(flow))
            transaction.on_commit(publishing.wake)
    except IntegrityError as error:
        raise FlowExists(
            "There is a flow rule for the same jobs already; change that one."
        ) from error
    return flow


def edit_flow(flow: Flow, data: Any, *, by: Actor = SYSTEM) -> Flow:
    """Change what `data` names; a new rate begins with a full burst. Raises InvalidFields, FlowGone."""

    def change(row: Flow) -> None:
        for name, value in read_flow_change(row, data).items():
            setattr(row, name, value)

    return _changed(flow, change, verb="edit", by=by)


def pause_flow(flow: Flow, data: Any, *, by: Actor, now: datetime) -> Flow:
    """Keep the rule's jobs in line from now on; what workers have goes on. Raises as `edit_flow`."""
    fields = Fields({} if data is None else data, ("note",))
    note = fields.text("note", longest=MAX_NOTE)
    fields.raise_problems()

    def change(row: Flow) -> None:
        row.paused_at, row.paused_by, row.pause_note = row.paused_at or now, by.shown, note

    return _changed(flow, change, verb="pause", by=by)


def resume_flow(flow: Flow, *, by: Actor = SYSTEM) -> Flow:
    """Let the rule's jobs go again, as its limit and rate allow. Raises FlowGone."""

    def change(row: Flow) -> None:
        row.paused_at, row.paused_by, row.pause_note = None, "", ""

    return _changed(flow, change, verb="resume", by=by)


def delete_flow(flow: Flow, *, by: Actor = SYSTEM) -> None:
    """Delete a rule; what is in its line goes with the populator's next steps."""
    with transaction.atomic():
        deleted, _ = Flow.objects.filter(pk=flow.pk).delete()
        if deleted:
            _record("delete", flow, by, before=_told(flow))
        transaction.on_commit(publishing.wake)


def _changed(flow: Flow, change: Callable[[Flow], None], *, verb: str, by: Actor) -> Flow:
    with transaction.atomic():
        row: Flow | None = Flow.objects.select_for_update().filter(pk=flow.pk).first()
        if row is None:
            raise FlowGone("The flow rule was deleted.")
        before = _told(row)
        change(row)
        row.save(force_update=True)
        _record(verb, row, by, before=before, after=_told(row))
        transaction.on_commit(publishing.wake)
    return row


def _told(flow: Flow) -> dict[str, Any]:
    return {name: getattr(flow, name) for name in _TOLD}


def _record(verb: str, flow: Flow, by: Actor, **told: dict[str, Any]) -> None:
    record(
        by=by,
        verb=verb,
        object_type="flow_rule",
        object_id=flow.pk,
        # Whom the operators' rule concerns does not see which of them made it.
        merchant_id=None if flow.set_by_operators else flow.merchant_id,
        **told,
    )
