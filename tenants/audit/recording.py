"""Writing an entry. Two statements; the head of the merchant's chain is held until the transaction ends."""

import json
from collections.abc import Mapping
from typing import Any
from uuid import UUID

from django.db import transaction

from tenants.audit import canonical
from tenants.audit.actor import Actor
from tenants.statement import execute

# Locks the head, so that those who write at once come one after another, and makes the first one.
# Unique index audit_chain_of_merchant, where the platform's NULL is a value like any.
_TAKE_HEAD = """
INSERT INTO tenants_auditchain AS chain (id, merchant_id, number, hash)
VALUES (uuidv7(), %(merchant)s::uuid, 0, %(first)s)
ON CONFLICT (merchant_id) DO UPDATE SET number = chain.number
RETURNING chain.id, chain.number, chain.hash, clock_timestamp()
"""
_APPEND = """
WITH entry AS (
    INSERT INTO tenants_auditentry
           (merchant_id, number, at, actor_kind, actor_id, actor_name, address, verb,
            object_type, object_id, before, after, previous_hash, hash)
    VALUES (%(merchant)s::uuid, %(number)s, %(at)s, %(actor_kind)s, %(actor_id)s::uuid,
            %(actor_name)s, %(address)s::inet, %(verb)s, %(object_type)s, %(object_id)s,
            %(before)s::text::jsonb, %(after)s::text::jsonb, %(previous)s, %(hash)s)
)
UPDATE tenants_auditchain SET number = %(number)s, hash = %(hash)s WHERE id = %(chain)s
"""


def record(
    *,
    by: Actor,
    verb: str,
    object_type: str,
    object_id: UUID | str = "",
    merchant_id: UUID | None,
    before: Mapping[str, Any] | None = None,
    after: Mapping[str, Any] | None = None,
) -> None:
    """Append an entry to the merchant's chain; without a merchant, to the platform's.

    Call it in the transaction of the change, after the change: the head of the chain is locked from
    here to the end of the transaction. `verb` is the glossary's. `before` and `after` name what was
    changed; long values are cut, and what is named like a secret is hidden.
    """
    with transaction.atomic():
        [(chain, last, previous, at)] = execute(
            _TAKE_HEAD, merchant=merchant_id, first=canonical.FIRST_HASH
        )
        entry = {
            "number": last + 1,
            "actor_kind": by.kind.value,
            "actor_id": by.id,
            "actor_name": by.name[:254].replace("\x00", "�"),
            "address": by.address,
            "verb": verb,
            "object_type": object_type,
            "object_id": str(object_id),
        }
        fitted = {"before": canonical.fit(before), "after": canonical.fit(after)}
        digest = canonical.chained(
            previous, hashed_part({**entry, **fitted, "merchant_id": merchant_id, "at": at})
        )
        execute(
            _APPEND,
            **entry,
            **{name: None if each is None else json.dumps(each) for name, each in fitted.items()},
            merchant=merchant_id,
            at=at,
            previous=previous,
            hash=digest,
            chain=chain,
        )


def hashed_part(entry: Mapping[str, Any]) -> dict[str, Any]:
    """Return the JSON of an entry's columns over which its hash is taken."""
    ids = {name: None if entry[name] is None else str(entry[name]) for name in _IDS}
    return {
        **{name: entry[name] for name in _PLAIN},
        **ids,
        "at": canonical.moment_text(entry["at"]),
    }


_IDS = ("merchant_id", "actor_id")
_PLAIN = (
    "number",
    "actor_kind",
    "actor_name",
    "address",
    "verb",
    "object_type",
    "object_id",
    "before",
    "after",
)
