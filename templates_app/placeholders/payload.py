"""A whole payload: found placeholders at creation, filled in at each run."""

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

from .context import Context
from .errors import PlaceholderError
from .strings import TemplatedString, read_string

MAX_PLACEHOLDERS = 1_000
MAX_FAULTS = 20
MAX_GROWTH = 64 * 1024


@dataclass(frozen=True, slots=True)
class _Copy:
    """A container that holds a placeholder somewhere below, and where its copy hangs."""

    original: Any
    parent: int
    key: str | int


@dataclass(frozen=True, slots=True)
class _Spot:
    """A string with placeholders, and the container it hangs in."""

    container: int
    key: str | int
    frame: "_Frame"
    string: TemplatedString


@dataclass(frozen=True, slots=True)
class Rendering:
    """A checked payload. `uses` holds the names that its placeholders speak of."""

    payload: Any
    uses: frozenset[str]
    _copies: tuple[_Copy, ...] = field(repr=False)
    _spots: tuple[_Spot, ...] = field(repr=False)

    @property
    def is_plain(self) -> bool:
        """Whether every run has the payload as it was written."""
        return not self._spots

    def render(self, context: Context) -> Any:
        """Return the payload of one run; the same for the same context, at any time.

        Parts without placeholders are shared with the payload, so treat the result as read-only.
        Raises `PlaceholderError`: `too_long` when the text grows by more than 64 KiB of UTF-8
        over the source, `out_of_range` when a time leaves the years 1 to 9999.
        """
        if self.is_plain:
            return self.payload
        copies: list[Any] = []
        for each in self._copies:
            copied = each.original.copy()
            if copies:
                copies[each.parent][each.key] = copied
            copies.append(copied)
        growth = 0
        for spot in self._spots:
            value = _value(spot, context)
            copies[spot.container][spot.key] = value
            if isinstance(value, str):
                growth += _size(value) - _size(spot.string.source)
                if growth > MAX_GROWTH:
                    raise _too_long(spot)
        return copies[0][0]


def _value(spot: _Spot, context: Context) -> Any:
    try:
        return spot.string.render(context)
    except OverflowError as error:
        raise PlaceholderError(
            "out_of_range",
            "A time leaves the years 1 to 9999.",
            hint="Add or subtract less.",
            pointer=_pointer(spot.frame, spot.key),
        ) from error


def _size(text: str) -> int:
    return len(text) if text.isascii() else len(text.encode("utf-8", "surrogatepass"))


def _too_long(spot: _Spot) -> PlaceholderError:
    return PlaceholderError(
        "too_long",
        "The placeholders make the payload more than 64 KiB longer than it was written.",
        hint="Use fewer placeholders or shorter names.",
        pointer=_pointer(spot.frame, spot.key),
    )


class _Frame:
    """A container on the way through the payload; `number` is that of its copy, once it has one."""

    __slots__ = ("container", "key", "number", "parent")

    def __init__(self, container: Any, parent: "_Frame | None", key: str | int) -> None:
        self.container = container
        self.parent = parent
        self.key = key
        self.number = -1


_Found = tuple[_Frame, str | int, TemplatedString]


def compile_payload(payload: Any) -> Rendering:
    """Return the payload with its placeholders checked.

    Raises `PlaceholderError`, the first fault in the order of the document, with up to 20 faults
    in its `faults`. Costs one look at each string when there are no placeholders.
    """
    # The root hangs in a list of its own: a payload that is one string is then no exception.
    root = _Frame([payload], None, 0)
    found: list[_Found] = []
    faults: list[PlaceholderError] = []
    for frame, key, source in _strings(root):
        try:
            string = read_string(source)
        except PlaceholderError as fault:
            faults.append(fault.at(_pointer(frame, key)))
            if len(faults) == MAX_FAULTS:
                break
            continue
        if string is not None:
            found.append((frame, key, string))
    if faults:
        faults[0].faults = tuple(faults)
        raise faults[0]
    return _rendering(payload, found)


def _rendering(payload: Any, found: list[_Found]) -> Rendering:
    copies: list[_Copy] = []
    spots: list[_Spot] = []
    uses: set[str] = set()
    count = 0
    for frame, key, string in found:
        spots.append(_Spot(_number(frame, copies), key, frame, string))
        count += len(string.expressions)
        for each in string.expressions:
            uses |= each.uses
    _refuse_many(count)
    return Rendering(payload, frozenset(uses), tuple(copies), tuple(spots))


def _refuse_many(count: int) -> None:
    if count > MAX_PLACEHOLDERS:
        raise PlaceholderError(
            "too_many",
            f"The payload holds {count:,} placeholders.",
            hint=f"At most {MAX_PLACEHOLDERS:,} are allowed; split the template.",
        )


def _strings(root: _Frame) -> Iterator[tuple[_Frame, str | int, str]]:
    """Yield each string that may hold a placeholder, in order; no recursion, however deep."""
    stack = [(root, _children(root.container))]
    while stack:
        frame, children = stack[-1]
        for key, value in children:
            if isinstance(value, str):
                if "{{" in value or "{%" in value:
                    yield frame, key, value
            elif isinstance(value, dict | list):
                inner = _Frame(value, frame, key)
                stack.append((inner, _children(value)))
                break
        else:
            stack.pop()


def _children(container: Any) -> Iterator[tuple[str | int, Any]]:
    return iter(container.items() if isinstance(container, dict) else enumerate(container))


def _number(frame: _Frame, copies: list[_Copy]) -> int:
    """Return the number of the container's copy, adding it and those above it when missing."""
    missing = []
    at: _Frame | None = frame
    while at is not None and at.number < 0:
        missing.append(at)
        at = at.parent
    for each in reversed(missing):
        each.number = len(copies)
        parent = each.parent.number if each.parent else 0
        copies.append(_Copy(each.container, parent, each.key))
    return frame.number


def _pointer(frame: _Frame, key: str | int) -> str:
    """Return the JSON pointer (RFC 6901) of what hangs in `frame` under `key`."""
    parts = []
    at, name = frame, key
    while at.parent is not None:
        parts.append(str(name).replace("~", "~0").replace("/", "~1"))
        at, name = at.parent, at.key
    return "".join(f"/{part}" for part in reversed(parts))
