"""JSON as people like to read and edit it: what matters first, short lists on one line."""

import json
from typing import Any

LONGEST_LINE = 72  # characters
# PostgreSQL's jsonb keeps no order of keys.
_FIRST = ("kind",)
_LAST = ("timezone", "day_match", "dst_gap", "dst_overlap")


def written(value: Any, depth: int = 0) -> str:
    """Return a JSON value as text; `depth` is how many levels it is indented by."""
    if not isinstance(value, dict | list) or not value:
        return json.dumps(value, ensure_ascii=False)
    children = value.values() if isinstance(value, dict) else value
    if depth and not any(isinstance(child, dict | list) for child in children):
        line = json.dumps(_ordered(value), ensure_ascii=False)
        if len(line) + 2 * depth <= LONGEST_LINE:
            return line
    opening, closing = "{}" if isinstance(value, dict) else "[]"
    margin = "  " * (depth + 1)
    lines = ",\n".join(margin + part for part in _parts(value, depth + 1))
    return f"{opening}\n{lines}\n{'  ' * depth}{closing}"


def _parts(value: Any, depth: int) -> list[str]:
    if isinstance(value, list):
        return [written(child, depth) for child in value]
    return [
        f"{json.dumps(name, ensure_ascii=False)}: {written(child, depth)}"
        for name, child in _ordered(value).items()
    ]


def _ordered(value: Any) -> Any:
    """Return an object with its keys in the order of reading; anything else as it is."""
    if not isinstance(value, dict):
        return value
    return dict(sorted(value.items(), key=lambda item: _place(item[0])))


def _place(name: str) -> int:
    if name in _FIRST:
        return -1
    return _LAST.index(name) + 1 if name in _LAST else 0
