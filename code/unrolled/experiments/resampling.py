"""How far a mean may be off when neighbouring values resemble each other."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike

from unrolled.core.validate import random_seed, real, series, whole


def block_interval(
    values: ArrayLike, *, block: int, level: float = 0.9, draws: int = 2000, seed: int = 0
) -> tuple[float, float]:
    """Return an interval for the mean of a series by the moving-block bootstrap.

    A resample strings together blocks of neighbouring values, drawn with replacement, until it is
    as long as the series; the interval holds the middle part of the resamples' means.

    Parameters
    ----------
    values
        ``(N,)`` the series.
    block
        Values in a block, from 1 to ``N``: about as many as resemble each other.
    level
        Part of the means inside the interval, in (0, 1).
    draws
        Resamples, at least 1.
    seed
        Seed of the draw.
    """
    x = series("values", values)
    block = whole("block", block, most=len(x))
    draws = whole("draws", draws)
    level = real("level", level, above=0, below=1)
    starts = len(x) - block + 1
    blocks = -(-len(x) // block)
    random = np.random.default_rng(random_seed("seed", seed))
    first = random.integers(0, starts, size=(draws, blocks, 1))
    picked = (first + np.arange(block)).reshape(draws, -1)[:, : len(x)]
    low, high = np.quantile(x[picked].mean(axis=1), [(1 - level) / 2, (1 + level) / 2])
    return float(low), float(high)
