"""Parts of a benchmark: each runs in a process of its own and says its figures on standard output.

A process of its own has cold caches and a memory that holds nothing of the other parts.
"""

import contextlib
import json
import os
import platform
import subprocess
import sys
from collections.abc import Callable, Mapping
from typing import Any

from benchmarks.stack import Servers
from taskflow.supervisor.processes import ROOT

Figures = dict[str, Any]


def environment_of(servers: Servers) -> dict[str, str]:
    """Return what TaskFlow's processes need to use these servers."""
    return {
        "TASKFLOW_DATABASE_URL": servers.database_url,
        "TASKFLOW_REDIS_URL": servers.redis_url,
        "TASKFLOW_HOME": str(servers.home),
        "TASKFLOW_SECRET_KEY": "benchmark-" * 5,
        "TASKFLOW_LOG_LEVEL": "warning",
    }


def machine() -> str:
    """Name what the figures were measured on."""
    return f"{os.cpu_count()} cores, {platform.machine()}, Python {platform.python_version()}"


def run_part(module: str, environment: Mapping[str, str], *arguments: str) -> Figures:
    """Run `python -m module`; return the figures that it tells."""
    done = subprocess.run(
        [sys.executable, "-m", module, *arguments],
        env={**os.environ, **environment},
        cwd=ROOT,
        check=True,
        stdout=subprocess.PIPE,
        text=True,
    )
    return dict(json.loads(done.stdout))


def tell(measure: Callable[[], Figures]) -> None:
    """Run a part's work in its process; only its figures go to standard output."""
    with contextlib.redirect_stdout(sys.stderr):
        figures = measure()
    json.dump(figures, sys.stdout)


def start_django() -> None:
    """Make Django's models usable in this process."""
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "taskflow.settings")
    import django

    django.setup()


def say(text: str) -> None:
    """Tell whoever waits how far it is."""
    print(text, file=sys.stderr, flush=True)
