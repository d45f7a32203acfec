"""How an exercise calls an answer, and whether an answer can be called like that."""

from __future__ import annotations

import inspect
import sys
from collections.abc import Sequence
from typing import Any

from unrolled.exercises.grading.mistakes import Function
from unrolled.exercises.grading.readable import kind
from unrolled.exercises.grading.values import plain, read


def complaint(exercise_id: str, solution: Function, answer: Any) -> str:
    """Say why an answer cannot be called as the solution is, or ""."""
    name = solution.__name__
    if not callable(answer):
        return (
            f"`check` needs the function itself, and was given {kind(read(answer))}. "
            f'Write `check("{exercise_id}", {name})`, without brackets after the name.'
        )
    try:
        signature = _signature(answer)
    except ValueError:  # some built-in functions have none
        return ""
    names = names_of(solution)
    keywords = by_keyword(names, answer)
    by_position = [name for name in names if name not in keywords]
    mine = [p.name for p in signature.parameters.values() if p.name not in keywords]
    shown = plain(str(without_annotations(signature)))
    asked = f"It is called as `{name}({', '.join(names)})`, and yours takes"
    if sorted(mine) == sorted(by_position) and mine != by_position:
        return f"{asked} its arguments in another order: {shown}."
    try:
        signature.bind(*by_position, **dict.fromkeys(keywords))
    except TypeError:
        return f"{asked} {shown}."
    return ""


def _signature(answer: Function) -> inspect.Signature:
    """Read a signature, not what its annotations stand for: they may name what is not defined."""
    if sys.version_info >= (3, 14):  # before, Python has looked when it defined the function
        from annotationlib import Format

        return inspect.signature(answer, annotation_format=Format.STRING)
    return inspect.signature(answer)


def names_of(solution: Function) -> tuple[str, ...]:
    """List the names of a function's arguments."""
    return tuple(inspect.signature(solution).parameters)


def without_annotations(signature: inspect.Signature) -> inspect.Signature:
    """Leave out what a learner need not read."""
    parameters = [p.replace(annotation=p.empty) for p in signature.parameters.values()]
    return inspect.Signature(parameters)


def by_keyword(names: Sequence[str], answer: Function) -> list[str]:
    """List the arguments that an answer takes by keyword only."""
    try:
        parameters = _signature(answer).parameters
    except ValueError:
        return []
    return [
        name
        for name in names
        if name in parameters and parameters[name].kind is inspect.Parameter.KEYWORD_ONLY
    ]


def by_position(names: Sequence[str], keywords: Sequence[str], answer: Function) -> Function:
    """Let an answer that takes some arguments by keyword only be called like any other."""
    if not keywords:
        return answer

    def called(*args: Any) -> Any:
        given = dict(zip(names, args, strict=True))
        named = {name: given.pop(name) for name in keywords}
        return answer(*given.values(), **named)

    return called
