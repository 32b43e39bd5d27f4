"""The expander over very many templates: ticks, edits, pauses, and the memory of its processes.

A part of `python -m benchmarks.templates`; needs its servers in the environment.
"""

import argparse
import os
import time
from datetime import UTC, datetime, timedelta

import psycopg

from benchmarks.part import Figures, say, start_django, tell
from benchmarks.template_mix import mix

# The templates' time begins so much later than the machine's, so that no real tick finds work that
# was not put there.
LATER = timedelta(minutes=30)
MERCHANTS = 20
# Templates for the measurement of memory "before".
FEW = 1_000
LARGEST_MIX = 50_000


def main() -> None:
    """Load, measure, tell."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--templates", type=int, required=True)
    options = parser.parse_args()
    tell(lambda: measure(options.templates))


def measure(templates: int) -> Figures:
    """Return the figures of `templates` templates."""
    start_django()
    from django.conf import settings

    from benchmarks import template_load
    from benchmarks.expander_memory import measure_memory
    from benchmarks.expander_shared import measure_shared
    from benchmarks.expander_steps import Steps

    now = datetime.now(UTC).replace(microsecond=0) + LATER
    figures: Figures = {"templates": templates}
    with psycopg.connect(os.environ["TASKFLOW_DATABASE_URL"], autocommit=True) as database:
        owners = template_load.make_owners(MERCHANTS, now=now)
        entries = mix(min(templates, LARGEST_MIX), now=now)
        say(f"planning {len(entries):,} recurrences")
        template_load.prepare(
            database, entries, owners, now=now, expansion=settings.TASKFLOW_EXPANSION
        )
        figures["recurrences"] = len(entries)
        few = min(FEW, templates)
        template_load.load(database, owners, mix=len(entries), first=1, last=few)
        figures["memory_few"] = {"templates": few, **measure_memory(database, few)}
        say(f"loading {templates:,} templates")
        started = time.monotonic()
        template_load.load(database, owners, mix=len(entries), first=few + 1, last=templates)
        figures["load_seconds"] = round(time.monotonic() - started, 1)
        figures["memory_all"] = {"templates": templates, **measure_memory(database, templates)}
        figures |= Steps(database, now).measure()
        figures |= measure_shared(database, templates)
    return figures


if __name__ == "__main__":
    main()
