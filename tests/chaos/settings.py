"""TaskFlow's settings with fault points armed. Only the chaos test starts processes with these."""

import os

from taskflow.env import ConfigurationError
from taskflow.settings import *  # noqa: F403
from taskflow.settings import INSTALLED_APPS as _APPS
from taskflow.settings import PRODUCTION as _PRODUCTION

if _PRODUCTION:
    raise ConfigurationError(["The chaos test's settings are not for production."])
INSTALLED_APPS = [*_APPS, "tests.chaos.apps.ChaosConfig"]
# The folder that says what happens at which fault point (tests.chaos.charges).
CHAOS_FAULT_POINTS = os.environ.get("TASKFLOW_FAULT_POINTS", "")
