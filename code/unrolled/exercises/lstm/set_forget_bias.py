"""The exercise ``lstm.set_forget_bias``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def set_forget_bias(b_ih: Array, b_hh: Array, half_lives: Array) -> Pair:
    """Give each cell of a torch LSTM a half-life; return both bias vectors.

    b_ih and b_hh have shape (4H,), half_lives has shape (H,) and holds
    numbers above 0. Leave the arrays that you are given alone.
    """
    H = len(half_lives)
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    b_ih[H : 2 * H] = -np.log(np.expm1(np.log(2) / half_lives))
    b_hh[H : 2 * H] = 0
    return b_ih, b_hh


def _by_gates(b_ih: Array, b_hh: Array, half_lives: Array) -> Pair:
    f = 0.5 ** (1 / half_lives)
    both = np.stack([b_ih, b_hh]).reshape(2, 4, -1)
    both[:, 1] = np.log(f / (1 - f)), np.zeros_like(f)
    return both[0].ravel(), both[1].ravel()


def _entry_by_entry(b_ih: Array, b_hh: Array, half_lives: Array) -> Pair:
    H, new_ih, new_hh = len(half_lives), [], []
    for k in range(4 * H):
        forget = H <= k < 2 * H
        new_ih.append(-np.log(2 ** (1 / half_lives[k - H]) - 1) if forget else b_ih[k])
        new_hh.append(0.0 if forget else b_hh[k])
    return np.array(new_ih), np.array(new_hh)


def _torch(b_ih: Array, b_hh: Array, half_lives: Array) -> Any:
    import torch

    both = torch.tensor(np.stack([b_ih, b_hh]))
    kept = torch.tensor(0.5, dtype=both.dtype) ** (1 / torch.tensor(half_lives))
    both[0].chunk(4)[1].copy_(torch.logit(kept))
    both[1].chunk(4)[1].zero_()
    return both[0], both[1]


def _biases(half_lives: Array) -> Array:
    """Return the forget gate's biases that are right."""
    return np.asarray(-np.log(np.expm1(np.log(2) / half_lives)))


def _set(b_ih: Array, b_hh: Array, ih: Any, hh: Any, rows: Any = None) -> Pair:
    """Put ih and hh into some rows of copies of the two vectors; the forget gate's if not said."""
    H = len(b_ih) // 4
    b_ih, b_hh = b_ih.copy(), b_hh.copy()
    rows = slice(H, 2 * H) if rows is None else rows
    b_ih[rows], b_hh[rows] = ih, hh
    return b_ih, b_hh


def _other_gates_stay(result: Pair, b_ih: Array, b_hh: Array, half_lives: Array) -> bool:
    """The entries of the other gates should stay as they are. Yours do not."""
    others = np.arange(len(b_ih)) // len(half_lives) != 1
    return all(
        np.allclose(new[others], old[others], rtol=1e-4)
        for new, old in zip(result, (b_ih, b_hh), strict=True)
    )


def _half_is_left(result: Pair, b_ih: Array, b_hh: Array, half_lives: Array) -> bool:
    """After its half-life half of a cell should be left. With these two vectors, it is not.

    What does the forget gate see, and what does it make of it?
    """
    H = len(half_lives)
    with np.errstate(all="ignore"):
        f = 1 / (1 + np.exp(-sum(result)[H : 2 * H]))  # type: ignore[index]
        return np.allclose(f**half_lives, 0.5, rtol=1e-3)


def _case(half_lives: Any) -> tuple[Array, Array, Array]:
    H = len(half_lives)
    return numbers(_rng, 4 * H), numbers(_rng, 4 * H), np.array(half_lives, dtype=float)


_UNITS = "both vectors have 4H entries"
_RIGHT = "-np.log(np.expm1(np.log(2) / half_lives))"


