"""Forms that carry out an operation, whose refusals stand beside the fields that they name."""

from collections.abc import Callable, Mapping
from typing import Any

from django import forms

from jobs.operations.fields import FieldProblem, InvalidFields


class OperatingForm(forms.BaseForm):
    """A form whose last check is the operation itself.

    The operation knows all rules, so there is no second set here: when the fields are readable it is
    carried out, in the transaction of the request, and what it refuses becomes the form's errors. A
    valid form has been carried out; `result` is what came of it.
    """

    # Names of the operation's JSON that the form spells differently; "rate/jobs" is one within one.
    places: Mapping[str, str] = {}
    # What the operation may answer instead, beside InvalidFields.
    refusals: tuple[type[Exception], ...] = ()
    result: Any = None
    # A method of each form: calls the operation with `cleaned_data`. Declared and not abstract, since
    # the metaclass of Django's forms is no ABCMeta.
    carry_out: Callable[[], Any]

    def _post_clean(self) -> None:
        if self.errors:
            return
        try:
            self.result = self.carry_out()
        except InvalidFields as error:
            for problem in error.problems:
                self._place(problem)
        except self.refusals as refusal:
            self.add_error(None, str(refusal))

    def _place(self, problem: FieldProblem) -> None:
        path = problem.pointer.removeprefix("/")
        name, _, deeper = path.partition("/")
        field = self.places.get(path) or self.places.get(name, name)
        if not deeper or path in self.places:
            words = self._labelled(problem.detail)
        elif f'"{name}/{deeper}"' in problem.detail:
            words = problem.detail
        else:
            words = f"{problem.detail} (at {deeper})"
        if not path:
            words = words.replace("The body ", "The form ", 1)
        self.add_error(field if field in self.fields else None, words)

    def _labelled(self, detail: str) -> str:
        """Name fields as the page does, not as the JSON does."""
        for name in [*self.fields, *self.places]:
            field = self.places.get(name, name)
            if field in self.fields:
                last = name.rpartition("/")[2]
                detail = detail.replace(f'"{last}"', f"“{self[field].label}”")
        return detail
