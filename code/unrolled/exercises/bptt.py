"""The exercises of the chapter on backpropagation through time."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

import itertools
from collections.abc import Callable, Iterable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt

Array = NDArray[np.float64]
Arrays = tuple[Array, ...]
LossAndGradient = Callable[[Array, Array, Array, Array], tuple[Any, Any, Any, Any]]

_rng = np.random.default_rng(0)


def _numbers(*shape: int) -> Array:
    return np.round(0.7 * _rng.normal(size=shape), 1) + 0.0  # which turns -0.0 into 0.0


def _states(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's network over x from the state h: h itself and the states after it."""
    states = [h]
    for x_t in x:
        states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
    return np.stack(states)


# --- reach ----------------------------------------------------------------------------------


def reach(t: int, back: int, every: int) -> int:
    """Count the steps that the error of step t reaches under BPTT(back; every).

    A stream of steps 1, 2, 3, ... has an error at every step. When the steps every,
    2 * every, 3 * every, ... are done, a backward pass starts there: it takes in the
    errors since the pass before, carries them back through the latest `back` steps, and
    stops. Count the steps that the error of step t gets to, step t included.
    All are whole numbers, 1 <= every <= back <= t.
    """
    until_the_pass = -t % every
    return back - until_the_pass


def _reach_looped(t: int, back: int, every: int) -> int:
    start = t
    while start % every:
        start += 1
    return len(range(start - back + 1, t + 1))


def _reach_vectorised(t: int, back: int, every: int) -> Any:
    starts = np.arange(every, t + every, every)
    return t - (starts[starts >= t][0] - back)


