"""Reading which public holidays a calendar takes in."""

from collections.abc import Mapping

from templates_app.calendars import sources
from templates_app.calendars.reading import join, mapping, near_miss, sequence, shown
from templates_app.calendars.sources import Source
from templates_app.recurrence.errors import RecurrenceError

KEYS = ("country", "region", "market", "categories")
PUBLIC = "public"


def parse_source(value: object, field: str) -> Source:
    """Return one entry of `holidays`.

    Raises RecurrenceError `unknown_country`, `unknown_region`, `unknown_market`,
    `unknown_category`, `country_or_market`.
    """
    entry = mapping(value, field, KEYS)
    country, market = entry.get("country"), entry.get("market")
    if (country is None) == (market is None):
        raise RecurrenceError(
            "country_or_market",
            field,
            "Holidays are those of one country or of one market.",
            hint='Write {"country": "ES", "region": "MD"} or {"market": "XNYS"}.',
        )
    if market is not None:
        code = _market(market, join(field, "market"))
        _refuse_region(entry.get("region"), join(field, "region"))
        return Source("", "", code, _categories(entry, code, field))
    code = _country(country, join(field, "country"))
    region = _region(entry.get("region"), code, join(field, "region"))
    return Source(code, region, "", _categories(entry, code, field))


def _country(value: object, field: str) -> str:
    codes = sources.country_codes()
    text = value if isinstance(value, str) else ""
    if text in codes:
        return codes[text]
    names = sources.country_names()
    by_name = {name: code for code, name in names.items()}
    hint = "Write an ISO 3166 code such as ES or US."
    if text.upper() in codes:
        hint = _did_you_mean(codes[text.upper()])
    else:
        match = near_miss(text, by_name)
        if match is not None:
            hint = _did_you_mean(by_name[match.removeprefix("Did you mean ").removesuffix("?")])
    raise RecurrenceError(
        "unknown_country", field, f"{shown(value)} is not a country that is known.", hint=hint
    )


def _did_you_mean(code: str) -> str:
    return f"Did you mean {code} ({sources.country_names()[code]})?"


def _region(value: object, country: str, field: str) -> str:
    if value is None:
        return ""
    codes = sources.region_codes(country)
    if isinstance(value, str) and value in codes:
        return codes[value]
    place = sources.country_names()[country]
    known = ", ".join(dict.fromkeys(codes.values()))
    hint = f"Known are {known}." if known else "Leave the region out."
    raise RecurrenceError(
        "unknown_region",
        field,
        f"{shown(value)} is not a region of {place} that is known.",
        hint=near_miss(shown(value), codes) or hint,
    )


def _refuse_region(value: object, field: str) -> None:
    if value is not None:
        raise RecurrenceError(
            "unknown_region", field, "A market has no regions.", hint="Leave the region out."
        )


def _market(value: object, field: str) -> str:
    codes = sources.market_codes()
    if isinstance(value, str) and value in codes:
        return codes[value]
    raise RecurrenceError(
        "unknown_market",
        field,
        f"{shown(value)} is not a market that is known.",
        hint=near_miss(shown(value), codes) or f"Known are {', '.join(sources.market_names())}.",
    )


def _categories(entry: Mapping[str, object], code: str, field: str) -> tuple[str, ...]:
    known = sources.categories_of(code)
    if "categories" not in entry:
        return (PUBLIC,)
    path = join(field, "categories")
    chosen = sequence(entry["categories"], path)
    if not chosen:
        raise RecurrenceError(
            "unknown_category", path, "No category is named.", hint=f"Known are {', '.join(known)}."
        )
    for position, category in enumerate(chosen):
        if category not in known:
            raise RecurrenceError(
                "unknown_category",
                join(path, position),
                f"{shown(category)} is not a category of holidays that is known for {code}.",
                hint=near_miss(shown(category), known) or f"Known are {', '.join(known)}.",
            )
    return tuple(category for category in known if category in chosen)
