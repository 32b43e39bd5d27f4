"""Which time zones a merchant can live in."""

import zoneinfo
from functools import cache

from django.core.exceptions import ValidationError

# Names in some systems' zone folders that mean another zone on every machine.
_NOT_A_PLACE = {"Factory", "localtime", "posixrules"}


@cache
def known_time_zones() -> frozenset[str]:
    """Return every IANA name that this machine can compute with; read from disk once."""
    return frozenset(zoneinfo.available_timezones() - _NOT_A_PLACE)


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a known IANA time zone, spelt exactly."""
    if name not in known_time_zones():
        raise ValidationError(
            "%(name)s is not a known time zone; use an IANA name such as Europe/Berlin.",
            code="unknown_time_zone",
            params={"name": name},
        )
