"""A worked answer of the chapter ``variants``."""

from __future__ import annotations

import numpy as np


def best_found(
    cells: int, seeds: int, *, spread: float, repeats: int = 1000, rng: int = 0
) -> tuple[float, float]:
    """Search among cells, repeats times: say how good the best looks, and how good it is.

    A cell's worth is normal with standard deviation spread, 0 being the LSTM's. What is measured is
    its mean over seeds runs, of which one is off by a standard deviation of 1. Returns what was
    measured of the winner, and its worth, both averaged over the searches.
    """
    draw = np.random.default_rng(rng)
    worth = spread * draw.normal(size=(repeats, cells))
    measured = worth + draw.normal(size=worth.shape) / np.sqrt(seeds)
    best = measured.argmax(axis=1)
    rows = np.arange(repeats)
    return float(measured[rows, best].mean()), float(worth[rows, best].mean())
