"""The time zones that exist: IANA's, by the locked `tzdata`. Pure."""

import zoneinfo
from functools import cache

# Names in some systems' zone folders that mean another zone on every machine.
_NOT_A_PLACE = {"Factory", "localtime", "posixrules"}


def use_locked_zones() -> None:
    """Compute with the time zones of the locked `tzdata`, whatever the host has on its disk.

    Call it once a process, before the first zone is asked for.
    """
    zoneinfo.reset_tzpath(())


@cache
def known_time_zones() -> frozenset[str]:
    """Return every IANA name that this process can compute with; read from disk once."""
    return frozenset(zoneinfo.available_timezones() - _NOT_A_PLACE)
