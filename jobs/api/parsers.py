"""The one door for request bodies: JSON, of bounded size and depth."""

from typing import Any, BinaryIO, Final

from rest_framework.exceptions import UnsupportedMediaType
from rest_framework.parsers import BaseParser

from jobs.strict_json import read_json

SINGLE_BODY: Final = 256 * 1024  # bytes
BATCH_BODY: Final = 8 * 1024 * 1024  # bytes


class BodyTooLarge(Exception):
    """The body has more bytes than this route takes."""

    def __init__(self, most: int) -> None:
        super().__init__(f"The body may have at most {most // 1024} KiB here; send less at once.")


class LengthRequired(Exception):
    """The body comes in chunks, without its length beforehand (RFC 9112 section 7.1)."""

    def __init__(self) -> None:
        super().__init__("Chunked bodies are not taken; send a Content-Length.")


def refuse_chunked(request: Any) -> None:
    """Raise LengthRequired for a chunked body: WSGI would show it as an empty one."""
    meta = request.META
    if meta.get("HTTP_TRANSFER_ENCODING") and not meta.get("CONTENT_LENGTH"):
        raise LengthRequired


class StrictJSONParser(BaseParser):
    """Reads at most the view's `max_body` bytes, and only JSON that can be stored."""

    media_type = "application/json"

    def parse(self, stream: Any, media_type: Any = None, parser_context: Any = None) -> Any:
        """Return the body's value. Raises BodyTooLarge, MalformedJson, UnsupportedMediaType."""
        context = parser_context or {}
        request = context["request"]
        most = getattr(context.get("view"), "max_body", SINGLE_BODY)
        _refuse_encodings(request)
        if int(request.META.get("CONTENT_LENGTH") or 0) > most:
            raise BodyTooLarge(most)
        return self.value_of(_read(stream, most))

    def value_of(self, raw: bytes) -> Any:
        """Return what the bytes say. Raises MalformedJson."""
        return read_json(raw)


def _read(stream: BinaryIO, most: int) -> bytes:
    raw = stream.read(most + 1)
    if len(raw) > most:
        raise BodyTooLarge(most)
    return raw


def _refuse_encodings(request: Any) -> None:
    coding = request.META.get("HTTP_CONTENT_ENCODING", "identity").strip().lower()
    if coding not in {"", "identity"}:
        raise UnsupportedMediaType(
            coding, "Compressed bodies are not taken; send the JSON without Content-Encoding."
        )
    charset = request._request.content_params.get("charset", "utf-8").strip('"').lower()  # noqa: SLF001
    if charset not in {"utf-8", "utf8"}:
        raise UnsupportedMediaType(
            charset, "JSON is sent in UTF-8 (RFC 8259, section 8.1); send no other charset."
        )
