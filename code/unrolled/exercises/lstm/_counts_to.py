"""A worked answer of the chapter ``lstm``."""

from __future__ import annotations

import numpy as np

from unrolled.exercises.lstm._counter import counter
from unrolled.exercises.lstm._lstms import plain_step


def counts_to(forget_bias: float, limit: int = 200) -> int:
    """Say up to which n, at most limit, the cell tells n a's and n b's from one b more or less.

    It calls a string balanced when abs(h) < tanh(1/2). Sequence n - 1 of the batch is n a's, then
    b's to the end.
    """
    n = np.arange(1, limit + 1)
    h = c = np.zeros((limit, 1))
    balanced = []
    for t in range(2 * limit + 1):
        a = t < n
        h, c = plain_step(np.stack([a, ~a], axis=1).astype(float), h, c, *counter(forget_bias))
        balanced.append(np.abs(h[:, 0]) < np.tanh(0.5))
    after = np.stack(balanced)  # row t: after t + 1 symbols
    less, equal, more = (after[2 * n - 1 + d, n - 1] for d in (-1, 0, 1))
    wrong = np.flatnonzero(less | ~equal | more)
    return int(wrong[0]) if len(wrong) else limit
