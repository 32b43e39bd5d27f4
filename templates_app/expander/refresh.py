"""After a release with other time zones or holidays: plans made with the old ones are made again."""

from datetime import datetime
from uuid import UUID

from django.db import connection, transaction

from templates_app import statements
from templates_app.expander.writing import versions

PAGE = 2_000


class Refresh:
    """One process's walk over all templates, a page a tick, once; afterwards it costs nothing.

    Data change only with a release, and a release restarts the process.
    """

    def __init__(self) -> None:
        self._after: UUID | None = UUID(int=0)

    def step(self, now: datetime) -> int:
        """Have the outdated plans of the next page made again; return how many those are."""
        if self._after is None:
            return 0
        with transaction.atomic(), connection.cursor() as cursor:
            cursor.execute(
                statements.FIND_EXPANDED_WITH_OTHERS,
                {"versions": versions(), "after": self._after, "limit": PAGE},
            )
            rows = cursor.fetchall()
            outdated = [template_id for template_id, is_outdated in rows if is_outdated]
            if outdated:
                cursor.execute(statements.REPLAN, {"ids": outdated, "now": now})
        self._after = rows[-1][0] if len(rows) == PAGE else None
        return len(outdated)
