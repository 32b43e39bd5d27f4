"""A tick that has more than a batch to do asks another process, before it works on its own batch."""

from dataclasses import replace

import pytest
from django.db import transaction
from kombu.exceptions import OperationalError

from templates_app import tasks
from templates_app.expander import expand
from templates_app.models import Template
from tests.factories.templates import EXPANSION, HOUR, MINUTE, NOW, every, make_template
from tests.integration.sessions import OtherSession

pytestmark = pytest.mark.django_db(transaction=True)
DUE = NOW + HOUR - MINUTE
TWO_A_BATCH = replace(EXPANSION, batch=2)


@pytest.fixture
def three_due():
    """Three templates that are due, and one that is not."""
    three = [make_template(recurrence=every(1, "hours")) for _ in range(3)]
    bystander = make_template(recurrence=every(1, "hours"))
    Template.objects.update(next_expansion_at=DUE)
    Template.objects.filter(pk=bystander.pk).update(next_expansion_at=DUE + HOUR)
    return three


def test_others_are_asked_while_the_batch_is_held_and_take_what_is_left(three_due) -> None:
    taken = []

    def another() -> None:
        taken.append(OtherSession(lambda: expand(DUE, TWO_A_BATCH)).result().templates)

    first = expand(DUE, TWO_A_BATCH, ask_others=another)

    assert (first.templates, taken) == (2, [1])
    assert not Template.objects.filter(next_expansion_at__lte=DUE).exists()


def test_nobody_is_asked_when_a_batch_is_not_full(three_due) -> None:
    def nobody() -> None:
        raise AssertionError("There is nothing to share.")

    assert expand(DUE, replace(EXPANSION, batch=4), ask_others=nobody).templates == 3


def test_a_tick_whose_broker_is_away_expands_everything_alone(
    three_due, monkeypatch, settings
) -> None:
    settings.TASKFLOW_EXPANSION = TWO_A_BATCH
    asked = []

    def away(**options: object) -> None:
        asked.append(options)
        raise OperationalError("connection refused")

    monkeypatch.setattr(tasks, "database_now", lambda: DUE)
    monkeypatch.setattr(tasks.share, "apply_async", away)
    with transaction.atomic():
        counts = tasks.expand()

    assert (counts["templates"], len(asked)) == (3, 1)
    assert asked[0]["retry"] is False
