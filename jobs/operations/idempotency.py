"""Answer a producer's repeated request once: same key and same request, same answer.

The record is inserted first, in the transaction of the work. A twin that arrives meanwhile waits at
the unique index until this transaction has ended, then finds its answer (or, after a rollback, does
the work itself).
"""

import hashlib
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any

from django.db import connection, transaction

from tenants.models import Merchant

KEPT = timedelta(hours=24)
MAX_KEY = 255

# A live record makes the WHERE false: nothing is updated and no row comes back.
_CLAIM = """
INSERT INTO jobs_idempotencyrecord AS record (merchant_id, key, request_hash, response_text, created_at)
VALUES (%(merchant)s, %(key)s, %(hash)s, '', %(now)s)
ON CONFLICT (merchant_id, key) DO UPDATE
   SET request_hash = excluded.request_hash, response_status = NULL, response_text = '',
       created_at = excluded.created_at
 WHERE record.created_at <= %(before)s
RETURNING record.id
"""
_RECALL = """
SELECT request_hash, response_status, response_text
  FROM jobs_idempotencyrecord
 WHERE merchant_id = %(merchant)s AND key = %(key)s
"""
_REMEMBER = """
UPDATE jobs_idempotencyrecord SET response_status = %(status)s, response_text = %(text)s
 WHERE id = %(id)s
"""


class InvalidIdempotencyKey(ValueError):
    """The key is empty, too long, or not printable ASCII."""

    code = "invalid_idempotency_key"


class IdempotencyKeyReused(Exception):
    """The key belongs to another request of the last 24 hours."""

    code = "idempotency_key_reused"


@dataclass(frozen=True, kw_only=True)
class Answer:
    """A status and a JSON body; `replayed` when they were given before."""

    status: int
    body: Any
    replayed: bool = False


def check_key(key: str) -> str:
    """Return the key. Raises InvalidIdempotencyKey."""
    if not 1 <= len(key) <= MAX_KEY or not key.isascii() or not key.isprintable():
        raise InvalidIdempotencyKey(
            f"The Idempotency-Key must be 1 to {MAX_KEY} printable ASCII characters, such as a UUID."
        )
    return key


def request_hash(*, method: str, path: str, query: str, body: Any) -> str:
    """Return the hash of a request; the order of a JSON object's fields does not matter."""
    canonical = json.dumps([method, path, query, body], sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(canonical.encode()).hexdigest()


def answer_once(
    *, merchant: Merchant, key: str, fingerprint: str, now: datetime, work: Callable[[], Answer]
) -> Answer:
    """Do `work` unless this request was answered before. Raises IdempotencyKeyReused.

    What `work` raises undoes everything, the record included: a failed request may be repeated.
    """
    with transaction.atomic(), connection.cursor() as cursor:
        names: dict[str, Any] = {"merchant": merchant.pk, "key": key}
        cursor.execute(_CLAIM, {**names, "hash": fingerprint, "now": now, "before": now - KEPT})
        claimed = cursor.fetchone()
        if claimed is None:
            # The claim locked the live record, so that nobody removes it before it is read.
            cursor.execute(_RECALL, names)
            return _recalled(cursor.fetchone(), fingerprint)
        answer = work()
        cursor.execute(
            _REMEMBER,
            {"id": claimed[0], "status": answer.status, "text": json.dumps(answer.body)},
        )
        return answer


def _recalled(row: Any, fingerprint: str) -> Answer:
    stored_hash, status, text = row
    if stored_hash != fingerprint:
        raise IdempotencyKeyReused(
            "This Idempotency-Key was used for another request within 24 hours. "
            "Send the same request again, or choose a new key."
        )
    return Answer(status=status, body=json.loads(text), replayed=True)
