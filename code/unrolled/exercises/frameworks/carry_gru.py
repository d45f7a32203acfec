"""The exercise ``frameworks.carry_gru``."""

from __future__ import annotations

from itertools import permutations
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._carried_grus import carried_grus
from unrolled.exercises.grading import Exercise, Mistake

Arrays = tuple[Array, ...]


def carry_gru(kernel: Array, recurrent_kernel: Array, bias: Array) -> Arrays:
    """Carry a GRU from Keras to PyTorch; leave Keras's arrays as they are.

    kernel is (I, 3H), recurrent_kernel (H, 3H) and bias (2, 3H). Return
    weight_ih_l0 (3H, I), weight_hh_l0 (3H, H), bias_ih_l0 (3H,) and
    bias_hh_l0 (3H,).
    """

    def moved(rows: Array) -> Array:
        z, r, n = np.split(rows, 3)
        return np.concatenate([r, z, n])

    b_ih, b_hh = bias
    return moved(kernel.T), moved(recurrent_kernel.T), moved(b_ih), moved(b_hh)


def _by_places(kernel: Array, recurrent_kernel: Array, bias: Array) -> Any:
    H = len(recurrent_kernel)
    order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
    both = bias[:, order]
    return kernel[:, order].T, recurrent_kernel[:, order].T, both[0], both[1]


def _looped(kernel: Array, recurrent_kernel: Array, bias: Array) -> Any:
    H, found = len(recurrent_kernel), []
    for each in (kernel, recurrent_kernel, bias[0], bias[1]):
        new = np.zeros(each.shape[::-1])
        for k in range(H):
            new[k] = each[..., H + k]
            new[H + k] = each[..., k]
            new[2 * H + k] = each[..., 2 * H + k]
        found.append(new)
    return found


def _torch(kernel: Array, recurrent_kernel: Array, bias: Array) -> Any:
    import torch

    found = []
    for each in (kernel.T, recurrent_kernel.T, *bias):
        z, r, n = torch.tensor(each.copy()).chunk(3)
        found.append(torch.cat([r, z, n]))
    return tuple(found)


def _biases_first(result: Arrays, kernel: Array, recurrent_kernel: Array, bias: Array) -> bool:
    """Look at the biases first, which need no transposing: they are not right.

    Compare yours with Keras's, block by block: z, r, h in each of its two rows.
    """
    right = carry_gru(kernel, recurrent_kernel, bias)
    return all(np.allclose(result[k], right[k], rtol=1e-5) for k in (2, 3))


_ORDER = "np.concatenate([r, z, n])"
_BIASES = "moved(b_ih), moved(b_hh)"

