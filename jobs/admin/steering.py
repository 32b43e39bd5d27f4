"""How an admin page steers: asks for confirmation, calls the operation, says what came of it."""

from collections.abc import Callable, Sequence
from typing import Any, TypeVar, cast
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.dataclasses import ActionDialog
from unfold.decorators import action
from unfold.enums import ActionVariant
from unfold.forms import BaseDialogForm

from jobs.admin.history import as_uuid
from jobs.models import AnyJob, DeadLetter, Job
from jobs.operations.dead_letters import AlreadyResolved
from jobs.operations.fields import InvalidFields
from jobs.operations.steer import WrongStatus
from jobs.operations.unique_keys import CannotRetake
from jobs.quota import QuotaExceeded
from tenants.audit import Actor, person
from tenants.models import User

# Two pages of a list; a forged request for more gets no further.
MOST_AT_ONCE = 100
Verb = TypeVar("Verb", bound=Callable[..., HttpResponse])
REFUSALS = (WrongStatus, AlreadyResolved, CannotRetake, InvalidFields, QuotaExceeded)


def asked_first(
    question: ActionDialog, *, button: str, path: str, variant: ActionVariant
) -> Callable[[Verb], Verb]:
    """Make a method a button of an object's page, run by POST after the question is answered.

    unfold would run an action without a dialog on a mere GET, which any foreign page can send.
    """
    decorate: Callable[[Verb], Verb] = action(
        description=button,
        permissions=["steer"],
        url_path=path,
        variant=variant,
        dialog=question,
    )
    return decorate


class ConfirmJob(BaseDialogForm):
    """Asks "are you sure" about one job; a job of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = AnyJob.objects.visible_to(self.request.user).select_related("merchant")
        self.job: Job = seen_or_404(visible, self.object_id)


class ConfirmDeadLetter(BaseDialogForm):
    """Asks "are you sure" about one dead letter, as ConfirmJob does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        visible = DeadLetter.objects.visible_to(self.request.user)
        letters = visible.select_related("job", "merchant")
        self.letter: DeadLetter = seen_or_404(letters, self.object_id)


def seen_or_404(visible: QuerySet[Any], object_id: Any) -> Any:
    """Return the row of `visible` with this id. Raises Http404."""
    wanted = as_uuid(str(object_id))
    found = visible.filter(pk=wanted).first() if wanted else None
    if found is None:
        raise Http404("There is nothing with this id, or it is not yours to see.")
    return found


def chosen(request: HttpRequest, queryset: QuerySet[Any]) -> list[Any]:
    """Return the rows chosen in a list; none, and a message, when they are too many at once."""
    rows = list(queryset.select_related("merchant").order_by("pk")[: MOST_AT_ONCE + 1])
    if len(rows) > MOST_AT_ONCE:
        messages.error(request, f"Choose at most {MOST_AT_ONCE} at once; nothing was changed.")
        return []
    return rows


def steer_each(
    request: HttpRequest, rows: Sequence[Any], verb: Callable[[Any], None], *, said: str
) -> list[UUID]:
    """Call the operation for each row; say how many it took, and why it refused the others.

    Returns the ids of the rows that it took; `said` completes the sentence "3 …".
    """
    done: list[UUID] = []
    refusals: dict[str, int] = {}
    for row in rows:
        try:
            verb(row)
        except REFUSALS as refusal:
            refusals[str(refusal)] = refusals.get(str(refusal), 0) + 1
        else:
            done.append(row.pk)
    if done:
        messages.success(request, f"{len(done)} {said}.")
    for reason, count in refusals.items():
        messages.warning(request, f"{count} left unchanged. {reason}")
    return done


def steer_one(
    request: HttpRequest, row: Any, verb: Callable[[Any], None], *, said: str
) -> list[UUID]:
    """Call the operation for one row; show `said`, or the operation's own words of refusal."""
    try:
        verb(row)
    except REFUSALS as refusal:
        messages.error(request, str(refusal))
        return []
    messages.success(request, said)
    return [row.pk]


def record(request: HttpRequest, model: type[Any], ids: Sequence[UUID], what: str) -> None:
    """Write what a person did into the admin's log, one entry a row, in one statement."""
    if not ids:
        return
    LogEntry.objects.log_actions(
        user_id=str(request.user.pk),
        queryset=model.objects.filter(pk__in=ids),
        action_flag=CHANGE,
        change_message=what,
    )


def by(request: HttpRequest) -> Actor:
    """Return who sends the request, and from where."""
    return person(cast(User, request.user), request)


def back_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`; the dialog's script follows only a header of its own."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)
