"""The exercise ``gradients.input_jacobians``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def input_jacobians(states: Array, W: Array, U: Array) -> Array:
    """Return the Jacobians of a tanh network's last state by its inputs.

    states has shape (T + 1, H) and holds h[0], ..., h[T], T at least 1; W is
    (H, I), U is (H, H). Return (T, H, I): entry [t - 1, i, j] is the
    derivative of h[T][i] by x[t][j].
    """
    found, product = [], np.eye(len(U))
    for h in states[:0:-1]:
        product = product * (1 - h**2)
        found.append(product @ W)
        product = product @ U
    return np.array(found[::-1])


def _forwards(states: Array, W: Array, U: Array) -> Array:
    found = np.zeros((len(states) - 1, *W.shape))
    for t, h in enumerate(states[1:]):
        found[t] = W
        found[: t + 1] = (1 - h**2)[:, None] * found[: t + 1]
        if t + 2 < len(states):
            found[: t + 1] = U @ found[: t + 1]
    return found


def _each_by_itself(states: Array, W: Array, U: Array) -> Array:
    T = len(states) - 1
    found = []
    for t in range(1, T + 1):
        jacobian = np.diag(1 - states[t] ** 2) @ W
        for s in range(t + 1, T + 1):
            jacobian = np.diag(1 - states[s] ** 2) @ U @ jacobian
        found.append(jacobian)
    return np.stack(found)


def _torch(states: Array, W: Array, U: Array) -> Any:
    import torch

    h, V, R = map(torch.from_numpy, (states, W, U))
    biases = h[1:].atanh() - h[:-1] @ R.T  # what they must have been, with inputs of 0

    def last(x: torch.Tensor) -> torch.Tensor:
        state = h[0]
        for each, bias in zip(x, biases, strict=True):
            state = torch.tanh(V @ each + R @ state + bias)
        return state

    zeros = torch.zeros(len(biases), V.shape[1], dtype=h.dtype)
    return torch.func.jacrev(last)(zeros).transpose(0, 1)


def _last_step_is_near(result: Array, states: Array, W: Array, U: Array) -> bool:
    """Look at the last entry, by the input of step T: no step follows, and it is wrong."""
    return np.allclose(result[-1], (1 - states[-1] ** 2)[:, None] * W, rtol=1e-4)


def _no_longer_than_its_factors(result: Array, states: Array, W: Array, U: Array) -> bool:
    """Some matrix stretches a vector by more than its factors can.

    Those of step t are W, and U for each later step, with slopes that are at most 1.
    """
    if not np.all(np.isfinite(result)):
        return False
    most = np.linalg.norm(W, 2) * np.linalg.norm(U, 2) ** np.arange(len(result))[::-1]
    return bool(np.all(np.linalg.norm(result, 2, axis=(1, 2)) <= most * (1 + 1e-5)))


def _case(T: int, I: int, H: int, scale: float = 1.0) -> tuple[Array, Array, Array]:  # noqa: E741
    return (
        np.tanh(numbers(_rng, T + 1, H)),
        numbers(_rng, H, I),
        numbers(_rng, H, H, scale=scale),
    )


_READABLE = (
    np.array([[0.5, -0.4], [0.0, 0.6], [0.8, -0.2], [-0.5, 0.9]]),
    np.array([[1.0, -0.5], [2.0, 3.0]]),
    np.array([[1.0, -2.0], [0.5, 1.5]]),
)

EXERCISE = Exercise(
    input_jacobians,
    cases=[
        _READABLE,
        (_READABLE[0], _READABLE[1][:, :1], _READABLE[2]),
        _case(6, 2, 3),
        _case(1, 3, 4),
        _case(2, 4, 1),
        _case(6, 2, 3),
        _case(4, 5, 5),
        _case(3, 3, 3),
        _case(31, 3, 2, scale=1.5),
        (np.zeros((3, 4)), numbers(_rng, 4, 2), 10 * numbers(_rng, 4, 4)),
        (0.9 * np.sign(numbers(_rng, 4, 5)), 10 * numbers(_rng, 5, 2), numbers(_rng, 5, 5)),
        (np.tanh(1e-4 * numbers(_rng, 3, 2)), numbers(_rng, 2, 3), 1e3 * numbers(_rng, 2, 2)),
    ],
    alternatives=[_forwards, _each_by_itself, _torch],
    properties=[_last_step_is_near, _no_longer_than_its_factors],
    equivalent={
        "found, product = ([], np.eye(len(U))) -> found, product = ([], np.eye(len(W)))": (
            "W has as many rows as U"
        ),
    },
    mistakes={
        "times_in_reverse": Mistake(
            """The matrices are right and stand in the order of the sweep, from the last step to the
            first. Entry 0 is for the first input.
            """,
            {"found[::-1]": "found"},
        ),
        "by_the_states": Mistake(
            """These are the Jacobians by the states, without W: those of h[T] by h[1] to h[T], or
            by what stands in the brackets. The inputs come in through W.
            """,
            {"found.append(product @ W)": "found.append(product)"},
            """
            found, product = [], np.eye(len(U))
            for h in states[:0:-1]:
                found.append(product)
                product = product * (1 - h**2) @ U
            return np.array(found[::-1])
            """,
            """
            found, product = [], np.eye(len(U))
            for h in states[:0:-1]:
                product = product * (1 - h**2) @ U
                found.append(product)
            return np.array(found[::-1])
            """,
        ),
        "own_slope_missing": Mistake(
            """Step t's own slopes are missing: x[t] also goes through the tanh of its own step.""",
            """
            found, product = [], np.eye(len(U))
            for h in states[:0:-1]:
                found.append(product @ W)
                product = product * (1 - h**2) @ U
            return np.array(found[::-1])
            """,
        ),
        "one_U_too_many": Mistake(
            """There is a U too many: x[t] comes in through W, and U multiplies at the steps after
            step t.
            """,
            {"product @ W": "product @ U @ W"},
        ),
        "own_step_only": Mistake(
            """These are the derivatives of each state by its own input. Asked for are those of the
            last state: the way leads on through all later steps.
            """,
            "return np.stack([(1 - h**2)[:, None] * W for h in states[1:]])",
        ),
        "first_input_only": Mistake(
            """Entry t is the derivative of h[t] by the first input. Asked for is that of h[T] by
            each input.
            """,
            """
            found, product = [], W
            for t, h in enumerate(states[1:]):
                product = (1 - h**2)[:, None] * (U @ product if t else product)
                found.append(product)
            return np.array(found)
            """,
        ),
        "order_of_factors": Mistake(
            """The factors stand in the wrong order. A change of x[t] meets step t + 1 first, and
            step T last: which of two matrices acts first on what stands to their right?
            """,
            """
            T, found = len(states) - 1, []
            for t in range(1, T + 1):
                jacobian = np.eye(len(U))
                for s in range(t + 1, T + 1):
                    jacobian = jacobian @ np.diag(1 - states[s] ** 2) @ U
                found.append(jacobian @ np.diag(1 - states[t] ** 2) @ W)
            return np.stack(found)
            """,
            """
            found, product = [], np.eye(len(U))
            for h in states[:0:-1]:
                found.append(product @ ((1 - h**2)[:, None] * W))
                product = (1 - h**2)[:, None] * U @ product
            return np.array(found[::-1])
            """,
            {"product = product @ U": "product = U @ product"},
        ),
        "summed_over_units": Mistake(
            """These are the derivatives of the sum of all units of h[T], or something of that kind:
            a vector for each step. Each unit of h[T] has derivatives of its own.
            """,
            "return solution(states, W, U).sum(axis=1)",
        ),
        "slopes_first": Mistake(
            """All slopes are multiplied first, or one step's slopes stand for all. Matrices do not
            change places: between two factors U stand the slopes of one step.
            """,
            """
            T, found = len(states) - 1, []
            J = (1 - states[T] ** 2)[:, None] * U
            for t in range(1, T + 1):
                own = (1 - states[t] ** 2)[:, None] * W
                found.append(np.linalg.matrix_power(J, T - t) @ own)
            return np.array(found)
            """,
            """
            T, found = len(states) - 1, []
            for t in range(1, T + 1):
                slopes = np.prod(1 - states[t:] ** 2, axis=0)
                found.append(slopes[:, None] * (np.linalg.matrix_power(U, T - t) @ W))
            return np.array(found)
            """,
        ),
        "slopes_on_the_wrong_side": Mistake(
            """The slopes scale the wrong side: the columns of U and W, or the rows of the product.

            Unit i's slope multiplies all that leads *into* unit i.
            """,
            """
            found, product = [], np.eye(len(U))
            for h in states[:0:-1]:
                found.append(product * (1 - h**2) @ W)
                product = product @ (U * (1 - h**2))
            return np.array(found[::-1])
            """,
        ),
        "U_transposed": Mistake(
            """U is transposed. The derivative of U h by h is U itself.""",
            {"product @ U": "product @ U.T"},
        ),
        "inputs_and_units_exchanged": Mistake(
            """Each matrix is the transpose of what is asked for: rows belong to the units of h[T],
            columns to the numbers in x[t].
            """,
            "return solution(states, W, U).swapaxes(1, 2)",
        ),
        "slopes_missing": Mistake(
            """The slopes of tanh are missing: these are the Jacobians of a linear network.""",
            {"product = product * (1 - h**2)": "pass"},
        ),
        "last_slopes_missing": Mistake(
            """The slopes of the last step are missing: the last state went through a tanh, too.""",
            "return solution(np.concatenate([states[:-1], 0 * states[-1:]]), W, U)",
        ),
        "slopes_of_the_state_before": Mistake(
            """The slopes are those of the state before: of h[t - 1], where step t made h[t].""",
            {"states[:0:-1]": "states[-2::-1]"},
        ),
        "slope_of_tanh_taken_at_h": Mistake(
            """The slope is taken at h, as if h were what goes into tanh. It is what comes out.""",
            {"1 - h**2": "1 - np.tanh(h) ** 2"},
        ),
        "slope_without_square": Mistake(
            """The slope of tanh lacks a square: it is the same for h and for -h.""",
            {"1 - h**2": "1 - h"},
        ),
        "slope_of_the_logistic": Mistake(
            """The slope h (1 - h) is that of the logistic function. The network has tanh.""",
            {"1 - h**2": "h * (1 - h)"},
        ),
        "entry_by_entry": Mistake(
            """Matrices are multiplied entry by entry. The way from a unit to a unit leads through
            every unit in between, and all these ways add up.
            """,
            {"product = product @ U": "product = product * U"},
        ),
        "first_step_left_out": Mistake(
            """The first input is left out: h[0] is the state before it, and the first that an input
            has made is h[1].
            """,
            {"states[:0:-1]": "states[:1:-1]"},
        ),
        "one_step_too_many": Mistake(
            """There is one matrix too many, one for h[0]. No input has made that.""",
            {"states[:0:-1]": "states[::-1]"},
        ),
        "added_up": Mistake(
            """The Jacobians of all steps are added up, as for a weight that acts at every step.
            Each input has its own.
            """,
            {"np.array(found[::-1])": "np.sum(found, axis=0)"},
        ),
    },
)
