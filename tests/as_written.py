"""Answers as learners write them, each with the known mistake that it makes."""

import inspect
from collections.abc import Iterator

import numpy as np
import pytest

from unrolled.exercises import find


def as_written(stem: str, text: str) -> Iterator:
    """Yield (exercise, mistake, answer) for each paragraph: ``name: mistake``, then a body."""
    for part in text.strip().split("\n\n"):
        head, body = part.split("\n", 1)
        name, mistake = head.split(": ")
        exercise = find(f"{stem}.{name}")
        yield pytest.param(exercise, mistake, _defined(exercise, body), id=f"{name}-{mistake}")


def _defined(exercise, body):
    scope = {"np": np}
    arguments = ", ".join(inspect.signature(exercise.solution).parameters)
    exec(f"def {exercise.name}({arguments}):\n{body}", scope)
    return scope[exercise.name]
