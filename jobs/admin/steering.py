"""What people do to jobs from the admin: asks for confirmation, calls the operation, says what came of it."""

from collections.abc import Callable, Sequence
from typing import Any
from uuid import UUID

from django.contrib import messages
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model, QuerySet
from django.http import Http404, HttpRequest, HttpResponse, HttpResponseRedirect
from unfold.forms import BaseDialogForm

from jobs.admin.history import as_uuid
from jobs.models import DeadLetter, Job

# One page of a list; a forged request for more gets no further.
MOST_AT_ONCE = 100


class ConfirmJob(BaseDialogForm):
    """Asks "are you sure" about one job; a job of somebody else's is answered as a missing one."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self.job: Job = seen_or_404(Job.objects.visible_to(self.request.user), self.object_id)


class ConfirmDeadLetter(BaseDialogForm):
    """Asks "are you sure" about one dead letter, as ConfirmJob does."""

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        letters = DeadLetter.objects.visible_to(self.request.user).select_related("job", "merchant")
        self.letter: DeadLetter = seen_or_404(letters, self.object_id)


def seen_or_404(visible: QuerySet[Any], object_id: Any) -> Any:
    """Return the row of `visible` with this id. Raises Http404."""
    wanted = as_uuid(str(object_id))
    found = visible.filter(pk=wanted).first() if wanted else None
    if found is None:
        raise Http404("There is nothing with this id, or it is not yours to see.")
    return found


def selected_ids(request: HttpRequest, queryset: QuerySet[Any]) -> list[UUID]:
    """Return the chosen rows' ids; none, and a message, when they are too many to act on at once."""
    ids = list(queryset.values_list("pk", flat=True)[: MOST_AT_ONCE + 1])
    if len(ids) > MOST_AT_ONCE:
        messages.error(request, f"Choose at most {MOST_AT_ONCE} at once; nothing was changed.")
        return []
    return ids


def tell(request: HttpRequest, *, asked: int, done: int, verb: str, takes: str) -> None:
    """Say how many of the chosen ones the verb took, and which it takes at all."""
    if done:
        messages.success(request, f"{done} {verb}.")
    if left := asked - done:
        were = "was" if left == 1 else "were"
        messages.warning(request, f"{left} {were} left as before: {takes}")


def record(request: HttpRequest, model: type[Model], ids: Sequence[UUID], what: str) -> None:
    """Write what a person did into the admin's log, one entry for each row."""
    if ids:
        rows: QuerySet[Any] = model._default_manager.filter(pk__in=ids)  # noqa: SLF001
        LogEntry.objects.log_actions(
            user_id=request.user.pk, queryset=rows, action_flag=CHANGE, change_message=what
        )


def back_to(request: HttpRequest, url: str) -> HttpResponse:
    """Send the browser to `url`: a dialog's answer is swapped into the page unless it says so."""
    if request.headers.get("HX-Request"):
        return HttpResponse(headers={"HX-Redirect": url})
    return HttpResponseRedirect(url)


Verb = Callable[[HttpRequest, Sequence[UUID]], None]
