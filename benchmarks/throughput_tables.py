"""The tables of `make bench` in Markdown."""

from collections.abc import Callable, Mapping

from benchmarks.bars import number
from benchmarks.part import Figures

Known = Mapping[str, Figures]
DURABLE = ("procrastinate",)
RAW_CELERY = ("celery-prefork", "celery-threads")


def verdict_lines(known: Known) -> list[str]:
    """Say when and where it was measured, what failed, and how TaskFlow compares."""
    latest = max(known.values(), key=lambda figures: str(figures["when"]))
    last = known.get("taskflow", latest)
    lines = [f"Measured {last['run']} on {last['machine']} by `make bench`.", ""]
    strangers = [
        f"{name} ({figures['run']})"
        for name, figures in known.items()
        if figures["run"] != last["run"]
    ]
    if strangers:
        lines += [f"Not of the same run: {', '.join(strangers)}.", ""]
    return lines + [f"- {line}" for line in _comparisons(known)]


def peers_table(queues: Known, ceiling: Figures | None) -> list[str]:
    """One row a queue. CPU is of workers, client and servers together, the target's left out."""
    lines = [
        "| | no-op/s | HTTP/s | start p50, p99 (ms) | CPU ms per no-op, HTTP job | SQL statements, Valkey commands per no-op | memory, MB (PSS): no-op, HTTP |",
        "| --- | --- | --- | --- | --- | --- | --- |",
    ]
    lines += [_row(figures) for figures in queues.values()]
    if ceiling and "post" in ceiling:
        post = ceiling["post"]
        rate, cpu = number(post["per_second"]), post["cpu"]
        lines.append(f"| {ceiling['title']} | | {rate} | | {cpu} | | |")
    taskflow = queues.get("taskflow", {})
    if "backlog" in taskflow:
        backlog, created = taskflow["backlog"], taskflow["latency_ms"]["from_creation"]
        besides = (
            f"TaskFlow besides: its API accepted {number(taskflow['noop']['accepted_per_second'])} "
            f"no-op jobs/s meanwhile; {backlog['jobs']:,} jobs that fall due at once ran at "
            f"{number(backlog['per_second'])} jobs/s; from the row's creation to its claim by a "
            f"worker {created['median']} ms at p50, {created['p99']} ms at p99."
        )
        lines += ["", besides, "", _processor_time(taskflow)]
    return lines


def _processor_time(taskflow: Figures) -> str:
    each = [
        f"{work} {taskflow[name]['cpu_workers']} ms in its own processes (API, populator, worker), "
        f"{taskflow[name]['cpu_postgres']} in PostgreSQL, {taskflow[name]['cpu_client']} in the "
        f"producer and {taskflow[name]['cpu_valkey']} in Valkey"
        for name, work in (("noop", "a no-op takes"), ("post", "an HTTP job"))
    ]
    return f"Where TaskFlow's processor time goes: {'; '.join(each)}."


def durability_table(queues: Known) -> list[str]:
    """One row a queue: versions, configuration, and what survives a crash."""
    lines = ["| | versions | configuration | what survives a crash |", "| --- | --- | --- | --- |"]
    for figures in queues.values():
        if "durability" in figures:
            versions = ", ".join(f"{name} {value}" for name, value in figures["versions"].items())
            lines.append(
                f"| {figures['title']} | {versions or 'this tree'} | {figures['configuration']} "
                f"| {figures['durability']} |"
            )
    return lines


