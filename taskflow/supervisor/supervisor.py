"""The loop: show lines, notice ends, start again, stop in order."""

import select
import tempfile
import time
from collections.abc import Callable, Iterable

from taskflow.embedded.child import Launch, has_ended
from taskflow.embedded.errors import CannotStart
from taskflow.supervisor.child import Child, ending, nothing
from taskflow.supervisor.console import Console
from taskflow.supervisor.processes import STOP_SECONDS, STOP_SECONDS_DEFAULT, STOP_STAGES
from taskflow.supervisor.stop_request import StopRequest

TURN_SECONDS = 0.2
HURRY_SECONDS = 1.0


class StopRequested(Exception):
    """Somebody asked for a stop while TaskFlow was still starting."""


class Supervisor:
    """Owns the children. All methods are for one thread: the one that made it, the main thread."""

    def __init__(self, console: Console, stop_request: StopRequest) -> None:
        self.console = console
        self._stop_request = stop_request
        self._children: dict[str, Child] = {}

    @property
    def stop_requested(self) -> bool:
        return self._stop_request.made or self.console.lost

    def start(self, name: str, launch: Launch, prepare: Callable[[], None] = nothing) -> None:
        """Start a process that is started again whenever it ends; `prepare` runs before each.

        Raises CannotStart when the first preparation says so.
        """
        child = Child(name, launch, prepare)
        child.start()
        self._children[name] = child

    def discard(self, name: str) -> None:
        """End a process at once and forget it."""
        child = self._children.pop(name)
        child.kill_group()
        self._show(child)
        child.close()

    def wait_for(self, name: str, answers: Callable[[], bool], *, seconds: float) -> None:
        """Return once `answers()` is true.

        Raises CannotStart when the process ends before or after `seconds`; StopRequested.
        """
        process = self._children[name].process
        deadline = time.monotonic() + seconds
        while not answers():
            if has_ended(process):
                process.wait()
                raise CannotStart(f"{name} {ending(process)}.")
            if time.monotonic() > deadline:
                raise CannotStart(f"{name} did not answer within {seconds:g} s.")
            self._check_stop()
            self._read(self._children.values(), 0.05)

    def run(self, name: str, launch: Launch) -> bytes:
        """Run a process to its end, show its stderr, and return its stdout.

        Raises CannotStart when its status is not 0; StopRequested.
        """
        child = Child(name, launch)
        with tempfile.TemporaryFile() as output:
            child.start(output)
            try:
                while child.alive:
                    self._check_stop()
                    self._read([child, *self._children.values()], 0.05)
                self._show(child)
            finally:
                child.kill_group()
                child.close()
            if child.process.returncode != 0:
                raise CannotStart(f"{name} {ending(child.process)}; its lines are above.")
            output.seek(0)
            return output.read()

    def turn(self) -> None:
        """Show what has arrived within a moment; start again what has ended."""
        self._read(self._children.values(), TURN_SECONDS)
        for child in self._children.values():
            if not child.alive:
                self._revive(child)

    def stop_all(self) -> None:
        """End all processes stage by stage, the servers last; a second request hurries."""
        for stage in STOP_STAGES:
            self._stop([self._children[name] for name in stage if name in self._children])
        self._children.clear()

    def _stop(self, children: list[Child]) -> None:
        began = time.monotonic()
        for child in children:
            child.ask_to_stop()
        waiting = children
        while waiting:
            self._read(self._children.values(), 0.05)
            passed = time.monotonic() - began
            for child in waiting:
                if child.alive and passed > self._patience(child):
                    self.console.say(f"{child.name} does not stop; killing it.")
                    child.kill_group()
            waiting = [child for child in waiting if child.alive]
        for child in children:
            child.kill_group()
            self._show(child)
            child.close()

    def _patience(self, child: Child) -> float:
        if self._stop_request.urgent:
            return HURRY_SECONDS
        return STOP_SECONDS.get(child.name, STOP_SECONDS_DEFAULT)

    def _revive(self, child: Child) -> None:
        if child.start_again_at is None:
            child.kill_group()
            self._show(child)
            wait = child.plan_restart()
            how = ending(child.process)
            self.console.say(f"{child.name} {how}; starting it again in {wait:g} s.")
        elif time.monotonic() >= child.start_again_at:
            try:
                child.start()
            except CannotStart as error:
                wait = child.plan_restart()
                self.console.say(f"{child.name}: {error} Trying again in {wait:g} s.")

    def _check_stop(self) -> None:
        if self.stop_requested:
            raise StopRequested

    def _read(self, children: Iterable[Child], seconds: float) -> None:
        readers = {child.reader: child for child in children if child.reader is not None}
        ready, _, _ = select.select(list(readers), [], [], seconds)
        for reader in ready:
            self._show_some(readers[reader])

    def _show(self, child: Child) -> None:
        """Show the last lines of a process that has ended."""
        while self._show_some(child):
            pass

    def _show_some(self, child: Child) -> bool:
        lines = child.lines()
        for line in lines or ():
            self.console.line(child.name, line)
        return lines is not None
