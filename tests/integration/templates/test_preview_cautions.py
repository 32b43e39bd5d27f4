"""A preview says what it does not know."""

import pytest

from templates_app.operations.preview import preview_template
from tests.factories.templates import NOW, cron, make_avoiding_template

pytestmark = pytest.mark.django_db


def test_preview_beyond_the_known_holidays_says_so():
    template = make_avoiding_template(
        {"holidays": [{"country": "ES"}]}, recurrence=cron("0 9 1 1 *"), on_closed="next_open"
    )
    near = preview_template(template, count=5, start=NOW)
    far = preview_template(template, count=200, start=NOW)
    assert [one.code for one in near.cautions] == []
    assert [one.code for one in far.cautions] == ["holidays_end"]
