"""Which time zones a merchant can live in."""

from django.core.exceptions import ValidationError

from tenants.zone_names import known_time_zones


def validate_time_zone(name: str) -> None:
    """Raise ValidationError unless `name` is a known IANA time zone, spelt exactly."""
    if name not in known_time_zones():
        raise ValidationError(
            "%(name)s is not a known time zone; use an IANA name such as Europe/Berlin.",
            code="unknown_time_zone",
            params={"name": name},
        )
