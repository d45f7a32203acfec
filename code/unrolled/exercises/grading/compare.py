"""What is wrong with a value when another was expected."""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading.readable import SMALL, apart, entry, kind, written
from unrolled.exercises.grading.values import (
    Numbers,
    Parts,
    Value,
    as_numbers,
    as_parts,
    lengths,
)

DOUBLE = 1e-9  # relative: what is left of float64 after a long computation
TOLERANCES = {"float32": 1e-5, "complex64": 1e-5, "float16": 5e-3, "bfloat16": 4e-2}

SHOWN = 3  # wrong entries of an array that is too large to be written out
WHOLE = 3  # lines that an array may take


@dataclass(frozen=True)
class Wrong:
    """A complaint, and its evidence: what came and what was expected, each under its label.

    `places` are single entries: the evidence, where there is little room for it.
    """

    complaint: str
    evidence: tuple[tuple[str, str], ...] = ()
    places: tuple[tuple[str, str], ...] = ()


def wrong_form(got: Value, want: Value, names: tuple[str, ...] = ()) -> str | None:
    """Say how `got` differs from `want` in type, number of parts or shape; None if it does not.

    `names` name the parts of a tuple.
    """
    if want is None:
        return None if got is None else f"It returned {kind(got)}; expected nothing (None)."
    wanted = parts_of(want)
    if wanted is None:
        return _wrong_part(got, want, names[0] if names else "")
    mine = as_parts(got, wanted)
    if mine is None:
        parts = "a pair" if len(wanted) == 2 else f"a tuple of {len(wanted)}"
        listed = f" ({', '.join(names)})" if names else ""
        return f"It returned {_as_one(got)}; expected {parts}{listed}."
    complaints = (
        _wrong_part(my, their, _name(names, i))
        for i, (my, their) in enumerate(zip(mine, wanted, strict=True))
    )
    return next((complaint for complaint in complaints if complaint), None)


def parts_of(want: Value) -> tuple[Value, ...] | None:
    """List the parts of what a solution returns; None if it is one thing."""
    return want.items if isinstance(want, Parts) and want.word == "tuple" else None


def _as_one(got: Value) -> str:
    """Say that an array came alone, where several were expected."""
    one = None if isinstance(got, Parts) and got.word == "tuple" else as_numbers(got)
    if one is None or not one.array.ndim:
        return kind(got)
    return f"one {'list' if isinstance(got, Parts) else 'array'} of shape {one.array.shape}"


def _wrong_part(got: Value, want: Value, name: str) -> str | None:
    what = f"`{name}` is" if name else "It returned"
    mine, expected = as_numbers(got), as_numbers(want)
    if expected is None:
        raise TypeError(f"an exercise's solution returned {kind(want)}, which cannot be compared")
    shape = expected.array.shape
    one = "True or False" if expected.array.dtype.kind == "b" else "a number"
    needed = f"an array of shape {shape}" if shape else one
    if mine is None:
        sizes = " and ".join(map(str, sorted(lengths(got))[:3]))
        ragged = f" whose parts have {sizes} entries, which makes no array" if sizes else ""
        return f"{what} {kind(got)}{ragged}; expected {needed}."
    if mine.array.shape == shape:
        truth = not shape and mine.array.dtype.kind == "b" and expected.array.dtype.kind != "b"
        return f"{what} {kind(got)}; expected {needed}." if truth else None
    came = kind(got)
    if isinstance(got, Parts) and mine.array.ndim > 1:
        came = f"a {got.word} of shape {mine.array.shape}"
    turned = mine.array.ndim > 1 and mine.array.shape == shape[::-1]
    hint = " Rows and columns are swapped." if turned else ""
    return f"{what} {came}; expected {needed}.{hint}"


def wrong_values(
    got: Value, want: Value, tolerance: float = DOUBLE, names: tuple[str, ...] = ()
) -> Wrong | None:
    """Find the largest error beyond the tolerance, or the first NaN; None if there is neither.

    `tolerance` is for float64, and relative to the largest number expected. Numbers of fewer
    digits are held to what these give.
    """
    wanted = parts_of(want)
    if wanted is None:
        return _wrong_numbers(got, want, tolerance, names[0] if names else "")
    found = (
        _wrong_numbers(my, their, tolerance, _name(names, i))
        for i, (my, their) in enumerate(zip(as_parts(got, wanted) or (), wanted, strict=True))
    )
    return next((wrong for wrong in found if wrong), None)


def _wrong_numbers(got: Value, want: Value, tolerance: float, name: str) -> Wrong | None:
    mine, wanted = as_numbers(got), as_numbers(want)
    if mine is None or wanted is None or not wanted.array.size:
        return None
    array, expected = mine.array, wanted.array
    scale = float(np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected))) or 1.0
    with np.errstate(over="ignore"):
        error = _distance(array, expected) / scale
    wrong = ~(error <= _tolerance(mine, expected, tolerance))
    if not np.any(wrong):
        return None
    nearly = np.all(np.isfinite(array)) and np.all(error <= TOLERANCES["float32"])
    if nearly and not _both_whole(array, expected):
        complaint = _too_few_digits(array, expected, error, name)
    else:
        complaint = _complaint(array, expected, error, wrong, name)
    if not expected.ndim:
        return Wrong(complaint)
    places = _places(array, expected, wrong, name)
    return Wrong(complaint, _both(array, expected) or places, places)


