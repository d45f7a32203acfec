"""Minibatches whose order is a function of the seed and the epoch, and of nothing else."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np

from unrolled.core.validate import whole


class Batches:
    """Examples in a fresh random order every epoch, cut into batches.

    The order of epoch ``e`` depends on ``(seed, e)`` alone, so a run that was killed can start
    again in the middle of any epoch and see the batches it would have seen.

    Parameters
    ----------
    arrays
        NumPy arrays or tensors, each of shape ``(n, ...)``: example ``i`` is row ``i`` of all.
    size
        Examples in a batch, at least 1. The last batch of an epoch holds what is left over.
    seed
        Seed of the orders.
    shuffle
        False keeps the order of the rows.

    Raises
    ------
    ValueError
        If there is no array, no example, or the arrays differ in length.
    """

    def __init__(self, *arrays: Any, size: int, seed: int, shuffle: bool = True) -> None:
        lengths = [len(array) for array in arrays]
        if not lengths or lengths[0] == 0:
            raise ValueError(f"arrays must hold at least one example, got lengths {lengths}")
        if len(set(lengths)) > 1:
            raise ValueError(f"arrays must have the same length, got lengths {lengths}")
        self.arrays = arrays
        self.examples = lengths[0]
        self.size = whole("size", size)
        self.seed = whole("seed", seed, least=0)
        self.shuffle = shuffle

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.examples // self.size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Sequence[Any]]:
        """Yield the batches of epoch ``number``, leaving out the first ``start``."""
        order = np.arange(self.examples)
        if self.shuffle:
            np.random.default_rng([self.seed, number]).shuffle(order)
        for batch in range(start, len(self)):
            rows = order[batch * self.size : (batch + 1) * self.size]
            yield [array[rows] for array in self.arrays]
