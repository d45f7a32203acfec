"""A worked answer of the chapter ``lstm``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def counter(forget_bias: float) -> tuple[Array, Array, Array]:
    """Weights of one cell that adds 1 to its state at (1, 0) and takes 1 off at (0, 1)."""
    W = np.zeros((4, 2))
    W[2] = 20, -20  # the candidate: 1 or -1
    b = np.array([20, forget_bias, 0, 20])  # both other gates wide open
    return W, np.zeros((4, 1)), b
