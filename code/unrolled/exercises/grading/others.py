"""Other right answers, as they are shown to whoever has found one."""

from __future__ import annotations

import ast
import builtins
import inspect
import re
import textwrap
from collections.abc import Sequence
from pathlib import Path

from unrolled.exercises.grading.mistakes import Function
from unrolled.exercises.grading.readable import WIDTH, fill

SHOWN = 2  # answers


def others(solution: Function, alternatives: Sequence[Function], mine: str, room: int) -> str:
    """Show one or two right answers in `room` lines, or say where they stand.

    `mine` is what the reader wrote, or "": the same again is left out.
    """
    name = solution.__name__
    texts = {_plainly(_source(function), name): None for function in (solution, *alternatives)}
    texts.pop(_plainly(mine, name), None)
    short = sorted(filter(_is_narrow, texts), key=len)[:SHOWN]
    while short and 1 + sum(text.count("\n") + 2 for text in short) > room:
        short.pop()
    if not short:
        file = Path(inspect.getsourcefile(solution) or "")
        where = "/".join(file.parts[-3:])  # lstm.step stands in exercises/lstm/step.py
        said = f"Other right answers: `code/unrolled/{where}`."
        return fill(said) if alternatives else ""
    head = "Another right answer:" if len(short) == 1 else "Other right answers:"
    return "\n\n".join((head, *(textwrap.indent(text, "    ") for text in short)))


def _is_narrow(text: str) -> bool:
    return bool(text) and max(map(len, text.splitlines())) <= WIDTH - 4


def _source(function: Function) -> str:
    try:
        return inspect.getsource(function)
    except (OSError, TypeError):
        return ""


def _plainly(source: str, name: str) -> str:
    """Write a function as a reader could have: under the exercise's name, without annotations.

    "" if it cannot stand alone, as it calls a helper that stands beside it.
    """
    try:
        (function,) = ast.parse(textwrap.dedent(source)).body
    except (SyntaxError, ValueError):
        return ""
    if not isinstance(function, ast.FunctionDef):
        return ""
    function.returns = None
    for node in ast.walk(function):
        if isinstance(node, ast.arg):
            node.annotation = None
    first, *rest = function.body
    body = rest if rest and ast.get_docstring(function) is not None else [first]
    if _names(function, ast.Load) - _names(function, ast.Store) - _KNOWN:
        return ""
    lines = textwrap.dedent(source).splitlines()[body[0].lineno - 1 : function.end_lineno]
    text = re.sub(r" +# (type: ignore|noqa).*", "", "\n".join(lines))
    return f"def {name}({ast.unparse(function.args)}):\n{text}"


_KNOWN = {*dir(builtins), "np"}


def _names(function: ast.FunctionDef, context: type[ast.expr_context]) -> set[str]:
    """List the names that a function reads, or those that it binds."""
    nodes = list(ast.walk(function))
    found = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, context)}
    if context is ast.Load:
        return found
    bound = {n.arg for n in nodes if isinstance(n, ast.arg)}
    inner = {n.name for n in nodes if isinstance(n, ast.FunctionDef | ast.ClassDef)} - {
        function.name
    }
    imported = {
        alias.asname or alias.name.partition(".")[0]
        for n in nodes
        if isinstance(n, ast.Import | ast.ImportFrom)
        for alias in n.names
    }
    return found | bound | inner | imported
