"""`manage.py occurrences`: check the recurrence engine in bulk."""

import sys
from typing import Any

from django.core.management.base import BaseCommand

from templates_app.recurrence.lines import answer


class Command(BaseCommand):
    """Answers the questions on standard input; see docs/recurrence.md for both shapes."""

    help = (
        "Reads one JSON object a line on standard input ({id, recurrence, after, inclusive, "
        "count}) and writes one line each, in order ({id, occurrences} or {id, error})."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer line by line, so that a pipe can ask and listen in turn."""
        for line in sys.stdin:
            if line.strip():
                sys.stdout.write(answer(line) + "\n")
                sys.stdout.flush()
