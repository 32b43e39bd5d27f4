"""What is kept of an answer: status, headers, and the first bytes of the body as text."""

import codecs
from dataclasses import dataclass, field
from typing import Any

import aiohttp

from jobs.handlers.http.headers import kept_headers
from jobs.handlers.text import storable

# Codecs that are safe on hostile bytes; a declared name such as "punycode" or "utf-7" is not used.
_CHARSETS = {
    "us-ascii": "utf-8",
    "iso-8859-1": "cp1252",
    "latin-1": "cp1252",
    "windows-1252": "cp1252",
}


@dataclass
class Answer:
    """An answer as far as it has been received; filled while it is read, so that a time limit or
    a broken connection leaves what had come."""

    status: int
    headers: dict[str, str]
    charset: str
    retry_after: str | None = None
    body: bytearray = field(default_factory=bytearray)
    truncated: bool = False
    complete: bool = False

    def output(self, duration: float) -> dict[str, Any]:
        """Return the JSON that is kept with the attempt; `duration` in seconds."""
        return {
            "status": self.status,
            "headers": self.headers,
            "body": self._text(),
            "body_truncated": self.truncated or not self.complete,
            "body_bytes": len(self.body),
            "duration_ms": round(duration * 1000),
        }

    def _text(self) -> str:
        # An incremental decoder drops, at a cut, the half of a character that was left.
        decoder = codecs.getincrementaldecoder(self.charset)("replace")
        text = decoder.decode(bytes(self.body), final=not self.truncated)
        return storable(text, len(text))


def begin_answer(response: aiohttp.ClientResponse) -> Answer:
    """Return the answer with its head read and its body to come."""
    return Answer(
        status=response.status,
        headers=kept_headers(response.raw_headers),
        charset=_charset(response.headers.get("Content-Type", "")),
        retry_after=response.headers.get("Retry-After"),
    )


async def read_body(response: aiohttp.ClientResponse, answer: Answer, limit: int) -> None:
    """Read at most `limit` bytes into `answer`; more is left unread and marked as cut.

    Raises aiohttp.ClientError when the connection breaks before the body's end.
    """
    while chunk := await response.content.read(limit + 1 - len(answer.body)):
        answer.body += chunk
        if len(answer.body) > limit:
            del answer.body[limit:]
            answer.truncated = True
            return
    answer.complete = True


def _charset(content_type: str) -> str:
    _, _, parameter = content_type.lower().partition("charset=")
    return _CHARSETS.get(parameter.split(";")[0].strip(" \"'"), "utf-8")
