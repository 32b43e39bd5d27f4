"""From what stands between the braces to a checked expression, through jinja's parser.

The walk is an allow-list: a node that is not in `_NODES` is refused, so what jinja can parse in
future versions is refused as well. Nothing here compiles or renders with jinja.
"""

from collections.abc import Callable
from functools import lru_cache
from typing import Any

from jinja2 import Environment, TemplateSyntaxError, nodes
from jinja2.parser import Parser

from .errors import PlaceholderError, shown
from .filters import Arguments, filtered, whole
from .moments import UNIT_SECONDS, Span, shifted
from .names import ELSEWHERE, known, variable
from .values import Expression, Kind, joined, literal

MAX_LENGTH = 500
MAX_DEPTH = 24
MAX_INTEGER = 10**15

_ENVIRONMENT = Environment(autoescape=True)


# Text that is written at creation and read at each expansion: parsed once. Only what stands
# between braces is kept, at most 500 characters each, never the rest of a payload.
@lru_cache(maxsize=4_096)
def read_expression(text: str) -> Expression:
    """Return the checked expression. Raises `PlaceholderError` without a pointer."""
    _refuse_outright(text)
    expression = _walk(_parse(text), 0)
    if expression.kind is Kind.SPAN:
        raise PlaceholderError(
            "wrong_kind",
            "A span of time alone has no text.",
            hint="Add it to a time, as in occurrence + days(1).",
        )
    return expression


def _refuse_outright(text: str) -> None:
    if len(text) > MAX_LENGTH:
        raise PlaceholderError(
            "placeholder_too_long",
            f"A placeholder holds {len(text):,} characters.",
            hint=f"At most {MAX_LENGTH} are read; put plain text outside the braces.",
        )
    # Jinja's parser takes 13 frames of Python for each parenthesis.
    if text.count("(") > MAX_DEPTH:
        raise _too_deep()
    if text.startswith("-") or text.endswith("-"):
        raise PlaceholderError(
            "not_allowed",
            "The minus beside the braces, which eats spaces in Jinja, has no meaning here.",
            hint="Write {{ and }}, and leave out the spaces that you do not want.",
        )


def _parse(text: str) -> nodes.Expr:
    # Not Environment.parse: on an error that compiles and executes code to mend the traceback.
    try:
        parser = Parser(_ENVIRONMENT, text, state="variable")
        tree = parser.parse_expression()
    except RecursionError as error:
        raise _too_deep() from error
    except TemplateSyntaxError as error:
        raise _unreadable(error.message or "unexpected end") from error
    if not parser.stream.eos:
        raise _unreadable(f"unexpected '{parser.stream.current.value}'")
    return tree


def _unreadable(why: str) -> PlaceholderError:
    return PlaceholderError(
        "syntax",
        f"A placeholder cannot be read: {shown(why, 120)}.",
        hint='Write a name and filters, as in {{ occurrence | date("%Y-%m-%d") }}.',
    )


def _too_deep() -> PlaceholderError:
    return PlaceholderError(
        "too_deep",
        f"A placeholder nests more than {MAX_DEPTH} levels.",
        hint="Use fewer parentheses and filters.",
    )


def _walk(node: nodes.Node, depth: int) -> Expression:
    if depth > MAX_DEPTH:
        raise _too_deep()
    read = _NODES.get(type(node))
    if read is None:
        raise _not_allowed(node)
    return read(node, depth + 1)


def _name(node: Any, _: int) -> Expression:
    return variable(node.name)


def _part(node: Any, _: int) -> Expression:
    if not isinstance(node.node, nodes.Name):
        raise _not_allowed(node)
    return variable(f"{node.node.name}.{node.attr}")


def _constant(node: Any, _: int) -> Expression:
    value = node.value
    # bool is an int to isinstance, and no number to whoever wrote `true`.
    if type(value) not in (str, int):
        raise PlaceholderError(
            "not_allowed",
            f"{shown(str(value))} is not allowed in a placeholder.",
            hint="Use texts in quotes and whole numbers.",
        )
    if isinstance(value, int) and abs(value) > MAX_INTEGER:
        raise PlaceholderError(
            "bad_argument", "A number is too large.", hint=f"Use at most {MAX_INTEGER:,}."
        )
    return literal(value)


def _negative(node: Any, depth: int) -> Expression:
    value = _walk(node.node, depth).literal
    if not isinstance(value, int):
        raise PlaceholderError(
            "wrong_kind", "A minus stands before numbers only.", hint="Write days=-1."
        )
    return literal(-value)