def _distance(one: NDArray[Any], other: NDArray[Any]) -> NDArray[Any]:
    """Measure how far apart the entries of two arrays are; NaN is near NaN alone."""
    equal = (one == other) | (np.isnan(one) & np.isnan(other))
    with np.errstate(invalid="ignore", over="ignore"):
        return np.where(equal, 0.0, np.abs(1.0 * one - other))


def difference(one: Value, other: Value, names: tuple[str, ...] = ()) -> str:
    """Say where two results are furthest apart: "at index 1, 3, then 4"; "" if forms differ."""
    wanted = parts_of(one)
    parts = ((one,), (other,)) if wanted is None else (wanted, as_parts(other, wanted) or ())
    found = [(0.0, "")]
    for i, pair in enumerate(zip(*parts, strict=False)):
        first, second = (each.array if (each := as_numbers(part)) else None for part in pair)
        if first is None or second is None or first.shape != second.shape:
            return ""
        far = np.nan_to_num(_distance(first, second), nan=np.inf)
        if np.any(far):
            at = _index(np.unravel_index(np.argmax(far), far.shape))
            where = (f"`{_name(names, i)}`" if wanted else "") + _at(at)
            shown = [where.strip(), ", then ".join(apart(first[at], second[at]))]
            found.append((float(far[at]), ", ".join(filter(None, shown))))
    return max(found)[1]


def _tolerance(mine: Numbers, expected: NDArray[Any], tolerance: float) -> float:
    """Hold numbers to what their type can keep, and float64 that was float32 to that."""
    array = mine.array
    coarse = TOLERANCES.get(mine.precision, 0.0)
    if array.dtype.kind == "f" and not _both_whole(array, expected):
        with np.errstate(over="ignore"):
            single = np.array_equal(array, array.astype(np.float32), equal_nan=True)
        coarse = max(coarse, TOLERANCES["float32"] if single else 0.0)
    return max(tolerance, coarse)


def _both_whole(array: NDArray[Any], expected: NDArray[Any]) -> bool:
    """Whether both hold whole numbers only: 300001 is not 300000 in any precision."""
    return _whole(array) and _whole(expected)


def _whole(array: NDArray[Any]) -> bool:
    real = array.dtype.kind != "c"
    return real and bool(np.all(array == np.trunc(array)))


def _complaint(
    array: NDArray[Any], expected: NDArray[Any], error: NDArray[Any], wrong: NDArray[Any], name: str
) -> str:
    owner = f"`{name}`" if name else "The result"
    if not expected.ndim:
        what = f"`{name}` is" if name else "It returned"
        return "{} {}; expected {}.".format(what, *apart(array, expected))
    unasked = ~np.isfinite(array) & wrong
    if np.any(unasked):
        at = _index(np.argwhere(unasked)[0])
        return f"{owner} contains {array[at]}{_at(at)}; expected {entry(expected[at])}."
    at = _index(np.unravel_index(np.argmax(np.where(wrong, error, -1.0)), error.shape))
    got, needed = apart(array[at], expected[at])
    cut = array.dtype.kind in "iu" and not _whole(expected)
    hint = f" Yours holds whole numbers only ({array.dtype}): decimals are cut off." if cut else ""
    return (
        f"{owner} has the right shape and wrong values. The largest error is{_at(at)}: "
        f"got {got}, expected {needed}.{hint}"
    )


def _too_few_digits(
    array: NDArray[Any], expected: NDArray[Any], error: NDArray[Any], name: str
) -> str:
    at = _index(np.unravel_index(np.argmax(error), error.shape))
    digits = int(-np.log10(error[at]))
    got, needed = apart(array[at], expected[at])
    return (
        f"{f'`{name}`' if name else 'The result'} is right to about {digits} digits, and differs "
        f"beyond: got {got}{_at(at)}, expected {needed}. In float64 there should be more. "
        "Likely: a difference quotient, or a part of the work in float32."
    )


def _both(array: NDArray[Any], expected: NDArray[Any]) -> tuple[tuple[str, str], ...]:
    """Show both arrays, where they are small."""
    both = [written(each) if each.size <= SMALL else "" for each in (array, expected)]
    fit = all(text and text.count("\n") < WHOLE for text in both)
    return tuple(zip(("yours", "expected"), both, strict=True)) if fit else ()


def _places(
    array: NDArray[Any], expected: NDArray[Any], wrong: NDArray[Any], name: str
) -> tuple[tuple[str, str], ...]:
    """Show the first wrong entries."""
    places = [_index(at) for at in np.argwhere(wrong)[:SHOWN]]
    mine = f"your {name}" if name else "yours"
    return tuple(
        (
            f"{mine}[{', '.join(map(str, at))}]",
            "{}, expected {}".format(*apart(array[at], expected[at])),
        )
        for at in places
    )


def _name(names: tuple[str, ...], part: int) -> str:
    return names[part] if names else f"part {part}"


def _index(position: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in position)


def _at(index: tuple[int, ...]) -> str:
    if not index:
        return ""
    return f" at index {index[0] if len(index) == 1 else index}"
