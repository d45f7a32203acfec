"""The book's code, shown from the source that is tested."""

from __future__ import annotations

import ast
import inspect
import re
import textwrap
from typing import TYPE_CHECKING, Any

from unrolled.figures._checked import checked

if TYPE_CHECKING:
    from IPython.display import Markdown

FOR_CHECKERS = re.compile(r" *# (type: ignore|noqa)\b.*$", re.M)


@checked
def source(*objects: Any) -> Markdown:
    """Show functions or classes as they stand in the package, without docstrings and pragmas.

    ``name?`` in a notebook shows the docstring.
    """
    from IPython.display import Markdown

    code = "\n\n\n".join(without_docstrings(inspect.getsource(each)) for each in objects)
    return Markdown(f"```python\n{FOR_CHECKERS.sub('', code)}\n```")  # type: ignore[no-untyped-call]


@checked
def without_docstrings(code: str) -> str:
    """Cut the docstrings out of the source of a function or class; keep every other line."""
    lines = textwrap.dedent(code).rstrip().splitlines()
    for node in ast.walk(ast.parse("\n".join(lines))):
        if not isinstance(node, ast.FunctionDef | ast.ClassDef) or ast.get_docstring(node) is None:
            continue
        first, end = node.body[0].lineno - 1, node.body[0].end_lineno
        lines[first:end] = [None] * ((end or first) - first)  # type: ignore[list-item]
    kept = [line for line in lines if line is not None]
    return "\n".join(line for i, line in enumerate(kept) if line or not _opens_body(kept, i))


def _opens_body(lines: list[str], index: int) -> bool:
    return index > 0 and lines[index - 1].rstrip().endswith(":")
