"""Workers: which processes run jobs, and when they were last heard of. For the super admin only."""

from django.contrib import admin

from jobs.admin import display as show
from jobs.admin.filters import WorkerStateFilter
from jobs.admin.operators import OperatorsOnly
from jobs.models import Worker

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
