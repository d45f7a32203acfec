"""The exercise ``gradients.norm_bound``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def norm_bound(U: Array, slope: float, steps: int) -> float:
    """Bound the norm of the Jacobian of h[t + steps] by h[t].

    U has shape (H, H); slope bounds the derivative of phi; steps is at least 1. The states
    are not known. Return a number.
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


def radius_of(U: Array) -> float:
    return float(np.abs(np.linalg.eigvals(U)).max())


def _no_less_than_for_a_straight_line(result: Any, U: Array, slope: float, steps: int) -> bool:
    """Your bound is broken by the straight line phi(a) = slope * a: its gradient is longer."""
    power = np.linalg.matrix_power(slope * U, steps)
    return bool(result >= np.linalg.norm(power, 2) * (1 - 1e-5))


_BOUND = "float(slope * np.linalg.norm(U, 2)) ** steps"

EXERCISE = Exercise(
    norm_bound,
    cases=[
        (np.array([[1.0, 4.0], [0.0, -2.0]]), 0.25, 3),
        (numbers(_rng, 3, 3), 1.0, 5),
        (numbers(_rng, 4, 4, scale=0.5), 0.5, 1),
        (np.array([[-3.0]]), 0.25, 8),
        (np.array([[2.0, 2.0], [-2.0, -2.0]]), 1.0, 2),  # its square is 0
        (numbers(_rng, 3, 3), 0.9, 5),
        (numbers(_rng, 6, 6, scale=0.3), 1.0, 31),
        (10 * np.eye(4), 1.0, 3),
        (np.zeros((2, 2)), 1.0, 4),
        (1e-3 * numbers(_rng, 5, 5), 0.25, 2),
    ],
    alternatives=[_bound_by_svd, _bound_looped, _bound_torch],
    properties=[_no_less_than_for_a_straight_line],
    mistakes={
        "bound_by_spectral_radius": Mistake(
            """This uses the spectral radius, the largest absolute eigenvalue. That is no bound.

            A matrix can stretch a vector by more than its eigenvalues say: by its largest
            singular value, `np.linalg.norm(U, 2)`. The spectral radius rules the powers of one
            matrix in the long run: a linear network, and not its first steps.
            """,
            {_BOUND: "(slope * radius_of(U)) ** steps"},
            "return (slope * max(abs(np.linalg.eigvals(U)))) ** steps",
        ),
        "slope_forgotten": Mistake(
            """The slope is missing: each step goes through the derivative of phi, too.

            A step's Jacobian is diag(phi') U, and its norm is at most `slope` times that of U.
            """,
            {"slope * ": ""},
        ),
        "slope_once": Mistake(
            """The slope is counted once. It comes in at every step.

            Each of the `steps` factors is at most `slope` times the largest singular value.
            """,
            {_BOUND: "slope * np.linalg.norm(U, 2) ** steps"},
        ),
        "norm_once": Mistake(
            """The norm of U is counted once. It comes in at every step, as the slope does.""",
            "return solution(U, 1.0, 1) * slope**steps",
        ),
        "slope_divides": Mistake(
            """Here the slope divides. A flat phi makes a gradient smaller: multiply by it.

            1 / slope is the size that the largest singular value must stay below for the
            gradient to vanish.
            """,
            {"slope * np.linalg.norm(U, 2)": "np.linalg.norm(U, 2) / slope"},
        ),
        "bound_one_step_only": Mistake(
            """This bounds one step. Over `steps` of them the bounds multiply.

            The norm of a product is at most the product of the norms.
            """,
            {" ** steps": ""},
        ),
        "bound_one_step_short": Mistake(
            """The exponent is one too small.

            From h[t] to h[t + d] there are d steps, each with its own Jacobian: try d = 1.
            """,
            {"** steps": "** (steps - 1)"},
        ),
        "bound_one_step_long": Mistake(
            """The exponent is one too large.

            From h[t] to h[t + d] there are d steps, each with its own Jacobian: try d = 1.
            """,
            {"** steps": "** (steps + 1)"},
        ),
        "bounds_added": Mistake(
            """The bounds of the steps are added. The Jacobians multiply; so do their bounds.""",
            {_BOUND: "steps * slope * np.linalg.norm(U, 2)"},
        ),
        "frobenius": Mistake(
            """This is a bound, but not the best: it uses the Frobenius norm, the root of all
            squares.

            `np.linalg.norm(U)` of a matrix is that one. The largest factor by which U can
            stretch a vector is its largest singular value: `np.linalg.norm(U, 2)`.
            """,
            {_BOUND: "float(slope * np.linalg.norm(U)) ** steps"},
            "return (slope * np.linalg.norm(U)) ** steps",
        ),
        "row_or_column_sums": Mistake(
            """This uses the largest sum of absolute values in a row, or in a column, of U.

            `np.linalg.norm(U, np.inf)` and `np.linalg.norm(U, 1)` are norms, but they measure
            vectors otherwise. The largest singular value is `np.linalg.norm(U, 2)`.
            """,
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, np.inf)"},
            {"np.linalg.norm(U, 2)": "np.linalg.norm(U, 1)"},
        ),
        "kept_below_one": Mistake(
            """The bound is cut off at 1. It may be larger: then it permits a gradient that grows.

            That it is larger does not say that the gradient grows; but it must hold if it does.
            """,
            {_BOUND: f"min(1.0, {_BOUND})"},
        ),
        "largest_entry_bounds": Mistake(
            """This uses the largest entry of U. Many small entries together can stretch a vector
            more.

            The largest factor by which U can stretch a vector is its largest singular value,
            `np.linalg.norm(U, 2)`.
            """,
            {_BOUND: "float(slope * np.abs(U).max()) ** steps"},
        ),
        "squared_singular_value": Mistake(
            """The root is missing: the eigenvalues of `U.T @ U` are the squares of the singular
            values.
            """,
            {_BOUND: "float(slope * np.linalg.norm(U, 2) ** 2) ** steps"},
            "return (slope * np.linalg.eigvalsh(U.T @ U).max()) ** steps",
        ),
        "smallest_singular_value": Mistake(
            """This uses the smallest singular value. A bound needs the largest.

            By the smallest, U stretches a vector at least. `np.linalg.svd` returns the largest
            first.
            """,
            {_BOUND: "float(slope * np.linalg.norm(U, -2)) ** steps"},
        ),
        "power_before_norm": Mistake(
            """This is the norm of the power, and it holds for a straight line phi only.

            Between two factors U stands a diagonal matrix of slopes, another one at each step.
            It can undo the cancellation that makes the norm of U ** d small. Take the norm
            first, then the power.
            """,
            """
            power = np.linalg.matrix_power(slope * U, steps)
            return float(np.linalg.norm(power, 2))
            """,
            """
            J = slope * U
            product = np.eye(len(U))
            for _ in range(steps):
                product = J @ product
            return np.linalg.norm(product, ord=2)
            """,
        ),
    },
)
