"""API keys: issued, rotated and revoked by merchant admins; the key itself is shown once."""

from datetime import timedelta
from typing import TYPE_CHECKING, Any, Final

from django import forms
from django.contrib import admin, messages
from django.db.models import QuerySet
from django.db.models.functions import Now
from django.http import HttpRequest, HttpResponse
from unfold.decorators import action, display
from unfold.widgets import UnfoldAdminCheckboxSelectMultipleWidget

from apikeys.models import ApiKey
from apikeys.operations import KeyNotActive, issue_key, revoke_key, rotate_key
from apikeys.scopes import Scope
from apikeys.status import KeyStatus
from tenants.admin_scoping import MerchantScopedAdmin
from tenants.audit import person
from tenants.clock import database_now
from tenants.roles import Role
from tenants.secret_once import Revealed, reveal

if TYPE_CHECKING:
    _ModelForm = forms.ModelForm[ApiKey]
else:
    _ModelForm = forms.ModelForm

_OVERLAP: Final = timedelta(hours=24)


class NewKeyForm(_ModelForm):
    """What a person decides about a new key."""

    scopes = forms.MultipleChoiceField(
        choices=Scope.choices,
        widget=UnfoldAdminCheckboxSelectMultipleWidget,
        help_text="What it may do.",
    )

    class Meta:
        model = ApiKey
        fields = ("merchant", "name", "scopes", "allowed_networks", "expires_at")

    def clean_expires_at(self) -> Any:
        """Refuse a key that would be dead already."""
        moment = self.cleaned_data["expires_at"]
        if moment is not None and moment <= database_now():
            raise forms.ValidationError("The key must expire in the future.")
        return moment


@admin.register(ApiKey)
class ApiKeyAdmin(MerchantScopedAdmin):
    """A key's rights never change: issue another one, or rotate it."""

    view_roles = (Role.MERCHANT_ADMIN,)
    role_may_add = True
    superuser_may_change = False
    form = NewKeyForm
    actions = ("rotate", "revoke")
    list_display = ("name", "masked", "merchant", "shown_status", "shown_scopes", "last_used_at")
    list_filter = ("merchant",)
    lookups = ("merchant__id__exact",)
    list_select_related = ("merchant",)
    search_fields = ("name", "public_id")
    fields = ("merchant", "name", "scopes", "allowed_networks", "expires_at")
    _shown = (
        "merchant",
        "name",
        "masked",
        "shown_status",
        "shown_scopes",
        "allowed_networks",
        "expires_at",
        "revoked_at",
        "replaces",
        "last_used_at",
        "last_used_ip",
        "created_by",
        "created_at",
    )

    def get_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown if obj else self.fields

    def get_readonly_fields(self, request: HttpRequest, obj: Any = None) -> Any:
        return self._shown if obj else ()

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        # The status column compares with the moment at which the row was read.
        queryset = super().get_queryset(request)
        read: QuerySet[Any] = queryset.defer("digest").annotate(read_at=Now())
        return read

    def save_model(self, request: HttpRequest, obj: ApiKey, form: Any, change: bool) -> None:
        issued = issue_key(
            **form.cleaned_data,
            created_by=_user(request),
            now=database_now(),
            by=person(_user(request), request),
        )
        obj.pk = issued.key.pk
        obj.refresh_from_db()
        request.__dict__["_issued"] = Revealed(owner=str(issued.key), text=issued.text)

    def response_add(
        self, request: HttpRequest, obj: ApiKey, post_url_continue: str | None = None
    ) -> HttpResponse:
        return self._reveal(request, [request.__dict__.pop("_issued")], "New API key")

    @action(description="Rotate: a new key, the old one holds 24 hours", permissions=["manage"])
    def rotate(self, request: HttpRequest, queryset: QuerySet[Any]) -> HttpResponse | None:
        revealed = []
        for key in self.manageable(request, queryset):
            try:
                issued = rotate_key(
                    key=key,
                    overlap=_OVERLAP,
                    now=database_now(),
                    created_by=_user(request),
                    by=person(_user(request), request),
                )
            except KeyNotActive as error:
                messages.error(request, f"{key}: {error}")
                continue
            self.log_change(request, key, "Rotated.")
            revealed.append(Revealed(owner=str(issued.key), text=issued.text))
        return self._reveal(request, revealed, "Rotated API key") if revealed else None

    @action(description="Revoke: refused at once, for ever", permissions=["manage"])
    def revoke(self, request: HttpRequest, queryset: QuerySet[Any]) -> None:
        revoked = 0
        for key in self.manageable(request, queryset):
            if revoke_key(key=key, now=database_now(), by=person(_user(request), request)):
                self.log_change(request, key, "Revoked.")
                revoked += 1
        messages.success(request, f"Revoked {revoked}; others were revoked already.")

    @display(description="key")
    def masked(self, key: ApiKey) -> str:
        return key.masked

    @display(
        description="status",
        label={
            KeyStatus.ACTIVE.value: "success",
            KeyStatus.EXPIRED.value: "warning",
            KeyStatus.REVOKED.value: "danger",
        },
    )
    def shown_status(self, key: Any) -> tuple[str, str]:
        status = key.status_at(key.read_at)
        return status.value, status.label

    @display(description="scopes")
    def shown_scopes(self, key: ApiKey) -> str:
        return ", ".join(key.scopes)

    def _reveal(self, request: HttpRequest, secrets: list[Revealed], title: str) -> HttpResponse:
        return reveal(
            self,
            request,
            title=title,
            explanation="Send it in the header x-api-key, and keep it where secrets are kept.",
            secrets=secrets,
        )


def _user(request: HttpRequest) -> Any:
    return request.user
