"""JSON Merge Patch (RFC 7386), and what differs between two JSON values. Pure."""

import json
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any, Final

MOST_DIFFERENCES: Final = 200
_ABSENT = object()


@dataclass(frozen=True, slots=True)
class Difference:
    """One place that differs: a JSON pointer (RFC 6901); `kind` is added, removed or changed."""

    path: str
    kind: str
    before: Any = None
    after: Any = None

    @property
    def before_text(self) -> str:
        """What was there, as JSON on one line."""
        return json.dumps(self.before, ensure_ascii=False)

    @property
    def after_text(self) -> str:
        """What is there instead, as JSON on one line."""
        return json.dumps(self.after, ensure_ascii=False)


def merged(target: Any, patch: Any) -> Any:
    """Return `target` with the merge patch applied; a null takes a member away. Changes neither."""
    if not isinstance(patch, dict):
        return patch
    kept = dict(target) if isinstance(target, dict) else {}
    for name, value in patch.items():
        if value is None:
            kept.pop(name, None)
        else:
            kept[name] = merged(kept.get(name), value)
    return kept


def differences(before: Any, after: Any) -> list[Difference]:
    """Return what differs, in the order of the pointers, at most MOST_DIFFERENCES places."""
    found = []
    for difference in _walk("", before, after):
        found.append(difference)
        if len(found) == MOST_DIFFERENCES:
            break
    return found


def _walk(path: str, before: Any, after: Any) -> Iterator[Difference]:
    if isinstance(before, dict) and isinstance(after, dict):
        for name in sorted(before.keys() | after.keys()):
            token = name.replace("~", "~0").replace("/", "~1")
            yield from _walk(f"{path}/{token}", before.get(name, _ABSENT), after.get(name, _ABSENT))
    elif before is _ABSENT:
        yield Difference(path, "added", after=after)
    elif after is _ABSENT:
        yield Difference(path, "removed", before=before)
    elif not _same(before, after):
        yield Difference(path, "changed", before=before, after=after)


def _same(one: Any, other: Any) -> bool:
    """Python calls 1 and true equal; a target does not."""
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(one[name], other[name]) for name in one)
    return isinstance(one, bool) == isinstance(other, bool) and bool(one == other)
