"""The secret with which a merchant's outgoing requests are signed (Standard Webhooks)."""

import secrets
from base64 import b64encode
from typing import Final

_PREFIX: Final = "whsec_"
_BYTES: Final = 32


def new_signing_secret() -> bytes:
    """Return 32 random bytes; the specification asks for 24 to 64."""
    return secrets.token_bytes(_BYTES)


def signing_secret_text(secret: bytes) -> str:
    """Return the form in which receivers and libraries take it: `whsec_` and base64."""
    return _PREFIX + b64encode(secret).decode("ascii")
