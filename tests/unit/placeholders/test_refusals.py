"""What is refused at creation, with which code, and how it is said."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.placeholders import PlaceholderError, compile_payload
from templates_app.placeholders.expressions import read_expression

from .conftest import make_context

ESCAPES = [
    "{{ ''.__class__ }}",
    "{{ ''.__class__.__mro__[1].__subclasses__() }}",
    "{{ occurrence.__class__ }}",
    "{{ occurrence.tzinfo }}",
    "{{ template.__init__ }}",
    "{{ template.name.format }}",
    "{{ template }}",
    "{{ merchant.pk }}",
    "{{ cycler }}",
    "{{ cycler.__init__.__globals__.os }}",
    "{{ self }}",
    "{{ self._TemplateReference__context }}",
    "{{ lipsum() }}",
    "{{ range(10) }}",
    "{{ dict(a=1) }}",
    "{{ namespace() }}",
    "{{ config }}",
    "{{ request }}",
    "{{ days }}",
    "{{ days.__class__ }}",
    "{{ __import__('os') }}",
    "{{ occurrence() }}",
    "{{ occurrence.replace(year=1) }}",
    "{{ 'x'.upper() }}",
    "{{ '%s' % occurrence }}",
    "{{ '%999999999d' % 1 }}",
    "{{ '{0.__class__}'.format(occurrence) }}",
    "{{ '{0.__class__}' | format(occurrence) }}",
    "{{ occurrence | attr('__class__') }}",
    "{{ template.name | map('upper') }}",
    "{{ template.name | replace('a', 'b') }}",
    "{{ template.name | center(99999999) }}",
    "{{ template.name | safe }}",
    "{{ template.name | a.b }}",
    '{{ "a"*10**9 }}',
    "{{ 9**9**9 }}",
    "{{ 'a' ~ 'b' }}",
    "{{ 'a' + 'b' }}",
    "{{ template.name[0] }}",
    "{{ template['name'] }}",
    "{{ template.name[:2] }}",
    "{{ [1, 2] }}",
    "{{ (1, 2) }}",
    "{{ {} }}",
    "{{ {'a': 1} }}",
    "{{ 1 if true else 2 }}",
    "{{ occurrence is defined }}",
    "{{ occurrence and planned }}",
    "{{ previous_occurrence or occurrence }}",
    "{{ not occurrence }}",
    "{{ 1 < 2 }}",
    "{{ 1 in 2 }}",
    "{{ 1.5 }}",
    "{{ 1e999 }}",
    "{{ true }}",
    "{{ none }}",
    "{{ 0x" + "f" * 400 + " }}",
    "{{ occurrence | add(*x) }}",
    "{{ occurrence | add(**x) }}",
    "{{ occurrence | date(*['%Y']) }}",
    "{{ caller() }}",
    "{{ loop.index }}",
    "{{ occurrence; planned }}",
    "{{ occurrence\x00 }}",
    "{{ \u043eccurrence }}",
    "{{ '\\x5f\\x5fclass' }}",
    "{{ 1\u0663.5 }}",
    "{{ _ }}",
    "{% for x in y %}",
    "{% for x in y %}{{ x }}{% endfor %}",
    "{%- set x = 1 -%}{{ occurrence }}",
    "{% raw %}{{ occurrence }}{% endraw %}",
    "{%include 'x'%}",
]


@pytest.mark.parametrize("text", ESCAPES)
def test_whatever_is_not_of_the_language_is_refused(text):
    with pytest.raises(PlaceholderError) as caught:
        compile_payload({"body": {"date": text}})
    assert caught.value.pointer == "/body/date"
    assert caught.value.hint.endswith((".", "}}"))


@pytest.mark.parametrize(
    ("text", "code", "message", "hint"),
    [
        ("{{ occurence }}", "unknown_name", '"occurence" is not', 'Did you mean "occurrence"?'),
        ("{{ merchant.nam }}", "unknown_name", '"merchant.nam"', 'Did you mean "merchant.name"?'),
        ("{{ order }}", "unknown_name", '"order"', "Known names: occurrence, planned,"),
        ("{{ ds }}", "unknown_name", '"ds"', 'Write occurrence | date("%Y-%m-%d").'),
        ("{{ now() }}", "unknown_function", '"now"', "Write occurrence."),
        ("{{ occurrence.year }}", "unknown_name", '"occurrence.year"', "use a filter"),
        ("{{ timezone.x }}", "unknown_name", '"timezone.x"', "{{ timezone | lower }}"),
        ("{{ occurrence | dat }}", "unknown_filter", '"dat"', 'Did you mean "date"?'),
        ("{{ occurrence | lower }}", "wrong_kind", "takes a text, not a time", "Make it a text"),
        ("{{ template.name | utc }}", "wrong_kind", "takes a time, not a text", "Leave"),
        ("{{ days(1) }}", "wrong_kind", "span", "occurrence + days(1)"),
        ("{{ days(1) + occurrence }}", "wrong_kind", "span", "Put the time first"),
        ("{{ occurrence + 1 }}", "wrong_kind", "A time + a whole", "Say the unit"),
        ("{{ occurrence - planned }}", "wrong_kind", "A time - a time", "Subtract seconds"),
        ("{{ occurrence - days(1) | utc }}", "wrong_kind", "span", "(occurrence - days(1)) |"),
        ("{{ previous_occurrence|default('x')|upper }}", "wrong_kind", "upper", "Put default"),
        ("{{ occurrence | date }}", "bad_argument", "one argument", 'date("%Y-%m-%d")'),
        ("{{ occurrence | date(5) }}", "bad_argument", "text in quotes", "date("),
        ("{{ occurrence | date(timezone) }}", "bad_argument", "text in quotes", "date("),
        ("{{ occurrence | date('%Q') }}", "bad_argument", '"%Q"', "%Y"),
        ("{{ occurrence | date('%') }}", "bad_argument", '"%"', "%Y"),
        ("{{ occurrence | date('%:') }}", "bad_argument", '"%:"', "%Y"),
        ("{{ occurrence | iso(1) }}", "bad_argument", "no arguments", "Write iso alone."),
        ("{{ occurrence | timestamp('us') }}", "bad_argument", '"s" or "ms"', "milliseconds"),
        ("{{ occurrence | add }}", "bad_argument", "units", "add(days=-1, hours=2)"),
        ("{{ occurrence | add(1) }}", "bad_argument", "units", "add(days=-1, hours=2)"),
        ("{{ occurrence | add(dais=1) }}", "bad_argument", '"dais"', 'Did you mean "days"?'),
        ("{{ occurrence | add(days='1') }}", "bad_argument", "whole numbers of days", "days=1"),
        ("{{ occurrence | add(days=1, days=2) }}", "bad_argument", "twice", "once"),
        ("{{ occurrence | add(years=1001) }}", "bad_argument", "1,000 years", "smaller"),
        ("{{ occurrence | start_of('moth') }}", "bad_argument", '"moth"', 'mean "month"?'),
        ("{{ occurrence | start_of(1) }}", "bad_argument", "quotes", 'start_of("month")'),
        ("{{ occurrence | in_zone('CEST') }}", "unknown_zone", '"CEST"', "Europe/Madrid"),
        ("{{ occurrence | in_zone('../UTC') }}", "unknown_zone", '"../UTC"', "Europe/Madrid"),
        ("{{ occurrence | in_zone('Europe/Madird') }}", "unknown_zone", "", "Europe/Madrid"),
        ("{{ occurrence | default }}", "bad_argument", "one argument", "default("),
        ("{{ -timezone }}", "not_allowed", "minus beside", "Write {{"),
        ("{{- occurrence -}}", "not_allowed", "minus beside", "Write {{"),
        ("{{ occurrence", "syntax", "not closed", "Close it with }}"),
        ("{{ occurrence }", "syntax", 'holds "}"', 'plain braces write {{ "{{" }}'),
        ("{{ 'a }}", "syntax", "quote", "Close the quote"),
        ("{{ it's }}", "syntax", "quote", "Close the quote"),
        ("{{{ occurrence }}}", "syntax", 'holds "{"', "plain braces"),
        ("{{ }}", "syntax", "cannot be read", "Write a name"),
        ("{{ occurrence planned }}", "syntax", "unexpected 'planned'", "Write a name"),
        ("{{ " + "(" * 30 + "1" + ")" * 30 + " }}", "too_deep", "nests", "fewer"),
        ("{{ occurrence" + " | utc" * 30 + " }}", "too_deep", "nests", "fewer"),
        ("{{ occurrence" + " + days(1)" * 30 + " }}", "too_deep", "nests", "fewer"),
        ("{{ 'a" + "a" * 500 + "' }}", "placeholder_too_long", "characters", "500"),
        ("{{ 1 }}" * 65, "too_many", "64 placeholders", "Split"),
        ("{% if x %}", "not_allowed", "{% if x %}", '{{ "{%" }}'),
        ("{{ 9999999999999999 }}", "bad_argument", "too large", "at most"),
    ],
)  # fmt: skip
def test_a_refusal_names_what_is_wrong_and_the_remedy(text, code, message, hint):
    with pytest.raises(PlaceholderError) as caught:
        compile_payload([text])
    assert caught.value.code == code
    assert message in caught.value.message
    assert hint in caught.value.hint
    assert str(caught.value) == f"At /0: {caught.value.message} {caught.value.hint}"


def test_all_faults_are_told_at_once_in_the_order_of_the_document():
    payload = {"a": "{{ x }}", "b": ["fine", {"c/d~e": "{{ y }}"}], "c": "{{ occurrence }}"}
    with pytest.raises(PlaceholderError) as caught:
        compile_payload(payload)
    assert [fault.pointer for fault in caught.value.faults] == ["/a", "/b/1/c~1d~0e"]
    assert caught.value.faults[0] is caught.value


def test_no_more_than_twenty_faults_are_told():
    with pytest.raises(PlaceholderError) as caught:
        compile_payload(["{{ x }}"] * 1_000)
    assert len(caught.value.faults) == 20


def test_a_payload_that_is_one_string_has_the_empty_pointer():
    with pytest.raises(PlaceholderError, match=r"In the payload: \"x\" is not known") as caught:
        compile_payload("{{ x }}")
    assert caught.value.pointer == ""


def test_a_message_holds_no_control_characters_and_no_long_text():
    with pytest.raises(PlaceholderError) as caught:
        compile_payload({"\x1b[31m\n" * 100: "{{ '\x1b\n\u202e" + "a" * 10_000})
    assert str(caught.value).isprintable()
    assert len(str(caught.value)) < 600


def test_an_unread_placeholder_is_not_remembered():
    before = read_expression.cache_info().currsize
    for _ in range(3):
        with pytest.raises(PlaceholderError):
            read_expression("nobody_knows")
    assert read_expression.cache_info().currsize == before


@pytest.mark.parametrize(
    "text",
    [
        "{{" * 500_000,
        "{{ '" + "a" * 1_000_000,
        "{{ " + "(" * 1_000_000 + " }}",
        "{{" + "-" * 1_000_000 + "}}",
        "{{ " + "not " * 120 + "1 }}",
        "{{ 1" + " if 1 else 1" * 40 + " }}",
        "{{ 2" + "**2" * 160 + " }}",
        "{{ x" + "[x" * 230 + " }}",
        "{{ x" + ".a" * 240 + " }}",
        "{{ x" + "()" * 20 + " }}",
        "{#" * 500_000 + "{{",
        "{%" * 500_000 + "{{",
        "{% a" * 250_000 + "{{",
        "{% " + " " * 1_000_000 + "{{",
        "{{ 1 }}" * 150_000,
        "{{ 'a' " * 150_000,
    ],
    ids=lambda text: text[:12],
)
def test_a_hostile_string_is_refused_before_it_costs_anything(text):
    with pytest.raises(PlaceholderError):
        compile_payload({"text": text})


MARKS = [
    "{{",
    "}}",
    "{%",
    "%}",
    "{#",
    "#}",
    "{",
    "}",
    "|",
    "(",
    ")",
    "[",
    "]",
    "'",
    '"',
    "\\",
    "-",
    "+",
    "*",
    "**",
    "//",
    "~",
    ",",
    "=",
    "==",
    ".",
    ":",
    "%",
]
WORDS = [
    "occurrence",
    "previous_occurrence",
    "template",
    ".name",
    "date",
    "add",
    "days",
    "default",
    "lower",
    "utc",
    "%Y",
    "months=",
]
JINJA = ["if", "else", "not", "is", "in", "and", "for", "raw", "endraw", "1", "1.5", "0x1"]
ODD = [" ", "\n", "\x00", "\ud800", "\u0661", "é", "9" * 30]
FRAGMENTS = st.sampled_from([*MARKS, *WORDS, *JINJA, *ODD])
TEXTS = st.lists(FRAGMENTS | st.text(max_size=3), max_size=30).map("".join)


@settings(deadline=None)
@given(TEXTS | st.text() | TEXTS.map(lambda text: "{{ " + text + " }}"))
def test_any_text_renders_or_is_refused_and_nothing_else_happens(text):
    try:
        rendering = compile_payload({"text": text})
    except PlaceholderError as error:
        assert error.pointer == "/text"  # noqa: PT017 - most draws are fine, and raise nothing
        return
    first = rendering.render(make_context())
    assert isinstance(first["text"], str | int | None)
    assert rendering.render(make_context()) == first
    assert rendering.render(make_context(previous_occurrence=None)).keys() == {"text"}


SUBJECTS = st.sampled_from(
    ["occurrence", "planned", "previous_occurrence", "template.name", "merchant.slug", "timezone"]
)
FILTERS = [
    *("utc", "iso", "timestamp", "weekday", "lower", "upper", "slug", 'date("%F %T%z")'),
    *("add(years=-1000)", "add(years=900, days=-1)", "add(hours=8000000)", 'end_of("year")'),
    *('start_of("week")', 'default("x")', "default(0)", 'in_zone("Asia/Tokyo")'),
]
CHAINS = st.lists(st.sampled_from(FILTERS), max_size=12)


@settings(deadline=None)
@given(SUBJECTS, CHAINS)
def test_a_chain_of_filters_yields_json_or_a_named_fault(subject, chain):
    text = "{{ " + " | ".join([subject, *chain]) + " }}"
    try:
        rendered = compile_payload([text]).render(make_context())
    except PlaceholderError as error:
        assert error.code in {"wrong_kind", "out_of_range"}  # noqa: PT017 - both ways are right
        assert error.pointer == "/0"  # noqa: PT017
        return
    assert isinstance(rendered[0], str | int | None)
