"""The exercise ``gradients.clip_each``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.gradients._norm_of import norm_of
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def clip_each(dW: Array, dU: Array, threshold: float) -> Pair:
    """Clip each sequence's gradient by itself, and take the mean.

    dW has shape (B, H, I), dU (B, H, H): dW[b] and dU[b] are the gradient of
    sequence b. threshold is positive. Return new arrays (dW, dU), of shapes
    (H, I) and (H, H).
    """
    squares = (dW**2).sum(axis=(1, 2)) + (dU**2).sum(axis=(1, 2))
    scales = threshold / np.maximum(np.sqrt(squares), threshold)
    scales = scales[:, None, None]
    return (scales * dW).mean(axis=0), (scales * dU).mean(axis=0)


def _joined(dW: Array, dU: Array, threshold: float) -> Pair:
    B, H, I = dW.shape  # noqa: E741
    rows = np.concatenate([dW.reshape(B, -1), dU.reshape(B, -1)], axis=1)
    lengths = np.linalg.norm(rows, axis=1)
    long = lengths > threshold
    rows[long] *= (threshold / lengths[long])[:, None]
    mean = rows.sum(axis=0) / B
    return mean[: H * I].reshape(H, I), mean[H * I :].reshape(H, H)


def _looped(dW: Array, dU: Array, threshold: float) -> Pair:
    total_W, total_U = np.zeros(dW.shape[1:]), np.zeros(dU.shape[1:])
    for each_W, each_U in zip(dW, dU, strict=True):
        squares = sum(float(entry) ** 2 for part in (each_W, each_U) for entry in part.flat)
        scale = 1.0 if squares <= threshold**2 else threshold / squares**0.5
        total_W += scale * each_W
        total_U += scale * each_U
    return total_W / len(dW), total_U / len(dU)


def _torch(dW: Array, dU: Array, threshold: float) -> Any:
    import torch

    parameters = [torch.zeros(each.shape[1:], dtype=torch.float64) for each in (dW, dU)]
    clipped: list[list[torch.Tensor]] = [[], []]
    for each in zip(dW, dU, strict=True):
        for parameter, gradient in zip(parameters, each, strict=True):
            parameter.grad = torch.tensor(gradient, dtype=torch.float64)
        torch.nn.utils.clip_grad_norm_(parameters, threshold)
        for part, parameter in zip(clipped, parameters, strict=True):
            if parameter.grad is not None:
                part.append(parameter.grad)
    return tuple(torch.stack(part).mean(dim=0) for part in clipped)


def _is_finite(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """There is a NaN, or an infinity. Likely: 0 divided by 0, where a gradient is 0."""
    return all(np.all(np.isfinite(part)) for part in result)


def _no_longer_than_the_threshold(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """Your mean is longer than the threshold. None of the gradients in it should be."""
    with np.errstate(all="ignore"):
        return bool(norm_of(*result) <= threshold * (1 + 1e-5))


def _short_ones_stay(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """No sequence's gradient is longer than the threshold here, so there is nothing to clip."""
    if any(norm_of(*each) > threshold for each in zip(dW, dU, strict=True)):
        return True
    return bool(np.allclose(result[0], dW.mean(axis=0)) and np.allclose(result[1], dU.mean(axis=0)))


