"""Numbers, ranges, steps and `H`: the items that every field has."""

import hashlib

from templates_app.recurrence.cron.fields import DAY_OF_MONTH, DAY_OF_WEEK, YEAR, FieldKind
from templates_app.recurrence.cron.pieces import Piece, is_number, read_value
from templates_app.recurrence.cron.terms import Every, Hashed, Number, Single, Span, in_order
from templates_app.recurrence.shown import shortened

_LAST_HASHED_DAY = 28


def read_number_item(piece: Piece, seed: str) -> tuple[Number, tuple[int, ...]]:
    """Return what one item of a list says, and its values in counting order.

    Raises `RecurrenceError` for anything that is not `*`, `?`, a value, a range or `H`, each with or
    without a step.
    """
    base, step = _without_step(piece)
    kind = piece.kind
    if base.text in ("*", "?"):
        _check_step_of_field(piece, step, starred=True)
        return Every(step or 1), tuple(range(kind.low, kind.high + 1, step or 1))
    if base.text.upper() == "H" or base.text.upper().startswith("H("):
        values = _hashed(base, step, seed)
        return Hashed(values, step), values
    if "-" in base.text:
        first, last = _read_range(base)
        return _span(piece, first, last, step)
    value = read_value(base)
    if step is None:
        single = 0 if kind is DAY_OF_WEEK and value == 7 else value
        return Single(single), (single,)
    _check_step_of_field(piece, step, starred=False)
    first = 0 if kind is DAY_OF_WEEK and value == 7 else value
    return Span(first, kind.high, step), in_order(kind, first, kind.high, step)


def _without_step(piece: Piece) -> tuple[Piece, int | None]:
    if "/" not in piece.text:
        return piece, None
    base, step = piece.split("/")
    if "/" in step.text:
        raise piece.refusal("step_twice", f'"{piece.shown}" has more than one step.')
    if not step.text:
        raise piece.refusal("step_missing", f'"{piece.shown}" has no step.')
    if not is_number(step.text):
        raise step.refusal("step_not_number", f'The step "{step.shown}" is not a number.')
    if not step.text.strip("0"):
        raise step.refusal("step_zero", f'The step in "{piece.shown}" must be at least 1.')
    if not base.text:
        raise piece.refusal(
            "range_missing",
            f'"{piece.shown}" has nothing before its step.',
            f'Did you mean "*{piece.shown}"?',
        )
    return base, int(step.text) if len(step.text) < 10 else 10**9


def _check_step_of_field(piece: Piece, step: int | None, *, starred: bool) -> None:
    """Refuse a step that would leave one value and reads as more, such as `*/60` minutes.

    After a star in a day field any step is taken: `*/100,1-7` with a weekday is Vixie cron's way to
    write "and".
    """
    kind = piece.kind
    if step is None or step <= kind.largest_step:
        return
    if starred and kind in (DAY_OF_MONTH, DAY_OF_WEEK):
        return
    first = piece.text.partition("/")[0]
    once = kind.low if starred else first
    raise piece.refusal(
        "step_too_large",
        f"The step {shortened(piece.text.partition('/')[2])} is larger than the {kind.label} field, "
        f"{kind.low}-{kind.high}.",
        f'"{shortened(str(once))}" alone means the same.',
        at=len(first) + 1,
    )


def _read_range(base: Piece) -> tuple[int, int]:
    text = base.text
    if text.count("-") > 1:
        raise base.refusal("range_twice", f'"{base.shown}" has more than one "-".')
    first, last = base.split("-")
    if not first.text:
        raise base.refusal("range_incomplete", f'The range "{base.shown}" has no start.')
    if not last.text:
        raise base.refusal("range_incomplete", f'The range "{base.shown}" has no end.')
    context = f' (in the range "{base.shown}")'
    start = read_value(first, context)
    if base.kind is DAY_OF_MONTH and last.text.upper() == "L":
        return start, base.kind.high
    end = read_value(last, context)
    if base.kind is YEAR and end < start:
        raise base.refusal(
            "range_reversed",
            f"The years {base.shown} end before they begin.",
            f"Did you mean {end}-{start}?",
        )
    return start, end


def _span(piece: Piece, first: int, last: int, step: int | None) -> tuple[Number, tuple[int, ...]]:
    """Return a range; a step past its end leaves the start alone, as in fugit's `15-40/30`."""
    kind = piece.kind
    if step is not None and step > kind.largest_step:
        span, _, number = piece.text.partition("/")
        raise piece.refusal(
            "step_too_large",
            f"The step {shortened(number)} is larger than the range {shortened(span)}.",
            at=len(span) + 1,
        )
    return Span(first, last, step or 1), in_order(kind, first, last, step or 1)


def _hashed(base: Piece, step: int | None, seed: str) -> tuple[int, ...]:
    """Return the values that `seed` chooses: always the same ones, evenly spread over seeds."""
    kind = base.kind
    if kind is YEAR:
        raise base.refusal("not_in_field", "H chooses no year.")
    candidates = _hash_candidates(base)
    if step is not None and step > len(candidates):
        raise base.refusal(
            "step_too_large", f"The step {step} is larger than the {len(candidates)} values of H."
        )
    number = _hash_number(kind, seed)
    if step is None:
        return (candidates[number % len(candidates)],)
    return candidates[number % step :: step]


def _hash_candidates(base: Piece) -> tuple[int, ...]:
    kind = base.kind
    highest = _LAST_HASHED_DAY if kind is DAY_OF_MONTH else kind.high
    if len(base.text) == 1:
        return in_order(kind, kind.low, highest, 1)
    inner = base.cut(2, -1)
    if not base.text.endswith(")") or "-" not in inner.text:
        example = f"H({kind.low}-{highest})"
        raise base.refusal("bad_value", f'"{base.shown}" is not valid; write H or {example}.')
    values = in_order(kind, *_read_range(inner), 1)
    if max(values) > highest:
        raise inner.refusal(
            "out_of_range",
            f'H chooses a day that every month has; use 1-28 (in "{base.shown}").',
        )
    return values


def _hash_number(kind: FieldKind, seed: str) -> int:
    digest = hashlib.sha256(f"{kind.key}\x00{seed}".encode()).digest()
    return int.from_bytes(digest[:8])
