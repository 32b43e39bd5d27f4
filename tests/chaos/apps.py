"""Arms the fault points of each process that is started with the chaos test's settings."""

from pathlib import Path

from django.apps import AppConfig
from django.conf import settings

from jobs import fault_points
from tests.chaos.charges import Charges


class ChaosConfig(AppConfig):
    name = "tests.chaos"
    label = "chaos"

    def ready(self) -> None:
        """Arm, when the environment names a folder."""
        folder: str = getattr(settings, "CHAOS_FAULT_POINTS", "")
        if folder:
            fault_points.arm(Charges(Path(folder)).reached)
