"""The base of an admin whose rows are steered: by a button on a row's page, or many in its list."""

from datetime import datetime
from typing import Any, Protocol

from django.db.models import QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse

from jobs.admin.history import HistoryAdmin
from jobs.admin.steering import back_to, chosen, record, steer_each, steer_one
from tenants.clock import database_now


class Operation(Protocol):
    """What is done to one row, at a time of PostgreSQL's clock; refuses by raising."""

    def __call__(self, row: Any, /, *, now: datetime) -> None: ...


class SteeredAdmin(HistoryAdmin):
    """Gives a verb to the rows, tells the person what came of it, and logs what was done."""

    def steer_page(
        self, request: HttpRequest, row: Any, operation: Operation, *, said: str, logged: str
    ) -> HttpResponse:
        """Steer the row of a page and go back to the page; `said` is shown when it worked."""
        now = database_now()
        done = steer_one(request, row, lambda row: operation(row, now=now), said=said)
        record(request, self.model, done, logged)
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        return back_to(request, reverse(name, args=[row.pk]))

    def steer_chosen(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        operation: Operation,
        *,
        said: str,
        logged: str,
    ) -> None:
        """Steer each row chosen in a list; `said` completes the sentence "3 …"."""
        now = database_now()
        rows = chosen(request, queryset)
        done = steer_each(request, rows, lambda row: operation(row, now=now), said=said)
        record(request, self.model, done, logged)
