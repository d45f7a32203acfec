"""The exercise ``gradients.norm_bound``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def norm_bound(U: Array, slope: float, leak: float, steps: int) -> float:
    """Bound the norm of a leaky network's Jacobian of h[t + steps] by h[t].

    U has shape (H, H); slope bounds the derivative of phi; leak, the share
    of a new state that is new, is above 0 and at most 1; steps is at least
    1. Return a number.
    """
    return float(1 - leak + leak * slope * np.linalg.norm(U, 2)) ** steps


def _by_svd(U: Array, slope: float, leak: float, steps: int) -> Any:
    moved = leak * slope * np.linalg.svd(U, compute_uv=False)[0]
    return np.prod(np.full(steps, (1 - leak) + moved))


def _looped(U: Array, slope: float, leak: float, steps: int) -> float:
    bound = 1.0
    for _ in range(steps):
        bound += leak * (slope * float(np.sqrt(np.linalg.eigvalsh(U.T @ U).max())) - 1) * bound
    return bound


def _torch(U: Array, slope: float, leak: float, steps: int) -> Any:
    import torch

    stretch = slope * torch.linalg.matrix_norm(torch.from_numpy(U), ord=2)
    return torch.lerp(torch.ones_like(stretch), stretch, leak) ** steps


def radius_of(U: Array) -> float:
    return float(np.abs(np.linalg.eigvals(U)).max())


def _no_less_than_what_is_kept(
    result: Any, U: Array, slope: float, leak: float, steps: int
) -> bool:
    """Your bound is broken where phi is flat: there only what is kept of the state is left."""
    return bool(result >= (1 - leak) ** steps * (1 - 1e-5))


def _no_less_than_for_a_straight_line(
    result: Any, U: Array, slope: float, leak: float, steps: int
) -> bool:
    """Your bound is broken by the straight line phi(a) = slope * a: its gradient is longer."""
    line = (1 - leak) * np.eye(len(U)) + leak * slope * U
    power = np.linalg.matrix_power(line, steps)
    return bool(result >= np.linalg.norm(power, 2) * (1 - 1e-5))


_FACTOR = "1 - leak + leak * slope * np.linalg.norm(U, 2)"
_BOUND = f"float({_FACTOR}) ** steps"

EXERCISE = Exercise(
    norm_bound,
    cases=[
        (np.array([[1.0, 4.0], [0.0, -2.0]]), 0.25, 0.3, 3),
        (np.array([[1.0, 4.0], [0.0, -2.0]]), 0.25, 1.0, 3),  # no leak
        (np.array([[1.0, 4.0], [0.0, -2.0]]), 0.5, 0.8, 1),
        (np.array([[1.0, 0.2], [0.0, -2.0]]), 0.25, 0.3, 3),  # below 1
        (np.array([[-2.0, 0.5], [0.5, -3.0]]), 1.0, 0.5, 2),  # against what is kept
        (numbers(_rng, 3, 3), 1.0, 0.2, 5),
        (numbers(_rng, 4, 4, scale=0.5), 0.5, 0.1, 1),
        (np.array([[-3.0]]), 0.25, 0.6, 8),
        (np.array([[2.0, 2.0], [-2.0, -2.0]]), 1.0, 0.9, 2),  # its square is 0
        (numbers(_rng, 3, 3), 0.9, 0.7, 5),
        (numbers(_rng, 6, 6, scale=0.3), 1.0, 0.25, 31),
        (10 * np.eye(4), 1.0, 0.5, 3),
        (np.zeros((2, 2)), 1.0, 0.4, 4),
        (1e-3 * numbers(_rng, 5, 5), 0.25, 0.05, 2),
        (1e-4 * numbers(_rng, 5, 5), 0.25, 1.0, 2),
        (1e4 * numbers(_rng, 3, 3), 0.25, 0.5, 3),
    ],
    alternatives=[_by_svd, _looped, _torch],
    properties=[_no_less_than_what_is_kept, _no_less_than_for_a_straight_line],
    mistakes={
        "without_the_leak": Mistake(
            """This bounds a network that does not leak: what a step keeps of the state is missing,
            and the leak as a factor.
            """,
            "return float(slope * np.linalg.norm(U, 2)) ** steps",
        ),
        "what_is_kept_forgotten": Mistake(
            """What a step keeps of the state is missing. The derivative of a sum has a term for
            each part.
            """,
            {_FACTOR: "leak * slope * np.linalg.norm(U, 2)"},
        ),
        "all_is_kept": Mistake(
            """Here a step keeps all of the state, and adds to it. It keeps `1 - leak` of it.""",
            {"1 - leak + leak": "1 + leak"},
        ),
        "leak_forgotten_in_what_is_new": Mistake(
            """What is new has its full weight here. Only the share `leak` of it gets in.""",
            {"leak * slope": "slope"},
        ),
        "leak_turned": Mistake(
            """The two shares have changed places: `leak` is the share of what is new.""",
            {"1 - leak + leak * slope": "leak + (1 - leak) * slope"},
        ),
        "slope_on_all": Mistake(
            """The slope multiplies all. What is kept does not go through phi.""",
            {_FACTOR: "slope * (1 - leak + leak * np.linalg.norm(U, 2))"},
        ),
        "stretch_on_all": Mistake(
            """The size of U multiplies all. What is kept does not go through U.""",
            {_FACTOR: "np.linalg.norm(U, 2) * (1 - leak + leak * slope)"},
        ),
        "parts_subtracted": Mistake(
            """The two parts of a step are subtracted. In the worst case both stretch a vector the
            same way.
            """,
            {_FACTOR: "abs(1 - leak - leak * slope * np.linalg.norm(U, 2))"},
        ),
        "in_small_steps": Mistake(
            """This is the growth of a state that leaks in infinitely many small steps, or the first
            term of it. Here the steps are as large as they are, and their bounds multiply.
            """,
            {_BOUND: "np.exp(steps * leak * (slope * np.linalg.norm(U, 2) - 1))"},
            {_BOUND: "1 + steps * leak * (slope * np.linalg.norm(U, 2) - 1)"},
        ),
        "never_below_one": Mistake(
            """The bound never falls below 1. A network that forgets has a smaller one.""",
            {_BOUND: f"max(1.0, {_BOUND})"},
        ),
        "larger_of_both": Mistake(
            """This takes the larger of the two parts of a step. A vector may be kept and stretched
            the same way: in the worst case both parts add up.
            """,
            {_FACTOR: "max(1 - leak, leak * slope * np.linalg.norm(U, 2))"},
        ),
        "right_angle": Mistake(
            """The two parts of a step are added as if they stood at a right angle. In the worst
            case they point the same way.
            """,
            {_FACTOR: "np.hypot(1 - leak, leak * slope * np.linalg.norm(U, 2))"},
        ),
        "parts_apart": Mistake(
            """The two parts go their own ways through all steps and meet at the end. They meet at
            every step: the power of a sum is not the sum of the powers.
            """,
            {_BOUND: "(1 - leak) ** steps + (leak * slope * np.linalg.norm(U, 2)) ** steps"},
        ),
        "one_slope_for_all": Mistake(
            """This is the norm for the straight line, phi' equal to `slope` in all units. It is no
            bound: with other slopes, in part of the units, the Jacobian can be longer.

            Bound each of the two parts of a step by itself.
            """,
            """
            line = (1 - leak) * np.eye(len(U)) + leak * slope * U
            return float(np.linalg.norm(line, 2)) ** steps
            """,
        ),
        "power_before_norm": Mistake(
            """This is the norm of a power, and it holds for a straight line phi only. At each step
            other slopes stand between the factors, and can undo what makes this number small.
            """,
            """
            line = (1 - leak) * np.eye(len(U)) + leak * slope * U
            return float(np.linalg.norm(np.linalg.matrix_power(line, steps), 2))
            """,
        ),
        "bound_by_spectral_radius": Mistake(
            """This uses the spectral radius, the largest absolute eigenvalue. That is no bound.

            A matrix can stretch a vector by more than its eigenvalues say.
            """,
            {"np.linalg.norm(U, 2)": "radius_of(U)"},
            """
            line = (1 - leak) * np.eye(len(U)) + leak * slope * U
            return radius_of(line) ** steps
            """,
        ),
        "slope_forgotten": Mistake(
            """The slope is missing: what is new goes through the derivative of phi, too.""",
            {"leak * slope": "leak"},
        ),
        "counted_once": Mistake(
            """Part of a step's factor is counted once for all steps. All of it comes in at every
            step.
            """,
            "return 1 - leak + leak * slope * np.linalg.norm(U, 2) ** steps",
            "return float(1 - leak + leak * np.linalg.norm(U, 2)) ** steps * slope",
            "return float(1 - leak + leak * slope) ** steps * np.linalg.norm(U, 2)",
            "return float(1 - leak + (leak * slope * np.linalg.norm(U, 2)) ** steps)",
        ),
        "slope_divides": Mistake(
            """Here the slope divides. A flat phi makes a gradient smaller.""",
            {"slope * np.linalg.norm(U, 2)": "np.linalg.norm(U, 2) / slope"},
        ),
        "one_step_only": Mistake(
            """This bounds one step. The norm of a product is at most the product of the norms.""",
            {" ** steps": ""},
        ),
        "one_step_short": Mistake(
            """The exponent is one too small: try one step, from h[t] to h[t + 1].""",
            {"** steps": "** (steps - 1)"},
        ),
        "one_step_long": Mistake(
            """The exponent is one too large: try one step, from h[t] to h[t + 1].""",
            {"** steps": "** (steps + 1)"},
        ),
        "steps_added": Mistake(
            """The bounds of the steps are added. The Jacobians multiply; so do their bounds.""",
            {_BOUND: f"steps * ({_FACTOR})"},
        ),
        "frobenius": Mistake(
            """This is a bound, but not the best: it uses the Frobenius norm, the root of all
            squares, which is what `np.linalg.norm(U)` returns.

            It is no smaller than the largest factor by which U can stretch a vector.
            """,
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U)"},
        ),
        "row_or_column_sums": Mistake(
            """This uses the largest sum of absolute values in a row, or in a column, of U. These
            are norms, but they measure vectors otherwise.
            """,
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, np.inf)"},
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, 1)"},
        ),
        "kept_below_one": Mistake(
            """The bound is cut off at 1. It may be larger: then it permits a gradient to grow.""",
            {_BOUND: f"min(1.0, {_BOUND})"},
        ),
        "largest_entry_bounds": Mistake(
            """This uses the largest entry of U. Many small entries together can stretch a vector
            more.
            """,
            {"np.linalg.norm(U, 2)": "np.abs(U).max()"},
        ),
        "squared_singular_value": Mistake(
            """The root is missing: the eigenvalues of `U.T @ U` are the squares of the singular
            values.
            """,
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, 2) ** 2"},
        ),
        "smallest_singular_value": Mistake(
            """This uses the smallest singular value, by which U stretches a vector at least.""",
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, -2)"},
        ),
    },
)
