"""`manage.py occurrences`: check the recurrence engine in bulk."""

import os
import sys
from collections.abc import Iterator
from typing import Any, BinaryIO

from django.core.management.base import BaseCommand

from templates_app.recurrence.lines import answer

CHUNK = 65_536  # bytes
# What a shell reports of a program that a closed pipe (SIGPIPE) ended.
PIPE_CLOSED = 128 + 13


class Command(BaseCommand):
    """Answers the questions on standard input; see docs/recurrence.md for both shapes."""

    help = (
        "Reads one JSON object a line on standard input ({id, recurrence, after, inclusive, "
        "count}) and writes one line each, in order ({id, occurrences} or {id, error}). Blank "
        "lines are passed over."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer line by line, so that a pipe can ask and listen in turn.

        Ends quietly when nobody reads any more, and when there is no standard input.
        """
        if sys.stdin is None or sys.stdout is None:
            return
        try:
            for lines in _waiting_lines(sys.stdin.buffer):
                for line in lines:
                    if line.strip():
                        sys.stdout.write(answer(line) + "\n")
                # Nothing more is waiting: whoever asked may be waiting for the answers.
                sys.stdout.flush()
        except BrokenPipeError:
            # Python flushes once more at exit, and would complain again.
            os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
            sys.exit(PIPE_CLOSED)


def _waiting_lines(stream: BinaryIO) -> Iterator[list[str]]:
    """Yield the lines that have come in so far, each time that some have.

    Bytes that are no UTF-8 become replacement characters.
    """
    begun: list[bytes] = []
    while chunk := os.read(stream.fileno(), CHUNK):
        whole, newline, rest = chunk.rpartition(b"\n")
        if newline:
            text = b"".join((*begun, whole)).decode(errors="replace")
            begun.clear()
            yield text.split("\n")
        if rest:
            begun.append(rest)
    if begun:
        yield [b"".join(begun).decode(errors="replace")]
