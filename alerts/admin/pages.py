"""The bases of this app's pages, forms and dialogs."""

from collections.abc import Iterable, Sequence
from typing import Any

from django.contrib import admin
from django.db.models import ForeignKey, Model
from django.http import HttpRequest
from unfold.forms import BaseDialogForm

from alerts.operations.refusals import REFUSALS
from jobs.admin.history import sees_several_merchants
from jobs.admin.made_by_members import MadeByMembers, changes_of, only_merchant
from jobs.admin.operating import OperatingForm
from jobs.admin.steering import seen_or_404
from tenants.models import Merchant


class AlertForm(OperatingForm):
    """A form or dialog that carries out an operation of this app."""

    refusals = REFUSALS


def shown_for(kinds: Iterable[str]) -> str:
    """Return the page's condition (unfold, Alpine) for a field that goes with these kinds only; where the
    kind was chosen already, the page has no other fields."""
    return f"typeof kind === 'undefined' || [{', '.join(repr(str(kind)) for kind in kinds)}].includes(kind)"


class AlertPages(MadeByMembers):
    """Members look; merchant admins change what is their merchants', superusers everything."""

    refusals = REFUSALS
    # Of an existing row: what is told and cannot be changed.
    told: Sequence[str] = ()
    change_form_outer_after_template = "alerts/admin/story.html"

    def has_add_permission(self, request: HttpRequest, *args: Any) -> bool:
        return self.has_manage_permission(request)

    def has_change_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        return self.has_manage_permission(request, obj)

    def has_steer_permission(self, request: HttpRequest, obj: Any = None) -> bool:
        # Which rows, the dialogs decide.
        return self.has_manage_permission(request)

    def offers(self, request: HttpRequest, row: Any, button: str) -> bool:
        return self.has_change_permission(request, row)

    def formfield_for_foreignkey(
        self, db_field: "ForeignKey[Any, Any]", request: HttpRequest, **kwargs: Any
    ) -> Any:
        if db_field.name == "merchant":
            kwargs["queryset"] = Merchant.objects.manageable_by(request.user)
        return super().formfield_for_foreignkey(db_field, request, **kwargs)

    def get_list_display(self, request: HttpRequest) -> Sequence[Any]:
        return [*self.list_display, *(["owner"] if sees_several_merchants(request) else [])]

    def get_list_select_related(self, request: HttpRequest) -> Sequence[str]:
        return ["merchant"]

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Sequence[str]:
        return () if obj is None else (*self.told, "owner")

    def page_context(self, request: HttpRequest, row: Any) -> dict[str, Any]:
        return {"changed_row": row, "changes": changes_of(row)}

    @admin.display(description="Merchant")
    def owner(self, row: Any) -> str:
        return str(row.merchant) if row.merchant else "the platform"


def chosen_merchant(form: Any) -> Merchant | None:
    """Return whose row a form makes: the one named, or the person's only one; None: the platform's."""
    named: Merchant | None = form.cleaned_data.get("merchant") or only_merchant(form.request)
    return named


class ConfirmManaged(BaseDialogForm):
    """Asks about one row; one that the person may not change is answered as a missing one."""

    model: type[Model]
    form_before_template = "jobs/admin/dialog_faults.html"

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        rows: Any = self.model._default_manager  # noqa: SLF001
        own = rows.manageable_by(self.request.user).select_related("merchant")
        self.row: Any = seen_or_404(own, self.object_id)

    def get_before_template_context(self, request: HttpRequest, object_id: Any = None) -> Any:
        return {"errors": self.non_field_errors()}
