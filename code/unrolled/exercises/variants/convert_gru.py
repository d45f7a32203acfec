"""The exercise ``variants.convert_gru``."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._carried_grus import carried_grus
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def convert_gru(W: Array, U: Array, b_ih: Array, b_hh: Array) -> Arrays:
    """Turn another library's GRU into torch's: return (W, U, b_ih, b_hh).

    In the other, W has shape (I, 3H), U (H, 3H), both biases (3H,), gates in
    the order z, r, n, and z writes. In torch they have (3H, I), (3H, H) and
    (3H,), in the order r, z, n, and z keeps.
    """

    def turned(each: Array) -> Array:
        z, r, n = np.split(each.T, 3)
        return np.concatenate([r, -z, n])

    return turned(W), turned(U), turned(b_ih), turned(b_hh)


def _by_columns(W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    H = len(U)
    order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
    sign = np.repeat([1, -1, 1], H)
    return tuple((each[..., order] * sign).T for each in (W, U, b_ih, b_hh))


def _looped(W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    H, found = len(U), []
    for each in (W, U, b_ih, b_hh):
        new = np.zeros(each.shape[::-1])
        for k in range(H):
            new[k] = each[..., H + k]
            new[H + k] = -each[..., k]
            new[2 * H + k] = each[..., 2 * H + k]
        found.append(new)
    return found


def _torch(W: Array, U: Array, b_ih: Array, b_hh: Array) -> Any:
    import torch

    found = []
    for each in (W, U, b_ih, b_hh):
        z, r, n = torch.tensor(each).movedim(-1, 0).chunk(3)
        found.append(torch.cat([r, z.neg(), n]))
    return tuple(found)


def _steps(weights: Arrays, others: bool) -> Any:
    """Take a step with the other library's GRU, or with torch's, from one x and one h."""
    W, U, b_ih, b_hh = weights if not others else (each.T for each in weights)
    x, h = np.linspace(-1, 1, W.shape[1])[None], np.linspace(1, -0.5, U.shape[1])[None]
    seen, told = np.split(x @ W.T + b_ih, 3, axis=1), np.split(h @ U.T + b_hh, 3, axis=1)
    first, second = sigmoid(seen[0] + told[0]), sigmoid(seen[1] + told[1])
    r, keep = (second, 1 - first) if others else (first, second)
    return keep * h + (1 - keep) * np.tanh(seen[2] + r * told[2])


def _bias_by_bias(result: Arrays, *weights: Array) -> bool:
    """Look at the biases first, which need no turning: b_ih and b_hh are not right.

    Which gate stood where, which should stand there, and what has changed its meaning?
    """
    right = convert_gru(*weights)
    return all(np.allclose(result[k], right[k], rtol=1e-5) for k in (2, 3))


def _computes_the_same(result: Arrays, *weights: Array) -> bool:
    """Let both GRUs take a step, from one x and one h: they should get to the same h.

    Yours do not, though their biases agree. Look at W and U: what leads from where to where?
    """
    with np.errstate(all="ignore"):
        return np.allclose(_steps(result, False), _steps(weights, True), rtol=1e-4)


_ORDER = "np.concatenate([r, -z, n])"

EXERCISE = Exercise(
    convert_gru,
    cases=[(W, U, *biases) for W, U, biases in carried_grus()],
    alternatives=[_by_columns, _looped, _torch],
    properties=[_bias_by_bias, _computes_the_same],
    parts=("W", "U", "b_ih", "b_hh"),
    mistakes={
        "not_flipped": Mistake(
            """Each gate stands where it should, and z still writes. In torch an open z keeps.""",
            {_ORDER: "np.concatenate([r, z, n])"},
        ),
        "not_reordered": Mistake(
            """z is turned, but the gates are still in the order of the other library.""",
            {_ORDER: "np.concatenate([-z, r, n])"},
        ),
        "neither": Mistake(
            """The arrays are transposed, and that is all. The order of the gates differs too, and
            so does the meaning of z.
            """,
            {_ORDER: "np.concatenate([z, r, n])"},
        ),
        "flips_reset": Mistake(
            """The reset gate is turned in place of the update gate: after the reordering, or before
            it, other rows are those of z.
            """,
            {_ORDER: "np.concatenate([-r, z, n])"},
        ),
        "flips_candidate": Mistake(
            """The candidate is turned in place of the update gate. It means the same in both.""",
            {_ORDER: "np.concatenate([r, z, -n])"},
        ),
        "flips_all": Mistake(
            """All is turned, r and n too. Only z has changed its meaning.""",
            {_ORDER: "np.concatenate([-r, -z, -n])"},
        ),
        "flips_both_gates": Mistake(
            """The reset gate is turned as well. It means the same in both.""",
            {_ORDER: "np.concatenate([-r, -z, n])"},
        ),
        "flips_candidate_too": Mistake(
            """The candidate is turned as well. It means the same in both.""",
            {_ORDER: "np.concatenate([r, -z, -n])"},
        ),
        **{
            f"order_{''.join(order)}": Mistake(
                f"""z is turned, and the gates come in the order {", ".join(order)}. In torch it is
                another.
                """,
                {_ORDER: f"np.concatenate([{', '.join(order).replace('z', '-z')}])"},
            )
            for order in permutations("rzn")
            if order not in (("r", "z", "n"), ("z", "r", "n"))
        },
        "biases_only": Mistake(
            """Only the biases of z are turned, and not its weights. Then it is right where x and h
            are 0, and nowhere else.
            """,
            """
            W, U = solution(W, U, b_ih, b_hh)[:2]
            H = U.shape[1]
            sign = np.repeat([1, -1, 1], H)
            return W * sign[:, None], U * sign[:, None], *solution(W.T, U.T, b_ih, b_hh)[2:]
            """,
        ),
        "biases_left": Mistake(
            """z's weights are turned and its biases, or one of them, are not. All that z sees has
            to change.
            """,
            *(
                f"""
                new = list(solution(W, U, b_ih, b_hh))
                H = U.shape[0]
                for k in {which}:
                    new[k][H : 2 * H] *= -1
                return tuple(new)
                """
                for which in ("(2, 3)", "(3,)", "(2,)")
            ),
        ),
        "weights_left": Mistake(
            """One of z's two matrices is not turned. All that z sees has to change.""",
            *(
                f"""
                new = list(solution(W, U, b_ih, b_hh))
                H = U.shape[0]
                new[{which}][H : 2 * H] *= -1
                return tuple(new)
                """
                for which in (0, 1)
            ),
        ),
        "units_turned_round": Mistake(
            """The units of z stand in the opposite order. Which gate comes first has changed, and
            not which unit.
            """,
            {_ORDER: "np.concatenate([r, -z[::-1], n])"},
        ),
        "sign_of_size": Mistake(
            """The weights of z have lost their own signs: all are negative now. Each should have
            the opposite of its own.
            """,
            {_ORDER: "np.concatenate([r, -abs(z), n])"},
        ),
        "squashed": Mistake(
            """The weights of z have been through the logistic function. They stand inside it.""",
            {_ORDER: "np.concatenate([r, 1 - sigmoid(z), n])"},
            {_ORDER: "np.concatenate([r, sigmoid(-z), n])"},
            {_ORDER: "np.concatenate([r, sigmoid(z), n])"},
        ),
        "flips_the_others": Mistake(
            """r and n are turned, and z is not. Turned should be what has changed its meaning.""",
            {_ORDER: "np.concatenate([-r, z, -n])"},
        ),
        "one_minus_weights": Mistake(
            """The weights of z are taken from 1. It is z itself that should become 1 - z.""",
            {_ORDER: "np.concatenate([r, 1 - z, n])"},
        ),
        "upside_down": Mistake(
            """The weights of z are inverted, 1 / W. It is z itself that should become 1 - z.""",
            {_ORDER: "np.concatenate([r, np.divide(1, z, where=z != 0, out=0 * z), n])"},
            {_ORDER: "np.concatenate([r, 1 / z, n])"},
        ),
        "reshaped": Mistake(
            """The matrices are reshaped, and not transposed. The shape is right then, and all
            numbers have changed places.
            """,
            """
            def turned(each):
                z, r, n = np.split(each.reshape(each.shape[::-1]), 3)
                return np.concatenate([r, -z, n])

            return tuple(map(turned, (W, U, b_ih, b_hh)))
            """,
            """
            def turned(each):
                z, r, n = np.split(each, 3, axis=-1)
                return np.concatenate([r, -z, n], axis=-1).reshape(each.shape[::-1])

            return tuple(map(turned, (W, U, b_ih, b_hh)))
            """,
        ),
        "blocks_upright": Mistake(
            """The blocks of U are one below the other, and each still stands as it did. They are
            square, so the shape does not tell which way round.
            """,
            """
            z, r, n = np.split(U, 3, axis=1)
            new = solution(W, U, b_ih, b_hh)
            return new[0], np.concatenate([r, -z, n]), *new[2:]
            """,
        ),
        "not_transposed": Mistake(
            """The matrices are not transposed: torch has the gates in the rows.""",
            """
            def turned(each):
                z, r, n = np.split(each, 3, axis=-1)
                return np.concatenate([r, -z, n], axis=-1)

            return tuple(map(turned, (W, U, b_ih, b_hh)))
            """,
        ),
        "units_by_turns": Mistake(
            """The gates are taken to stand in turns, a unit of each after the other. All of a gate
            stands together.
            """,
            """
            def turned(each):
                z, r, n = (each.T[k::3] for k in range(3))
                return np.concatenate([r, -z, n])

            return tuple(map(turned, (W, U, b_ih, b_hh)))
            """,
        ),
        "biases_exchanged": Mistake(
            """The two biases have changed places. In both libraries b_hh is the one that goes with
            U.
            """,
            "return solution(W, U, b_hh, b_ih)",
        ),
        "biases_added": Mistake(
            """The two biases are added, and one is 0. In the gates that is the same; in the
            candidate r multiplies only one of them.
            """,
            "return solution(W, U, b_ih + b_hh, 0 * b_hh)",
            "return solution(W, U, 0 * b_ih, b_ih + b_hh)",
        ),
        "written_into_weights": Mistake(
            """The weights that you were given are changed: the GRU that they belong to is broken
            now.
            """,
            """
            H = len(U)
            for each in (W, U, b_ih, b_hh):
                each[..., :H] *= -1
            order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
            return tuple(each.T[order] for each in (W, U, b_ih, b_hh))
            """,
        ),
    },
)