def _one_keeps_its_direction(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """There is one sequence here. Its gradient should keep its direction, and yours turns."""
    if len(dW) > 1:
        return True
    was, now = (np.concatenate([W.ravel(), U.ravel()]) for W, U in ((dW, dU), result))
    with np.errstate(all="ignore"):
        return bool(np.isclose(was @ now, np.linalg.norm(was) * np.linalg.norm(now)))


def _case(
    sizes: tuple[int, int, int], threshold: float, scale: float = 1.0
) -> tuple[Array, Array, float]:
    """Draw gradients of sizes B, I and H, some of them about ten times as long as others."""
    B, I, H = sizes  # noqa: E741
    lengths = np.resize([1.0, 0.1, 3.0, 0.3], B)[:, None, None] * scale
    dW, dU = numbers(_rng, B, H, I, scale=10), numbers(_rng, B, H, H, scale=10)
    return lengths * dW, lengths * dU, threshold


def _one_of_zeros(*sizes: int) -> tuple[Array, Array, float]:
    dW, dU, threshold = _case(sizes, 2.0)  # type: ignore[arg-type]
    dW[1], dU[1] = 0, 0
    return dW, dU, threshold


_ORDERS = ("2, 1", "1, 2"), ("1, 2", "2, 1")
_DW = np.array([[[3.0], [4.0]], [[0.0], [-0.3]]])
_DU = np.array([[[8.0, 0.0], [4.0, 8.0]], [[0.4, 0.0], [0.0, 1.2]]])  # norms 13 and 1.3
_SQUARES = "(dW ** 2).sum(axis=(1, 2)) + (dU ** 2).sum(axis=(1, 2))"
_TURNED = [f"(dW ** 2).sum(axis=({a})) + (dU ** 2).sum(axis=({b}))" for a, b in _ORDERS]
_AXES = "a sum over two axes, in whichever order"
_SCALES = "threshold / np.maximum(np.sqrt(squares), threshold)"
_NORM = "np.sqrt(squares)"
_MEANS = "(scales * dW).mean(axis=0), (scales * dU).mean(axis=0)"


def _scaled(dW: Array, dU: Array, scales: Any) -> Pair:
    """Return the means of gradients, each scaled by its own number."""
    scales = np.broadcast_to(scales, len(dW))[:, None, None]
    return (scales * dW).mean(axis=0), (scales * dU).mean(axis=0)


def _norms(*arrays: Array) -> Any:
    """Return the norm of each sequence, over all arrays."""
    return np.sqrt(sum((each**2).sum(axis=(1, 2)) for each in arrays))


EXERCISE = Exercise(
    clip_each,
    cases=[
        (_DW, _DU, 6.5),
        (_DW, _DU, 26.0),
        (_DW[:1], _DU[:1], 6.5),
        (np.array([[[3.0, 0.0]], [[6.0, 2.0]]]), np.array([[[4.0]], [[3.0]]]), 4.5),
        (np.array([[[3.0]], [[3.0]]]), np.array([[[-4.0]], [[4.0]]]), 5.0),  # as long as it
        (np.array([[[0.0]], [[6.0]]]), np.array([[[0.0]], [[-8.0]]]), 2.0),
        (np.array([[[3.0, 1.0], [4.0, 1.0]]]), np.array([[[8.0, 0.0], [4.0, 8.0]]]), 1.0),
        _case((4, 2, 3), 1.0),
        _case((5, 2, 3), 8.0),
        _case((3, 5, 2), 2.5),
        _case((3, 3, 3), 2.5),
        _case((2, 1, 4), 0.5),
        _one_of_zeros(4, 3, 2),
        (np.zeros((2, 4, 3)), numbers(_rng, 2, 4, 4), 0.1),
        (numbers(_rng, 2, 4, 3), np.zeros((2, 4, 4)), 0.1),
        _case((3, 7, 2), 1e3, scale=1e3),
        _case((3, 1, 5), 0.5, scale=1e-9),
        _case((31, 2, 2), 4.0),
    ],
    alternatives=[_joined, _looped, _torch],
    properties=[
        _is_finite,
        _no_longer_than_the_threshold,
        _short_ones_stay,
        _one_keeps_its_direction,
    ],
    parts=("dW", "dU"),
    tolerance=1e-6,  # torch divides by the norm plus 1e-6
    equivalent={
        f"squares = {_SQUARES} -> squares = {_TURNED[0]}": _AXES,
        f"squares = {_SQUARES} -> squares = {_TURNED[1]}": _AXES,
        f"scales = {_SCALES} -> scales = threshold / np.maximum(threshold, {_NORM})": (
            "the larger of two numbers, whichever comes first"
        ),
    },
    mistakes={
        "mean_first": Mistake(
            """The mean is taken first, and that is clipped. By then one long gradient has drowned
            the others.
            """,
            """
            dW, dU = dW.mean(axis=0), dU.mean(axis=0)
            norm = norm_of(dW, dU)
            scale = threshold / norm if norm > threshold else 1.0
            return scale * dW, scale * dU
            """,
        ),
        "one_norm_for_the_batch": Mistake(
            """All sequences are scaled by one number, from a norm over the whole batch. Each has a
            norm of its own, and only the long ones are shortened.
            """,
            "return _scaled(dW, dU, threshold / max(norm_of(dW, dU), threshold))",
        ),
        "by_the_longest": Mistake(
            """All sequences are scaled by one number, from the longest gradient. Each is shortened
            by itself.
            """,
            "return _scaled(dW, dU, threshold / max(_norms(dW, dU).max(), threshold))",
        ),
        "sums_in_place_of_means": Mistake(
            """These are sums over the sequences. With the mean, a larger batch makes no larger
            step.
            """,
            {_MEANS: "(scales * dW).sum(axis=0), (scales * dU).sum(axis=0)"},
        ),
        "no_mean": Mistake(
            """The gradients are clipped, and there are still as many as sequences. Asked for is
            their mean.
            """,
            {_MEANS: "scales * dW, scales * dU"},
        ),
        "mean_of_the_long_ones": Mistake(
            """The short gradients are left out of the mean. They count as well, as they are.""",
            """
            long = _norms(dW, dU) > threshold
            if not long.any():
                return dW.mean(axis=0), dU.mean(axis=0)
            return _scaled(dW[long], dU[long], threshold / _norms(dW, dU)[long])
            """,
        ),
        "mean_of_the_short_ones": Mistake(
            """The long gradients are left out. Their direction is worth keeping: shorten them.""",
            "return _scaled(dW, dU, _norms(dW, dU) <= threshold)",
            """
            short = _norms(dW, dU) <= threshold
            if not short.any():
                return 0 * dW[0], 0 * dU[0]
            return dW[short].mean(axis=0), dU[short].mean(axis=0)
            """,
        ),
        "clipped_again": Mistake(
            """The mean is clipped once more, to less than the threshold, or scaled to it. It is
            short enough.
            """,
            """
            dW, dU = solution(dW, dU, threshold)
            scale = threshold / norm_of(dW, dU) if norm_of(dW, dU) else 1.0
            return scale * dW, scale * dU
            """,
        ),
        "zeros_left_out": Mistake(
            """Gradients of zeros are left out of the mean. They count, as any other.""",
            """
            some = np.count_nonzero(_norms(dW, dU))
            return tuple(each * len(dW) / max(some, 1) for each in solution(dW, dU, threshold))
            """,
        ),
        "weighted_mean": Mistake(
            """The sum is divided by the sum of the factors. It is divided by how many sequences
            there are.
            """,
            """
            scales = threshold / np.maximum(_norms(dW, dU), threshold)
            return tuple(each * len(dW) / scales.sum() for each in _scaled(dW, dU, scales))
            """,
        ),
        "each_element_clipped": Mistake(
            """Each element is clipped by itself. That turns a gradient to another direction.""",
            """
            clipped = np.clip(dW, -threshold, threshold), np.clip(dU, -threshold, threshold)
            return clipped[0].mean(axis=0), clipped[1].mean(axis=0)
            """,
        ),
        "one_norm_each": Mistake(
            """Each array is clipped by its own norm, dW[b] and dU[b] separately. Then a gradient
            turns, and may still be longer than the threshold.
            """,
            """
            return tuple(
                (each * (threshold / np.maximum(_norms(each), threshold))[:, None, None]).mean(0)
                for each in (dW, dU)
            )
            """,
        ),
        "norms_added": Mistake(
            """The norms of dW[b] and dU[b] are added. Norms 3 and 4 make 5.""",
            {_NORM: "(_norms(dW) + _norms(dU))"},
        ),
        "larger_norm": Mistake(
            """The norm is that of the longer of the two arrays. The other one adds to it.""",
            {_NORM: "np.maximum(_norms(dW), _norms(dU))"},
        ),
        "norm_of_dW_only": Mistake(
            """The norm is that of dW[b] alone. dU[b] is part of the gradient.""",
            {_NORM: "_norms(dW)"},
        ),
        "norm_of_dU_only": Mistake(
            """The norm is that of dU[b] alone. dW[b] is part of the gradient.""",
            {_NORM: "_norms(dU)"},
        ),
        "root_forgotten": Mistake(
            """The root is missing: the squared norm is compared, and divided by.""",
            {_NORM: "squares"},
        ),
        "squares_forgotten": Mistake(
            """The norm lacks squares: these are sums of values, or of absolute values.""",
            {_NORM: "(np.abs(dW).sum(axis=(1, 2)) + np.abs(dU).sum(axis=(1, 2)))"},
            {_NORM: "np.abs(dW.sum(axis=(1, 2)) + dU.sum(axis=(1, 2)))"},
        ),
        "largest_element": Mistake(
            """The norm is taken to be the largest element. That keeps the direction; the length is
            wrong.
            """,
            {_NORM: "np.maximum(np.abs(dW).max(axis=(1, 2)), np.abs(dU).max(axis=(1, 2)))"},
        ),
        "singular_values": Mistake(
            """The norm of each matrix is its largest singular value, as from `np.linalg.norm(...,
            2)`. A gradient is one long vector, however its entries are arranged.
            """,
            {
                _NORM: "np.hypot(*(np.linalg.norm(each, 2, axis=(1, 2)) for each in (dW, dU)))",
            },
        ),
        "norm_of_each_row": Mistake(
            """Each row of the matrices has its own norm and is clipped by itself. A sequence's
            gradient is one vector, with one norm.
            """,
            """
            norms = np.sqrt((dW**2).sum(axis=2) + (dU**2).sum(axis=2))
            scales = (threshold / np.maximum(norms, threshold))[..., None]
            return (scales * dW).mean(axis=0), (scales * dU).mean(axis=0)
            """,
        ),
        "mean_square": Mistake(
            """The squares are averaged. The norm is the root of their sum.""",
            {_NORM: "np.sqrt(squares / (dW[0].size + dU[0].size))"},
        ),
        "cut_to_length_one": Mistake(
            """A long gradient gets norm 1, whatever the threshold.""",
            {_SCALES: "np.where(squares > threshold**2, 1 / np.sqrt(squares + 1e-99), 1.0)"},
        ),
        "times_the_threshold": Mistake(
            """A long gradient is multiplied by the threshold, and not divided by its norm.""",
            {_SCALES: "np.where(squares > threshold**2, threshold, 1.0)"},
        ),
        "scale_upside_down": Mistake(
            """The factor is upside down: it makes a long gradient longer still.""",
            {_SCALES: "np.maximum(np.sqrt(squares), threshold) / threshold"},
        ),
        "short_ones_stretched": Mistake(
            """All gradients get the length of the threshold, the short ones too. Clipping makes no
            gradient longer.
            """,
            {_SCALES: "threshold / np.where(squares > 0, np.sqrt(squares), threshold)"},
            {_SCALES: "threshold / (np.sqrt(squares) + 1e-12)"},
        ),
        "wrong_way_round": Mistake(
            """Long gradients stay long, and short ones are stretched: the comparison, or the choice
            of the larger and the smaller, is the wrong way round.
            """,
            {"np.maximum": "np.minimum", _NORM: "np.sqrt(squares + threshold**2 * (squares == 0))"},
        ),
        "factor_squared": Mistake(
            """The factor is squared: a long gradient is shortened too much.""",
            {_SCALES: f"({_SCALES}) ** 2"},
        ),
        "dU_left_as_it_is": Mistake(
            """Only dW is scaled. The gradient is both together.""",
            {"scales * dU": "dU"},
        ),
        "dW_left_as_it_is": Mistake(
            """Only dU is scaled. The gradient is both together.""",
            {"scales * dW": "dW"},
        ),
        "not_clipped": Mistake(
            """Nothing is clipped: these are the means of the gradients as they came.""",
            "return dW.mean(axis=0), dU.mean(axis=0)",
        ),
        "zero_divided_by_zero": Mistake(
            """A gradient of zeros is divided by its norm, which is 0, and comes out as NaN.""",
            """
            with np.errstate(all="ignore"):
                scales = np.minimum(np.sqrt((dW**2).sum((1, 2)) + (dU**2).sum((1, 2))), threshold)
                scales = scales / np.sqrt((dW**2).sum((1, 2)) + (dU**2).sum((1, 2)))
            return _scaled(dW, dU, scales)
            """,
        ),
        "results_swapped": Mistake(
            "The results are the wrong way round: return dW first, then dU.",
            {_MEANS: "(scales * dU).mean(axis=0), (scales * dW).mean(axis=0)"},
        ),
        "written_into_the_gradients": Mistake(
            """The scaling is written into the caller's own arrays. Make new ones.""",
            """
            scales = threshold / np.maximum(_norms(dW, dU), threshold)
            for each in (dW, dU):
                each *= scales[:, None, None]
            return dW.mean(axis=0), dU.mean(axis=0)
            """,
            """
            for each_W, each_U in zip(dW, dU, strict=True):
                norm = norm_of(each_W, each_U)
                if norm > threshold:
                    each_W *= threshold / norm
                    each_U *= threshold / norm
            return dW.mean(axis=0), dU.mean(axis=0)
            """,
        ),
    },
)
