"""Values of a payload become parts of single words; nothing in them is ever a word of its own."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from jobs.handlers.command.capture import Capture
from jobs.handlers.command.system_calls import ARCHITECTURES, seccomp_filter
from jobs.handlers.command.words import MAX_VALUE, InvalidWord, UnusableValue, parse_word

NASTY = ["a b", "; rm -rf /", "$(id)", "`id`", "a\nb", "'", '"', "*", "{x}", "%s", "\\", "é", ""]


@pytest.mark.parametrize("value", NASTY)
def test_a_value_stays_one_word_whatever_is_in_it(value):
    assert parse_word("--name={name}").filled({"name": value}) == f"--name={value}"
    assert parse_word("{name}").filled({"name": value}) == value


@given(st.text(alphabet=st.characters(exclude_categories=["Cs"], exclude_characters="\0")))
def test_any_text_comes_out_as_it_went_in(value):
    assert parse_word("x{name}y").filled({"name": value}) == f"x{value}y"


@pytest.mark.parametrize(
    ("value", "text"),
    [(True, "true"), (False, "false"), (0, "0"), (-5, "-5"), (1.5, "1.5"), (1e300, "1e+300")],
)
def test_numbers_and_booleans_are_written_as_in_json(value, text):
    assert parse_word("n={n}").filled({"n": value}) == f"n={text}"


def test_a_brace_that_is_meant_is_written_twice():
    assert parse_word('{{"day": "{day}"}}').filled({"day": "monday"}) == '{"day": "monday"}'


@pytest.mark.parametrize("template", ["{", "}", "{}", "{0}", "{a.b}", "{a[0]}", "{a!r}", "{a:>9}"])
def test_a_template_that_is_more_than_a_name_is_refused(template):
    with pytest.raises(InvalidWord):
        parse_word(template)


@pytest.mark.parametrize("template", ["{file}", "{file}{more}", "{more}{file}"])
def test_a_value_cannot_become_an_option(template):
    with pytest.raises(UnusableValue, match="option") as refused:
        parse_word(template).filled({"file": "--output=/x", "more": ""})
    assert refused.value.name in ("file", "more")
    assert parse_word("--in={file}").filled({"file": "-x"}) == "--in=-x"


@pytest.mark.parametrize(
    "value", ["a\0b", "\ud800", "x" * (MAX_VALUE + 1), None, [], {}, float("nan")]
)
def test_what_no_program_can_be_given_is_refused(value):
    with pytest.raises(UnusableValue):
        parse_word("x{name}").filled({"name": value})


@given(st.lists(st.binary(max_size=40)), st.integers(2, 50))
def test_a_capture_keeps_the_first_and_the_last_half(chunks, limit):
    capture = Capture(limit)
    for chunk in chunks:
        capture.take(chunk)
    whole = b"".join(chunks)
    assert capture.total == len(whole)
    half = limit // 2
    if len(whole) <= 2 * half:
        assert capture.left_out == 0
        assert capture.text() == whole.decode(errors="replace").replace("\0", "\ufffd")
    else:
        assert capture.left_out == len(whole) - 2 * half
        assert capture.text().endswith(
            whole[-half:].decode(errors="replace").replace("\0", "\ufffd")
        )


@pytest.mark.parametrize("machine", sorted(ARCHITECTURES))
def test_every_refused_call_jumps_to_the_refusal(machine):
    program = seccomp_filter(machine)
    assert program is not None
    steps = [program[at : at + 8] for at in range(0, len(program), 8)]
    refusal = len(steps) - 1
    assert int.from_bytes(steps[refusal][4:], "little") == 0x00050001
    jumps = {
        int.from_bytes(step[4:], "little"): place + 1 + step[2]
        for place, step in enumerate(steps)
        if step[0] == 0x15 and place > 3
    }
    assert jumps == dict.fromkeys(ARCHITECTURES[machine].refused.values(), refusal)


def test_an_unknown_processor_has_no_filter():
    assert seccomp_filter("pdp11") is None


def test_a_number_of_too_many_digits_is_refused():
    with pytest.raises(UnusableValue, match="too large"):
        parse_word("x{name}").filled({"name": 10**5000})
