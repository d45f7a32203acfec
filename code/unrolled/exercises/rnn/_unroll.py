"""Elman's cell along a batch, for the chapter's exercises."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def unroll(x: Array, h0: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's cell along ``(T, B, I)``, from ``(B, H)``; return the states ``(T, B, H)``."""
    h, states = h0, []
    for x_t in x:
        h = np.tanh(x_t @ W.T + h @ U.T + b)
        states.append(h)
    return np.array(states)
