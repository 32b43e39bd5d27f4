"""What each name, filter and sum yields."""

from datetime import UTC, datetime

import pytest

from templates_app.placeholders.formats import DIRECTIVES, read_format


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ occurrence }}", "2026-03-31T09:00:00+02:00"),
        ("{{occurrence}}", "2026-03-31T09:00:00+02:00"),
        ("{{ planned }}", "2026-03-31T10:00:00+02:00"),
        ("{{ previous_occurrence }}", "2026-03-28T09:00:00+01:00"),
        ("{{ template.id }}/{{ template.name }}", "018f-7/Informe diário"),
        ("{{ merchant.slug }}: {{ merchant.name }}", "acme: ACME & Söhne"),
        ("{{ timezone }}", "Europe/Madrid"),
        ('{{ occurrence | date("%Y-%m-%d") }}', "2026-03-31"),
        ("{{ occurrence|date('%d.%m.%y %H:%M') }}", "31.03.26 09:00"),
        ("{{ occurrence | iso | lower }}", "2026-03-31t09:00:00+02:00"),
        ("{{ occurrence | utc }}", "2026-03-31T07:00:00+00:00"),
        ('{{ occurrence | in_zone("Asia/Kolkata") }}', "2026-03-31T12:30:00+05:30"),
        ("{{ occurrence | timestamp }}", 1774940400),
        ('{{ occurrence | timestamp("s") }}', 1774940400),
        ('{{ occurrence | timestamp("ms") }}', 1774940400000),
        ("{{ occurrence | weekday }}", 2),
        ("{{ (planned | timestamp) - (occurrence | timestamp) }}", 3600),
        ("{{ occurrence|timestamp - 400 + 1 }}", 1774940001),
        ("{{ template.name | upper }}", "INFORME DIÁRIO"),
        ("{{ template.name | slug }}", "informe-diario"),
        ("{{ merchant.name | slug }}", "acme-sohne"),
        ("{{ occurrence | add(days=-1, hours=2) }}", "2026-03-30T11:00:00+02:00"),
        ("{{ occurrence | add(months=1) }}", "2026-04-30T09:00:00+02:00"),
        ("{{ occurrence | add(months=-1) }}", "2026-02-28T09:00:00+01:00"),
        ("{{ occurrence | add(months=-25) }}", "2024-02-29T09:00:00+01:00"),
        ("{{ occurrence | add(years=1, weeks=1) }}", "2027-04-07T09:00:00+02:00"),
        ("{{ occurrence - days(3) }}", "2026-03-28T09:00:00+01:00"),
        ("{{ occurrence - hours(72) }}", "2026-03-28T08:00:00+01:00"),
        ("{{ occurrence + weeks(1) - minutes(90) }}", "2026-04-07T07:30:00+02:00"),
        ('{{ (occurrence - days(1)) | date("%F") }}', "2026-03-30"),
        ('{{ occurrence | start_of("year") }}', "2026-01-01T00:00:00+01:00"),
        ('{{ occurrence | start_of("quarter") }}', "2026-01-01T00:00:00+01:00"),
        ('{{ occurrence | start_of("month") }}', "2026-03-01T00:00:00+01:00"),
        ('{{ occurrence | start_of("week") }}', "2026-03-30T00:00:00+02:00"),
        ('{{ occurrence | start_of("day") }}', "2026-03-31T00:00:00+02:00"),
        ('{{ (occurrence + minutes(7)) | start_of("hour") }}', "2026-03-31T09:00:00+02:00"),
        ('{{ occurrence | end_of("year") }}', "2026-12-31T23:59:59+01:00"),
        ('{{ occurrence | end_of("quarter") }}', "2026-03-31T23:59:59+02:00"),
        ('{{ occurrence | add(months=-1) | end_of("month") }}', "2026-02-28T23:59:59+01:00"),
        ('{{ occurrence | end_of("week") }}', "2026-04-05T23:59:59+02:00"),
        ('{{ occurrence | end_of("hour") }}', "2026-03-31T09:59:59+02:00"),
        ('{{ "{{" }} occurrence }}', "{{ occurrence }}"),
        ("{{ '{%' }} if x %}", "{% if x %}"),
        ("{{ 5 }}", 5),
        ("{# a note, {{ nothing }} #}{{ occurrence | weekday }}", 2),
        ("100 {% {{ merchant.slug }} }} {# {{ 1 }}", "100 {% acme }} {# 1"),
    ],
)
def test_a_placeholder_yields_what_the_manual_says(fill, text, expected):
    assert fill(text) == expected


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("{{ previous_occurrence }}", None),
        ("since {{ previous_occurrence }}.", "since ."),
        ('{{ previous_occurrence | date("%F") | upper }}', None),
        ("{{ previous_occurrence - days(1) }}", None),
        ("{{ (occurrence | timestamp) - (previous_occurrence | timestamp) }}", None),
        ('{{ previous_occurrence | default("never") }}', "never"),
        ("{{ previous_occurrence | timestamp | default(0) }}", 0),
        ('{{ previous_occurrence | date("%F") | default("never") | upper }}', "NEVER"),
        ('{{ previous_occurrence | default(occurrence - days(1)) | date("%F") }}', "2026-03-30"),
    ],
)
def test_the_first_run_has_no_previous_occurrence(fill, text, expected):
    assert fill(text, previous_occurrence=None) == expected


def test_a_default_leaves_a_value_that_is_there(fill):
    assert fill('{{ previous_occurrence | date("%F") | default("never") }}') == "2026-03-28"


ONE_DAY = datetime(2026, 1, 4, 15, 6, 7, 89, tzinfo=UTC)
STABLE = set(DIRECTIVES) - {"%:z", "%s", "%e", "%F", "%T"}


@pytest.mark.parametrize("directive", sorted(STABLE))
@pytest.mark.parametrize("hour", [0, 11, 12, 15])
def test_directives_agree_with_strftime(directive, hour):
    moment = ONE_DAY.replace(hour=hour)
    assert read_format(f"<{directive}>")(moment) == moment.strftime(f"<{directive}>")


@pytest.mark.parametrize(
    ("zone", "text"),
    [
        ("America/St_Johns", "-02:30 -0230"),
        ("Asia/Kathmandu", "+05:45 +0545"),
        ("UTC", "+00:00 +0000"),
    ],
)
def test_offsets_print_with_their_sign(fill, zone, text):
    assert fill('{{ occurrence | date("%:z %z") }}', timezone=zone) == text


def test_other_directives(fill):
    assert (
        fill('{{ occurrence | date("%s|%e|%F %T|%%") }}') == "1774940400|31|2026-03-31 09:00:00|%"
    )
