"""GRUs of eight kinds: ``which_gru`` is to tell them apart."""

from __future__ import annotations

from itertools import product
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._gates import sigmoid
from unrolled.exercises.grading import edited

KINDS = list(product((True, False), repeat=3))  # z_first, before, keeps


def torchs(x: Array, h: Array, W: Array, U: Array, b_ih: Array, b_hh: Array) -> Array:
    """Takes a step of torch's GRU."""
    x_r, x_z, x_n = np.split(x @ W.T + b_ih, 3, axis=1)
    U_r, U_z, U_n = np.split(U, 3)
    b_r, b_z, b_n = np.split(b_hh, 3)
    r = sigmoid(x_r + h @ U_r.T + b_r)
    z = sigmoid(x_z + h @ U_z.T + b_z)
    n = np.tanh(x_n + r * (h @ U_n.T + b_n))
    return np.asarray(z * h + (1 - z) * n)


_Z_FIRST = {"x_r, x_z": "x_z, x_r", "U_r, U_z": "U_z, U_r", "b_r, b_z": "b_z, b_r"}
_BEFORE = {"r * (h @ U_n.T + b_n)": "(r * h) @ U_n.T + b_n"}
_WRITES = {"z * h + (1 - z) * n": "h + z * (n - h)"}


def _gru(z_first: bool, before: bool, keeps: bool) -> Any:
    edits = {**(_Z_FIRST if z_first else {}), **(_BEFORE if before else {})}
    says = (
        f"Has rows in the order {'z, r' if z_first else 'r, z'}, n, "
        f"resets {'before' if before else 'after'} the product, "
        f"and its z {'keeps' if keeps else 'writes'}."
    )
    return edited(torchs, edits | ({} if keeps else _WRITES), says)


def in_single(gru: Any) -> Any:
    """Let a GRU compute in float32."""

    def single(*args: Array) -> Any:
        return gru(*(np.asarray(each, np.float32) for each in args))

    single.__doc__ = f"{gru.__doc__} (It computes in float32.)"
    return single


GRUS = [_gru(*kind) for kind in KINDS]
