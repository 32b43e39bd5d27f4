"""The base of the pages of what members make, change and delete."""

from collections.abc import Callable, Sequence
from datetime import datetime
from typing import Any

from django.contrib import messages
from django.contrib.admin.models import DELETION, LogEntry
from django.contrib.contenttypes.models import ContentType
from django.db.models import ForeignKey, QuerySet
from django.http import HttpRequest, HttpResponse
from django.urls import reverse
from unfold.dataclasses import ActionDialog
from unfold.enums import ActionVariant

from jobs.admin.history import HistoryAdmin, sees_several_merchants
from jobs.admin.refusals import refusal_in_words
from jobs.admin.steering import asked_first, back_to, chosen, record
from jobs.operations.fields import InvalidFields
from tenants.admin_scoping import scoped
from tenants.clock import database_now
from tenants.models import Merchant

SHOWN_CHANGES = 20
Verb = Callable[[Any, datetime], object]


class MadeByMembers(HistoryAdmin):
    """Whoever sees an object may change it; the form's operation stores it, never Django's `save`.

    Django's own deletion stays shut: it would go round the operations.
    """

    # What the operations may answer instead of doing what was asked, beside InvalidFields.
    refusals: tuple[type[Exception], ...] = ()
    warn_unsaved_form = True
    autocomplete_fields: Sequence[str] = ("merchant",)

    @property
    def _refused(self) -> tuple[type[Exception], ...]:
        return (InvalidFields, *self.refusals)

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return bool(self.has_view_permission(request))

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return bool(self.has_view_permission(request, obj))

    def get_form(
        self, request: HttpRequest, obj: Any = None, change: bool = False, **kwargs: Any
    ) -> Any:
        form = super().get_form(request, obj, change, **kwargs)
        return type(form.__name__, (form,), {"request": request})

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return ("merchant",) if obj is not None else ()

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        # Members may act here, so the base's `manageable_by` is too narrow.
        related: Any = db_field.related_model
        kwargs.setdefault("queryset", scoped(related).visible_to(request.user))
        if db_field.name == "merchant" and not request.user.is_superuser:
            # What is left without one belongs to the platform.
            kwargs.setdefault("required", True)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_fieldsets(self, request: HttpRequest, obj: Any = None) -> Any:
        sections = super().get_fieldsets(request, obj)
        if sees_several_merchants(request):
            return sections
        return [
            (title, {**options, "fields": tuple(f for f in options["fields"] if f != "merchant")})
            for title, options in sections
        ]

    def save_form(self, request: HttpRequest, form: Any, change: bool) -> Any:
        return form.result

    def save_model(self, request: HttpRequest, obj: Any, form: Any, change: bool) -> None:
        """Nothing is left to store: the form has carried out its operation."""

    def save_related(self, request: HttpRequest, form: Any, formsets: Any, change: bool) -> None:
        """There are no related rows in these forms."""

    def steer_page(
        self, request: HttpRequest, row: Any, verb: Verb, *, said: str, logged: str
    ) -> HttpResponse:
        """Steer the row of a page and go back to it; `said` is shown when it worked."""
        try:
            verb(row, database_now())
        except self._refused as refusal:
            messages.error(request, refusal_in_words(refusal))
            return self.back_to_page(request, row)
        return self.done_on_page(request, row, said=said, logged=logged)

    def done_on_page(
        self, request: HttpRequest, row: Any, *, said: str, logged: str
    ) -> HttpResponse:
        """Say and log what was done to a row, and go back to its page."""
        messages.success(request, said)
        record(request, self.model, [row.pk], logged)
        return self.back_to_page(request, row)

    def back_to_page(self, request: HttpRequest, row: Any) -> HttpResponse:
        """Go to the row's page."""
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_change"
        return back_to(request, reverse(name, args=[row.pk]))

    def back_to_list(self, request: HttpRequest) -> HttpResponse:
        """Go to the list, the row of the page being gone."""
        name = f"{self.admin_site.name}:{self.opts.app_label}_{self.opts.model_name}_changelist"
        return back_to(request, reverse(name))

    def delete_row(self, request: HttpRequest, row: Any, verb: Verb) -> HttpResponse:
        """Delete the row of a page by its operation, and go to the list."""
        try:
            verb(row, database_now())
        except self.refusals as refusal:
            messages.error(request, refusal_in_words(refusal))
            return self.back_to_page(request, row)
        messages.success(request, f"“{row}” is deleted.")
        LogEntry.objects.log_actions(
            user_id=str(request.user.pk), queryset=[row], action_flag=DELETION, single_object=True
        )
        return self.back_to_list(request)

    def steer_chosen(
        self, request: HttpRequest, queryset: QuerySet[Any], verb: Verb, *, said: str, logged: str
    ) -> None:
        """Steer each row chosen in a list; `said` completes the sentence "3 …"."""
        now = database_now()
        done = []
        refusals: dict[str, int] = {}
        for row in chosen(request, queryset):
            try:
                verb(row, now)
            except self._refused as refusal:
                words = refusal_in_words(refusal)
                refusals[words] = refusals.get(words, 0) + 1
            else:
                done.append(row.pk)
        if done:
            messages.success(request, f"{len(done)} {said}.")
        for reason, count in refusals.items():
            messages.warning(request, f"{count} left unchanged. {reason}")
        record(request, self.model, done, logged)


def changes_of(row: Any) -> list[LogEntry]:
    """Return what people did to a row through the admin, newest first."""
    kind = ContentType.objects.get_for_model(type(row))
    entries = LogEntry.objects.filter(content_type=kind, object_id=str(row.pk))
    return list(entries.select_related("user").order_by("-id")[:SHOWN_CHANGES])


def only_merchant(request: HttpRequest) -> Merchant | None:
    """Return the merchant of a person who has exactly one; nobody needs to ask for it."""
    if sees_several_merchants(request):
        return None
    return Merchant.objects.visible_to(request.user).first()


def deleting(question: ActionDialog) -> Callable[[Any], Any]:
    """Make a method the page's button that deletes, once the question is answered."""
    return asked_first(question, button="Delete", path="remove", variant=ActionVariant.DANGER)
