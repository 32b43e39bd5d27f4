"""Where figures go: JSON beside the benchmarks, tables between the markers of docs/performance.md."""

from taskflow.supervisor.processes import ROOT

RESULTS = ROOT / "benchmarks" / "results"
PAGE = ROOT / "docs" / "performance.md"


def replaced(page: str, marker: str, lines: list[str]) -> str:
    """Return the page with the lines between the marker's two comments, all else as it was."""
    begin, end = f"<!-- {marker}: begin -->", f"<!-- {marker}: end -->"
    before, rest = page.split(begin)
    _, after = rest.split(end)
    return "\n".join([before + begin, *lines, end + after])
