"""The exercise ``bptt.scalar_gradient``."""

from __future__ import annotations

import itertools
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises.grading import Exercise, Mistake


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


def _moves_the_state(result: Array, u: float, x: Array, h0: float) -> bool:
    """Move u by a little, and h[T] moves by the derivative times as much. By yours it does not."""
    up, down = (_scalar_states(u + step, x, h0)[-1] for step in (1e-6, -1e-6))
    return bool(np.isclose(result, (up - down) / 2e-6, rtol=1e-4))


EXERCISE = Exercise(
    scalar_gradient,
    cases=[
        (2.0, np.array([1.0, 2, 5]), 3.0),
        (0.5, np.array([4.0]), 3.0),
        (-0.5, np.array([1.0, -2, 3, 1, 4]), 0.0),
        (0.9, np.array([0.0, 0, 0, 1, 0, 0]), -1.0),
        (1.0, np.array([2.0, 1, 0, 3]), 0.5),
    ],
    alternatives=[_scalar_forwards, _scalar_backwards, _scalar_vectorised, _scalar_torch],
    properties=[_moves_the_state],
    mistakes={
        "last_factor_only": Mistake(
            """This is h[T - 1]: u is taken to act in the last step only.

            The state h[T - 1] depends on u as well, and so do all states before it. The same u
            acts in every step; the derivative is the sum of what it does in each.
            """,
            "return float(_scalar_states(u, x, h0)[-2])",
            """
            h = h0
            for x_t in x:
                du = h
                h = u * h + x_t
            return du
            """,
        ),
        "first_factor_only": Mistake(
            """Only the first step's part is here: u acts there on h[0], and the effect is carried
            on.

            The same u acts in every step. In step t it acts on h[t - 1], and what it does there
            is carried on through the T - t steps that follow; the derivative is the sum over t.
            """,
            "return float(_powers(u, x)[0] * h0)",
        ),
        "inputs_forgotten": Mistake(
            """This is the derivative of u**T * h0: the inputs are missing.

            Each input is multiplied by u, too, in every step after the one in which it enters.
            """,
            "return float(len(x) * _powers(u, x)[0] * h0)",
            """
            T = len(x)
            return T * u ** (T - 1) * h0
            """,
        ),
        "start_forgotten": Mistake(
            """The initial state is missing: this is right for h0 = 0.

            The first step multiplies h[0] by u. That is one more term of the sum.
            """,
            "return solution(u, x, 0.0)",
        ),
        "states_not_carried": Mistake(
            """The states are summed as they are: what u does in step t is not carried on to h[T].

            In step t, u acts on h[t - 1]. That moves h[t]; to reach h[T], it goes through the T
            - t steps that follow, and each multiplies it by u.
            """,
            "return float(_scalar_states(u, x, h0)[:-1].sum())",
            """
            h, du = h0, 0.0
            for x_t in x:
                du += h
                h = u * h + x_t
            return du
            """,
        ),
        "own_state": Mistake(
            """Here u multiplies h[t] where it should be h[t - 1], the state that comes into the
            step.

            The derivative of u * h[t - 1] + x[t], with h[t - 1] held fixed, is h[t - 1].
            """,
            "return float(_powers(u, x) @ _scalar_states(u, x, h0)[1:])",
            """
            h, du, T = h0, 0.0, len(x)
            for t in range(T):
                h = u * h + x[t]
                du += u ** (T - 1 - t) * h
            return du
            """,
        ),
        "one_power_too_many": Mistake(
            """Each term has one factor u too many.

            In step t the derivative of u * h[t - 1] is h[t - 1], without a u. From h[t] to h[T]
            it goes through T - t steps. Try T = 1.
            """,
            "return u * solution(u, x, h0)",
            """
            states, T = [h0], len(x)
            for x_t in x:
                states.append(u * states[-1] + x_t)
            return sum(u ** (T - t) * states[t] for t in range(T))
            """,
        ),
        "powers_reversed": Mistake(
            """The powers are in the wrong order: the last term has the highest, and it should have
            none.

            What u does in the last step is in h[T] at once. What it did in the first has gone
            through all the steps that follow.
            """,
            "return float(_powers(u, x)[::-1] @ _scalar_states(u, x, h0)[:-1])",
        ),
        "mean_over_time": Mistake(
            """This is the mean over the steps. Each step adds its part, so it is a sum.

            If u were another weight in each step, h[T] would have one derivative for each, and
            moving all of them together moves h[T] by their sum.
            """,
            "return solution(u, x, h0) / len(x)",
        ),
        "by_the_start": Mistake(
            """This is the derivative with respect to h[0]: a product of the slopes of all the
            steps.

            With respect to u there are T ways into the sequence, one in each step, and so a sum
            of T products.
            """,
            "return float(u ** len(x))",
        ),
        "all_states": Mistake(
            """This is the derivative of the sum of all states. The loss is the last state alone.""",
            "return sum(solution(u, x[: t + 1], h0) for t in range(len(x)))",
        ),
    },
)
