"""What the tests of the admin's schedule pages share: addresses, and forms as a browser sends them."""

import html
import re
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import datetime, timedelta
from html.parser import HTMLParser
from typing import Any, TypeVar

from django.db.models import Model
from django.test import Client
from django.urls import reverse

from jobs.models import Job
from templates_app.models import SkippedOccurrence, Template
from tests.factories.admin import text_of


def list_url(model: str, **parameters: str) -> str:
    """Return the address of a list of templates_app."""
    return reverse(f"admin:templates_app_{model}_changelist", query=parameters or None)


def add_url(model: str) -> str:
    """Return the address of an empty form."""
    return reverse(f"admin:templates_app_{model}_add")


def page_url(model: str, row: Any, verb: str = "change") -> str:
    """Return the address of a row's page, or of one of its verbs; `row` is a row or an id."""
    return reverse(f"admin:templates_app_{model}_{verb}", args=[getattr(row, "pk", row)])


Bystander = TypeVar("Bystander", bound=Model)


class _Form(HTMLParser):
    """What the controls of a page's form would send, read as a browser reads them."""

    def __init__(self, form_id: str) -> None:
        super().__init__()
        self.form_id = form_id
        self.sent: dict[str, list[str]] = {}
        self._inside = False
        self._select: dict[str, str | None] | None = None
        self._options: list[tuple[str, bool]] = []
        self._textarea: str | None = None

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        values = dict(attrs)
        if tag == "form":
            self._inside = values.get("id") == self.form_id
        if not self._inside:
            return
        name = values.get("name") or ""
        if tag == "option":
            self._options.append((values.get("value") or "", "selected" in values))
        elif tag == "select" and name:
            self._select, self._options = values, []
        elif tag == "textarea" and name:
            self._textarea = name
            self.sent[name] = [""]
        elif tag == "input" and name:
            self._take(name, values)

    def _take(self, name: str, values: dict[str, str | None]) -> None:
        ticked = values.get("type") in ("checkbox", "radio")
        if values.get("type") in ("submit", "file") or (ticked and "checked" not in values):
            return
        sent = values.get("value", "on" if ticked else "")
        self.sent.setdefault(name, []).append(sent or "")

    def handle_data(self, data: str) -> None:
        if self._textarea is not None:
            self.sent[self._textarea][0] += data

    def handle_endtag(self, tag: str) -> None:
        if tag == "form":
            self._inside = False
        elif tag == "textarea" and self._textarea is not None:
            self.sent[self._textarea][0] = self.sent[self._textarea][0].removeprefix("\n")
            self._textarea = None
        elif tag == "select" and self._select is not None:
            chosen = [value for value, selected in self._options if selected]
            if "multiple" not in self._select and not chosen:
                chosen = [value for value, _ in self._options[:1]]
            self.sent[str(self._select["name"])] = chosen
            self._select = None


def form_of(response: Any) -> dict[str, Any]:
    """Return what a browser would send back from a page whose form nobody has touched."""
    page = _Form(f"{response.context['opts'].model_name}_form")
    page.feed(response.content.decode())
    sent = {name: values for name, values in page.sent.items() if values}
    assert sent, "The page has no such form."
    return {name: values[0] if len(values) == 1 else values for name, values in sent.items()}


def send(browser: Client, address: str, **changes: Any) -> Any:
    """Open a form, change some fields (None empties one), and send it."""
    sent = form_of(browser.get(address)) | changes
    return browser.post(address, {name: value for name, value in sent.items() if value is not None})


def errors_of(response: Any) -> dict[str, list[str]]:
    """Return the faults of a form that was refused, by field; "" for those of the whole."""
    text_of(response)
    errors = response.context["adminform"].form.errors
    return {name.replace("__all__", ""): list(faults) for name, faults in errors.items()}


def words_of(response: Any) -> str:
    """Return the text of a page as a person reads it."""
    plain = re.sub(
        r"<[^>]+>", " ", re.sub(r"<(script|style).*?</\1>", " ", text_of(response), flags=re.DOTALL)
    )
    return " ".join(html.unescape(plain).split())


def all_of(row: Model) -> tuple[Any, list[Any]]:
    """Return what is stored of a row, and of the jobs that a template has."""
    columns = type(row)._default_manager.filter(pk=row.pk).values().get()
    jobs = Job.objects.filter(template_id=row.pk).order_by("pk")
    return columns, list(jobs.values())


@contextmanager
def left_alone(row: Bystander) -> Iterator[Bystander]:
    """Give the row; at the end see that it is as it was, and its jobs too."""
    before = all_of(row)
    yield row
    assert all_of(row) == before


def make_skipped(template: Template, now: datetime, **fields: Any) -> SkippedOccurrence:
    """Return a stored row of three occurrences that an outage missed, unless `fields` say else."""
    values: dict[str, Any] = {
        "cause": "missed",
        "reason": "Down for an hour.",
        "first_at": (now - timedelta(hours=3)).replace(minute=0, second=0, microsecond=0),
        "last_at": (now - timedelta(hours=1)).replace(minute=0, second=0, microsecond=0),
        "occurrences": 3,
        **fields,
    }
    return SkippedOccurrence.objects.create(template=template, merchant=template.merchant, **values)
