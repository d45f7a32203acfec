"""The exercise ``bptt.backward``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.bptt.step_backward import states_of, step_backward
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


def backward(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Backpropagate through time: return (dW, dU, db, dh0).

    For t = 1, ..., T the states were h_t = tanh(W x_t + U h_{t-1} + b). Time comes
    first in all arrays. x has shape (T, B, I): x_t is x[t - 1]. h has shape
    (T + 1, B, H): h_t is h[t], and h[0] is the initial state. dh has shape (T, B, H):
    dh[t - 1] is what the loss itself says of h_t, its derivative with respect to h_t
    with all other states held fixed. Return the derivatives of the loss with respect
    to W (H, I), U (H, H), b (H,) and h[0] (B, H). The loss adds up over the batch.
    Leave dh as it is.
    """
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])  # what the steps after t say of h_t
    for t in range(len(x), 0, -1):
        da = (dh[t - 1] + later) * (1 - h[t] ** 2)
        dW += da.T @ x[t - 1]
        dU += da.T @ h[t - 1]
        db += da.sum(axis=0)
        later = da @ U
    return dW, dU, db, later


def _backward_by_steps(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    later, parts = np.zeros_like(h[0]), []
    for t in reversed(range(len(x))):
        _, later, *part = step_backward(dh[t] + later, x[t], h[t], h[t + 1], W, U)
        parts.append(part)
    dW, dU, db = (sum(each) for each in zip(*parts, strict=True))
    return dW, dU, db, later


def backward_at_once(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    slope = 1 - h[1:] ** 2
    da = dh * slope
    for t in range(len(x) - 2, -1, -1):
        da[t] += (da[t + 1] @ U) * slope[t]
    product = "tbi,tbj->ij"
    dW, dU = np.einsum(product, da, x), np.einsum(product, da, h[:-1])
    return dW, dU, np.sum(da, axis=(0, 1)), da[0] @ U


def _backward_by_sensitivities(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Forward in time, as real-time recurrent learning goes."""
    (_, B, I), H = x.shape, len(U)  # noqa: E741
    S = np.zeros((B, H, H * (I + H + 1)))
    S0 = np.tile(np.eye(H), (B, 1, 1))
    gradient, dh0 = np.zeros(S.shape[-1]), np.zeros((B, H))
    for x_t, before, after, dh_t in zip(x, h[:-1], h[1:], dh, strict=True):
        z = np.concatenate([x_t, before, np.ones((B, 1))], axis=1)
        own = np.stack([np.kron(np.eye(H), row) for row in z])
        slope = (1 - after**2)[:, :, None]
        S, S0 = slope * (own + U @ S), slope * (U @ S0)
        gradient += np.einsum("bh,bhp->p", dh_t, S)
        dh0 += np.einsum("bh,bhk->bk", dh_t, S0)
    theta = gradient.reshape(H, -1)
    return theta[:, :I], theta[:, I:-1], theta[:, -1], dh0


def _backward_torch(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Any:
    from torch import from_numpy, zeros_like

    outside, inputs, states, weights, recurrent = map(from_numpy, (dh, x, h, W, U))
    later, dW, dU = zeros_like(states[0]), zeros_like(weights), zeros_like(recurrent)
    db = zeros_like(recurrent[0])
    for t in range(len(x) - 1, -1, -1):
        da = (outside[t] + later) * (1 - states[t + 1].square())
        dW.addmm_(da.T, inputs[t])
        dU.addmm_(da.T, states[t])
        db.add_(da.sum(dim=0))
        later = da.mm(recurrent)
    return dW, dU, db, later


def slope_of(before: Array, after: Array) -> Array:
    return 1 - after**2


def sweep_of(
    dh: Array,
    h: Array,
    back: Callable[[Array, Array], Array],
    slope: Callable[[Array, Array], Array] = slope_of,
) -> Array:
    """Sweep from the last step to the first with another idea of the way back.

    `back` takes (dE/dh_t, dE/da_t) and returns what the step says of h_{t-1}. Returns dE/da.
    """
    later, da = np.zeros_like(h[0]), np.zeros_like(dh)
    for t in range(len(dh), 0, -1):
        total = dh[t - 1] + later
        da[t - 1] = total * slope(h[t - 1], h[t])
        later = back(total, da[t - 1])
    return da


def summed_of(da: Array, x: Array, before: Array, U: Array) -> Arrays:
    product = "tbi,tbj->ij"
    return np.einsum(product, da, x), np.einsum(product, da, before), da.sum(axis=(0, 1)), da[0] @ U


def only_of(steps: slice, dh: Array, x: Array, h: Array, U: Array) -> Arrays:
    """Sum over some steps only; the sweep itself is right."""
    da = sweep_of(dh, h, lambda _, da: da @ U)
    dW, dU, db, _ = summed_of(da[steps], x[steps], h[:-1][steps], U)
    return dW, dU, db, da[0] @ U


def not_carried(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Nothing is carried back from one step to the step before.

    The state h_t acts on the loss in two ways: itself, which is dh, and through step t + 1. Add
    `da @ U` of step t + 1 to what the loss says of h_t.
    """
    return summed_of(sweep_of(dh, h, lambda _, da: 0 * da), x, h[:-1], U)


def sequence_of(T: int, B: int, I: int, H: int) -> Arrays:  # noqa: E741
    """Make outside derivatives, inputs, an initial state, W, U and b."""
    shapes = ((T, B, H), (T, B, I), (B, H), (H, I), (H, H), (H,))
    return tuple(numbers(_rng, *shape) for shape in shapes)


def _backward_case(T: int, B: int, I: int, H: int) -> Arrays:  # noqa: E741
    dh, x, h0, W, U, b = sequence_of(T, B, I, H)
    return dh, x, states_of(x, np.tanh(h0), W, U, b), W, U


_ZEROS = "zeros of any shape that broadcasts to a state"


STEPS = "x and dh have as many steps"


UNITS = "W, U and b have as many rows, one for each unit"


EXERCISE = Exercise(
    backward,
    cases=[
        _backward_case(2, 2, 3, 2),
        _backward_case(5, 2, 3, 4),
        _backward_case(4, 3, 1, 2),
        _backward_case(1, 2, 4, 3),
    ],
    alternatives=[
        _backward_by_steps,
        backward_at_once,
        _backward_by_sensitivities,
        _backward_torch,
    ],
    parts=("dW", "dU", "db", "dh0"),
    equivalent={
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(dh[0])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(U[0])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[1])": _ZEROS,
        "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[-1])": _ZEROS,
        "for t in range(len(x), 0, -1): -> for t in range(len(dh), 0, -1):": STEPS,
        "dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)))"
        " -> dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(W)))": UNITS,
    },
    mistakes={
        "last_step_only": Mistake(
            """Only the last step is in the derivatives of the weights: the sum over time is
            missing.

            The same W, U and b act in every step, and each step adds its part.
            """,
            "return only_of(slice(-1, None), dh, x, h, U)",
        ),
        "assigned": Mistake(
            """Only the first step is in the derivatives of the weights: the sum over time is
            missing.

            This is what `=` does in place of `+=` when the sweep ends at step 1: each step
            overwrites what the steps after it have found. The same W, U and b act in every
            step, and each adds its part.
            """,
            "return only_of(slice(1), dh, x, h, U)",
            """
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t + 1] ** 2)
                dW = da.T @ x[t]
                dU = da.T @ h[t]
                db = da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "not_carried": Mistake(
            """Nothing is carried back from one step to the step before.

            The state h_t acts on the loss in two ways: itself, which is dh, and through step t
            + 1. Add `da @ U` of step t + 1 to what the loss says of h_t.
            """,
            "return summed_of(sweep_of(dh, h, lambda _, da: 0 * da), x, h[:-1], U)",
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            for t in reversed(range(len(x))):
                da = dh[t] * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
            return dW, dU, db, da @ U
            """,
        ),
        "only_the_last_loss": Mistake(
            """What the loss says is used at the last step only. At the others, dh is left out.

            Every step has its own part in the loss. In each, add dh to what comes from the step
            after.
            """,
            """
            outside = np.zeros_like(dh)
            outside[-1] = dh[-1]
            return solution(outside, x, h, W, U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = dh[-1]
            for t in reversed(range(len(x))):
                da = later * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "forwards": Mistake(
            """The sweep goes from the first step to the last: it hands on in the wrong direction.

            What step t + 1 says of h_t must be known before step t can be done. So begin with
            the last step: `for t in range(len(x), 0, -1)`.
            """,
            """
            turned = np.concatenate([h[:1], h[:0:-1]])
            da = sweep_of(dh[::-1], turned, lambda _, da: da @ U)[::-1]
            return *summed_of(da, x, h[:-1], U)[:3], da[-1] @ U
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in range(len(x)):
                da = (dh[t] + later) * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "through_transpose": Mistake(
            """From step to step, U is the wrong way round.

            Forward, a batch of states is multiplied as `h @ U.T`. Backward, it is `da @ U`,
            which is U transposed times da, for each sequence. As U is square, the shapes do not
            tell.
            """,
            """
            da = sweep_of(dh, h, lambda _, da: da @ U.T)
            return *summed_of(da, x, h[:-1], U)[:3], da[0] @ U.T
            """,
        ),
        "slope_at_state_before": Mistake(
            """The slope of tanh is taken at the state before, 1 - h_{t-1}**2. Step t returned h_t.

            The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is
            the initial state.
            """,
            """
            da = sweep_of(dh, h, lambda _, da: da @ U, lambda before, after: 1 - before**2)
            return summed_of(da, x, h[:-1], U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "slope_forgotten": Mistake(
            """The derivative of tanh is left out.

            In each step go back through tanh first: multiply by `1 - h[t] ** 2`.
            """,
            """
            da = sweep_of(dh, h, lambda _, da: da @ U, lambda before, after: np.ones_like(after))
            return summed_of(da, x, h[:-1], U)
            """,
        ),
        "carried_around_tanh": Mistake(
            """What is carried to the step before has not gone through tanh.

            The weights' derivatives are made from da, and so is what step t says of h_{t-1}:
            `da @ U`, not (dh + later) @ U.
            """,
            """
            da = sweep_of(dh, h, lambda total, _: total @ U)
            later = np.zeros_like(h[0])
            for dh_t in dh[::-1]:
                later = (dh_t + later) @ U
            return *summed_of(da, x, h[:-1], U)[:3], later
            """,
        ),
        "paired_with_own_state": Mistake(
            """`dU` pairs step t's da with h_t. In step t, U multiplies h_{t-1}.

            With h_t in `h[t]`, that is `h[t - 1]`.
            """,
            "return summed_of(sweep_of(dh, h, lambda _, da: da @ U), x, h[1:], U)",
        ),
        "one_state_early": Mistake(
            """The states are one step off: h_{t-1} stands for h_t, and h_{t-2} for h_{t-1}.

            The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is
            the initial state. And at the first step `h[-1]` is no error in Python: it is the
            last state.
            """,
            """
            da = sweep_of(dh, h, lambda _, da: da @ U, lambda before, after: 1 - before**2)
            return summed_of(da, x, np.concatenate([h[-1:], h[:-2]]), U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t - 1]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "batch_mean": Mistake(
            """The derivatives of the weights are means over the batch. They should be sums.

            All sequences share the weights, and each adds its part. If the loss is a mean, dh
            has been divided by B already.
            """,
            """
            *gradients, dh0 = solution(dh, x, h, W, U)
            return *(each / x.shape[1] for each in gradients), dh0
            """,
        ),
        "time_mean": Mistake(
            """The derivatives of the weights are means over the steps. They should be sums.

            The same weights act in every step, and each step adds its part. If the loss is a
            mean over time, dh has been divided by T already.
            """,
            """
            *gradients, dh0 = solution(dh, x, h, W, U)
            return *(each / len(x) for each in gradients), dh0
            """,
        ),
        "writes_into_dh": Mistake(
            """What comes from later steps is added into the caller's own dh, which is spoilt by
            it.

            Called again with the same dh, as a check by differences does, this gives another
            answer. Make a new array in each step: `dh[t - 1] + later`.
            """,
            """
            result = solution(dh, x, h, W, U)
            dh[:-1] += sweep_of(dh, h, lambda _, da: da @ U)[1:] @ U
            return result
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                dh[t] += later
                da = dh[t] * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "recurrent_transposed": Mistake(
            """`dU` is transposed.

            U[i, j] leads from unit j of h_{t-1} to unit i of h_t, so its derivative is da[i]
            times unit j of h_{t-1}, with da first: `da.T @ h[t - 1]`. As U is square, the
            shapes do not tell.
            """,
            """
            dW, dU, db, dh0 = solution(dh, x, h, W, U)
            return dW, dU.T, db, dh0
            """,
        ),
        "stops_before_h0": Mistake(
            """`dh0` is the da of step 1. From there it is one more time through U to the initial
            state.

            Step 1 computes `h[0] @ U.T`, so `dh0` is `da @ U`: what is carried, after the last
            turn of the loop.
            """,
            """
            *gradients, _ = solution(dh, x, h, W, U)
            return *gradients, sweep_of(dh, h, lambda _, da: da @ U)[0]
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            da = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + da @ U) * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
            return dW, dU, db, da
            """,
        ),
        "initial_state_ignored": Mistake(
            """`dU` misses the first step: there h_0 was left out.

            U multiplies the initial state like any other. It is `h[0]`, and in step 1 it is
            h_{t-1}.
            """,
            """
            before = np.concatenate([0 * h[:1], h[1:-1]])
            return summed_of(sweep_of(dh, h, lambda _, da: da @ U), x, before, U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                if t > 0:
                    dU += da.T @ h[t]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "piles_up": Mistake(
            """What is carried back piles up: each step adds to it what the steps after it were
            told.

            From step t to t - 1 goes `da @ U` alone. What came from step t + 1 is in da
            already, so it is replaced, `later = da @ U`, and not added to.
            """,
            """
            later = np.zeros_like(h[0])
            da = np.zeros_like(dh)
            for t in range(len(x), 0, -1):
                da[t - 1] = (dh[t - 1] + later) * (1 - h[t] ** 2)
                later = later + da[t - 1] @ U
            return *summed_of(da, x, h[:-1], U)[:3], later
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in reversed(range(len(x))):
                da = (dh[t] + later) * (1 - h[t + 1] ** 2)
                dW += da.T @ x[t]
                dU += da.T @ h[t]
                db += da.sum(axis=0)
                later += da @ U
            return dW, dU, db, later
            """,
        ),
        "later_outside_the_bracket": Mistake(
            """What comes from the step after is added behind tanh: it belongs inside the bracket.

            All that is said of h_t goes back through the tanh that made h_t: `(dh[t - 1] +
            later) * ...`.
            """,
            """
            da, later = np.zeros_like(dh), np.zeros_like(h[0])
            for t in range(len(x), 0, -1):
                da[t - 1] = dh[t - 1] * (1 - h[t] ** 2) + later
                later = da[t - 1] @ U
            return summed_of(da, x, h[:-1], U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in range(len(x), 0, -1):
                da = dh[t - 1] * (1 - h[t] ** 2) + later
                dW += da.T @ x[t - 1]
                dU += da.T @ h[t - 1]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "never_updated": Mistake(
            """What is carried back stays at zero: no step says anything of the step before, nor of
            h[0].

            At the end of each turn of the loop, carry on what this step says of h_{t-1}: `da @
            U`.
            """,
            """
            *gradients, dh0 = not_carried(dh, x, h, W, U)
            return *gradients, 0 * dh0
            """,
        ),
        "last_step_skipped": Mistake(
            """The last step is left out: the loop begins one step too early in time.

            x_t is `x[t - 1]`, so the steps are t = len(x), ..., 1: `range(len(x), 0, -1)`.
            """,
            """
            if len(x) == 1:
                return np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)), np.zeros_like(h[0])
            return solution(dh[:-1], x[:-1], h[:-1], W, U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in range(len(x) - 1, 0, -1):
                da = (dh[t - 1] + later) * (1 - h[t] ** 2)
                dW += da.T @ x[t - 1]
                dU += da.T @ h[t - 1]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "first_step_skipped": Mistake(
            """The first step is left out: the loop ends one step too soon.

            `range` stops before its end, and the last step of the sweep is t = 1:
            `range(len(x), 0, -1)`.
            """,
            """
            if len(x) == 1:
                return np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)), np.zeros_like(h[0])
            return solution(dh[1:], x[1:], h[1:], W, U)
            """,
            """
            dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
            later = np.zeros_like(h[0])
            for t in range(len(x), 1, -1):
                da = (dh[t - 1] + later) * (1 - h[t] ** 2)
                dW += da.T @ x[t - 1]
                dU += da.T @ h[t - 1]
                db += da.sum(axis=0)
                later = da @ U
            return dW, dU, db, later
            """,
        ),
        "stacked_in_sweep_order": Mistake(
            """The steps' da are stacked in the order of the sweep, last step first, and x and h
            are not.

            So each da meets another step's input. Turn the list round before the product:
            `[::-1]`.
            """,
            """
            da = sweep_of(dh, h, lambda _, da: da @ U)
            return *summed_of(da[::-1], x, h[:-1], U)[:3], da[0] @ U
            """,
            """
            later, rows = np.zeros_like(h[0]), []
            for t in range(len(x), 0, -1):
                rows.append((dh[t - 1] + later) * (1 - h[t] ** 2))
                later = rows[-1] @ U
            da = np.concatenate(rows)
            before = h[:-1].reshape(len(da), -1)
            return da.T @ x.reshape(len(da), -1), da.T @ before, da.sum(0), later
            """,
        ),
        "slope_of_the_state": Mistake(
            """The slope of tanh is taken as 1 - tanh(h)**2. But h is a tanh already: it is 1 -
            h**2.
            """,
            """
            slope = lambda _, after: 1 - np.tanh(after) ** 2  # noqa: E731
            return summed_of(sweep_of(dh, h, lambda _, da: da @ U, slope), x, h[:-1], U)
            """,
        ),
    },
)
