"""GET /api/schema: the OpenAPI document, the same for everybody."""

from functools import cache
from typing import Any

from django.http import HttpResponse
from drf_spectacular.utils import extend_schema
from drf_spectacular.views import SpectacularAPIView
from rest_framework.request import Request


class ApiDocumentView(SpectacularAPIView):
    """Answers YAML or JSON, as Accept or `format` asks."""

    @extend_schema(exclude=True)
    def get(self, request: Request, *args: Any, **kwargs: Any) -> HttpResponse:
        """Return the document; making it is dear, and nobody needs a key to ask for it."""
        renderer = request.accepted_renderer
        return HttpResponse(document(renderer.format), content_type=renderer.media_type)


@cache
def document(form: str) -> bytes:
    """Return the document as `yaml` or `json`, made once a process."""
    generator: Any = ApiDocumentView.generator_class()
    schema = generator.get_schema(request=None, public=True)
    renderer = next(kind for kind in ApiDocumentView.renderer_classes if kind.format == form)()
    written = renderer.render(schema, renderer.media_type, {})
    return written.encode() if isinstance(written, str) else written
