"""The WSGI application that the api process serves."""

import os
from typing import Any

import django
from django.core.handlers.wsgi import WSGIHandler, WSGIRequest
from django.utils.http import parse_header_parameters


class Utf8Request(WSGIRequest):
    """Reads addresses and forms as UTF-8, whatever charset the Content-Type claims.

    Django would take any codec of Python, and `hex` or `zlib` raise where nothing catches it.
    """

    def _set_content_type_params(self, meta: dict[str, Any]) -> None:
        self.content_type, self.content_params = parse_header_parameters(
            meta.get("CONTENT_TYPE", "")
        )


class Application(WSGIHandler):
    """Django's handler, with requests of one charset."""

    request_class = Utf8Request


os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskflow.settings")
django.setup(set_prefix=False)

application = Application()
