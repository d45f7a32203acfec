"""The exercise ``rnn.latch``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def latch(u: float) -> tuple[float, float]:
    """Return the state that the unit holds, and the w that turns it over.

    The unit is h[t] = tanh(u * h[t - 1] + w * x[t]), with u above 1.1 and
    w > 0. Return (held, least): where it settles after an upward push and
    zeros, and the w above which one x[t] = -1 turns it over for good.
    """
    h = 1.0
    for _ in range(1000):
        h = np.tanh(u * h)
    return h, u * h


def _by_newton(u: float) -> tuple[float, float]:
    h = 1.0
    for _ in range(40):
        bent = np.tanh(u * h)
        h -= (h - bent) / (1 - u * (1 - bent**2))
    return h, u * h


def _by_halving(u: float) -> tuple[float, float]:
    """Search the state, and then the push that leaves it at zero."""
    low, high = 1e-3, 1.0
    for _ in range(60):
        middle = (low + high) / 2
        low, high = (middle, high) if np.tanh(u * middle) > middle else (low, middle)
    held, least, most = low, 0.0, 2 * u
    for _ in range(60):
        w = (least + most) / 2
        least, most = (w, most) if np.tanh(u * held - w) > 0 else (least, w)
    return held, least


def _torch(u: float) -> Any:
    import torch

    h = torch.ones((), dtype=torch.float64)
    for _ in range(1000):
        h = torch.tanh(u * h)
    return h, u * h


_HELD = "h, u * h"

EXERCISE = Exercise(
    latch,
    cases=[(2.0,), (1.5,), (1.2,), (3.0,), (1.11,), (2.7,), (1.9,), (10.0,), (40.0,)],
    alternatives=[_by_newton, _by_halving, _torch],
    parts=("held", "least"),
    equivalent={
        "h = 1.0 -> h = 2.0": "it settles at the same state, from wherever above zero it begins",
        "for _ in range(1000): -> for _ in range(1001):": "it has settled long before",
        "for _ in range(1000): -> for _ in range(999):": "it has settled long before",
    },
    mistakes={
        "state_alone": Mistake(
            """`least` is the state itself. But the unit does not pass its state on as it is: what
            meets the push, inside the tanh, is u times the state.
            """,
            {_HELD: "h, h"},
        ),
        "twice_the_state": Mistake(
            """`least` is 2 times the state, whatever u is. It depends on u: what meets the push,
            inside the tanh, is u times the state.
            """,
            {_HELD: "h, 2 * h"},
        ),
        "all_the_way": Mistake(
            """With this w, one push lands at the other state at once. Less will do: once below
            zero, the unit goes the rest of the way by itself.
            """,
            {_HELD: "h, 2 * u * h"},
            {_HELD: "h, u * h + np.arctanh(h)"},
        ),
        "distance_of_the_states": Mistake(
            """`least` is more than it takes: a push need not carry the unit to the other state,
            only past zero.
            """,
            {_HELD: "h, (u + 1) * h"},
        ),
        "pushed_at_every_step": Mistake(
            """This w turns the unit over if it is pushed at every step. Here one push comes, and
            then zeros.
            """,
            {_HELD: "h, u * np.sqrt(1 - 1 / u) - np.arctanh(np.sqrt(1 - 1 / u))"},
        ),
        "the_solution_at_zero": Mistake(
            """0 solves h = tanh(u h) too, but it is not held: above u = 1 the unit leaves it after
            any push. It settles at the solution above zero.
            """,
            {"h = 1.0": "h = 0.0"},
            "return 0.0, 0.0",
        ),
        "not_settled": Mistake(
            """`held` is the state after a few steps. Go on until it no longer changes.""",
            {"range(1000)": "range(1)"},
            {"range(1000)": "range(2)"},
            {"range(1000)": "range(5)"},
        ),
        "taken_for_one": Mistake(
            """`held` is taken for 1, which tanh never reaches. Where does h = tanh(u h) hold?""",
            "return 1.0, float(u)",
        ),
        "without_u": Mistake(
            """u is missing in the tanh: h = tanh(h) holds at zero alone.""",
            {"np.tanh(u * h)": "np.tanh(h)"},
        ),
        "the_lower_state": Mistake(
            """`held` is the state below zero. With w > 0 an upward push leads to the one above.""",
            {_HELD: "-h, u * h"},
        ),
        "sign_of_the_push": Mistake(
            """`least` is below zero. w is the weight, and it is positive; the minus is in x.""",
            {_HELD: "h, -u * h"},
        ),
        "divided_by_u": Mistake(
            """`least` is the state over u. Write the state after the push down: for which w is the
            argument of its tanh zero?
            """,
            {_HELD: "h, h / u"},
        ),
        "wrong_order": Mistake(
            """The two are returned the other way round: `(held, least)`, the state first.""",
            {_HELD: "u * h, h"},
        ),
        "state_returned_alone": Mistake(
            """This returns one number. Asked for are two, `(held, least)`.""",
            {_HELD: "h"},
        ),
    },
)
