"""The admin page that shows a new secret, once.

The secret travels in the answer itself. A message would put it into a cookie or a session, where it
outlives the page.
"""

from dataclasses import dataclass, field
from typing import Any

from django.contrib.admin import ModelAdmin
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.urls import reverse
from django.utils.cache import add_never_cache_headers


@dataclass(frozen=True, slots=True)
class Revealed:
    """A secret and whose it is; the repr hides it."""

    owner: str
    text: str = field(repr=False)


def reveal(
    model_admin: "ModelAdmin[Any]",
    request: HttpRequest,
    *,
    title: str,
    explanation: str,
    secrets: list[Revealed],
) -> TemplateResponse:
    """Return the page; no cache may keep it."""
    meta = model_admin.model._meta  # noqa: SLF001
    context = {
        **model_admin.admin_site.each_context(request),
        "title": title,
        "explanation": explanation,
        "secrets": secrets,
        "opts": meta,
        "back_url": reverse(f"admin:{meta.app_label}_{meta.model_name}_changelist"),
    }
    response = TemplateResponse(request, "tenants/secret_once.html", context)
    add_never_cache_headers(response)
    return response
