"""A merchant with a calendar, and a template that no change here concerns."""

from collections.abc import Iterator

import pytest

from jobs.models import Job
from templates_app.models import Calendar, Template
from tenants.models import Merchant
from tests.factories.jobs import make_merchant
from tests.factories.templates import cron, make_calendar, make_template


@pytest.fixture
def shop() -> Merchant:
    return make_merchant()


@pytest.fixture
def calendar(shop: Merchant) -> Calendar:
    """Closed on weekends: tomorrow, a Tuesday, is open."""
    return make_calendar(merchant=shop)


@pytest.fixture
def bystander(shop: Merchant) -> Iterator[Template]:
    """Uses another calendar of the merchant, at a time that no window here covers: never replanned."""
    other = make_calendar(merchant=shop, name="Other")
    template = make_template(
        merchant=shop, recurrence=cron("30 20 * * *"), avoid=[str(other.pk)], name="Bystander"
    )
    before = list(Job.objects.filter(template_id=template.pk).values_list("id", flat=True))
    yield template
    assert list(Job.objects.filter(template_id=template.pk).values_list("id", flat=True)) == before
