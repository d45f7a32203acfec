"""The exercise ``gradients.clip_by_norm``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def clip_by_norm(dW: Array, dU: Array, threshold: float) -> Pair:
    """Shorten a gradient of two arrays if it is longer than the threshold.

    dW has shape (H, I), dU (H, H); threshold is positive. Return new arrays (dW, dU), of
    the same shapes and together of the same direction.
    """
    norm = np.sqrt((dW**2).sum() + (dU**2).sum())
    scale = threshold / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


def norm_of(*arrays: Array) -> float:
    """One Euclidean norm over all entries of all arrays."""
    return float(np.sqrt(sum((each**2).sum() for each in arrays)))


def _clip_joined(dW: Array, dU: Array, threshold: float) -> Pair:
    joined = np.concatenate([dW.ravel(), dU.ravel()])
    joined = joined * min(1.0, threshold / np.linalg.norm(joined))
    return joined[: dW.size].reshape(dW.shape), joined[dW.size :].reshape(dU.shape)


def _clip_looped(dW: Array, dU: Array, threshold: float) -> Pair:
    squares = 0.0
    for array in (dW, dU):
        for entry in array.ravel():
            squares += entry * entry
    if squares <= threshold**2:
        return dW, dU
    return dW * (threshold / squares**0.5), dU * (threshold / squares**0.5)


def _clip_torch(dW: Array, dU: Array, threshold: float) -> Any:
    import torch

    parameters = [torch.zeros(each.shape, dtype=torch.float64) for each in (dW, dU)]
    for parameter, gradient in zip(parameters, (dW, dU), strict=True):
        parameter.grad = torch.tensor(gradient, dtype=torch.float64)
    torch.nn.utils.clip_grad_norm_(parameters, threshold)
    return parameters[0].grad, parameters[1].grad


def _short_gradients_stay(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """This gradient is no longer than the threshold, so it should come back as it is.

    Clipping only shortens. To give every gradient the same length is something else: it takes
    long steps even where the loss is flat.
    """
    if norm_of(dW, dU) > threshold:
        return True
    return bool(np.allclose(result[0], dW) and np.allclose(result[1], dU))


def direction_is_kept(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """The gradient should keep its direction. Yours turns.

    All entries of both arrays are scaled by the same factor.
    """
    was, now = (np.concatenate([dW.ravel(), dU.ravel()]) for dW, dU in ((dW, dU), result))
    with np.errstate(all="ignore"):
        return bool(np.isclose(was @ now, np.linalg.norm(was) * np.linalg.norm(now)))


_NORM = "np.sqrt((dW**2).sum() + (dU**2).sum())"
_AT_THE_THRESHOLD = "where the norm equals the threshold, the factor is 1 either way"


EXERCISE = Exercise(
    clip_by_norm,
    cases=[
        (np.array([[3.0], [4.0]]), np.array([[8.0, 0.0], [4.0, 8.0]]), 6.5),
        (np.array([[3.0], [4.0]]), np.array([[8.0, 0.0], [4.0, 8.0]]), 26.0),
        (np.array([[3.0, 0.0]]), np.array([[4.0]]), 4.5),
        (np.zeros((2, 1)), np.zeros((2, 2)), 1.0),
        (numbers(_rng, 3, 2, scale=10), numbers(_rng, 3, 3), 1.0),
        (numbers(_rng, 3, 2, scale=10), numbers(_rng, 3, 3), 2.5),
        (np.array([[3.0]]), np.array([[-4.0]]), 5.0),  # as long as the threshold
        (numbers(_rng, 2, 7, scale=1e4), numbers(_rng, 2, 2, scale=1e4), 1e3),
        (1e-9 * numbers(_rng, 5, 1), 1e-9 * numbers(_rng, 5, 5), 0.5),
        (np.zeros((4, 3)), numbers(_rng, 4, 4), 0.1),
        (numbers(_rng, 31, 1), numbers(_rng, 31, 31), 4.0),
    ],
    alternatives=[_clip_joined, _clip_looped, _clip_torch],
    properties=[_short_gradients_stay, direction_is_kept],
    parts=("dW", "dU"),
    tolerance=1e-6,  # torch divides by the norm plus 1e-6
    equivalent={
        "scale = threshold / norm if norm > threshold else 1.0"
        " -> scale = threshold / norm if norm >= threshold else 1.0": _AT_THE_THRESHOLD,
    },
    mistakes={
        "each_element_clipped": Mistake(
            """Each element is clipped by itself. That turns the gradient to another direction.

            Large elements are cut and small ones are not. Multiply all by one factor, threshold
            / norm. (`torch.nn.utils.clip_grad_value_` is what you wrote, `clip_grad_norm_` what
            is asked for.)
            """,
            "return np.clip(dW, -threshold, threshold), np.clip(dU, -threshold, threshold)",
        ),
        "one_norm_each": Mistake(
            """Each array is clipped by its own norm, dW and dU separately.

            Then a long one is shortened and the other is not, so the gradient turns; and
            together they may still be longer than the threshold. There is one norm, over all
            entries of both.
            """,
            """
            clipped = []
            for grad in (dW, dU):
                norm = np.linalg.norm(grad)
                clipped.append(grad * threshold / norm if norm > threshold else grad)
            return tuple(clipped)
            """,
        ),
        "norms_added": Mistake(
            """The norms of dW and dU are added. It is their squares that add up.

            Norms 3 and 4 make 5, as the sides of a right angle do: take the root after the sum.
            """,
            {_NORM: "norm_of(dW) + norm_of(dU)"},
            """
            norm = np.linalg.norm(dW) + np.linalg.norm(dU)
            scale = min(1, threshold / norm) if norm else 1
            return dW * scale, dU * scale
            """,
        ),
        "larger_norm": Mistake(
            """The norm is that of the longer of the two arrays. The other adds to the length, too.

            Sum all squared entries of both, then take the root.
            """,
            {_NORM: "max(norm_of(dW), norm_of(dU))"},
        ),
        "norm_of_dW_only": Mistake(
            """The norm is that of dW alone. dU is part of the gradient: its squares belong in the
            sum.
            """,
            {_NORM: "norm_of(dW)"},
        ),
        "norm_of_dU_only": Mistake(
            """The norm is that of dU alone. dW is part of the gradient: its squares belong in the
            sum.
            """,
            {_NORM: "norm_of(dU)"},
        ),
        "root_forgotten": Mistake(
            """The root is missing: this compares the squared norm with the threshold and divides
            by it.

            The gradient comes out far too short. Take `np.sqrt` of the sum of squares.
            """,
            {_NORM: "norm_of(dW, dU) ** 2"},
            """
            norm = np.sum(dW**2) + np.sum(dU**2)
            rate = threshold / (norm + 1e-12)
            return (dW * rate, dU * rate) if rate < 1 else (dW, dU)
            """,
        ),
        "largest_element": Mistake(
            """The norm is taken to be the largest element. That keeps the direction; the length is
            wrong.

            The norm is the square root of the sum of all squared entries.
            """,
            {_NORM: "max(np.abs(dW).max(), np.abs(dU).max())"},
        ),
        "absolute_values_added": Mistake(
            """The norm is taken to be the sum of the absolute values. Square, add, and take the
            root.
            """,
            {_NORM: "np.abs(dW).sum() + np.abs(dU).sum()"},
        ),
        "singular_values": Mistake(
            """The norm of each array is its largest singular value: `np.linalg.norm(dU, 2)` of a
            matrix.

            A gradient is one long vector, however its entries are arranged. Leave the 2 away,
            or sum the squared entries.
            """,
            {_NORM: "np.hypot(np.linalg.norm(dW, 2), np.linalg.norm(dU, 2))"},
        ),
        "singular_value_of_both": Mistake(
            """This is the largest singular value of dW and dU side by side, `np.linalg.norm(...,
            2)`.

            Of a matrix, 2 asks for that. Asked for is the root of the sum of all squares: leave
            the 2 out, or make one long vector first.
            """,
            {_NORM: "np.linalg.norm(np.hstack([dW, dU]), 2)"},
        ),
        "one_norm_of_the_sum": Mistake(
            """This is the norm of dW + dU. The two are not added: their entries stand side by
            side.

            It runs only where shapes happen to broadcast. Square all entries of both, then add.
            """,
            {_NORM: "norm_of(dW + dU)"},
        ),
        "mean_square": Mistake(
            """The squares are averaged. The norm is the root of their sum.

            With a mean, the step that is allowed would grow with the number of weights.
            """,
            {_NORM: "np.sqrt(((dW**2).sum() + (dU**2).sum()) / (dW.size + dU.size))"},
        ),
        "cut_to_length_one": Mistake(
            """A long gradient gets norm 1, whatever the threshold. Scale by threshold / norm.""",
            {"threshold / norm if": "1 / norm if"},
        ),
        "times_the_threshold": Mistake(
            """A long gradient is multiplied by the threshold, and never divided by its norm.

            Dividing by the norm gives length 1, and multiplying that by the threshold the right
            length.
            """,
            {"threshold / norm if": "threshold if"},
        ),
        "scale_upside_down": Mistake(
            """The factor is upside down: norm / threshold makes a long gradient longer still.

            A gradient that is too long needs a factor below 1: threshold / norm.
            """,
            {"threshold / norm if": "norm / threshold if"},
        ),
        "wrong_way_round": Mistake(
            """Long gradients stay long, and short ones are stretched.

            Likely: the comparison is the wrong way round, or `max` stands where `min` belongs.
            Clipping never makes a gradient longer: the factor is at most 1.
            """,
            {"norm > threshold": "norm < threshold"},
            {"threshold / norm if norm > threshold else 1.0": "np.maximum(1, threshold / norm)"},
            """
            norm = norm_of(dW, dU)
            scale = max(1, threshold / norm) if norm > 0 else 1
            return dW * scale, dU * scale
            """,
        ),
        "factor_squared": Mistake(
            """The factor is squared: threshold**2 over the sum of squares. The root is missing.

            Squares may be compared without a root, but a gradient is scaled by threshold /
            norm.
            """,
            {"threshold / norm if": "(threshold / norm) ** 2 if"},
        ),
        "results_swapped": Mistake(
            "The results are the wrong way round: return dW first, then dU.",
            {"scale * dW, scale * dU": "scale * dU, scale * dW"},
        ),
        "long_ones_dropped": Mistake(
            """A long gradient is dropped. Its direction is worth keeping: shorten it.""",
            {"threshold / norm if": "0.0 if"},
        ),
        "dU_left_as_it_is": Mistake(
            """Only dW is scaled. The gradient is both together: scale dU by the same factor.""",
            {"scale * dU": "dU"},
        ),
        "written_into_the_gradients": Mistake(
            """The scaling is written into the caller's own arrays.

            `dW *= scale` changes the array that was handed in; `dW = dW * scale` makes a new
            one. (torch's `clip_grad_norm_` does write in place. It says so: that is what its
            last underscore means.)
            """,
            """
            norm = norm_of(dW, dU)
            scale = threshold / norm if norm > threshold else 1.0
            dW *= scale
            dU *= scale
            return dW, dU
            """,
            """
            rate = threshold / (np.sqrt(np.sum(dW**2) + np.sum(dU**2)) + 1e-6)
            if rate < 1:
                for grad in (dW, dU):
                    grad *= rate
            return dW, dU
            """,
        ),
    },
)
