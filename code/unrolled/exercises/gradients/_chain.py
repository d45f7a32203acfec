"""A worked answer of the chapter ``gradients``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array


def chain(units: int, keep: float, hand_on: float) -> Array:
    """Weights of a chain: each unit keeps a share of itself and hands one on to the next."""
    return keep * np.eye(units) + hand_on * np.eye(units, k=-1)
