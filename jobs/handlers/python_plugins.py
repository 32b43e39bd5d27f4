"""Finds Python handlers: the bundled ones, and those of installed packages (entry points)."""

import importlib
import logging
import threading
from collections.abc import Iterable
from importlib.metadata import EntryPoint, entry_points

from jobs.handlers.python_functions import PythonHandler, forget, registered

GROUP = "taskflow.handlers"
BUNDLED = "jobs.handlers.demo"

logger = logging.getLogger(__name__)
_lock = threading.RLock()
_failed: dict[str, str] | None = None  # None: not loaded yet


def known_handlers() -> dict[str, PythonHandler]:
    """Return every handler by name; the first call of a process imports the plugins."""
    global _failed
    if _failed is None:
        with _lock:
            if _failed is None:
                importlib.import_module(BUNDLED)
                _failed = load_plugins(entry_points(group=GROUP))
    return registered()


def failed_plugins() -> dict[str, str]:
    """Return the entry points that could not be imported, each with its error's type and text."""
    known_handlers()
    return dict(_failed or {})


def load_plugins(found: Iterable[EntryPoint]) -> dict[str, str]:
    """Import each entry point's module; return those that failed, by name, with the error.

    A plugin that fails is logged, leaves no handler behind, and does not stop the others.
    """
    failed: dict[str, str] = {}
    for entry_point in found:
        before = set(registered())
        try:
            entry_point.load()
        except Exception as error:
            # A stranger's module may raise anything while it is imported.
            forget(set(registered()) - before)
            failed[entry_point.name] = f"{type(error).__name__}: {error!s:.200}"
            logger.exception(
                "The handler plugin %s (%s) cannot be imported; its handlers are missing",
                entry_point.name,
                entry_point.value,
            )
    return failed
