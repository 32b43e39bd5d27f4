"""`manage.py archive`: what the nightly tick does, now, with its progress; or what it would do."""

from typing import Any

from django.conf import settings
from django.core.management.base import BaseCommand, CommandError, CommandParser

from jobs.archiver import Archived, outlook, stepping
from tenants.clock import database_now


class Command(BaseCommand):
    help = (
        "Moves finished jobs to the archive, deletes what merchants keep no longer, exports and drops "
        "the weeks that nobody keeps. Safe at any time and more than once at a time."
    )

    def add_arguments(self, parser: CommandParser) -> None:
        """Take --dry-run."""
        parser.add_argument(
            "--dry-run", action="store_true", help="Only tell what would be moved and dropped."
        )

    def handle(self, *_args: Any, **options: Any) -> None:
        """Step until nothing is left, one line a step. Raises CommandError when an export failed."""
        if options["dry_run"]:
            self._tell_the_outlook()
            return
        failure = ""
        for done in stepping.steps(settings.TASKFLOW_RETENTION):
            self.stdout.write(_sentence(done))
            failure = done.failure or failure
        if failure:
            raise CommandError(failure)

    def _tell_the_outlook(self) -> None:
        seen = outlook.look_ahead(database_now(), settings.TASKFLOW_RETENTION)
        most = " or more" if seen.to_move_at_least else ""
        self.stdout.write(f"To the archive: {seen.to_move:,}{most} jobs, if nothing holds them.")
        for week in seen.due:
            self.stdout.write(f"To be dropped: {week.name}, about {week.rows:,} rows.")
        for name in seen.retired:
            self.stdout.write(f"Detached already, to be dropped: {name}.")
        if not seen.due and not seen.retired:
            self.stdout.write("No week is to be dropped.")


def _sentence(done: Archived) -> str:
    if done.busy:
        return "Another archiver is at work; nothing was done."
    told = [
        f"{done.moved:,} jobs archived",
        f"{done.pruned_jobs:,} jobs and {done.pruned_executions:,} executions deleted",
    ]
    if done.exported_rows:
        told.append(f"{done.exported_rows:,} rows exported")
    if done.dropped:
        told.append(f"dropped {', '.join(done.dropped)}")
    if done.blocked:
        told.append("somebody holds a table; trying again")
    return "; ".join(told) + "."
