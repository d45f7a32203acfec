"""The exercises of the chapter on vanishing and exploding gradients."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from functools import reduce
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Clip = Callable[[Array, Array, float], Pair]

_rng = np.random.default_rng(0)


def _random(*shape: int, scale: float = 1.0) -> Array:
    return np.round(scale * _rng.normal(size=shape), 1)


def _norm(*arrays: Array) -> float:
    """One Euclidean norm over all entries of all arrays."""
    return float(np.sqrt(sum((each**2).sum() for each in arrays)))


# --- steps_to_vanish ------------------------------------------------------------------------


def steps_to_vanish(rate: float, fraction: float) -> int:
    """Count the steps after which rate ** d has fallen to fraction or below.

    In h[t] = rate * h[t - 1] + x[t], the derivative of h[t + d] by h[t] is rate ** d.
    rate and fraction are numbers between 0 and 1, both ends excluded. Return the
    smallest whole number d for which rate ** d <= fraction.
    """
    return int(np.ceil(np.log(fraction) / np.log(rate)))


def _steps_counted(rate: float, fraction: float) -> int:
    steps, derivative = 0, 1.0
    while derivative > fraction:
        steps, derivative = steps + 1, derivative * rate
    return steps


def _steps_looked_up(rate: float, fraction: float) -> Any:
    return np.argmax(rate ** np.arange(10_000) <= fraction)


def _steps_looped(rate: float, fraction: float) -> int:
    for steps in range(10_000):
        if rate**steps <= fraction:
            break
    return steps


def _steps_torch(rate: float, fraction: float) -> Any:
    import torch

    rate_, fraction_ = torch.tensor([rate, fraction], dtype=torch.float64).log()
    return torch.ceil(fraction_ / rate_)


def _steps_unrounded(rate: float, fraction: float) -> float:
    """This is where the curve crosses the fraction, between two steps. Steps are whole.

    The first whole step at which the derivative is small enough is the next one up: `np.ceil`.
    """
    return float(np.log(fraction) / np.log(rate))


def _steps_rounded_down(rate: float, fraction: float) -> int:
    """One step is missing: rounded down, the derivative is still above the fraction.

    `int(...)` and `//` cut off what is behind the point. The first step that is far enough is the
    next one up: `np.ceil`.
    """
    return int(_steps_unrounded(rate, fraction))


def _steps_rounded_to_nearest(rate: float, fraction: float) -> int:
    """Rounding to the nearest whole number stops one step early about half of the time.

    Rounded down, the derivative is still above the fraction. Round up: `np.ceil`.
    """
    return round(_steps_unrounded(rate, fraction))


def _one_step_too_many(rate: float, fraction: float) -> int:
    """One step too many is counted: one step earlier the derivative is small enough already.

    After 0 steps it is 1, after 1 step it is `rate`, and after d steps `rate ** d`.
    """
    return steps_to_vanish(rate, fraction) + 1


def _subtracts(rate: float, fraction: float) -> int:
    """This takes off the same amount at each step, as if 1 - rate were subtracted.

    A step multiplies by the rate: it takes off a share of what is left, so the curve gets ever
    flatter. Take the logarithm of `rate ** d = fraction`.
    """
    return int(np.ceil((1 - fraction) / (1 - rate)))


def _ratio_upside_down(rate: float, fraction: float) -> int:
    """The ratio of the logarithms is upside down.

    `rate ** d = fraction` gives d log(rate) = log(fraction), and that is divided by log(rate).
    """
    return int(np.ceil(np.log(rate) / np.log(fraction)))


def _lost_for_kept(rate: float, fraction: float) -> int:
    """The rate is taken for the share that a step loses. It is the share that a step keeps.

    After one step `rate` is left, not `1 - rate`: a rate near 1 remembers long.
    """
    return steps_to_vanish(1 - rate, fraction)


def _fraction_lost(rate: float, fraction: float) -> int:
    """This counts the steps until `fraction` is lost. Count them until only `fraction` is left.

    What is left after d steps is `rate ** d`.
    """
    return steps_to_vanish(rate, 1 - fraction)


def _time_constant(rate: float, fraction: float) -> int:
    """This is about 1 / (1 - rate), the time in which the derivative falls to 1/e, about 0.37.

    To fall to another fraction takes log(1 / fraction) times as long.
    """
    return int(np.ceil(1 / (1 - rate)))


def _logarithm_of_rate_forgotten(rate: float, fraction: float) -> int:
    """The logarithm of the rate is missing: as it stands, each step would divide by e.

    `rate ** d = fraction` gives d log(rate) = log(fraction). Divide by log(rate), too.
    """
    return int(np.ceil(-np.log(fraction)))


def _two_bases(rate: float, fraction: float) -> int:
    """The two logarithms have different bases: one is `np.log10`, the other `np.log`.

    Any base will do, if it is the same above and below the line.
    """
    return int(np.ceil(np.log10(fraction) / np.log(rate)))


def _first_step_that_is_far_enough(result: Any, rate: float, fraction: float) -> bool:
    """At the step you return, `rate ** d` should first be at most `fraction`. It is not.

    One step earlier it should still be above it.
    """
    with np.errstate(all="ignore"):
        return bool(rate**result <= fraction < rate ** (result - 1))


# --- norm_bound -----------------------------------------------------------------------------


def norm_bound(U: Array, slope: float, steps: int) -> float:
    """Bound the gradient of h[t] = phi(U h[t - 1] + W x[t] + b) over some steps.

    phi acts on each unit alone, and its derivative is at most slope in absolute value.
    U has shape (H, H); steps is a whole number d, at least 1. The Jacobian of h[t + d]
    by h[t] is a product of d matrices; bound its norm (its largest singular value) by
    the product of the best bounds on theirs. For each of them use U and slope only: the
    states are not known. Return a number.
    """
    return float(slope * np.linalg.norm(U, 2)) ** steps


def _bound_by_svd(U: Array, slope: float, steps: int) -> Any:
    return np.prod(np.full(steps, slope * np.linalg.svd(U, compute_uv=False)[0]))


def _bound_looped(U: Array, slope: float, steps: int) -> float:
    bound = 1.0
    for _ in range(steps):
        bound *= slope * float(np.sqrt(np.linalg.eigvalsh(U.T @ U).max()))
    return bound


def _bound_torch(U: Array, slope: float, steps: int) -> Any:
    import torch

    return (slope * torch.linalg.matrix_norm(torch.from_numpy(U), ord=2)) ** steps


def _radius(U: Array) -> float:
    return float(np.abs(np.linalg.eigvals(U)).max())


def _bound_by_spectral_radius(U: Array, slope: float, steps: int) -> float:
    """This uses the spectral radius, the largest absolute eigenvalue. That is no bound.

    A matrix can stretch a vector by more than its eigenvalues say: by its largest singular value,
    `np.linalg.norm(U, 2)`. The spectral radius rules the powers of one matrix in the long run: a
    linear network, and not its first steps.
    """
    return (slope * _radius(U)) ** steps


def _slope_forgotten(U: Array, slope: float, steps: int) -> float:
    """The slope is missing: each step goes through the derivative of phi, too.

    A step's Jacobian is diag(phi') U, and its norm is at most `slope` times that of U.
    """
    return norm_bound(U, 1.0, steps)


def _slope_once(U: Array, slope: float, steps: int) -> float:
    """The slope is counted once. It comes in at every step.

    Each of the `steps` factors is at most `slope` times the largest singular value.
    """
    return slope * norm_bound(U, 1.0, steps)


def _norm_once(U: Array, slope: float, steps: int) -> float:
    """The norm of U is counted once. It comes in at every step, as the slope does."""
    return norm_bound(U, 1.0, 1) * slope**steps


def _slope_divides(U: Array, slope: float, steps: int) -> float:
    """Here the slope divides. A flat phi makes a gradient smaller: multiply by it.

    1 / slope is the size that the largest singular value must stay below for the gradient to
    vanish.
    """
    return norm_bound(U, 1 / slope, steps)


def _bound_one_step_only(U: Array, slope: float, steps: int) -> float:
    """This bounds one step. Over `steps` of them the bounds multiply.

    The norm of a product is at most the product of the norms.
    """
    return norm_bound(U, slope, 1)


def _bound_one_step_short(U: Array, slope: float, steps: int) -> float:
    """The exponent is one too small.

    From h[t] to h[t + d] there are d steps, each with its own Jacobian: try d = 1.
    """
    return norm_bound(U, slope, steps - 1)


def _bound_one_step_long(U: Array, slope: float, steps: int) -> float:
    """The exponent is one too large.

    From h[t] to h[t + d] there are d steps, each with its own Jacobian: try d = 1.
    """
    return norm_bound(U, slope, steps + 1)


def _bounds_added(U: Array, slope: float, steps: int) -> float:
    """The bounds of the steps are added. The Jacobians multiply, and so do their bounds."""
    return steps * norm_bound(U, slope, 1)


def _frobenius(U: Array, slope: float, steps: int) -> float:
    """This is a bound, but not the best: it uses the Frobenius norm, the root of all squares.

    `np.linalg.norm(U)` of a matrix is that one. The largest factor by which U can stretch a vector
    is its largest singular value: `np.linalg.norm(U, 2)`.
    """
    return float(slope * np.linalg.norm(U)) ** steps


def _largest_entry_bounds(U: Array, slope: float, steps: int) -> float:
    """This uses the largest entry of U. Many small entries together can stretch a vector more.

    The largest factor by which U can stretch a vector is its largest singular value,
    `np.linalg.norm(U, 2)`.
    """
    return float(slope * np.abs(U).max()) ** steps


def _squared_singular_value(U: Array, slope: float, steps: int) -> float:
    """The root is missing: the eigenvalues of `U.T @ U` are the squares of the singular values."""
    return float(slope * np.linalg.norm(U, 2) ** 2) ** steps


def _smallest_singular_value(U: Array, slope: float, steps: int) -> float:
    """This uses the smallest singular value. A bound needs the largest.

    By the smallest, U stretches a vector at least. `np.linalg.svd` returns the largest first.
    """
    return float(slope * np.linalg.norm(U, -2)) ** steps


def _power_before_norm(U: Array, slope: float, steps: int) -> float:
    """This is the norm of the power, and it holds for a straight line phi only.

    Between two factors U stands a diagonal matrix of slopes, another one at each step. It can undo
    the cancellation that makes the norm of U ** d small. Take the norm first, then the power.
    """
    power = np.linalg.matrix_power(slope * U, steps)
    return float(np.linalg.norm(power, 2))


def _no_less_than_for_a_straight_line(result: Any, U: Array, slope: float, steps: int) -> bool:
    """Your bound is broken by the straight line phi(a) = slope * a: its gradient is longer."""
    return bool(result >= _power_before_norm(U, slope, steps) * (1 - 1e-5))


# --- jacobian_product -----------------------------------------------------------------------


def jacobian_product(states: Array, U: Array) -> Array:
    """Return the Jacobian of the last state of a tanh network by its first.

    The network is h[t] = tanh(U h[t - 1] + W x[t] + b), U of shape (H, H). states has
    shape (T + 1, H) and holds h[0], h[1], ..., h[T], with T at least 1. Return an array
    of shape (H, H): row i, column j is the derivative of h[T][i] by h[0][j].
    """
    product = np.eye(len(U))
    for h in states[1:]:
        product = (1 - h**2)[:, None] * U @ product
    return product


def _jacobian_multi_dot(states: Array, U: Array) -> Any:
    factors = [np.diag(1 - h**2) @ U for h in states[:0:-1]]
    return np.linalg.multi_dot(factors) if len(factors) > 1 else factors[0]


def _jacobian_row_by_row(states: Array, U: Array) -> Array:
    """Backwards, as backpropagation does: each row of the result is one gradient."""
    rows = np.eye(len(U))
    for h in states[:0:-1]:
        rows = rows * (1 - h**2) @ U
    return rows


def _jacobian_torch(states: Array, U: Array) -> Any:
    import torch

    h = torch.from_numpy(states)
    # The inputs are what they must have been for these states to follow one another.
    inputs = h[1:].atanh() - h[:-1] @ torch.from_numpy(U).T

    def last(state: torch.Tensor) -> torch.Tensor:
        for drive in inputs:
            state = torch.tanh(torch.from_numpy(U) @ state + drive)
        return state

    return torch.func.jacrev(last)(h[0])


def _times(factors: Iterable[Array]) -> Array:
    """Multiply matrices, each from the left of the ones before it."""
    return reduce(lambda product, factor: factor @ product, factors)


def _jacobians(states: Array, U: Array) -> list[Array]:
    return [np.diag(1 - h**2) @ U for h in states[1:]]


def _order_reversed(states: Array, U: Array) -> Array:
    """The factors stand in the wrong order: the first step's Jacobian belongs on the right.

    The product acts on a small change of h[0]. The first step meets it first, so each later
    Jacobian is multiplied from the left: `product = J @ product`.
    """
    return _times(_jacobians(states, U)[::-1])


def _transposed(states: Array, U: Array) -> Array:
    """This is the transpose of what is asked for: rows and columns are exchanged.

    It is the matrix by which an error column is carried back. Here row i belongs to component i of
    the last state, column j to component j of the first.
    """
    return jacobian_product(states, U).T


def _slopes_on_the_right(states: Array, U: Array) -> Array:
    """The slopes stand on the wrong side of U: they scale its columns instead of its rows.

    tanh comes last, so the slope of unit i multiplies row i: `diag(1 - h**2) @ U`. In NumPy,
    `(1 - h**2) * U` scales columns; `(1 - h**2)[:, None] * U` scales rows.
    """
    return _times(U * (1 - h**2) for h in states[1:])


def _U_transposed(states: Array, U: Array) -> Array:  # noqa: N802
    """U is transposed. The derivative of U h by h is U itself: entry [i, j] leads from j to i."""
    return jacobian_product(states, U.T)


def _begins_with_h0(states: Array, U: Array) -> Array:
    """There is one factor too many: h[0] has a Jacobian here, though no step led to it.

    From h[0] to h[T] there are T steps. Step t has the slopes of its own result, h[t], so only
    `states[1:]` are needed.
    """
    return _times(np.diag(1 - h**2) @ U for h in states)


def _last_step_missing(states: Array, U: Array) -> Array:
    """The last step is missing: the product ends at h[T - 1].

    From h[0] to h[T] there are T steps, with the slopes at h[1], ..., h[T].
    """
    return _times([np.eye(len(U)), *_jacobians(states, U)[:-1]])


def _first_step_missing(states: Array, U: Array) -> Array:
    """The first step is missing: this is the Jacobian by h[1].

    From h[0] to h[T] there are T steps, with the slopes at h[1], ..., h[T].
    """
    return _times([np.eye(len(U)), *_jacobians(states, U)[1:]])


def _slopes_of_the_state_before(states: Array, U: Array) -> Array:
    """The slopes are those of the state before: of h[t - 1], where the step's result is h[t].

    h[t] = tanh(a) has the slope 1 - tanh(a)**2 = 1 - h[t]**2. Use `states[1:]`.
    """
    return jacobian_product(np.vstack([states[:1], states[:-1]]), U)


def _slope_of_tanh_taken_at_h(states: Array, U: Array) -> Array:
    """The slope is taken at h, as if h were the pre-activation: tanh was applied once more.

    The states are results of tanh already: `1 - tanh(a)**2` is simply `1 - h**2`.
    """
    return jacobian_product(np.tanh(states), U)


def _slope_without_square(states: Array, U: Array) -> Array:
    """The square is missing: the slope of tanh is 1 - h**2, not 1 - h."""
    return _times(np.diag(1 - h) @ U for h in states[1:])


def _slope_of_the_logistic(states: Array, U: Array) -> Array:
    """The slope h (1 - h) is that of the logistic function. That of tanh is 1 - h**2."""
    return _times(np.diag(h * (1 - h)) @ U for h in states[1:])


def _no_slopes(states: Array, U: Array) -> Array:
    """The slopes are missing: this is a power of U, the Jacobian of a linear network.

    A step's Jacobian is `diag(1 - h[t]**2) @ U`.
    """
    return np.linalg.matrix_power(U, len(states) - 1)


def _entry_by_entry(states: Array, U: Array) -> Array:
    """The Jacobians are multiplied entry by entry. A chain of steps is a matrix product: `@`.

    The way from j to i leads through every unit in between, and all these ways are added up.
    """
    product: Array = np.prod(_jacobians(states, U), axis=0)
    return product


def _entry_by_entry_from_the_identity(states: Array, U: Array) -> Array:
    """The Jacobians are multiplied entry by entry, so the zeros of the identity stay zero.

    A chain of steps is a matrix product: `@` in place of `*`.
    """
    product: Array = np.prod([np.eye(len(U)), *_jacobians(states, U)], axis=0)
    return product


def _jacobians_added(states: Array, U: Array) -> Array:
    """The Jacobians are added. Along a chain of steps they are multiplied.

    Sums over time come in when the *weights* are differentiated, for they are used at every step.
    """
    total: Array = np.sum(_jacobians(states, U), axis=0)
    return total


def _no_longer_than_its_factors(result: Array, states: Array, U: Array) -> bool:
    """Your matrix stretches more than `np.linalg.norm(U, 2) ** T`. No product of T factors can.

    The slopes of tanh are at most 1.
    """
    if not np.all(np.isfinite(result)):
        return False
    bound = norm_bound(U, 1.0, len(states) - 1)
    return bool(np.linalg.norm(result, 2) <= bound * (1 + 1e-5))


# --- clip_by_norm ---------------------------------------------------------------------------


def clip_by_norm(dW: Array, dU: Array, threshold: float) -> Pair:
    """Shorten the gradient if it is longer than the threshold; keep its direction.

    The gradient is dW, of shape (H, I), and dU, of shape (H, H), together: its norm is
    the square root of the sum of all squared entries of both. threshold is positive.
    Return a tuple of two arrays, (dW, dU): if the norm is larger than threshold, both
    scaled by one factor, so that their norm is threshold; if not, with the entries they
    had. Do not change the arrays that you are given.
    """
    norm = np.sqrt((dW**2).sum() + (dU**2).sum())
    scale = threshold / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


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


def _clipped(norm: Any, dW: Array, dU: Array, threshold: float) -> Pair:
    """Clip as is right, but by another idea of the norm."""
    scale = threshold / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


def _each_element_clipped(dW: Array, dU: Array, threshold: float) -> Pair:
    """Each element is clipped by itself. That turns the gradient to another direction.

    Large elements are cut and small ones are not. Multiply all by one factor, threshold / norm.
    (`torch.nn.utils.clip_grad_value_` is what you wrote, `clip_grad_norm_` what is asked for.)
    """
    return np.clip(dW, -threshold, threshold), np.clip(dU, -threshold, threshold)


def _one_norm_each(dW: Array, dU: Array, threshold: float) -> Pair:
    """Each array is clipped by its own norm, dW and dU separately.

    Then a long one is shortened and the other is not, so the gradient turns; and together they may
    still be longer than the threshold. There is one norm, over all entries of both.
    """
    zero = np.zeros(1)
    return _clipped(_norm(dW), dW, zero, threshold)[0], _clipped(_norm(dU), dU, zero, threshold)[0]


def _norms_added(dW: Array, dU: Array, threshold: float) -> Pair:
    """The norms of dW and dU are added. It is their squares that add up.

    Norms 3 and 4 make 5, as the sides of a right angle do: take the root after the sum.
    """
    return _clipped(_norm(dW) + _norm(dU), dW, dU, threshold)


def _larger_norm(dW: Array, dU: Array, threshold: float) -> Pair:
    """The norm is that of the longer of the two arrays. The other adds to the length, too.

    Sum all squared entries of both, then take the root.
    """
    return _clipped(max(_norm(dW), _norm(dU)), dW, dU, threshold)


def _norm_of_dW_only(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """The norm is that of dW alone. dU is part of the gradient: its squares belong in the sum."""
    return _clipped(_norm(dW), dW, dU, threshold)


def _norm_of_dU_only(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """The norm is that of dU alone. dW is part of the gradient: its squares belong in the sum."""
    return _clipped(_norm(dU), dW, dU, threshold)


def _root_forgotten(dW: Array, dU: Array, threshold: float) -> Pair:
    """The root is missing: this compares the squared norm with the threshold and divides by it.

    The gradient comes out far too short. Take `np.sqrt` of the sum of squares.
    """
    return _clipped(_norm(dW, dU) ** 2, dW, dU, threshold)


def _largest_element(dW: Array, dU: Array, threshold: float) -> Pair:
    """The norm is taken to be the largest element. That keeps the direction; the length is wrong.

    The norm is the square root of the sum of all squared entries.
    """
    return _clipped(max(np.abs(dW).max(), np.abs(dU).max()), dW, dU, threshold)


def _absolute_values_added(dW: Array, dU: Array, threshold: float) -> Pair:
    """The norm is taken to be the sum of the absolute values. Square, add, and take the root."""
    return _clipped(np.abs(dW).sum() + np.abs(dU).sum(), dW, dU, threshold)


def _singular_values(dW: Array, dU: Array, threshold: float) -> Pair:
    """The norm of each array is its largest singular value: `np.linalg.norm(dU, 2)` of a matrix.

    A gradient is one long vector, however its entries are arranged. Leave the 2 away, or sum the
    squared entries.
    """
    both = np.array([np.linalg.norm(dW, 2), np.linalg.norm(dU, 2)])
    return _clipped(_norm(both), dW, dU, threshold)


def _singular_value_of_both(dW: Array, dU: Array, threshold: float) -> Pair:
    """This is the largest singular value of dW and dU side by side, `np.linalg.norm(..., 2)`.

    Of a matrix, 2 asks for that. Asked for is the root of the sum of all squares: leave the 2 out,
    or make one long vector first.
    """
    both = np.hstack([dW, dU])
    return _clipped(np.linalg.norm(both, 2), dW, dU, threshold)


def _one_norm_of_the_sum(dW: Array, dU: Array, threshold: float) -> Pair:
    """This is the norm of dW + dU. The two are not added: their entries stand side by side.

    It runs only where shapes happen to broadcast. Square all entries of both, then add.
    """
    return _clipped(_norm(dW + dU), dW, dU, threshold)


def _mean_square(dW: Array, dU: Array, threshold: float) -> Pair:
    """The squares are averaged. The norm is the root of their sum.

    With a mean, the step that is allowed would grow with the number of weights.
    """
    norm = _norm(dW, dU) / np.sqrt(dW.size + dU.size)
    return _clipped(norm, dW, dU, threshold)


def _cut_to_length_one(dW: Array, dU: Array, threshold: float) -> Pair:
    """A long gradient gets norm 1, whatever the threshold. Multiply by threshold / norm."""
    norm = _norm(dW, dU)
    scale = 1 / norm if norm > threshold else 1.0
    return scale * dW, scale * dU


def _times_the_threshold(dW: Array, dU: Array, threshold: float) -> Pair:
    """A long gradient is multiplied by the threshold, and never divided by its norm.

    Dividing by the norm gives length 1, and multiplying that by the threshold the right length.
    """
    scale = threshold if _norm(dW, dU) > threshold else 1.0
    return scale * dW, scale * dU


def _scale_upside_down(dW: Array, dU: Array, threshold: float) -> Pair:
    """The factor is upside down: norm / threshold makes a long gradient longer still.

    A gradient that is too long needs a factor below 1: threshold / norm.
    """
    scale = max(1.0, _norm(dW, dU) / threshold)
    return scale * dW, scale * dU


def _wrong_way_round(dW: Array, dU: Array, threshold: float) -> Pair:
    """The comparison is the wrong way round: short gradients are scaled, long ones stay long.

    Clip where the norm is *larger* than the threshold.
    """
    norm = _norm(dW, dU)
    scale = threshold / norm if norm < threshold else 1.0
    return scale * dW, scale * dU


def _larger_factor(dW: Array, dU: Array, threshold: float) -> Pair:
    """`max(1, threshold / norm)` leaves long gradients long and stretches the short ones.

    Clipping never makes a gradient longer: the factor is at most 1, which is `min`.
    """
    with np.errstate(all="ignore"):
        scale = max(np.float64(1), threshold / np.float64(_norm(dW, dU)))
    return scale * dW, scale * dU


def _long_ones_dropped(dW: Array, dU: Array, threshold: float) -> Pair:
    """A long gradient is dropped altogether. Its direction is worth keeping: shorten it."""
    scale = 0.0 if _norm(dW, dU) > threshold else 1.0
    return scale * dW, scale * dU


def _dU_left_as_it_is(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """Only dW is scaled. The gradient is both together: scale dU by the same factor."""
    return clip_by_norm(dW, dU, threshold)[0], dU


def _written_into_the_gradients(dW: Array, dU: Array, threshold: float) -> Pair:
    """The scaling is written into the caller's own arrays.

    `dW *= scale` changes the array that was handed in; `dW = dW * scale` makes a new one. (torch's
    `clip_grad_norm_` does write in place. It says so: that is what its last underscore means.)
    """
    norm = _norm(dW, dU)
    scale = threshold / norm if norm > threshold else 1.0
    dW *= scale
    dU *= scale
    return dW, dU


def _short_gradients_stay(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """This gradient is no longer than the threshold, so it should come back as it is.

    Clipping only shortens. To give every gradient the same length is something else: it takes
    long steps even where the loss is flat.
    """
    if _norm(dW, dU) > threshold:
        return True
    return bool(np.allclose(result[0], dW) and np.allclose(result[1], dU))


def _direction_is_kept(result: Pair, dW: Array, dU: Array, threshold: float) -> bool:
    """The gradient should keep its direction. Yours turns.

    All entries of both arrays are scaled by the same factor.
    """
    was, now = (np.concatenate([dW.ravel(), dU.ravel()]) for dW, dU in ((dW, dU), result))
    with np.errstate(all="ignore"):
        return bool(np.isclose(was @ now, np.linalg.norm(was) * np.linalg.norm(now)))


# --- rescale_radius -------------------------------------------------------------------------


def rescale_radius(U: Array, radius: float) -> Array:
    """Scale recurrent weights so that their spectral radius becomes radius.

    The spectral radius is the largest absolute value of an eigenvalue; eigenvalues may
    be complex. U has shape (H, H) and a spectral radius above 0; radius is positive.
    Return a new array of shape (H, H): U times one number.
    """
    present = float(np.abs(np.linalg.eigvals(U)).max())
    return U * (radius / present)


def _rescale_looped(U: Array, radius: float) -> Array:
    largest = 0.0
    for value in np.linalg.eigvals(U):
        largest = max(largest, (value.real**2 + value.imag**2) ** 0.5)
    return U / largest * radius


def _rescale_torch(U: Array, radius: float) -> Any:
    import torch

    weights = torch.from_numpy(U)
    return radius * weights / torch.linalg.eigvals(weights).abs().max()


def _rescaled(size: Any, U: Array, radius: float) -> Array:
    """Rescale as is right, but by another idea of the spectral radius."""
    scaled: Array = U * (radius / size)
    return scaled


def _by_largest_singular_value(U: Array, radius: float) -> Array:
    """This scales the largest singular value to `radius`. The spectral radius is smaller, or equal.

    The singular value says how far U can stretch a vector once; the eigenvalues, what its powers
    do in the end. They agree for symmetric and orthogonal matrices, not in general.
    """
    return _rescaled(np.linalg.norm(U, 2), U, radius)


def _by_largest_real_part(U: Array, radius: float) -> Array:
    """This uses the largest real part of an eigenvalue. What counts is the absolute value.

    Eigenvalues -3 and 2i have absolute values 3 and 2: take `np.abs` of the complex numbers.
    """
    return _rescaled(np.linalg.eigvals(U).real.max(), U, radius)


def _by_absolute_real_part(U: Array, radius: float) -> Array:
    """The imaginary parts are dropped before the absolute value is taken.

    2i has real part 0 and absolute value 2: take `np.abs` of the complex numbers themselves.
    """
    return _rescaled(np.abs(np.linalg.eigvals(U).real).max(), U, radius)


def _by_largest_complex_number(U: Array, radius: float) -> Array:
    """The absolute value is missing: eigenvalues are complex, and complex numbers have no order.

    `max` compares their real parts, and the result is complex. Take `np.abs` first, then `max`.
    """
    return _rescaled(np.linalg.eigvals(U).max(), U, radius)


def _by_first_eigenvalue(U: Array, radius: float) -> Array:
    """This takes the first eigenvalue in the list for the largest. They come in no order.

    Singular values are sorted, largest first; eigenvalues are not. Take the maximum.
    """
    return _rescaled(np.abs(np.linalg.eigvals(U)[0]), U, radius)


def _by_smallest_eigenvalue(U: Array, radius: float) -> Array:
    """This uses the smallest absolute eigenvalue. The spectral radius is the largest."""
    return _rescaled(np.abs(np.linalg.eigvals(U)).min(), U, radius)


def _by_symmetric_eigenvalues(U: Array, radius: float) -> Array:
    """`np.linalg.eigvalsh` is for symmetric matrices, and U is none.

    It reads one triangle of U only, without a word, and takes the other to be its mirror image.
    Use `np.linalg.eigvals`.
    """
    return _rescaled(np.abs(np.linalg.eigvalsh(U)).max(), U, radius)


def _by_trace(U: Array, radius: float) -> Array:
    """This uses the trace, which is the sum of all eigenvalues. Take the largest absolute value."""
    return _rescaled(np.trace(U), U, radius)


def _by_frobenius_norm(U: Array, radius: float) -> Array:
    """This uses the Frobenius norm: `np.linalg.norm(U)`, the root of the sum of all squares.

    The spectral radius is the largest absolute eigenvalue: see `np.linalg.eigvals`.
    """
    return _rescaled(np.linalg.norm(U), U, radius)


def _by_largest_entry(U: Array, radius: float) -> Array:
    """This scales the largest entry of U to `radius`.

    The spectral radius is the largest absolute *eigenvalue*: see `np.linalg.eigvals`.
    """
    return _rescaled(np.abs(U).max(), U, radius)


def _by_radius_alone(U: Array, radius: float) -> Array:
    """U is multiplied by `radius`, whatever its spectral radius was.

    Divide by the spectral radius that it has, which makes it 1, and multiply by the new one.
    """
    return U * radius


def _to_radius_one(U: Array, radius: float) -> Array:
    """The spectral radius becomes 1, whatever `radius` says. Multiply by it, too."""
    return rescale_radius(U, 1.0)


def _ratio_inverted(U: Array, radius: float) -> Array:
    """The ratio is upside down: it should be the new radius over the old.

    With yours, a matrix whose radius is to be halved doubles it.
    """
    return U * (_radius(U) / radius)


def _eigenvalues_shifted(U: Array, radius: float) -> Array:
    """This shifts all eigenvalues by the same amount: something is added to the diagonal of U.

    Scaling multiplies: U times one number has eigenvalues times that number.
    """
    return U + (radius - _radius(U)) * np.eye(len(U))


def _has_the_radius(result: Array, U: Array, radius: float) -> bool:
    """The largest absolute eigenvalue of what you return should be `radius`. It is not."""
    return bool(np.all(np.isfinite(result)) and np.isclose(_radius(result), radius, rtol=1e-4))


# --- catches_bad_clip -----------------------------------------------------------------------


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
    dW = np.arange(6.0).reshape(3, 2)
    dU = np.diag(np.arange(3.0))
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
    dW, dU = np.array([[3.0], [4.0]]), np.array([[8.0, 0.0], [4.0, 8.0]])
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


def _looks_at_long_ones_only(clip_by_norm: Clip) -> None:
    """Your test clips long gradients only. Short ones have a rule of their own: they stay.

    Call it also with a threshold above the norm, and check that nothing changes.
    """
    _asserts(clip_by_norm, _plain_clip, thresholds=[_LONG])


def _looks_at_short_ones_only(clip_by_norm: Clip) -> None:
    """Your test never clips: its gradients are all shorter than their thresholds.

    Call it also with a threshold below the norm.
    """
    _asserts(clip_by_norm, _plain_clip, thresholds=[_SHORT])


def _looks_at_dW_only(clip_by_norm: Clip) -> None:  # noqa: N802
    """Your test looks at dW only, so what becomes of dU goes unseen. Check both."""
    _asserts(clip_by_norm, _plain_clip, [0])


def _looks_at_dU_only(clip_by_norm: Clip) -> None:  # noqa: N802
    """Your test looks at dU only, so what becomes of dW goes unseen. Check both."""
    _asserts(clip_by_norm, _plain_clip, [1])


def _measures_length_only(clip_by_norm: Clip) -> None:
    """Your test measures how long the gradient is afterwards, not where it points.

    Clipping keeps the direction. Compare the entries with what they should be.
    """
    for threshold in (_LONG, _SHORT):
        length = _norm(*clip_by_norm(_DW, _DU, threshold))
        assert np.isclose(length, min(threshold, _norm(_DW, _DU)))


def _measures_length_of_long_ones_only(clip_by_norm: Clip) -> None:
    """Your test measures how long a long gradient is afterwards, and no more.

    Clipping keeps the direction, and it leaves short gradients as they are. Compare the entries
    with what they should be, for a threshold below the norm and for one above it.
    """
    assert np.isclose(_norm(*clip_by_norm(_DW, _DU, _LONG)), _LONG)


def _asks_for_at_most_the_threshold(clip_by_norm: Clip) -> None:
    """Your test is content when the norm is at most the threshold. So it would be with zeros.

    A gradient that is cut too short, stretched or turned passes. Compare the entries with what
    they should be.
    """
    for threshold in (_LONG, _SHORT):
        assert _norm(*clip_by_norm(_DW, _DU, threshold)) <= threshold * (1 + 1e-6)


def _checks_direction_only(clip_by_norm: Clip) -> None:
    """Your test checks that the direction is kept, not how long the gradient is afterwards.

    Compare the entries with what they should be.
    """
    for threshold in (_LONG, _SHORT):
        assert _direction_is_kept(clip_by_norm(_DW, _DU, threshold), _DW, _DU, threshold)


def _threshold_of_one(clip_by_norm: Clip) -> None:
    """Your test clips to a threshold of 1 only, and there it does not show if it is forgotten.

    1 / norm and threshold / norm are the same. Choose another threshold.
    """
    _asserts(clip_by_norm, _plain_clip, thresholds=[1.0, _SHORT])
    _asserts(clip_by_norm, _plain_clip, gradient=(_DW / 50, _DU / 50), thresholds=[1.0])


def _gradients_of_rank_one(clip_by_norm: Clip) -> None:
    """Your gradients are too simple for one of the bugs.

    Each is a single row, column or number, or its rows are multiples of one another. Then the
    largest singular value equals the root of the sum of squares. Give dW or dU two rows that point
    in different directions.
    """
    gradient = np.array([[3.0], [4.0]]), np.array([[0.0, 12.0], [0.0, 0.0]])
    _asserts(clip_by_norm, _plain_clip, gradient=gradient)


def _entries_all_alike(clip_by_norm: Clip) -> None:
    """Your dW and dU are too much alike: same shape and same entries, such as `np.ones((2, 2))`.

    Some bugs then do no harm. Take arrays of different shapes and different entries.
    """
    gradient = np.full((2, 2), 4.0), np.full((2, 2), 4.0)
    _asserts(clip_by_norm, _plain_clip, gradient=gradient, thresholds=[4.0, 40.0])


def _wants_each_element_clipped(clip_by_norm: Clip) -> None:
    """Your test wants each element clipped by itself: it asks for the bug.

    Clipping by norm multiplies all entries by one factor. An element may be anything up to the
    threshold afterwards, and none is cut by itself.
    """
    _asserts(clip_by_norm, _clips_each_element)


def _wants_each_array_clipped(clip_by_norm: Clip) -> None:
    """Your test wants dW and dU clipped separately, each by its own norm: it asks for the bug.

    There is one norm, over all entries of both.
    """
    _asserts(clip_by_norm, _clips_each_array)


def _wants_the_threshold_always(clip_by_norm: Clip) -> None:
    """Your test wants every gradient to have the threshold's length, also a short one.

    A right implementation leaves a short gradient as it is: clipping only shortens.
    """
    _asserts(clip_by_norm, _stretches)


def _accepts_everything(clip_by_norm: Clip) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Compute what should come back and `assert` that it does.
    """
    clip_by_norm(_DW, _DU, _LONG)


