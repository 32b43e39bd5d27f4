"""/api/v1/dead-letters: jobs that failed for good, and what to do about them."""

from typing import Any, cast

from drf_spectacular.utils import extend_schema
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from apikeys.scopes import Scope
from jobs import queries
from jobs.api import dead_letter_schemas as schemas
from jobs.api import redrive_schemas
from jobs.api.base import TaskFlowViewSet, bounded_time
from jobs.api.filters import DeadLetterFilters
from jobs.api.representations import dead_letter, error_group
from jobs.models import DeadLetter
from jobs.operations import dead_letters as operations
from jobs.operations.fields import Fields
from jobs.operations.letter_choice import chosen, reason_of
from jobs.operations.limits import MAX_PAYLOAD
from jobs.operations.redrive_payloads import draw
from jobs.querysets import DeadLetterQuerySet
from tenants.clock import database_now

MOST_GROUPS = 200


class DeadLetterViewSet(TaskFlowViewSet):
    serializer_class = schemas.DeadLetterSchema
    filterset_class = DeadLetterFilters
    required_scopes = {
        "list": Scope.DEADLETTERS_READ,
        "retrieve": Scope.DEADLETTERS_READ,
        "groups": Scope.DEADLETTERS_READ,
        # Changes nothing, although it is sent like something that does.
        "diff": Scope.DEADLETTERS_READ,
        "redrive": Scope.DEADLETTERS_WRITE,
        "discard": Scope.DEADLETTERS_WRITE,
        "redrive_many": Scope.DEADLETTERS_WRITE,
        "discard_many": Scope.DEADLETTERS_WRITE,
    }

    @property
    def lists(self) -> bool:
        """Groups are filtered like the list."""
        return self.action in {"list", "groups"}

    def get_queryset(self) -> DeadLetterQuerySet:
        """Return the merchant's dead letters."""
        letters: DeadLetterQuerySet = DeadLetter.objects.all()
        fake = getattr(self, "swagger_fake_view", False)
        return letters.none() if fake else letters.of(self.merchant)

    @extend_schema(operation_id="dead_letters_list", summary="List dead letters, newest first")
    def list(self, request: Request) -> Response:
        """Open ones unless `resolution` names others."""
        return self.page(self.get_queryset())

    @extend_schema(operation_id="dead_letters_retrieve", summary="Look at a dead letter")
    def retrieve(self, request: Request, pk: str) -> Response:
        """Open or resolved."""
        return Response(dead_letter(self.found(self.get_queryset(), pk)))

    @extend_schema(
        operation_id="dead_letters_groups",
        summary="Group dead letters by error",
        responses={200: schemas.ErrorGroupsSchema},
        filters=True,
    )
    @action(detail=False, methods=["get"], pagination_class=None)
    def groups(self, request: Request) -> Response:
        """The 200 largest groups, largest first."""
        with bounded_time():
            letters = cast(DeadLetterQuerySet, self.filter_queryset(self.get_queryset()))
            found = queries.error_groups(letters, most=MOST_GROUPS)
        return Response({"results": [error_group(group) for group in found]})

    @extend_schema(
        operation_id="dead_letters_redrive",
        summary="Run a dead letter's job again",
        request=schemas.RedriveSchema,
        responses={200: schemas.DeadLetterSchema},
    )
    @action(detail=True, methods=["post"])
    def redrive(self, request: Request, pk: str) -> Response:
        """With its payload, or with an edited one; a new round of attempts, now."""
        letter = self._letter(pk)
        fields = Fields(request.data, ("payload",))
        if "payload" in fields and fields.data["payload"] is None:
            fields.refuse(
                "payload",
                "wrong_type",
                "must be a JSON object; leave it out to keep the stored one.",
            )
        fields.raise_problems()
        operations.redrive(
            letter, now=database_now(), by=self.actor, payload=fields.data.get("payload")
        )
        return Response(dead_letter(self._letter(pk)))

    @extend_schema(
        operation_id="dead_letters_diff",
        summary="See what an edited payload changes",
        request=redrive_schemas.EditedPayloadSchema,
        responses={200: redrive_schemas.DrawnSchema},
    )
    @action(detail=True, methods=["post"])
    def diff(self, request: Request, pk: str) -> Response:
        """Checked against its kind; nothing is stored."""
        letter = self._letter(pk)
        fields = Fields(request.data, ("payload", "patch"))
        if not fields.problems and ("payload" in fields) == ("patch" in fields):
            fields.refuse(None, "required", 'must have either "payload" or "patch".')
        patch = fields.json_object("patch", largest=MAX_PAYLOAD) if "patch" in fields else None
        fields.raise_problems()
        drawn = draw(letter.job, payload=fields.data.get("payload"), patch=patch)
        return Response(redrive_schemas.drawn_detail(drawn))

    @extend_schema(
        operation_id="dead_letters_discard",
        summary="Close a dead letter",
        request=schemas.DiscardSchema,
        responses={200: schemas.DeadLetterSchema},
    )
    @action(detail=True, methods=["post"])
    def discard(self, request: Request, pk: str) -> Response:
        """Its job stays failed."""
        letter = self._letter(pk)
        reason = reason_of(request.data)
        operations.discard(letter, now=database_now(), by=self.actor, reason=reason)
        return Response(dead_letter(self._letter(pk)))

    @extend_schema(
        operation_id="dead_letters_redrive_many",
        summary="Run the jobs of many dead letters again",
        request=schemas.BulkRedriveSchema,
        responses={200: schemas.RedrivenSchema},
    )
    @action(detail=False, methods=["post"], url_path="redrive")
    def redrive_many(self, request: Request) -> Response:
        """At most 10,000 a call, oldest first; ids that name no open dead letter are left out."""
        letters = chosen(self.get_queryset(), request.data, ("ids", "filter"))
        done = operations.redrive_many(
            letters,
            merchant=self.merchant,
            now=database_now(),
            by=self.actor,
            chosen_by=_choice(request.data),
        )
        return Response({"redriven": done.count, "more": done.more})

    @extend_schema(
        operation_id="dead_letters_discard_many",
        summary="Close many dead letters",
        request=schemas.BulkDiscardSchema,
        responses={200: schemas.DiscardedSchema},
    )
    @action(detail=False, methods=["post"], url_path="discard")
    def discard_many(self, request: Request) -> Response:
        """At most 10,000 a call, oldest first; ids that name no open dead letter are left out."""
        letters = chosen(self.get_queryset(), request.data, ("ids", "filter", "reason"))
        done = operations.discard_many(
            letters,
            merchant=self.merchant,
            now=database_now(),
            by=self.actor,
            chosen_by=_choice(request.data),
            reason=reason_of(request.data, ("ids", "filter", "reason")),
        )
        return Response({"discarded": done.count, "more": done.more})

    def _letter(self, pk: str) -> Any:
        return self.found(self.get_queryset().select_related("job", "merchant"), pk)


def _choice(body: Any) -> dict[str, Any]:
    """Return what of a checked body says which letters it means."""
    return {name: body[name] for name in ("ids", "filter") if name in body}
