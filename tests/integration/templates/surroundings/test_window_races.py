"""A template is planned while a window changes: the plan is that of both, once calm.

Whoever comes second waits or sees the first one's work.
"""

from typing import Any

import pytest

from jobs.operations.fields import InvalidFields
from templates_app.expander import expand
from templates_app.models import MaintenanceWindow, Template
from templates_app.operations.templates import create_template, delete_template
from templates_app.operations.windows import WindowGone, create_window, delete_window, edit_window
from tenants.models import Merchant
from tests.factories.templates import DAY, EXPANSION, HOUR, MINUTE, NOW, make_template, make_window
from tests.integration.templates.surroundings.kit import (
    AT_NINE,
    NINE,
    ONE,
    SOON,
    body,
    meanwhile,
    skip_window,
)
from tests.integration.templates.ticking import expand_until_calm, live, nominal, skipped

pytestmark = pytest.mark.django_db(transaction=True)


def skip_the_second(shop: Merchant | None, **fields: Any) -> MaintenanceWindow:
    """Create a window over the second of the next two runs of an hourly template."""
    wanted = skip_window(ONE + 50 * MINUTE, ONE + 90 * MINUTE, **fields)
    return create_window(wanted, merchant=shop, now=SOON)


class TestWindows:
    def test_template_made_while_a_window_is_made_has_no_run_in_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template, window = meanwhile(
            lambda: create_template(body(), merchant=shop, now=NOW),
            lambda: create_window(skip_window(NINE - HOUR, NINE + HOUR), merchant=shop, now=NOW),
        )
        window.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]
        assert skipped(template, "window") == [(NINE, NINE, 1)]

    @pytest.mark.parametrize("whose", ["the merchant's", "the template's", "the platform's"])
    def test_run_that_an_expander_is_planning_is_not_in_a_window_that_is_made(
        self, shop: Merchant, bystander: Template, whose: str
    ) -> None:
        template = make_template(merchant=shop)
        assert nominal(template) == [ONE]
        mine = {"template_id": str(template.pk)} if whose == "the template's" else {}
        owner = None if whose == "the platform's" else shop
        step, window = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: skip_the_second(owner, **mine)
        )
        assert step.jobs == 1
        window.result()
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_expander_that_comes_after_a_window_plans_nothing_in_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        make_template(merchant=shop)
        _, step = meanwhile(lambda: skip_the_second(shop), lambda: expand(SOON, EXPANSION))
        assert step.result().templates == 1
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_run_that_an_expander_is_planning_is_not_in_a_window_that_is_moved(
        self, shop: Merchant, bystander: Template
    ) -> None:
        make_template(merchant=shop)
        window = make_window(
            starts_at=NOW + 2 * DAY, ends_at=NOW + 3 * DAY, merchant=shop, mode="skip"
        )
        to = skip_window(ONE + 50 * MINUTE, ONE + 90 * MINUTE)
        step, edit = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: edit_window(window, to, now=SOON)
        )
        assert step.jobs == 1
        edit.result()
        assert live(SOON, ONE + 2 * HOUR) == [ONE, ONE + 2 * HOUR]

    def test_run_that_an_expander_skips_for_a_window_runs_when_that_is_deleted(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        window = make_window(
            starts_at=ONE + 50 * MINUTE, ends_at=ONE + 90 * MINUTE, merchant=shop, mode="skip"
        )
        step, deletion = meanwhile(
            lambda: expand(SOON, EXPANSION), lambda: delete_window(window, now=SOON)
        )
        assert step.skipped == 1
        deletion.result()
        assert live(SOON, ONE + HOUR) == [ONE, ONE + HOUR]
        assert skipped(template) == []

    def test_window_cannot_be_given_to_a_template_that_is_being_deleted(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        mine = {"template_id": str(template.pk)}
        _, creation = meanwhile(
            lambda: delete_template(template, now=NOW),
            lambda: create_window(skip_window(ONE, ONE + HOUR, **mine), merchant=shop, now=NOW),
        )
        with pytest.raises(InvalidFields, match="is not the id of a template of yours"):
            creation.result()

    def test_window_goes_with_its_template_while_somebody_edits_it(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop)
        window = make_window(
            starts_at=ONE, ends_at=ONE + HOUR, merchant=shop, template_id=template.pk
        )
        _, edit = meanwhile(
            lambda: delete_template(template, now=NOW),
            lambda: edit_window(window, {"name": "Late"}, now=NOW),
        )
        with pytest.raises(WindowGone):
            edit.result()
        assert not MaintenanceWindow.objects.exists()

    def test_second_of_two_edits_of_a_window_keeps_what_the_first_one_changed(
        self, shop: Merchant, bystander: Template
    ) -> None:
        template = make_template(merchant=shop, recurrence=AT_NINE)
        window = make_window(
            starts_at=NINE + HOUR, ends_at=NINE + 2 * HOUR, merchant=shop, mode="skip"
        )
        _, second = meanwhile(
            lambda: edit_window(window, {"starts_at": (NINE - HOUR).isoformat()}, now=NOW),
            lambda: edit_window(window, {"name": "Two"}, now=NOW),
        )
        second.result()
        expand_until_calm(NOW)
        stored = MaintenanceWindow.objects.get()
        assert (stored.name, stored.starts_at) == ("Two", NINE - HOUR)
        assert nominal(template) == [NINE + DAY]
