"""The exercise ``lstm.cell_gradient``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def cell_gradient(f: Array) -> Array:
    """Say how the last cell state moves with each before it.

    f has shape (T, H); f[t - 1] is the forget gate of step t = 1, ..., T.
    Return shape (T + 1, H): row k, for k = 0, ..., T, holds the derivatives
    of c_T by c_k along the line, of each cell's by its own.
    """
    gradient = np.ones((len(f) + 1, f.shape[1]))
    for k in reversed(range(len(f))):
        gradient[k] = f[k] * gradient[k + 1]  # f[k] is the gate of step k + 1
    return gradient


def _cell_gradient_cumulated(f: Array) -> Array:
    after = np.concatenate([f, np.ones_like(f[:1])])
    return np.cumprod(after[::-1], axis=0)[::-1]


def _cell_gradient_products(f: Array) -> Array:
    return np.stack([f[k:].prod(axis=0) for k in range(len(f) + 1)])


def _cell_gradient_torch(f: Array) -> Any:
    import torch

    c = torch.zeros(f.shape[1], dtype=torch.float64, requires_grad=True)
    states = [c]
    for f_t in torch.from_numpy(f):
        states.append(f_t * states[-1] + 1)
    return torch.stack(torch.autograd.grad(states[-1].sum(), states))


def _last_row_is_one(result: Array, f: Array) -> bool:
    """The last row, for k = T, is how c_T moves with itself: its entries should be 1."""
    return np.allclose(result[-1], 1)


def _one_gate_from_row_to_row(result: Array, f: Array) -> bool:
    """From row k + 1 to row k there is one step: row k should be f_{k+1} times row k + 1.

    In Python, f_{k+1} is `f[k]`.
    """
    return np.allclose(result[:-1], f * result[1:], rtol=1e-4)


EXERCISE = Exercise(
    cell_gradient,
    cases=[
        (np.array([[0.5, 0.9], [0.8, 0.2], [0.4, 1.0]]),),
        (np.array([[0.25]]),),
        (np.round(_rng.uniform(0.3, 1, size=(6, 3)), 2),),
        (np.ones((4, 2)),),
        (np.round(_rng.uniform(0.3, 1, size=(6, 3)), 2),),
        (np.array([[0.5, 0.0], [1.0, 0.8], [0.0, 0.7]]),),  # gates that are shut
        (np.round(_rng.uniform(0.9, 1, size=(33, 5)), 3),),
        (np.full((2, 4), 1e-6),),
    ],
    alternatives=[_cell_gradient_cumulated, _cell_gradient_products, _cell_gradient_torch],
    properties=[_last_row_is_one, _one_gate_from_row_to_row],
    mistakes={
        "from_the_start": Mistake(
            """Row k holds the product of the first k gates: the derivative of c_k by c_0.

            Asked for is that of c_T by c_k. Between them lie the gates of steps k + 1 to T.
            """,
            "return np.cumprod(np.concatenate([np.ones_like(f[:1]), f]), axis=0)",
            """
            rows = [np.ones(f.shape[1])]
            for f_t in f:
                rows.append(rows[-1] * f_t)
            return np.array(rows)
            """,
        ),
        "rows_turned_round": Mistake(
            """The rows are in the order of the sweep, from the last step to the first.

            Row 0 is for c_0, which is the farthest from c_T, and row T for c_T itself. Turn
            them round: `[::-1]`.
            """,
            "return solution(f)[::-1]",
            """
            rows = [np.ones(f.shape[1])]
            for f_t in f[::-1]:
                rows.append(rows[-1] * f_t)
            return np.array(rows)
            """,
        ),
        "one_gate_too_many": Mistake(
            """There is one gate too many: row k takes in f_k, which acts on c_{k-1}, before c_k
            was there.

            From c_k to c_T the gates are f_{k+1} to f_T. In Python f_{k+1} is `f[k]`.
            """,
            "return np.stack([f[max(k - 1, 0) :].prod(axis=0) for k in range(len(f) + 1)])",
        ),
        "one_gate_too_many_and_none_at_0": Mistake(
            """There is one gate too many: row k takes in f_k, which acts on c_{k-1}, before c_k
            was there.

            From c_k to c_T the gates are f_{k+1} to f_T. In Python f_{k+1} is `f[k]`; and for k
            = 0, `f[k - 1]` is no error: it is the last gate.
            """,
            "return np.stack([f[k - 1 :].prod(axis=0) for k in range(len(f) + 1)])",
            """
            T = len(f)
            return np.array([np.prod(f[k - 1 : T], axis=0) for k in range(T + 1)])
            """,
        ),
        "one_at_the_wrong_end": Mistake(
            """The row of ones is at the top. It belongs at the end: c_T moves with itself, by 1.

            Row 0 is for c_0 and has all the gates in it.
            """,
            "return np.concatenate([np.ones_like(f[:1]), solution(f)[:-1]])",
            """
            return np.concatenate([np.ones((1, f.shape[1])), np.cumprod(f[::-1], axis=0)[::-1]])
            """,
        ),
        "one_gate_missing": Mistake(
            """There is one gate missing: row k should begin with f_{k+1}, the gate that acts on
            c_k.

            In Python that is `f[k]`, because `f[0]` is f_1.
            """,
            "return np.stack([f[k + 1 :].prod(axis=0) for k in range(len(f) + 1)])",
            """
            T = len(f)
            return np.array([np.prod(f[k + 1 : T], axis=0) for k in range(T + 1)])
            """,
        ),
        "divided_by_what_came_before": Mistake(
            """The product of all gates is divided by that of the first k. A shut gate makes 0 / 0.

            Gates may be 0. Multiply what is needed, the gates of steps k + 1 to T, and divide
            by nothing.
            """,
            """
            first = np.cumprod(np.concatenate([np.ones_like(f[:1]), f]), axis=0)
            return first[-1] / first
            """,
        ),
        "one_array_in_all_rows": Mistake(
            """All rows are one and the same array, as it is at the end.

            `product *= f_t` changes the array itself, in all places where it stands already.
            `product = product * f_t` makes a new one.
            """,
            """
            product = np.ones(f.shape[1])
            rows = [product]
            for f_t in f[::-1]:
                product *= f_t
                rows.append(product)
            return np.array(rows)[::-1]
            """,
        ),
        "gates_added_up": Mistake(
            """The gates are added. One step after another multiplies: the chain rule makes a
            product.
            """,
            "return np.stack([f[k:].sum(axis=0) for k in range(len(f) + 1)])",
        ),
        "next_step_only": Mistake(
            """Row k is the derivative of c_{k+1} by c_k: one step. It should go on to c_T.

            Each later step multiplies by its own gate.
            """,
            "return np.concatenate([f, np.ones_like(f[:1])])",
        ),
        "one_gate_for_all": Mistake(
            """Row k is a power of f_{k+1} alone, as if the gate stayed as it is from then on.

            Each step has a gate of its own: take the product of all of them.
            """,
            """
            return np.stack([*(f[k] ** (len(f) - k) for k in range(len(f))), np.ones(f.shape[1])])
            """,
        ),
        "mean_gate": Mistake(
            """Row k is a power of the mean gate. The product of numbers is not a power of their
            mean.

            One shut gate on the way makes the whole product nearly 0, whatever the others are.
            """,
            "return np.stack([f.mean(axis=0) ** (len(f) - k) for k in range(len(f) + 1)])",
        ),
        "cells_multiplied": Mistake(
            """The gates of all cells are multiplied together: `axis=0` is missing.

            Along the cells alone nothing gets from one to another. Each has its own product,
            over time.
            """,
            "return np.stack([np.full(f.shape[1], f[k:].prod()) for k in range(len(f) + 1)])",
        ),
        "what_is_lost": Mistake(
            """This multiplies 1 - f_t, what a step forgets. What it keeps is f_t: a gate at 1
            keeps all.
            """,
            "return solution(1 - f)",
        ),
        "squashed_again": Mistake(
            """The gates are squashed once more. f holds what the logistic function has made
            already.
            """,
            "return solution(1 / (1 + np.exp(-f)))",
        ),
        "slope_of_the_gate": Mistake(
            """The factors are f * (1 - f), the slope of the logistic function.

            That belongs to a change of what the gate sees. Here c changes and the gate is a
            constant: c_t = f_t * c_{t-1} + ... has the slope f_t.
            """,
            "return solution(f * (1 - f))",
        ),
        "only_the_first_state": Mistake(
            """This is row 0 alone, the derivatives by c_0. There is a row for each k, 0 to T.""",
            """
            product: Array = f.prod(axis=0)
            return product
            """,
            "return np.prod(f, axis=0)",
        ),
        "without_the_last_state": Mistake(
            """The last row is missing. There are T + 1 states, c_0 to c_T; by itself c_T moves by
            1.
            """,
            "return solution(f)[:-1]",
            "return np.array([np.prod(f[k:], axis=0) for k in range(len(f))])",
            "return np.cumprod(f[::-1], axis=0)[::-1]",
        ),
    },
)
