"""Django's settings. Every variable is read by `taskflow.env`; docs/operations.md lists them."""

import os
import re
from pathlib import Path
from typing import Any

from psycopg import ProgrammingError
from psycopg.conninfo import conninfo_to_dict

from jobs.engine import Engine
from jobs.handlers.command.allow_list import AllowList, InvalidAllowList, read_allow_list
from jobs.handlers.publish.configuration import InvalidDestinations, parse_destinations
from taskflow.alert_settings import alerting_settings
from taskflow.celery_settings import celery_settings
from taskflow.env import Environment
from taskflow.history_settings import retention_settings
from taskflow.home import Home
from taskflow.logs import logging_settings
from taskflow.production import unsafe_settings
from templates_app.expansion import Expansion
from tenants.zone_names import use_locked_zones

use_locked_zones()

BASE_DIR = Path(__file__).resolve().parent.parent
VERSION = "0.1.0"

env = Environment(os.environ)

ENVIRONMENT = env.choice("TASKFLOW_ENV", ("development", "production"), "development")
PRODUCTION = ENVIRONMENT == "production"
# A one-machine installation: what its first start wrote is the default of what follows.
_local = None if PRODUCTION else Home.from_environment().credentials()

DEBUG = env.flag("TASKFLOW_DEBUG", default=False)
INSECURE_SECRET_KEY = "insecure-development-key-never-used-in-production"  # noqa: S105
SECRET_KEY = env.secret("TASKFLOW_SECRET_KEY", _local.secret_key if _local else INSECURE_SECRET_KEY)
SECRET_KEY_FALLBACKS = [
    key for key in env.secret("TASKFLOW_SECRET_KEY_FALLBACKS").split(",") if key
]
# Peppers the digests of API keys; falls back to the secret key, which then must never change.
API_KEY_PEPPER = env.secret("TASKFLOW_API_KEY_PEPPER") or SECRET_KEY
# Encrypts merchants' secrets at rest; the first key encrypts, all of them decrypt.
ENCRYPTION_KEYS = [key for key in env.secret("TASKFLOW_ENCRYPTION_KEYS").split(",") if key] or [
    SECRET_KEY,
    *SECRET_KEY_FALLBACKS,
]

DATABASE_URL = env.url(
    "TASKFLOW_DATABASE_URL", ("postgres", "postgresql"), _local.database_url if _local else ""
)
REDIS_URL = env.url(
    "TASKFLOW_REDIS_URL",
    ("redis", "rediss", "valkey", "valkeys"),
    _local.redis_url if _local else "",
)
# Only the scheme: a host may well be called valkey.
REDIS_URL = re.sub(r"^valkey", "redis", REDIS_URL)
ALLOWED_HOSTS = env.names("TASKFLOW_ALLOWED_HOSTS") or (
    [] if PRODUCTION else ["localhost", "127.0.0.1", "[::1]", "testserver"]
)
CSRF_TRUSTED_ORIGINS = env.names("TASKFLOW_CSRF_TRUSTED_ORIGINS")
FLOWER_URL = env.url("TASKFLOW_FLOWER_URL", ("http", "https"), _local.flower_url if _local else "")
# How many reverse proxies of ours stand in front; 0 ignores X-Forwarded-For.
TRUSTED_PROXIES = env.integer("TASKFLOW_TRUSTED_PROXIES", 0, minimum=0, maximum=10)
# Who may read /metrics; without one, only this machine in development (taskflow.metrics_access).
METRICS_TOKEN = env.bearer_token("TASKFLOW_METRICS_TOKEN")
LOG_FORMAT = env.choice("TASKFLOW_LOG_FORMAT", ("text", "json"), "json" if PRODUCTION else "text")
LOG_LEVEL = env.choice("TASKFLOW_LOG_LEVEL", ("debug", "info", "warning", "error"), "info").upper()

