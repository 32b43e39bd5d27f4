"""Two sessions at once on one template: the second finds the first one's work, and nobody waits long."""

import pytest
from django.db import connection, transaction

from jobs import lifecycle
from jobs.models import Job
from templates_app.expander import expand
from templates_app.expander.late import settle_late
from templates_app.models import SkippedOccurrence, Template
from templates_app.operations.templates import TemplateGone, delete_template, edit_template
from tests.factories.jobs import make_job
from tests.factories.templates import EXPANSION, HOUR, MINUTE, NOW, SECOND, every, make_template
from tests.integration.sessions import OtherSession, wait_until_one_waits_for_a_lock
from tests.integration.templates.ticking import expand_all, nominal, skipped

pytestmark = pytest.mark.django_db(transaction=True)
BACK = NOW + HOUR + 7 * MINUTE


def test_late_jobs_are_decided_once_by_two_expanders() -> None:
    templates = [make_template(recurrence=every(1, "hours"), misfire="skip") for _ in range(5)]
    Template.objects.update(next_expansion_at=BACK + HOUR)
    with transaction.atomic():
        assert settle_late(BACK, EXPANSION) == 5
        rival = OtherSession(lambda: settle_late(BACK, EXPANSION))
        assert rival.result() == 0
    assert settle_late(BACK, EXPANSION) == 0
    assert [skipped(one) for one in templates] == [[(NOW + HOUR, NOW + HOUR, 1)]] * 5


def test_crowd_of_expanders_decides_on_late_jobs_once() -> None:
    for misfire in ("skip", "run_once", "run_all") * 10:
        make_template(recurrence=every(10), misfire=misfire)
    crowd = [OtherSession(lambda: expand_all(BACK)) for _ in range(6)]
    made = sum(one.result() for one in crowd)
    expand_all(BACK)
    rows = SkippedOccurrence.objects.all()
    assert sum(row.occurrences for row in rows) == 10 * 6 + 10 * 5
    assert made == 10 * 1 + 10 * 2 + 10 * 6
    assert Job.objects.filter(status="skipped").count() == 20


def test_expander_passes_over_what_another_one_holds() -> None:
    mine, theirs = make_template(), make_template()
    now = NOW + HOUR - 30 * SECOND
    with transaction.atomic():
        Template.objects.select_for_update(no_key=True).get(pk=mine.pk)
        assert OtherSession(lambda: expand(now, EXPANSION)).result().templates == 1
    assert len(nominal(theirs)) == 2
    assert len(nominal(mine)) == 1
    assert expand(now, EXPANSION).templates == 1


def test_edit_waits_for_the_expander_and_replaces_what_it_made() -> None:
    template = make_template()
    now = NOW + HOUR - 30 * SECOND
    with transaction.atomic():
        assert expand(now, EXPANSION).jobs == 1
        editing = OtherSession(
            lambda: edit_template(template, {"recurrence": every(45)}, now=NOW + MINUTE)
        )
        wait_until_one_waits_for_a_lock()
    editing.result()
    assert nominal(template) == [NOW + 45 * MINUTE]


def test_template_that_is_deleted_meanwhile_is_not_expanded() -> None:
    template, other = make_template(), make_template()
    now = NOW + HOUR - 30 * SECOND
    with transaction.atomic():
        delete_template(template, now=now)
        assert OtherSession(lambda: expand(now, EXPANSION)).result().templates == 1
    assert expand(now, EXPANSION).templates == 0
    assert Job.objects.get(template_id=template.id).status == "cancelled"
    assert len(nominal(other)) == 2
    with pytest.raises(TemplateGone):
        edit_template(template, {"name": "Ghost"}, now=now)


def test_overlap_that_is_skipped_is_recorded_while_an_expander_holds_the_template() -> None:
    """The populator holds jobs when it writes the row; an expander that holds the template may want them."""
    template = make_template(overlap="skip")
    make_job(
        template_id=template.id,
        occurrence_at=NOW,
        status="running",
        merchant_id=template.merchant_id,
    )
    with transaction.atomic():
        assert expand(NOW + HOUR - 30 * SECOND, EXPANSION).templates == 1
        settling = OtherSession(
            lambda: lifecycle.settle_overlaps(now=NOW + HOUR, limit=100).skipped
        )
        assert settling.result() == 1
    assert skipped(template, "overlap") == [(NOW + HOUR, NOW + HOUR, 1)]


def test_expander_that_dies_leaves_nothing_behind() -> None:
    template = make_template(recurrence=every(10))
    before = (nominal(template), skipped(template))

    def die() -> None:
        with transaction.atomic():
            expand(BACK, EXPANSION)
            connection.connection.close()

    with pytest.raises(Exception, match="clos"):
        OtherSession(die).result()
    assert (nominal(template), skipped(template)) == before
    expand_all(BACK)
    assert nominal(template)[-1] == BACK + 3 * MINUTE
