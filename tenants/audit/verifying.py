"""Walking the chains: is each entry what its hash says, and does it stand where it was written?"""

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final
from uuid import UUID

from django.db.models import Q

from tenants.audit import canonical
from tenants.audit.recording import hashed_part
from tenants.models.audit import AuditChain, AuditEntry

# Entries in memory at once.
PAGE: Final = 1_000
_COLUMNS = [field.attname for field in AuditEntry._meta.concrete_fields]  # noqa: SLF001


@dataclass(frozen=True, kw_only=True)
class ChainState:
    """What one chain came to: how many entries hold, its head, and the first that does not.

    `broken`: the number of the first entry that is missing or was changed; `why` says which.
    """

    merchant_id: UUID | None
    entries: int
    head: str
    broken: int | None = None
    why: str = ""


def verify_chains() -> Iterator[ChainState]:
    """Yield what each chain came to. Reads by pages in the chains' order; writers are not held up."""
    headed = set()
    for chain in AuditChain.objects.order_by("pk").iterator(chunk_size=PAGE):
        headed.add(chain.merchant_id)
        yield _verified(chain.merchant_id, chain.number, chain.hash)
    for merchant_id in AuditEntry.objects.order_by().values_list("merchant_id").distinct():
        # A chain that was begun meanwhile has a head by now.
        begun = AuditChain.objects.filter(merchant_id=merchant_id[0]).exists()
        if merchant_id[0] not in headed and not begun:
            yield ChainState(
                merchant_id=merchant_id[0],
                entries=0,
                head=canonical.FIRST_HASH,
                broken=1,
                why="The head of the chain is gone.",
            )


def _verified(merchant_id: UUID | None, last: int, head: str) -> ChainState:
    previous, number = canonical.FIRST_HASH, 0
    for entry in _entries(merchant_id, last):
        fault = _fault(entry, number + 1, previous)
        if fault:
            return ChainState(
                merchant_id=merchant_id,
                entries=number,
                head=previous,
                broken=number + 1,
                why=fault,
            )
        previous, number = entry["hash"], entry["number"]
    if (number, previous) != (last, head):
        why = "Entries at the end are missing." if number < last else "The head names another hash."
        return ChainState(
            merchant_id=merchant_id, entries=number, head=previous, broken=number + 1, why=why
        )
    return ChainState(merchant_id=merchant_id, entries=number, head=previous)


def _fault(entry: dict[str, Any], number: int, previous: str) -> str:
    if entry["number"] != number:
        return f"The entry is missing; the next one is {entry['number']}."
    if entry["previous_hash"] != previous:
        return "It does not follow on the entry before it."
    if canonical.chained(previous, hashed_part(entry)) != entry["hash"]:
        return "It was changed after it had been written."
    return ""


def _entries(merchant_id: UUID | None, last: int) -> Iterator[dict[str, Any]]:
    """Yield the entries up to the head as it was read; index audit_chain_order."""
    whose = Q(merchant_id=merchant_id) if merchant_id else Q(merchant_id__isnull=True)
    chain = AuditEntry.objects.filter(whose, number__lte=last)
    after = 0
    while True:
        page = list(chain.filter(number__gt=after).order_by("number").values(*_COLUMNS)[:PAGE])
        yield from page
        if len(page) < PAGE:
            return
        after = page[-1]["number"]
