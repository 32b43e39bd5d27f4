"""A template is written while its calendar changes: the plan is that of both, once calm.

Whoever comes second waits or sees the first one's work.
"""

import pytest

from jobs.operations.fields import Fields, InvalidFields
from templates_app.models import Calendar, Template
from templates_app.operations.calendars import (
    CalendarInUse,
    create_calendar,
    delete_calendar,
    edit_calendar,
)
from templates_app.operations.reading import read_calendar_ids
from templates_app.operations.templates import edit_template
from tenants.identifiers import new_id
from tenants.models import Merchant
from tests.factories.templates import DAY, NOW, make_calendar, make_template
from tests.integration.templates.surroundings.kit import (
    AT_NINE,
    NINE,
    close_tomorrow,
    create_avoiding,
    meanwhile,
)
from tests.integration.templates.ticking import expand_until_calm, nominal

pytestmark = pytest.mark.django_db(transaction=True)


class TestCalendars:
    def test_template_made_while_its_calendar_changes_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template, change = meanwhile(
            lambda: create_avoiding(calendar), lambda: close_tomorrow(calendar)
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_template_that_takes_up_a_calendar_while_that_changes_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template = make_template(merchant=shop, recurrence=AT_NINE)
        _, change = meanwhile(
            lambda: edit_template(template, {"keep_to": [str(calendar.pk)]}, now=NOW),
            lambda: edit_calendar(calendar, {"definition": {"weekdays": ["th"]}}, now=NOW),
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + 2 * DAY]

    def test_template_made_after_its_calendar_changed_keeps_to_the_new_one(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        _, creation = meanwhile(lambda: close_tomorrow(calendar), lambda: create_avoiding(calendar))
        template = creation.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_platforms_calendar_that_changes_reaches_a_template_that_is_being_made(
        self, shop: Merchant, bystander: Template
    ) -> None:
        shared = make_calendar(merchant=None)
        within = make_calendar(merchant=shop, definition={}, includes=[shared.pk])
        template, change = meanwhile(
            lambda: create_avoiding(within), lambda: close_tomorrow(shared)
        )
        change.result()
        expand_until_calm(NOW)
        assert nominal(template) == [NINE + DAY]

    def test_calendar_is_in_use_by_a_template_that_is_being_made(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        template, deletion = meanwhile(
            lambda: create_avoiding(calendar), lambda: delete_calendar(calendar)
        )
        with pytest.raises(CalendarInUse, match='1 template \\("Report"\\)'):
            deletion.result()
        assert edit_template(template, {"name": "Still editable"}, now=NOW).avoid == [calendar.pk]

    def test_template_cannot_take_up_a_calendar_that_is_being_deleted(
        self, shop: Merchant, calendar: Calendar, bystander: Template
    ) -> None:
        _, creation = meanwhile(
            lambda: delete_calendar(calendar), lambda: create_avoiding(calendar)
        )
        with pytest.raises(InvalidFields, match="not a calendar that you can use"):
            creation.result()
        assert Template.objects.count() == 1

    def test_platforms_calendar_is_in_use_by_a_merchants_that_is_being_made(
        self, shop: Merchant, bystander: Template
    ) -> None:
        shared = make_calendar(merchant=None)
        _, deletion = meanwhile(
            lambda: create_calendar(
                {"name": "Ours", "includes": [str(shared.pk)]}, merchant=shop, now=NOW
            ),
            lambda: delete_calendar(shared),
        )
        with pytest.raises(CalendarInUse, match='1 calendar \\("Ours"\\)'):
            deletion.result()

    def test_two_calendars_cannot_come_to_include_one_another(
        self, shop: Merchant, bystander: Template
    ) -> None:
        one, other = (make_calendar(merchant=shop, name=name) for name in ("One", "Two"))
        _, second = meanwhile(
            lambda: edit_calendar(one, {"includes": [str(other.pk)]}, now=NOW),
            lambda: edit_calendar(other, {"includes": [str(one.pk)]}, now=NOW),
        )
        with pytest.raises(InvalidFields, match="circle"):
            second.result()


class TestVanishedCalendars:
    """Rows of before the lock may name a calendar that is gone."""

    def test_id_that_is_stored_already_is_not_looked_for_again(self, calendar: Calendar) -> None:
        gone, shop = new_id(), calendar.merchant
        fields = Fields({"avoid": [str(gone), str(calendar.pk)]}, ("avoid",))
        found = read_calendar_ids(fields, "avoid", shop, kept=[gone])
        assert (found, fields.problems) == ([gone, calendar.pk], [])

    def test_id_that_is_added_is_refused_when_there_is_no_such_calendar(
        self, calendar: Calendar
    ) -> None:
        gone, other = new_id(), new_id()
        fields = Fields({"avoid": [str(gone), str(other)]}, ("avoid",))
        read_calendar_ids(fields, "avoid", calendar.merchant, kept=[gone])
        assert [problem.code for problem in fields.problems] == ["unknown_calendar"]
        assert str(other) in fields.problems[0].detail

    def test_calendar_that_includes_one_that_is_gone_can_be_edited(
        self, shop: Merchant, calendar: Calendar
    ) -> None:
        gone = new_id()
        holder = make_calendar(merchant=shop, includes=[gone])
        assert edit_calendar(holder, {"name": "Anew"}, now=NOW).includes == [gone]
        more = {"includes": [str(gone), str(calendar.pk)]}
        assert edit_calendar(holder, more, now=NOW).includes == [gone, calendar.pk]
        with pytest.raises(InvalidFields, match="not a calendar that you can use"):
            edit_calendar(holder, {"includes": [str(new_id())]}, now=NOW)
        assert edit_calendar(holder, {"includes": []}, now=NOW).includes == []
