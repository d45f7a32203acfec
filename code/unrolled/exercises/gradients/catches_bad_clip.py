"""The exercise ``gradients.catches_bad_clip``."""

from __future__ import annotations

from collections.abc import Callable, Iterable

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.gradients import _clips
from unrolled.exercises.grading import Mistake, bug_hunt

Pair = tuple[Array, Array]
Clip = Callable[[Array, Array, float], Pair]


def catches_bad_clip(clip_by_norm: Clip) -> None:
    """Return if clip_by_norm is right, raise AssertionError if it is not.

    clip_by_norm(dW, dU, threshold) takes arrays of shapes (H, I) and (H, H)
    and returns both, clipped. Right ones may differ in the sixth digit: use
    np.allclose.
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


_EITHER_ORDER = "whichever of two close arrays comes first, they are close"


_ANY_GRADIENT = "the test may choose its gradient"


_EITHER_FIRST = "the smaller of two numbers is the same, whichever is named first"


_ANY_PAIR = "any two thresholds will do, if one is below the norm and one above"


EXERCISE = bug_hunt(
    catches_bad_clip,
    right=[
        _clips.plain_clip,
        _clips.clip_by_logarithms,
        _clips.clip_like_torch,
        _clips.returns_short_ones,
    ],
    buggy=_clips.BUGGY,
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
            "_asserts(clip_by_norm, _clips.plain_clip, thresholds=[_LONG])",
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
            "_asserts(clip_by_norm, _clips.plain_clip, thresholds=[_SHORT])",
            "_asserts(clip_by_norm, _clips.plain_clip, thresholds=[10 * _SHORT])",
        ),
        "looks_at_dW_only": Mistake(
            """Your test looks at dW only, so what becomes of dU goes unseen. Check both.""",
            "_asserts(clip_by_norm, _clips.plain_clip, [0])",
        ),
        "looks_at_dU_only": Mistake(
            """Your test looks at dU only, so what becomes of dW goes unseen. Check both.""",
            "_asserts(clip_by_norm, _clips.plain_clip, [1])",
        ),
        "measures_length_only": Mistake(
            """Your test measures how long the gradient is afterwards, not where it points.

            Clipping keeps the direction. Compare the entries with what they should be.
            """,
            """
            for threshold in (_LONG, _SHORT):
                length = _clips.length(*clip_by_norm(_DW, _DU, threshold))
                assert np.isclose(length, min(threshold, _clips.length(_DW, _DU)))
            """,
        ),
        "measures_length_of_long_ones_only": Mistake(
            """Your test measures how long a long gradient is afterwards, and no more.

            Clipping keeps the direction, and it leaves short gradients as they are. Compare the
            entries with what they should be, for a threshold below the norm and for one above
            it.
            """,
            "assert np.isclose(_clips.length(*clip_by_norm(_DW, _DU, _LONG)), _LONG)",
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
                assert _clips.length(*clip_by_norm(_DW, _DU, threshold)) <= threshold * (1 + 1e-6)
            """,
        ),
        "checks_direction_only": Mistake(
            """Your test checks that the direction is kept, not how long the gradient is
            afterwards.

            Compare the entries with what they should be.
            """,
            """
            was = np.concatenate([_DW.ravel(), _DU.ravel()])
            for threshold in (_LONG, _SHORT):
                dW, dU = clip_by_norm(_DW, _DU, threshold)
                now = np.concatenate([dW.ravel(), dU.ravel()])
                assert np.isclose(was @ now, np.linalg.norm(was) * np.linalg.norm(now))
            """,
        ),
        "threshold_of_one": Mistake(
            """Your test clips to a threshold of 1 only, and there it does not show if it is
            forgotten.

            1 / norm and threshold / norm are the same. Choose another threshold.
            """,
            """
            _asserts(clip_by_norm, _clips.plain_clip, thresholds=[1.0, _SHORT])
            small = _DW / 50, _DU / 50
            _asserts(clip_by_norm, _clips.plain_clip, gradient=small, thresholds=[1.0])
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
            _asserts(clip_by_norm, _clips.plain_clip, gradient=gradient)
            """,
            """
            gradient = np.array([[3.0, -1.0]]), np.array([[4.0]])
            _asserts(clip_by_norm, _clips.plain_clip, gradient=gradient)
            """,
            """
            gradient = np.array([[3.0]]), np.array([[4.0]])
            _asserts(clip_by_norm, _clips.plain_clip, gradient=gradient)
            """,
            """
            column = np.array([[1.0], [-2.0], [0.5]])
            gradient = column * np.array([[1.0, 3.0]]), column * np.array([[2.0, -1.0, 4.0]])
            _asserts(clip_by_norm, _clips.plain_clip, gradient=gradient)
            """,
        ),
        "an_array_of_zeros": Mistake(
            """One of your arrays is 0 throughout. Then its norm and its factor go unseen.

            Take two arrays with different entries, none of them 0.
            """,
            "_asserts(clip_by_norm, _clips.plain_clip, gradient=(_DW, 0 * _DU))",
            "_asserts(clip_by_norm, _clips.plain_clip, gradient=(0 * _DW, _DU))",
        ),
        "positive_entries": Mistake(
            """Your gradients have no negative entry. One of the bugs loses the signs.""",
            "_asserts(clip_by_norm, _clips.plain_clip, gradient=(abs(_DW), abs(_DU)))",
        ),
        "entries_all_alike": Mistake(
            """Your dW and dU are too much alike: same shape and same entries, such as `np.ones((2,
            2))`.

            Some bugs then do no harm. Take arrays of different shapes and different entries.
            """,
            """
            gradient = np.full((2, 2), 4.0), np.full((2, 2), 4.0)
            _asserts(clip_by_norm, _clips.plain_clip, gradient=gradient, thresholds=[4.0, 40.0])
            """,
        ),
        "wants_each_element_clipped": Mistake(
            """Your test wants each element clipped by itself: it asks for the bug.

            Clipping by norm multiplies all entries by one factor. An element may be anything up
            to the threshold afterwards, and none is cut by itself.
            """,
            "_asserts(clip_by_norm, _clips.clips_each_element)",
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
            "_asserts(clip_by_norm, _clips.clips_each_array)",
        ),
        "wants_the_threshold_always": Mistake(
            """Your test wants every gradient to have the threshold's length, also a short one.

            A right implementation leaves a short gradient as it is: clipping only shortens.
            """,
            "_asserts(clip_by_norm, _clips.stretches)",
        ),
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Compute what should come back and `assert` that it does.
            """,
            "clip_by_norm(_DW, _DU, _LONG)",
        ),
        "rejects_everything": Mistake(
            """Your test rejects every implementation that it was given, right or wrong.

            Then it does not say which are right. Do you compare with `==`? Do you give it NumPy
            arrays, not tensors? Does the test itself run: are all its names spelt right? Work
            out by hand what should come back from one gradient.
            """,
            "raise AssertionError",
            "raise TypeError",
        ),
        "exact_equality": Mistake(
            """Your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, or of a tolerance near 0, use `np.allclose` as it is.
            """,
            "_asserts(clip_by_norm, _clips.plain_clip, equal=np.array_equal)",
        ),
        "too_exact": Mistake(
            """Your test is too exact: it rejects what torch does, which adds 1e-6 to the norm.

            That changes the sixth digit or so, if the norm is not far below 1: take no smaller
            gradient. `np.testing.assert_allclose` wants seven right digits unless it is told
            otherwise; use `np.allclose`, or pass `rtol=1e-5`.
            """,
            "_asserts(clip_by_norm, _clips.plain_clip, equal=_equal_to_seven_digits)",
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
