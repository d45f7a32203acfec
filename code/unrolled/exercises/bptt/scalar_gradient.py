"""The exercise ``bptt.scalar_gradient``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake


def scalar_gradient(u: float, x: Array, h0: float) -> float:
    """Return the derivative of the last state with respect to u, a number.

    u and h0 are numbers, and u is not 0. x has shape (T,): x_t is x[t - 1].
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


def _scalar_polynomial(u: float, x: Array, h0: float) -> Any:
    return np.polyval(np.polyder([h0, *x]), u)  # h[T] is a polynomial in u


def _scalar_torch(u: float, x: Array, h0: float) -> Any:
    import torch

    weight = torch.tensor(u, dtype=torch.float64, requires_grad=True)
    h = torch.tensor(h0, dtype=torch.float64)
    for x_t in torch.from_numpy(x):
        h = weight * h + x_t
    h.backward()  # type: ignore[no-untyped-call]
    return weight.grad


def _moves_the_state(result: Array, u: float, x: Array, h0: float) -> bool:
    """Move u by a little, and h[T] moves by the derivative times as much. By yours it does not."""
    sideways: complex = h0
    for x_t in x:
        sideways = (u + 1e-100j) * sideways + x_t
    return bool(np.isclose(result, sideways.imag / 1e-100, rtol=1e-4))


_rng = np.random.default_rng(0)

