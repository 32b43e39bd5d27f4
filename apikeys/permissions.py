"""What a producer may do: nothing, unless the view declares a scope and the key has it.

DRF imports this module while it defines its views: nothing here may import `rest_framework.views`.
"""

from collections.abc import Mapping
from typing import TYPE_CHECKING

from rest_framework.exceptions import MethodNotAllowed, NotAuthenticated, PermissionDenied
from rest_framework.permissions import BasePermission
from rest_framework.request import Request

from apikeys.principals import Producer

if TYPE_CHECKING:
    from rest_framework.views import APIView


class DenyByDefault(BasePermission):
    """The default of all views: closed. A view opens itself by naming HasScope or AllowAny."""

    message = "This address is not open to API keys."
    code = "not_open"

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return False."""
        return False


class HasScope(BasePermission):
    """Opens a view to keys that hold the scope it declares.

    The view's `required_scopes` maps an action's name ("redrive") or an HTTP method ("GET") to a
    scope; an action's entry wins. HEAD counts as GET. What is not in there stays closed.
    """

    def has_permission(self, request: Request, view: "APIView") -> bool:
        """Return True, or raise NotAuthenticated, MethodNotAllowed or PermissionDenied."""
        if not isinstance(request.user, Producer):
            raise NotAuthenticated("Send an API key in the header x-api-key.")
        method = str(request.method)
        if not hasattr(view, method.lower()):
            raise MethodNotAllowed(method)
        scope = required_scope(view, method=method, action=getattr(view, "action", None))
        if scope is None:
            raise PermissionDenied(DenyByDefault.message, code=DenyByDefault.code)
        if scope not in request.user.key.scopes:
            raise PermissionDenied(
                f"This API key lacks the scope {scope}. Issue a key that has it.",
                code="missing_scope",
            )
        return True


def required_scope(
    view: "APIView | type[APIView]", *, method: str, action: str | None
) -> str | None:
    """Return the scope that `view` declares for an action or method; None when it declares none."""
    declared: Mapping[str, str] = getattr(view, "required_scopes", {})
    if action is not None and action in declared:
        return declared[action]
    return declared.get("GET" if method == "HEAD" else method)
