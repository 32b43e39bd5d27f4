"""Tries the sandbox before anything is entrusted to it: does it hold what it promises, here, now?

Kernels, containers and distributions switch off parts of it in many ways; what was tried needs no list
of them.
"""

from typing import Final

from jobs.handlers.command.allow_list import AllowList, parse_allow_list
from jobs.handlers.command.bubblewrap import ToolMissing, Tools, find_tools, sandbox_options
from jobs.handlers.command.limits import MIB
from jobs.handlers.command.sandbox import Order, SandboxFailed, run_sandboxed
from jobs.handlers.text import storable

_SECONDS: Final = 15.0
_PROCESSES: Final = 8
# Writes a word for everything that is open and should not be. The loop comes last: a shell that may
# not fork any more ends there, as it should; that one is killed with its sandbox.
_SCRIPT: Final = """
open() { echo "$1"; }
(: > /probe) 2>/dev/null && open writable_root
(: > /usr/probe) 2>/dev/null && open writable_programs
(: > /tmp/probe) 2>/dev/null || open no_place_for_files
[ -e /etc/passwd ] && open host_files
[ -e /home ] && open host_files
(: >> /proc/1/mem) 2>/dev/null && open process_one
[ $$ -lt 100 ] || open host_processes
[ "$(grep -c : /proc/net/dev)" = 1 ] || open network
[ "$(id -u)" = 65534 ] || open user
[ -z "$(env | grep ^TASKFLOW_)" ] || open environment
grep -q '^CapBnd:.*0000000000000000$' /proc/self/status || open capabilities
grep -q '^NoNewPrivs:.*1$' /proc/self/status || open privileges
grep -q '^Seccomp:.*2$' /proc/self/status || open system_calls
unshare --user true 2>/dev/null && open namespaces
[ "$(ulimit -v)" = MEMORY ] || open memory
echo tried
i=0
while [ $i -lt 40 ]; do sleep 60 & i=$((i+1)); done
open processes
"""


class SandboxUnavailable(RuntimeError):
    """No sandbox can be had on this machine, so no command runs; the message says why."""


async def tried_tools(allowed: AllowList) -> Tools:
    """Return the tools, after a run in which the sandbox was tight. Raises SandboxUnavailable."""
    try:
        tools = find_tools(allowed.bubblewrap)
        finished = await run_sandboxed(_order(tools), seconds=_SECONDS)
    except (ToolMissing, SandboxFailed) as error:
        raise SandboxUnavailable(f"Commands cannot run on this machine: {error}") from error
    open_ = finished.stdout.text().split()
    if "tried" not in open_:
        said = storable(finished.stderr.text().strip(), 300)
        raise SandboxUnavailable(f"The sandbox could not be tried: {said or 'no answer'}")
    open_.remove("tried")
    if open_:
        raise SandboxUnavailable(
            f"The sandbox does not hold on this machine ({', '.join(open_)}); no command runs. "
            "Linux 5.14 or newer with user namespaces is needed: docs/operations.md, Commands."
        )
    return tools


def _order(tools: Tools) -> Order:
    limits = {"processes": _PROCESSES, "memory_bytes": 256 * MIB, "cpu_seconds": 5}
    allowed = parse_allow_list(
        {"commands": {"probe": {"argv": ["/bin/sh"], "merchants": [], "limits": limits}}}
    )
    command = allowed.commands["probe"]
    script = _SCRIPT.replace("MEMORY", str(command.limits.memory_bytes // 1024))
    return Order(
        tools=tools,
        options=sandbox_options(command, {}),
        argv=("/bin/sh", "-c", script),
        limits=command.limits,
        output_limit=4096,
    )
