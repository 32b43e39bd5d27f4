"""Two of anything: evaluators at once, transactions that commit late."""

import threading
from typing import Any

import pytest
from django.db import connection, transaction

from alerts.models import Delivery, Incident
from alerts.signals import incident_opened
from tests.factories.alerts import fail_many, make_policy, make_rule
from tests.integration.alerts.kit import PATIENCE, tick

pytestmark = pytest.mark.django_db(transaction=True)


def in_threads(*works):
    """Run the works at once, each with a connection of its own; return what they answered."""
    answers: list[Any] = [None] * len(works)

    def run(place, work):
        try:
            answers[place] = work()
        finally:
            connection.close()

    threads = [threading.Thread(target=run, args=one) for one in enumerate(works)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join(PATIENCE)
        assert not thread.is_alive()
    return answers


def test_evaluators_at_once_open_one_incident_and_send_one_message(shop, template, mail):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
    tick()
    fail_many(template, 500)
    barrier = threading.Barrier(6)

    def look():
        barrier.wait(PATIENCE)
        return tick()

    seen = in_threads(*[look] * 6)
    assert sum(one.opened for one in seen) == 1
    assert Incident.objects.get().count == 500
    assert Delivery.objects.count() == 1


def test_while_one_evaluator_looks_another_one_goes_home(shop):
    with transaction.atomic():
        assert not tick().busy
        [other] = in_threads(tick)
    assert other.busy
    assert not tick().busy


def test_a_failure_that_is_committed_late_is_not_passed_by(shop, template, mail):
    make_rule(merchant=shop)
    tick()
    begun, finish = threading.Event(), threading.Event()

    def late():
        with transaction.atomic():
            fail_many(template, 1)
            begun.set()
            assert finish.wait(PATIENCE)

    thread = threading.Thread(target=lambda: in_threads(late))
    thread.start()
    assert begun.wait(PATIENCE)
    fail_many(template, 1)  # written later, committed earlier
    tick()
    tick()
    finish.set()
    thread.join(PATIENCE)
    tick()
    assert Incident.objects.get().count == 2


def test_a_listener_that_raises_undoes_the_tick(shop, template, mail):
    make_rule(merchant=shop, policy=make_policy((0, [mail]), merchant=shop))
    tick()
    fail_many(template, 4)
    heard: list[Any] = []

    def refuse(sender, incidents, **_):
        heard.extend(incidents)
        raise RuntimeError("no")

    incident_opened.connect(refuse)
    try:
        with pytest.raises(RuntimeError):
            tick()
    finally:
        incident_opened.disconnect(refuse)
    assert not Incident.objects.exists()
    assert not Delivery.objects.exists()
    [told] = heard
    assert (told.subject, told.count, told.merchant_id) == ("Nightly report", 4, shop.pk)

    tick()
    assert Incident.objects.get().count == 4
