"""The composition root as a Django app: admin site, checks, commands."""

from django.apps import AppConfig


class TaskFlowConfig(AppConfig):
    name = "taskflow"
    verbose_name = "TaskFlow"
