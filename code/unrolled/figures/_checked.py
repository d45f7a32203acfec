"""What every picture asks of its arguments: that they are what their annotations say, and fit."""

from __future__ import annotations

import functools
import inspect
import re
import types
import typing
from collections.abc import Callable, Iterable, Mapping, Sequence
from typing import Any, ParamSpec, TypeVar

import numpy as np
from numpy.typing import ArrayLike

from unrolled.core.kinds import flag, instance, mapping, several, string, told
from unrolled.core.validate import numbers, real, whole

P = ParamSpec("P")
R = TypeVar("R")

# what is raised of arguments that do not fit each other, LookupError of those that are empty
_NOT_FITTING = (TypeError, ValueError, LookupError, ArithmeticError)


def checked(draw: Callable[P, R]) -> Callable[P, R]:
    """Return a function that refuses arguments that are not what its annotations say.

    What libraries raise of arguments that do not fit each other becomes a ValueError that names
    them, and no half of a figure stays open.
    """
    signature = inspect.signature(draw)
    names = list(signature.parameters)

    @functools.wraps(draw)
    def drawn(*args: P.args, **kwargs: P.kwargs) -> R:
        for name, value in signature.bind(*args, **kwargs).arguments.items():
            kind = signature.parameters[name].kind
            if kind is not inspect.Parameter.VAR_KEYWORD:
                each = value if kind is inspect.Parameter.VAR_POSITIONAL else [value]
                for part in each:
                    _check(name, part, _hints(draw)[name])
        opened = _open()
        try:
            with np.errstate(invalid="raise"):
                return draw(*args, **kwargs)
        except _NOT_FITTING as error:
            _close(_open() - opened)
            if _is_named(str(error), names):
                raise
            raise ValueError(
                f"{', '.join(names)} must fit each other as {draw.__name__} says, got "
                f"{type(error).__name__}: {error}"
            ) from error

    return drawn


def _is_named(message: str, names: list[str]) -> bool:
    """Say whether a message says of an argument what it must be."""
    subject, must, _ = message.partition(" must ")
    return bool(must) and any(re.search(rf"\b{name}\b", subject) for name in names)


@functools.cache
def _hints(draw: Callable[..., Any]) -> dict[str, Any]:
    """Return the types of the parameters; that of the result may be known to mypy alone."""
    given = {name: text for name, text in draw.__annotations__.items() if name != "return"}
    scope = inspect.unwrap(draw).__globals__
    return {name: eval(text, scope) for name, text in given.items()}


def _check(name: str, value: Any, hint: Any) -> None:
    """Raise unless a value is what an annotation says."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    kind = origin or hint
    if hint is Any:
        return
    if hint is ArrayLike or kind is np.ndarray:
        array = value if hint is ArrayLike else instance(name, value, np.ndarray)
        if not numbers(name, array).size:
            raise ValueError(f"{name} must hold at least one number, got none")
    elif kind is types.UnionType:
        if value is not None:
            _check(name, value, next(part for part in parts if part is not type(None)))
    elif kind in (Sequence, Iterable) and not (isinstance(value, str) and parts[0] is str):
        for index, each in enumerate(several(name, value)):
            _check(f"{name}[{index}]", each, parts[0])
    elif kind is Mapping:
        if not mapping(name, value):
            raise ValueError(f"{name} must hold at least one, got none")
        for key, each in value.items():
            _check(f"the keys of {name}", key, parts[0])
            _check(f"{name}[{key!r}]", each, parts[1])
    elif kind is tuple:
        if len(instance(name, value, tuple)) != len(parts):
            raise ValueError(f"{name} must hold {len(parts)} parts, got {told(value)}")
        for index, (each, part) in enumerate(zip(value, parts, strict=True)):
            _check(f"{name}[{index}]", each, part)
    elif kind in (Sequence, Iterable):  # of letters: a string is one
        return
    elif kind in _PLAIN:
        _PLAIN[kind](name, value)
    else:
        instance(name, value, kind)


_PLAIN: Mapping[Any, Callable[[str, Any], Any]] = {
    int: lambda name, value: whole(name, value, least=-(2**31)),
    float: real,
    str: string,
    bool: flag,
}


def _open() -> set[int]:
    import matplotlib.pyplot as plt  # not for who shows source code only

    return set(plt.get_fignums())


def _close(figures: Iterable[int]) -> None:
    import matplotlib.pyplot as plt

    for figure in figures:
        plt.close(figure)
