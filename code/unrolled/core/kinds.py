"""What an argument must be, before anything is asked of it: numbers are ``validate``'s.

Each check returns the argument, or raises an error that names it, what came and what was expected.
Nothing else is imported here, for who reads the package's text waits for no library.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Collection, Iterable, Mapping
from pathlib import Path
from typing import Any, TypeVar

T = TypeVar("T")
F = TypeVar("F", bound=Callable[..., Any])


def instance(name: str, value: Any, kind: type[T]) -> T:
    """Return a value of a class.

    Raises
    ------
    TypeError
        If it is of none.
    """
    if not isinstance(value, kind):
        article = "an" if kind.__name__[0] in "AEIOaeio" else "a"
        raise TypeError(f"{name} must be {article} {kind.__name__}, got {told(value)}")
    return value


def string(name: str, value: Any) -> str:
    """Return a string.

    Raises
    ------
    TypeError
        If it is none.
    """
    if not isinstance(value, str):
        raise TypeError(f"{name} must be a str, got {told(value)}")
    return value


def flag(name: str, value: Any) -> bool:
    """Return True or False; NumPy's are taken for Python's.

    Raises
    ------
    TypeError
        If it is neither: what is merely not empty is no answer to a question.
    """
    if isinstance(value, bool) or type(value).__name__ in ("bool_", "bool"):
        return bool(value)
    raise TypeError(f"{name} must be True or False, got {told(value)}")


def function(name: str, value: F) -> F:
    """Return what can be called.

    Raises
    ------
    TypeError
        If it cannot.
    """
    if not callable(value):
        raise TypeError(f"{name} must be a function, got {told(value)}")
    return value


def mapping(name: str, value: Mapping[Any, T], *, of: type = object) -> Mapping[Any, T]:
    """Return a mapping from strings or numbers to values of a class.

    Raises
    ------
    TypeError
        If it is none, or a value is of another class.
    """
    if not isinstance(value, Mapping):
        raise TypeError(f"{name} must be a mapping, got {told(value)}")
    for key, each in value.items():
        instance(f"{name}[{key!r}]", each, of)
    return value


def several(name: str, values: Iterable[T], *, of: type = object) -> list[T]:
    """Return what an iterable holds, values of a class; a string or a mapping is refused.

    Raises
    ------
    TypeError
        If it is no such thing, or a value is of another class.
    """
    if isinstance(values, str | bytes | Mapping) or not isinstance(values, Iterable):
        raise TypeError(f"{name} must be several{_each(of)}, got {told(values)}")
    try:
        listed = list(values)
    except TypeError:  # of an array without dimensions
        raise TypeError(f"{name} must be several{_each(of)}, got {told(values)}") from None
    for index, each in enumerate(listed):
        instance(f"{name}[{index}]", each, of)
    return listed


def one_of(name: str, value: T, allowed: Collection[T]) -> T:
    """Return a value that is among those allowed.

    Raises
    ------
    ValueError
        If it is not.
    """
    if not any(type(value) is type(each) and value == each for each in allowed):
        choices = ", ".join(each if isinstance(each, str) else repr(each) for each in allowed)
        raise ValueError(f"{name} must be one of {choices}, got {told(value)}")
    return value


def path(name: str, value: Any) -> Path:
    """Return where a file is, given as a string or a path.

    Raises
    ------
    TypeError
        If it is neither: ``open`` would take a number for a file that is open.
    ValueError
        If it is empty or holds a null byte or half a character, as no file's name does, or ends
        as a folder's.
    """
    if not isinstance(value, str | os.PathLike) or not isinstance(os.fspath(value), str):
        raise TypeError(f"{name} must be a path, got {told(value)}")
    if os.fspath(value) == "" or "\0" in os.fspath(value):
        raise ValueError(f"{name} must be a path, not empty and without null bytes, got {value!r}")
    try:
        os.fsencode(value)
    except UnicodeEncodeError:
        raise ValueError(f"{name} must be a name that a file can have, got {value!r}") from None
    if os.fspath(value).endswith(tuple(filter(None, (os.sep, os.altsep)))):
        raise ValueError(f"{name} must be a file's, not a folder's, got {value!r}")
    return Path(value)


def folder(name: str, value: Path) -> Path:
    """Return the path of a folder.

    Raises
    ------
    TypeError
        If it is no path.
    ValueError
        If there is no such folder.
    """
    if not instance(name, value, Path).is_dir():
        raise ValueError(f"{name} must be a folder, got {value}")
    return value


def told(value: Any) -> str:
    """Return a value in a few words, however large it is."""
    kind = type(value).__name__
    if isinstance(value, str | bool | float | complex) or value is None:
        said = repr(value)
        return said if len(said) <= 80 else f"{kind} {said[:77]}…"
    if isinstance(value, int):
        return str(value) if abs(value) < 10**30 else f"{kind} of {value.bit_length()} bits"
    shape = getattr(value, "shape", None)
    return kind if shape is None else f"{kind} of shape {tuple(shape)}"


def _each(of: type) -> str:
    return " values" if of is object else f" values, each a {of.__name__}"
