"""Seals merchants' secrets, so that a copy of the database reveals none.

Fernet (AES-128-CBC, HMAC-SHA-256) under keys derived from `settings.ENCRYPTION_KEYS`: the first one
seals, all of them open, so a new key is put in front and `manage.py reencrypt_secrets` moves every
secret to it. The merchant's id is sealed in with the secret: a value copied into another merchant's
row does not open there.
"""

import hmac
from base64 import urlsafe_b64encode
from functools import lru_cache
from uuid import UUID

from cryptography.fernet import Fernet, InvalidToken, MultiFernet
from cryptography.hazmat.primitives.hashes import SHA256
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from django.conf import settings

_INFO = b"taskflow/tenants/secrets/v1"
_ID_BYTES = 16


class SecretUnreadable(Exception):
    """A sealed secret does not open: its key is not configured, or it is not this merchant's."""

    def __init__(self) -> None:
        super().__init__(
            "The sealed secret cannot be opened. Add the key that sealed it to"
            " TASKFLOW_ENCRYPTION_KEYS, or rotate the secret."
        )


def seal(secret: bytes, *, merchant_id: UUID) -> str:
    """Return `secret` encrypted with the first key and bound to the merchant; ASCII."""
    return _box().encrypt(merchant_id.bytes + secret).decode("ascii")


def unseal(sealed: str, *, merchant_id: UUID) -> bytes:
    """Return the secret in `sealed`; raises SecretUnreadable."""
    try:
        envelope = _box().decrypt(sealed)
    except InvalidToken:
        raise SecretUnreadable from None
    if not hmac.compare_digest(envelope[:_ID_BYTES], merchant_id.bytes):
        raise SecretUnreadable
    return envelope[_ID_BYTES:]


def reseal(sealed: str, *, merchant_id: UUID) -> str:
    """Return the same secret sealed with the first key; raises SecretUnreadable."""
    return seal(unseal(sealed, merchant_id=merchant_id), merchant_id=merchant_id)


def _box() -> MultiFernet:
    return _box_of(tuple(settings.ENCRYPTION_KEYS))


@lru_cache(maxsize=4)
def _box_of(keys: tuple[str, ...]) -> MultiFernet:
    return MultiFernet([Fernet(_derive(key)) for key in keys])


def _derive(key: str) -> bytes:
    # RFC 5869; the configured keys are random text of any length, Fernet wants 32 bytes in base64.
    derived = HKDF(algorithm=SHA256(), length=32, salt=None, info=_INFO).derive(key.encode())
    return urlsafe_b64encode(derived)
