"""The program `manage.py occurrences`: questions on standard input, answers on standard output."""

import gc
import os
import sys
from collections.abc import Iterator
from typing import BinaryIO

from templates_app.recurrence.lines import answer
from tenants.zone_names import use_locked_zones

CHUNK = 65_536  # bytes
# What a shell reports of a program that a closed pipe (SIGPIPE) ended.
PIPE_CLOSED = 128 + 13
# Objects more than before at which the youngest are looked through: answers leave no circles to speak of.
COLLECT_AT = 100_000


def run() -> None:
    """Be the whole process: answer as `answer_questions` does, with the locked time zones."""
    use_locked_zones()
    gc.freeze()
    gc.set_threshold(COLLECT_AT, 20, 50)
    answer_questions()


def answer_questions() -> None:
    """Answer line by line, so that a pipe can ask and listen in turn; blank lines are passed over.

    Ends quietly when there is no standard input; as SIGPIPE would when nobody reads any more, or ever did.
    """
    if sys.stdout is None:
        sys.exit(PIPE_CLOSED)
    if sys.stdin is None:
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
