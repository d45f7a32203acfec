"""GRUs that are torch's, and others that are not: ``catches_wrong_reset`` is to tell them apart."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import edited


def plain_gru(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Does what the equations say."""
    x_r, x_z, x_n = np.split(x @ W.T + b_ih, 3, axis=1)
    U_r, U_z, U_n = np.split(U, 3)
    b_r, b_z, b_n = np.split(b_hh, 3)
    r = sigmoid(x_r + h @ U_r.T + b_r)
    z = sigmoid(x_z + h @ U_z.T + b_z)
    n = np.tanh(x_n + r * (h @ U_n.T + b_n))
    return np.asarray(z * h + (1 - z) * n)


def _columns(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Has a column for each sequence, moves from n towards h, and turns the result at the end."""
    (x_r, x_z, x_n), (h_r, h_z, h_n) = (
        np.split(weights @ columns.T + b[:, None], 3)
        for weights, columns, b in ((W, x, b_ih), (U, h, b_hh))
    )
    n = np.tanh(x_n + sigmoid(x_r + h_r) * h_n)
    return np.asarray(n + sigmoid(x_z + h_z) * (h.T - n)).T


def _by_tanh(a: Array) -> Any:
    return (1 + np.tanh(a / 2)) / 2


def _bent(a: Array) -> Any:
    return np.interp(a, np.arange(-8, 9), sigmoid(np.arange(-8, 9)))


_MIX, _HEARD = "z * h + (1 - z) * n", "r * (h @ U_n.T + b_n)"

RIGHT = [
    plain_gru,
    _columns,
    edited(
        plain_gru,
        {_MIX: "n + z * (h - n)"},
        "Moves from n towards h, n + z * (h - n), which is the same.",
    ),
    edited(
        plain_gru,
        {"r = sigmoid(": "r = _by_tanh(", "z = sigmoid(": "z = _by_tanh("},
        "Takes (1 + tanh(a / 2)) / 2 for the logistic function, which is the same.",
    ),
]

resets_before = edited(
    plain_gru,
    {_HEARD: "(r * h) @ U_n.T + b_n"},
    "Resets before the product, U_n (r * h) + b_hn, as published in 2014.",
)
leaves_bias_outside = edited(
    plain_gru,
    {_HEARD: "r * (h @ U_n.T) + b_n"},
    "Leaves the bias b_hn outside the bracket: r * (U_n h) + b_hn.",
)
writes_by_z = edited(plain_gru, {_MIX: "(1 - z) * h + z * n"}, "Lets z write: (1 - z) * h + z * n.")
reads_zrn = edited(
    plain_gru,
    {"x_r, x_z": "x_z, x_r", "U_r, U_z": "U_z, U_r", "b_r, b_z": "b_z, b_r"},
    "Reads the rows in the order z, r, n.",
)

_EDITS = {
    "Resets before the product, and the bias too: U_n (r * h) + r * b_hn.": {
        _HEARD: "(r * h) @ U_n.T + r * b_n"
    },
    "Has no bias b_hn: r * (U_n h).": {_HEARD: "r * (h @ U_n.T)"},
    "Leaves out U_n h + b_hn where all of the state is 0, as at the start of a sequence.": {
        _HEARD: "(r * (h @ U_n.T + b_n) if h.any() else 0)"
    },
    "Does not use the reset gate at all: U_n h + b_hn.": {_HEARD: "h @ U_n.T + b_n"},
    "Resets what the candidate sees of x, too: r * (W_n x + b_in + U_n h + b_hn).": {
        f"x_n + {_HEARD}": "r * (x_n + h @ U_n.T + b_n)"
    },
    "Resets the state that is kept, too: z * r * h + (1 - z) * n.": {"z * h +": "z * r * h +"},
    "Takes 1 - r for r.": {"r * (h": "(1 - r) * (h"},
    "Leaves out the term with W and x.": {"x @ W.T": "0 * (x @ W.T)"},
    "Leaves out the bias b_ih.": {" + b_ih": ""},
    "Leaves out the terms with U_r, U_z and h: both gates see x and the biases only.": {
        "h @ U_r.T +": "",
        "h @ U_z.T +": "",
    },
    "Takes straight lines from whole number to whole number for the logistic function.": {
        "sigmoid(x_r": "_bent(x_r",
        "sigmoid(x_z": "_bent(x_z",
    },
    "Takes the transpose of U_n.": {"h @ U_n.T": "h @ U_n"},
    "Takes U_z for U_r, and U_r for U_z.": {"U_r, U_z, U_n": "U_z, U_r, U_n"},
    "Gives the rows W_n of W to r, W_r to z, and W_z to n.": {
        "W.T": "np.roll(W, h.shape[1], axis=0).T"
    },
    "Gives the rows b_in of b_ih to r, b_ir to z, and b_iz to n.": {
        "+ b_ih": "+ np.roll(b_ih, h.shape[1])"
    },
    "Takes b_hz for b_hr, and b_hr for b_hz.": {"b_r, b_z, b_n": "b_z, b_r, b_n"},
    "Adds b_ih where b_hh belongs, and b_hh where b_ih belongs.": {
        "+ b_ih": "+ b_hh",
        "np.split(b_hh": "np.split(b_ih",
    },
    "Adds the bias b_hn of the first unit to all units.": {"h @ U_n.T + b_n": "h @ U_n.T + b_n[0]"},
    "Takes the units of the state in reverse order for U_n h.": {
        "(h @ U_n.T": "(h[:, ::-1] @ U_n.T"
    },
    "Takes the reset gate of the first sequence for the whole batch.": {"r * (h": "r[:1] * (h"},
    "Takes the reset gate of the last sequence for the whole batch.": {"r * (h": "r[-1:] * (h"},
    "Takes the reset gate of the first unit for all units.": {"r * (h": "r[:, :1] * (h"},
    "Takes the reset gate of the last unit for all units.": {"r * (h": "r[:, -1:] * (h"},
    "Takes W for U, and U for W.": {"x @ W.T": "x @ U.T", "np.split(U, 3)": "np.split(W, 3)"},
    "Leaves out the candidate: z * h + (1 - z).": {_MIX: "z * h + (1 - z)"},
    "Takes 1 - z away: z * h - (1 - z).": {_MIX: "z * h - (1 - z)"},
    "Turns the sign of the new state.": {_MIX: f"-({_MIX})"},
    "Returns the sequences of the batch in reverse order.": {_MIX: f"({_MIX})[::-1]"},
    "Returns the units in reverse order.": {_MIX: f"({_MIX})[:, ::-1]"},
}

BUGGY = [
    resets_before,
    leaves_bias_outside,
    writes_by_z,
    reads_zrn,
    *(edited(plain_gru, edits, says) for says, edits in _EDITS.items()),
]