TASKFLOW_ENGINE = Engine(
    heartbeat=env.seconds("TASKFLOW_HEARTBEAT", 2.0, minimum=0.1, maximum=60),
    worker_lease=env.seconds("TASKFLOW_WORKER_LEASE", 20.0, minimum=0.5, maximum=600),
    queue_lease=env.seconds("TASKFLOW_QUEUE_LEASE", 60.0, minimum=0.5, maximum=3600),
    poll=env.seconds("TASKFLOW_POLL", 0.5, minimum=0.01, maximum=60),
    watch=env.seconds("TASKFLOW_WATCH", 5.0, minimum=0.1, maximum=300),
    canary=env.seconds("TASKFLOW_CANARY", 30.0, minimum=0.1, maximum=3600),
    lane_silence=env.seconds("TASKFLOW_LANE_SILENCE", 60.0, minimum=0.1, maximum=86_400),
    breaker_failures=env.integer("TASKFLOW_BREAKER_FAILURES", 10, minimum=1, maximum=100_000),
    breaker_pause=env.seconds("TASKFLOW_BREAKER_PAUSE", 10.0, minimum=0.5, maximum=3_600),
    breaker_longest=env.seconds("TASKFLOW_BREAKER_LONGEST", 300.0, minimum=2, maximum=14_400),
    breaker_patience=env.seconds(
        "TASKFLOW_BREAKER_PATIENCE", 86_400.0, minimum=1, maximum=30 * 86_400
    ),
    breaker_unbound=env.integer("TASKFLOW_BREAKER_UNBOUND", 64, minimum=2, maximum=100_000),
    deadline_grace=env.seconds("TASKFLOW_DEADLINE_GRACE", 10.0, minimum=0.1, maximum=600),
    async_capacity=env.integer("TASKFLOW_ASYNC_CAPACITY", 500, minimum=1, maximum=10_000),
    http_connections=env.integer("TASKFLOW_HTTP_CONNECTIONS", 0, minimum=0, maximum=10_000) or None,
    command_capacity=env.integer("TASKFLOW_COMMAND_CAPACITY", 4, minimum=1, maximum=1000),
    queued_limit=env.integer("TASKFLOW_QUEUED_LIMIT", 5000, minimum=1, maximum=100_000),
    http_allow_networks=env.networks("TASKFLOW_HTTP_ALLOW_NETWORKS"),
)
TASKFLOW_RETENTION = retention_settings(env)
# The commands that jobs of kind `command` may run; none, and the kind is off, unless named.
try:
    TASKFLOW_ALLOWED_COMMANDS = read_allow_list(env.text("TASKFLOW_COMMANDS"))
except InvalidAllowList as refused:
    TASKFLOW_ALLOWED_COMMANDS = AllowList()
    env.problems.append(f"TASKFLOW_COMMANDS: {refused}")
TASKFLOW_EXPANSION = Expansion(
    horizon=env.seconds("TASKFLOW_EXPANSION_HORIZON", 60.0, minimum=1, maximum=3600),
    tick=env.seconds("TASKFLOW_EXPANSION_TICK", 5.0, minimum=0.1, maximum=60),
    batch=env.integer("TASKFLOW_EXPANSION_BATCH", 500, minimum=1, maximum=5_000),
)
TASKFLOW_ALERTING = alerting_settings(env, horizon=TASKFLOW_EXPANSION.horizon)
try:
    # Where jobs of kind `publish` may send.
    TASKFLOW_DESTINATIONS = parse_destinations(env.secret("TASKFLOW_PUBLISH_DESTINATIONS"))
except InvalidDestinations as error:
    env.problems.extend(f"TASKFLOW_PUBLISH_DESTINATIONS: {line}" for line in error.problems)

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    # Without autodiscover: only processes that serve pages load the admin (taskflow.urls does).
    "django.contrib.admin.apps.SimpleAdminConfig",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.postgres",
    "whitenoise.runserver_nostatic",
    "django.contrib.staticfiles",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "drf_standardized_errors",
    "django_celery_beat",
    "django_celery_results",
    "tenants",
    "apikeys",
    "jobs",
    "templates_app",
    "alerts",
    "taskflow",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "taskflow.urls"
WSGI_APPLICATION = "taskflow.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]


def _connection_parts(url: str) -> dict[str, Any]:
    """Return libpq's reading of the URL; what it refuses becomes one of the collected problems."""
    try:
        return dict(conninfo_to_dict(url))
    except (ProgrammingError, UnicodeDecodeError):
        # The error quotes the part that it could not read, which may be the password.
        env.problems.append(
            "TASKFLOW_DATABASE_URL is no URL that PostgreSQL accepts: percent-encode special "
            "characters of user and password in UTF-8, and use libpq's parameters only."
        )
        return {}


# Constant statements are prepared once a connection. Off for a pooler that does not know prepared
# statements, or refuses the startup parameter `options`.
TASKFLOW_PREPARE_STATEMENTS = env.flag("TASKFLOW_PREPARE_STATEMENTS", default=True)


def _preparing(options: str) -> dict[str, Any]:
    return {
        # Counts for tenants.statement alone; Django's ORM never prepares.
        "prepare_threshold": 2,
        # A plan outlives the statistics that it was made with: one made while a table was nearly
        # empty must not read all of it an hour later. What the URL says comes after it, and wins.
        "options": f"-c enable_seqscan=off {options}".rstrip(),
    }


