"""A verdict as Markdown; the last full run's goes into docs/reliability.md."""

from collections.abc import Iterator, Sequence

from benchmarks.machine import describe_machine
from benchmarks.report import replaced
from taskflow.supervisor.processes import ROOT
from tests.chaos.promises import PROMISES
from tests.chaos.verdict import Verdict

PAGE = ROOT / "docs" / "reliability.md"
CHAOS, MUTANTS = "chaos", "mutants"


def markdown(verdict: Verdict) -> list[str]:
    """Return the report's lines."""
    what = f"**{verdict.verdict}**, seed {verdict.seed}, {verdict.seconds:.0f} s of faults"
    return [
        f"{what}, on {describe_machine()}.",
        "",
        "| figure | |",
        "| --- | ---: |",
        *(f"| {name} | {value} |" for name, value in _figures(verdict)),
        "",
        "| promise | broken |",
        "| --- | ---: |",
        *(f"| {_words(name)} | {len(verdict.broken.get(name, ()))} |" for name in PROMISES),
        "",
        "| fault | fired |",
        "| --- | ---: |",
        *(f"| {name} | {count} |" for name, count in verdict.fired.items()),
        *_faults_of_the_run(verdict),
    ]


def publish(lines: Sequence[str], command: str, marker: str = CHAOS) -> None:
    """Write lines into their place on the page, with the command that made them."""
    page = PAGE.read_text(encoding="utf-8")
    told = [f"By `{command}`.", "", *lines]
    PAGE.write_text(replaced(page, marker, told), encoding="utf-8")


def _figures(verdict: Verdict) -> Iterator[tuple[str, str]]:
    yield "jobs (of templates)", f"{verdict.jobs:,} ({verdict.template_jobs:,})"
    yield "attempts", f"{verdict.attempts:,}"
    yield "calls that targets saw", f"{verdict.calls:,}"
    yield "faults that fired, of kinds", f"{verdict.faults:,}, {verdict.kinds_of_faults}"
    yield "jobs lost", f"{verdict.lost:,}"
    yield "jobs with two ends", f"{verdict.double_finals:,}"
    yield "unexplained duplicates", f"{verdict.unexplained_duplicates:,}"
    yield "repeated calls, each after a recorded loss", f"{verdict.explained_duplicates:,}"
    yield "attempts lost", f"{verdict.lost_attempts:,}"
    yield "zombies' writes refused", f"{verdict.refused_writes:,}"
    yield "jobs dead-lettered as poison", f"{verdict.poison:,}"
    yield (
        "API requests sent again; replayed answers",
        (f"{verdict.api_retries:,}; {verdict.api_replays:,}"),
    )
    yield "jobs a second: capacity, load", f"{verdict.capacity:.0f}, {verdict.rate:.0f}"
    yield "killed workers' jobs that started again", f"{verdict.recovered:,}"
    yield (
        "seconds until then: p50, p99, most",
        (
            f"{_seconds(verdict.recovery_p50)}, {_seconds(verdict.recovery_p99)}, "
            f"{_seconds(verdict.recovery_max)}"
        ),
    )
    yield "seconds to drain after healing", f"{verdict.drain_seconds:.1f}"


def _faults_of_the_run(verdict: Verdict) -> Iterator[str]:
    for name, sentences in verdict.broken.items():
        yield from ("", f"**{_words(name)}** is broken:", "")
        yield from (f"- {sentence}" for sentence in sentences[:20])
    for sentence in (*verdict.inconclusive_because, *verdict.problems):
        yield from ("", f"- {sentence}")


def _words(name: str) -> str:
    return name.replace("_", " ")


def _seconds(value: float | None) -> str:
    return "-" if value is None else f"{value:.1f}"
