"""The exercise ``lstm.cell_parts``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, Array, Array, Array]

_rng = np.random.default_rng(0)


def cell_parts(i: Array, f: Array, g: Array, c_0: Array) -> Array:
    """Say what the last cell state is made of, by when it was written.

    i, f and g have shape (T, H), c_0 has shape (H,); i[t - 1] is the input
    gate of step t = 1, ..., T. Return shape (T + 1, H): row 0 holds what is
    left of c_0 in c_T, row t what is left of what step t has written.
    """
    parts = np.vstack([c_0, i * g])
    for t, gate in enumerate(f, start=1):
        parts[:t] *= gate
    return parts


def _backwards(i: Array, f: Array, g: Array, c_0: Array) -> Any:
    left = np.ones_like(c_0)
    rows = []
    for t in reversed(range(len(f))):
        rows.append(left * i[t] * g[t])
        left = left * f[t]
    rows.append(left * c_0)
    return np.array(rows[::-1])


def _cumulated(i: Array, f: Array, g: Array, c_0: Array) -> Any:
    after = np.concatenate([f, np.ones_like(f[:1])])
    left = np.cumprod(after[::-1], axis=0)[::-1]
    return left * np.concatenate([c_0[None], i * g])


def _products(i: Array, f: Array, g: Array, c_0: Array) -> Array:
    written = [c_0, *(i * g)]
    return np.stack([each * f[k:].prod(axis=0) for k, each in enumerate(written)])


def _torch(*args: Array) -> Any:
    import torch

    i, f, g, c_0 = map(torch.from_numpy, args)
    written = torch.cat([c_0[None], i * g]).requires_grad_()
    c = written[0]
    for t in range(len(f)):
        c = f[t] * c + written[t + 1]
    (left,) = torch.autograd.grad(c.sum(), written)
    return left * written.detach()


def _adds_up(result: Array, i: Array, f: Array, g: Array, c_0: Array) -> bool:
    """The rows should add up to c_T, the last state. Yours do not."""
    c = c_0
    for k in range(len(f)):
        c = f[k] * c + i[k] * g[k]
    scale = np.abs(result).max(initial=1e-300)
    return np.allclose(result.sum(axis=0), c, rtol=1e-4, atol=1e-4 * scale)


def _last_row_is_whole(result: Array, i: Array, f: Array, g: Array, c_0: Array) -> bool:
    """The rows add up to c_T. But the last is not what step T has written, all of it."""
    return np.allclose(result[-1], i[-1] * g[-1], rtol=1e-4)


def _case(T: int, H: int, low: float = 0.3) -> Arrays:
    i, f = np.round(_rng.uniform(low, 1, size=(2, T, H)), 2)
    g = np.round(np.tanh(numbers(_rng, T, H)), 2).astype(float)
    return i, f, g, numbers(_rng, H)


def _with(case: Arrays, *, i: Any = None, f: Any = None, c_0: Any = None) -> Arrays:
    given = dict(zip("ifgc", case, strict=True))
    changes = {"i": i, "f": f, "c": c_0}
    for name, value in changes.items():
        if value is not None:
            given[name] = np.broadcast_to(value, given[name].shape).astype(float)
    return given["i"], given["f"], given["g"], given["c"]


_READABLE: Arrays = (
    np.array([[0.5, 1.0], [0.2, 0.6], [0.9, 0.4]]),
    np.array([[0.5, 0.9], [0.8, 0.2], [0.4, 0.7]]),
    np.array([[0.6, -0.5], [-0.8, 0.3], [0.2, 0.9]]),
    np.array([2.0, -1.0]),
)
_SHUT = np.array([[0.5, 0.0], [1.0, 0.8], [0.0, 0.7]])

EXERCISE = Exercise(
    cell_parts,
    cases=[
        _READABLE,
        _case(1, 1),
        _case(6, 3),
        _with(_case(4, 2), f=1.0),  # nothing is forgotten, as in 1997
        _case(6, 3),
        _with(_READABLE, f=_SHUT),
        _with(_case(4, 2), c_0=0.0),
        _with(_case(3, 4), i=0.0),
        _with(_case(5, 2), c_0=-1e5),
        _with(_case(5, 2), c_0=1e-7, i=1e-6),
        _with(_case(3, 3), f=0.0),
        _case(4, 4),
        _case(33, 5, low=0.9),
        _with(_case(2, 4), f=1e-6),
    ],
    alternatives=[_backwards, _cumulated, _products, _torch],
    properties=[_adds_up, _last_row_is_whole],
    mistakes={
        "states": Mistake(
            """These are the states themselves, c_0 to c_T. Asked for is what the last of them is
            made of.
            """,
            """
            rows = [c_0]
            for k in range(len(f)):
                rows.append(f[k] * rows[-1] + i[k] * g[k])
            return np.array(rows)
            """,
        ),
        "nothing_forgotten": Mistake(
            """This is what each step has written, whole. The gates of later steps have let go of
            part of it.
            """,
            "return np.vstack([c_0, i * g])",
        ),
        "next_gate_only": Mistake(
            """Each row meets the forget gate of one step alone, and then nothing more. It meets
            those of all later steps.
            """,
            "return np.vstack([c_0 * f[0], i[:-1] * g[:-1] * f[1:], i[-1:] * g[-1:]])",
        ),
        "own_gate_too": Mistake(
            """There is one forget gate too many: step t's own gate acts on what was there before
            step t wrote.
            """,
            {"parts[:t] *= gate": "parts[: t + 1] *= gate"},
            "return np.vstack([c_0, i * g]) * np.stack([f[max(k - 1, 0):].prod(0) "
            "for k in range(len(f) + 1)])",
        ),
        "one_gate_missing": Mistake(
            """There is one forget gate missing: the first that acts on what a step has written is
            that of the very next step.
            """,
            {"parts[:t] *= gate": "parts[: t - 1] *= gate"},
        ),
        "gates_before": Mistake(
            """Each row has the forget gates of the steps before it. What was written at a step
            meets those of the steps after.
            """,
            """
            before = np.cumprod(np.vstack([np.ones_like(c_0), f]), axis=0)
            return before * np.vstack([c_0, i * g])
            """,
        ),
        "all_gates_on_all": Mistake(
            """Every row has all forget gates. What was written late has met few of them.""",
            {"parts[:t] *= gate": "parts *= gate"},
        ),
        "rows_turned_round": Mistake(
            """The rows are in the order of a sweep from the last step to the first. Row 0 is for
            c_0.
            """,
            "return solution(i, f, g, c_0)[::-1]",
        ),
        "first_state_at_the_end": Mistake(
            """What is left of c_0 stands in the last row. It belongs in row 0.""",
            "return np.roll(solution(i, f, g, c_0), -1, axis=0)",
        ),
        "first_state_left_out": Mistake(
            """The row for c_0 is missing, or 0. What the cell held before the first step is a part
            of the last state, too.
            """,
            "return solution(i, f, g, c_0)[1:]",
            "return solution(i, f, g, 0 * c_0)",
        ),
        "first_state_whole": Mistake(
            """Row 0 is c_0 as it was. All forget gates have acted on it since.""",
            "return np.vstack([c_0, solution(i, f, g, c_0)[1:]])",
        ),
        "share_of_the_derivative": Mistake(
            """These are the derivatives of c_T by each state before, without what was written. How
            much of it was there?
            """,
            "return solution(np.ones_like(i), f, np.ones_like(g), np.ones_like(c_0))",
        ),
        "input_gate_missing": Mistake(
            """The input gate is missing: what a step writes is not all of its candidate.""",
            {"i * g": "g"},
        ),
        "candidate_missing": Mistake(
            """The candidate is missing: the input gate says how much of it is written.""",
            {"i * g": "i"},
        ),
        "divided_by_what_came_before": Mistake(
            """The product of all gates is divided by that of the first ones. A shut gate makes that
            0 / 0.
            """,
            """
            first = np.cumprod(np.vstack([np.ones_like(c_0), f]), axis=0)
            with np.errstate(all="ignore"):
                return first[-1] / first * np.vstack([c_0, i * g])
            """,
        ),
        "gates_added_up": Mistake(
            """The forget gates are added. One step after another takes its share of what is left:
            they multiply.
            """,
            """
            later = np.stack([f[k:].sum(axis=0) for k in range(len(f))] + [np.ones_like(c_0)])
            return later * np.vstack([c_0, i * g])
            """,
        ),
        "mean_gate": Mistake(
            """Each row has a power of the mean gate. The product of numbers is not a power of their
            mean.
            """,
            "return solution(i, np.broadcast_to(f.mean(axis=0), f.shape), g, c_0)",
        ),
        "changes_of_the_state": Mistake(
            """These are the changes of the state from step to step. They add up to c_T too, but a
            change is what was written less what was let go of.
            """,
            """
            rows, c = [c_0], c_0
            for k in range(len(f)):
                rows.append(f[k] * c + i[k] * g[k] - c)
                c = c + rows[-1]
            return np.array(rows)
            """,
        ),
        "all_that_is_lost_in_one": Mistake(
            """All that was let go of is taken from row 0, so that the rows add up. Each row has
            lost its own share.
            """,
            """
            last = solution(i, f, g, c_0).sum(axis=0)
            return np.vstack([last - (i * g).sum(axis=0), i * g])
            """,
        ),
        "cells_multiplied": Mistake(
            """The gates of all cells are multiplied together. Along the line nothing gets from one
            cell to another.
            """,
            """
            left = np.array([f[k:].prod() for k in range(len(f) + 1)])
            return left[:, None] * np.vstack([c_0, i * g])
            """,
        ),
        "what_is_lost": Mistake(
            """Each step multiplies by 1 - f, what it forgets. What it keeps is f.""",
            "return solution(i, 1 - f, g, c_0)",
        ),
        "coupled": Mistake(
            """What is kept is taken to be 1 - i. This cell has a forget gate of its own.""",
            "return solution(i, 1 - i, g, c_0)",
        ),
        "forget_gate_only": Mistake(
            """Where the forget gate stands, an input gate stands, or the other way round: f keeps,
            and i writes.
            """,
            "return solution(f, i, g, c_0)",
        ),
        "squashed": Mistake(
            """These have been squashed by a tanh. That is done to what is shown: c itself is a
            plain sum.
            """,
            "return np.tanh(solution(i, f, g, c_0))",
            "return solution(i, f, np.tanh(g), c_0)",
        ),
        "gates_squashed_again": Mistake(
            """The gates are squashed once more. They hold what the logistic function has made
            already.
            """,
            "return solution(1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), g, c_0)",
            "return solution(1 / (1 + np.exp(-i)), 1 / (1 + np.exp(-f)), np.tanh(g), c_0)",
        ),
        "shares_of_one": Mistake(
            """The rows are shares that add up to 1. Asked for are the parts themselves, which add
            up to c_T.
            """,
            """
            parts = solution(i, f, g, c_0)
            with np.errstate(all="ignore"):
                return parts / parts.sum(axis=0)
            """,
        ),
        "running_sum": Mistake(
            """The parts are added up from row to row. Each row should hold its own part alone.""",
            "return np.cumsum(solution(i, f, g, c_0), axis=0)",
        ),
        "last_state": Mistake(
            """This is the last state itself, one row. There are T + 1 parts in it.""",
            "return solution(i, f, g, c_0).sum(axis=0)",
        ),
        "written_into_the_arrays": Mistake(
            """An array that you were given is changed. Make new ones.""",
            """
            g *= i
            for t in range(1, len(f)):
                g[:t] *= f[t]
            return np.vstack([c_0 * f.prod(axis=0), g])
            """,
        ),
    },
)
