"""Begin, look ahead of, stop and resume a redrive of many dead letters; `jobs.redriver` moves it on."""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from typing import Any, Final

from django.db import connection, transaction

from jobs.masking import masked
from jobs.models import DeadLetter, Redrive, RedriveItem
from jobs.operations.fields import FieldProblem, Fields, InvalidFields
from jobs.operations.letter_choice import chosen
from jobs.operations.limits import MAX_PAYLOAD
from jobs.operations.redrive_payloads import Drawn, draw
from jobs.querysets import DeadLetterQuerySet
from jobs.redrive_stages import RedriveState
from tenants.audit import Actor, record
from tenants.models import Merchant

MOST_LETTERS: Final = 100_000
MOST_EXAMPLES: Final = 5
SLOWEST, FASTEST, USUAL = 0.01, 1_000.0, 10.0  # jobs per second
CHOICE = ("ids", "filter")
FIELDS = (*CHOICE, "rate", "patch")


class RedriveNotRunning(Exception):
    """The redrive has stopped or is done; nothing was changed."""


class RedriveNotStopped(Exception):
    """The redrive runs or is done; nothing was changed."""


@dataclass(frozen=True, kw_only=True)
class Example:
    """A letter of a redrive, and with what its job would run."""

    letter: DeadLetter
    drawn: Drawn


@dataclass(frozen=True, kw_only=True)
class DryRun:
    """What a redrive would take: how many letters (`more`: beyond the limit of one), the first ones."""

    count: int
    more: bool
    examples: list[Example]


@dataclass(frozen=True, kw_only=True)
class Wish:
    """A checked request: which open letters, oldest first, how fast, with which patch."""

    letters: DeadLetterQuerySet
    chosen_by: Mapping[str, Any]
    rate: float
    patch: dict[str, Any] | None


def dry_run(data: Any, *, merchant: Merchant) -> DryRun:
    """Say what a redrive would take and change; changes nothing. Raises InvalidFields."""
    wish = _read(data, merchant)
    count = wish.letters.values("pk")[: MOST_LETTERS + 1].count()
    return DryRun(
        count=min(count, MOST_LETTERS), more=count > MOST_LETTERS, examples=_examples(wish)
    )


def begin(data: Any, *, merchant: Merchant, now: datetime, by: Actor) -> Redrive:
    """Store a redrive of the letters that are open now, at most MOST_LETTERS, the oldest first.

    The redriver lets the first job go with its next step. Raises InvalidFields, also when the patch does
    not fit the first letter's payload.
    """
    wish = _read(data, merchant)
    if wish.patch is not None:
        _refuse_unfit(_examples(wish, most=1))
    with transaction.atomic():
        redrive = Redrive.objects.create(
            merchant=merchant,
            chosen_by=dict(wish.chosen_by),
            patch=wish.patch,
            rate=wish.rate,
            total=0,
            created_at=now,
            created_by=by.shown,
        )
        redrive.total = _take_in(redrive, wish.letters)
        if redrive.total == 0:
            redrive.state, redrive.finished_at = RedriveState.DONE, now
        redrive.save(update_fields=["total", "state", "finished_at"])
        _record(
            "redrive",
            redrive,
            by,
            after={
                "chosen_by": wish.chosen_by,
                "count": redrive.total,
                "rate": wish.rate,
                "patch": None if wish.patch is None else masked("http", wish.patch),
            },
        )
    return redrive


def stop(redrive: Redrive, data: Any, *, now: datetime, by: Actor) -> Redrive:
    """Let no more jobs go; what goes ends as it does. Raises InvalidFields, RedriveNotRunning."""
    fields = Fields({} if data is None else data, ("reason",))
    reason = fields.text("reason", longest=500)
    fields.raise_problems()
    with transaction.atomic():
        locked = _locked(redrive)
        if locked.state != RedriveState.RUNNING:
            raise RedriveNotRunning(f"The redrive is {locked.state}; only a running one stops.")
        locked.state = RedriveState.STOPPED
        locked.stopped_at, locked.stopped_by, locked.stop_reason = now, by.shown, reason
        locked.save(update_fields=["state", "stopped_at", "stopped_by", "stop_reason"])
        _record("stop", locked, by, after={"reason": reason})
    return locked


def resume(redrive: Redrive, *, by: Actor) -> Redrive:
    """Go on where it stopped; a canary that failed is followed by another. Raises RedriveNotStopped."""
    with transaction.atomic():
        locked = _locked(redrive)
        if locked.state != RedriveState.STOPPED:
            raise RedriveNotStopped(f"The redrive is {locked.state}; only a stopped one resumes.")
        before = {"stop_reason": locked.stop_reason}
        locked.state = RedriveState.RUNNING
        locked.stopped_at, locked.stopped_by, locked.stop_reason = None, "", ""
        locked.save(update_fields=["state", "stopped_at", "stopped_by", "stop_reason"])
        _record("resume", locked, by, before=before)
    return locked


def _read(data: Any, merchant: Merchant) -> Wish:
    fields = Fields(data, FIELDS)
    rate = fields.number("rate", USUAL, minimum=SLOWEST, maximum=FASTEST)
    patch = None
    if fields.data.get("patch") is not None:
        patch = fields.json_object("patch", largest=MAX_PAYLOAD)
        if not patch and not fields.is_refused("patch"):
            fields.refuse("patch", "nothing_to_change", "changes nothing; leave it out.")
    fields.raise_problems()
    chosen_by = {name: fields.data[name] for name in CHOICE if name in fields}
    letters = chosen(DeadLetter.objects.of(merchant), dict(chosen_by), CHOICE)
    return Wish(letters=letters.open().order_by("pk"), chosen_by=chosen_by, rate=rate, patch=patch)


def _examples(wish: Wish, *, most: int = MOST_EXAMPLES) -> list[Example]:
    letters = wish.letters.select_related("job")[:most]
    return [
        Example(letter=letter, drawn=draw(letter.job, patch=wish.patch or {})) for letter in letters
    ]


def _refuse_unfit(examples: list[Example]) -> None:
    for example in examples:
        if example.drawn.problems:
            detail = example.drawn.problems[0].detail
            sentence = f'"patch" does not fit job {example.letter.job_id}: {detail}'
            raise InvalidFields([FieldProblem("/patch", "invalid_payload", sentence)])


def _take_in(redrive: Redrive, letters: DeadLetterQuerySet) -> int:
    """Write the redrive's items in one statement; the letters never pass through this process."""
    sql, values = letters.values_list("pk", "job_id")[:MOST_LETTERS].query.sql_with_params()
    table = RedriveItem._meta.db_table  # noqa: SLF001 - Django names it as public API
    with connection.cursor() as cursor:
        cursor.execute(
            f"INSERT INTO {table} (redrive_id, position, letter_id, job_id, state, note) "  # noqa: S608
            "SELECT %s, row_number() OVER (ORDER BY letter_id), letter_id, job_id, 'waiting', '' "
            f"FROM ({sql}) AS wanted(letter_id, job_id)",
            [redrive.pk, *values],
        )
        return int(cursor.rowcount)


def _locked(redrive: Redrive) -> Redrive:
    return Redrive.objects.select_for_update(of=("self",)).get(pk=redrive.pk)


def _record(verb: str, redrive: Redrive, by: Actor, **told: Mapping[str, Any]) -> None:
    record(
        by=by,
        verb=verb,
        object_type="redrive",
        object_id=redrive.pk,
        merchant_id=redrive.merchant_id,
        **told,
    )