def flood_table(figures: Figures) -> list[str]:
    """Say how late the others' jobs start, each round of them, in seconds."""
    if "failed" in figures:
        return [f"Failed: {figures['failed']}"]
    calm, flooded = (sorted(each["p99"] for each in figures[name]) for name in ("calm", "flooded"))
    of_calm, of_flooded = calm[len(calm) // 2], flooded[len(flooded) // 2]
    beside = f"beside {figures['flood']:,} due jobs of another"
    return [
        f"Measured {figures['when']} on {figures['machine']}.",
        "",
        f"| p99 of {figures['merchants'] * figures['each']:,} jobs, seconds | rounds | median |",
        "| --- | --- | --- |",
        f"| without the flood | {', '.join(map(str, calm))} | {of_calm} |",
        f"| {beside} | {', '.join(map(str, flooded))} | {of_flooded} |",
        "",
        f"That is **{of_flooded / of_calm:.1f} times** as late.",
    ]


def waiting_table(figures: Figures) -> list[str]:
    """One column a number of waiting jobs."""
    lines = [f"Measured {figures['when']} on {figures['machine']} by `make bench`.", ""]
    if "failed" in figures:
        return [*lines, f"Failed: {_cell(figures['failed'])}"]
    levels = figures["levels"]
    rows: dict[str, Callable[[Figures], str]] = {
        "no-op jobs/s": lambda f: number(f["noop"]["per_second"]),
        "HTTP jobs/s": lambda f: number(f["post"]["per_second"]),
        "start p50, p99 (ms)": lambda f: _latency(f["latency_ms"]),
        "creation to claim p50, p99 (ms)": lambda f: _latency(f["latency_ms"]["from_creation"]),
        "CPU ms per no-op, HTTP job": lambda f: f"{f['noop']['cpu']}, {f['post']['cpu']}",
        "SQL statements per no-op, HTTP job": lambda f: (
            f"{f['noop']['statements']}, {f['post']['statements']}"
        ),
        "memory, MB (PSS)": lambda f: f"{f['noop']['memory_mb']['pss']:,.0f}",
    }
    lines.append("| waiting jobs | " + " | ".join(f"{f['waiting']:,}" for f in levels) + " |")
    lines.append("| --- |" + " --- |" * len(levels))
    for name, cell in rows.items():
        lines.append(f"| {name} | " + " | ".join(cell(f) for f in levels) + " |")
    first, last = levels[0], levels[-1]
    share = last["noop"]["per_second"] / first["noop"]["per_second"]
    kept = (
        f"No-op throughput with {last['waiting']:,} waiting jobs is **{share:.0%}** of that with "
        f"{first['waiting']:,}."
    )
    return [*lines, "", kept]


def _comparisons(known: Known) -> list[str]:
    lines = [
        f"{name} failed: {_cell(figures['failed'])}"
        for name, figures in known.items()
        if "failed" in figures
    ]
    taskflow = known.get("taskflow", {})
    if "noop" not in taskflow:
        return lines
    ours = taskflow["noop"]["per_second"]
    peers = {
        name: figures
        for name, figures in known.items()
        if name not in ("taskflow", "ceiling", "waiting", "flood") and "noop" in figures
    }
    raw = {name: figures for name, figures in peers.items() if name in RAW_CELERY}
    durable = {name: figures for name, figures in peers.items() if name in DURABLE}
    compared = (
        ("raw Celery's faster pool", raw),
        ("the fastest peer", peers),
        ("the fastest whose jobs are durable rows as well", durable),
    )
    for named, among in compared:
        if among:
            best = max(among.values(), key=lambda figures: float(figures["noop"]["per_second"]))
            times = ours / best["noop"]["per_second"]
            lines.append(f"No-ops: **{times:.1f} times** {named} ({best['title']}).")
    ceiling = known.get("ceiling", {})
    if "post" in ceiling:
        share = taskflow["post"]["per_second"] / ceiling["post"]["per_second"]
        lines.append(f"HTTP: **{share:.0%}** of what a bare aiohttp client reaches.")
    latency = taskflow["latency_ms"]
    created = latency["from_creation"]["p99"]
    lines.append(
        f"Idle: a job starts {latency['p99']} ms after the producer's call at p99, "
        f"**{created} ms** after its creation."
    )
    return lines


def _row(figures: Figures) -> str:
    title = figures["title"]
    if "failed" in figures:
        return f"| {title} | failed | | | | | |"
    noop, post = figures["noop"], figures["post"]
    return (
        f"| {title} | {number(noop['per_second'])} | {number(post['per_second'])} "
        f"| {_latency(figures['latency_ms'])} | {noop['cpu']}, {post['cpu']} "
        f"| {noop['statements']}, {noop['commands']} "
        f"| {noop['memory_mb']['pss']:,.0f}, {post['memory_mb']['pss']:,.0f} |"
    )


def _latency(spread: Figures) -> str:
    return f"{spread['median']}, {spread['p99']}"


def _cell(text: str) -> str:
    return text.replace("|", "/").replace("<", "(")[:200]
