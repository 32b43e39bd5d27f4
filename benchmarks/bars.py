"""A bar chart as SVG, written by hand: the product needs no plotting library for it."""

from collections.abc import Sequence
from dataclasses import dataclass
from xml.sax.saxutils import escape

WIDTH, LABEL, ROW, TOP, GAP = 760, 230, 22, 56, 36
VALUE = 90  # room for the number behind the longest bar
OURS, THEIRS = "#0f766e", "#94a3b8"


@dataclass(frozen=True, kw_only=True)
class Bar:
    """One value; `ours` has the other colour. None is drawn as a failure."""

    label: str
    value: float | None
    ours: bool = False


@dataclass(frozen=True, kw_only=True)
class Group:
    """Bars with one scale, from 0, and a heading."""

    heading: str
    bars: Sequence[Bar]


def bar_chart(title: str, groups: Sequence[Group]) -> str:
    """Return the SVG document, on a white ground: readable on light and dark pages."""
    parts: list[str] = []
    y = TOP
    for group in groups:
        parts.append(_text(8, y, group.heading, weight="bold"))
        y += 10
        longest = max((bar.value or 0.0 for bar in group.bars), default=0.0) or 1.0
        for bar in group.bars:
            parts += _row(bar, y, longest)
            y += ROW
        y += GAP
    height = y - GAP + 12
    size = f'viewBox="0 0 {WIDTH} {height}" width="{WIDTH}" height="{height}"'
    font = 'font-family="sans-serif" font-size="13"'
    lines = [
        f'<svg xmlns="http://www.w3.org/2000/svg" {size} role="img" {font}>',
        f"<title>{escape(title)}</title>",
        f'<rect width="{WIDTH}" height="{height}" fill="#ffffff"/>',
        _text(8, 24, title, weight="bold", size=15),
        *parts,
        "</svg>",
    ]
    return "\n".join(lines) + "\n"


def _row(bar: Bar, y: int, longest: float) -> list[str]:
    label = _text(LABEL - 8, y + 15, bar.label, anchor="end")
    if bar.value is None:
        return [label, _text(LABEL, y + 15, "failed")]
    width = max(1.0, bar.value / longest * (WIDTH - LABEL - VALUE))
    colour = OURS if bar.ours else THEIRS
    rect = f'<rect x="{LABEL}" y="{y + 3}" width="{width:.1f}" height="{ROW - 6}" fill="{colour}"/>'
    return [label, rect, _text(LABEL + width + 6, y + 15, number(bar.value))]


def _text(
    x: float, y: float, text: str, *, weight: str = "normal", anchor: str = "start", size: int = 13
) -> str:
    style = f'font-weight="{weight}" text-anchor="{anchor}" font-size="{size}"'
    return f'<text x="{x:.1f}" y="{y}" {style} fill="#0f172a">{escape(text)}</text>'


def number(value: float) -> str:
    """Return the value with thousands separated, and with decimals only when it is small."""
    return f"{value:,.0f}" if value >= 100 else f"{value:,.1f}"
