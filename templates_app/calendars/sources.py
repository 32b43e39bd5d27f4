"""Where public holidays come from: the library `holidays`, year by year.

The one door to that library. Countries are ISO 3166 codes, markets the library's own codes. The
data reach from the year in which the library's knowledge begins to 2100 at most (`known_until`);
outside no day is a holiday. Days that follow a lunar calendar are estimates until they are announced.
"""

from dataclasses import dataclass
from datetime import date
from functools import lru_cache
from types import MappingProxyType

import holidays
from holidays.holiday_base import HolidayBase
from holidays.registry import COUNTRIES, FINANCIAL

# Names that take an article in a sentence.
ARTICLES = "AE AX BQ BS CC CD CF CG CK DO FK FO GB GM IO KM KY MH MP MV NL PH PM SB SC TC TF UM US VA VG VI"
WITH_ARTICLE = frozenset(ARTICLES.split())
JOINING = frozenset({"and", "of", "the", "de", "y", "da"})
CAPITALS = frozenset({"ny", "six", "ice"})


@dataclass(frozen=True, slots=True, order=True)
class Source:
    """One country's or market's holidays. Of `country` and `market` one is empty."""

    country: str
    region: str
    market: str
    categories: tuple[str, ...]

    @property
    def place(self) -> str:
        """The country or market as it is called in a sentence ("Spain", "the United States")."""
        code = self.country or self.market
        title = country_names()[code] if self.country else market_names()[code]
        return f"the {title}" if self.market or code in WITH_ARTICLE else title

    @property
    def phrase(self) -> str:
        """What the days are, for a sentence: "public holidays in Spain (Madrid)"."""
        kinds = " and ".join(category.replace("_", " ") for category in self.categories)
        if self.market:
            extra = "" if self.categories == ("public",) else f"{kinds} "
            return f"{extra}holidays of {self.place}"
        region = f" ({region_name(self.country, self.region)})" if self.region else ""
        return f"{kinds} holidays in {self.place}{region}"

    @property
    def known_until(self) -> int:
        """The last year of which the library knows the holidays."""
        return int(_entity(self.country or self.market).end_year)

    def name_on(self, day: date) -> str | None:
        """Return the holiday's name with the place, "Christmas Day (Spain)"; None on other days."""
        return names_of_year(self, day.year).get(day)


@lru_cache(maxsize=1)
def country_names() -> MappingProxyType[str, str]:
    """Return the English name of every ISO 3166 alpha-2 code that the library knows."""
    return MappingProxyType({names[1]: _title(module) for module, names in COUNTRIES.items()})


@lru_cache(maxsize=1)
def country_codes() -> MappingProxyType[str, str]:
    """Return the alpha-2 code of every code that is accepted (alpha-2, alpha-3, UK)."""
    codes = {code: names[1] for names in COUNTRIES.values() for code in names[1:] if code.isupper()}
    return MappingProxyType(codes)


@lru_cache(maxsize=1)
def market_names() -> MappingProxyType[str, str]:
    """Return the English name of every market by its first code."""
    return MappingProxyType({names[1]: _title(module) for module, names in FINANCIAL.items()})


@lru_cache(maxsize=1)
def market_codes() -> MappingProxyType[str, str]:
    """Return the first code of every code of a market that is accepted (XNYS, NYSE)."""
    codes = {code: names[1] for names in FINANCIAL.values() for code in names[1:]}
    return MappingProxyType(codes)


def region_codes(country: str) -> MappingProxyType[str, str]:
    """Return the region code of every code and name of a region that is accepted."""
    entity = _entity(country)
    codes = {code: code for code in entity.subdivisions}
    return MappingProxyType(codes | dict(entity.subdivisions_aliases or {}))


def region_name(country: str, region: str) -> str:
    """Return a region's own name, or its code where the library knows no name."""
    aliases = _entity(country).subdivisions_aliases or {}
    return next((name for name, code in aliases.items() if code == region), region)


def categories_of(code: str) -> tuple[str, ...]:
    """Return the categories of holidays that are known for a country or market."""
    return tuple(str(category) for category in _entity(code).supported_categories)


@lru_cache(maxsize=4096)
def names_of_year(source: Source, year: int) -> MappingProxyType[date, str]:
    """Return the holidays of one year with their names; loaded at the first question."""
    entity = _entity(source.country or source.market)
    language = "en_US" if "en_US" in (entity.supported_languages or ()) else None
    load = holidays.country_holidays if source.country else holidays.financial_holidays
    found = load(
        source.country or source.market,
        subdiv=source.region or None,
        years=year,
        expand=False,
        language=language,
        categories=source.categories,
    )
    return MappingProxyType(
        {day: f"{found[day]} ({source.place})" for day in found if day.year == year}
    )


@lru_cache(maxsize=512)
def _entity(code: str) -> type[HolidayBase]:
    load = holidays.country_holidays if code in country_names() else holidays.financial_holidays
    return type(load(code))


def _title(module: str) -> str:
    words = [
        word if word in JOINING else word.upper() if word in CAPITALS else word.capitalize()
        for word in module.split("_")
    ]
    return " ".join(words)