EXERCISE = Exercise(
    scalar_gradient,
    cases=[
        (2.0, np.array([1.0, 2, 5]), 3.0),
        (0.5, np.array([4.0]), 3.0),
        (0.5, np.array([4.0]), 0.0),
        (-0.5, np.array([1.0, -2, 3, 1, 4]), 0.0),
        (0.9, np.array([0.0, 0, 0, 1, 0, 0]), -1.0),
        (1.0, np.array([2.0, 1, 0, 3]), 0.5),
        (-1.5, np.zeros(4), 2.0),
        (0.7, np.zeros(3), 0.0),
        (0.5, np.array([1.0, -2, 1e6]), 3.0),
        (-0.9, numbers(_rng, 40), 0.3),
        (1.1, numbers(_rng, 33), -2.5),
        (1e6, np.array([3.0, -1, 2]), 1.5),
        (1e-6, np.array([3.0, -1, 2, 4]), 1.5),
        (0.8, np.array([3e-6, -1e-6, 2e-6]), 5e-6),
        (0.5, np.array([4, -1, 3, 2]), 1.5),  # whole numbers
    ],
    alternatives=[
        _scalar_forwards,
        _scalar_backwards,
        _scalar_vectorised,
        _scalar_polynomial,
        _scalar_torch,
    ],
    properties=[_moves_the_state],
    mistakes={
        "last_factor_only": Mistake(
            """This is h[T - 1]: u is taken to act in the last step only.

            The state h[T - 1] depends on u as well, and so do all states before it. The same u
            acts in every step; the derivative is the sum of what it does in each.
            """,
            {"total += u ** (steps - t) * h": "total = h"},
        ),
        "first_factor_only": Mistake(
            """Only the first step's part is here: u acts there on h[0], and the effect is carried
            on.

            The same u acts in every step. In step t it acts on h[t - 1], and what it does there
            is carried on through the T - t steps that follow; the derivative is the sum over t.
            """,
            "return u ** (len(x) - 1) * h0",
        ),
        "inputs_forgotten": Mistake(
            """This is the derivative of u**T * h0: the inputs are missing.

            Each input is multiplied by u, too, in every step after the one in which it enters.
            """,
            {"h = u * h + x[t - 1]": "h = u * h"},
        ),
        "start_forgotten": Mistake(
            """The initial state is missing: this is right for h0 = 0.

            The first step multiplies h[0] by u. That is one more term of the sum.
            """,
            {"0.0, h0": "0.0, 0.0"},
        ),
        "last_term_missing": Mistake(
            """The last term of the sum is missing, h[T - 1].

            In the last step u multiplies h[T - 1], and no step follows. Likely: a loop that ends
            one step too soon; `range(1, T)` ends with T - 1.
            """,
            {"range(1, steps + 1)": "range(1, steps)"},
        ),
        "first_term_missing": Mistake(
            """The first term of the sum is missing, that of the step from h[0] to h[1].

            There u multiplies h[0]. Likely: a loop that begins one step too late, or a list of
            states without h[0].
            """,
            {"total += u ** (steps - t) * h": "total += u ** (steps - t) * h if t > 1 else 0.0"},
        ),
        "inputs_one_early": Mistake(
            """The inputs are one step off: in the first step x[-1] came in, which is Python's
            *last*.

            The formula counts from 1 and Python from 0: x[t] of the formula is `x[t - 1]` when t
            goes from 1 to T, and `x[t]` when it goes from 0 to T - 1.
            """,
            {"x[t - 1]": "x[t - 2]"},
        ),
        "states_not_carried": Mistake(
            """The states are summed as they are: what u does in step t is not carried on to h[T].

            In step t, u acts on h[t - 1]. That moves h[t]; to reach h[T], it goes through the T
            - t steps that follow, and each multiplies it by u.
            """,
            {"u ** (steps - t) * h": "h"},
        ),
        "own_state": Mistake(
            """Here u multiplies h[t] where it should be h[t - 1], the state that comes into the
            step.

            The derivative of u * h[t - 1] + x[t], with h[t - 1] held fixed, is h[t - 1].
            """,
            """
            h, du = h0, 0.0
            for x_t in x:
                h = u * h + x_t
                du = h + u * du
            return du
            """,
        ),
        "one_power_too_many": Mistake(
            """Each term has one factor u too many.

            In step t the derivative of u * h[t - 1] is h[t - 1], without a u. From h[t] to h[T]
            it goes through T - t steps. Try T = 1.
            """,
            {"(steps - t)": "(steps - t + 1)"},
        ),
        "one_power_for_inputs": Mistake(
            """The part of h0 is right. In that of the inputs each term has one factor u too many.

            Written out, the input of step s stands in h[T] as u**(T - s) * x[s]. Its derivative
            is (T - s) * u**(T - s - 1) * x[s].
            """,
            """
            T = len(x)
            fed = sum((T - s) * u ** (T - s) * x[s - 1] for s in range(1, T))
            return T * u ** (T - 1) * h0 + fed
            """,
        ),
        "powers_reversed": Mistake(
            """The powers are in the wrong order: the last term has the highest, and it should have
            none.

            What u does in the last step is in h[T] at once. What it did in the first has gone
            through all the steps that follow.
            """,
            {"(steps - t)": "(t - 1)"},
        ),
        "mean_over_time": Mistake(
            """This is the mean over the steps. Each step adds its part, so it is a sum.

            If u were another weight in each step, h[T] would have one derivative for each, and
            moving all of them together moves h[T] by their sum.
            """,
            {"return total": "return total / steps"},
        ),
        "by_the_start": Mistake(
            """This is the derivative with respect to h[0]: a product of the slopes of all the
            steps.

            With respect to u there are T ways into the sequence, one in each step, and so a sum
            of T products.
            """,
            "return u ** len(x)",
        ),
        "all_states": Mistake(
            """This is the derivative of the sum of all states.

            The loss is the last state alone, E = h[T].
            """,
            "return sum(solution(u, x[: t + 1], h0) for t in range(len(x)))",
        ),
        "sum_of_states": Mistake(
            """This is the sum of all states, h[T] with them. u does not act on h[T], but on
            the states before it.

            In step t, u acts on h[t - 1]. That moves h[t]; to reach h[T], it goes through the T
            - t steps that follow, and each multiplies it by u.
            """,
            {"u ** (steps - t) * h": "h", "return total": "return total + h"},
        ),
    },
)
