"""Values in words, and sentences in lines that fit a screen."""

from __future__ import annotations

import re
import textwrap

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading.values import Numbers, Other, Parts, Value, as_numbers

WIDTH = 78  # characters: a verdict sets its message in by two, on 80 columns
BESIDE = 60  # characters beside a label
SMALL = 40  # an array of more entries than this is not written out
LINES = 4  # an array that needs more is not written out either


def show(value: Value) -> str:
    """Write a value so that it can be read, on few lines."""
    if isinstance(value, Other):
        return textwrap.fill(value.shown, BESIDE)
    found = as_numbers(value)
    if found is None or (isinstance(value, Parts) and not _is_flat(value)):
        return kind(value)
    array = found.array
    if array.ndim == 0:
        return entry(array)
    if not array.size:
        return f"an empty array of shape {array.shape}"
    text = written(array) if array.size <= SMALL else ""
    return text if text and text.count("\n") < LINES else kind(found)


def _is_flat(parts: Parts) -> bool:
    return all(isinstance(item, Numbers) and not item.array.ndim for item in parts.items)


def written(array: NDArray[np.generic]) -> str:
    """Write out an array, whatever NumPy's print options are at the moment."""
    with np.printoptions(legacy=False, sign="-", floatmode="maxprec", formatter=None):
        return np.array2string(
            array, precision=4, suppress_small=True, max_line_width=BESIDE, separator=", "
        )


def entry(number: NDArray[np.generic] | np.generic, digits: int = 7) -> str:
    """Write one number."""
    return f"{number.item():.{digits}g}" if number.dtype.kind in "fc" else str(number.item())


def apart(one: NDArray[np.generic], other: NDArray[np.generic]) -> tuple[str, str]:
    """Write two numbers with as many digits as it takes to tell them apart."""
    for digits in (7, 10, 13):
        if entry(one, digits) != entry(other, digits):
            break
    return entry(one, digits), entry(other, digits)


def kind(value: Value) -> str:
    """Say what sort of thing a value is: "a list of 3", "an array of shape (3,)", "None"."""
    if value is None:
        return "None"
    if isinstance(value, Other):
        return value.kind
    if isinstance(value, Parts):
        return f"a {value.word} of {len(value.items)}"
    if value.array.ndim == 0:
        return f"the number {entry(value.array)}" if value.array.dtype.kind != "b" else show(value)
    return f"an array of shape {value.array.shape}"


def fill(text: str) -> str:
    """Set paragraphs, which empty lines separate, in lines that fit a screen.

    Code in backquotes and an index such as (3, 1) stay on one line, unless that is too short.
    """
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    whole = (
        re.sub(r"`[^`]*`|\([\d, ]+\)", lambda code: code[0].replace(" ", "\0"), p)
        for p in paragraphs
    )
    return "\n\n".join(textwrap.fill(p, WIDTH, break_on_hyphens=False) for p in whole).replace(
        "\0", " "
    )
