"""Django for the peers that need it: PostgreSQL, persistent connections, no more."""

import os
import sys
from urllib.parse import urlsplit

from benchmarks.peers.peer import database_url, redis_url

_url = urlsplit(database_url())

SECRET_KEY = "benchmark-" * 5
USE_TZ = True
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
INSTALLED_APPS = [
    "django.contrib.contenttypes",
    "django.contrib.auth",
    "django_celery_results",
    "django_q",
]
DATABASES = {
    "default": {
        "ENGINE": "django.db.backends.postgresql",
        "HOST": _url.hostname,
        "PORT": _url.port,
        "USER": _url.username,
        "PASSWORD": _url.password,
        "NAME": _url.path.lstrip("/"),
        "CONN_MAX_AGE": None,
    }
}
Q_CLUSTER = {
    "name": "bench",
    "redis": redis_url(),
    "workers": int(os.environ.get("BENCH_WORKERS", "2")),
    # Successes are not stored: the fastest that its documentation offers.
    "save_limit": -1,
    "recycle": 1_000_000,
    "timeout": 60,
    "retry": 120,
    "log_level": "WARNING",
    "scheduler": False,
}


def migrate() -> None:
    """Make the tables."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", __name__)
    import django
    from django.core.management import call_command

    django.setup()
    call_command("migrate", verbosity=0, stdout=sys.stderr)
