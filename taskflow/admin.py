"""The admin site: its titles, and the pages of the frameworks' own tables."""

from typing import Any

from django.contrib import admin
from django.contrib.admin.models import LogEntry
from django.contrib.auth.models import Group
from django.db.models import Model
from django.http import HttpRequest
from django_celery_beat.models import (
    ClockedSchedule,
    CrontabSchedule,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
)
from django_celery_results.models import GroupResult, TaskResult

from jobs.admin import display as show
from jobs.admin.operators import OperatorsOnly

admin.site.site_title = "TaskFlow"
admin.site.site_header = "TaskFlow"
admin.site.index_title = "Overview"
# unfold's own index stands before this app's in the search for templates.
admin.site.index_template = "taskflow/dashboard.html"

REPLACED: tuple[type[Model], ...] = (
    Group,
    ClockedSchedule,
    CrontabSchedule,
    GroupResult,
    IntervalSchedule,
    PeriodicTask,
    SolarSchedule,
    TaskResult,
)
for model in REPLACED:
    if admin.site.is_registered(model):
        admin.site.unregister(model)


@admin.register(PeriodicTask)
class PeriodicTaskAdmin(OperatorsOnly):
    """The platform's few ticks. They are set in code, and beat writes them here at its start."""

    ordering = ("name",)
    list_display = ("name", "task", "enabled", "interval", "last_run")
    list_select_related = ("interval",)
    search_fields = ("name",)
    fields = ("name", "task", "enabled", "interval", "queue", "expire_seconds", "last_run", "runs")

    @admin.display(description="Last run (UTC)")
    def last_run(self, task: PeriodicTask) -> str:
        return show.moment(task.last_run_at)

    @admin.display(description="Runs so far")
    def runs(self, task: PeriodicTask) -> int:
        return int(task.total_run_count)


@admin.register(ClockedSchedule, CrontabSchedule, IntervalSchedule, SolarSchedule)
class ScheduleAdmin(OperatorsOnly):
    """Schedules of the ticks."""

    ordering = ("pk",)


@admin.register(TaskResult)
class TaskResultAdmin(OperatorsOnly):
    """Results of the platform's own upkeep; jobs keep theirs as executions."""

    ordering = ("-id",)
    list_display = ("task_name", "status", "worker", "done")
    search_fields = ("=task_id",)
    search_help_text = "Search by the exact task id"
    fields = ("task_id", "task_name", "status", "worker", "done", "shown_result", "shown_traceback")

    @admin.display(description="Done (UTC)")
    def done(self, result: TaskResult) -> str:
        return show.moment(result.date_done)

    @admin.display(description="Result")
    def shown_result(self, result: TaskResult) -> str:
        return show.text_block(result.result or "-")

    @admin.display(description="Traceback")
    def shown_traceback(self, result: TaskResult) -> str:
        return show.text_block(result.traceback or "-")


@admin.register(GroupResult)
class GroupResultAdmin(OperatorsOnly):
    """Results of groups of tasks; the platform makes none."""

    ordering = ("-id",)
    list_display = ("group_id", "date_done")
    fields = ("group_id", "date_done")


@admin.register(LogEntry)
class LogEntryAdmin(OperatorsOnly):
    """What people changed through the admin."""

    ordering = ("-id",)
    list_display = ("when", "user", "object_repr", "content_type", "told")
    list_select_related = ("user", "content_type")
    search_fields = ("=object_id",)
    search_help_text = "Search by the id of what was changed"
    fields = ("when", "user", "content_type", "object_id", "object_repr", "told")

    @admin.display(description="When (UTC)")
    def when(self, entry: LogEntry) -> str:
        return show.moment(entry.action_time)

    @admin.display(description="What")
    def told(self, entry: LogEntry) -> str:
        return entry.get_change_message() or entry.get_action_flag_display()

    def get_search_results(self, request: HttpRequest, queryset: Any, search_term: str) -> Any:
        term = search_term.strip()
        return (queryset.filter(object_id=term) if term else queryset), False
