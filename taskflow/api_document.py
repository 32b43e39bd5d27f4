"""GET /api/schema: the OpenAPI document, the same for everybody."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request


class ApiDocumentView(SpectacularAPIView):
    """Answers YAML or JSON, as Accept or `format` asks."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the document; making it is dear, and nobody needs a key to ask for it."""
        renderer = type(request.accepted_renderer)
        return HttpResponse(document(renderer), content_type=renderer.media_type)


@cache
def document(renderer: type[BaseRenderer]) -> bytes:
    """Return the document as this renderer writes it, made once a process."""
    schema = ApiDocumentView.generator_class().get_schema(request=None, public=True)
    written: bytes = renderer().render(schema, renderer.media_type, {})
    return written