def _filter(node: Any, depth: int) -> Expression:
    if node.node is None:
        raise _not_allowed(node)
    return filtered(_walk(node.node, depth), _arguments(node.name, node, depth))


def _call(node: Any, depth: int) -> Expression:
    target = node.node
    if not isinstance(target, nodes.Name) or target.name not in UNIT_SECONDS:
        raise _unknown_function(target)
    unit = target.name
    arguments = _arguments(unit, node, depth)
    amount = whole(arguments, arguments.one(f"occurrence - {unit}(1)"), unit)
    span = Span.of({unit: amount})
    return Expression(kind=Kind.SPAN, evaluate=lambda _: span)


def _unknown_function(target: nodes.Node) -> PlaceholderError:
    name = getattr(target, "name", None) or getattr(target, "attr", None)
    called = f'"{shown(name)}"' if isinstance(name, str) else "This"
    instead = f"Write {ELSEWHERE[name]}. " if name in ELSEWHERE else ""
    return PlaceholderError(
        "unknown_function",
        f"{called} is no function of placeholders.",
        hint=f"{instead}{known('functions', UNIT_SECONDS)} Anything else is a filter: x | date(…).",
    )


def _arguments(name: str, node: Any, depth: int) -> Arguments:
    if node.dyn_args is not None or node.dyn_kwargs is not None:
        raise PlaceholderError(
            "not_allowed", "Stars are not allowed in a placeholder.", hint="Write each argument."
        )
    named: dict[str, Expression] = {}
    for each in node.kwargs:
        if each.key in named:
            raise PlaceholderError(
                "bad_argument", f'"{shown(each.key)}" is given twice.', hint="Give it once."
            )
        named[each.key] = _walk(each.value, depth)
    positional = tuple(_walk(each, depth) for each in node.args)
    return Arguments(name=name, positional=positional, named=named)


def _sum(node: Any, depth: int) -> Expression:
    left, right = _walk(node.left, depth), _walk(node.right, depth)
    minus = isinstance(node, nodes.Sub)
    kinds = (left.kind, right.kind)
    if kinds == (Kind.MOMENT, Kind.SPAN):
        return joined(left, right, Kind.MOMENT, _earlier if minus else shifted)
    if kinds == (Kind.INTEGER, Kind.INTEGER):
        return joined(left, right, Kind.INTEGER, int.__sub__ if minus else int.__add__)
    raise PlaceholderError(
        "wrong_kind",
        f"{left.kind.value.capitalize()} {'-' if minus else '+'} {right.kind.value} has no meaning.",
        hint=_SUM_REMEDIES.get(
            kinds, "Write occurrence - days(1), or two placeholders beside each other."
        ),
    )


def _earlier(moment: Any, span: Span) -> object:
    return shifted(moment, -span)


_SUM_REMEDIES = {
    (
        Kind.MOMENT,
        Kind.MOMENT,
    ): "Subtract seconds: (planned | timestamp) - (occurrence | timestamp).",
    (Kind.MOMENT, Kind.INTEGER): "Say the unit, as in occurrence + days(1).",
    (Kind.SPAN, Kind.MOMENT): "Put the time first, as in occurrence + days(1).",
}

_NODES: dict[type[nodes.Node], Callable[[Any, int], Expression]] = {
    nodes.Name: _name,
    nodes.Getattr: _part,
    nodes.Const: _constant,
    nodes.Neg: _negative,
    nodes.Filter: _filter,
    nodes.Call: _call,
    nodes.Add: _sum,
    nodes.Sub: _sum,
}

_CALLED: dict[type[nodes.Node], str] = {
    nodes.Getattr: "A part of a value (x.y)",
    nodes.Getitem: "A subscript (x[y])",
    nodes.Mul: "Multiplying with *",
    nodes.Div: "Dividing with /",
    nodes.FloorDiv: "Dividing with //",
    nodes.Mod: "Formatting with %",
    nodes.Pow: "A power (**)",
    nodes.List: "A list",
    nodes.Tuple: "A list",
    nodes.Dict: "An object",
    nodes.Concat: "Joining with ~",
    nodes.CondExpr: "A condition (x if y)",
    nodes.Test: "A test (x is y)",
    nodes.Compare: "A comparison",
    nodes.And: "and",
    nodes.Or: "or",
    nodes.Not: "not",
}


def _not_allowed(node: nodes.Node) -> PlaceholderError:
    called = _CALLED.get(type(node), f"The form {type(node).__name__}")
    return PlaceholderError(
        "not_allowed",
        f"{called} is not allowed in a placeholder.",
        hint="A placeholder is a name with filters, + and -; a missing value gets | default(…).",
    )
