"""A system check: no view of the API is open by accident, and none is closed by oversight."""

from collections.abc import Callable, Iterator
from typing import Any

from django.core.checks import CheckMessage, Error
from django.urls import URLPattern, URLResolver, get_resolver
from rest_framework.views import APIView

from apikeys.permissions import DenyByDefault, HasScope, required_scope
from apikeys.scopes import Scope

_NEEDS_NO_SCOPE = {"head", "options", "trace"}


def views_declare_scopes() -> list[CheckMessage]:
    """Report every DRF view that names no permission, or a method without a known scope."""
    return [
        problem
        for callback in _callbacks(get_resolver().url_patterns)
        for problem in problems_of(callback)
    ]


def problems_of(callback: Callable[..., Any]) -> list[CheckMessage]:
    """Return what is wrong with one URL's view; other people's views are none of our business."""
    view = getattr(callback, "cls", None)
    if not isinstance(view, type) or not issubclass(view, APIView):
        return []
    initkwargs = getattr(callback, "initkwargs", {})
    permissions = initkwargs.get("permission_classes", view.permission_classes)
    if DenyByDefault in permissions:
        return [
            Error(
                f"{view.__module__}.{view.__name__} names no permission, so it answers nobody.",
                hint="Set permission_classes to HasScope with required_scopes, or to AllowAny.",
                id="apikeys.E001",
            )
        ]
    if HasScope not in permissions:
        return []
    return [
        Error(
            f"{view.__module__}.{view.__name__} declares no known scope for {method.upper()}"
            + (f" ({action})." if action else "."),
            hint="Add it to required_scopes.",
            id="apikeys.E002",
        )
        for method, action in _handlers(callback, view)
        if required_scope(view, method=method.upper(), action=action) not in Scope.values
    ]


def _handlers(callback: Callable[..., Any], view: type[APIView]) -> list[tuple[str, str | None]]:
    actions: dict[str, str] | None = getattr(callback, "actions", None)
    if actions is not None:
        return [(method, action) for method, action in actions.items() if method != "head"]
    methods = (method for method in view.http_method_names if method not in _NEEDS_NO_SCOPE)
    return [(method, None) for method in methods if hasattr(view, method)]


def _callbacks(patterns: list[Any]) -> Iterator[Callable[..., Any]]:
    for pattern in patterns:
        if isinstance(pattern, URLResolver):
            yield from _callbacks(pattern.url_patterns)
        elif isinstance(pattern, URLPattern):
            yield pattern.callback
