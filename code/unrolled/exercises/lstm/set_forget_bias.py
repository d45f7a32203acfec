"""The exercise ``lstm.set_forget_bias``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def set_forget_bias(b_ih: Array, b_hh: Array, value: float) -> Pair:
    """Give a torch LSTM's forget gate a bias of value; return both vectors.

    b_ih and b_hh have shape (4H,). Leave the arrays that you are given alone.
    """
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    b_ih[H : 2 * H] = value
    b_hh[H : 2 * H] = 0
    return b_ih, b_hh


def _bias_reshaped(b_ih: Array, b_hh: Array, value: float) -> Pair:
    both = np.stack([b_ih, b_hh]).reshape(2, 4, -1)
    both[:, 1] = np.array([[value], [0]])
    return both[0].ravel(), both[1].ravel()


def _bias_entry_by_entry(b_ih: Array, b_hh: Array, value: float) -> Pair:
    H, new_ih, new_hh = len(b_ih) // 4, [], []
    for k in range(4 * H):
        forget = H <= k < 2 * H
        new_ih.append(value if forget else b_ih[k])
        new_hh.append(0.0 if forget else b_hh[k])
    return np.array(new_ih), np.array(new_hh)


def _bias_torch(b_ih: Array, b_hh: Array, value: float) -> Any:
    import torch

    both = torch.tensor(np.stack([b_ih, b_hh]))
    n = both.shape[1]
    both[0, n // 4 : n // 2].fill_(value)
    both[1, n // 4 : n // 2].zero_()
    return both[0], both[1]


def _set(b_ih: Array, b_hh: Array, ih: Any, hh: Any, rows: Any = None) -> Pair:
    """Put ih and hh into some rows of copies of the two vectors; the forget gate's if not said."""
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    rows = slice(H, 2 * H) if rows is None else rows
    b_ih[rows], b_hh[rows] = ih, hh
    return b_ih, b_hh


def _gate_sees_the_value(result: Pair, b_ih: Array, b_hh: Array, value: float) -> bool:
    """The forget gate sees the sum of both vectors. In its entries, H to 2H, it should be value."""
    H = len(b_ih) // 4
    return np.allclose(sum(result)[H : 2 * H], value, rtol=1e-4)  # type: ignore[index]


def _other_gates_stay(result: Pair, b_ih: Array, b_hh: Array, value: float) -> bool:
    """The entries of the other gates should stay as they are, 0 to H and from 2H on."""
    others = np.arange(len(b_ih)) // (len(b_ih) // 4) != 1
    return all(
        np.allclose(new[others], old[others], rtol=1e-4)
        for new, old in zip(result, (b_ih, b_hh), strict=True)
    )


_UNITS = "both vectors have 4H entries"


