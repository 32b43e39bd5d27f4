"""TaskFlow's composition root: it knows every app, no app knows it."""

from taskflow.celery import app as celery_app

__all__ = ["celery_app"]
