"""A set of RRULEs, extra dates and exceptions in words."""

from collections.abc import Mapping
from typing import Any

from templates_app.recurrence.describe.dates import dates_words
from templates_app.recurrence.describe.rule import rule_text
from templates_app.recurrence.rrule import RuleSet, read_set
from templates_app.recurrence.zones import find_zone

ALSO = "; and also "


def rrule_words(document: Mapping[str, Any], most: int) -> str:
    """Say every rule and date, and what is left out."""
    zone = find_zone(document["timezone"])
    rules = read_set(
        dtstart=document["dtstart"],
        rules=document.get("rules", []),
        exrules=document.get("exrules", []),
        rdates=document.get("rdates", []),
        exdates=document.get("exdates", []),
        zone=zone.info,
    )
    named = _named(rules, most)
    left_out = _left_out(rules, most)
    if not left_out:
        return ALSO.join(named)
    if len(named) == 1:
        return f"{named[0]}, but not {' and not '.join(left_out)}"
    return f"{ALSO.join(named)}; left out of all this: {ALSO.join(left_out)}"


def _named(rules: RuleSet, most: int) -> list[str]:
    texts = [rule_text(rule.parts, rules.dtstart, rules.zone, most) for rule in rules.rules]
    found = [text.body + text.span for text in texts]
    if len(found) > most:
        found = [f"by {len(found)} rules of RFC 5545"]
    if rules.rdates:
        found.append(dates_words([at.isoformat() for at in rules.rdates], most))
    return found


def _left_out(rules: RuleSet, most: int) -> list[str]:
    texts = [rule_text(rule.parts, rules.dtstart, rules.zone, most) for rule in rules.exrules]
    bounded = [rule.parts.until or rule.parts.total for rule in rules.exrules]
    found = [
        text.body + (text.span if bound else "") for text, bound in zip(texts, bounded, strict=True)
    ]
    if len(found) > most:
        found = [f"by {len(found)} rules of RFC 5545"]
    if rules.exdates:
        found.append(dates_words([at.isoformat() for at in rules.exdates], most))
    return found