EXERCISE = Exercise(
    set_forget_bias,
    cases=[
        (numbers(_rng, 12), numbers(_rng, 12), 1.0),
        (numbers(_rng, 8), numbers(_rng, 8), 3.0),
        (numbers(_rng, 4), numbers(_rng, 4), -2.0),
        (numbers(_rng, 20), numbers(_rng, 20), 0.5),
        (numbers(_rng, 20), numbers(_rng, 20), 2.0),
        (numbers(_rng, 12), numbers(_rng, 12), 0.0),
        (np.zeros(8), np.zeros(8), 1.0),
        (numbers(_rng, 124), numbers(_rng, 124), 1e4),
    ],
    alternatives=[_bias_reshaped, _bias_entry_by_entry, _bias_torch],
    properties=[_gate_sees_the_value, _other_gates_stay],
    parts=("b_ih", "b_hh"),
    equivalent={"H = len(b_ih) // 4 -> H = len(b_hh) // 4": _UNITS},
    mistakes={
        "both_set": Mistake(
            """Both vectors have the value: the gate sees twice as much, because they are added.

            A loop over everything named "bias" does this. Put it into b_ih, and 0 into b_hh.
            """,
            "return _set(b_ih, b_hh, value, value)",
            """
            n = len(b_ih)
            new = []
            for bias in (b_ih, b_hh):
                bias = bias.copy()
                bias[n // 4 : n // 2] = value
                new.append(bias)
            return tuple(new)
            """,
        ),
        "results_swapped": Mistake(
            "The results are the wrong way round: return b_ih first, then b_hh.",
            {"return b_ih, b_hh": "return b_hh, b_ih"},
        ),
        "other_left_as_drawn": Mistake(
            """`b_hh` still holds what was drawn, and that is added to your value.

            Put 0 into its forget gate's entries.
            """,
            "return _set(b_ih, b_hh, value, b_hh[len(b_hh) // 4 : len(b_hh) // 2])",
            """
            n, b_ih = len(b_ih), b_ih.copy()
            b_ih[n // 4 : n // 2] = value
            return b_ih, b_hh
            """,
        ),
        "value_in_the_other": Mistake(
            """The sum is right, but the two have changed places: put value into b_ih and 0 into
            b_hh.
            """,
            "return _set(b_ih, b_hh, 0, value)",
        ),
        "only_the_other_set": Mistake(
            """Only `b_hh` is set, and `b_ih` still holds what was drawn, which is added to it.

            Put value into b_ih, and 0 into b_hh.
            """,
            "return _set(b_ih, b_hh, b_ih[len(b_ih) // 4 : len(b_ih) // 2], value)",
            """
            n, b_hh = len(b_hh), b_hh.copy()
            b_hh[n // 4 : n // 2] = value
            return b_ih, b_hh
            """,
        ),
        "half_in_each": Mistake(
            """The sum is right, but each vector has half of it: put value into b_ih and 0 into
            b_hh.
            """,
            "return _set(b_ih, b_hh, value / 2, value / 2)",
        ),
        "difference_made_up": Mistake(
            """The sum is right, but b_hh keeps what was drawn: put value into b_ih and 0 into
            b_hh.
            """,
            """
            drawn = b_hh[len(b_hh) // 4 : len(b_hh) // 2]
            return _set(b_ih, b_hh, value - drawn, drawn)
            """,
        ),
        "added_to_what_was_drawn": Mistake(
            """The value is added to what was there. Put it in its place: `=`, not `+=`.""",
            """
            old = b_ih[len(b_ih) // 4 : len(b_ih) // 2]
            return _set(b_ih, b_hh, old + value, 0)
            """,
        ),
        "added_and_the_other_left": Mistake(
            """The value is added to what was drawn, in both vectors. Put it in its place: `=`, not
            `+=`.

            And put 0 into the forget gate's entries of b_hh.
            """,
            """
            rows = slice(len(b_ih) // 4, len(b_ih) // 2)
            return _set(b_ih, b_hh, b_ih[rows] + value, b_hh[rows])
            """,
        ),
        "input_gate_set": Mistake(
            """These are the input gate's entries, the first H. The forget gate's are H to 2H.""",
            "return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 4))",
        ),
        "candidate_set": Mistake(
            """These are the candidate's entries, 2H to 3H. The order is i, f, g, o, so f has H to
            2H.

            In Python, counting starts at 0.
            """,
            "return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 2, 3 * len(b_ih) // 4))",
            """
            H, b_ih, b_hh = len(b_ih) // 4, b_ih.copy(), b_hh.copy()
            b_ih[2 * H : 3 * H] = value
            b_hh[2 * H : 3 * H] = 0
            return b_ih, b_hh
            """,
        ),
        "output_gate_set": Mistake(
            """These are the output gate's entries, the last H. The forget gate's are H to 2H.""",
            "return _set(b_ih, b_hh, value, 0, slice(3 * len(b_ih) // 4, None))",
        ),
        "all_gates_set": Mistake(
            """All four gates have the value. Set the forget gate's entries only, H to 2H.

            An input gate that begins wide open lets everything in.
            """,
            "return _set(b_ih, b_hh, value, 0, slice(None))",
        ),
        "all_gates_set_in_both": Mistake(
            """All four gates have the value, in both vectors, as after a loop over all that is
            "bias".

            Set the forget gate's entries only, H to 2H, and only in b_ih: the vectors are
            added.
            """,
            "return _set(b_ih, b_hh, value, value, slice(None))",
            "return np.full_like(b_ih, value), np.full_like(b_hh, value)",
        ),
        "one_entry_only": Mistake(
            """Only one entry is set. The forget gate has one for each of H units: H to 2H.""",
            "return _set(b_ih, b_hh, value, 0, len(b_ih) // 4)",
        ),
        "second_entry_only": Mistake(
            """Only the second entry is set. Each gate has H entries, one for each unit: f has H to
            2H.
            """,
            "return _set(b_ih, b_hh, value, 0, 1)",
        ),
        "every_fourth_entry": Mistake(
            """Every fourth entry is set, as if the gates took turns. All H entries of a gate are
            together.

            First come those of i, 0 to H, then those of f, H to 2H.
            """,
            "return _set(b_ih, b_hh, value, 0, slice(1, None, 4))",
        ),
        "to_the_end": Mistake(
            """From the forget gate on, everything is set: the end of the slice is missing. It is
            2H.
            """,
            "return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 4, None))",
        ),
        "from_the_beginning": Mistake(
            """The input gate is set, too: the slice should begin at H.""",
            "return _set(b_ih, b_hh, value, 0, slice(len(b_ih) // 2))",
        ),
        "the_rest_zeroed": Mistake(
            """All other entries are 0: what was drawn for the other gates is lost.

            Change the forget gate's entries of a copy; make no new vector of zeros.
            """,
            "return _set(0 * b_ih, 0 * b_hh, value, 0)",
            """
            H = len(b_ih) // 4
            new = np.zeros(4 * H)
            new[H : 2 * H] = value
            return new, np.zeros(4 * H)
            """,
        ),
        "other_vector_zeroed": Mistake(
            """`b_hh` is 0 everywhere. Only its forget gate's entries, H to 2H, should be.""",
            "return _set(b_ih, 0 * b_hh, value, 0)",
        ),
        "written_into_the_vectors": Mistake(
            """The vectors that you were given are changed. Work on copies: `b_ih.copy()`.

            `b_ih[H : 2 * H] = value` writes into the array itself.
            """,
            """
            b_ih[:], b_hh[:] = solution(b_ih, b_hh, value)
            return b_ih, b_hh
            """,
            """
            H = len(b_ih) // 4
            b_ih[H : 2 * H] = value
            b_hh[H : 2 * H] = 0
            return b_ih, b_hh
            """,
        ),
    },
)
