"""The tables of docs/performance.md about templates, in Markdown."""

from collections.abc import Mapping, Sequence

from benchmarks.part import Figures

WORKER = "worker-control"
# The longest bar of a histogram, in characters.
BAR = 40


def expansion(f: Figures) -> list[str]:
    """Ticks, edits and memory."""
    rows = [
        ["a tick with nothing due", *_spread(f["idle_ms"])],
        ["the same, right after the ticks below", *_spread(f["idle_after_ms"])],
        *(
            [f"a tick with {due:,} templates due, in one process", *_spread(f[f"due_{due}_ms"])]
            for due in (1_000, 10_000)
            if f"due_{due}_ms" in f
        ),
        *(
            [f"the same {due:,}, by the control worker", *_spread(f[f"shared_{due}_ms"])]
            for due in (1_000, 10_000)
            if f"shared_{due}_ms" in f
        ),
        ["an edit: new recurrence, waiting job replaced", *_spread(f["edit_ms"])],
        ["a pause, waiting job withdrawn", *_spread(f["pause_ms"])],
        ["a resume, next job planned", *_spread(f["resume_ms"])],
    ]
    statements = f["statements"]
    counted = ", ".join(f"{statements[due]} for {due}" for due in statements if due.isdigit())
    minutes = "; ".join(f"{one['jobs']:,} jobs in {one['ms']:,.0f} ms" for one in f["minutes"])
    rows_in = (
        f"{f['templates']:,} active templates with {f['recurrences']:,} different recurrences, one "
        f"waiting job each (loaded in {f['load_seconds']:,.0f} s)."
    )
    counts = (
        f"Statements of one step, by the number of due templates: {counted}. "
        f"Of an edit: {statements['edit']}."
    )
    return [
        rows_in,
        "",
        *_table(["milliseconds", "median", "p99", "worst"], rows),
        "",
        counts,
        "",
        f"What falls due by itself, minute by minute: {minutes}.",
        "",
        *_memory_table(f["memory_few"], f["memory_all"]),
    ]


def scheduler(f: Figures) -> list[str]:
    """What DatabaseScheduler does instead."""
    edit = f["edit_ms"]
    return _table(
        [f"django-celery-beat, {f['tasks']:,} periodic tasks", "value"],
        [
            [
                "one edit, until a tick has it (median; worst)",
                f"**{edit['median']:,.0f} ms**; {edit['worst']:,.0f} ms",
            ],
            ["entries that it keeps (the others' hour is not near)", f"{f['loaded']:,}"],
            ["first tick", f"{f['first_tick_ms']:,} ms"],
            ["resident memory before", _megabytes(f["memory_before"])],
            ["resident memory afterwards", f"**{_megabytes(f['memory'])}**"],
        ],
    )


def recurrences(f: Figures) -> list[str]:
    """Parse and next per second."""
    cron = f["cron"]
    rows = [
        [
            f"cron, {cron['expressions']:,} expressions, {cron['zones']} zones",
            f"{cron['cached']:,}",
            f"{cron['cold']:,}",
            f"cronsim {cron['cronsim']:,}; croniter {cron['croniter']:,}",
        ],
        *(
            [
                f"RRULEs, {one['years']} years from DTSTART",
                f"{one['cached']:,}",
                f"{one['cold']:,}",
                f"dateutil {one['dateutil']:,}",
            ]
            for one in f["rrule"]
        ),
    ]
    asked = f["occurrences"]
    lines = (
        f"`manage.py occurrences` answers {asked['lines']:,} lines of the mix in "
        f"**{asked['seconds']} s**, its start included (runs: {', '.join(map(str, asked['runs']))})."
    )
    return [
        *_table(["parse and next, per second", "known", "never seen", "others"], rows),
        "",
        lines,
    ]


def lateness(f: Figures) -> list[str]:
    """Started minus due."""
    alone, together = f["alone"], f["together"]
    many = f"{together['templates']} templates in the same second, {together['runs']:,} runs"
    rounds = ", ".join(f"{p99:.0f}" for p99 in together["p99_of_rounds"])
    return [
        *_table(
            ["milliseconds from due to claimed by a worker", "median", "p99", "worst"],
            [
                [f"one template alone, {alone['runs']} runs", *_spread(alone)],
                ["of which until handed to the broker", *_spread(alone["queued"])],
                [many, *_spread(together)],
                ["of which until handed to the broker", *_spread(together["queued"])],
            ],
        ),
        "",
        f"p99 of each round of {together['templates']}, in milliseconds: {rounds}.",
        "",
        f"{many}:",
        "",
        "```text",
        *_bars(together["histogram"]),
        "```",
    ]


def _bars(histogram: Mapping[str, int]) -> list[str]:
    most = max(histogram.values()) or 1
    return [
        f"{'over' if name == 'more' else 'up to':>5} {'' if name == 'more' else name:>8} "
        f"{number:>6,} {'#' * round(BAR * number / most)}".rstrip()
        for name, number in histogram.items()
    ]


def _table(head: Sequence[str], rows: Sequence[Sequence[str]]) -> list[str]:
    return [
        f"| {' | '.join(head)} |",
        f"| {' | '.join('---' for _ in head)} |",
        *(f"| {' | '.join(row)} |" for row in rows),
    ]


def _spread(figures: Mapping[str, float]) -> list[str]:
    numbers = [figures[name] for name in ("median", "p99", "worst")]
    shown = [f"{number:,.1f}" if number < 1_000 else f"{number:,.0f}" for number in numbers]
    return [f"**{shown[0]}**", *shown[1:]]


def _memory_table(few: Figures, many: Figures) -> list[str]:
    rows = [
        ("beat, idle ticks", "beat", "idle", 0),
        ("control worker, idle ticks", WORKER, "idle", 0),
    ]
    last = few["rounds"] - 1
    rows += [
        (f"control worker, {_expanded(few, many, turn)}", WORKER, "after", turn)
        for turn in (0, last)
    ]
    rows.append((f"beat, {_expanded(few, many, last)}", "beat", "after", last))
    return _table(
        ["resident memory, MB (PSS)", f"{few['templates']:,}", f"{many['templates']:,}"],
        [
            [title, *(_megabytes(_reading(side, when, turn)[name]) for side in (few, many))]
            for title, name, when, turn in rows
        ],
    )


def _reading(side: Figures, when: str, turn: int) -> Figures:
    return dict(side["idle"] if when == "idle" else side["after"][turn])


def _megabytes(memory: Mapping[str, float]) -> str:
    return f"{memory['rss']:.0f} ({memory['pss']:.0f})"


def _expanded(few: Figures, many: Figures, turn: int) -> str:
    return f"{few['due'] * (turn + 1):,} and {many['due'] * (turn + 1):,} expanded"
