"""Clippings by norm, right and wrong, for the test of ``gradients.catches_bad_clip`` to judge."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.gradients._norm_of import norm_of
from unrolled.exercises.grading import edited

Pair = tuple[Array, Array]


def length(*arrays: Array) -> Any:
    """The joint norm of arrays, as a NumPy number: by 0 it divides without an error."""
    if not all(isinstance(each, np.ndarray) for each in arrays):
        raise TypeError("dW and dU must be arrays, such as np.array([[3.0, 4.0]])")
    return np.float64(norm_of(*arrays))


def plain_clip(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / norm if the norm is larger than the threshold."""
    norm = length(dW, dU)
    scale = threshold / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


def clip_by_logarithms(dW: Array, dU: Array, threshold: float) -> Pair:
    """Finds threshold / norm by logarithms, which is the same up to rounding."""
    scale = min(1.0, np.exp(np.log(threshold) - np.log(length(dW, dU))))
    return scale * dW, scale * dU


def clip_like_torch(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / (norm + 1e-6), as torch does, if that is below 1."""
    scale = min(1.0, threshold / (length(dW, dU) + 1e-6))
    return scale * dW, scale * dU


def returns_short_ones(dW: Array, dU: Array, threshold: float) -> Pair:
    """Returns short gradients as they are, the very arrays, and new ones in place of long ones."""
    return (dW, dU) if length(dW, dU) <= threshold else plain_clip(dW, dU, threshold)


def _gives_equal_shares(dW: Array, dU: Array, threshold: float) -> Pair:
    """Gives dW and dU of a long gradient the same length: the joint norm is right, but it turns."""
    if length(dW, dU) <= threshold:
        return dW, dU
    share = threshold / np.sqrt(2)
    return share / length(dW) * dW, share / length(dU) * dU


_SCALED, _NORM = "scale * dW, scale * dU", "length(dW, dU)"

clips_each_element = edited(
    plain_clip,
    {_SCALED: "np.clip(dW, -threshold, threshold), np.clip(dU, -threshold, threshold)"},
    "Clips each element by itself to at most the threshold.",
)
clips_each_array = edited(
    plain_clip,
    {_SCALED: "tuple(each * min(1, threshold / length(each)) for each in (dW, dU))"},
    "Clips dW by its own norm, and dU by its own.",
)
stretches = edited(
    plain_clip,
    {" if norm > threshold else 1.0": ""},
    "Multiplies by threshold / norm always, so that short gradients grow.",
)
BUGGY = [
    clips_each_element,
    clips_each_array,
    stretches,
    _gives_equal_shares,
    *(
        edited(plain_clip, edits, says)
        for says, edits in {
            "Takes the sum of squares for the norm, without its root.": {_NORM: f"{_NORM} ** 2"},
            "Adds the norm of dW to the norm of dU, in place of their squares.": {
                _NORM: "length(dW) + length(dU)"
            },
            "Scales both arrays by the norm of dW alone.": {_NORM: "length(dW)"},
            "Scales both arrays by the norm of dU alone.": {_NORM: "length(dU)"},
            "Finds the right norm, and scales dW only.": {"scale * dU": "dU"},
            "Finds the right norm, and scales dU only.": {"scale * dW": "dW"},
            "Divides a long gradient by its norm and forgets the threshold.": {
                "threshold / norm": "1 / norm"
            },
            "Takes np.linalg.norm(..., 2), which of a matrix is the largest singular value.": {
                _NORM: f"0 * {_NORM} + np.hypot(np.linalg.norm(dW, 2), np.linalg.norm(dU, 2))"
            },
            "Loses the signs of dW.": {"scale * dW": "abs(scale * dW)"},
            "Loses the signs of dU.": {"scale * dU": "abs(scale * dU)"},
            "Returns dU with rows and columns exchanged.": {"scale * dU": "scale * dU.T"},
            "Returns the rows of dW in the opposite order.": {"scale * dW": "scale * dW[::-1]"},
        }.items()
    ),
]
