"""Time formats: a subset of strftime that reads the same on every machine and locale."""

import re
from collections.abc import Callable
from datetime import datetime
from functools import lru_cache

from .errors import PlaceholderError, shown
from .moments import epoch_seconds

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June", "July"),
    *("August", "September", "October", "November", "December"),
)

Format = Callable[[datetime], str]


def _offset(moment: datetime, colon: str) -> str:
    delta = moment.utcoffset()
    assert delta is not None
    minutes = round(delta.total_seconds() / 60)
    hours, minutes = divmod(abs(minutes), 60)
    return f"{'-' if delta.days < 0 else '+'}{hours:02d}{colon}{minutes:02d}"


DIRECTIVES: dict[str, Format] = {
    "%Y": lambda t: f"{t.year:04d}",
    "%y": lambda t: f"{t.year % 100:02d}",
    "%m": lambda t: f"{t.month:02d}",
    "%d": lambda t: f"{t.day:02d}",
    "%e": lambda t: f"{t.day:2d}",
    "%j": lambda t: f"{t.timetuple().tm_yday:03d}",
    "%H": lambda t: f"{t.hour:02d}",
    "%I": lambda t: f"{(t.hour + 11) % 12 + 1:02d}",
    "%p": lambda t: "AM" if t.hour < 12 else "PM",
    "%M": lambda t: f"{t.minute:02d}",
    "%S": lambda t: f"{t.second:02d}",
    "%f": lambda t: f"{t.microsecond:06d}",
    "%A": lambda t: DAYS[t.weekday()],
    "%a": lambda t: DAYS[t.weekday()][:3],
    "%B": lambda t: MONTHS[t.month - 1],
    "%b": lambda t: MONTHS[t.month - 1][:3],
    "%u": lambda t: str(t.isoweekday()),
    "%w": lambda t: str(t.isoweekday() % 7),
    "%G": lambda t: f"{t.isocalendar().year:04d}",
    "%V": lambda t: f"{t.isocalendar().week:02d}",
    "%z": lambda t: _offset(t, ""),
    "%:z": lambda t: _offset(t, ":"),
    "%Z": lambda t: t.tzname() or "",
    "%s": lambda t: str(epoch_seconds(t)),
    "%F": lambda t: f"{t.year:04d}-{t.month:02d}-{t.day:02d}",
    "%T": lambda t: f"{t.hour:02d}:{t.minute:02d}:{t.second:02d}",
    "%%": lambda _: "%",
}
_PIECES = re.compile(r"%:?.?|[^%]+", re.DOTALL)


@lru_cache(maxsize=256)
def read_format(text: str) -> Format:
    """Return the function that prints a time by `text`.

    Names of days and months are English. Raises `PlaceholderError`, code `bad_argument`, for a
    directive that is not in `DIRECTIVES`.
    """
    return _together([_piece(piece) for piece in _PIECES.findall(text)])


def _piece(piece: str) -> Format:
    if not piece.startswith("%"):
        return lambda _: piece
    directive = DIRECTIVES.get(piece)
    if directive is None:
        raise PlaceholderError(
            "bad_argument",
            f'date("…") does not know "{shown(piece)}".',
            hint=f"Use {' '.join(DIRECTIVES)}.",
        )
    return directive


def _together(pieces: list[Format]) -> Format:
    return lambda moment: "".join([piece(moment) for piece in pieces])
