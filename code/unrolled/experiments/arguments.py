"""What several experiments ask of their arguments."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, TypeVar

from unrolled.core.kinds import one_of

V = TypeVar("V")


def look_up(argument: str, name: str, among: Mapping[str, V]) -> V:
    """Return what has a name, or raise ValueError that names the argument."""
    return among[one_of(argument, name, among)]


def as_many(argument: str, values: Sequence[Any], other: str, others: Sequence[Any]) -> None:
    """Raise ValueError if one argument does not have as many values as another."""
    if len(values) != len(others):
        raise ValueError(f"{argument} must be as many as {other}, {len(others)}, got {len(values)}")
