"""What every public function asks of its arguments, asked once.

Each check returns the argument in the form the caller goes on with, or raises an error that names
the argument, what came and what was expected.
"""

from __future__ import annotations

import operator
from typing import Any

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.kinds import told

Array = NDArray[np.float64]


LARGEST = 2**31 - 1
"""What a size is at most if nothing else is said: more is a slip, and no memory has it."""

_IN_ALL = 10**8  # numbers, a GB or a few; more would wait for minutes or fill the memory

_SEEDS = 2**63 - 1  # the largest of torch's


def whole(name: str, value: Any, *, least: int = 1, most: int = LARGEST) -> int:
    """Return ``value`` as an int in ``least .. most``.

    Raises
    ------
    TypeError
        If it is not a whole number.
    ValueError
        If it is out of range.
    """
    allowed = f"at least {least}" if most >= LARGEST else f"from {least} to {most}"
    try:
        number = operator.index(value)
    except (TypeError, ValueError, RuntimeError):  # of a tensor on meta, the last
        raise TypeError(f"{name} must be a whole number {allowed}, got {told(value)}") from None
    if number > most >= LARGEST:
        raise ValueError(f"{name} must be at most {most}, got {told(number)}")
    if not least <= number <= most:
        raise ValueError(f"{name} must be {allowed}, got {told(number)}")
    return number


def in_all(name: str, count: int) -> int:
    """Return how many numbers there are to be in all, at most 10⁸: a slip is said before any work.

    Raises
    ------
    ValueError
        If it is more.
    """
    return whole(f"{name} in all", count, most=_IN_ALL)


def random_seed(name: str, value: Any) -> int:
    """Return ``value`` as an int that every generator takes for a seed: from 0 to 2⁶³ − 1.

    Raises
    ------
    TypeError
        If it is not a whole number.
    ValueError
        If it is out of range.
    """
    return whole(name, value, least=0, most=_SEEDS)


def real(
    name: str,
    value: Any,
    *,
    above: float | None = None,
    least: float | None = None,
    below: float | None = None,
) -> float:
    """Return ``value`` as a finite float, ``> above``, ``>= least`` and ``< below`` where given.

    Raises
    ------
    TypeError
        If it is not a number.
    ValueError
        If it is not finite or out of range.
    """
    try:
        if isinstance(value, str | bytes | np.complexfloating) or np.ndim(value):
            raise TypeError
        number = float(value)
    except OverflowError:
        raise ValueError(f"{name} must be finite, got {told(value)}") from None
    except (TypeError, ValueError, RuntimeError):
        raise TypeError(f"{name} must be a number, got {told(value)}") from None
    if not np.isfinite(number):
        raise ValueError(f"{name} must be finite, got {number}")
    if above is not None and number <= above:
        raise ValueError(f"{name} must be greater than {above:g}, got {number:g}")
    if least is not None and number < least:
        raise ValueError(f"{name} must be at least {least:g}, got {number:g}")
    if below is not None and number >= below:
        raise ValueError(f"{name} must be less than {below:g}, got {number:g}")
    return number


def numbers(name: str, values: ArrayLike) -> Array:
    """Return ``values`` as a float64 array of any shape.

    Raises
    ------
    TypeError
        If they are not real numbers: strings, dates, complex numbers, nested lists of unequal
        lengths, arrays with a mask.
    """
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        array = np.asarray(None)
    if array.dtype.kind not in "biuf" or isinstance(values, np.ma.MaskedArray):
        raise TypeError(f"{name} must hold real numbers, got {_kind(values, array)}")
    return array.astype(np.float64)


def _kind(values: ArrayLike, array: NDArray[Any]) -> str:
    kind = type(values).__name__
    return kind if array.dtype.kind == "O" else f"{kind} of {array.dtype}"


def floating(name: str, value: Any) -> NDArray[Any]:
    """Return ``value``, a NumPy array of finite floating-point or complex numbers.

    Raises
    ------
    TypeError
        If it is another thing, or an array of other things or with a mask.
    ValueError
        If a number is NaN or infinite.
    """
    if not isinstance(value, np.ndarray) or value.dtype.kind not in "fc":
        what = value.dtype if isinstance(value, np.ndarray) else type(value).__name__
        raise TypeError(f"{name} must be an array of floating-point numbers, got {what}")
    if isinstance(value, np.ma.MaskedArray):
        raise TypeError(f"{name} must be an array without a mask, got {type(value).__name__}")
    if not np.isfinite(value).all():
        raise ValueError(f"{name} must be finite, got {value[~np.isfinite(value)][0]}")
    return value


def series(name: str, values: ArrayLike, *, least: int = 1) -> Array:
    """Return ``values`` as a finite float64 array of shape ``(N,)`` with ``N >= least``.

    Raises
    ------
    TypeError
        If the values are not numbers.
    ValueError
        If the rank is not 1, the series is shorter than ``least``, or a value is NaN or infinite.
    """
    array = numbers(name, values)
    if array.ndim != 1:
        raise ValueError(f"{name} must have one dimension, got shape {array.shape}")
    if len(array) < least:
        raise ValueError(f"{name} must hold at least {least} values, got {len(array)}")
    bad = np.flatnonzero(~np.isfinite(array))
    if len(bad):
        raise ValueError(
            f"{name} must be finite, got {array[bad[0]]} at index {bad[0]}"
            + (f" and {len(bad) - 1} more" if len(bad) > 1 else "")
        )
    return array
