"""The exercise ``gradients.steps_to_vanish``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.exercises.grading import Exercise, Mistake


def steps_to_vanish(rate: float, fraction: float) -> int:
    """Count the steps until only a fraction is left, if each keeps a rate.

    rate and fraction are numbers between 0 and 1, both ends excluded. Return
    a whole number.
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


def _far_enough(result: Any, rate: float, fraction: float) -> bool:
    """At the step that you return, `rate ** d` should be at most `fraction`. It is not yet."""
    with np.errstate(all="ignore"):
        return bool(rate**result <= fraction)


def _not_further_than_needed(result: Any, rate: float, fraction: float) -> bool:
    """At the step that you return, `rate ** d` is small enough. It was so one step earlier.

    Asked for is the first such step.
    """
    with np.errstate(all="ignore"):
        return bool(fraction < rate ** (result - 1))


_STEPS = "int(np.ceil(np.log(fraction) / np.log(rate)))"

EXERCISE = Exercise(
    steps_to_vanish,
    cases=[
        (0.7, 0.001),
        (0.9, 0.001),
        (0.99, 0.001),
        (0.5, 0.3),
        (0.3, 0.9),
        (0.5, 0.25),  # reached exactly
        (0.5, 0.24999),  # and just not
        (0.25, 0.25),
        (0.5, 2.0**-40),
        (0.995, 1e-9),
        (1e-6, 0.5),
    ],
    alternatives=[_steps_counted, _steps_looked_up, _steps_looped, _steps_torch],
    properties=[_far_enough, _not_further_than_needed],
    mistakes={
        "steps_unrounded": Mistake(
            """This is where the curve crosses the fraction, between two steps. Steps are whole.

            At which whole step is the derivative small enough for the first time?
            """,
            {_STEPS: "float(np.log(fraction) / np.log(rate))"},
            "return np.log10(fraction) / np.log10(rate)",
        ),
        "steps_rounded_down": Mistake(
            """One step is missing: rounded down, the derivative is still above the fraction.

            `int(...)` and `//` cut off what is behind the point.
            """,
            {"np.ceil(np.log(fraction) / np.log(rate))": "np.log(fraction) / np.log(rate)"},
            "return np.log(fraction) // np.log(rate)",
            """
            d = 0
            while rate ** (d + 1) > fraction:
                d += 1
            return d
            """,
        ),
        "steps_rounded_to_nearest": Mistake(
            """Rounding to the nearest whole number stops one step early about half of the time.

            Where it was rounded down, the derivative is still above the fraction.
            """,
            {_STEPS: "round(np.log(fraction) / np.log(rate))"},
        ),
        "one_step_too_many": Mistake(
            """One step too many is counted: one step earlier the derivative is small enough
            already.

            After 0 steps it is 1, after 1 step it is `rate`, and after d steps `rate ** d`.
            """,
            "return solution(rate, fraction) + 1",
            """
            d, left = 0, 1.0
            while True:
                d += 1
                if left <= fraction:
                    return d
                left *= rate
            """,
        ),
        "one_step_too_many_where_reached_exactly": Mistake(
            """Where `rate ** d` is the fraction exactly, d steps are enough. This goes one further.

            Likely: rounded down and 1 added, which is rounding up except for whole numbers; or a
            loop that goes on while `rate ** d >= fraction`.
            """,
            {_STEPS: "int(np.log(fraction) / np.log(rate)) + 1"},
            """
            d = 0
            while rate**d >= fraction:
                d += 1
            return d
            """,
        ),
        "subtracts": Mistake(
            """This takes off the same amount at each step, as if 1 - rate were subtracted.

            A step multiplies by the rate: it takes off a share of what is left, so the curve
            gets ever flatter. Take the logarithm of `rate ** d = fraction`.
            """,
            {_STEPS: "int(np.ceil((1 - fraction) / (1 - rate)))"},
        ),
        "ratio_upside_down": Mistake(
            """The ratio of the logarithms is upside down.

            `rate ** d = fraction` gives d log(rate) = log(fraction), and that is divided by
            log(rate).
            """,
            {_STEPS: "int(np.ceil(np.log(rate) / np.log(fraction)))"},
        ),
        "lost_for_kept": Mistake(
            """The rate is taken for the share that a step loses. It is the share that a step
            keeps.

            After one step `rate` is left, not `1 - rate`: a rate near 1 remembers long.
            """,
            "return solution(1 - rate, fraction)",
        ),
        "fraction_lost": Mistake(
            """This counts the steps until `fraction` is lost. Count them until only `fraction` is
            left.

            What is left after d steps is `rate ** d`.
            """,
            "return solution(rate, 1 - fraction)",
        ),
        "time_constant": Mistake(
            """This is about 1 / (1 - rate), the time in which the derivative falls to 1/e, about
            0.37.

            To fall to another fraction takes log(1 / fraction) times as long.
            """,
            {_STEPS: "int(np.ceil(1 / (1 - rate)))"},
        ),
        "logarithm_of_rate_forgotten": Mistake(
            """The logarithm of the rate is missing: as it stands, each step would divide by e.

            `rate ** d = fraction` gives d log(rate) = log(fraction). Divide by log(rate), too.
            """,
            {_STEPS: "int(np.ceil(-np.log(fraction)))"},
        ),
        "two_bases": Mistake(
            """The two logarithms have different bases: one is `np.log10`, the other `np.log`.

            Any base will do, if it is the same above and below the line.
            """,
            {_STEPS: "int(np.ceil(np.log10(fraction) / np.log(rate)))"},
        ),
    },
)
