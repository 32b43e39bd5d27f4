"""Settings of the frameworks: DRF, drf-spectacular, Celery, unfold, logging.

Nothing here reads the environment; `taskflow.settings` does, and takes these names in.
"""

from typing import Any

from taskflow.unfold_settings import UNFOLD as UNFOLD

REST_FRAMEWORK: dict[str, Any] = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["apikeys.authentication.ApiKeyAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["apikeys.permissions.DenyByDefault"],
    "DEFAULT_THROTTLE_CLASSES": ["apikeys.throttling.MerchantRateThrottle"],
    "DEFAULT_PARSER_CLASSES": ["jobs.api.parsers.StrictJSONParser"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_FILTER_BACKENDS": ["jobs.api.filters.StrictFilters"],
    "DEFAULT_PAGINATION_CLASS": "jobs.api.pagination.NewestFirst",
    "DEFAULT_SCHEMA_CLASS": "taskflow.openapi.TaskFlowSchema",
    "EXCEPTION_HANDLER": "taskflow.api_errors.problem_handler",
    "UNAUTHENTICATED_USER": None,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
}

SPECTACULAR_SETTINGS: dict[str, Any] = {
    "TITLE": "TaskFlow",
    "DESCRIPTION": "Create jobs, have them recur, follow them, and steer what failed.",
    "VERSION": "1.0.0",
    "OAS_VERSION": "3.1.1",
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SERVE_AUTHENTICATION": [],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": "/api/v1",
    "PREPROCESSING_HOOKS": ["taskflow.openapi.only_the_api"],
    "POSTPROCESSING_HOOKS": [
        "drf_spectacular.hooks.postprocess_schema_enums",
        "taskflow.openapi.add_problems",
    ],
    "ENUM_NAME_OVERRIDES": {
        "JobStatus": "jobs.api.schemas.STATUSES",
        "AttemptOutcome": "jobs.api.schemas.OUTCOMES",
        "FlowScope": "jobs.api.flow_schemas.SCOPES",
        "UniqueScope": "jobs.api.unique_schema.SCOPES",
        "Resolution": "jobs.api.schemas.RESOLUTIONS",
        "RedriveState": "jobs.api.redrive_schemas.STATES",
        "RedriveStage": "jobs.api.redrive_schemas.STAGES",
        "BreakerState": "jobs.api.breakers.STATES",
        "TemplateState": "templates_app.api.schemas.STATES",
        "WebhookEndpointState": "alerts.webhooks.api.schemas.ENDPOINT_STATES",
        "WebhookDeliveryState": "alerts.webhooks.queries.STATES",
        "JobOverlap": "jobs.api.schemas.OVERLAPS",
        "TemplateOverlap": "templates_app.models.Overlap",
        "BackfillOverlap": "templates_app.operations.running.OVERLAPS",
        "KindEnum": "jobs.handlers.registry.kind_names",
        "AlertChannelKind": "alerts.models.channel.ChannelKind",
        "AlertRuleKind": "alerts.api.schemas.KINDS",
        "AlertSeverity": "alerts.models.rule.Severity",
        "IncidentState": "alerts.models.incident.IncidentState",
        "DeliveryEvent": "alerts.models.delivery.DeliveryEvent",
        "DeliveryState": "alerts.models.delivery.DeliveryState",
    },
    "SWAGGER_UI_SETTINGS": {"persistAuthorization": False, "displayRequestDuration": True},
}
