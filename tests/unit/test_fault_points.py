"""Fault points do nothing unless tests arm them, and never in production."""

import os
import re
import subprocess
import sys

import pytest

from jobs import fault_points
from taskflow.supervisor.processes import ROOT
from tests.chaos.charges import Charge, Charges, Injected
from tests.chaos.schedule import schedule

APPS = ("jobs", "templates_app")


@pytest.fixture
def armed():
    reached: list[str] = []
    fault_points.arm(reached.append)
    yield reached
    fault_points.disarm()


@pytest.fixture
def charges(tmp_path):
    return Charges(tmp_path)


def charge(action="raise", **changes):
    fields = {"probability": 1.0, "times": 1, "seconds": 0.0, "number": 1, "seed": 7}
    return Charge(action=action, **{**fields, **changes})


def test_unarmed_points_do_nothing():
    for point in fault_points.POINTS:
        fault_points.reach(point)


def test_an_armed_point_says_where_it_is(armed):
    fault_points.reach(fault_points.RECORDER_BEFORE_COMMIT)
    assert armed == ["recorder.before_commit"]


def test_production_refuses_to_be_armed(settings):
    settings.PRODUCTION = True
    with pytest.raises(fault_points.RefusedInProduction):
        fault_points.arm(print)
    fault_points.reach(fault_points.API_AFTER_COMMIT)


def test_production_refuses_the_chaos_tests_settings():
    secrets = dict.fromkeys(("TASKFLOW_SECRET_KEY", "TASKFLOW_ENCRYPTION_KEYS"), "x" * 40)
    environment = {
        **os.environ,
        **secrets,
        "TASKFLOW_API_KEY_PEPPER": "y" * 40,
        "TASKFLOW_ALLOWED_HOSTS": "taskflow.example",
        "TASKFLOW_ENV": "production",
        "DJANGO_SETTINGS_MODULE": "tests.chaos.settings",
    }
    command = [sys.executable, "-c", "import django; django.setup()"]
    ended = subprocess.run(
        command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False
    )
    assert ended.returncode != 0
    assert "not for production" in ended.stderr


def test_the_platforms_own_settings_know_no_fault_points(settings):
    assert not hasattr(settings, "CHAOS_FAULT_POINTS")
    sources = (path.read_text() for path in (ROOT / "taskflow").rglob("*.py"))
    assert not any("fault_points" in source for source in sources)


def test_every_point_stands_in_the_code_and_every_reach_is_a_point():
    names = {name: getattr(fault_points, name) for name in dir(fault_points) if name.isupper()}
    names.pop("POINTS")
    assert set(names.values()) == set(fault_points.POINTS)
    reached = set()
    for app in APPS:
        for path in (ROOT / app).rglob("*.py"):
            reached |= set(re.findall(r"\breach(?:_point)?\(([A-Z_]+)\)", path.read_text()))
    assert reached == set(names)


def test_a_charge_hits_so_often_and_no_more(charges):
    charges.lay("here", charge(times=2))
    for _ in range(2):
        with pytest.raises(Injected):
            charges.reached("here")
    charges.reached("here")
    charges.reached("elsewhere")
    assert [(hit.point, hit.action, hit.pid) for hit in charges.hits(1)] == [
        ("here", "raise", os.getpid())
    ] * 2


def test_a_lifted_charge_hits_nobody_and_a_new_one_counts_anew(charges):
    charges.lay("here", charge())
    charges.lift("here")
    charges.reached("here")
    charges.lay("here", charge(number=2))
    with pytest.raises(Injected):
        charges.reached("here")
    assert len(list(charges.hits(2))) == 1
    assert not list(charges.hits(1))


def test_an_improbable_charge_spares_everybody(charges):
    charges.lay("here", charge(probability=0.0))
    for _ in range(50):
        charges.reached("here")


def test_a_charge_that_kills_ends_the_process(tmp_path):
    Charges(tmp_path).lay("here", charge("kill"))
    code = f"""
import pathlib
from tests.chaos.charges import Charges
Charges(pathlib.Path({str(tmp_path)!r})).reached("here")
"""
    ended = subprocess.run(
        [sys.executable, "-c", code], cwd=ROOT, env=dict(os.environ), check=False
    )
    assert ended.returncode == -9
    assert len(list(Charges(tmp_path).hits(1))) == 1


def test_a_schedule_follows_from_its_seed_and_a_long_one_has_every_kind():
    def told(seconds, seed):
        return [(round(one.at, 3), one.fault.name) for one in schedule(seconds, seed)]

    assert told(1800, 7) == told(1800, 7)
    assert told(1800, 7) != told(1800, 8)
    strikes = told(1800, 7)
    assert len(strikes) >= 150
    kinds = {name for _, name in strikes}
    assert len(kinds) > 50
    assert {name for _, name in told(60, 3)} >= {"wake a zombie", "kill worker-async"}
    for point in fault_points.POINTS:
        assert any(point in name for name in kinds)
