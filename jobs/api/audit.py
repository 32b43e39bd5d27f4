"""/api/v1/audit: who did what to the merchant's jobs, templates, keys, people and settings."""

from typing import Any

import django_filters as f  # type: ignore[import-untyped]
from django.db.models import QuerySet
from drf_spectacular.utils import extend_schema
from rest_framework import serializers as s
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet
from jobs.api.filters import MomentFilter
from jobs.api.representations import moment
from jobs.api.schemas import ObjectField, Shown
from tenants.audit import ActorKind
from tenants.models import AuditEntry


def audit_entry(entry: AuditEntry) -> dict[str, Any]:
    """Return an entry."""
    return {
        "id": str(entry.pk),
        "number": entry.number,
        "at": moment(entry.at),
        "actor": {
            "kind": entry.actor_kind,
            "id": str(entry.actor_id) if entry.actor_id else None,
            "name": entry.actor_name,
            "address": entry.address,
        },
        "verb": entry.verb,
        "object_type": entry.object_type,
        "object_id": entry.object_id,
        "before": entry.before,
        "after": entry.after,
        "previous_hash": entry.previous_hash,
        "hash": entry.hash,
    }


class ActorSchema(s.Serializer[Any]):
    kind = s.CharField(help_text=f"One of {', '.join(ActorKind)}.")
    id = s.UUIDField(allow_null=True)
    name = s.CharField(help_text="A person's e-mail, or a key's name.")
    address = s.IPAddressField(allow_null=True, help_text="From where the request came.")


class AuditEntrySchema(Shown):
    """One act. It is never changed and never deleted."""

    represent = staticmethod(audit_entry)
    id = s.UUIDField()
    number = s.IntegerField(help_text="Its place in the merchant's chain, from 1 without gaps.")
    at = s.DateTimeField()
    actor = ActorSchema()
    verb = s.CharField(help_text="A word of the glossary: redrive, discard, cancel, pause …")
    object_type = s.CharField()
    object_id = s.CharField(allow_blank=True, help_text="Empty for an act on many.")
    before = ObjectField(allow_null=True, help_text="What was, of what the act changed.")
    after = ObjectField(allow_null=True, help_text="What is since; of an act on many, how many.")
    previous_hash = s.CharField()
    hash = s.CharField(help_text="SHA-256 over the previous one's hash and this entry.")


class AuditFilters(f.FilterSet):  # type: ignore[misc]
    object_type = f.CharFilter(max_length=40)
    object_id = f.CharFilter(max_length=64)
    verb = f.CharFilter(max_length=40)
    actor = f.UUIDFilter(field_name="actor_id")
    after = MomentFilter("at", "gte")
    before = MomentFilter("at", "lt")

    class Meta:
        model = AuditEntry
        fields: list[str] = []


class AuditViewSet(TaskFlowViewSet):
    serializer_class = AuditEntrySchema
    filterset_class = AuditFilters
    http_method_names = ["get", "head"]
    required_scopes = {"list": Scope.AUDIT_READ}

    def get_queryset(self) -> QuerySet[AuditEntry]:
        """Return the merchant's entries."""
        if getattr(self, "swagger_fake_view", False):
            return AuditEntry.objects.none()
        entries: QuerySet[AuditEntry] = AuditEntry.objects.of(self.merchant)
        return entries

    @extend_schema(operation_id="audit_list", summary="List who did what, newest first")
    def list(self, request: Request) -> Response:
        """Narrowed by the parameters; all of them must hold."""
        return self.page(self.get_queryset())
