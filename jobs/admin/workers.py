"""Workers: which processes run jobs, and when they were last heard of. For the super admin only."""

from typing import Any

from django.contrib import admin, messages
from django.http import HttpRequest, HttpResponse

from jobs import braking
from jobs.admin import display as show
from jobs.admin.filters import WorkerStateFilter
from jobs.admin.operators import OperatorsOnly
from jobs.models import Worker
from tenants.clock import database_now

STATE_COLOURS = {"alive": "success", "stopped": "default", "lost": "danger"}


@admin.register(Worker)
class WorkerAdmin(OperatorsOnly):
    list_display = (
        "name",
        "lane",
        "shown_state",
        "capacity",
        "finished_jobs",
        "started",
        "heartbeat",
    )
    list_filter = (WorkerStateFilter,)
    search_fields = ("name",)
    search_help_text = "Search by name"
    fields = (
        "id",
        "name",
        "lane",
        "shown_state",
        "capacity",
        "finished_jobs",
        "started",
        "heartbeat",
        "measured",
    )

    def changelist_view(self, request: HttpRequest, extra_context: Any = None) -> HttpResponse:
        """Show the list; say so while silent workers are not taken for lost."""
        hold = braking.vigil(database_now()).hold
        if hold and self.has_view_permission(request):
            messages.warning(request, braking.in_words(hold))
        page: HttpResponse = super().changelist_view(request, extra_context)
        return page

    @admin.display(description="State")
    def shown_state(self, worker: Worker) -> str:
        return show.badge(worker.state, STATE_COLOURS[worker.state])

    @admin.display(description="Started (UTC)")
    def started(self, worker: Worker) -> str:
        return show.moment(worker.started_at)

    @admin.display(description="Last heartbeat (UTC)")
    def heartbeat(self, worker: Worker) -> str:
        return show.moment(worker.heartbeat_at)

    @admin.display(description="Run times in seconds, by kind and handler")
    def measured(self, worker: Worker) -> str:
        return show.json_block(worker.run_times)
