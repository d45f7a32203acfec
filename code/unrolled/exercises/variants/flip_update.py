"""The exercise ``variants.flip_update``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled._validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


def flip_update(W: Array, U: Array, b: Array) -> Arrays:
    """Turn the weights of a GRU whose z keeps into those of one whose z writes.

    A GRU's rows are stacked r, z, n: W has shape (3H, I), U (3H, H), b (3H,). With
    z = sigmoid(...) from its rows, one kind of GRU has h_new = z * h + (1 - z) * n, the
    other has h_new = (1 - z) * h + z * n. Given the weights of one of the first kind,
    return (W, U, b) of one of the second kind that computes the same, for all inputs.
    Return new arrays.
    """
    H = len(b) // 3
    sign = np.ones(3 * H)
    sign[H : 2 * H] = -1
    return sign[:, None] * W, sign[:, None] * U, sign * b


def _flip_copies(W: Array, U: Array, b: Array) -> Any:
    flipped = []
    for each in (W, U, b):
        r, z, n = np.split(each, 3)
        flipped.append(np.concatenate([r, -z, n]))
    return tuple(flipped)


def _flip_einsum(W: Array, U: Array, b: Array) -> Any:
    sign = np.array([1, -1, 1])
    return tuple(
        np.einsum("g,gk->gk", sign, each.reshape(3, -1)).reshape(each.shape) for each in (W, U, b)
    )


def _flip_torch(W: Array, U: Array, b: Array) -> Any:
    import torch

    flipped = [torch.tensor(each) for each in (W, U, b)]
    for each in flipped:
        each[len(each) // 3 : 2 * len(each) // 3].neg_()
    return tuple(flipped)


def _turn(each: Array, gate: int, by: Callable[[Array], Array] = np.negative) -> Array:
    parts = np.split(each, 3)
    parts[gate] = by(parts[gate])
    return np.concatenate(parts)


def _computes_the_same(result: Arrays, W: Array, U: Array, b: Array) -> bool:
    """Let both GRUs take a step, from one x and one h: they should get to the same h.

    Yours do not.
    """
    x, h = np.linspace(-1, 1, W.shape[1])[None], np.linspace(1, -0.5, U.shape[1])[None]

    def step(weights: Arrays, keeps: bool) -> Any:
        W, U, b = weights
        (x_r, x_z, x_n), (U_r, U_z, U_n) = np.split(x @ W.T + b, 3, axis=1), np.split(U, 3)
        r, z = sigmoid(x_r + h @ U_r.T), sigmoid(x_z + h @ U_z.T)
        n = np.tanh(x_n + r * (h @ U_n.T))
        return z * h + (1 - z) * n if keeps else (1 - z) * h + z * n

    with np.errstate(all="ignore"):
        return np.allclose(step(result, keeps=False), step((W, U, b), keeps=True), rtol=1e-4)


def _flip_case(inputs: int, hidden: int) -> Arrays:
    return (
        numbers(_rng, 3 * hidden, inputs),
        numbers(_rng, 3 * hidden, hidden),
        numbers(_rng, 3 * hidden),
    )


_ROWS = "W, U and b have as many rows"


EXERCISE = Exercise(
    flip_update,
    cases=[_flip_case(2, 2), _flip_case(3, 4), _flip_case(1, 1), _flip_case(2, 3)],
    alternatives=[_flip_copies, _flip_einsum, _flip_torch],
    properties=[_computes_the_same],
    parts=("W", "U", "b"),
    equivalent={
        "H = len(b) // 3 -> H = len(U) // 3": _ROWS,
        "H = len(b) // 3 -> H = len(W) // 3": _ROWS,
    },
    mistakes={
        "flips_reset": Mistake(
            """These are the reset gate's rows, the first H. The update gate's are H to 2H.""",
            "return _turn(W, 0), _turn(U, 0), _turn(b, 0)",
            """
            H, W, U, b = len(b) // 3, W.copy(), U.copy(), b.copy()
            for each in (W, U, b):
                each[:H] = -each[:H]
            return W, U, b
            """,
        ),
        "flips_candidate": Mistake(
            """These are the candidate's rows, the last H. The update gate's are H to 2H.""",
            "return _turn(W, 2), _turn(U, 2), _turn(b, 2)",
        ),
        "flips_all_gates": Mistake(
            """All rows are turned. Only z has changed its meaning: r and n should stay as they
            are.
            """,
            "return -W, -U, -b",
            "return -W, -U, -b",
        ),
        "flips_both_gates": Mistake(
            """The reset gate is turned as well. It means the same in both kinds: turn the rows of
            z only.

            They are rows H to 2H.
            """,
            "return tuple(_turn(_turn(each, 0), 1) for each in (W, U, b))",
        ),
        "flips_bias_only": Mistake(
            """Only the bias is turned. Then 1 - z comes out where x and h are 0, and nowhere else.

            sigmoid(-a) = 1 - sigmoid(a): all of a has to change its sign, W x and U h, too.
            """,
            "return W.copy(), U.copy(), _turn(b, 1)",
            """
            H, b = len(b) // 3, b.copy()
            b[H : 2 * H] *= -1
            return W, U, b
            """,
        ),
        "leaves_bias": Mistake(
            """The bias is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            "return _turn(W, 1), _turn(U, 1), b.copy()",
            """
            H, W, U = len(b) // 3, W.copy(), U.copy()
            W[H : 2 * H] *= -1
            U[H : 2 * H] *= -1
            return W, U, b
            """,
        ),
        "leaves_recurrence": Mistake(
            """U is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            "return _turn(W, 1), U.copy(), _turn(b, 1)",
        ),
        "leaves_input_weights": Mistake(
            """W is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            "return W.copy(), _turn(U, 1), _turn(b, 1)",
        ),
        "one_minus_weights": Mistake(
            """The weights of z are taken from 1. It is z itself that should become 1 - z.

            z is sigmoid(a), and 1 - sigmoid(a) = sigmoid(-a): turn the sign of a.
            """,
            """
            def minus(part: Array) -> Array:
                return 1 - part

            return _turn(W, 1, minus), _turn(U, 1, minus), _turn(b, 1, minus)
            """,
            """
            H, W, U, b = len(b) // 3, W.copy(), U.copy(), b.copy()
            for each in (W, U, b):
                each[H : 2 * H] = 1 - each[H : 2 * H]
            return W, U, b
            """,
        ),
        "weights_upside_down": Mistake(
            """The weights of z are inverted, 1 / W. It is z that should become 1 - z.

            1 - sigmoid(a) = sigmoid(-a): turn the sign of a.
            """,
            """
            with np.errstate(all="ignore"):
                return tuple(_turn(each, 1, np.reciprocal) for each in (W, U, b))
            """,
        ),
        "gates_swapped": Mistake(
            """The rows of r and z have changed places. It is the meaning of z that differs, not
            its place.

            z should become 1 - z, which is sigmoid(-a) of the same a.
            """,
            """
            return tuple(np.concatenate([np.split(e, 3)[k] for k in (1, 0, 2)]) for e in (W, U, b))
            """,
        ),
        "every_third_row": Mistake(
            """Every third row is turned, as if the gates took turns. The rows of a gate stand
            together.

            Those of z are rows H to 2H.
            """,
            """
            sign = np.where(np.arange(len(b)) % 3 == 1, -1.0, 1.0)
            return sign[:, None] * W, sign[:, None] * U, sign * b
            """,
        ),
        "nothing_flipped": Mistake(
            """Nothing has changed. The two kinds take the same z for opposite things.

            z should become 1 - z, which is sigmoid(-a).
            """,
            "return W.copy(), U.copy(), b.copy()",
        ),
        "written_into_weights": Mistake(
            """The weights that you were given are changed: the GRU that they belong to is broken
            now.

            `W[H : 2 * H] *= -1` writes into the array itself. Work on copies: `W.copy()`.
            """,
            """
            for each in (W, U, b):
                each[:] = _turn(each, 1)
            return W, U, b
            """,
            """
            H = len(b) // 3
            for each in (W, U, b):
                each[H : 2 * H] *= -1
            return W, U, b
            """,
        ),
    },
)
