"""Many subjects over many ticks, and trouble that comes and goes: few incidents, few messages."""

from dataclasses import replace
from datetime import timedelta

import pytest

from alerts.models import Delivery, Incident
from alerts.rules import RULE_KINDS
from alerts.rules.kind import MOST_SUBJECTS, Found
from jobs.models import Job
from templates_app.models import Template
from tenants.clock import database_now
from tests.factories.alerts import fail_many, make_policy, make_rule
from tests.factories.templates import make_template
from tests.factories.tenants import make_merchant
from tests.integration.alerts.kit import tick

pytestmark = pytest.mark.django_db(transaction=True)
MINUTE = timedelta(minutes=1)


def templates(merchant, number, prefix):
    return [make_template(merchant=merchant, name=f"{prefix}{place}") for place in range(number)]


def succeed(template, at):
    """Have the template's run succeed then, and not before."""
    run = Job.objects.filter(template_id=template.pk).exclude(status="failed")
    assert run.update(status="succeeded", finalized_at=at, started_at=at) == 1


def test_new_subjects_in_tick_after_tick_share_one_incident_beyond_the_first_hundred(shop, mail):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
    bystander = make_merchant()
    make_rule(merchant=bystander)
    tick()
    for prefix in "ABC":
        for one in templates(shop, 50, prefix):
            fail_many(one, 1)
        fail_many(make_template(merchant=bystander), 1)
        tick()
    mine = Incident.objects.filter(merchant=shop)
    assert mine.count() == MOST_SUBJECTS + 1
    assert mine.get(subject_key="others").count == 50
    assert sum(mine.values_list("count", flat=True)) == 150
    assert Incident.objects.filter(merchant=bystander).count() == 3


def test_what_has_an_incident_keeps_it_when_more_subjects_come(shop):
    make_rule(merchant=shop, kind="template_set_aside")
    now = database_now()
    first = templates(shop, 90, "first")
    aside = {"set_aside_at": now, "set_aside_reason": "no", "next_expansion_at": None}
    Template.objects.filter(pk__in=[one.pk for one in first]).update(**aside)
    tick(now)
    more = templates(shop, 90, "later")
    Template.objects.filter(pk__in=[one.pk for one in more]).update(**aside)
    for minutes in range(1, 5):
        assert tick(now + minutes * MINUTE).recovered == 0
    open_keys = set(Incident.objects.values_list("subject_key", flat=True))
    assert {f"template:{one.pk}" for one in first} <= open_keys
    assert len(open_keys) == MOST_SUBJECTS + 1


def test_names_that_look_the_same_are_one_subject(shop, monkeypatch):
    from alerts.evaluator import keeping
    from alerts.evaluator.finding import Looked

    rule = make_rule(merchant=shop)
    now = database_now()
    found = [
        Found(rule.pk, f"handler:python:a{space}b", "jobs", "", 2, now, now, None)
        for space in ("  ", "\t")
    ]
    looked = Looked(
        found=found,
        adding=frozenset({rule.pk}),
        whole=[],
        events={},
        given={},
        position=rule.pk,
    )
    keeping.record(looked, now)
    assert Incident.objects.get().count == 4


def test_trouble_that_comes_and_goes_is_told_a_few_times_and_not_each_time(shop, mail):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop, repeat_after=240))
    template = make_template(merchant=shop, name="Every minute", now=database_now())
    tick()
    start = database_now()
    for minutes in range(0, 60, 2):
        fail_many(template, 1)
        tick(start + minutes * MINUTE)
        # What fails here is as old as the wall's clock says: as old as the tick instead.
        going = Incident.objects.exclude(state="resolved")
        going.update(last_seen=start + minutes * MINUTE)
        succeed(template, start + (minutes + 1) * MINUTE)
        tick(start + (minutes + 1) * MINUTE)
    assert Incident.objects.count() == 2
    events = list(Delivery.objects.order_by("pk").values_list("event", flat=True))
    assert events == ["opened", "recovered", "opened"]
    tick(start + 75 * MINUTE)
    assert Delivery.objects.latest("pk").event == "recovered"
    assert not Incident.objects.exclude(state="resolved").exists()


def test_a_rule_that_cannot_be_looked_at_costs_no_other_of_its_kind(shop, caplog):
    merchants = [make_merchant() for _ in range(7)]
    rules = [make_rule(merchant=one) for one in (shop, *merchants)]
    broken = rules[3]
    type(broken).objects.filter(pk=broken.pk).update(parameters={"quiet": "never"})
    tick()
    for one in (shop, *merchants):
        fail_many(make_template(merchant=one), 1)
    tick()
    heard = set(Incident.objects.values_list("rule_id", flat=True))
    assert heard == {rule.pk for rule in rules} - {broken.pk}
    assert f"rule {broken.pk} of kind job_failed cannot be looked at" in caplog.text


def test_a_kind_that_cannot_say_what_is_over_costs_nobody_else(shop, template, monkeypatch):
    broken = replace(RULE_KINDS["job_failed"], over="SELECT 1 / 0")
    monkeypatch.setitem(RULE_KINDS, "job_failed", broken)
    make_rule(merchant=shop)
    tick()
    fail_many(template, 1)
    assert tick().opened == 1


def test_a_kind_that_is_broken_for_all_is_tried_a_bounded_number_of_times(
    shop, monkeypatch, django_assert_max_num_queries
):
    broken = replace(RULE_KINDS["run_too_long"], find="SELECT 1 / 0")
    monkeypatch.setitem(RULE_KINDS, "run_too_long", broken)
    for _ in range(400):
        make_rule(merchant=shop, kind="run_too_long")
    with django_assert_max_num_queries(300):
        tick()
