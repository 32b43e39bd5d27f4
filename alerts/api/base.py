"""What the views of alerts share."""

from typing import Any, ClassVar

from django.db import models
from django.db.models import QuerySet
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs.api.base import TaskFlowViewSet

READ: dict[str, str] = {"list": Scope.ALERTS_READ, "retrieve": Scope.ALERTS_READ}
WRITE: dict[str, str] = {
    "create": Scope.ALERTS_WRITE,
    "partial_update": Scope.ALERTS_WRITE,
    "destroy": Scope.ALERTS_WRITE,
}


class AlertsViewSet(TaskFlowViewSet):
    """A merchant's own rows; the platform's are not there for it."""

    model: ClassVar[type[models.Model]]
    related: ClassVar[tuple[str, ...]] = ()

    def get_queryset(self) -> QuerySet[Any]:
        """Return the merchant's rows, newest first."""
        rows: Any = self.model._default_manager  # noqa: SLF001
        if getattr(self, "swagger_fake_view", False):
            return rows.none()  # type: ignore[no-any-return]
        own: QuerySet[Any] = rows.of(self.merchant).select_related(*self.related).order_by("-id")
        return own

    def own(self, pk: str) -> Any:
        """Return the row with this id. Raises Http404."""
        return self.found(self.get_queryset(), pk)

    def shown(self, row: Any) -> Response:
        """Return the row as the serializer shows it."""
        return Response(self.get_serializer(row).data)
