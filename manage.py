#!/usr/bin/env python
"""Django's entry point."""

import os
import sys


def main() -> None:
    """Run one management command with TaskFlow's settings."""
    if sys.argv[1:] == ["occurrences"]:
        # Needs nothing of Django, whose start takes as long as thousands of answers.
        from templates_app.recurrence.program import run

        run()
        return
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskflow.settings")
    from django.core.management import execute_from_command_line

    execute_from_command_line(sys.argv)


if __name__ == "__main__":
    main()
