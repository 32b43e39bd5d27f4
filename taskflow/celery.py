"""The Celery application. It carries hints; PostgreSQL is the truth.

Hence: no ETA, countdown, Task.retry, result backend or redelivery in the path of jobs. JSON only.
"""

import os

from celery import Celery
from kombu import Queue

os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskflow.settings")

# The api process and `migrate` check the project; a worker need not load every page for that.
os.environ.setdefault("CELERY_SKIP_CHECKS", "1")

QUEUES = ("async", "process", "command", "control")

app = Celery(
    "taskflow",
    include=[
        "jobs.tasks",
        "templates_app.tasks",
        "alerts.tasks",
        "alerts.webhooks.tasks",
        "taskflow.worker",
    ],
)
app.config_from_object("django.conf:settings", namespace="CELERY")
app.conf.task_queues = [Queue(name, routing_key=name) for name in QUEUES]
