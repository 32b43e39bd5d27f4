"""Celery's entry point: it translates and makes one domain call."""

from celery import shared_task
from django.conf import settings

from alerts.evaluator import evaluate
from tenants.clock import database_now


@shared_task(name="alerts.evaluate", ignore_result=True)
def evaluate_rules() -> None:
    """Tick the alerts."""
    evaluate(database_now(), settings.TASKFLOW_ALERTING)
