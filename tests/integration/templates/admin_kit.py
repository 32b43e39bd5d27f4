"""What the tests of the admin's schedule pages share: addresses, and forms as a browser sends them."""

import html
import re
from typing import Any

from django.test import Client
from django.urls import reverse

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


def form_of(response: Any) -> dict[str, Any]:
    """Return what a browser would send back from a page whose form nobody has touched."""
    form = response.context["adminform"].form
    sent: dict[str, Any] = {}
    for bound in form:
        value = bound.value()
        if value is None or value is False:
            continue
        if hasattr(bound.field.widget, "decompress") and not isinstance(value, list):
            for place, part in enumerate(bound.field.widget.decompress(value)):
                sent[f"{bound.html_name}_{place}"] = "" if part is None else str(part)
            continue
        sent[bound.html_name] = "on" if value is True else value
    return sent


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
