"""Known mistakes: wrong answers as readers write them, several to a diagnosis."""

from __future__ import annotations
import __future__

import inspect
import linecache
import textwrap
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from functools import cache
from importlib import import_module
from typing import Any

Function = Callable[..., Any]
Way = Mapping[str, str] | str


@dataclass(frozen=True, init=False)
class Mistake:
    """What to tell the author of a wrong answer, and the ways in which it is written.

    Parameters
    ----------
    diagnosis : str
        What is wrong, in a learner's words.
    ways : mapping of str to str, or str
        Edits of the solution, ``{"f * c": "c"}``: each text stands there once and is replaced. Or
        the body of a function that has the solution's parameters. Both see what the solution sees,
        and the right one as ``solution``.

    Raises
    ------
    ValueError
        If there is no way at all.
    """

    diagnosis: str
    ways: tuple[Way, ...]

    def __init__(self, diagnosis: str, *ways: Way) -> None:
        if not ways:
            raise ValueError(f"ways must show the mistake at least once; {diagnosis!r} has none")
        object.__setattr__(self, "diagnosis", inspect.cleandoc(diagnosis))
        object.__setattr__(self, "ways", ways)

    def __hash__(self) -> int:
        return hash((self.diagnosis, str(self.ways)))

    def functions(self, solution: Function) -> Iterator[Function]:
        """Yield the wrong answers, each written when it is asked for."""
        for way in self.ways:
            yield written(solution, way) if isinstance(way, str) else edited(solution, way)


def written(like: Function, body: str) -> Function:
    """Write a function that has another one's name, parameters and globals, and its own body."""
    parameters = ", ".join(inspect.signature(like).parameters)
    body = textwrap.indent(textwrap.dedent(body).strip("\n"), "    ")
    return _compiled(like, f"def {like.__name__}({parameters}):\n{body}\n")


def edited(function: Function, edits: Mapping[str, str], says: str = "") -> Function:
    """Change some texts in a function; `says` is the docstring of what comes of it.

    Raises
    ------
    ValueError
        If a text does not stand in the function's code exactly once.
    """
    source = textwrap.dedent(inspect.getsource(function))
    doc = inspect.getdoc(function)
    head, body = source, ""
    if doc and '"""' in source:
        opening, _, body = source.split('"""', 2)
        head = opening.rstrip().removesuffix("r").rstrip() + "\n"
    for old, new in edits.items():
        if (count := (head + body).count(old)) != 1:
            raise ValueError(
                f"edits: {old!r} must stand once in {function.__name__}, it stands {count} times"
            )
        head, body = head.replace(old, new), body.replace(old, new)
    changed = _compiled(function, head + body)
    changed.__doc__ = says or None
    return changed


@cache
def _compiled(like: Function, source: str) -> Function:
    """Run a definition among the globals of another function; its lines can be quoted."""
    file = f"<a mistake in {like.__name__} {hash(source):x}>"
    linecache.cache[file] = (len(source), None, source.splitlines(keepends=True), file)
    scope = {**like.__globals__, "solution": like}
    if "torch." in source:  # at the head of a learner's file
        scope["torch"] = import_module("torch")
    flags = __future__.annotations.compiler_flag
    exec(compile(source, file, "exec", flags, dont_inherit=True), scope)
    function: Function = scope[like.__name__]
    return function
