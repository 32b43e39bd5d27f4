"""Query parameters of addresses that are not lists. Every fault names its parameter."""

import re
from datetime import date, datetime

from rest_framework.request import Request

from jobs.api.filters import InvalidParameters
from jobs.operations.fields import Fields
from templates_app.operations.bounds import read_bounded

_DATE = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}")
TRUTHS = {"true": True, "false": False}


def read_count(request: Request, *, default: int, most: int) -> int:
    """Return `count`. Raises InvalidParameters."""
    text = request.query_params.get("count")
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 8 and 1 <= int(text) <= most):
        raise InvalidParameters([("count", f"Must be a whole number from 1 to {most:,}.")])
    return int(text)


def read_moment(request: Request, name: str, now: datetime) -> datetime | None:
    """Return an RFC 3339 time with a UTC offset, from the year 2000 to ten years ahead.

    None when absent. Raises InvalidParameters.
    """
    text = request.query_params.get(name)
    if text is None:
        return None
    # A plus sign that was not percent-encoded arrives as a blank.
    fields = Fields({name: text[:40].replace(" ", "+")}, (name,))
    moment = read_bounded(fields, name, now)
    if fields.problems:
        sentence = fields.problems[0].detail.removeprefix(f'"{name}" ')
        raise InvalidParameters([(name, sentence[:1].upper() + sentence[1:])])
    return moment


def read_date(request: Request, name: str) -> date | None:
    """Return a date; None when absent. Raises InvalidParameters."""
    text = request.query_params.get(name)
    if text is None:
        return None
    try:
        # fromisoformat alone takes week dates and other forms as well.
        found = date.fromisoformat(text) if _DATE.fullmatch(text) else None
    except ValueError:
        found = None
    if found is None:
        raise InvalidParameters([(name, "Must be a date such as 2026-12-24.")])
    return found


def read_flag(request: Request, name: str) -> bool:
    """Return a parameter that is true or false; false when absent. Raises InvalidParameters."""
    text = request.query_params.get(name, "false").lower()
    if text not in TRUTHS:
        raise InvalidParameters([(name, "Must be true or false.")])
    return TRUTHS[text]
