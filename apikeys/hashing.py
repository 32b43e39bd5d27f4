"""The form of a key, and what is kept of it. Pure: knows no framework, no settings, no database.

A key reads `tf_live_<id>_<secret><checksum>`: 12 base62 characters that name it, 43 that prove it
(256 bits), and a CRC32 over all that precedes, so that a typing error and a scanner's noise are
refused without a query. Kept is an HMAC-SHA-256 of the secret under the server's pepper: a fast hash
is right here, because 256 random bits cannot be guessed and a slow one would be a way to exhaust us.
"""

import hmac
import re
import secrets
import string
from dataclasses import dataclass, field
from typing import Final
from zlib import crc32

PREFIX: Final = "tf_live_"
ID_LENGTH: Final = 12
SECRET_LENGTH: Final = 43
CHECKSUM_LENGTH: Final = 6

_ALPHABET: Final = string.digits + string.ascii_uppercase + string.ascii_lowercase
_FORM: Final = re.compile(
    rf"({PREFIX}([0-9A-Za-z]{{{ID_LENGTH}}})_([0-9A-Za-z]{{{SECRET_LENGTH}}}))"
    rf"([0-9A-Za-z]{{{CHECKSUM_LENGTH}}})"
)
# Compared with when there is no such key; no secret has this digest that anybody could find.
_NO_DIGEST: Final = "0" * 64


class MalformedKey(Exception):
    """The text is no key: wrong prefix, length or character, or its checksum does not fit."""


@dataclass(frozen=True, slots=True)
class KeyParts:
    """A key taken apart. The secret stays out of the repr, hence out of logs and traces."""

    public_id: str
    secret: str = field(repr=False)

    @property
    def text(self) -> str:
        """The whole key, as its owner keeps it."""
        body = f"{PREFIX}{self.public_id}_{self.secret}"
        return body + _checksum(body)


def draw_key() -> KeyParts:
    """Return a new random key."""
    return KeyParts(public_id=_random_text(ID_LENGTH), secret=_random_text(SECRET_LENGTH))


def parse_key(text: str) -> KeyParts:
    """Return the parts of `text`; raises MalformedKey."""
    match = _FORM.fullmatch(text)
    if match is None:
        raise MalformedKey
    body, public_id, secret, checksum = match.groups()
    if checksum != _checksum(body):
        raise MalformedKey
    return KeyParts(public_id=public_id, secret=secret)


def digest_of(secret: str, *, pepper: str) -> str:
    """Return the HMAC-SHA-256 (RFC 2104) of the secret, 64 hexadecimal characters."""
    return hmac.digest(pepper.encode(), secret.encode(), "sha256").hex()


def secret_matches(secret: str, digest: str | None, *, pepper: str) -> bool:
    """Say whether `digest` is the secret's. None, for an unknown key, costs the same time."""
    same = hmac.compare_digest(digest_of(secret, pepper=pepper), digest or _NO_DIGEST)
    return same and digest is not None


def _random_text(length: int) -> str:
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def _checksum(body: str) -> str:
    number = crc32(body.encode())
    digits = []
    for _ in range(CHECKSUM_LENGTH):
        number, digit = divmod(number, len(_ALPHABET))
        digits.append(_ALPHABET[digit])
    return "".join(reversed(digits))
