"""Numbers for the cases of exercises: random, and short enough to be read."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def numbers(rng: np.random.Generator, *shape: int, scale: float = 1.0) -> Array:
    """Draw normal numbers with one decimal."""
    return np.round(scale * rng.normal(size=shape), 1) + 0.0  # which turns -0.0 into 0.0
