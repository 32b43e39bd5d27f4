"""Handlers of a plugin, found by its entry point: the ones that misbehave."""

import os
import signal
import time

from jobs.handlers.python_functions import handler


@handler("test.nap")
def nap(context, seconds: float) -> dict[str, int]:
    """Sleep in a way that an alarm interrupts."""
    time.sleep(seconds)
    return {"attempt": context.attempt}


@handler("test.deaf")
def deaf(context) -> None:
    """Ignore every polite request to stop."""
    context.log("hears nothing")
    signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGALRM, signal.SIGTERM})
    time.sleep(600)


@handler("test.crash")
def crash(context, until: int = 99) -> dict[str, int]:
    """Kill the process that runs it, until the given attempt."""
    if context.attempt < until:
        os.kill(os.getpid(), signal.SIGKILL)
    return {"attempt": context.attempt}


@handler("test.report")
def report(context, seconds: float) -> None:
    """Report twice in a row, then be silent for long."""
    context.progress(10, "begun")
    context.progress(90, "nearly done")
    time.sleep(seconds)


@handler("test.once", idempotent=False)
def once(context, seconds: float = 0) -> None:
    """Do what must not be done twice, then kill the process or sleep."""
    context.log("did it")
    if not seconds:
        os.kill(os.getpid(), signal.SIGKILL)
    time.sleep(seconds)


@handler("test.kill_worker", lane="async")
async def kill_worker(context) -> None:
    """Take the whole worker process along, as a fault in a C library would."""
    os.kill(os.getpid(), signal.SIGKILL)
