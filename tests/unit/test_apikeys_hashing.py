"""The form of a key, and what is kept of it."""

import string

import pytest
from hypothesis import given
from hypothesis import strategies as st

from apikeys.hashing import (
    KeyParts,
    MalformedKey,
    digest_of,
    draw_key,
    parse_key,
    secret_matches,
)

BASE62 = string.ascii_letters + string.digits
KEYS = st.builds(
    KeyParts,
    public_id=st.text(BASE62, min_size=12, max_size=12),
    secret=st.text(BASE62, min_size=43, max_size=43),
)
PEPPER = "pepper"


@given(KEYS)
def test_a_key_reads_back_as_what_it_was_made_of(key):
    assert parse_key(key.text) == key


@given(KEYS, st.data())
def test_a_key_with_one_wrong_character_is_refused(key, data):
    at = data.draw(st.integers(0, len(key.text) - 1))
    wrong = data.draw(st.sampled_from(BASE62 + "_ \n").filter(lambda c: c != key.text[at]))
    with pytest.raises(MalformedKey):
        parse_key(key.text[:at] + wrong + key.text[at + 1 :])


@given(st.text())
def test_any_other_text_is_refused_and_never_crashes(text):
    with pytest.raises(MalformedKey):
        parse_key(text)


@given(KEYS, st.sampled_from(["\n", " ", "\x00", "0"]))
def test_a_key_with_something_before_or_after_it_is_refused(key, extra):
    for text in (key.text + extra, extra + key.text):
        with pytest.raises(MalformedKey):
            parse_key(text)


def test_digits_of_other_scripts_are_not_base62():
    text = draw_key().text
    with pytest.raises(MalformedKey):
        parse_key(text[:30] + "٣" + text[31:])


def test_a_drawn_key_has_the_promised_form_and_is_another_one_each_time():
    drawn = {draw_key().text for _ in range(200)}
    assert len(drawn) == 200
    assert {len(text) for text in drawn} == {len("tf_live_") + 12 + 1 + 43 + 6}


def test_the_form_is_pinned_because_issued_keys_live_for_years():
    key = KeyParts(public_id="0123456789ab", secret="A" * 43)
    assert key.text == "tf_live_0123456789ab_" + "A" * 43 + "3pZvta"
    assert digest_of(key.secret, pepper=PEPPER) == (
        "57ce622fe1b4120fb728c67624cf226879bb16fc2b41b72e4afab5510468d88c"
    )


@given(KEYS)
def test_the_digest_is_the_secrets_alone_and_needs_the_pepper(key):
    digest = digest_of(key.secret, pepper=PEPPER)
    assert secret_matches(key.secret, digest, pepper=PEPPER)
    assert not secret_matches(key.secret, digest, pepper=PEPPER + "x")
    assert not secret_matches(key.secret[::-1] + "x", digest, pepper=PEPPER)
    assert key.secret not in digest


def test_no_secret_matches_the_digest_of_an_unknown_key():
    assert not secret_matches("A" * 43, None, pepper=PEPPER)


@given(KEYS)
def test_the_secret_is_not_in_the_repr(key):
    assert key.secret not in repr(key)
