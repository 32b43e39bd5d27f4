"""The peers by name: module, class, arguments. Imported where none of them is installed."""

PEERS: dict[str, tuple[str, str, tuple[str, ...]]] = {
    "celery-prefork": ("celery_redis", "CeleryOnRedis", ("prefork",)),
    "celery-threads": ("celery_redis", "CeleryOnRedis", ("threads",)),
    "celery-results": ("celery_results", "CeleryWithResults", ()),
    "dramatiq": ("dramatiq_redis", "Dramatiq", ()),
    "rq": ("rq_redis", "Rq", ("Worker",)),
    "rq-simple": ("rq_redis", "Rq", ("SimpleWorker",)),
    "huey": ("huey_redis", "Huey", ()),
    "procrastinate": ("procrastinate_postgres", "Procrastinate", ()),
    "django-q2": ("django_q2", "DjangoQ2", ()),
}
