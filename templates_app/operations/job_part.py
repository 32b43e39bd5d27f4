"""What a template repeats of a job: read from JSON, its payload checked for a sample."""

from collections.abc import Collection
from datetime import datetime
from typing import Any
from uuid import UUID

from jobs.operations.blueprint import BLUEPRINT_FIELDS, PLAIN, read_blueprint
from jobs.operations.concurrency import CONCURRENCY_FIELDS, read_concurrency
from jobs.operations.fields import Fields, InvalidFields
from jobs.operations.limits import MAX_NAME, MAX_PAYLOAD
from jobs.operations.work import check_work, known_kind, own_retries
from templates_app.operations.faults import placeholder_problems
from templates_app.placeholders import Context, PlaceholderError, compile_payload
from templates_app.recurrence.errors import RecurrenceError
from templates_app.recurrence.value import Recurrence
from tenants.models import Merchant

JOB_PART = (*(name for name in BLUEPRINT_FIELDS if name != "name"), *CONCURRENCY_FIELDS)
WORK = frozenset({"kind", "payload"})


def read_job_part(fields: Fields, named: Collection[str]) -> dict[str, Any]:
    """Return the named columns of a job's blueprint; what is wrong is added to `fields`."""
    columns = {
        name: read(fields) for name, read in PLAIN.items() if name in named and name in JOB_PART
    }
    if any(name in named for name in CONCURRENCY_FIELDS):
        columns |= _concurrency(fields)
    return columns | _work(fields, named)


def check_payload(
    fields: Fields,
    recurrence: Recurrence | None,
    *,
    merchant: Merchant,
    template_id: UUID,
    now: datetime,
) -> dict[str, Any]:
    """Fill in the placeholders for the next occurrence and see whether the kind takes that.

    Returns the columns of the handler's own retry policy that the template names nothing for.

    Without a recurrence (a stored one that this release cannot read) they are filled in for now.
    """
    kind, payload = fields.data["kind"], fields.data["payload"]
    if not isinstance(kind, str) or not isinstance(payload, dict):
        return {}
    moment = _next(recurrence, now)
    sample = Context(
        occurrence=moment,
        planned=moment,
        previous_occurrence=None,
        template_id=str(template_id),
        template_name=str(fields.data.get("name", "")),
        merchant_slug=merchant.slug,
        merchant_name=merchant.name,
        timezone=recurrence.zone.name if recurrence else "UTC",
    )
    try:
        filled_in = compile_payload(payload).render(sample)
    except PlaceholderError as error:
        fields.problems += placeholder_problems(error, f"{fields.pointer}/payload")
        return {}
    work = check_work(kind, filled_in, fields, merchant_id=merchant.pk)
    return own_retries(work, fields) if work is not None else {}


def _concurrency(fields: Fields) -> dict[str, Any]:
    """Return both columns, whichever is named: they go together."""
    concurrency = read_concurrency(fields)
    if any(mark in concurrency.key for mark in ("{{", "{%")):
        fields.refuse(
            "concurrency_key",
            "not_allowed",
            "takes no placeholders: it is the same for all jobs of the template. Leave them out.",
        )
    return {
        "concurrency_key": concurrency.key,
        "concurrency_limit": concurrency.limit if concurrency.key else None,
    }


def _work(fields: Fields, named: Collection[str]) -> dict[str, Any]:
    if set(named) >= WORK:
        part = {name: fields.data[name] for name in WORK if name in fields}
        try:
            blueprint = read_blueprint(part, pointer=fields.pointer)
        except InvalidFields as error:
            fields.problems += error.problems
            return {}
        return {"kind": blueprint.kind, "payload": blueprint.payload}
    if "payload" in named:
        return {"payload": fields.json_object("payload", largest=MAX_PAYLOAD)}
    if "kind" in named:
        kind = fields.text("kind", longest=MAX_NAME)
        return {"kind": kind} if known_kind(kind, fields) else {}
    return {}


def _next(recurrence: Recurrence | None, now: datetime) -> datetime:
    try:
        upcoming = recurrence.next(now) if recurrence else None
    except RecurrenceError:
        # Too costly to be searched, which is told where the recurrence itself is looked at.
        return now
    return upcoming.scheduled if upcoming else now
