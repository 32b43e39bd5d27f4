"""Which data the answers rest on; stored with each expansion, since both change by release."""

from dataclasses import dataclass
from functools import lru_cache
from importlib.metadata import version


@dataclass(frozen=True, slots=True)
class DataVersions:
    """Versions of the packages `holidays` and `tzdata`.

    The second holds as long as the host's own zones are shut out (`PYTHONTZPATH=`).
    """

    holidays: str
    tzdata: str


@lru_cache(maxsize=1)
def data_versions() -> DataVersions:
    """Return the versions of the data that this process uses."""
    return DataVersions(holidays=version("holidays"), tzdata=version("tzdata"))
