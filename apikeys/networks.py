"""The form of a network in a key's allow-list."""

import ipaddress

from django.core.exceptions import ValidationError


def validate_network(text: str) -> None:
    """Raise ValidationError unless `text` is a network in CIDR notation without host bits."""
    try:
        ipaddress.ip_network(text)
    except ValueError as error:
        raise ValidationError(
            "%(text)s is not a network; write it in CIDR notation such as 192.0.2.0/24.",
            code="bad_network",
            params={"text": text},
        ) from error