def _database(url: str) -> dict[str, Any]:
    """Return Django's form of a PostgreSQL URL; unset, a server that nobody has."""
    # The name of a folder for sockets: refused at once, by a message that shows the name.
    parts = _connection_parts(url) if url else {"host": "/TASKFLOW_DATABASE_URL is unset"}
    pooled = bool(url and DATABASE_POOL)
    known = {key: parts.pop(key, "") for key in ("dbname", "user", "password", "host", "port")}
    return {
        "ENGINE": "django.db.backends.postgresql",
        "NAME": known["dbname"] or "taskflow",
        "USER": known["user"],
        "PASSWORD": known["password"],
        "HOST": known["host"],
        "PORT": known["port"],
        # The pool keeps connections over requests and tasks; it demands CONN_MAX_AGE 0.
        "CONN_MAX_AGE": 0 if pooled else 600,
        "CONN_HEALTH_CHECKS": True,
        "OPTIONS": {
            # A process that forks goes without (0): locks of a pool do not survive a fork.
            "pool": {"min_size": 1, "max_size": DATABASE_POOL, "timeout": 3} if pooled else False,
            "connect_timeout": 5,
            "application_name": os.environ.get("TASKFLOW_PROCESS", "taskflow"),
            **parts,
            **(_preparing(parts.get("options", "")) if TASKFLOW_PREPARE_STATEMENTS else {}),
        },
    }


DATABASE_POOL = env.integer("TASKFLOW_DATABASE_POOL", 16, minimum=0, maximum=500)
DATABASES = {"default": _database(DATABASE_URL)}
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

AUTH_USER_MODEL = "tenants.User"
PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": f"django.contrib.auth.password_validation.{name}"}
    for name in (
        "UserAttributeSimilarityValidator",
        "MinimumLengthValidator",
        "CommonPasswordValidator",
        "NumericPasswordValidator",
    )
]
LOGIN_URL = "admin:login"
# The only pages that ask for a login.
LOGIN_REDIRECT_URL = "admin:index"

LANGUAGE_CODE = "en"
TIME_ZONE = "UTC"
USE_TZ = True
STATIC_URL = "static/"
# Filled by collectstatic when the image is built; a checkout has no such folder and needs none.
_collected = BASE_DIR / "staticfiles"
STATIC_ROOT = _collected if PRODUCTION or _collected.is_dir() else None
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {"BACKEND": "django.contrib.staticfiles.storage.StaticFilesStorage"},
}
# Serves each app's static files without a collectstatic step on a developer's machine.
WHITENOISE_USE_FINDERS = not PRODUCTION

# One batch of 1,000 jobs is the largest body; jobs.api.parsers sets the limit per route.
DATA_UPLOAD_MAX_MEMORY_SIZE = 16 * 1024 * 1024

SESSION_COOKIE_HTTPONLY = True
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SECURE_SSL_REDIRECT = PRODUCTION and env.flag("TASKFLOW_SSL_REDIRECT", default=True)
SECURE_HSTS_SECONDS = 31_536_000 if PRODUCTION else 0
SECURE_HSTS_INCLUDE_SUBDOMAINS = PRODUCTION
# Browsers' preload lists are hard to leave: entering one is the domain owner's choice.
SILENCED_SYSTEM_CHECKS = ["security.W021"]
SECURE_REFERRER_POLICY = "same-origin"
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if TRUSTED_PROXIES else None
# Asked for from within, over plain http; to a redirect the token would have been sent already.
SECURE_REDIRECT_EXEMPT = [r"^health/", r"^metrics$"]
X_FRAME_OPTIONS = "DENY"

if PRODUCTION:
    env.problems.extend(
        unsafe_settings(
            debug=DEBUG,
            secret_key=SECRET_KEY,
            insecure_secret_key=INSECURE_SECRET_KEY,
            database_url=DATABASE_URL,
            redis_url=REDIS_URL,
            allowed_hosts=ALLOWED_HOSTS,
            api_key_pepper=API_KEY_PEPPER,
            http_allow_networks=TASKFLOW_ENGINE.http_allow_networks,
        )
    )
env.raise_problems()

LOGGING = logging_settings(style=LOG_FORMAT, level=LOG_LEVEL)
globals().update(
    celery_settings(
        redis_url=REDIS_URL,
        engine=TASKFLOW_ENGINE,
        expansion=TASKFLOW_EXPANSION,
        alerting=TASKFLOW_ALERTING,
        database_pool=DATABASE_POOL,
    )
)

from taskflow.framework_settings import *  # noqa: E402, F403
