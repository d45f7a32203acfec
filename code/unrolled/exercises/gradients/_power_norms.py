"""A worked answer of the chapter ``gradients``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def power_norms(U: Array, steps: int) -> Array:
    """Return the largest singular values of U, U @ U, ..., U to the power of steps."""
    power, norms = np.eye(len(U)), []
    for _ in range(steps):
        power = U @ power
        norms.append(np.linalg.norm(power, 2))
    return np.array(norms)