EXERCISE = Exercise(
    carry_gru,
    cases=carried_grus(),
    alternatives=[_by_places, _looped, _torch],
    properties=[_biases_first],
    parts=("weight_ih_l0", "weight_hh_l0", "bias_ih_l0", "bias_hh_l0"),
    mistakes={
        "not_reordered": Mistake(
            """The arrays are transposed, and the gates still stand in Keras's order. With an LSTM
            that would do.
            """,
            {_ORDER: "np.concatenate([z, r, n])"},
        ),
        **{
            f"order_{''.join(order)}": Mistake(
                f"""The gates come in the order {", ".join(order)}. In PyTorch it is another.""",
                {_ORDER: f"np.concatenate([{', '.join(order)}])"},
            )
            for order in permutations("rzn")
            if order not in (("r", "z", "n"), ("z", "r", "n"))
        },
        "only_one_matrix_reordered": Mistake(
            """The gates of one matrix stand in PyTorch's order, those of the other in Keras's.""",
            {"moved(kernel.T)": "kernel.T.copy()"},
            {"moved(recurrent_kernel.T)": "recurrent_kernel.T.copy()"},
        ),
        "biases_not_reordered": Mistake(
            """The matrices' gates have changed places, and those of the biases have not.""",
            {_BIASES: "b_ih.copy(), b_hh.copy()"},
            {_BIASES: "moved(b_ih), b_hh.copy()"},
            {_BIASES: "b_ih.copy(), moved(b_hh)"},
        ),
        "biases_added": Mistake(
            """The two biases are added, and the other is 0. That serves an LSTM. Here the reset
            gate multiplies one of them.
            """,
            {_BIASES: "moved(b_ih + b_hh), 0 * b_hh"},
            {_BIASES: "0 * b_ih, moved(b_ih + b_hh)"},
        ),
        "gate_biases_added": Mistake(
            """This is the same network: in r and z the two biases are added anyway. Asked for is
            each of Keras's two rows as it stands, as PyTorch trains both.
            """,
            """
            result = [each.copy() for each in solution(kernel, recurrent_kernel, bias)]
            gates = slice(2 * len(recurrent_kernel))
            result[2][gates] += result[3][gates]
            result[3][gates] = 0
            return tuple(result)
            """,
            """
            result = [each.copy() for each in solution(kernel, recurrent_kernel, bias)]
            gates = slice(2 * len(recurrent_kernel))
            result[3][gates] += result[2][gates]
            result[2][gates] = 0
            return tuple(result)
            """,
        ),
        "views_exchanged": Mistake(
            """Two gates hold the same numbers. `q[a], q[b] = q[b], q[a]` does not exchange parts of
            an array: slices are views, and the first assignment overwrites what the second reads.
            Copy one of them first.
            """,
            {_ORDER: "np.concatenate([r, r, n])"},
            {_ORDER: "np.concatenate([z, z, n])"},
        ),
        "biases_exchanged": Mistake(
            """The two biases have changed places. The first row is that of the input.""",
            {_BIASES: "moved(b_hh), moved(b_ih)"},
        ),
        "one_bias_twice": Mistake(
            """Both biases are the same row of Keras's. It has two, one for each matrix.""",
            {_BIASES: "moved(b_ih), moved(b_ih)"},
            {_BIASES: "moved(b_hh), moved(b_hh)"},
        ),
        "second_bias_lost": Mistake(
            """One of the two biases is lost: it is 0 now.""",
            {_BIASES: "moved(b_ih), 0 * b_hh"},
            {_BIASES: "0 * b_ih, moved(b_hh)"},
        ),
        "not_transposed": Mistake(
            """The matrices are not transposed: PyTorch has the gates in the rows.""",
            """
            def moved(columns):
                z, r, n = np.split(columns, 3, axis=-1)
                return np.concatenate([r, z, n], axis=-1)

            return moved(kernel), moved(recurrent_kernel), *map(moved, bias)
            """,
        ),
        "reshaped": Mistake(
            """The matrices are reshaped, and not transposed. The shape is right then, and all
            numbers have changed places.
            """,
            {
                "kernel.T), moved(recurrent_kernel.T)": (
                    "kernel.reshape(kernel.shape[::-1])), "
                    "moved(recurrent_kernel.reshape(recurrent_kernel.shape[::-1]))"
                )
            },
        ),
        "only_one_matrix_reshaped": Mistake(
            """One of the matrices is reshaped, and not transposed: its numbers have changed
            places.
            """,
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            blocks = kernel.reshape(len(kernel), 3, -1)[:, [1, 0, 2]]
            return blocks.reshape(W.shape), U, *biases
            """,
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            blocks = recurrent_kernel.reshape(len(recurrent_kernel), 3, -1)[:, [1, 0, 2]]
            return W, blocks.reshape(U.shape), *biases
            """,
        ),
        "blocks_upright": Mistake(
            """The blocks of the recurrent matrix are one below the other, and each still stands as
            it did. They are square, so the shape does not tell which way round.
            """,
            """
            z, r, n = np.split(recurrent_kernel, 3, axis=1)
            right = solution(kernel, recurrent_kernel, bias)
            return right[0], np.concatenate([r, z, n]), *right[2:]
            """,
        ),
        "z_turned": Mistake(
            """The update gate's weights have changed their sign. An open z keeps in both libraries:
            only its place differs.
            """,
            {_ORDER: "np.concatenate([r, -z, n])"},
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            sign = np.repeat([1, -1, 1], len(recurrent_kernel))
            return W * sign[:, None], U * sign[:, None], *biases
            """,
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            return W * np.repeat([1, -1, 1], len(recurrent_kernel))[:, None], U, *biases
            """,
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            return W, U * np.repeat([1, -1, 1], len(recurrent_kernel))[:, None], *biases
            """,
            """
            W, U, *biases = solution(kernel, recurrent_kernel, bias)
            sign = np.repeat([1, -1, 1], len(recurrent_kernel))
            return W, U, *(each * sign for each in biases)
            """,
        ),
        "units_by_turns": Mistake(
            """The gates are taken to stand in turns, a unit of each after the other. All of a gate
            stands together.
            """,
            {"np.split(rows, 3)": "(rows[k::3] for k in range(3))"},
        ),
        "biases_by_column": Mistake(
            """The biases are read along the wrong axis: the two rows of Keras's are taken for one
            row of pairs.
            """,
            {"b_ih, b_hh = bias": "b_ih, b_hh = np.reshape(bias.ravel(), (-1, 2)).T"},
        ),
        "written_into_weights": Mistake(
            """Keras's own arrays are changed: that network is broken now. Make new ones.""",
            """
            H = len(recurrent_kernel)
            order = np.r_[H : 2 * H, :H, 2 * H : 3 * H]
            for each in (kernel, recurrent_kernel, bias):
                each[:] = each[..., order]
            return kernel.T, recurrent_kernel.T, bias[0], bias[1]
            """,
        ),
    },
)
