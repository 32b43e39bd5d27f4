"""Placeholders in a template's payload: `{{ occurrence | date("%Y-%m-%d") }}`. Pure Python.

Jinja's notation, and no more of jinja than its lexer and parser: the syntax tree is walked by
`expressions`, which knows a few nodes, names and filters, and turns them into functions of our
own. Nothing that is not on those lists has a way to run; jinja compiles and renders nothing.

A string that is one placeholder and nothing else keeps the type of the value (a number, null);
any other string becomes text. Object keys are never touched, nor is a string without `{{`.
Literal braces are written as a placeholder that holds them: `{{ "{{" }}`.
"""

from .context import Context
from .errors import PlaceholderError
from .payload import Rendering, compile_payload

__all__ = ["Context", "PlaceholderError", "Rendering", "compile_payload"]
