"""Descent of the two-parameter network's loss surface, with clipping or without."""

from __future__ import annotations

import numpy as np

from unrolled.bptt import surface
from unrolled.core.validate import Array, whole


def descend(u: Array, b: Array, *, clip: float, rate: float, steps: int) -> tuple[Array, Array]:
    """Descend the loss surface of the two-parameter network, see ``bptt.surface``.

    Parameters
    ----------
    u, b
        ``(n,)`` recurrent weights and biases to start from.
    clip
        Largest norm of the gradient; infinity: as it comes.
    rate, steps
        Learning rate and steps of gradient descent.

    Returns
    -------
    path, longest
        ``(steps + 1, n, 2)`` pairs u, b on the way, and the longest gradient met ``(n,)``.
    """
    path, longest = [np.stack([u, b], axis=1)], np.zeros(len(u))
    for _ in range(whole("steps", steps)):
        _, *gradient = surface(*path[-1].T)
        g = np.stack(gradient, axis=1)
        norm = np.linalg.norm(g, axis=1)
        with np.errstate(divide="ignore"):
            scale = np.minimum(1, clip / norm)
        path.append(path[-1] - rate * scale[:, None] * g)
        longest = np.maximum(longest, norm)
    return np.array(path), longest
