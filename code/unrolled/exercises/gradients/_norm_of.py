"""The length of a gradient that comes in several arrays."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def norm_of(*arrays: Array) -> float:
    """One Euclidean norm over all entries of all arrays."""
    return float(np.sqrt(sum((each**2).sum() for each in arrays)))
