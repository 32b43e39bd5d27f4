"""Celery's settings, taken in by taskflow.settings. Each line that differs from Celery's default
has its reason beside it."""

from datetime import timedelta
from typing import Any

from celery.schedules import crontab

from alerts.alerting import Alerting
from alerts.webhooks.timing import TICK as WEBHOOK_TICK
from alerts.webhooks.timing import UPKEEP as WEBHOOK_UPKEEP
from jobs.engine import Engine
from templates_app.expansion import Expansion

# Tasks after which a process without a connection pool opens a new connection.
REUSE_UNPOOLED = 10_000
REDRIVE_TICK = timedelta(seconds=2)


def celery_settings(
    *, redis_url: str, engine: Engine, expansion: Expansion, alerting: Alerting, database_pool: int
) -> dict[str, Any]:
    """Return the CELERY_* names for this broker and these tunables."""
    return {
        "CELERY_BROKER_URL": redis_url or "redis://taskflow-redis-url-is-unset.invalid",
        "CELERY_BROKER_TRANSPORT_OPTIONS": {
            # No unacked keys, no visibility timeout, no second run of healthy jobs: the leases in
            # PostgreSQL recover what a dead worker had fetched (and messages pass twice as fast).
            "ack_emulation": False,
            "global_keyprefix": "taskflow:",
            # Without these a publish to a frozen broker blocks for ever. No retry_on_timeout: it
            # silently switches pipelined publishing off.
            "socket_timeout": 10,
            "socket_connect_timeout": 3,
            "socket_keepalive": True,
            "health_check_interval": 10,
        },
        "CELERY_BROKER_CONNECTION_RETRY_ON_STARTUP": True,
        # Never give up on the broker: 100 tries are used up by a longer outage.
        "CELERY_BROKER_CONNECTION_MAX_RETRIES": None,
        "CELERY_BROKER_POOL_ACQUIRE_TIMEOUT": 5,
        "CELERY_TASK_DEFAULT_QUEUE": "control",
        "CELERY_TASK_CREATE_MISSING_QUEUES": False,
        "CELERY_TASK_ACKS_LATE": False,
        "CELERY_TASK_IGNORE_RESULT": True,
        "CELERY_TASK_STORE_ERRORS_EVEN_IF_IGNORED": False,
        "CELERY_TASK_PUBLISH_RETRY": False,
        # Only the nightly upkeep keeps its result, for people to look at in the admin.
        "CELERY_RESULT_BACKEND": "django-db",
        "CELERY_RESULT_EXTENDED": True,
        "CELERY_RESULT_EXPIRES": timedelta(days=30),
        "CELERY_ACCEPT_CONTENT": ["json"],
        "CELERY_RESULT_ACCEPT_CONTENT": ["json"],
        "CELERY_TASK_SERIALIZER": "json",
        "CELERY_RESULT_SERIALIZER": "json",
        "CELERY_WORKER_PREFETCH_MULTIPLIER": 1,
        # A busy worker leaves messages in the broker for idle ones.
        "CELERY_WORKER_DISABLE_PREFETCH": True,
        # Flower shows workers and tasks by their events.
        "CELERY_WORKER_SEND_TASK_EVENTS": True,
        "CELERY_WORKER_CONSUMER": "taskflow.event_groups:GroupingConsumer",
        "CELERY_WORKER_HIJACK_ROOT_LOGGER": False,
        "CELERY_TIMEZONE": "UTC",
        "CELERY_ENABLE_UTC": True,
        "CELERY_BEAT_SCHEDULER": "django_celery_beat.schedulers:DatabaseScheduler",
        "CELERY_BEAT_SCHEDULE": {
            "watch": {
                "task": "jobs.watch",
                "schedule": timedelta(seconds=engine.watch),
                # A tick that nobody took in time is worth nothing.
                "options": {"queue": "control", "expires": engine.watch * 2},
            },
            # Occurrences are planned a horizon ahead, so a late or lost tick delays no job.
            "expand": {
                "task": "templates.expand",
                "schedule": timedelta(seconds=expansion.tick),
                "options": {"queue": "control", "expires": expansion.tick * 2},
            },
            # An event waits for the next tick at the longest; any number of ticks may run at once.
            "webhooks": {
                "task": "webhooks.fan_out",
                "schedule": timedelta(seconds=WEBHOOK_TICK),
                "options": {"queue": "control", "expires": WEBHOOK_TICK * 2},
            },
            "webhooks_upkeep": {
                "task": "webhooks.upkeep",
                "schedule": timedelta(seconds=WEBHOOK_UPKEEP),
                "options": {"queue": "control", "expires": WEBHOOK_UPKEEP},
            },
            # Several at once are harmless: one of them looks, the others find its lock.
            "alert": {
                "task": "alerts.evaluate",
                "schedule": timedelta(seconds=alerting.tick),
                "options": {"queue": "control", "expires": alerting.tick * 2},
            },
            # At night in Europe; a lost tick is made up for by the next one.
            "archive": {
                "task": "jobs.archive",
                "schedule": crontab(minute=17, hour=1),
                "options": {"queue": "control", "expires": 3600},
            },
            # Redrives go at rates of jobs per second; while there is none, a tick reads one index.
            "redrive": {
                "task": "jobs.redrive",
                "schedule": REDRIVE_TICK,
                "options": {"queue": "control", "expires": REDRIVE_TICK.total_seconds() * 2},
            },
            "upkeep": {
                "task": "jobs.upkeep",
                "schedule": timedelta(hours=6),
                "options": {"queue": "control", "expires": 3600},
            },
        },
        # Celery closes connections around each task: with a pool that is a return to the pool, which
        # checks them. Without one (a process lane's child) reconnecting would cost more than most
        # jobs; the child looks after its connection itself.
        "CELERY_DB_REUSE_MAX": 0 if database_pool else REUSE_UNPOOLED,
    }
