"""The exercise ``bptt.catches_wrong_gradient``."""

from __future__ import annotations

import numpy as np

from unrolled.exercises.bptt._losses import (
    BUGGY,
    LossAndGradient,
    compare,  # noqa: F401  (the mistakes call it, as they do what follows)
    pairs,  # noqa: F401
    plain,
    plain_sum,
    point,  # noqa: F401
    sum_of_squares,
    sums_after_the_sweep,
)
from unrolled.exercises.grading import Mistake, bug_hunt


def catches_wrong_gradient(loss_and_gradient: LossAndGradient) -> None:
    """Return if loss_and_gradient is right, else raise AssertionError.

    loss_and_gradient(x, W, U, b) returns (E, dW, dU, db). x is (T, B, I),
    W is (H, I), U is (H, H), b is (H,). E can be relied on.
    """
    rng = np.random.default_rng(0)
    x = rng.normal(size=[5, 4, 2])
    weights = [rng.normal(size=shape) for shape in ([3, 2], [3, 3], [3])]
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
    """Along a random direction in each parameter; it costs two losses."""
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


def _catches_sideways(loss_and_gradient: LossAndGradient) -> None:
    """By complex steps, with as many sequences and inputs as units."""
    rng = np.random.default_rng(4)
    x, *weights = (rng.normal(size=shape) for shape in ((6, 3, 3), (3, 3), (3, 3), (3,)))
    for k, derivative in enumerate(loss_and_gradient(x, *weights)[1:]):
        for index in np.ndindex(weights[k].shape):
            moved = [each.astype(complex) for each in weights]
            moved[k][index] += 1e-30j
            assert np.isclose(derivative[index], loss_and_gradient(x, *moved)[0].imag / 1e-30)


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


_ANY_NUMBERS = "the test may choose its sizes and numbers"

