"""The exercise ``bptt.step_backward``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.bptt._elman import states_of, unclipped, unscaled
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def step_backward(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Go back through one step of Elman's network, for a batch of B sequences.

    The step was h = tanh(x @ W.T + h_prev @ U.T + b), and dh is the derivative of a
    loss with respect to h. Return its derivatives with respect to x, h_prev, W, U and
    b, (dx, dh_prev, dW, dU, db), each in the shape of what it is for.
    x has shape (B, I); h_prev, h and dh have shape (B, H). W has shape (H, I), U has
    shape (H, H) and b has shape (H,). The loss adds up over the batch: take no mean.
    """
    da = dh * (1 - h**2)
    return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)


def _step_looped(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    dx, dh_prev = np.zeros_like(x), np.zeros_like(h_prev)
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    for n in range(len(x)):
        for i in range(len(U)):
            da = dh[n, i] * (1 - h[n, i] * h[n, i])
            db[i] += da
            for j in range(x.shape[1]):
                dx[n, j] += da * W[i, j]
                dW[i, j] += da * x[n, j]
            for j in range(len(U)):
                dh_prev[n, j] += da * U[i, j]
                dU[i, j] += da * h_prev[n, j]
    return dx, dh_prev, dW, dU, db


def _step_einsum(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    da = (1 + h) * (1 - h) * dh
    outer = "bi,bj->ij"
    return (
        np.einsum("bi,ij->bj", da, W),
        np.einsum("bi,ij->bj", da, U),
        np.einsum(outer, da, x),
        np.einsum(outer, da, h_prev),
        np.einsum("bi->i", da),
    )


def _step_torch(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Any:
    import torch

    tensors = [torch.from_numpy(each).requires_grad_() for each in (x, h_prev, W, U)]
    inputs, before, weights, recurrent = tensors
    bias = torch.zeros(len(U), dtype=torch.float64, requires_grad=True)
    a = inputs @ weights.T + before @ recurrent.T + bias
    da = torch.from_numpy(dh * (1 - h**2))  # b is not known, so tanh is left to us
    return torch.autograd.grad(a, [*tensors, bias], da)


_rng = np.random.default_rng(0)


def _case(B: int, I: int, H: int, *, error: float = 1.0, start: float = 1.0) -> Arrays:  # noqa: E741
    """Draw a step; `error` scales dh, `start` the state before."""
    x, h_prev, W, U, b = (numbers(_rng, *shape) for shape in ((B, I), (B, H), (H, I), (H, H), (H,)))
    h_prev = np.tanh(start * h_prev)
    h = states_of(x[None], h_prev, W, U, b)[1]
    return numbers(_rng, B, H) * error, x, h_prev, h, W, U


def _saturated() -> Arrays:
    """One unit sees 800 and more, one nothing, one ordinary numbers."""
    W, U = (
        np.array([[800.0, -900.0], [0, 0], [1, -0.5]]),
        np.array([[0.3, 2, -1], [0, 0, 0], [1, 1, 0]]),
    )
    x, h_prev = np.array([[1.0, 0], [0, 1], [-2, 1], [0, 0]]), np.zeros((4, 3))
    return numbers(_rng, 4, 3), x, h_prev, np.tanh(x @ W.T), W, U


EXERCISE = Exercise(
    step_backward,
    cases=[
        _case(3, 4, 2),
        _case(2, 3, 5),
        _case(2, 3, 5),
        _case(1, 3, 2),
        _case(5, 1, 3),
        _case(4, 2, 1),
        _case(3, 2, 4, start=0.0),
        _case(31, 4, 3, error=1e6),
        _case(2, 4, 3, error=1e-6),
        _saturated(),
    ],
    alternatives=[_step_looped, _step_einsum, _step_torch],
    parts=("dx", "dh_prev", "dW", "dU", "db"),
    properties=[unclipped(step_backward), unscaled(step_backward)],
    mistakes={
        "tanh_forgotten": Mistake(
            """The derivative of tanh is left out: dh is used where da belongs.

            With a = x @ W.T + h_prev @ U.T + b the step is h = tanh(a). First go back through
            tanh, from dh to the derivative by a; all five results come from that.
            """,
            {" * (1 - h**2)": ""},
        ),
        "slope_at_h_prev": Mistake(
            """The derivative of tanh is taken at the state before, 1 - h_prev**2.

            The step's own tanh returned h, so its slope is 1 - h**2.
            """,
            {"h**2": "h_prev**2"},
        ),
        "tanh_twice": Mistake(
            """The slope is 1 - tanh(h)**2, but h has been through tanh already.

            The derivative of tanh(a) is 1 - tanh(a)**2. Which of your arrays is tanh(a)?
            """,
            {"h**2": "np.tanh(h) ** 2"},
        ),
        "bias_not_known": Mistake(
            """The slope is taken at tanh(x @ W.T + h_prev @ U.T), which is not h: b is missing.

            You were not given b, and you need not run forward again. The step returned h, and h
            tells the slope of tanh by itself.
            """,
            {"h**2": "np.tanh(x @ W.T + h_prev @ U.T) ** 2"},
        ),
        "slope_not_squared": Mistake(
            """The slope is 1 - h, without the square. The derivative of tanh is 1 - h**2.""",
            {"h**2": "h"},
        ),
        "square_outside": Mistake(
            """The slope is (1 - h)**2. The square belongs to h alone: the derivative of tanh is
            1 - h**2.
            """,
            {"(1 - h**2)": "(1 - h) ** 2"},
        ),
        "slope_sign": Mistake(
            """The slope is 1 + h**2, which grows with h. That of tanh is 1 where h = 0, and falls
            to 0 where h is near 1 or -1.
            """,
            {"1 - h**2": "1 + h**2"},
        ),
        "slope_of_logistic": Mistake(
            """The slope is h * (1 - h), which is the logistic function's. That of tanh is 1 -
            h**2.
            """,
            {"(1 - h**2)": "h * (1 - h)"},
        ),
        "state_skips_tanh": Mistake(
            """To get to x and h_prev, dh does not go through tanh; only the weights' derivatives
            do.

            There is one way from h to anything before it, and it leads through da = dh * (1 -
            h**2).
            """,
            {"return da @ W, da @ U": "return dh @ W, dh @ U"},
        ),
        "weights_skip_tanh": Mistake(
            """The derivatives of the weights are made from dh, without going through tanh.

            There is one way from h to anything before it, and it leads through da = dh * (1 -
            h**2).
            """,
            {"da.T @ x": "dh.T @ x", "da.T @ h_prev": "dh.T @ h_prev", "da.sum": "dh.sum"},
        ),
        "bias_skips_tanh": Mistake(
            """`db` is made from dh, without going through tanh. The others are right.

            b is added inside tanh, next to x @ W.T, so its derivative comes from da as theirs do.
            """,
            {"da.sum": "dh.sum"},
        ),
        "back_through_transpose": Mistake(
            """Going back to h_prev, U is the wrong way round.

            Forward, each row of h_prev is multiplied by U: in a batch, `h_prev @ U.T`.
            Backward, it is the transpose of that, and in a batch `da @ U`. As U is square, the
            shapes do not tell.
            """,
            {"da @ U": "da @ U.T"},
        ),
        "outer_product_turned": Mistake(
            """`dU` is transposed.

            U[i, j] leads from unit j of h_prev to unit i of h, so its derivative is da[i] *
            h_prev[j], with da first: `da.T @ h_prev`. As U is square, the shapes do not tell.
            """,
            {"da.T @ h_prev": "h_prev.T @ da"},
        ),
        "weights_transposed": Mistake(
            """`dW` and `dU` are transposed: this is for weights that stand on the right, as in x @
            W.

            Here W has a row for each unit and stands as `x @ W.T`. The derivative has the shape
            of W: `da.T @ x`, and `da.T @ h_prev` for U.
            """,
            {"da.T @ x": "x.T @ da", "da.T @ h_prev": "h_prev.T @ da"},
        ),
        "mean_over_batch": Mistake(
            """The derivatives of the weights are means over the batch. They should be sums.

            All sequences share the weights, so each adds its part. If the loss is a mean, dh
            has been divided by B already.
            """,
            {
                "da.T @ x": "da.T @ x / len(x)",
                "da.T @ h_prev": "da.T @ h_prev / len(x)",
                "da.sum": "da.mean",
            },
        ),
        "bias_mean": Mistake(
            """`db` is a mean over the batch. It should be a sum, as it is in `dW` and `dU`.

            There the sum hides in the matrix product. All sequences share b, and each adds its
            part.
            """,
            {"da.sum": "da.mean"},
        ),
        "bias_not_summed": Mistake(
            """`db` still has a row for each sequence: the sum over the batch is missing.

            b has shape (H,) and is shared by all sequences; each adds its part.
            """,
            {"da.sum(axis=0)": "da"},
        ),
        "bias_summed_over_units": Mistake(
            """`db` is summed over the wrong axis: it has a number for each sequence, and b has one
            for each unit.

            In da the sequences are the rows, axis 0. They share b, and each adds its part.
            """,
            {"da.sum(axis=0)": "da.sum(axis=1)"},
            {"da.sum(axis=0)": "da.sum(axis=-1)"},
        ),
        "last_sequence_only": Mistake(
            """The derivatives of the weights are those of the last sequence alone.

            All sequences share the weights, and each adds its part. Likely: `=` in a loop over
            the batch, where `+=` belongs.
            """,
            """
            da = dh * (1 - h**2)
            for n in range(len(x)):
                dW, dU, db = np.outer(da[n], x[n]), np.outer(da[n], h_prev[n]), da[n]
            return da @ W, da @ U, dW, dU, db
            """,
        ),
        "paired_with_new_state": Mistake(
            """`dU` is made with h, the state that comes out of the step.

            In the step U multiplies h_prev, so the derivative has h_prev in it.
            """,
            {"da.T @ h_prev": "da.T @ h"},
        ),
        "recurrent_forgotten": Mistake(
            """`dh_prev` is da itself: it has not gone back through U.

            Each unit of h_prev acts on all units of h, through a column of U.
            """,
            {"da @ U": "da"},
        ),
        "one_tanh_too_many": Mistake(
            """`dh_prev` has gone through one tanh too many: it is multiplied by 1 - h_prev**2.

            That is the slope of the step *before*, which made h_prev. It comes when you go back
            through that step. Here, stop at h_prev.
            """,
            {"da @ U": "da @ U * (1 - h_prev**2)"},
        ),
        "writes_into_step": Mistake(
            """The slope is multiplied into the caller's own dh, which is spoilt for its next use.

            `dh *= 1 - h**2` changes the array that was passed. `da = dh * (1 - h**2)` makes a
            new one.
            """,
            """
            dh *= 1 - h**2
            return dh @ W, dh @ U, dh.T @ x, dh.T @ h_prev, dh.sum(axis=0)
            """,
        ),
    },
)
