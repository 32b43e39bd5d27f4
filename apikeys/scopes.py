"""What a key can be allowed to do."""

from django.db import models


class Scope(models.TextChoices):
    """One word of permission; a key without any may do nothing."""

    JOBS_READ = "jobs:read", "read jobs"
    JOBS_WRITE = "jobs:write", "create and steer jobs"
    TEMPLATES_READ = "templates:read", "read templates"
    TEMPLATES_WRITE = "templates:write", "create and steer templates"
    DEADLETTERS_READ = "deadletters:read", "read dead letters"
    DEADLETTERS_WRITE = "deadletters:write", "redrive and discard dead letters"
    WEBHOOKS_READ = "webhooks:read", "read webhook endpoints and deliveries"
    WEBHOOKS_WRITE = "webhooks:write", "create and steer webhook endpoints"
    ALERTS_READ = "alerts:read", "read alert rules and incidents"
    ALERTS_WRITE = "alerts:write", "change alert rules, steer incidents"
    AUDIT_READ = "audit:read", "read who did what, with names and addresses"
    METRICS_READ = "metrics:read", "read metrics"
