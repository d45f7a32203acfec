"""The exercise ``gradients.jacobian_product``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.gradients.norm_bound import norm_bound
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def jacobian_product(states: Array, U: Array) -> Array:
    """Return the Jacobian of the last state of a tanh network by its first.

    states has shape (T + 1, H) and holds h[0], ..., h[T], T at least 1; U is (H, H).
    Return (H, H): row i, column j is the derivative of h[T][i] by h[0][j].
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


def _no_longer_than_its_factors(result: Array, states: Array, U: Array) -> bool:
    """Your matrix stretches more than `np.linalg.norm(U, 2) ** T`. No product of T factors can.

    The slopes of tanh are at most 1.
    """
    if not np.all(np.isfinite(result)):
        return False
    bound = norm_bound(U, 1.0, len(states) - 1)
    return bool(np.linalg.norm(result, 2) <= bound * (1 + 1e-5))


EXERCISE = Exercise(
    jacobian_product,
    cases=[
        (
            np.array([[0.5, -0.4], [0.0, 0.6], [0.8, -0.2], [-0.5, 0.9]]),
            np.array([[1.0, -2.0], [0.5, 1.5]]),
        ),
        (np.tanh(numbers(_rng, 7, 3)), numbers(_rng, 3, 3)),
        (np.tanh(numbers(_rng, 2, 4)), numbers(_rng, 4, 4)),
        (np.tanh(numbers(_rng, 5, 1)), numbers(_rng, 1, 1)),
        (np.tanh(numbers(_rng, 7, 3)), numbers(_rng, 3, 3)),
        (np.tanh(numbers(_rng, 32, 2)), numbers(_rng, 2, 2, scale=1.5)),
        (np.zeros((3, 4)), 10 * numbers(_rng, 4, 4)),
        (0.9 * np.sign(numbers(_rng, 4, 5)), numbers(_rng, 5, 5)),
        (np.tanh(1e-4 * numbers(_rng, 3, 2)), 1e3 * numbers(_rng, 2, 2)),
    ],
    alternatives=[_jacobian_multi_dot, _jacobian_row_by_row, _jacobian_torch],
    properties=[_no_longer_than_its_factors],
    mistakes={
        "order_reversed": Mistake(
            """The factors stand in the wrong order: the first step's Jacobian belongs on the
            right.

            The product acts on a small change of h[0]. The first step meets it first, so each
            later Jacobian is multiplied from the left: `product = J @ product`.
            """,
            {"(1 - h**2)[:, None] * U @ product": "product @ ((1 - h**2)[:, None] * U)"},
            """
            product = np.eye(len(U))
            for h in states[1:]:
                product = product @ (np.diag(1 - h**2) @ U)
            return product
            """,
        ),
        "transposed": Mistake(
            """This is the transpose of what is asked for: rows and columns are exchanged.

            It is the matrix by which an error column is carried back. Here row i belongs to
            component i of the last state, column j to component j of the first.
            """,
            "return solution(states, U).T",
            """
            product = np.eye(len(U))
            for h in states[:0:-1]:
                product = U.T @ np.diag(1 - h**2) @ product
            return product
            """,
            """
            product = np.eye(len(U))
            for h in states[1:]:
                product = product @ U.T @ np.diag(1 - h**2)
            return product
            """,
        ),
        "slopes_on_the_right": Mistake(
            """The slopes stand on the wrong side of U: they scale its columns instead of its rows.

            tanh comes last, so the slope of unit i multiplies row i: `diag(1 - h**2) @ U`. In
            NumPy, `(1 - h**2) * U` scales columns; `(1 - h**2)[:, None] * U` scales rows.
            """,
            {"(1 - h**2)[:, None] * U": "(1 - h**2) * U"},
            """
            product = np.eye(len(U))
            for h in states[1:]:
                product = U @ np.diag(1 - h**2) @ product
            return product
            """,
        ),
        "slopes_on_the_product's_columns": Mistake(
            """The slopes scale the columns of the product. They belong to its rows.

            In NumPy, `s * A` scales columns and `s[:, None] * A` rows. Unit i of the new state
            is row i: `(1 - h**2)[:, None] * (U @ product)`.
            """,
            {"(1 - h**2)[:, None] * U @ product": "(1 - h**2) * (U @ product)"},
        ),
        "slopes_first": Mistake(
            """All slopes are multiplied first, and a power of U follows. Matrices do not change
            places.

            Between two factors U stand the slopes of that step: diag @ U @ diag @ U.
            """,
            """
            slopes = np.prod(1 - states[1:] ** 2, axis=0)
            return slopes[:, None] * np.linalg.matrix_power(U, len(states) - 1)
            """,
            """
            slopes = np.prod([np.diag(1 - h**2) for h in states[1:]], axis=0)
            return slopes @ np.linalg.matrix_power(U, len(states) - 1)
            """,
        ),
        "U_transposed": Mistake(
            """U is transposed. The derivative of U h by h is U itself: entry [i, j] leads from j
            to i.
            """,
            {"* U @": "* U.T @"},
        ),
        "begins_with_h0": Mistake(
            """There is one factor too many: h[0] has a Jacobian here, though no step led to it.

            From h[0] to h[T] there are T steps. Step t has the slopes of its own result, h[t],
            so only `states[1:]` are needed.
            """,
            {"states[1:]": "states"},
            """
            product = np.eye(len(U))
            for t in range(len(states)):
                product = np.diag(1 - states[t] ** 2) @ U @ product
            return product
            """,
        ),
        "last_step_missing": Mistake(
            """The last step is missing: the product ends at h[T - 1].

            From h[0] to h[T] there are T steps, with the slopes at h[1], ..., h[T].
            """,
            {"states[1:]": "states[1:-1]"},
        ),
        "first_step_missing": Mistake(
            """The first step is missing: this is the Jacobian by h[1].

            From h[0] to h[T] there are T steps, with the slopes at h[1], ..., h[T].
            """,
            {"states[1:]": "states[2:]"},
        ),
        "slopes_of_the_state_before": Mistake(
            """The slopes are those of the state before: of h[t - 1], where the step's result is
            h[t].

            h[t] = tanh(a) has the slope 1 - tanh(a)**2 = 1 - h[t]**2. Use `states[1:]`.
            """,
            {"states[1:]": "states[:-1]"},
        ),
        "slope_of_tanh_taken_at_h": Mistake(
            """The slope is taken at h, as if h were the pre-activation: tanh was applied once
            more.

            The states are results of tanh already: `1 - tanh(a)**2` is simply `1 - h**2`.
            """,
            {"1 - h**2": "1 - np.tanh(h) ** 2"},
        ),
        "slope_without_square": Mistake(
            """The square is missing: the slope of tanh is 1 - h**2, not 1 - h.""",
            {"1 - h**2": "1 - h"},
        ),
        "slope_of_the_logistic": Mistake(
            """The slope h (1 - h) is that of the logistic function. That of tanh is 1 - h**2.""",
            {"1 - h**2": "h * (1 - h)"},
        ),
        "no_slopes": Mistake(
            """The slopes are missing: this is a power of U, the Jacobian of a linear network.

            A step's Jacobian is `diag(1 - h[t]**2) @ U`.
            """,
            "return np.linalg.matrix_power(U, len(states) - 1)",
            "return np.linalg.matrix_power(U, len(states))",
        ),
        "entry_by_entry": Mistake(
            """The Jacobians are multiplied entry by entry. A chain of steps is a matrix product:
            `@`.

            The way from j to i leads through every unit in between, and all these ways are
            added up.
            """,
            "return np.prod([np.diag(1 - h**2) @ U for h in states[1:]], axis=0)",
        ),
        "entry_by_entry_from_the_identity": Mistake(
            """The Jacobians are multiplied entry by entry, so the zeros of the identity stay zero.

            A chain of steps is a matrix product: `@` in place of `*`.
            """,
            """
            product = np.eye(len(U))
            for h in states[1:]:
                product = np.diag(1 - h**2) @ U * product
            return product
            """,
        ),
        "jacobians_added": Mistake(
            """The Jacobians are added. Along a chain of steps they are multiplied.

            Sums over time come in when the *weights* are differentiated, for they are used at
            every step.
            """,
            "return np.sum([np.diag(1 - h**2) @ U for h in states[1:]], axis=0)",
        ),
    },
)