def _exact_equality(clip_by_norm: Clip) -> None:
    """Your test is too exact: two right ways of computing a number differ in its last digits.

    In place of `==`, or of a tolerance near 0, use `np.allclose` as it is.
    """
    _asserts(clip_by_norm, _plain_clip, equal=np.array_equal)


def _too_exact(clip_by_norm: Clip) -> None:
    """Your test is too exact: it rejects what torch does, which adds 1e-6 to the norm.

    That changes the sixth digit or so. `np.testing.assert_allclose` wants seven right digits
    unless it is told otherwise; use `np.allclose`, or pass `rtol=1e-5`.
    """
    _asserts(clip_by_norm, _plain_clip, equal=_equal_to_seven_digits)


def _equal_to_seven_digits(one: Array, other: Array) -> bool:
    return np.allclose(one, other, rtol=1e-7, atol=0)


def _length(*arrays: Array) -> Any:
    """The joint norm of arrays, as a NumPy number: by 0 it divides without an error."""
    if not all(isinstance(each, np.ndarray) for each in arrays):
        raise TypeError("dW and dU must be arrays, such as np.array([[3.0, 4.0]])")
    return np.float64(_norm(*arrays))


def _plain_clip(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / norm if the norm is larger than the threshold."""
    return _clipped(_length(dW, dU), dW, dU, threshold)


def _clip_by_logarithms(dW: Array, dU: Array, threshold: float) -> Pair:
    """Finds threshold / norm by logarithms, which is the same up to rounding."""
    scale = min(1.0, np.exp(np.log(threshold) - np.log(_length(dW, dU))))
    return scale * dW, scale * dU


def _clip_like_torch(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / (norm + 1e-6), as torch does, if that is below 1."""
    scale = min(1.0, threshold / (_length(dW, dU) + 1e-6))
    return scale * dW, scale * dU


def _clips_each_element(dW: Array, dU: Array, threshold: float) -> Pair:
    """Clips each element by itself to at most the threshold."""
    _length(dW, dU)
    return _each_element_clipped(dW, dU, threshold)


def _clips_each_array(dW: Array, dU: Array, threshold: float) -> Pair:
    """Clips dW by its own norm, and dU by its own."""
    _length(dW, dU)
    return _one_norm_each(dW, dU, threshold)


def _stretches(dW: Array, dU: Array, threshold: float) -> Pair:
    """Multiplies by threshold / norm always, so that short gradients grow."""
    scale = threshold / _length(dW, dU)
    return scale * dW, scale * dU


def _takes_no_root(dW: Array, dU: Array, threshold: float) -> Pair:
    """Takes the sum of squares for the norm, without its root."""
    return _clipped(_length(dW, dU) ** 2, dW, dU, threshold)


def _adds_norms(dW: Array, dU: Array, threshold: float) -> Pair:
    """Adds the norm of dW to the norm of dU, in place of their squares."""
    return _clipped(_length(dW) + _length(dU), dW, dU, threshold)


def _overlooks_dU(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """Scales both arrays by the norm of dW alone."""
    return _clipped(_length(dW), dW, dU, threshold)


def _scales_dW_only(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """Finds the right norm, and scales dW only."""
    return _plain_clip(dW, dU, threshold)[0], dU


def _scales_dU_only(dW: Array, dU: Array, threshold: float) -> Pair:  # noqa: N802
    """Finds the right norm, and scales dU only."""
    return dW, _plain_clip(dW, dU, threshold)[1]


def _cuts_to_one(dW: Array, dU: Array, threshold: float) -> Pair:
    """Divides a long gradient by its norm and forgets the threshold: its length becomes 1."""
    _length(dW, dU)
    return _cut_to_length_one(dW, dU, threshold)


def _takes_singular_values(dW: Array, dU: Array, threshold: float) -> Pair:
    """Takes np.linalg.norm(..., 2), which of a matrix is the largest singular value."""
    _length(dW, dU)
    return _singular_values(dW, dU, threshold)


def _gives_equal_shares(dW: Array, dU: Array, threshold: float) -> Pair:
    """Gives dW and dU of a long gradient the same length: the joint norm is right, but it turns."""
    if _length(dW, dU) <= threshold:
        return dW, dU
    share = threshold / np.sqrt(2)
    return share / _length(dW) * dW, share / _length(dU) * dU


# --- power_norms: the open exercise ---------------------------------------------------------


def power_norms(U: Array, steps: int) -> Array:
    """Return the largest singular values of U, U @ U, ..., U to the power of steps."""
    power, norms = np.eye(len(U)), []
    for _ in range(steps):
        power = U @ power
        norms.append(np.linalg.norm(power, 2))
    return np.array(norms)


def chain(units: int, keep: float, hand_on: float) -> Array:
    """Weights of a chain: each unit keeps a share of itself and hands one on to the next."""
    return keep * np.eye(units) + hand_on * np.eye(units, k=-1)


_EITHER_ORDER = "whichever of two close arrays comes first, they are close"
_ANY_GRADIENT = "the test may choose its gradient"
_EITHER_FIRST = "the smaller of two numbers is the same, whichever is named first"
_ANY_PAIR = "any two thresholds will do, if one is below the norm and one above"
_AT_THE_THRESHOLD = "where the norm equals the threshold, the factor is 1 either way"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "gradients.steps_to_vanish",
        steps_to_vanish,
        cases=[(0.7, 0.001), (0.9, 0.001), (0.99, 0.001), (0.5, 0.3), (0.3, 0.9)],
        mistakes=[
            _steps_unrounded,
            _steps_rounded_down,
            _steps_rounded_to_nearest,
            _one_step_too_many,
            _subtracts,
            _ratio_upside_down,
            _lost_for_kept,
            _fraction_lost,
            _time_constant,
            _logarithm_of_rate_forgotten,
            _two_bases,
        ],
        alternatives=[_steps_counted, _steps_looked_up, _steps_looped, _steps_torch],
        properties=[_first_step_that_is_far_enough],
    ),
    Exercise(
        "gradients.norm_bound",
        norm_bound,
        cases=[
            (np.array([[1.0, 4.0], [0.0, -2.0]]), 0.25, 3),
            (_random(3, 3), 1.0, 5),
            (_random(4, 4, scale=0.5), 0.5, 1),
            (np.array([[-3.0]]), 0.25, 8),
            (np.array([[2.0, 2.0], [-2.0, -2.0]]), 1.0, 2),  # its square is 0
        ],
        mistakes=[
            _bound_by_spectral_radius,
            _slope_forgotten,
            _slope_once,
            _norm_once,
            _slope_divides,
            _bound_one_step_only,
            _bound_one_step_short,
            _bound_one_step_long,
            _bounds_added,
            _frobenius,
            _largest_entry_bounds,
            _squared_singular_value,
            _smallest_singular_value,
            _power_before_norm,
        ],
        alternatives=[_bound_by_svd, _bound_looped, _bound_torch],
        properties=[_no_less_than_for_a_straight_line],
    ),
    Exercise(
        "gradients.jacobian_product",
        jacobian_product,
        cases=[
            (
                np.array([[0.5, -0.4], [0.0, 0.6], [0.8, -0.2], [-0.5, 0.9]]),
                np.array([[1.0, -2.0], [0.5, 1.5]]),
            ),
            (np.tanh(_random(7, 3)), _random(3, 3)),
            (np.tanh(_random(2, 4)), _random(4, 4)),
            (np.tanh(_random(5, 1)), _random(1, 1)),
        ],
        mistakes=[
            _order_reversed,
            _transposed,
            _slopes_on_the_right,
            _U_transposed,
            _begins_with_h0,
            _last_step_missing,
            _first_step_missing,
            _slopes_of_the_state_before,
            _slope_of_tanh_taken_at_h,
            _slope_without_square,
            _slope_of_the_logistic,
            _no_slopes,
            _entry_by_entry,
            _entry_by_entry_from_the_identity,
            _jacobians_added,
        ],
        alternatives=[_jacobian_multi_dot, _jacobian_row_by_row, _jacobian_torch],
        properties=[_no_longer_than_its_factors],
    ),
    Exercise(
        "gradients.clip_by_norm",
        clip_by_norm,
        cases=[
            (np.array([[3.0], [4.0]]), np.array([[8.0, 0.0], [4.0, 8.0]]), 6.5),
            (np.array([[3.0], [4.0]]), np.array([[8.0, 0.0], [4.0, 8.0]]), 26.0),
            (np.array([[3.0, 0.0]]), np.array([[4.0]]), 4.5),
            (np.zeros((2, 1)), np.zeros((2, 2)), 1.0),
            (_random(3, 2, scale=10), _random(3, 3), 1.0),
        ],
        mistakes=[
            _each_element_clipped,
            _one_norm_each,
            _norms_added,
            _larger_norm,
            _norm_of_dW_only,
            _norm_of_dU_only,
            _root_forgotten,
            _largest_element,
            _absolute_values_added,
            _singular_values,
            _singular_value_of_both,
            _one_norm_of_the_sum,
            _mean_square,
            _cut_to_length_one,
            _times_the_threshold,
            _scale_upside_down,
            _wrong_way_round,
            _larger_factor,
            _long_ones_dropped,
            _dU_left_as_it_is,
            _written_into_the_gradients,
        ],
        alternatives=[_clip_joined, _clip_looped, _clip_torch],
        properties=[_short_gradients_stay, _direction_is_kept],
        parts=("dW", "dU"),
        equivalent={
            "scale = threshold / norm if norm > threshold else 1.0"
            " -> scale = threshold / norm if norm >= threshold else 1.0": _AT_THE_THRESHOLD,
        },
    ),
    Exercise(
        "gradients.rescale_radius",
        rescale_radius,
        cases=[
            (np.array([[1.0, 2.0, 0.0], [0.0, 3.0, -4.0], [0.0, 4.0, 3.0]]), 0.5),
            (np.array([[-3.0, 1.0], [0.0, 1.0]]), 1.5),
            (_random(5, 5), 0.95),
            (np.array([[-2.0]]), 1.1),
        ],
        mistakes=[
            _by_largest_singular_value,
            _by_largest_real_part,
            _by_absolute_real_part,
            _by_largest_complex_number,
            _by_first_eigenvalue,
            _by_smallest_eigenvalue,
            _by_symmetric_eigenvalues,
            _by_trace,
            _by_frobenius_norm,
            _by_largest_entry,
            _by_radius_alone,
            _to_radius_one,
            _ratio_inverted,
            _eigenvalues_shifted,
        ],
        alternatives=[_rescale_looped, _rescale_torch],
        properties=[_has_the_radius],
    ),
    bug_hunt(
        "gradients.catches_bad_clip",
        catches_bad_clip,
        right=[_plain_clip, _clip_by_logarithms, _clip_like_torch],
        buggy=[
            _clips_each_element,
            _clips_each_array,
            _stretches,
            _takes_no_root,
            _adds_norms,
            _overlooks_dU,
            _scales_dW_only,
            _scales_dU_only,
            _cuts_to_one,
            _takes_singular_values,
            _gives_equal_shares,
        ],
        mistakes=[
            _looks_at_long_ones_only,
            _looks_at_short_ones_only,
            _looks_at_dW_only,
            _looks_at_dU_only,
            _measures_length_only,
            _measures_length_of_long_ones_only,
            _asks_for_at_most_the_threshold,
            _checks_direction_only,
            _threshold_of_one,
            _gradients_of_rank_one,
            _entries_all_alike,
            _wants_each_element_clipped,
            _wants_each_array_clipped,
            _wants_the_threshold_always,
            _accepts_everything,
            _exact_equality,
            _too_exact,
        ],
        alternatives=[
            _catches_bad_clip_by_angle,
            _catches_bad_clip_by_hand,
            _catches_bad_clip_torch,
        ],
        equivalent={
            "dW = np.arange(6.0).reshape(3, 2) -> dW = np.arange(6.0).reshape(2, 3)": _ANY_GRADIENT,
            "dU = np.diag(np.arange(3.0)) -> dU = np.diag(np.arange(4.0))": _ANY_GRADIENT,
            "dU = np.diag(np.arange(3.0)) -> dU = np.diag(np.arange(2.0))": _ANY_GRADIENT,
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
    ),
)