EXERCISE = bug_hunt(
    catches_wrong_gradient,
    right=[plain, sums_after_the_sweep],
    buggy=BUGGY,
    probes=[plain_sum, sum_of_squares],
    alternatives=[_catches_by_direction, _catches_in_place, _catches_sideways, _catches_torch],
    equivalent={
        "rng = np.random.default_rng(0) -> rng = np.random.default_rng(1)": _ANY_NUMBERS,
        "x = rng.normal(size=[5, 4, 2]) -> x = rng.normal(size=[6, 4, 2])": _ANY_NUMBERS,
        "x = rng.normal(size=[5, 4, 2]) -> x = rng.normal(size=[5, 5, 2])": _ANY_NUMBERS,
        "x = rng.normal(size=[5, 4, 2]) -> x = rng.normal(size=[5, 3, 2])": _ANY_NUMBERS,
        "assert abs(gradient[k][index] - slope) < 0.01"
        " -> assert abs(gradient[k][index] - slope) <= 0.01": "no gap is exactly 0.01",
    },
    mistakes={
        "accepts_everything": Mistake(
            """Your test compares nothing: no implementation, however wrong, makes it raise.

            Work out differences of E and `assert` that the derivatives agree with them.
            """,
            "loss_and_gradient(*point())",
        ),
        "looks_at_shapes_only": Mistake(
            """Your test looks at the shapes. Only one of the bugs shows there.

            A wrong gradient has numbers of the right shape. Compare the numbers with
            differences of E.
            """,
            """
            _, *weights = here = point()
            for derivative, weight in zip(loss_and_gradient(*here)[1:], weights, strict=True):
                assert np.shape(derivative) == weight.shape
            """,
        ),
        "wants_the_loss_to_fall": Mistake(
            """Your test asks whether the loss falls. It falls with most wrong gradients, too.

            Any step that leads downhill will do, and there are many. That is why these bugs
            live so long: the network trains. Compare each derivative with a difference of E.
            """,
            """
            x, *weights = point()
            E, *gradient = loss_and_gradient(x, *weights)
            moved = [w - 1e-3 * derivative for w, derivative in zip(weights, gradient, strict=True)]
            assert loss_and_gradient(x, *moved)[0] < E
            """,
        ),
        **{
            f"looks_at_{name}_only": Mistake(
                f"""Your test looks at `{name}` only, and some bugs are in the others alone.

                Compare all three with differences.
                """,
                f'compare(loss_and_gradient, point(), "{name[1]}")',
            )
            for name in ("dW", "dU", "db")
        },
        **{
            f"skips_{name}": Mistake(
                f"""Your test does not look at `{name}`, and some bugs are there alone.

                Compare all three with differences, at numbers drawn at random.
                """,
                f'compare(loss_and_gradient, point(), "{others}")',
            )
            for name, others in {"dW": "Ub", "dU": "Wb", "db": "WU"}.items()
        },
        "one_entry_each": Mistake(
            """Your test compares one number of dW, of dU and of db. Some bugs are elsewhere.

            Compare every entry: `np.ndindex(U.shape)` goes through their indices.
            """,
            *(
                f"""
                for got, want in pairs(loss_and_gradient):
                    assert np.isclose(got.flat[{entry}], want.flat[{entry}])
                """
                for entry in (0, 1, -1)
            ),
        ),
        "one_row_each": Mistake(
            """Your test compares one row of dW and of dU. Some bugs are in others.

            Compare every entry: `np.ndindex(U.shape)` goes through their indices.
            """,
            *(
                f"""
                for got, want in pairs(loss_and_gradient):
                    assert np.allclose(got[{row}], want[{row}])
                """
                for row in (0, -1)
            ),
        ),
        "part_of_recurrent": Mistake(
            """Your test compares a part of dU only. Some bugs are in another part of it.

            Compare every entry: `np.ndindex(U.shape)` goes through their indices.
            """,
            *(
                f"""
                for got, want in pairs(loss_and_gradient):
                    place = {place} if want.shape == (3, 3) else ...
                    assert np.allclose(got[place], want[place])
                """
                for place in (
                    "np.eye(3) > 0",
                    "(0, 1)",
                    "(1, 0)",
                    "(0, 2)",
                    "(2, 0)",
                    "(1, 2)",
                    "0",
                )
            ),
        ),
        "added_up": Mistake(
            """Your test compares what all derivatives make together: a sum, a norm, the largest. A
            derivative in the wrong place leaves that as it is.

            Compare number by number: each derivative belongs to one weight.
            """,
            *(
                f"""
                for got, want in pairs(loss_and_gradient):
                    assert np.allclose({all_of.format("got")}, {all_of.format("want")})
                """
                for all_of in ("{}.sum()", "{}.mean()", "np.linalg.norm({})", "np.sort({}, None)")
            ),
        ),
        "signs_ignored": Mistake(
            """Your test compares absolute values, so that a lost sign does not show.

            Take the absolute value of the difference: `abs(derivative - slope) < tolerance`.
            """,
            """
            for got, want in pairs(loss_and_gradient):
                assert np.allclose(abs(got), abs(want))
            """,
        ),
        "angle_only": Mistake(
            """Your test looks at an angle, or divides by norms: the length of the gradient does not
            count.

            A gradient twice as long is wrong, too. Compare the numbers themselves.
            """,
            """
            for got, want in pairs(loss_and_gradient):
                lengths = np.linalg.norm(got) * np.linalg.norm(want)
                assert np.isclose(np.vdot(got, want), lengths)
            """,
        ),
        "single_unit": Mistake(
            """Your network has one hidden unit only. A matrix with one entry is its own transpose.

            Take two units or more.
            """,
            "compare(loss_and_gradient, point(H=1))",
        ),
        "single_step": Mistake(
            """Your sequences have one step. What goes wrong *between* steps cannot show.

            With T = 1 there is no sum over time, nothing is carried back, and U multiplies
            zeros. Take five steps or more.
            """,
            "compare(loss_and_gradient, point(T=1))",
        ),
        "short_sequences": Mistake(
            """Your sequences have at most three steps; or your weights are so small, or your
            tolerance so large, that what comes from further back is lost.

            Take five steps or more, and weights of about 0.5 to 1.
            """,
            "compare(loss_and_gradient, point(T=3))",
            "compare(loss_and_gradient, point(T=2))",
        ),
        "single_sequence": Mistake(
            """Your batch has one sequence only. With B = 1 a mean over the batch is the sum.

            Take two sequences or more.
            """,
            "compare(loss_and_gradient, point(B=1))",
            """
            here = point(B=1)
            compare(loss_and_gradient, here)
            assert np.shape(loss_and_gradient(*here)[3]) == here[3].shape
            """,
        ),
        "same_sequences": Mistake(
            """Your sequences are all alike. Then it does not show when one stands for another.

            Draw the whole of x at random, of shape (T, B, I).
            """,
            """
            x, *weights = point()
            compare(loss_and_gradient, [x[:, [0, 0]], *weights])
            """,
        ),
        "same_inputs": Mistake(
            """Your inputs are the same at every step. Then it does not show when the input of one
            step stands for that of another.

            Draw the whole of x at random, of shape (T, B, I).
            """,
            """
            x, *weights = point()
            compare(loss_and_gradient, [x[[0] * len(x)], *weights])
            """,
            """
            x, *weights = point()
            compare(loss_and_gradient, [np.ones_like(x), *weights])
            """,
        ),
        "symmetric_weights": Mistake(
            """Your U is symmetric. For `np.eye`, `np.ones` or a constant, U and its transpose are
            the same.

            Draw U at random.
            """,
            """
            x, W, U, b = point()
            compare(loss_and_gradient, [x, W, U + U.T, b])
            """,
        ),
        "zero_weights": Mistake(
            """Your U is zero. Then nothing is carried, forward or back.

            Draw U at random, and not too small.
            """,
            """
            x, W, U, b = point()
            compare(loss_and_gradient, [x, W, 0 * U, b])
            """,
        ),
        "zero_bias": Mistake(
            """Your b is zero. Then it does not show when b is left out.

            Many networks begin with b = 0, and a test should not. Draw b at random, too.
            """,
            """
            x, W, U, b = point()
            compare(loss_and_gradient, [x, W, U, 0 * b])
            """,
        ),
        "positive_numbers": Mistake(
            """Your numbers are all positive, and so are all derivatives. A lost sign does not show.

            Draw numbers of both signs, as `rng.normal` does and `rng.random` does not.
            """,
            "compare(loss_and_gradient, [np.abs(each) / 2 for each in point()])",
        ),
        "drowned_in_rounding": Mistake(
            """Rounding drowns your differences: the step is too small (1e-4 is a good one), or the
            comparison exact (use a tolerance).

            Or what E changes by is not divided by twice the step. Or the loss is not the E that
            comes back with the derivatives, but one of your own: mind the half, and take no mean.
            Even a plain sum of parameters, whose derivatives are all 1, is rejected.
            """,
            "compare(loss_and_gradient, point(), step=1e-14)",
        ),
        "one_sided": Mistake(
            """Your differences have a step up and none down. They are not exact enough: your test
            rejects the right implementations as well.

            E(w + step) - E(w) is off by about half the step times the curvature of E. E(w +
            step) - E(w - step), divided by twice the step, is off by its square only.
            """,
            "compare(loss_and_gradient, point(), one_sided=True, step=1e-3)",
        ),
        "far_from_the_point": Mistake(
            """Your step is too large for a curved loss (1e-4 is a good one); or a number that you
            moved was not put back, so that the differences are taken at another point than the
            derivatives.

            A plain sum of parameters, which is not curved, is judged right.
            """,
            "compare(loss_and_gradient, point(), step=0.5)",
        ),
    },
)
