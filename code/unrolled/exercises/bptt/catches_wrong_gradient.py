"""The exercise ``bptt.catches_wrong_gradient``."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises.bptt.backward import (
    backward,
    backward_at_once,
    not_carried,
    only_of,
    summed_of,
    sweep_of,
)
from unrolled.exercises.bptt.chunked_gradient import run
from unrolled.exercises.grading import Mistake, bug_hunt

Arrays = tuple[Array, ...]
LossAndGradient = Callable[[Array, Array, Array, Array], tuple[Any, Any, Any, Any]]

_rng = np.random.default_rng(0)


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


def _last_step_only(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Only the last step is in the derivatives of the weights: the sum over time is missing.

    The same W, U and b act in every step, and each step adds its part.
    """
    return only_of(slice(-1, None), dh, x, h, U)


def _assigned(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """Only the first step is in the derivatives of the weights: the sum over time is missing.

    This is what `=` does in place of `+=` when the sweep ends at step 1: each step overwrites what
    the steps after it have found. The same W, U and b act in every step, and each adds its part.
    """
    return only_of(slice(1), dh, x, h, U)


def _through_transpose(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """From step to step, U is the wrong way round.

    Forward, a batch of states is multiplied as `h @ U.T`. Backward, it is `da @ U`, which is
    U transposed times da, for each sequence. As U is square, the shapes do not tell.
    """
    da = sweep_of(dh, h, lambda _, da: da @ U.T)
    return *summed_of(da, x, h[:-1], U)[:3], da[0] @ U.T


def _slope_at_state_before(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The slope of tanh is taken at the state before, 1 - h_{t-1}**2. Step t returned h_t.

    The indices differ by one: x_t is `x[t - 1]`, but h_t is `h[t]`, because `h[0]` is the initial
    state.
    """
    da = sweep_of(dh, h, lambda _, da: da @ U, lambda before, after: 1 - before**2)
    return summed_of(da, x, h[:-1], U)


def _paired_with_own_state(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dU` pairs step t's da with h_t. In step t, U multiplies h_{t-1}.

    With h_t in `h[t]`, that is `h[t - 1]`.
    """
    return summed_of(sweep_of(dh, h, lambda _, da: da @ U), x, h[1:], U)


def _batch_mean(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """The derivatives of the weights are means over the batch. They should be sums.

    All sequences share the weights, and each adds its part. If the loss is a mean, dh has been
    divided by B already.
    """
    *gradients, dh0 = backward(dh, x, h, W, U)
    return *(each / x.shape[1] for each in gradients), dh0


def _recurrent_transposed(dh: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    """`dU` is transposed.

    U[i, j] leads from unit j of h_{t-1} to unit i of h_t, so its derivative is da[i] times unit j
    of h_{t-1}, with da first: `da.T @ h[t - 1]`. As U is square, the shapes do not tell.
    """
    dW, dU, db, dh0 = backward(dh, x, h, W, U)
    return dW, dU.T, db, dh0


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
    h = run(x, W, U, b)
    dW, dU, db, *_ = sweep(h[1:], x, h, W, U)
    return (h[1:] ** 2).sum() / 2, dW, dU, db


def _plain(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps once from the last step to the first, and sums over steps and sequences."""
    return _loss_and(backward, x, W, U, b)


def _sums_after_the_sweep(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps first, then sums over all steps at once: the same up to rounding."""
    return _loss_and(backward_at_once, x, W, U, b)


def _overwrites(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Writes = where += belongs, so that only the first step's part is left."""
    return _loss_and(_assigned, x, W, U, b)


def _carries_nothing_back(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Carries nothing back from a step to the step before it."""
    return _loss_and(not_carried, x, W, U, b)


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
    h = run(x, W, U, b)
    E, _, dU, db = _plain(x, W, U, b)
    return E, backward(h[1:], np.roll(x, 1, axis=0), h, W, U)[0], dU, db


def _bias_at_the_end(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Makes db from the last step alone; dW and dU are right."""
    return *_plain(x, W, U, b)[:3], _loss_and(_last_step_only, x, W, U, b)[3]


def _leaves_bias_rows(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Returns a row of db for each sequence, without the sum over the batch."""
    h = run(x, W, U, b)
    da = sweep_of(h[1:], h, lambda _, da: da @ U)
    return *_plain(x, W, U, b)[:3], da.sum(axis=0)


def _goes_three_steps_back(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Carries an error back through three steps at most, its own included."""
    h = run(x, W, U, b)
    slope = 1 - h[1:] ** 2
    part = h[1:] * slope
    da = part.copy()
    for lag in (1, 2):
        part = (part[1:] @ U) * slope[:-lag]
        da[: len(part)] += part
    return _plain(x, W, U, b)[0], *summed_of(da, x, h[:-1], U)[:3]


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


_ANY_NUMBERS = "the test may choose its sizes and numbers"


EXERCISE = bug_hunt(
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
    mistakes={
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Work out differences of E and `assert` that the derivatives agree with them.
            """,
            "loss_and_gradient(*_point())",
        ),
        "looks_at_shapes_only": Mistake(
            """Your test looks at the shapes. Only one of the bugs shows there.

            A wrong gradient has numbers of the right shape. Compare the numbers with
            differences of E.
            """,
            """
            _, *weights = point = _point()
            for derivative, weight in zip(loss_and_gradient(*point)[1:], weights, strict=True):
                assert np.shape(derivative) == weight.shape
            """,
        ),
        "wants_the_loss_to_fall": Mistake(
            """Your test asks whether the loss falls. It falls with most wrong gradients, too.

            Any step that leads downhill will do, and there are many. That is why these bugs
            live so long: the network trains. Compare each derivative with a difference of E.
            """,
            """
            x, *weights = _point()
            E, *gradient = loss_and_gradient(x, *weights)
            moved = [w - 1e-3 * derivative for w, derivative in zip(weights, gradient, strict=True)]
            assert loss_and_gradient(x, *moved)[0] < E
            """,
        ),
        "input_weights_only": Mistake(
            """Your test looks at `dW` only, and some bugs are in `dU` or `db` alone.

            Compare all three with differences.
            """,
            '_compare(loss_and_gradient, _point(), "W")',
        ),
        "recurrent_weights_only": Mistake(
            """Your test looks at `dU` only, and some bugs are in `dW` or `db` alone.

            Compare all three with differences.
            """,
            '_compare(loss_and_gradient, _point(), "U")',
        ),
        "bias_only": Mistake(
            """Your test looks at `db` only, and some bugs are in `dW` or `dU` alone.

            Compare all three with differences.
            """,
            '_compare(loss_and_gradient, _point(), "b")',
        ),
        "skips_input_weights": Mistake(
            """Your test does not see what is wrong with `dW` alone.

            Compare all three with differences, with inputs that differ from step to step.
            """,
            '_compare(loss_and_gradient, _point(), "Ub")',
        ),
        "skips_recurrent_weights": Mistake(
            """Your test does not see what is wrong with `dU` alone.

            Compare all three with differences.
            """,
            '_compare(loss_and_gradient, _point(), "Wb")',
        ),
        "skips_bias": Mistake(
            """Your test does not see what is wrong with `db` alone.

            Compare all three with differences.
            """,
            '_compare(loss_and_gradient, _point(), "WU")',
        ),
        "first_entries_only": Mistake(
            """Your test lets a transposed dU through, so it looks at its diagonal only.

            `dU[0, 0]` stays where it is when dU is transposed. Compare every entry:
            `np.ndindex(U.shape)` goes through their indices.
            """,
            "_compare(loss_and_gradient, _point(), first_entry=True)",
        ),
        "single_unit": Mistake(
            """Your test lets every transposed U through.

            Has your network one hidden unit only? A matrix with one entry is its own transpose.
            Take two units or more.
            """,
            "_compare(loss_and_gradient, _point(H=1))",
        ),
        "single_step": Mistake(
            """Your sequences have one step. What goes wrong *between* steps cannot show.

            With T = 1 there is no sum over time, nothing is carried back, and U multiplies
            zeros. Take five steps or more.
            """,
            "_compare(loss_and_gradient, _point(T=1))",
        ),
        "short_sequences": Mistake(
            """Your test lets a gradient through that goes three steps back and no further.

            Either your sequences have at most three steps, or your weights are so small, or
            your tolerance so large, that what comes from further back is lost. Take five steps
            or more, and weights of about 0.5 to 1.
            """,
            "_compare(loss_and_gradient, _point(T=3))",
        ),
        "single_sequence": Mistake(
            """Your test does not tell a sum over the batch from a mean.

            Has it one sequence only? With B = 1 they are the same. Take two sequences or more.
            """,
            "_compare(loss_and_gradient, _point(B=1))",
        ),
        "single_sequence_and_shapes": Mistake(
            """Your test does not tell a sum over the batch from a mean.

            Has it one sequence only? With B = 1 they are the same. Take two sequences or more.
            """,
            """
            point = _point(B=1)
            _compare(loss_and_gradient, point)
            assert np.shape(loss_and_gradient(*point)[3]) == point[3].shape
            """,
        ),
        "symmetric_weights": Mistake(
            """Your test does not see which way round U stands on the way back.

            Is your U symmetric? For `np.eye`, `np.ones` or a constant, U and its transpose are
            the same. Draw U at random.
            """,
            """
            x, W, U, b = _point()
            _compare(loss_and_gradient, [x, W, U + U.T, b])
            """,
        ),
        "zero_weights": Mistake(
            """Your test does not see that nothing is carried back.

            Is your U zero? Then nothing is carried, forward or back. Draw U at random, and not
            too small.
            """,
            """
            x, W, U, b = _point()
            _compare(loss_and_gradient, [x, W, 0 * U, b])
            """,
        ),
        "drowned_in_rounding": Mistake(
            """Your test rejects every implementation, even one whose loss is a plain sum of
            parameters.

            There all differences are 1, up to rounding. So either rounding drowns them, because
            the step is too small (1e-4 is a good one) or the comparison exact (use a
            tolerance). Or what the loss changes by is not divided by twice the step. Or the
            loss is not the E that comes back with the derivatives, but one of your own: mind
            the half, and take no mean.
            """,
            "_compare(loss_and_gradient, _point(), step=1e-14)",
        ),
        "one_sided": Mistake(
            """Your differences are not exact enough: your test rejects the right implementations
            as well.

            E(w + step) - E(w) is off by about half the step times the curvature of E. A step up
            and one down, E(w + step) - E(w - step) divided by twice the step, is off by its
            square only.
            """,
            "_compare(loss_and_gradient, _point(), one_sided=True, step=1e-3)",
        ),
        "far_from_the_point": Mistake(
            """Your test rejects every implementation of the network, though it judges a plain loss
            right.

            Either the step is too large for a curved loss (1e-4 is a good one), or a number
            that you moved was not put back, so that the differences are taken at another point
            than the derivatives.
            """,
            "_compare(loss_and_gradient, _point(), step=0.5)",
        ),
    },
)
