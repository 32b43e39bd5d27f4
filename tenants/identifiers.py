"""Identifiers of everything a merchant owns."""

from uuid import UUID

from uuid_utils.compat import uuid7


def new_id() -> UUID:
    """Return a UUID version 7 (RFC 9562, section 5.7): unguessable, and sorted by creation."""
    return uuid7()
