"""`rrule`: RFC 5545's rules, extra dates and exceptions."""

from collections.abc import Iterable
from dataclasses import replace
from datetime import datetime
from typing import Any

from templates_app.recurrence.document import Document, check_range
from templates_app.recurrence.errors import Caution, RecurrenceError
from templates_app.recurrence.kinds.built import DST, Built, Nested, not_after, wall_schedule
from templates_app.recurrence.moments import Schedule
from templates_app.recurrence.rrule import RuleSet, Written, read_set
from templates_app.recurrence.schedules import Except, Listed, Union
from templates_app.recurrence.shown import quoted
from templates_app.recurrence.zones import Zone

LISTS = ("rules", "exrules", "rdates", "exdates")
KNOWN = ("dtstart", *LISTS, *DST)
MOST_RULES = 50
MOST_DATES = 5_000
LONGEST_RULE = 6_500


def build(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `dtstart`, `rules`, `exrules`, `rdates` and `exdates`.

    Dates with a UTC offset are instants, which no DST policy touches; those without are local.
    """
    zone = document.zone()
    dtstart = document.text("dtstart", "It is the local time from which the rules count.")
    lists = {key: _texts(document, key) for key in LISTS}
    rules = read_set(dtstart=dtstart, zone=zone.info, **lists)
    _check_range(rules, dtstart, lists)
    document.warn_of_second_pass("dtstart", rules.dtstart, rules.start.instant, zone)
    added, removed = _instants(rules.given_rdates), _instants(rules.given_exdates)
    exact = bool(added or removed)
    local = rules
    if exact:
        local = replace(
            rules,
            rdates=_walls(rules.given_rdates) if rules.given_rdates else rules.rdates,
            exdates=frozenset(_walls(rules.given_exdates)),
        )
        # A local exception removes what is given as an instant, too.
        added = {at for at in added - removed if not local.removes(zone.local(at))}
    named, policy = wall_schedule(document, local, zone)
    return Built(
        schedule=_schedule(named, added, removed, zone) if exact else named,
        zone=zone,
        canonical={**_canonical(rules, zone), **policy},
        origin=_origin(local, added, zone),
        proven=not exact,
        examine=lambda: _examined(rules) if exact else _proven(rules),
    )


def _schedule(
    named: Schedule, added: set[datetime], removed: set[datetime], zone: Zone
) -> Schedule:
    if added:
        named = Union((named, Listed(tuple(sorted(added)), zone)))
    if removed:
        named = Except(named, Listed(tuple(sorted(removed)), zone))
    return named


def _examined(rules: RuleSet) -> tuple[Caution, ...]:
    rules.refuse_costly()
    rules.refuse_idle()
    return rules.cautions


def _proven(rules: RuleSet) -> tuple[Caution, ...]:
    cautions = _examined(rules)
    rules.refuse_empty()
    return cautions


def _origin(rules: RuleSet, added: Iterable[datetime], zone: Zone) -> datetime:
    first = min([rules.dtstart, *rules.rdates[:1]])
    return min([not_after(first, zone), *added])


def _canonical(rules: RuleSet, zone: Zone) -> dict[str, Any]:
    # A date alone means whole days, for which BYHOUR and the like are ignored (RFC 5545 3.3.10).
    first = rules.dtstart.date() if rules.start.all_day else rules.dtstart
    return {
        "dtstart": first.isoformat(),
        "rules": [rule.text for rule in rules.rules],
        "exrules": [rule.text for rule in rules.exrules],
        "rdates": _shown(rules.given_rdates, zone),
        "exdates": _shown(rules.given_exdates, zone),
    }


def _shown(dates: tuple[Written, ...], zone: Zone) -> list[str]:
    if not dates:
        return []
    walls = [wall.isoformat() for wall in _walls(dates)]
    return walls + [zone.aware(at).isoformat() for at in sorted(_instants(dates))]


def _walls(dates: tuple[Written, ...]) -> tuple[datetime, ...]:
    return tuple(sorted({one.at for one in dates if one.instant is None}))


def _instants(dates: tuple[Written, ...]) -> set[datetime]:
    return {one.instant for one in dates if one.instant is not None}


def _check_range(rules: RuleSet, dtstart: str, lists: dict[str, list[str]]) -> None:
    check_range(dtstart, "dtstart", rules.dtstart)
    for key, dates in (("rdates", rules.given_rdates), ("exdates", rules.given_exdates)):
        for index, one in enumerate(dates):
            check_range(lists[key][index], f"{key}.{index}", one.at)


def _texts(document: Document, key: str) -> list[str]:
    if key not in document:
        return []
    most, longest = (MOST_RULES, LONGEST_RULE) if key.endswith("rules") else (MOST_DATES, 64)
    items = document.items(key, most=most)
    for item in items:
        if not isinstance(item, str):
            raise RecurrenceError(
                "wrong_type",
                key,
                f'"{key}" must be a list of texts; {quoted(item)} is none.',
                hint='Write each in quotation marks, such as "FREQ=DAILY".'
                if key.endswith("rules")
                else 'Write each in quotation marks, such as "2026-01-01T09:00:00".',
            )
        if len(item) > longest:
            raise RecurrenceError(
                "too_long",
                key,
                f"{quoted(item)} is too long; at most {longest:,} characters are read.",
            )
    return items
