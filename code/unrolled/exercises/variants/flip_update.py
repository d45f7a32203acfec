"""The exercise ``variants.flip_update``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]

_rng = np.random.default_rng(0)


def flip_update(W: Array, U: Array, b: Array) -> Arrays:
    """Turn a GRU whose z keeps into one whose z writes: (W, U, b).

    Rows are stacked r, z, n. Return new arrays.
    """
    H = len(b) // 3
    sign = np.ones(3 * H)
    sign[H : 2 * H] = -1
    return sign[:, None] * W, sign[:, None] * U, sign * b


def _copies(W: Array, U: Array, b: Array) -> Any:
    flipped = []
    for each in (W, U, b):
        r, z, n = np.split(each, 3)
        flipped.append(np.concatenate([r, -z, n]))
    return tuple(flipped)


def _einsum(W: Array, U: Array, b: Array) -> Any:
    sign = np.array([1, -1, 1])
    return tuple(
        np.einsum("g,gk->gk", sign, each.reshape(3, -1)).reshape(each.shape) for each in (W, U, b)
    )


def _torch(W: Array, U: Array, b: Array) -> Any:
    import torch

    flipped = [torch.tensor(each) for each in (W, U, b)]
    for each in flipped:
        each[len(each) // 3 : 2 * len(each) // 3].neg_()
    return tuple(flipped)


def _leaves_r_and_n(result: Arrays, W: Array, U: Array, b: Array) -> bool:
    """Rows of r or of n have changed: the first H rows, or the last H.

    Both mean the same in both kinds of GRU. Leave them as they are; rows H to 2H are those of z.
    """
    H = len(b) // 3
    others = np.r_[:H, 2 * H : 3 * H]
    pairs = zip(result, (W, U, b), strict=True)
    return all(np.allclose(new[others], old[others], rtol=1e-5, atol=0) for new, old in pairs)


def _computes_the_same(result: Arrays, W: Array, U: Array, b: Array) -> bool:
    """Let both GRUs take a step, from one x and one h: they should get to the same h.

    Yours do not. What has to become of z, so that 1 - z is what z was?
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


def _case(inputs: int, hidden: int) -> Arrays:
    return (
        numbers(_rng, 3 * hidden, inputs),
        numbers(_rng, 3 * hidden, hidden),
        numbers(_rng, 3 * hidden),
    )


def _scaled(inputs: int, hidden: int, scale: float) -> Arrays:
    """Draw numbers of all digits."""
    shapes = (3 * hidden, inputs), (3 * hidden, hidden), (3 * hidden,)
    return tuple(scale * _rng.normal(size=shape) for shape in shapes)


def _zeros(inputs: int, hidden: int) -> Arrays:
    return tuple(0 * each for each in _case(inputs, hidden))


_ROWS = "W, U and b have as many rows"


EXERCISE = Exercise(
    flip_update,
    cases=[
        _case(1, 2),
        _case(2, 1),
        _case(3, 4),
        _case(3, 4),
        _case(5, 3),
        _case(1, 1),
        _case(2, 11),
        _zeros(4, 2),
        _scaled(2, 3, 1e6),
        _scaled(2, 3, 1e-6),
    ],
    alternatives=[_copies, _einsum, _torch],
    properties=[_leaves_r_and_n, _computes_the_same],
    parts=("W", "U", "b"),
    equivalent={
        "H = len(b) // 3 -> H = len(U) // 3": _ROWS,
        "H = len(b) // 3 -> H = len(W) // 3": _ROWS,
    },
    mistakes={
        "flips_reset": Mistake(
            """These are the reset gate's rows, the first H. The update gate's are H to 2H.""",
            {"sign[H : 2 * H]": "sign[:H]"},
        ),
        "flips_candidate": Mistake(
            """These are the candidate's rows, the last H. The update gate's are H to 2H.""",
            {"sign[H : 2 * H]": "sign[2 * H :]"},
        ),
        "flips_all_gates": Mistake(
            """All rows are turned. Only z has changed its meaning: r and n should stay as they
            are.
            """,
            "return -W, -U, -b",
        ),
        "flips_both_gates": Mistake(
            """The reset gate is turned as well. It means the same in both kinds: turn the rows of
            z only.

            They are rows H to 2H.
            """,
            {"sign[H : 2 * H]": "sign[: 2 * H]"},
        ),
        "flips_candidate_too": Mistake(
            """The candidate is turned as well: its rows are the last H. It means the same in both
            kinds.

            Turn the rows of z only, H to 2H.
            """,
            {"sign[H : 2 * H]": "sign[H:]"},
        ),
        "flips_all_others": Mistake(
            """The rows of r and n are turned, and those of z are not. Turn those of z alone.""",
            {"np.ones(3 * H)": "-np.ones(3 * H)", "sign[H : 2 * H] = -1": "sign[H : 2 * H] = 1"},
        ),
        "flips_one_row": Mistake(
            """One row of z is turned, and there are H, one for each unit: rows H to 2H.""",
            {"sign[H : 2 * H]": "sign[H]"},
            {"sign[H : 2 * H]": "sign[H : 2 * H - 1]"},
        ),
        "flips_bias_only": Mistake(
            """Only the bias is turned. Then 1 - z comes out where x and h are 0, and nowhere else.

            sigmoid(-a) = 1 - sigmoid(a): all of a has to change its sign, W x and U h, too.
            """,
            {"sign[:, None] * W, sign[:, None] * U": "W.copy(), U.copy()"},
        ),
        "leaves_bias": Mistake(
            """b is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            {"sign * b": "b.copy()"},
        ),
        "leaves_recurrence": Mistake(
            """U is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            {"sign[:, None] * U": "U.copy()"},
        ),
        "leaves_input_weights": Mistake(
            """W is left as it was. All that z sees has to change its sign, W x + U h + b.""",
            {"sign[:, None] * W": "W.copy()"},
        ),
        "one_minus_weights": Mistake(
            """The weights of z are taken from 1. It is z itself that should become 1 - z.

            z is sigmoid(a), and 1 - sigmoid(a) = sigmoid(-a): turn the sign of a.
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
            H, W, U, b = len(b) // 3, W.copy(), U.copy(), b.copy()
            for each in (W, U, b):
                each[H : 2 * H] = 1 / each[H : 2 * H]
            return W, U, b
            """,
        ),
        "rows_swapped": Mistake(
            """The rows of z have changed places with others. It is the meaning of z that differs,
            not its place.

            z should become 1 - z, which is sigmoid(-a) of the same a.
            """,
            """
            parts = [np.split(each, 3) for each in (W, U, b)]
            return tuple(np.concatenate([z, r, n]) for r, z, n in parts)
            """,
            """
            parts = [np.split(each, 3) for each in (W, U, b)]
            return tuple(np.concatenate([r, n, z]) for r, z, n in parts)
            """,
        ),
        "every_third_row": Mistake(
            """Every third row is turned, as if the gates took turns. The rows of a gate stand
            together.

            Those of z are rows H to 2H.
            """,
            {"sign[H : 2 * H]": "sign[1::3]"},
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
            H = len(b) // 3
            for each in (W, U, b):
                each[H : 2 * H] *= -1
            return W, U, b
            """,
        ),
    },
)
