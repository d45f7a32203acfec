"""The exercise ``gradients.catches_bad_clip``."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises.gradients.clip_by_norm import norm_of
from unrolled.exercises.grading import Mistake, bug_hunt, edited

Pair = tuple[Array, Array]
Clip = Callable[[Array, Array, float], Pair]


def catches_bad_clip(clip_by_norm: Clip) -> None:
    """Test clip_by_norm: return if it is right, raise AssertionError if it is not.

    You are given an implementation of exercise 4: clip_by_norm(dW, dU, threshold). Its
    norm is the root of the sum of all squared entries of both arrays. A right one
    returns two arrays: if norm > threshold, dW and dU times threshold / norm; if not,
    with the entries they had.

    Call the implementation with gradients and thresholds of your choice, and compare
    what comes back with what should. Right ones may differ in the sixth digit, as torch
    adds 1e-6 to the norm: use np.allclose.
    """
    dW = np.arange(-1.0, 5.0).reshape(3, 2)
    dU = np.arange(-4.0, 5.0).reshape(3, 3)
    norm = np.sqrt((dW**2).sum() + (dU**2).sum())
    for threshold in (norm / 2, 2 * norm):
        dW_clipped, dU_clipped = clip_by_norm(dW, dU, threshold)
        scale = min(1, threshold / norm)
        assert np.allclose(dW_clipped, scale * dW)
        assert np.allclose(dU_clipped, scale * dU)


def _catches_bad_clip_by_angle(clip_by_norm: Clip) -> None:
    rng = np.random.default_rng(0)
    for length in (0.5, 4.0, 100.0):
        joined = rng.normal(size=15)
        joined *= length / np.linalg.norm(joined)
        parts = clip_by_norm(joined[:6].reshape(3, 2).copy(), joined[6:].reshape(3, 3).copy(), 3.0)
        after = np.concatenate([part.ravel() for part in parts])
        assert np.isclose(np.linalg.norm(after), min(length, 3.0))
        assert np.isclose(joined @ after, length * np.linalg.norm(after))


def _catches_bad_clip_by_hand(clip_by_norm: Clip) -> None:
    dW, dU = np.array([[3.0], [-4.0]]), np.array([[8.0, 0.0], [-4.0, 8.0]])
    got, want = clip_by_norm(dW, dU, 6.5), (dW / 2, dU / 2)
    np.testing.assert_allclose(got[0], want[0], rtol=1e-5)
    np.testing.assert_allclose(got[1], want[1], rtol=1e-5)
    got = clip_by_norm(dW, dU, 20.0)
    np.testing.assert_allclose(got[0], dW, rtol=1e-5)
    np.testing.assert_allclose(got[1], dU, rtol=1e-5)


def _catches_bad_clip_torch(clip_by_norm: Clip) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    for size in (0.1, 10.0):
        dW = size * torch.randn(3, 2, generator=generator, dtype=torch.float64)
        dU = size * torch.randn(3, 3, generator=generator, dtype=torch.float64)
        got = [torch.as_tensor(part) for part in clip_by_norm(dW.numpy(), dU.numpy(), 2.0)]
        norm = torch.cat([dW.flatten(), dU.flatten()]).norm()
        scale = (2.0 / norm).clamp(max=1)
        assert torch.allclose(got[0].double(), scale * dW, rtol=1e-5)
        assert torch.allclose(got[1].double(), scale * dU, rtol=1e-5)


_DW = np.array([[3.0, -1.0], [0.5, 2.0]])
_DU = np.array([[-2.0, 4.0], [6.0, 1.0]])
_LONG, _SHORT = 3.0, 30.0  # thresholds


def _asserts(
    implementation: Clip,
    wanted: Clip,
    parts: Iterable[int] = (0, 1),
    *,
    thresholds: Iterable[float] = (_LONG, _SHORT),
    gradient: Pair = (_DW, _DU),
    equal: Callable[[Array, Array], bool] = np.allclose,
) -> None:
    for threshold in thresholds:
        got, want = (clip(*gradient, threshold) for clip in (implementation, wanted))
        assert all(equal(got[part], want[part]) for part in parts)


def _equal_to_seven_digits(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=1e-7, atol=0)


def _length(*arrays: Array) -> Any:
    """The joint norm of arrays, as a NumPy number: by 0 it divides without an error."""
    if not all(isinstance(each, np.ndarray) for each in arrays):
        raise TypeError("dW and dU must be arrays, such as np.array([[3.0, 4.0]])")
    return np.float64(norm_of(*arrays))


def _plain_clip(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / norm if the norm is larger than the threshold."""
    norm = _length(dW, dU)
    scale = threshold / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


