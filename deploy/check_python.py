"""Say in one sentence what the interpreter that `make` found lacks. Runs on any Python 3."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the very check
    sys.exit(
        "TaskFlow needs Python 3.11 or newer; %s is %d.%d. Name another one: make PYTHON=python3.12 up"
        % (sys.executable, sys.version_info[0], sys.version_info[1])
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        "%s lacks the modules venv and ensurepip. On Debian and Ubuntu: apt install python3-venv"
        % sys.executable
    )
