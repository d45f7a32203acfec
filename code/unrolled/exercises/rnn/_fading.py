"""A worked answer of the chapter ``rnn``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.rnn._unroll import unroll


def fading(radius: float, *, hidden: int = 50, steps: int = 60, seed: int = 0) -> Array:
    """Return how far apart two runs of one network are, step by step after a single difference.

    The network is Elman's with Gaussian recurrent weights scaled to a spectral radius; both runs
    read the same noise, but for the first step, where one of them reads another number.
    """
    rng = np.random.default_rng(seed)
    U = rng.normal(size=(hidden, hidden))
    U *= radius / abs(np.linalg.eigvals(U)).max()
    W, x = rng.normal(size=(hidden, 1)), 0.1 * rng.normal(size=(steps, 2, 1))
    x[1:, 1] = x[1:, 0]
    states = unroll(x, np.zeros((2, hidden)), W, U, np.zeros(hidden))
    distance: Array = np.linalg.norm(states[:, 0] - states[:, 1], axis=1)
    return distance
