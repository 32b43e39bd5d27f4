"""manage.py up: run all of TaskFlow on this machine, with embedded servers unless URLs are set."""

import os
import sys
from typing import Any

from django.core.management.base import BaseCommand, CommandError

from taskflow.embedded.errors import CannotStart
from taskflow.env import ConfigurationError
from taskflow.home import Home, UnusableHome
from taskflow.supervisor.main import up


class Command(BaseCommand):
    help = "Run all of TaskFlow on this machine until Ctrl-C or SIGTERM."
    # It runs before there is a database, and starts the processes that check the rest.
    requires_system_checks: list[str] = []
    requires_migrations_checks = False

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            up(Home.from_environment(), os.environ, sys.stdout)
        except (CannotStart, UnusableHome, ConfigurationError) as error:
            raise CommandError(str(error)) from error
