"""A whole payload: what is filled in, what is left alone, and how much it may grow."""

import copy
from datetime import UTC, datetime

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from templates_app.placeholders import Context, PlaceholderError, compile_payload
from templates_app.placeholders.expressions import read_expression

from .conftest import make_context

PLAIN_TEXT = st.text().filter(lambda text: "{{" not in text and "{%" not in text)
PLAIN = st.recursive(
    st.none() | st.booleans() | st.integers() | st.floats(allow_nan=False) | PLAIN_TEXT,
    lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
    max_leaves=20,
)
PLACEHOLDERS = st.sampled_from(["{{ merchant.slug }}", "a {{ merchant.slug }}"])


@settings(deadline=None)
@given(PLAIN)
def test_a_payload_without_placeholders_renders_to_itself(payload):
    rendering = compile_payload(payload)
    assert rendering.render(make_context()) is payload
    assert rendering.uses == frozenset()


@settings(deadline=None)
@given(
    st.recursive(
        PLAIN | PLACEHOLDERS,
        lambda inner: st.lists(inner, max_size=4) | st.dictionaries(st.text(), inner, max_size=4),
        max_leaves=20,
    )
)
def test_only_the_placeholders_change_and_the_payload_itself_never(payload):
    def filled(value):
        if isinstance(value, dict):
            return {key: filled(each) for key, each in value.items()}
        if isinstance(value, list):
            return [filled(each) for each in value]
        return value.replace("{{ merchant.slug }}", "acme") if isinstance(value, str) else value

    kept = copy.deepcopy(payload)
    assert compile_payload(payload).render(make_context()) == filled(payload)
    assert payload == kept


def test_one_placeholder_keeps_its_type_and_keys_are_left_alone():
    payload = {
        "{{ occurrence }}": 1,
        "at": "{{ occurrence | timestamp }}",
        "text": " {{ occurrence | timestamp }}",
        "nested": [[{"since": "{{ previous_occurrence }}"}], True, None, 1.5],
    }
    assert compile_payload(payload).render(make_context(previous_occurrence=None)) == {
        "{{ occurrence }}": 1,
        "at": 1774940400,
        "text": " 1774940400",
        "nested": [[{"since": None}], True, None, 1.5],
    }


def test_the_names_that_are_used_are_known_before_any_run():
    payload = ["{{ occurrence | date('%F') }}", "{{ previous_occurrence | default(planned) }}"]
    uses = compile_payload([*payload, "{{ template.name }}", "{{ '{{' }}"]).uses
    assert uses == {"occurrence", "previous_occurrence", "planned", "template.name"}


def test_what_a_name_holds_is_never_read_as_a_placeholder():
    context = make_context(template_name="{{ merchant.slug }}{% raw %}")
    assert compile_payload("{{ template.name }}").render(context) == "{{ merchant.slug }}{% raw %}"


def test_a_payload_may_hold_a_thousand_placeholders_and_no_more():
    full = ["{{ 1 }}{{ 2 }}"] * 500
    assert compile_payload(full).render(make_context()) == ["12"] * 500
    with pytest.raises(PlaceholderError, match="1,001 placeholders") as caught:
        compile_payload([*full, "{{ 1 }}"])
    assert caught.value.code == "too_many"


@pytest.mark.parametrize(("letter", "size"), [("a", 1), ("é", 2), ("漢", 3)])
def test_a_payload_may_grow_by_64_kib_of_utf8_and_no_more(letter, size):
    source = "{{ template.name }}"
    most = (64 * 1024 + len(source)) // size
    rendering = compile_payload(["bystander", {"x": source}])
    assert rendering.render(make_context(template_name=letter * most))[1]["x"] == letter * most
    with pytest.raises(PlaceholderError, match="64 KiB") as caught:
        rendering.render(make_context(template_name=letter * (most + 1)))
    assert (caught.value.code, caught.value.pointer) == ("too_long", "/1/x")


def test_growth_counts_over_all_strings():
    rendering = compile_payload(["{{ template.name }}"] * 3)
    name = "a" * 22_000
    with pytest.raises(PlaceholderError, match="64 KiB") as caught:
        rendering.render(make_context(template_name=name))
    assert caught.value.pointer == "/2"


@pytest.mark.parametrize(
    "text",
    [
        "{{ occurrence + years(1) }}",
        "{{ occurrence + seconds(1) }}",
        "{{ occurrence | add(days=9) }}",
        "{{ occurrence | end_of('year') }}",
        "{{ occurrence | in_zone('Asia/Tokyo') }}",
    ],
)
def test_a_time_beyond_the_last_year_is_a_named_fault(text):
    last = datetime(9999, 12, 31, 23, 59, 59, tzinfo=UTC)
    with pytest.raises(PlaceholderError) as caught:
        compile_payload({"at": text}).render(make_context(occurrence=last, timezone="UTC"))
    assert (caught.value.code, caught.value.pointer) == ("out_of_range", "/at")


def test_a_payload_of_any_depth_is_read_without_recursion():
    payload: list[object] = ["{{ merchant.slug }}"]
    for _ in range(20_000):
        payload = [payload]
    rendered = compile_payload(payload).render(make_context())
    while isinstance(rendered, list):
        rendered = rendered[0]
    assert rendered == "acme"


def test_a_placeholder_is_parsed_once_and_the_text_around_it_is_not_kept():
    text = "occurrence | add(days=77) | date('%F')"
    before = read_expression.cache_info()
    for number in range(50):
        compile_payload({"secret": f"s{number} {{{{ {text} }}}}"})
    after = read_expression.cache_info()
    assert after.misses - before.misses == 1
    assert after.hits - before.hits == 49
    assert after.maxsize == 4_096


def test_a_run_needs_times_with_a_zone_and_a_zone_that_exists():
    naive = datetime(2026, 1, 1)  # noqa: DTZ001 - the fault under test
    with pytest.raises(ValueError, match="need a zone"):
        make_context(planned=naive)
    with pytest.raises(ValueError, match="no IANA time zone"):
        make_context(timezone="Mars/Olympus")
    assert isinstance(make_context(previous_occurrence=None), Context)
