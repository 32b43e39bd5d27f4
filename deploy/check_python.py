"""Say in one sentence what the interpreter that `make` found lacks. Runs on Python 3.6 and newer."""

import sys

if sys.version_info < (3, 11):  # noqa: UP036 - the very check
    found = f"{sys.executable} is {sys.version_info[0]}.{sys.version_info[1]}"
    sys.exit(
        f"TaskFlow needs Python 3.11 or newer; {found}. Name another: make PYTHON=python3.12 up"
    )
try:
    import ensurepip  # noqa: F401
    import venv  # noqa: F401
except ImportError:
    sys.exit(
        f"{sys.executable} lacks the modules venv and ensurepip. "
        "On Debian and Ubuntu: apt install python3-venv"
    )
