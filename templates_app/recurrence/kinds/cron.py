"""`cron`: five, six or seven fields."""

from templates_app.recurrence.cron import DayMatch, parse_cron
from templates_app.recurrence.document import Document
from templates_app.recurrence.kinds.built import DST, Built, Nested, wall_schedule

KNOWN = ("expression", "day_match", *DST)
LONGEST = 512


def build(document: Document, seed: str, nested: Nested) -> Built:
    """Build from `expression`; `day_match` says how the two day fields meet."""
    zone = document.zone()
    remedy = 'For example "0 9 * * MON-FRI".'
    expression = document.text("expression", remedy, longest=LONGEST)
    day_match: DayMatch = (
        "and" if document.choice("day_match", "or", ("or", "and")) == "and" else "or"
    )
    cron = parse_cron(expression, day_match=day_match, seed=seed)
    schedule, policy = wall_schedule(document, cron, zone, repeats=cron.repeats_hours)
    return Built(
        schedule=schedule,
        zone=zone,
        canonical={"expression": _shown(cron.expression), "day_match": day_match, **policy},
        cautions=cron.cautions,
    )


def _shown(expression: str) -> str:
    """Return an expression as it is kept: names in upper case, macros in lower."""
    return expression.lower() if expression.startswith("@") else expression.upper()