def _clip_by_logarithms(dW: Array, dU: Array, threshold: float) -> Pair:
    """Finds threshold / norm by logarithms, which is the same up to rounding."""
    scale = min(1.0, np.exp(np.log(threshold) - np.log(_length(dW, dU))))
    return scale * dW, scale * dU


def _clip_like_torch(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / (norm + 1e-6), as torch does, if that is below 1."""
    scale = min(1.0, threshold / (_length(dW, dU) + 1e-6))
    return scale * dW, scale * dU


def _returns_short_ones(dW: Array, dU: Array, threshold: float) -> Pair:
    """Returns short gradients as they are, the very arrays, and new ones in place of long ones."""
    return (dW, dU) if _length(dW, dU) <= threshold else _plain_clip(dW, dU, threshold)


def _gives_equal_shares(dW: Array, dU: Array, threshold: float) -> Pair:
    """Gives dW and dU of a long gradient the same length: the joint norm is right, but it turns."""
    if _length(dW, dU) <= threshold:
        return dW, dU
    share = threshold / np.sqrt(2)
    return share / _length(dW) * dW, share / _length(dU) * dU


_SCALED, _NORM = "scale * dW, scale * dU", "_length(dW, dU)"

_clips_each_element = edited(
    _plain_clip,
    {_SCALED: "np.clip(dW, -threshold, threshold), np.clip(dU, -threshold, threshold)"},
    "Clips each element by itself to at most the threshold.",
)
_clips_each_array = edited(
    _plain_clip,
    {_SCALED: "tuple(each * min(1, threshold / _length(each)) for each in (dW, dU))"},
    "Clips dW by its own norm, and dU by its own.",
)
_stretches = edited(
    _plain_clip,
    {" if norm > threshold else 1.0": ""},
    "Multiplies by threshold / norm always, so that short gradients grow.",
)
_BUGGY = [
    _clips_each_element,
    _clips_each_array,
    _stretches,
    _gives_equal_shares,
    *(
        edited(_plain_clip, edits, says)
        for says, edits in {
            "Takes the sum of squares for the norm, without its root.": {_NORM: f"{_NORM} ** 2"},
            "Adds the norm of dW to the norm of dU, in place of their squares.": {
                _NORM: "_length(dW) + _length(dU)"
            },
            "Scales both arrays by the norm of dW alone.": {_NORM: "_length(dW)"},
            "Scales both arrays by the norm of dU alone.": {_NORM: "_length(dU)"},
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

_EITHER_ORDER = "whichever of two close arrays comes first, they are close"


_ANY_GRADIENT = "the test may choose its gradient"


_EITHER_FIRST = "the smaller of two numbers is the same, whichever is named first"


_ANY_PAIR = "any two thresholds will do, if one is below the norm and one above"


EXERCISE = bug_hunt(
    catches_bad_clip,
    right=[_plain_clip, _clip_by_logarithms, _clip_like_torch, _returns_short_ones],
    buggy=_BUGGY,
    alternatives=[
        _catches_bad_clip_by_angle,
        _catches_bad_clip_by_hand,
        _catches_bad_clip_torch,
    ],
    equivalent={
        "dW = np.arange(-1.0, 5.0).reshape(3, 2)"
        " -> dW = np.arange(-1.0, 5.0).reshape(2, 3)": _ANY_GRADIENT,
        **{
            f"for threshold in (norm / 2, 2 * norm): -> for threshold in {other}:": _ANY_PAIR
            for other in (
                "(2 * norm, norm / 2)",
                "(norm / 3, 2 * norm)",
                "(norm / 2, 3 * norm)",
                "(norm / 2, 2 + norm)",
            )
        },
        "scale = min(1, threshold / norm) -> scale = min(threshold / norm, 1)": _EITHER_FIRST,
        "assert np.allclose(dW_clipped, scale * dW)"
        " -> assert np.allclose(scale * dW, dW_clipped)": _EITHER_ORDER,
        "assert np.allclose(dU_clipped, scale * dU)"
        " -> assert np.allclose(scale * dU, dU_clipped)": _EITHER_ORDER,
    },
    mistakes={
        "looks_at_long_ones_only": Mistake(
            """Your test clips long gradients only. Short ones have a rule of their own: they stay.

            Call it also with a threshold above the norm, and check that nothing changes.
            """,
            "_asserts(clip_by_norm, _plain_clip, thresholds=[_LONG])",
            """
            rng = np.random.default_rng(0)
            dW, dU = 5 * rng.normal(size=(4, 2)), 5 * rng.normal(size=(4, 4))
            norm = np.linalg.norm(np.concatenate([dW.ravel(), dU.ravel()]))
            out_W, out_U = clip_by_norm(dW, dU, 2.0)
            assert np.allclose(out_W, dW * 2 / norm) and np.allclose(out_U, dU * 2 / norm)
            """,
        ),
        "looks_at_short_ones_only": Mistake(
            """Your test never clips: its gradients are all shorter than their thresholds.

            Call it also with a threshold below the norm.
            """,
            "_asserts(clip_by_norm, _plain_clip, thresholds=[_SHORT])",
        ),
        "looks_at_dW_only": Mistake(
            """Your test looks at dW only, so what becomes of dU goes unseen. Check both.""",
            "_asserts(clip_by_norm, _plain_clip, [0])",
        ),
        "looks_at_dU_only": Mistake(
            """Your test looks at dU only, so what becomes of dW goes unseen. Check both.""",
            "_asserts(clip_by_norm, _plain_clip, [1])",
        ),
        "measures_length_only": Mistake(
            """Your test measures how long the gradient is afterwards, not where it points.

            Clipping keeps the direction. Compare the entries with what they should be.
            """,
            """
            for threshold in (_LONG, _SHORT):
                length = norm_of(*clip_by_norm(_DW, _DU, threshold))
                assert np.isclose(length, min(threshold, norm_of(_DW, _DU)))
            """,
        ),
        "measures_length_of_long_ones_only": Mistake(
            """Your test measures how long a long gradient is afterwards, and no more.

            Clipping keeps the direction, and it leaves short gradients as they are. Compare the
            entries with what they should be, for a threshold below the norm and for one above
            it.
            """,
            "assert np.isclose(norm_of(*clip_by_norm(_DW, _DU, _LONG)), _LONG)",
            """
            rng = np.random.default_rng(0)
            dW, dU = 5 * rng.normal(size=(4, 2)), 5 * rng.normal(size=(4, 4))
            out_W, out_U = clip_by_norm(dW, dU, 2.0)
            assert np.isclose(np.sum(out_W**2) + np.sum(out_U**2), 4.0)
            """,
        ),
        "asks_for_at_most_the_threshold": Mistake(
            """Your test is content when the norm is at most the threshold. So it would be with
            zeros.

            A gradient that is cut too short, stretched or turned passes. Compare the entries
            with what they should be.
            """,
            """
            for threshold in (_LONG, _SHORT):
                assert norm_of(*clip_by_norm(_DW, _DU, threshold)) <= threshold * (1 + 1e-6)
            """,
        ),
        "checks_direction_only": Mistake(
            """Your test checks that the direction is kept, not how long the gradient is
            afterwards.

            Compare the entries with what they should be.
            """,
            """
            for threshold in (_LONG, _SHORT):
                assert direction_is_kept(clip_by_norm(_DW, _DU, threshold), _DW, _DU, threshold)
            """,
        ),
        "threshold_of_one": Mistake(
            """Your test clips to a threshold of 1 only, and there it does not show if it is
            forgotten.

            1 / norm and threshold / norm are the same. Choose another threshold.
            """,
            """
            _asserts(clip_by_norm, _plain_clip, thresholds=[1.0, _SHORT])
            _asserts(clip_by_norm, _plain_clip, gradient=(_DW / 50, _DU / 50), thresholds=[1.0])
            """,
            """
            for size in (0.01, 10):
                dW = size * np.array([[1.0, 2.0], [3.0, 5.0]])
                dU = size * np.array([[2.0, -1.0], [0.0, 1.0]])
                norm = np.sqrt(np.sum(dW**2) + np.sum(dU**2))
                out_W, out_U = clip_by_norm(dW, dU, 1.0)
                assert np.allclose(out_W, dW * min(1, 1 / norm))
                assert np.allclose(out_U, dU * min(1, 1 / norm))
            """,
        ),
        "gradients_of_rank_one": Mistake(
            """Your gradients are too simple for one of the bugs.

            Each is a single row, column or number, or its rows are multiples of one another.
            Then the largest singular value equals the root of the sum of squares. Give dW or dU
            two rows that point in different directions.
            """,
            """
            gradient = np.array([[3.0], [4.0]]), np.array([[0.0, 12.0], [0.0, 0.0]])
            _asserts(clip_by_norm, _plain_clip, gradient=gradient)
            """,
        ),
        "entries_all_alike": Mistake(
            """Your dW and dU are too much alike: same shape and same entries, such as `np.ones((2,
            2))`.

            Some bugs then do no harm. Take arrays of different shapes and different entries.
            """,
            """
            gradient = np.full((2, 2), 4.0), np.full((2, 2), 4.0)
            _asserts(clip_by_norm, _plain_clip, gradient=gradient, thresholds=[4.0, 40.0])
            """,
        ),
        "wants_each_element_clipped": Mistake(
            """Your test wants each element clipped by itself: it asks for the bug.

            Clipping by norm multiplies all entries by one factor. An element may be anything up
            to the threshold afterwards, and none is cut by itself.
            """,
            "_asserts(clip_by_norm, _clips_each_element)",
            """
            dW, dU = np.array([[3.0], [0.5]]), np.array([[0.2, -2.0], [5.0, 0.1]])
            out_W, out_U = clip_by_norm(dW, dU, 1.5)
            assert np.allclose(out_W, np.clip(dW, -1.5, 1.5))
            assert np.allclose(out_U, np.clip(dU, -1.5, 1.5))
            """,
        ),
        "wants_each_array_clipped": Mistake(
            """Your test wants dW and dU clipped separately, each by its own norm: it asks for the
            bug.

            There is one norm, over all entries of both.
            """,
            "_asserts(clip_by_norm, _clips_each_array)",
        ),
        "wants_the_threshold_always": Mistake(
            """Your test wants every gradient to have the threshold's length, also a short one.

            A right implementation leaves a short gradient as it is: clipping only shortens.
            """,
            "_asserts(clip_by_norm, _stretches)",
        ),
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Compute what should come back and `assert` that it does.
            """,
            "clip_by_norm(_DW, _DU, _LONG)",
        ),
        "exact_equality": Mistake(
            """Your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, or of a tolerance near 0, use `np.allclose` as it is.
            """,
            "_asserts(clip_by_norm, _plain_clip, equal=np.array_equal)",
        ),
        "too_exact": Mistake(
            """Your test is too exact: it rejects what torch does, which adds 1e-6 to the norm.

            That changes the sixth digit or so. `np.testing.assert_allclose` wants seven right
            digits unless it is told otherwise; use `np.allclose`, or pass `rtol=1e-5`.
            """,
            "_asserts(clip_by_norm, _plain_clip, equal=_equal_to_seven_digits)",
            """
            dW, dU = np.array([[3.0], [1.0]]), np.array([[1.0, 2.0], [2.0, 1.5]])
            norm = np.sqrt((dW**2).sum() + (dU**2).sum())
            for threshold in (2.0, 20.0):
                out_W, out_U = clip_by_norm(dW, dU, threshold)
                np.testing.assert_allclose(out_W, dW * min(1, threshold / norm))
                np.testing.assert_allclose(out_U, dU * min(1, threshold / norm))
            """,
        ),
    },
)
