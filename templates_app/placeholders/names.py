"""The names that a placeholder knows, and what to say about any other."""

from collections.abc import Iterable
from difflib import get_close_matches
from operator import attrgetter

from .context import Context
from .errors import PlaceholderError, shown
from .values import Expression, Kind


def _occurrence(context: Context) -> object:
    return context.occurrence.astimezone(context.zone)


def _planned(context: Context) -> object:
    return context.planned.astimezone(context.zone)


def _previous(context: Context) -> object:
    previous = context.previous_occurrence
    return None if previous is None else previous.astimezone(context.zone)


VARIABLES = {
    "occurrence": Expression(
        kind=Kind.MOMENT, evaluate=_occurrence, uses=frozenset({"occurrence"})
    ),
    "planned": Expression(kind=Kind.MOMENT, evaluate=_planned, uses=frozenset({"planned"})),
    "previous_occurrence": Expression(
        kind=Kind.MOMENT,
        evaluate=_previous,
        nullable=True,
        uses=frozenset({"previous_occurrence"}),
    ),
    **{
        name: Expression(
            kind=Kind.TEXT, evaluate=attrgetter(name.replace(".", "_")), uses=frozenset({name})
        )
        for name in ("template.id", "template.name", "merchant.slug", "merchant.name", "timezone")
    },
}

# What people write who come from Airflow, Prefect or Jinja.
ELSEWHERE = {
    "now": "occurrence",
    "today": 'occurrence | date("%Y-%m-%d")',
    "yesterday": '(occurrence - days(1)) | date("%Y-%m-%d")',
    "ds": 'occurrence | date("%Y-%m-%d")',
    "ts": "occurrence",
    "execution_date": "occurrence",
    "logical_date": "occurrence",
    "scheduled_at": "occurrence",
    "run_at": "planned",
    "tz": "timezone",
    "null": 'default("…")',
    "none": 'default("…")',
}


def variable(name: str) -> Expression:
    """Return the variable `name`. Raises `PlaceholderError`, code `unknown_name`."""
    found = VARIABLES.get(name)
    if found is None:
        raise PlaceholderError(
            "unknown_name", f'"{shown(name)}" is not known here.', hint=_remedy(name)
        )
    return found


def _remedy(name: str) -> str:
    head, _, tail = name.partition(".")
    if tail and head in VARIABLES:
        return (
            f'"{head}" has no parts; use a filter, as in {{{{ {head} | lower }}}}.'
            if (VARIABLES[head].kind is Kind.TEXT)
            else f'"{head}" has no parts; use a filter, as in {{{{ {head} | date("%Y-%m-%d") }}}}.'
        )
    if name in ELSEWHERE:
        return f"Write {ELSEWHERE[name]}. {known('names', VARIABLES)}"
    return nearest(name, "names", VARIABLES)


def nearest(name: str, what: str, choices: Iterable[str]) -> str:
    """Return a hint: the choice that was probably meant, and all of them."""
    near = get_close_matches(name[:60].lower(), choices, n=1)
    guess = f'Did you mean "{near[0]}"? ' if near else ""
    return guess + known(what, choices)


def known(what: str, choices: Iterable[str]) -> str:
    """Return a sentence that lists the choices."""
    return f"Known {what}: {', '.join(choices)}."