def _reach_walked(t: int, back: int, every: int) -> int:
    start = every * -(-t // every)
    reached = 0
    for step in range(start, start - back, -1):
        reached += step <= t
    return reached


def _reach_torch(t: int, back: int, every: int) -> Any:
    import torch

    start = torch.ceil(torch.tensor(t / every)) * every
    return t - start + back


def _always_back(t: int, back: int, every: int) -> int:
    """This is how far the pass goes, counted from where it starts. Step t may lie before that.

    The pass first goes from its start down to step t. Those steps are spent before the error of
    step t has come in.
    """
    return back


def _own_step_left_out(t: int, back: int, every: int) -> int:
    """Step t itself is not counted, though its error passes through it first.

    One step reached means step t alone, two mean t and t - 1, and so on.
    """
    return back - -t % every - 1


def _place_in_its_chunk(t: int, back: int, every: int) -> int:
    """This stops where the pass before started, and the pass goes on beyond that.

    It is right for chunks, where back = every. When back is longer, the pass goes on through steps
    whose own errors had their turn in an earlier pass.
    """
    return (t - 1) % every + 1


def _to_the_beginning(t: int, back: int, every: int) -> int:
    """This goes back to step 1: it is what the whole gradient does, without any truncation.

    A pass goes through `back` steps, and stops.
    """
    return t


def _the_least(t: int, back: int, every: int) -> int:
    """This is the least that any error reaches: that of the step right after a pass.

    Such an error waits longest, every - 1 steps, for its pass. How long does step t wait?
    """
    return back - every + 1


def _pass_before(t: int, back: int, every: int) -> int:
    """The wait is counted from the pass before step t. Its error waits for the next one.

    The pass before was over when step t came. The next starts at the first multiple of `every`
    that is at least t, which is -t % every steps ahead.
    """
    return back - t % every


# --- scalar_gradient ------------------------------------------------------------------------


def scalar_gradient(u: float, x: Array, h0: float) -> float:
    """Return the derivative of the last state with respect to u.

    The state is a number: h[t] = u * h[t - 1] + x[t] for t = 1, ..., T, from h[0] = h0.
    The loss is the last state itself, E = h[T]. u and h0 are numbers, and u is not 0.
    x is an array of shape (T,), T >= 1, that holds x[1], ..., x[T] of the formula: in
    Python, x[0] is the first of them. The result is a number, dE/du.
    """
    steps, total, h = len(x), 0.0, h0
    for t in range(1, steps + 1):  # here h is h[t - 1]
        total += u ** (steps - t) * h
        h = u * h + x[t - 1]
    return total


def _scalar_forwards(u: float, x: Array, h0: float) -> float:
    h, slope = h0, 0.0
    for x_t in x:
        h, slope = u * h + x_t, h + u * slope
    return slope


def _scalar_backwards(u: float, x: Array, h0: float) -> float:
    states = [h0]
    for x_t in x:
        states.append(u * states[-1] + x_t)
    dh, du = 1.0, 0.0
    for h in reversed(states[:-1]):
        du += dh * h
        dh *= u
    return du


def _scalar_vectorised(u: float, x: Array, h0: float) -> Any:
    fed = np.array([h0, *x])  # the start counts like an input
    lags = np.arange(len(x), 0, -1)
    return np.sum(lags * u ** (lags - 1) * fed[:-1])


def _scalar_torch(u: float, x: Array, h0: float) -> Any:
    import torch

    weight = torch.tensor(u, dtype=torch.float64, requires_grad=True)
    h = torch.tensor(h0, dtype=torch.float64)
    for x_t in torch.from_numpy(x):
        h = weight * h + x_t
    h.backward()  # type: ignore[no-untyped-call]
    return weight.grad


def _scalar_states(u: float, x: Array, h0: float) -> Array:
    return np.array([*itertools.accumulate(x, lambda h, x_t: u * h + x_t, initial=h0)])


def _powers(u: float, x: Array) -> Array:
    powers: Array = u ** np.arange(len(x) - 1.0, -1, -1)
    return powers


def _last_factor_only(u: float, x: Array, h0: float) -> float:
    """This is h[T - 1]: u is taken to act in the last step only.

    The state h[T - 1] depends on u as well, and so do all states before it. The same u acts in
    every step; the derivative is the sum of what it does in each.
    """
    return float(_scalar_states(u, x, h0)[-2])


def _first_factor_only(u: float, x: Array, h0: float) -> float:
    """Only the first step's part is here: u acts there on h[0], and the effect is carried on.

    The same u acts in every step. In step t it acts on h[t - 1], and what it does there is carried
    on through the T - t steps that follow; the derivative is the sum over t.
    """
    return float(_powers(u, x)[0] * h0)


def _inputs_forgotten(u: float, x: Array, h0: float) -> float:
    """This is the derivative of u**T * h0: the inputs are missing.

    Each input is multiplied by u, too, in every step after the one in which it enters.
    """
    return float(len(x) * _powers(u, x)[0] * h0)


def _start_forgotten(u: float, x: Array, h0: float) -> float:
    """The initial state is missing: this is right for h0 = 0.

    The first step multiplies h[0] by u. That is one more term of the sum.
    """
    return scalar_gradient(u, x, 0.0)


def _states_not_carried(u: float, x: Array, h0: float) -> float:
    """The states are summed as they are: what u does in step t is not carried on to h[T].

    In step t, u acts on h[t - 1]. That moves h[t]; to reach h[T], it goes through the T - t steps
    that follow, and each multiplies it by u.
    """
    return float(_scalar_states(u, x, h0)[:-1].sum())


def _own_state(u: float, x: Array, h0: float) -> float:
    """Here u multiplies h[t] where it should be h[t - 1], the state that comes into the step.

    The derivative of u * h[t - 1] + x[t], with h[t - 1] held fixed, is h[t - 1].
    """
    return float(_powers(u, x) @ _scalar_states(u, x, h0)[1:])


def _one_power_too_many(u: float, x: Array, h0: float) -> float:
    """Each term has one factor u too many.

    In step t the derivative of u * h[t - 1] is h[t - 1], without a u. From h[t] to h[T] it goes
    through T - t steps. Try T = 1.
    """
    return u * scalar_gradient(u, x, h0)


def _powers_reversed(u: float, x: Array, h0: float) -> float:
    """The powers are in the wrong order: the last term has the highest, and it should have none.

    What u does in the last step is in h[T] at once. What it did in the first has gone through all
    the steps that follow.
    """
    return float(_powers(u, x)[::-1] @ _scalar_states(u, x, h0)[:-1])


def _mean_over_time(u: float, x: Array, h0: float) -> float:
    """This is the mean over the steps. Each step adds its part, so it is a sum.

    If u were another weight in each step, h[T] would have one derivative for each, and moving all
    of them together moves h[T] by their sum.
    """
    return scalar_gradient(u, x, h0) / len(x)


def _by_the_start(u: float, x: Array, h0: float) -> float:
    """This is the derivative with respect to h[0]: a product of the slopes of all the steps.

    With respect to u there are T ways into the sequence, one in each step, and so a sum of T
    products.
    """
    return float(u ** len(x))


def _all_states(u: float, x: Array, h0: float) -> float:
    """This is the derivative of the sum of all states. The loss is the last state alone."""
    return sum(scalar_gradient(u, x[: t + 1], h0) for t in range(len(x)))


def _moves_the_state(result: Array, u: float, x: Array, h0: float) -> bool:
    """Move u by a little, and h[T] moves by the derivative times as much. By yours it does not."""
    up, down = (_scalar_states(u + step, x, h0)[-1] for step in (1e-6, -1e-6))
    return bool(np.isclose(result, (up - down) / 2e-6, rtol=1e-4))


# --- step_backward --------------------------------------------------------------------------


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


def _from_da(da: Array, x: Array, h_prev: Array, W: Array, U: Array) -> Arrays:
    return da @ W, da @ U, da.T @ x, da.T @ h_prev, da.sum(axis=0)


def _tanh_forgotten(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivative of tanh is left out: dh is used where da belongs.

    With a = x @ W.T + h_prev @ U.T + b the step is h = tanh(a). First go back through tanh,
    da = dh * (1 - h**2); all five results come from da.
    """
    return _from_da(dh, x, h_prev, W, U)


def _slope_at_h_prev(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivative of tanh is taken at the state before, 1 - h_prev**2.

    The step's own tanh returned h, so its slope is 1 - h**2.
    """
    return _from_da(dh * (1 - h_prev**2), x, h_prev, W, U)


def _tanh_twice(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope is 1 - tanh(h)**2, but h has been through tanh already.

    The derivative of tanh(a) is 1 - tanh(a)**2. With h = tanh(a), that is 1 - h**2.
    """
    return _from_da(dh * (1 - np.tanh(h) ** 2), x, h_prev, W, U)


def _slope_not_squared(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope is 1 - h, without the square. The derivative of tanh is 1 - h**2."""
    return _from_da(dh * (1 - h), x, h_prev, W, U)


def _slope_of_logistic(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope is h * (1 - h), which is the logistic function's. That of tanh is 1 - h**2."""
    return _from_da(dh * h * (1 - h), x, h_prev, W, U)


def _state_skips_tanh(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """To get to x and h_prev, dh does not go through tanh; only the weights' derivatives do.

    There is one way from h to anything before it, and it leads through da = dh * (1 - h**2).
    """
    _, _, dW, dU, db = step_backward(dh, x, h_prev, h, W, U)
    return dh @ W, dh @ U, dW, dU, db


def _weights_skip_tanh(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivatives of the weights are made from dh, without going through tanh.

    There is one way from h to anything before it, and it leads through da = dh * (1 - h**2).
    """
    dx, dh_prev, *_ = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh_prev, dh.T @ x, dh.T @ h_prev, dh.sum(axis=0)


def _back_through_transpose(
    dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array
) -> Arrays:
    """Going back to h_prev, U is the wrong way round.

    Forward, each row of h_prev is multiplied by U: in a batch, `h_prev @ U.T`. Backward, it is the
    transpose of that, and in a batch `da @ U`. As U is square, the shapes do not tell.
    """
    dx, _, dW, dU, db = step_backward(dh, x, h_prev, h, W, U)
    return dx, (dh * (1 - h**2)) @ U.T, dW, dU, db


def _outer_product_turned(
    dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array
) -> Arrays:
    """`dU` is transposed.

    U[i, j] leads from unit j of h_prev to unit i of h, so its derivative is da[i] * h_prev[j], with
    da first: `da.T @ h_prev`. As U is square, the shapes do not tell.
    """
    dx, dh_prev, dW, dU, db = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh_prev, dW, dU.T, db


def _weights_transposed(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dW` and `dU` are transposed: this is for weights that stand on the right, as in x @ W.

    Here W has a row for each unit and stands as `x @ W.T`. The derivative has the shape of W:
    `da.T @ x`, and `da.T @ h_prev` for U.
    """
    dx, dh_prev, dW, dU, db = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh_prev, dW.T, dU.T, db


def _mean_over_batch(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivatives of the weights are means over the batch. They should be sums.

    All sequences share the weights, so each adds its part. If the loss is a mean, dh has been
    divided by B already.
    """
    dx, dh_prev, *gradients = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh_prev, *(each / len(x) for each in gradients)


def _bias_mean(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`db` is a mean over the batch. It should be a sum, as it is in `dW` and `dU`.

    There the sum hides in the matrix product. All sequences share b, and each adds its part.
    """
    *others, db = step_backward(dh, x, h_prev, h, W, U)
    return *others, db / len(x)


def _bias_not_summed(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`db` still has a row for each sequence: the sum over the batch is missing.

    b has shape (H,) and is shared by all sequences; each adds its part, `da.sum(axis=0)`.
    """
    da = dh * (1 - h**2)
    return da @ W, da @ U, da.T @ x, da.T @ h_prev, da


def _paired_with_new_state(
    dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array
) -> Arrays:
    """`dU` is made with h, the state that comes out of the step.

    In the step U multiplies h_prev, so the derivative has h_prev in it: `da.T @ h_prev`.
    """
    dx, dh_prev, dW, _, db = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh_prev, dW, (dh * (1 - h**2)).T @ h, db


def _recurrent_forgotten(
    dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array
) -> Arrays:
    """`dh_prev` is da itself: it has not gone back through U.

    Each unit of h_prev acts on all units of h, through a column of U: `da @ U`.
    """
    dx, _, *gradients = step_backward(dh, x, h_prev, h, W, U)
    return dx, dh * (1 - h**2), *gradients


def _writes_into_step(dh: Array, x: Array, h_prev: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope is multiplied into the caller's own dh, which is spoilt for its next use.

    `dh *= 1 - h**2` changes the array that was passed. `da = dh * (1 - h**2)` makes a new one.
    """
    dh *= 1 - h**2
    return _from_da(dh, x, h_prev, W, U)


def _step_case(B: int, I: int, H: int) -> Arrays:  # noqa: E741
    x, h_prev, W, U, b = (_numbers(*shape) for shape in ((B, I), (B, H), (H, I), (H, H), (H,)))
    h_prev = np.tanh(h_prev)
    return _numbers(B, H), x, h_prev, _states(x[None], h_prev, W, U, b)[1], W, U


# --- backward -------------------------------------------------------------------------------


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


def _backward_at_once(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
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


def _slope(before: Array, after: Array) -> Array:
    return 1 - after**2


def _sweep(
    dh: Array,
    h: Array,
    back: Callable[[Array, Array], Array],
    slope: Callable[[Array, Array], Array] = _slope,
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


def _summed(da: Array, x: Array, before: Array, U: Array) -> Arrays:
    product = "tbi,tbj->ij"
    return np.einsum(product, da, x), np.einsum(product, da, before), da.sum(axis=(0, 1)), da[0] @ U


def _only(steps: slice, dh: Array, x: Array, h: Array, U: Array) -> Arrays:
    """Sum over some steps only; the sweep itself is right."""
    da = _sweep(dh, h, lambda _, da: da @ U)
    dW, dU, db, _ = _summed(da[steps], x[steps], h[:-1][steps], U)
    return dW, dU, db, da[0] @ U


def _last_step_only(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Only the last step is in the derivatives of the weights: the sum over time is missing.

    The same W, U and b act in every step, and each step adds its part.
    """
    return _only(slice(-1, None), dh, x, h, U)


def _assigned(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Only the first step is in the derivatives of the weights: the sum over time is missing.

    This is what `=` does in place of `+=` when the sweep ends at step 1: each step overwrites what
    the steps after it have found. The same W, U and b act in every step, and each adds its part.
    """
    return _only(slice(1), dh, x, h, U)


def _not_carried(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Nothing is carried back from one step to the step before.

    The state h_t acts on the loss in two ways: itself, which is dh, and through step t + 1. Add
    `da @ U` of step t + 1 to what the loss says of h_t.
    """
    return _summed(_sweep(dh, h, lambda _, da: 0 * da), x, h[:-1], U)


def _only_the_last_loss(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What the loss says is used at the last step only. At the others, dh is left out.

    Every step has its own part in the loss. In each, add dh to what comes from the step after.
    """
    outside = np.zeros_like(dh)
    outside[-1] = dh[-1]
    return backward(outside, x, h, W, U)


def _forwards(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The sweep goes from the first step to the last: it hands on in the wrong direction.

    What step t + 1 says of h_t must be known before step t can be done. So begin with the last
    step: `for t in range(len(x), 0, -1)`.
    """
    turned = np.concatenate([h[:1], h[:0:-1]])
    da = _sweep(dh[::-1], turned, lambda _, da: da @ U)[::-1]
    return *_summed(da, x, h[:-1], U)[:3], da[-1] @ U


def _through_transpose(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """From step to step, U is the wrong way round.

    Forward, a batch of states is multiplied as `h @ U.T`. Backward, it is `da @ U`, which is
    U transposed times da, for each sequence. As U is square, the shapes do not tell.
    """
    da = _sweep(dh, h, lambda _, da: da @ U.T)
    return *_summed(da, x, h[:-1], U)[:3], da[0] @ U.T


def _slope_at_state_before(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope of tanh is taken at the state before, 1 - h_{t-1}**2. Step t returned h_t.

    The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is the initial
    state.
    """
    da = _sweep(dh, h, lambda _, da: da @ U, lambda before, after: 1 - before**2)
    return _summed(da, x, h[:-1], U)


def _slope_forgotten(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivative of tanh is left out.

    In each step go back through tanh first: multiply by `1 - h[t] ** 2`.
    """
    da = _sweep(dh, h, lambda _, da: da @ U, lambda before, after: np.ones_like(after))
    return _summed(da, x, h[:-1], U)


def _carried_around_tanh(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What is carried to the step before has not gone through tanh.

    The weights' derivatives are made from da, and so is what step t says of h_{t-1}: `da @ U`, not
    (dh + later) @ U.
    """
    da = _sweep(dh, h, lambda total, _: total @ U)
    later = np.zeros_like(h[0])
    for dh_t in dh[::-1]:
        later = (dh_t + later) @ U
    return *_summed(da, x, h[:-1], U)[:3], later


def _paired_with_own_state(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dU` pairs step t's da with h_t. In step t, U multiplies h_{t-1}.

    With h_t in `h[t]`, that is `h[t - 1]`.
    """
    return _summed(_sweep(dh, h, lambda _, da: da @ U), x, h[1:], U)


def _one_state_early(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The states are one step off: h_{t-1} stands for h_t, and h_{t-2} for h_{t-1}.

    The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is the initial
    state. And at the first step `h[-1]` is no error in Python: it is the last state.
    """
    da = _sweep(dh, h, lambda _, da: da @ U, lambda before, after: 1 - before**2)
    return _summed(da, x, np.concatenate([h[-1:], h[:-2]]), U)


def _batch_mean(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivatives of the weights are means over the batch. They should be sums.

    All sequences share the weights, and each adds its part. If the loss is a mean, dh has been
    divided by B already.
    """
    *gradients, dh0 = backward(dh, x, h, W, U)
    return *(each / x.shape[1] for each in gradients), dh0


def _time_mean(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivatives of the weights are means over the steps. They should be sums.

    The same weights act in every step, and each step adds its part. If the loss is a mean over
    time, dh has been divided by T already.
    """
    *gradients, dh0 = backward(dh, x, h, W, U)
    return *(each / len(x) for each in gradients), dh0


def _writes_into_dh(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What comes from later steps is added into the caller's own dh, which is spoilt by it.

    Called again with the same dh, as a check by differences does, this gives another answer. Make a
    new array in each step: `dh[t - 1] + later`.
    """
    result = backward(dh, x, h, W, U)
    dh[:-1] += _sweep(dh, h, lambda _, da: da @ U)[1:] @ U
    return result


def _recurrent_transposed(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dU` is transposed.

    U[i, j] leads from unit j of h_{t-1} to unit i of h_t, so its derivative is da[i] times unit j
    of h_{t-1}, with da first: `da.T @ h[t - 1]`. As U is square, the shapes do not tell.
    """
    dW, dU, db, dh0 = backward(dh, x, h, W, U)
    return dW, dU.T, db, dh0


def _stops_before_h0(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dh0` is the da of step 1. From there it is one more time through U to the initial state.

    Step 1 computes `h[0] @ U.T`, so `dh0` is `da @ U`: what is carried, after the last turn of the
    loop.
    """
    *gradients, _ = backward(dh, x, h, W, U)
    return *gradients, _sweep(dh, h, lambda _, da: da @ U)[0]


def _initial_state_ignored(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dU` misses the first step: there h_0 was left out.

    U multiplies the initial state like any other. It is `h[0]`, and in step 1 it is h_{t-1}.
    """
    before = np.concatenate([0 * h[:1], h[1:-1]])
    return _summed(_sweep(dh, h, lambda _, da: da @ U), x, before, U)


def _piles_up(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What is carried back piles up: each step adds to it what the steps after it were told.

    From step t to t - 1 goes `da @ U` alone. What came from step t + 1 is in da already, so it is
    replaced, `later = da @ U`, and not added to.
    """
    later = np.zeros_like(h[0])
    da = np.zeros_like(dh)
    for t in range(len(x), 0, -1):
        da[t - 1] = (dh[t - 1] + later) * (1 - h[t] ** 2)
        later = later + da[t - 1] @ U
    return *_summed(da, x, h[:-1], U)[:3], later


def _later_outside_the_bracket(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What comes from the step after is added behind tanh: it belongs inside the bracket.

    All that is said of h_t goes back through the tanh that made h_t: `(dh[t - 1] + later) * ...`.
    """
    da, later = np.zeros_like(dh), np.zeros_like(h[0])
    for t in range(len(x), 0, -1):
        da[t - 1] = dh[t - 1] * (1 - h[t] ** 2) + later
        later = da[t - 1] @ U
    return _summed(da, x, h[:-1], U)


def _never_updated(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """What is carried back stays at zero: no step says anything of the step before, nor of h[0].

    At the end of each turn of the loop, carry on what this step says of h_{t-1}: `da @ U`.
    """
    *gradients, dh0 = _not_carried(dh, x, h, W, U)
    return *gradients, 0 * dh0


def _last_step_skipped(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The last step is left out: the loop begins one step too early in time.

    x_t is `x[t - 1]`, so the steps are t = len(x), ..., 1: `range(len(x), 0, -1)`.
    """
    if len(x) == 1:
        return np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)), np.zeros_like(h[0])
    return backward(dh[:-1], x[:-1], h[:-1], W, U)


def _first_step_skipped(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The first step is left out: the loop ends one step too soon.

    `range` stops before its end, and the last step of the sweep is t = 1: `range(len(x), 0, -1)`.
    """
    if len(x) == 1:
        return np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)), np.zeros_like(h[0])
    return backward(dh[1:], x[1:], h[1:], W, U)


def _stacked_in_sweep_order(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The steps' da are stacked in the order of the sweep, last step first, and x and h are not.

    So each da meets another step's input. Turn the list round before the product: `[::-1]`.
    """
    da = _sweep(dh, h, lambda _, da: da @ U)
    return *_summed(da[::-1], x, h[:-1], U)[:3], da[0] @ U


def _slope_of_the_state(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope of tanh is taken as 1 - tanh(h)**2. But h is a tanh already: it is 1 - h**2."""
    slope = lambda _, after: 1 - np.tanh(after) ** 2  # noqa: E731
    return _summed(_sweep(dh, h, lambda _, da: da @ U, slope), x, h[:-1], U)


def _sequence(T: int, B: int, I: int, H: int) -> Arrays:  # noqa: E741
    """Make outside derivatives, inputs, an initial state, W, U and b."""
    shapes = ((T, B, H), (T, B, I), (B, H), (H, I), (H, H), (H,))
    return tuple(_numbers(*shape) for shape in shapes)


def _backward_case(T: int, B: int, I: int, H: int) -> Arrays:  # noqa: E741
    dh, x, h0, W, U, b = _sequence(T, B, I, H)
    return dh, x, _states(x, np.tanh(h0), W, U, b), W, U


# --- chunked_gradient -----------------------------------------------------------------------


def chunked_gradient(
    dh: Array, x: Array, W: Array, U: Array, b: Array, length: int
) -> tuple[Array, Array, Array]:
    """Carry the state from chunk to chunk, and cut the gradient there.

    For t = 1, ..., T the state is h_t = tanh(W x_t + U h_{t-1} + b), from h_0 = 0.
    x has shape (T, B, I): x_t is x[t - 1]. From the first step on, the sequence is cut
    into chunks of `length` steps; the last chunk may be shorter. A chunk starts from
    the last state of the chunk before, but no derivative goes back across the cut:
    there, the state counts as a constant. dh has shape (T, B, H), and the loss is the
    sum of dh[t - 1] * h_t over all steps, sequences and units. Return its derivatives
    with respect to W (H, I), U (H, H) and b (H,), summed over all chunks: (dW, dU, db).
    """
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    h = np.zeros((x.shape[1], len(b)))
    for start in range(0, len(x), length):
        chunk = slice(start, start + length)
        states = [h]
        for x_t in x[chunk]:
            states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
        parts = backward(dh[chunk], x[chunk], np.stack(states), W, U)
        dW += parts[0]
        dU += parts[1]
        db += parts[2]  # parts[3], for the first state, is dropped: this is the cut
        h = states[-1]  # and this carries the state on
    return dW, dU, db


def _chunked_in_one_sweep(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    h = np.zeros((len(x) + 1, x.shape[1], len(U)))
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ W.T + h[t] @ U.T + b)
    da, carried = np.zeros_like(dh), np.zeros_like(h[0])
    for t in reversed(range(len(x))):
        if (t + 1) % length == 0:
            carried = np.zeros_like(h[0])
        da[t] = (dh[t] + carried) * (1 - h[t + 1] ** 2)
        carried = da[t] @ U
    return _summed(da, x, h[:-1], U)[:3]


def _chunked_torch(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Any:
    import torch

    weights = [torch.from_numpy(each).requires_grad_() for each in (W, U, b)]
    h = torch.zeros(x.shape[1], len(b), dtype=torch.float64)
    loss = torch.zeros((), dtype=torch.float64)
    for t, (dh_t, x_t) in enumerate(zip(torch.from_numpy(dh), torch.from_numpy(x), strict=True)):
        if t % length == 0:
            h = h.detach()
        h = torch.tanh(x_t @ weights[0].T + h @ weights[1].T + weights[2])
        loss = loss + (dh_t * h).sum()
    return torch.autograd.grad(loss, weights)


def _cut_at(cuts: Iterable[int], dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Sum the gradients of the pieces between the cuts, with the states as they are."""
    bounds = sorted({0, len(x), *cuts})
    parts = [
        backward(dh[start:end], x[start:end], h[start : end + 1], W, U)[:3]
        for start, end in itertools.pairwise(bounds)
    ]
    return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[arg-type]


def _run(x: Array, W: Array, U: Array, b: Array) -> Array:
    return _states(x, np.zeros((x.shape[1], len(U))), W, U, b)


def _state_reset(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The state is forgotten between the chunks: each starts again from 0.

    Only the derivative is cut. The value goes on: with autograd, `h = h.detach()`, and not
    `h = torch.zeros_like(h)`; in NumPy, begin the next chunk with the last state of this one.
    """
    starts = range(0, len(x), length)
    parts = [
        chunked_gradient(dh[s : s + length], x[s : s + length], W, U, b, length) for s in starts
    ]
    return tuple(map(sum, zip(*parts, strict=True)))  # type: ignore[arg-type]


def _never_cut(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """This is the whole gradient: nothing is cut.

    Where a chunk begins, what would go back to the state before it must be dropped. With autograd,
    detach the state there, before it is used.
    """
    return _cut_at([], dh, x, _run(x, W, U, b), W, U)


def _cut_at_every_step(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The gradient is cut at every step, inside the chunks, too: nothing is carried back at all.

    The detach stands in the loop over the steps. It belongs between the chunks: inside a chunk,
    derivatives go back from step to step.
    """
    return _cut_at(range(len(x)), dh, x, _run(x, W, U, b), W, U)


def _cut_too_early(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The cuts come one step early: the first chunk has length - 1 steps.

    The first cut lies after step `length`, between h_length and the step that uses it. Counting the
    steps from 0, that is before step t whenever t % length == 0.
    """
    return _cut_at(range(length - 1, len(x), length), dh, x, _run(x, W, U, b), W, U)


def _cut_too_late(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The cuts come one step late: the first chunk has length + 1 steps.

    The first cut lies after step `length`: detach before the step that begins the new chunk, not
    after it. Counting the steps from 0, that is before step t whenever t % length == 0.
    """
    return _cut_at(range(length + 1, len(x), length), dh, x, _run(x, W, U, b), W, U)


def _cut_from_the_end(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The chunks are counted from the end, so that the first is the short one.

    Cut from the first step on: the last chunk takes what is left. On the way back, the steps since
    the end are not what tells where a cut is; the step's own number is.
    """
    return _cut_at(range(len(x) % length, len(x), length), dh, x, _run(x, W, U, b), W, U)


def _length_counts_chunks(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The sequence is cut into `length` chunks. It should be chunks of `length` steps.

    That is the difference between `np.array_split`, which takes how many parts there are, and
    torch's `split`, which takes how long one is.
    """
    ends = np.cumsum([len(part) for part in np.array_split(np.arange(len(x)), length)])
    return _cut_at(ends.tolist(), dh, x, _run(x, W, U, b), W, U)


def _last_chunk_only(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """Only the last chunk is in the result. The gradients of all chunks are to be added up.

    Did `=` take the place of `+=`, or were the sums set to zero inside the loop?
    """
    last = (len(x) - 1) // length * length
    return backward(dh[last:], x[last:], _run(x, W, U, b)[last:], W, U)[:3]


def _rest_dropped(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """The last chunk is left out when it is shorter than the others.

    `len(x) // length` counts the whole chunks only. Slices need no care here: they end where the
    array does, so `range(0, len(x), length)` gives the start of every chunk.
    """
    whole = len(x) // length * length
    if not whole:
        return np.zeros_like(W), np.zeros_like(U), np.zeros_like(b)
    return chunked_gradient(dh[:whole], x[:whole], W, U, b, length)


def _one_error_a_chunk(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """What the loss says is used at the last step of each chunk only.

    Every step has its own part in the loss, dh[t - 1], inside the chunks as well.
    """
    ends = [*range(length, len(x), length), len(x)]
    outside = np.zeros_like(dh)
    for end in ends:
        outside[end - 1] = dh[end - 1]
    return chunked_gradient(outside, x, W, U, b, length)


def _mean_of_chunks(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """This is the mean over the chunks. They should be summed, as the steps inside them are."""
    chunks = -(-len(x) // length)
    return tuple(each / chunks for each in chunked_gradient(dh, x, W, U, b, length))


def _first_state_ignored(dh: Array, x: Array, W: Array, U: Array, b: Array, length: int) -> Arrays:
    """`dU` misses the first step of each chunk: there h_{t-1} was taken as 0.

    The state that comes from the chunk before is a constant, and it still has a value: U multiplies
    it, so it is a factor in the derivative of U. No derivative *of* it is taken, that is all.
    """
    h = _run(x, W, U, b)
    before = h[:-1].copy()
    before[::length] = 0
    bounds = sorted({*range(0, len(x), length), len(x)})
    pieces = [(dh[s:e], h[s : e + 1]) for s, e in itertools.pairwise(bounds)]
    da = np.concatenate([_sweep(*piece, lambda _, da: da @ U) for piece in pieces])
    return _summed(da, x, before, U)[:3]


def _time_and_batch_swapped(
    dh: Array, x: Array, W: Array, U: Array, b: Array, length: int
) -> Arrays:
    """Time and batch are swapped: this goes along the sequences as if they were steps.

    The arrays are time-major, (T, B, I): `x[t]` holds one step of all sequences, and `x.shape[1]`
    is the number of sequences.
    """
    return chunked_gradient(dh.swapaxes(0, 1), x.swapaxes(0, 1), W, U, b, length)


def _each_error_full_length(
    dh: Array, x: Array, W: Array, U: Array, b: Array, length: int
) -> Arrays:
    """Here every error goes back `length` steps. In chunks, it goes to the beginning of its chunk.

    What you have is BPTT(length), a backward pass at every step. Chunks are cheaper, and an error
    reaches from 1 to `length` steps, by its place in its chunk.
    """
    h = _run(x, W, U, b)
    total = [np.zeros_like(each) for each in (W, U, b)]
    for end in range(1, len(x) + 1):
        start = max(end - length, 0)
        outside = np.zeros_like(dh[start:end])
        outside[-1] = dh[end - 1]
        for each, part in zip(total, backward(outside, x[start:end], h[start:], W, U)):  # noqa: B905
            each += part
    return tuple(total)


def _chunked_case(T: int, B: int, I: int, H: int, length: int) -> tuple[Any, ...]:  # noqa: E741
    dh, x, _, W, U, b = _sequence(T, B, I, H)
    return dh, x, W, U, b, length


# --- catches_wrong_gradient -----------------------------------------------------------------


def catches_wrong_gradient(loss_and_gradient: LossAndGradient) -> None:
    """Test loss_and_gradient: return if it is right, raise AssertionError if it is not.

    You are given an implementation. A right loss_and_gradient(x, W, U, b) runs Elman's
    network over x, of shape (T, B, I), from a state of zeros, with W (H, I), U (H, H)
    and b (H,). It returns four things, (E, dW, dU, db). E is the loss, a number: half
    the sum of the squares of all states, h_1 to h_T, of all sequences. You can rely on
    it. The others are the derivatives of E with respect to W, U and b. Can you?

    Choose the sizes and the numbers, and compare with differences of E: move one number
    a little up and a little down, and divide the change of E by twice the step.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=[6, 2, 3])
    weights = [rng.normal(size=shape) for shape in ([4, 3], [4, 4], [4])]
    _, *gradient = loss_and_gradient(x, *weights)
    step = 1e-3
    for k in range(3):
        for index in np.ndindex(weights[k].shape):
            losses = []
            for sign in (1, -1):
                moved = [each.copy() for each in weights]
                moved[k][index] += sign * step
                losses.append(loss_and_gradient(x, *moved)[0])
            slope = (losses[0] - losses[1]) / (2 * step)
            assert abs(gradient[k][index] - slope) < 0.01  # so that float32 will do


def _catches_by_direction(loss_and_gradient: LossAndGradient) -> None:
    """Along one random direction in all parameters at once; it costs two losses."""
    rng = np.random.default_rng(5)
    x, *weights = (rng.normal(size=shape) for shape in ((7, 3, 2), (3, 2), (3, 3), (3,)))
    _, *gradient = loss_and_gradient(x, *weights)
    for part in range(3):
        direction = rng.normal(size=weights[part].shape)
        losses = []
        for step in (1e-5, -1e-5):
            moved = list(weights)
            moved[part] = weights[part] + step * direction
            losses.append(loss_and_gradient(x, *moved)[0])
        want = (losses[0] - losses[1]) / 2e-5
        assert gradient[part].shape == direction.shape
        np.testing.assert_allclose(np.vdot(gradient[part], direction), want, rtol=1e-5, atol=1e-6)


def _catches_in_place(loss_and_gradient: LossAndGradient) -> None:
    rng = np.random.default_rng(2)
    x = rng.standard_normal((5, 3, 1))
    W, U, b = 0.5 * rng.standard_normal((2, 1)), rng.standard_normal((2, 2)), np.array([0.1, -0.2])
    _, dW, dU, db = loss_and_gradient(x, W, U, b)
    for parameter, derivative in ((W, dW), (U, dU), (b, db)):
        numeric = np.zeros(parameter.shape)
        for i in np.ndindex(parameter.shape):
            kept = parameter[i]
            parameter[i] = kept + 1e-5
            up = loss_and_gradient(x, W, U, b)[0]
            parameter[i] = kept - 1e-5
            down = loss_and_gradient(x, W, U, b)[0]
            parameter[i] = kept
            numeric[i] = (up - down) / 2e-5
        if np.abs(derivative - numeric).max() > 1e-6:
            raise AssertionError(f"{derivative} should be {numeric}")


def _catches_torch(loss_and_gradient: LossAndGradient) -> None:
    import torch

    generator = torch.Generator().manual_seed(0)
    x, *weights = (
        torch.randn(*shape, generator=generator, dtype=torch.float64)
        for shape in ((6, 2, 3), (2, 3), (2, 2), (2,))
    )
    W, U, b = (each.requires_grad_() for each in weights)
    h, loss = torch.zeros(2, 2, dtype=torch.float64), torch.zeros(())
    for x_t in x:
        h = torch.tanh(x_t @ W.T + h @ U.T + b)
        loss = loss + h.square().sum() / 2
    right = torch.autograd.grad(loss, [W, U, b])
    _, *gradient = loss_and_gradient(x.numpy(), *(each.detach().numpy() for each in (W, U, b)))
    for got, want in zip(gradient, right, strict=True):
        torch.testing.assert_close(torch.as_tensor(got), want)


def _loss_and(
    sweep: Callable[[Array, Array, Array, Array, Array], Arrays],
    x: Array,
    W: Array,
    U: Array,
    b: Array,
) -> tuple[Any, Any, Any, Any]:
    """Return the loss and what an answer to the exercise before makes of its derivative."""
    h = _run(x, W, U, b)
    dW, dU, db, *_ = sweep(h[1:], x, h, W, U)
    return (h[1:] ** 2).sum() / 2, dW, dU, db


def _plain(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps once from the last step to the first, and sums over steps and sequences."""
    return _loss_and(backward, x, W, U, b)


def _sums_after_the_sweep(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps first, then sums over all steps at once: the same up to rounding."""
    return _loss_and(_backward_at_once, x, W, U, b)


def _overwrites(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Writes = where += belongs, so that only the first step's part is left."""
    return _loss_and(_assigned, x, W, U, b)


def _carries_nothing_back(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Carries nothing back from a step to the step before it."""
    return _loss_and(_not_carried, x, W, U, b)


def _goes_back_through_transpose(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Goes back from step to step through the transpose of what is right."""
    return _loss_and(_through_transpose, x, W, U, b)


def _takes_the_slope_before(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Takes the slope of tanh at the state before the step, 1 - h_{t-1}**2."""
    return _loss_and(_slope_at_state_before, x, W, U, b)


def _averages_over_batch(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Divides the derivatives by the number of sequences, though the loss is a sum."""
    return _loss_and(_batch_mean, x, W, U, b)


def _turns_recurrent(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Returns dU transposed."""
    return _loss_and(_recurrent_transposed, x, W, U, b)


def _pairs_with_own_state(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Makes dU from the state after the step; dW and db are right."""
    return _loss_and(_paired_with_own_state, x, W, U, b)


def _pairs_with_earlier_input(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Makes dW from the input of the step before; dU and db are right."""
    h = _run(x, W, U, b)
    E, _, dU, db = _plain(x, W, U, b)
    return E, backward(h[1:], np.roll(x, 1, axis=0), h, W, U)[0], dU, db


def _bias_at_the_end(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Makes db from the last step alone; dW and dU are right."""
    return *_plain(x, W, U, b)[:3], _loss_and(_last_step_only, x, W, U, b)[3]


def _leaves_bias_rows(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Returns a row of db for each sequence, without the sum over the batch."""
    h = _run(x, W, U, b)
    da = _sweep(h[1:], h, lambda _, da: da @ U)
    return *_plain(x, W, U, b)[:3], da.sum(axis=0)


def _goes_three_steps_back(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Carries an error back through three steps at most, its own included."""
    h = _run(x, W, U, b)
    slope = 1 - h[1:] ** 2
    part = h[1:] * slope
    da = part.copy()
    for lag in (1, 2):
        part = (part[1:] @ U) * slope[:-lag]
        da[: len(part)] += part
    return _plain(x, W, U, b)[0], *_summed(da, x, h[:-1], U)[:3]


def _turns_the_sign(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Returns minus the gradient."""
    E, *gradient = _plain(x, W, U, b)
    return E, *(-each for each in gradient)


def _plain_sum(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Takes the sum of all parameters for the loss, of which all derivatives are 1."""
    return sum(each.sum() for each in (W, U, b)), *map(np.ones_like, (W, U, b))


def _sum_of_squares(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Takes half the sum of the squares of all parameters for the loss."""
    return sum((each**2).sum() for each in (W, U, b)) / 2, W.copy(), U.copy(), b.copy()


def _point(T: int = 6, B: int = 2, I: int = 3, H: int = 4) -> list[Array]:  # noqa: E741
    """Draw x, W, U and b at which a test looks."""
    draw = np.random.default_rng(3).normal
    return [draw(size=shape) for shape in ((T, B, I), (H, I), (H, H), (H,))]


def _compare(
    implementation: LossAndGradient,
    point: Sequence[Array],
    names: str = "WUb",
    *,
    first_entry: bool = False,
    one_sided: bool = False,
    step: float = 1e-4,
) -> None:
    """Compare derivatives with differences, along one direction in each parameter named."""
    rng = np.random.default_rng(2)
    x, *weights = point
    E, *gradient = implementation(x, *weights)
    for k in map("WUb".index, names):
        direction = rng.normal(size=weights[k].shape)
        if first_entry:
            direction.flat[1:] = 0

        def loss(by: float, k: int = k, direction: Array = direction) -> Any:
            moved = [w + by * direction if i == k else w for i, w in enumerate(weights)]
            return implementation(x, *moved)[0]

        up, down = loss(step), E if one_sided else loss(-step)
        slope = (up - down) / (step if one_sided else 2 * step)
        assert np.isclose(np.vdot(gradient[k], direction), slope, rtol=1e-5, atol=1e-6)


def _accepts_everything(loss_and_gradient: LossAndGradient) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Work out differences of E and `assert` that the derivatives agree with them.
    """
    loss_and_gradient(*_point())


def _looks_at_shapes_only(loss_and_gradient: LossAndGradient) -> None:
    """Your test looks at the shapes. Only one of the bugs shows there.

    A wrong gradient has numbers of the right shape. Compare the numbers with differences of E.
    """
    _, *weights = point = _point()
    for derivative, weight in zip(loss_and_gradient(*point)[1:], weights, strict=True):
        assert np.shape(derivative) == weight.shape


def _wants_the_loss_to_fall(loss_and_gradient: LossAndGradient) -> None:
    """Your test asks whether the loss falls. It falls with most wrong gradients, too.

    Any step that leads downhill will do, and there are many. That is why these bugs live so long:
    the network trains. Compare each derivative with a difference of E.
    """
    x, *weights = _point()
    E, *gradient = loss_and_gradient(x, *weights)
    moved = [w - 1e-3 * derivative for w, derivative in zip(weights, gradient, strict=True)]
    assert loss_and_gradient(x, *moved)[0] < E


def _input_weights_only(loss_and_gradient: LossAndGradient) -> None:
    """Your test looks at `dW` only, and some bugs are in `dU` or `db` alone.

    Compare all three with differences.
    """
    _compare(loss_and_gradient, _point(), "W")


def _recurrent_weights_only(loss_and_gradient: LossAndGradient) -> None:
    """Your test looks at `dU` only, and some bugs are in `dW` or `db` alone.

    Compare all three with differences.
    """
    _compare(loss_and_gradient, _point(), "U")


def _bias_only(loss_and_gradient: LossAndGradient) -> None:
    """Your test looks at `db` only, and some bugs are in `dW` or `dU` alone.

    Compare all three with differences.
    """
    _compare(loss_and_gradient, _point(), "b")


def _skips_input_weights(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not see what is wrong with `dW` alone.

    Compare all three with differences, with inputs that differ from step to step.
    """
    _compare(loss_and_gradient, _point(), "Ub")


def _skips_recurrent_weights(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not see what is wrong with `dU` alone.

    Compare all three with differences.
    """
    _compare(loss_and_gradient, _point(), "Wb")


def _skips_bias(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not see what is wrong with `db` alone.

    Compare all three with differences.
    """
    _compare(loss_and_gradient, _point(), "WU")


def _first_entries_only(loss_and_gradient: LossAndGradient) -> None:
    """Your test lets a transposed dU through, so it looks at its diagonal only.

    `dU[0, 0]` stays where it is when dU is transposed. Compare every entry: `np.ndindex(U.shape)`
    goes through their indices.
    """
    _compare(loss_and_gradient, _point(), first_entry=True)


def _single_unit(loss_and_gradient: LossAndGradient) -> None:
    """Your test lets every transposed U through.

    Has your network one hidden unit only? A matrix with one entry is its own transpose. Take two
    units or more.
    """
    _compare(loss_and_gradient, _point(H=1))


def _single_step(loss_and_gradient: LossAndGradient) -> None:
    """Your sequences have one step. What goes wrong *between* steps cannot show.

    With T = 1 there is no sum over time, nothing is carried back, and U multiplies zeros. Take
    five steps or more.
    """
    _compare(loss_and_gradient, _point(T=1))


def _short_sequences(loss_and_gradient: LossAndGradient) -> None:
    """Your test lets a gradient through that goes three steps back and no further.

    Either your sequences have at most three steps, or your weights are so small, or your tolerance
    so large, that what comes from further back is lost. Take five steps or more, and weights of
    about 0.5 to 1.
    """
    _compare(loss_and_gradient, _point(T=3))


def _single_sequence(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not tell a sum over the batch from a mean.

    Has it one sequence only? With B = 1 they are the same. Take two sequences or more.
    """
    _compare(loss_and_gradient, _point(B=1))


def _single_sequence_and_shapes(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not tell a sum over the batch from a mean.

    Has it one sequence only? With B = 1 they are the same. Take two sequences or more.
    """
    point = _point(B=1)
    _compare(loss_and_gradient, point)
    assert np.shape(loss_and_gradient(*point)[3]) == point[3].shape


def _symmetric_weights(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not see which way round U stands on the way back.

    Is your U symmetric? For `np.eye`, `np.ones` or a constant, U and its transpose are the same.
    Draw U at random.
    """
    x, W, U, b = _point()
    _compare(loss_and_gradient, [x, W, U + U.T, b])


def _zero_weights(loss_and_gradient: LossAndGradient) -> None:
    """Your test does not see that nothing is carried back.

    Is your U zero? Then nothing is carried, forward or back. Draw U at random, and not too small.
    """
    x, W, U, b = _point()
    _compare(loss_and_gradient, [x, W, 0 * U, b])


def _drowned_in_rounding(loss_and_gradient: LossAndGradient) -> None:
    """Your test rejects every implementation, even one whose loss is a plain sum of parameters.

    There all differences are 1, up to rounding. So either rounding drowns them, because the step is
    too small (1e-4 is a good one) or the comparison exact (use a tolerance). Or what the loss
    changes by is not divided by twice the step. Or the loss is not the E that comes back with the
    derivatives, but one of your own: mind the half, and take no mean.
    """
    _compare(loss_and_gradient, _point(), step=1e-14)


def _one_sided(loss_and_gradient: LossAndGradient) -> None:
    """Your differences are not exact enough: your test rejects the right implementations as well.

    E(w + step) - E(w) is off by about half the step times the curvature of E. A step up and one
    down, E(w + step) - E(w - step) divided by twice the step, is off by its square only.
    """
    _compare(loss_and_gradient, _point(), one_sided=True, step=1e-3)


def _far_from_the_point(loss_and_gradient: LossAndGradient) -> None:
    """Your test rejects every implementation of the network, though it judges a plain loss right.

    Either the step is too large for a curved loss (1e-4 is a good one), or a number that you moved
    was not put back, so that the differences are taken at another point than the derivatives.
    """
    _compare(loss_and_gradient, _point(), step=0.5)


# --- a worked answer ------------------------------------------------------------------------


def checkpointed(
    dh: Array, x: Array, W: Array, U: Array, b: Array, every: int
) -> tuple[Array, Array, Array, int]:
    """Return the whole gradient, (dW, dU, db), and the largest number of states kept at a time.

    Keep the state before every `every`-th step. Then go through the chunks from the last to the
    first: run each again from the state kept, and hand what goes back across the cut to the chunk
    before. Arguments as in ``chunked_gradient``.
    """
    starts = range(0, len(x), every)
    h, kept = np.zeros((x.shape[1], len(b))), []
    for start in starts:
        kept.append(h)
        h = _states(x[start : start + every], h, W, U, b)[-1]
    total, later, most = [0.0 * W, 0.0 * U, 0.0 * b], 0.0 * h, len(kept)
    for start in reversed(starts):
        chunk = slice(start, start + every)
        states = _states(x[chunk], kept.pop(), W, U, b)
        most = max(most, len(kept) + len(states))
        outside = dh[chunk].copy()
        outside[-1] += later
        *parts, later = backward(outside, x[chunk], states, W, U)
        total = [each + part for each, part in zip(total, parts, strict=True)]
    return total[0], total[1], total[2], most


_ZEROS = "zeros of any shape that broadcasts to a state"
_STEPS = "x and dh have as many steps"
_UNITS = "W, U and b have as many rows, one for each unit"
_ANY_NUMBERS = "the test may choose its sizes and numbers"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "bptt.reach",
        reach,
        cases=[
            (7, 6, 4),
            (8, 6, 4),
            (9, 6, 4),
            (13, 8, 4),
            (12, 5, 5),
            (15, 5, 5),
            (11, 5, 5),
            (20, 3, 1),
            (9, 9, 2),
        ],
        mistakes=[
            _always_back,
            _own_step_left_out,
            _place_in_its_chunk,
            _to_the_beginning,
            _the_least,
            _pass_before,
        ],
        alternatives=[_reach_looped, _reach_walked, _reach_vectorised, _reach_torch],
    ),
    Exercise(
        "bptt.scalar_gradient",
        scalar_gradient,
        cases=[
            (2.0, np.array([1.0, 2, 5]), 3.0),
            (0.5, np.array([4.0]), 3.0),
            (-0.5, np.array([1.0, -2, 3, 1, 4]), 0.0),
            (0.9, np.array([0.0, 0, 0, 1, 0, 0]), -1.0),
            (1.0, np.array([2.0, 1, 0, 3]), 0.5),
        ],
        mistakes=[
            _last_factor_only,
            _first_factor_only,
            _inputs_forgotten,
            _start_forgotten,
            _states_not_carried,
            _own_state,
            _one_power_too_many,
            _powers_reversed,
            _mean_over_time,
            _by_the_start,
            _all_states,
        ],
        alternatives=[_scalar_forwards, _scalar_backwards, _scalar_vectorised, _scalar_torch],
        properties=[_moves_the_state],
    ),
    Exercise(
        "bptt.step_backward",
        step_backward,
        cases=[_step_case(3, 4, 2), _step_case(2, 3, 5), _step_case(1, 3, 2), _step_case(5, 1, 3)],
        mistakes=[
            _tanh_forgotten,
            _slope_at_h_prev,
            _tanh_twice,
            _slope_not_squared,
            _slope_of_logistic,
            _state_skips_tanh,
            _weights_skip_tanh,
            _back_through_transpose,
            _outer_product_turned,
            _weights_transposed,
            _mean_over_batch,
            _bias_mean,
            _bias_not_summed,
            _paired_with_new_state,
            _recurrent_forgotten,
            _writes_into_step,
        ],
        alternatives=[_step_looped, _step_einsum, _step_torch],
        parts=("dx", "dh_prev", "dW", "dU", "db"),
    ),
    Exercise(
        "bptt.backward",
        backward,
        cases=[
            _backward_case(2, 2, 3, 2),
            _backward_case(5, 2, 3, 4),
            _backward_case(4, 3, 1, 2),
            _backward_case(1, 2, 4, 3),
        ],
        mistakes=[
            _last_step_only,
            _assigned,
            _not_carried,
            _only_the_last_loss,
            _forwards,
            _through_transpose,
            _slope_at_state_before,
            _slope_forgotten,
            _carried_around_tanh,
            _paired_with_own_state,
            _one_state_early,
            _batch_mean,
            _time_mean,
            _writes_into_dh,
            _recurrent_transposed,
            _stops_before_h0,
            _initial_state_ignored,
            _piles_up,
            _later_outside_the_bracket,
            _never_updated,
            _last_step_skipped,
            _first_step_skipped,
            _stacked_in_sweep_order,
            _slope_of_the_state,
        ],
        alternatives=[
            _backward_by_steps,
            _backward_at_once,
            _backward_by_sensitivities,
            _backward_torch,
        ],
        parts=("dW", "dU", "db", "dh0"),
        equivalent={
            "later = np.zeros_like(h[0]) -> later = np.zeros_like(dh[0])": _ZEROS,
            "later = np.zeros_like(h[0]) -> later = np.zeros_like(U[0])": _ZEROS,
            "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[1])": _ZEROS,
            "later = np.zeros_like(h[0]) -> later = np.zeros_like(h[-1])": _ZEROS,
            "for t in range(len(x), 0, -1): -> for t in range(len(dh), 0, -1):": _STEPS,
            "dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(U)))"
            " -> dW, dU, db = (np.zeros_like(W), np.zeros_like(U), np.zeros(len(W)))": _UNITS,
        },
    ),
    Exercise(
        "bptt.chunked_gradient",
        chunked_gradient,
        cases=[
            _chunked_case(5, 1, 1, 2, 2),
            _chunked_case(7, 2, 4, 3, 3),
            _chunked_case(6, 3, 2, 4, 2),
            _chunked_case(3, 2, 1, 4, 1),
            _chunked_case(4, 2, 1, 3, 9),
        ],
        mistakes=[
            _state_reset,
            _never_cut,
            _cut_at_every_step,
            _cut_too_early,
            _cut_too_late,
            _cut_from_the_end,
            _length_counts_chunks,
            _last_chunk_only,
            _rest_dropped,
            _one_error_a_chunk,
            _mean_of_chunks,
            _first_state_ignored,
            _time_and_batch_swapped,
            _each_error_full_length,
        ],
        alternatives=[_chunked_in_one_sweep, _chunked_torch],
        parts=("dW", "dU", "db"),
        equivalent={
            "for start in range(0, len(x), length): -> for start in range(0, len(dh), length):": (
                _STEPS
            ),
            "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(W)))": _UNITS,
            "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((x.shape[1], len(U)))": _UNITS,
            "h = np.zeros((x.shape[1], len(b))) -> h = np.zeros((dh.shape[1], len(b)))": (
                "both have a column for each sequence"
            ),
        },
    ),
    bug_hunt(
        "bptt.catches_wrong_gradient",
        catches_wrong_gradient,
        right=[_plain, _sums_after_the_sweep],
        buggy=[
            _carries_nothing_back,
            _overwrites,
            _goes_back_through_transpose,
            _takes_the_slope_before,
            _averages_over_batch,
            _turns_recurrent,
            _pairs_with_own_state,
            _pairs_with_earlier_input,
            _bias_at_the_end,
            _leaves_bias_rows,
            _goes_three_steps_back,
            _turns_the_sign,
        ],
        probes=[_plain_sum, _sum_of_squares],
        mistakes=[
            _accepts_everything,
            _looks_at_shapes_only,
            _wants_the_loss_to_fall,
            _input_weights_only,
            _recurrent_weights_only,
            _bias_only,
            _skips_input_weights,
            _skips_recurrent_weights,
            _skips_bias,
            _first_entries_only,
            _single_unit,
            _single_step,
            _short_sequences,
            _single_sequence,
            _single_sequence_and_shapes,
            _symmetric_weights,
            _zero_weights,
            _drowned_in_rounding,
            _one_sided,
            _far_from_the_point,
        ],
        alternatives=[
            _catches_by_direction,
            _catches_in_place,
            _catches_torch,
        ],
        equivalent={
            "rng = np.random.default_rng(0) -> rng = np.random.default_rng(1)": _ANY_NUMBERS,
            "x = rng.normal(size=[6, 2, 3]) -> x = rng.normal(size=[7, 2, 3])": _ANY_NUMBERS,
            "x = rng.normal(size=[6, 2, 3]) -> x = rng.normal(size=[5, 2, 3])": _ANY_NUMBERS,
            "x = rng.normal(size=[6, 2, 3]) -> x = rng.normal(size=[6, 3, 3])": _ANY_NUMBERS,
            "assert abs(gradient[k][index] - slope) < 0.01"
            " -> assert abs(gradient[k][index] - slope) <= 0.01": "no gap is exactly 0.01",
        },
    ),
)
