"""Whatever comes in, the answer is a calendar or a refusal in words."""

from collections.abc import Callable
from datetime import date
from pathlib import Path
from typing import TypeVar

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from templates_app.calendars.calendar_set import parse_calendar
from templates_app.calendars.ics import read_ics
from templates_app.calendars.parse import KEYS
from templates_app.recurrence.errors import RecurrenceError

TODAY = date(2026, 11, 22)
FILES = sorted((Path(__file__).parent / "files").glob("*.ics"))
WORDS = ["2026-12-24", "12-24", "09:00", "24:00", "mo", "2026-05-01T22:00", "ES", "XNYS", "public"]
INNER = ["date", "from", "to", "every_year", "name", "country", "region", "market", "categories"]

scalars = st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=8)
values = st.recursive(
    scalars | st.sampled_from(WORDS),
    lambda inner: (
        st.lists(inner, max_size=3)
        | st.dictionaries(st.sampled_from([*INNER, "mo", "sa"]) | st.text(max_size=4), inner)
    ),
    max_leaves=12,
)
documents = st.dictionaries(st.sampled_from(KEYS), values, max_size=3)


Answer = TypeVar("Answer")


def answer(ask: Callable[[], Answer]) -> Answer | RecurrenceError:
    """Return what a reader gives, or its refusal; any other error goes through."""
    try:
        return ask()
    except RecurrenceError as error:
        return error


def judge(document: object) -> None:
    calendar = answer(lambda: parse_calendar(document))
    if isinstance(calendar, RecurrenceError):
        assert calendar.code
        assert calendar.field
        assert calendar.message.isprintable()
    else:
        assert parse_calendar(calendar.document()).document() == calendar.document()
        assert calendar.describe()


@settings(max_examples=400, deadline=None)
@given(documents | values)
def test_any_json_is_a_calendar_or_is_refused(document):
    judge(document)


def test_what_is_not_json_is_refused():
    loop: dict[str, object] = {}
    loop["any_of"] = [loop]
    for document in ({1: 2}, {"dates": {date(2026, 1, 1)}}, loop, object(), {"dates": [b"x"]}):
        judge(document)


@st.composite
def broken_files(draw):
    """Draw a good file with some of its lines changed, doubled or left out."""
    lines = draw(st.sampled_from(FILES)).read_bytes().split(b"\r\n")
    for _ in range(draw(st.integers(1, 6))):
        at = draw(st.integers(0, len(lines) - 1))
        line = lines[at]
        cut = draw(st.integers(0, len(line)))
        match draw(st.integers(0, 3)):
            case 0:
                lines[at] = line[:cut] + draw(st.binary(max_size=4)) + line[cut + 1 :]
            case 1:
                lines.insert(draw(st.integers(0, len(lines))), line)
            case 2:
                lines[at] = line[:cut]
            case 3:
                lines[at] = (
                    line[:cut] + draw(st.sampled_from("0123456789;:,=TZ-")).encode() + line[cut:]
                )
    return b"\r\n".join(lines)


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(broken_files() | st.binary(max_size=200))
def test_any_file_is_a_calendar_or_is_refused(content):
    imported = answer(lambda: read_ics(content, today=TODAY))
    if isinstance(imported, RecurrenceError):
        assert imported.code in {"bad_ics", "too_many_entries"}
        assert imported.message.isprintable()
    else:
        assert parse_calendar(imported.document).document() == imported.document