EXERCISE = Exercise(
    set_forget_bias,
    cases=[
        _case([3.0, 10.0, 1.0]),
        _case([5.0, 40.0]),
        _case([2.5]),
        _case([1.0, 1.0]),  # a bias of 0
        _case([0.5, 12.0]),
        _case([0.5, 0.1, 7.0, 100.0, 2.0]),
        _case([300.0, 20.0, 80.0, 3.0, 30.0]),
        (np.zeros(8), np.zeros(8), np.array([4.0, 9.0])),
        (1e3 * numbers(_rng, 8), 1e3 * numbers(_rng, 8), np.array([4.0, 1.5])),
        (1e-5 * numbers(_rng, 8), 1e-5 * numbers(_rng, 8), np.array([1.0, 1.0])),
        (np.zeros(12), np.ones(12), np.full(3, 12.0)),
        _case(np.round(np.geomspace(1, 300, 31), 1)),
    ],
    alternatives=[_by_gates, _entry_by_entry, _torch],
    properties=[_other_gates_stay, _half_is_left],
    parts=("b_ih", "b_hh"),
    mistakes={
        "half_lives_for_biases": Mistake(
            """The half-lives themselves are put in for biases. What bias leaves half after so many
            steps?
            """,
            {_RIGHT: "half_lives"},
        ),
        "gates_for_biases": Mistake(
            """These are the values that the gate should have. A bias is what it sees, before the
            logistic function.
            """,
            {_RIGHT: "0.5 ** (1 / half_lives)"},
        ),
        "logarithm_of_the_steps": Mistake(
            """This is the logarithm of the number of steps: right in its size for long half-lives,
            and not exactly a half-life.
            """,
            {_RIGHT: "np.log(half_lives)"},
            {_RIGHT: "np.log(half_lives / np.log(2))"},
            {_RIGHT: "np.log(np.maximum(half_lives - 1, 1e-9))"},
        ),
        "time_constant": Mistake(
            """After so many steps 1/e is left, about 0.37. Asked for is half.""",
            {"np.log(2) / half_lives": "1 / half_lives"},
        ),
        "logarithm_of_the_gate": Mistake(
            """This is the logarithm of the gate's value, or half of what it should be. The inverse
            of the logistic function is another.
            """,
            {_RIGHT: "np.log(0.5 ** (1 / half_lives))"},
            {_RIGHT: "np.arctanh(2 * 0.5 ** (1 / half_lives) - 1)"},
        ),
        "other_base": Mistake(
            """The logarithm has another base. The logistic function has e.""",
            {_RIGHT: "-np.log10(np.expm1(np.log(2) / half_lives))"},
            {_RIGHT: "-np.log2(np.expm1(np.log(2) / half_lives))"},
        ),
        "whole_steps": Mistake(
            """The half-lives are rounded to whole steps. They are numbers.""",
            {_RIGHT: "-np.log(np.expm1(np.log(2) / np.ceil(half_lives)))"},
            {_RIGHT: "-np.log(np.expm1(np.log(2) / np.maximum(half_lives, 1)))"},
        ),
        "sign_turned": Mistake(
            """The biases have the wrong sign: a gate that should keep forgets.""",
            {_RIGHT: "np.log(np.expm1(np.log(2) / half_lives))"},
        ),
        "forgets_half": Mistake(
            """Here the half-life is that of 1 - f. What a step keeps is f.""",
            {_RIGHT: "np.log(0.5 ** (1 / half_lives) / (1 + 0.5 ** (1 / half_lives)))"},
        ),
        "power_upside_down": Mistake(
            """The exponent is upside down: what is left after d steps is the d-th power of what one
            step keeps.
            """,
            {_RIGHT: "-np.log(2**half_lives - 1)"},
        ),
        "shared_out": Mistake(
            """Half is lost in equal parts, the same amount at each step. But a step keeps a share
            of what is left.
            """,
            {_RIGHT: "np.log(np.maximum(2 * half_lives - 1, 1e-9))"},
        ),
        "chrono": Mistake(
            """The input gate has been set as well. Its entries should stay as they are.""",
            """
            H = len(half_lives)
            b_ih, b_hh = solution(b_ih, b_hh, half_lives)
            b_ih[:H], b_hh[:H] = -b_ih[H : 2 * H], 0
            return b_ih, b_hh
            """,
        ),
        "both_set": Mistake(
            """Both vectors have the bias: the gate sees twice as much, because they are added.""",
            "return _set(b_ih, b_hh, _biases(half_lives), _biases(half_lives))",
        ),
        "results_swapped": Mistake(
            "The results are the wrong way round: return b_ih first, then b_hh.",
            {"return b_ih, b_hh": "return b_hh, b_ih"},
        ),
        "other_left_as_drawn": Mistake(
            """`b_hh` still holds what was drawn, and that is added to your bias.""",
            "return _set(b_ih, b_hh, _biases(half_lives), b_hh[len(b_hh) // 4 : len(b_hh) // 2])",
        ),
        "bias_in_the_other": Mistake(
            """The sum is right, but the two have changed places: b_hh has the bias, b_ih the 0.""",
            "return _set(b_ih, b_hh, 0, _biases(half_lives))",
        ),
        "only_the_other_set": Mistake(
            """Only `b_hh` is set, and `b_ih` still holds what was drawn, which is added to it.""",
            "return _set(b_ih, b_hh, b_ih[len(b_ih) // 4 : len(b_ih) // 2], _biases(half_lives))",
        ),
        "half_in_each": Mistake(
            """The sum is right, but each vector has half of it.""",
            "return _set(b_ih, b_hh, _biases(half_lives) / 2, _biases(half_lives) / 2)",
        ),
        "difference_made_up": Mistake(
            """The sum is right, but b_hh keeps what was drawn, and b_ih makes up for it.""",
            """
            drawn = b_hh[len(b_hh) // 4 : len(b_hh) // 2]
            return _set(b_ih, b_hh, _biases(half_lives) - drawn, drawn)
            """,
        ),
        "added_to_what_was_drawn": Mistake(
            """The bias is added to what was there. It should take its place.""",
            """
            rows = slice(len(half_lives), 2 * len(half_lives))
            return _set(b_ih, b_hh, b_ih[rows] + _biases(half_lives), 0)
            """,
            """
            rows = slice(len(half_lives), 2 * len(half_lives))
            return _set(b_ih, b_hh, b_ih[rows] + _biases(half_lives), b_hh[rows])
            """,
        ),
        "input_gate_set": Mistake(
            """These are the input gate's entries. The forget gate comes second.""",
            "return _set(b_ih, b_hh, _biases(half_lives), 0, slice(len(half_lives)))",
        ),
        "candidate_set": Mistake(
            """These are the candidate's entries. The forget gate comes second, and counting starts
            at 0.
            """,
            """
            H = len(half_lives)
            return _set(b_ih, b_hh, _biases(half_lives), 0, slice(2 * H, 3 * H))
            """,
        ),
        "output_gate_set": Mistake(
            """These are the output gate's entries. The forget gate comes second.""",
            "return _set(b_ih, b_hh, _biases(half_lives), 0, slice(3 * len(half_lives), None))",
        ),
        "all_gates_set": Mistake(
            """All four gates have the bias. An input gate that begins wide open lets everything
            in.
            """,
            "return _set(b_ih, b_hh, np.tile(_biases(half_lives), 4), 0, slice(None))",
        ),
        "one_for_all": Mistake(
            """All cells have the same bias. Each has a half-life of its own.""",
            "return _set(b_ih, b_hh, _biases(half_lives).mean(), 0)",
            "return _set(b_ih, b_hh, _biases(half_lives.mean()), 0)",
            "return _set(b_ih, b_hh, _biases(half_lives[0]), 0)",
            "return _set(b_ih, b_hh, _biases(half_lives.max()), 0)",
        ),
        "cells_turned_round": Mistake(
            """The cells stand in the opposite order: the first half-life is for the first cell.""",
            "return _set(b_ih, b_hh, _biases(half_lives[::-1]), 0)",
        ),
        "every_fourth_entry": Mistake(
            """Every fourth entry is set, as if the gates took turns. All H entries of a gate stand
            together.
            """,
            "return _set(b_ih, b_hh, _biases(half_lives), 0, slice(1, None, 4))",
        ),
        "the_rest_zeroed": Mistake(
            """What was drawn for the other gates is lost: their entries are 0 in both vectors, or
            in one.
            """,
            "return _set(0 * b_ih, 0 * b_hh, _biases(half_lives), 0)",
            "return _set(b_ih, 0 * b_hh, _biases(half_lives), 0)",
        ),
        "written_into_the_vectors": Mistake(
            """The vectors that you were given are changed: a slice of an array is a window onto it,
            and no copy.
            """,
            """
            b_ih[:], b_hh[:] = solution(b_ih, b_hh, half_lives)
            return b_ih, b_hh
            """,
        ),
    },
)
