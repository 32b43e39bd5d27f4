"""`manage.py occurrences`: check the recurrence engine in bulk."""

from typing import Any

from django.core.management.base import BaseCommand

from templates_app.recurrence.program import answer_questions


class Command(BaseCommand):
    """Answers the questions on standard input; see docs/recurrence.md for both shapes.

    Without options `manage.py` answers by itself: the engine knows no Django.
    """

    help = (
        "Reads one JSON object a line on standard input ({id, recurrence, after, inclusive, "
        "count}) and writes one line each, in order ({id, occurrences} or {id, error}). Blank "
        "lines are passed over."
    )
    requires_system_checks: list[str] = []

    def handle(self, *args: Any, **options: Any) -> None:
        """Answer until there are no more questions."""
        answer_questions()
