"""The exercise ``bptt.step_backward``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


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


def states_of(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's network over x from the state h: h itself and the states after it."""
    states = [h]
    for x_t in x:
        states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
    return np.stack(states)


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


def _from_da(da: Array, x: Array, h_prev: Array, W: Array, U: Array) -> Arrays:
    return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)


def _step_case(B: int, I: int, H: int) -> Arrays:  # noqa: E741
    x, h_prev, W, U, b = (numbers(_rng, *shape) for shape in ((B, I), (B, H), (H, I), (H, H), (H,)))
    h_prev = np.tanh(h_prev)
    return numbers(_rng, B, H), x, h_prev, states_of(x[None], h_prev, W, U, b)[1], W, U


EXERCISE = Exercise(
    step_backward,
    cases=[_step_case(3, 4, 2), _step_case(2, 3, 5), _step_case(1, 3, 2), _step_case(5, 1, 3)],
    alternatives=[_step_looped, _step_einsum, _step_torch],
    parts=("dx", "dh_prev", "dW", "dU", "db"),
    mistakes={
        "tanh_forgotten": Mistake(
            """The derivative of tanh is left out: dh is used where da belongs.

            With a = x @ W.T + h_prev @ U.T + b the step is h = tanh(a). First go back through
            tanh, da = dh * (1 - h**2); all five results come from da.
            """,
            "return _from_da(dh, x, h_prev, W, U)",
        ),
        "slope_at_h_prev": Mistake(
            """The derivative of tanh is taken at the state before, 1 - h_prev**2.

            The step's own tanh returned h, so its slope is 1 - h**2.
            """,
            "return _from_da(dh * (1 - h_prev**2), x, h_prev, W, U)",
        ),
        "tanh_twice": Mistake(
            """The slope is 1 - tanh(h)**2, but h has been through tanh already.

            The derivative of tanh(a) is 1 - tanh(a)**2. With h = tanh(a), that is 1 - h**2.
            """,
            "return _from_da(dh * (1 - np.tanh(h) ** 2), x, h_prev, W, U)",
            """
            da = dh * (1 - np.square(np.tanh(h)))
            return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)
            """,
        ),
        "slope_not_squared": Mistake(
            """The slope is 1 - h, without the square. The derivative of tanh is 1 - h**2.""",
            "return _from_da(dh * (1 - h), x, h_prev, W, U)",
        ),
        "slope_of_logistic": Mistake(
            """The slope is h * (1 - h), which is the logistic function's. That of tanh is 1 -
            h**2.
            """,
            "return _from_da(dh * h * (1 - h), x, h_prev, W, U)",
        ),
        "state_skips_tanh": Mistake(
            """To get to x and h_prev, dh does not go through tanh; only the weights' derivatives
            do.

            There is one way from h to anything before it, and it leads through da = dh * (1 -
            h**2).
            """,
            {
                "da = dh * (1 - h**2)": "_, _, dW, dU, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dh @ W, dh @ U, dW, dU, db",
            },
        ),
        "weights_skip_tanh": Mistake(
            """The derivatives of the weights are made from dh, without going through tanh.

            There is one way from h to anything before it, and it leads through da = dh * (1 -
            h**2).
            """,
            {
                "da = dh * (1 - h**2)": "dx, dh_prev, *_ = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh_prev, dh.T @ x, dh.T @ h_prev, dh.sum(axis=0)",
            },
        ),
        "back_through_transpose": Mistake(
            """Going back to h_prev, U is the wrong way round.

            Forward, each row of h_prev is multiplied by U: in a batch, `h_prev @ U.T`.
            Backward, it is the transpose of that, and in a batch `da @ U`. As U is square, the
            shapes do not tell.
            """,
            {
                "da = dh * (1 - h**2)": "dx, _, dW, dU, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, (dh * (1 - h**2)) @ U.T, dW, dU, db",
            },
            """
            da = dh * (1 - h * h)
            return da @ W, np.dot(da, U.T), da.T @ x, da.T @ h_prev, np.sum(da, 0)
            """,
        ),
        "outer_product_turned": Mistake(
            """`dU` is transposed.

            U[i, j] leads from unit j of h_prev to unit i of h, so its derivative is da[i] *
            h_prev[j], with da first: `da.T @ h_prev`. As U is square, the shapes do not tell.
            """,
            {
                "da = dh * (1 - h**2)": "dx, dh_prev, dW, dU, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh_prev, dW, dU.T, db",
            },
            """
            da = dh * (1 - h**2)
            return da @ W, da @ U, da.T @ x, h_prev.T @ da, da.sum(axis=0)
            """,
        ),
        "weights_transposed": Mistake(
            """`dW` and `dU` are transposed: this is for weights that stand on the right, as in x @
            W.

            Here W has a row for each unit and stands as `x @ W.T`. The derivative has the shape
            of W: `da.T @ x`, and `da.T @ h_prev` for U.
            """,
            {
                "da = dh * (1 - h**2)": "dx, dh_prev, dW, dU, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh_prev, dW.T, dU.T, db",
            },
            """
            da = dh * (1 - h**2)
            return da @ W, da @ U, x.T @ da, h_prev.T @ da, da.sum(axis=0)
            """,
        ),
        "mean_over_batch": Mistake(
            """The derivatives of the weights are means over the batch. They should be sums.

            All sequences share the weights, so each adds its part. If the loss is a mean, dh
            has been divided by B already.
            """,
            {
                "da = dh * (1 - h**2)": "dx, dh_prev, *gradients = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh_prev, *(each / len(x) for each in gradients)",
            },
        ),
        "bias_mean": Mistake(
            """`db` is a mean over the batch. It should be a sum, as it is in `dW` and `dU`.

            There the sum hides in the matrix product. All sequences share b, and each adds its
            part.
            """,
            {
                "da = dh * (1 - h**2)": "*others, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return *others, db / len(x)",
            },
            """
            da = (1 - h**2) * dh
            return da.dot(W), da.dot(U), da.T.dot(x), da.T.dot(h_prev), da.mean(axis=0)
            """,
        ),
        "bias_not_summed": Mistake(
            """`db` still has a row for each sequence: the sum over the batch is missing.

            b has shape (H,) and is shared by all sequences; each adds its part,
            `da.sum(axis=0)`.
            """,
            {
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da"
            },
        ),
        "paired_with_new_state": Mistake(
            """`dU` is made with h, the state that comes out of the step.

            In the step U multiplies h_prev, so the derivative has h_prev in it: `da.T @
            h_prev`.
            """,
            {
                "da = dh * (1 - h**2)": "dx, dh_prev, dW, _, db = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh_prev, dW, (dh * (1 - h**2)).T @ h, db",
            },
        ),
        "recurrent_forgotten": Mistake(
            """`dh_prev` is da itself: it has not gone back through U.

            Each unit of h_prev acts on all units of h, through a column of U: `da @ U`.
            """,
            {
                "da = dh * (1 - h**2)": "dx, _, *gradients = solution(dh, x, h_prev, h, W, U)",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return dx, dh * (1 - h**2), *gradients",
            },
        ),
        "writes_into_step": Mistake(
            """The slope is multiplied into the caller's own dh, which is spoilt for its next use.

            `dh *= 1 - h**2` changes the array that was passed. `da = dh * (1 - h**2)` makes a
            new one.
            """,
            {
                "da = dh * (1 - h**2)": "dh *= 1 - h**2",
                "return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)": "return _from_da(dh, x, h_prev, W, U)",
            },
            """
            dh *= 1 - h**2
            return dh @ W, dh @ U, dh.T @ x, dh.T @ h_prev, dh.sum(axis=0)
            """,
        ),
    },
)
