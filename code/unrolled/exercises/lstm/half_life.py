"""The exercise ``lstm.half_life``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Exercise, Mistake


def half_life(bias: float) -> float:
    """Say after how many steps half of a cell's state is left.

    bias is the forget gate's, a number. The result need not be whole.
    """
    return float(np.log(2) / np.log1p(np.exp(-bias)))


def _half_life_from_the_gate(bias: float) -> Any:
    f = 1 / (1 + np.exp(-bias))
    return np.log(0.5) / np.log(f)


def _half_life_searched(bias: float) -> float:
    gate, low, high = float(sigmoid(bias)), 0.0, 1e6
    for _ in range(100):
        middle = (low + high) / 2
        low, high = (middle, high) if gate**middle > 0.5 else (low, middle)
    return low


def _half_life_torch(bias: float) -> Any:
    import torch
    from torch.nn.functional import logsigmoid

    return torch.tensor(0.5).log() / logsigmoid(torch.tensor(bias))


def _half_is_left(result: Any, bias: float) -> bool:
    """Let a state of 1 be multiplied by f for as many steps as you say: one half is left of it.

    With your number of steps it is not.
    """
    with np.errstate(all="ignore"):
        return bool(np.isclose(sigmoid(bias) ** result, 0.5, rtol=1e-4))


_STEPS = "float(np.log(2) / np.log1p(np.exp(-bias)))"

EXERCISE = Exercise(
    half_life,
    cases=[(1.0,), (0.0,), (3.0,), (5.0,), (-2.0,), (2.5,), (-12.0,), (1e-3,)],
    alternatives=[_half_life_from_the_gate, _half_life_searched, _half_life_torch],
    properties=[_half_is_left],
    mistakes={
        "half_life_rounded_up": Mistake(
            """This is rounded up to a whole step. Here the number of steps need not be whole.

            It is where the curve f ** d crosses one half, between two steps as a rule.
            """,
            {_STEPS: "float(np.ceil(solution(bias)))"},
            """
            f, d, left = 1 / (1 + np.exp(-bias)), 0, 1.0
            while left > 0.5:
                left *= f
                d += 1
            return d
            """,
        ),
        "half_life_rounded_down": Mistake(
            """This is rounded down to a whole step. Here the number of steps need not be whole.

            It is where the curve f ** d crosses one half, between two steps as a rule.
            """,
            {_STEPS: "float(np.floor(solution(bias)))"},
        ),
        "bias_for_gate": Mistake(
            """The bias is taken for the gate itself. The gate is what the logistic function makes
            of it.

            f = 1 / (1 + exp(-bias)): bias 0 is a gate that is half open, and bias 1 one at
            0.73.
            """,
            {_STEPS: "np.log(0.5) / np.log(np.float64(bias))"},
            "return np.log(0.5) / np.log(bias)",
        ),
        "bias_for_gate_by_math": Mistake(
            """The bias is taken for the gate itself. The gate is what the logistic function makes
            of it.

            f = 1 / (1 + exp(-bias)). A bias may be any number, but 0 and negative numbers have
            no logarithm, and that of 1 is 0.
            """,
            """
            import math
            return math.log(0.5) / math.log(bias)
            """,
            """
            import math
            return math.log(0.5, bias)
            """,
        ),
        "sign_of_bias_turned": Mistake(
            """A larger bias should make the cell remember longer. Here it forgets sooner.

            Either the sign of the bias is turned: f = 1 / (1 + exp(-bias)), mind the minus. Or
            1 - f, which a step loses, stands where f belongs, which it keeps: -log f, not
            -log(1 - f).
            """,
            "return solution(-bias)",
            """
            f = 1 / (1 + np.exp(bias))
            return np.log(0.5) / np.log(f)
            """,
            """
            f = 1 / (1 + np.exp(-bias))
            return np.log(0.5) / np.log(1 - f)
            """,
        ),
        "bias_twice": Mistake(
            """The bias is counted twice.

            So it is in a torch LSTM when both `bias_ih` and `bias_hh` are set to it, because
            they are added. Here there is one.
            """,
            "return solution(2 * bias)",
        ),
        "to_an_eth": Mistake(
            """This is the time to fall to 1/e, about 0.37. It should be the time to fall to one
            half.

            Either log(1/2) is missing, or the two logarithms have different bases, `log2` and
            `log`.
            """,
            {_STEPS: "float(solution(bias) / np.log(2))"},
            """
            f = 1 / (1 + np.exp(-bias))
            return -1 / np.log(f)
            """,
            """
            f = 1 / (1 + np.exp(-bias))
            return np.log2(0.5) / np.log(f)
            """,
        ),
        "half_life_two_bases": Mistake(
            """The two logarithms have different bases: one is `np.log10`, the other `np.log`.

            Any base will do, if it is the same above and below the line.
            """,
            {_STEPS: "float(solution(bias) / np.log(10))"},
        ),
        "one_over_what_is_lost": Mistake(
            """This is 1 / (1 - f), the time that a state would last if each step took the same
            amount.

            Each step takes a share of what is left. One half is left when f ** d = 1/2: take
            logarithms.
            """,
            {_STEPS: "float(1 / sigmoid(-bias))"},
        ),
        "half_over_what_is_lost": Mistake(
            """This takes the same amount off at each step, 1 - f of the state as it was at first.

            Each step takes a share of what is left. One half is left when f ** d = 1/2: take
            logarithms.
            """,
            {_STEPS: "float(0.5 / sigmoid(-bias))"},
            """
            f = 1 / (1 + np.exp(-bias))
            return (1 - 0.5) / (1 - f)
            """,
        ),
        "for_large_biases_only": Mistake(
            """This is log(2) * exp(bias), which is right for large biases only.

            There -log f is about exp(-bias). Exactly it is log(1 + exp(-bias)).
            """,
            {_STEPS: "float(np.log(2) * np.exp(bias))"},
        ),
        "negative_half_life": Mistake(
            """The number of steps is negative: log(2) should be log(1/2), for log f is negative,
            too.
            """,
            "return -solution(bias)",
            """
            f = 1 / (1 + np.exp(-bias))
            return np.log(2) / np.log(f)
            """,
        ),
        "logarithms_upside_down": Mistake(
            """The ratio of the logarithms is upside down.

            f ** d = 1/2 gives d log f = log(1/2), and that is divided by log f.
            """,
            "return 1 / solution(bias)",
        ),
        "tanh_for_gate": Mistake(
            """The gate is squashed by tanh. Gates are logistic, from 0 to 1; tanh squashes the
            candidate.

            f = 1 / (1 + exp(-bias)).
            """,
            {_STEPS: "np.log(0.5) / np.log(np.tanh(np.float64(bias)))"},
        ),
    },
)
