"""What `make bench` writes: tables between markers, and bars."""

import os
import subprocess
import sys
from importlib.util import find_spec
from typing import Any
from xml.etree import ElementTree as ET

import pytest

from benchmarks.bars import Bar, Group, bar_chart
from benchmarks.costs import Costs, cpu_seconds
from benchmarks.peers.names import PEERS
from benchmarks.report import PAGE, replaced
from benchmarks.throughput_report import blocks
from benchmarks.trial import SLOTS


def figures(title: str, noop: float, **more: Any) -> dict[str, Any]:
    load = {
        "per_second": noop,
        "accepted_per_second": noop,
        "cpu": 1.5,
        "cpu_workers": 0.7,
        "cpu_postgres": 0.5,
        "cpu_client": 0.2,
        "cpu_valkey": 0.1,
        "statements": 0.2,
        "commands": 3.0,
        "memory_mb": {"rss": 90.0, "pss": 70.0},
    }
    latency = {"median": 2.0, "p99": 9.0, "from_creation": {"median": 1.0, "p99": 7.0}}
    return {
        "run": "2026-01-02T03:04:05+00:00",
        "when": "2026-01-02T03:14:05+00:00",
        "machine": "a machine",
        "title": title,
        "configuration": "as advised",
        "durability": "none",
        "versions": {"a-queue": "1.2.3"},
        "noop": load,
        "post": {**load, "per_second": noop / 2},
        "latency_ms": latency,
        **more,
    }


def known() -> dict[str, dict[str, Any]]:
    return {
        "ceiling": {**figures("the ceiling", 0.0), "post": {"per_second": 2000.0, "cpu": 0.4}},
        "taskflow": figures("TaskFlow", 3000.0, backlog={"jobs": 10, "per_second": 3100.0}),
        "celery-prefork": figures("Celery, prefork", 300.0),
        "celery-threads": figures("Celery, threads", 600.0),
        "huey": figures("Huey", 1000.0),
    }


def test_taskflow_is_compared_with_the_faster_celery_and_the_fastest_peer() -> None:
    text = "\n".join(blocks(known())["throughput"])

    assert "**5.0 times** raw Celery's faster pool (Celery, threads)" in text
    assert "**3.0 times** the fastest peer (Huey)" in text
    assert "HTTP: **75%**" in text
    assert "| Huey | 1,000 | 500 |" in text


def test_a_peer_that_failed_is_told_and_the_others_keep_their_rows() -> None:
    parts = known()
    failed = {name: parts["huey"][name] for name in ("run", "when", "machine")}
    parts["huey"] = {**failed, "title": "huey", "failed": "it broke | badly"}

    text = "\n".join(blocks(parts)["throughput"])

    assert "- huey failed: it broke / badly" in text
    assert "| huey | failed |" in text
    assert "**5.0 times** the fastest peer (Celery, threads)" in text
    assert "| Celery, prefork | 300 |" in text


def test_figures_of_another_run_are_named() -> None:
    parts = known()
    parts["huey"]["run"] = parts["huey"]["when"] = "2025-12-31T00:00:00+00:00"

    assert "Not of the same run: huey (2025-12-31T00:00:00+00:00)." in blocks(parts)["throughput"]


def test_throughput_with_most_waiting_jobs_is_compared_with_the_least() -> None:
    levels = [{**figures("TaskFlow", 2000.0), "waiting": 10_000}]
    levels += [{**figures("TaskFlow", 1800.0), "waiting": 1_000_000}]
    waiting = {**figures("TaskFlow", 0.0), "levels": levels}

    text = "\n".join(blocks({"waiting": waiting})["waiting"])

    assert "| waiting jobs | 10,000 | 1,000,000 |" in text
    assert "with 1,000,000 waiting jobs is **90%** of that with 10,000." in text


def test_the_page_has_each_marker_and_keeps_what_is_around_it() -> None:
    page = PAGE.read_text(encoding="utf-8")
    waiting = {**figures("TaskFlow", 0.0), "failed": "no room"}
    for marker, lines in blocks({**known(), "waiting": waiting}).items():
        changed = replaced(page, marker, lines)
        before, _, _ = page.partition(f"<!-- {marker}: begin -->")
        _, _, after = page.partition(f"<!-- {marker}: end -->")
        assert changed.startswith(before)
        assert changed.endswith(after)
        assert "\n".join(lines) in changed


def test_a_bar_chart_is_xml_whose_longest_bar_is_the_largest_value() -> None:
    bars = [Bar(label="<ours> & more", value=100.0, ours=True), Bar(label="b", value=25.0)]
    bars.append(Bar(label="c", value=None))

    root = ET.fromstring(bar_chart("a < b", [Group(heading="one", bars=bars)]))

    widths = [float(rect.attrib["width"]) for rect in root.iter("{http://www.w3.org/2000/svg}rect")]
    assert widths[1] == pytest.approx(4 * widths[2], rel=0.01)
    assert "failed" in [text.text for text in root.iter("{http://www.w3.org/2000/svg}text")]


@pytest.mark.parametrize("name", sorted(PEERS))
def test_each_peer_has_its_module(name: str) -> None:
    assert find_spec(f"benchmarks.peers.{PEERS[name][0]}") is not None


def test_everybody_may_make_as_many_requests_at_once() -> None:
    slots = SLOTS["post"]

    assert slots.total == slots.forks
    assert slots.processes * slots.threads <= slots.total


def test_processor_time_of_children_that_ended_is_counted() -> None:
    before = cpu_seconds(os.getpid())
    burn = "import time\nwhile time.process_time() < 0.3: pass"
    subprocess.run([sys.executable, "-c", burn], check=True)

    assert cpu_seconds(os.getpid()) - before >= 0.25


def test_costs_are_told_for_each_job() -> None:
    before = Costs(
        cpu_workers=1.0,
        cpu_client=0.0,
        cpu_postgres=2.0,
        cpu_valkey=0.0,
        statements=10,
        commands=5,
    )
    after = Costs(
        cpu_workers=2.0,
        cpu_client=0.5,
        cpu_postgres=2.0,
        cpu_valkey=0.0,
        statements=30,
        commands=5,
    )

    found = after.since(before, jobs=100)

    assert found["cpu_workers"] == 10.0
    assert found["cpu"] == 15.0
    assert found["statements"] == 0.2
    assert found["commands"] == 0.0


def test_lateness_beside_a_flood_is_compared_by_the_median_round() -> None:
    calm, flooded = (
        [{"p99": late} for late in rounds] for rounds in ((1.0, 0.5, 2.0), (3, 1, 1.5))
    )
    flood = {
        **figures("TaskFlow", 0.0),
        "machine": "a machine",
        "flood": 100_000,
        "merchants": 19,
        "each": 100,
        "calm": calm,
        "flooded": flooded,
    }
    text = "\n".join(blocks({"flood": flood})["flood"])
    assert "| without the flood | 0.5, 1.0, 2.0 | 1.0 |" in text
    assert "| beside 100,000 due jobs of another | 1, 1.5, 3 | 1.5 |" in text
    assert "**1.5 times** as late" in text
