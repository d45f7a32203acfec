"""The temporal order task: a pair of symbols, far apart, in the order they came."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import in_all, random_seed, whole


class Order(NamedTuple):
    """Sequences of the temporal order task.

    Attributes
    ----------
    inputs
        ``(length, n, 6)`` float32, time first, one-hot: symbols A, B, and the distractors c to f.
    targets
        ``(n,)`` int64: 0 for AA, 1 for AB, 2 for BA, 3 for BB.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]


def order(n: int, *, length: int, seed: int) -> Order:
    """Draw sequences whose class is a pair of symbols in the order they came.

    One symbol, A or B, stands from one to two tenths of the way, another from five to six tenths,
    both ends included; all the rest are distractors. The question comes after the last step, so the
    first symbol must be kept for eight to nine tenths of the sequence. Chance is one in four.

    The places are those of Hochreiter & Schmidhuber (1997, task 6a), whose sequences have 100 to
    110 steps and two more symbols, which mark the start and the end. Pascanu, Mikolov & Bengio
    (2013) take up the task; their published program leaves out those two symbols too, and the
    upper ends: below 20 steps, the symbols' places are then always the same.

    Parameters
    ----------
    n
        Number of sequences, at least 1.
    length
        Steps in a sequence, at least 10; ``n * length`` at most 10⁸.
    seed
        Seed of the draw.
    """
    n, length = whole("n", n), whole("length", length, least=10)
    in_all("n * length", n * length)
    rng = np.random.default_rng(random_seed("seed", seed))
    columns = np.arange(n)
    symbols = rng.integers(2, 6, size=(length, n))
    pair = rng.integers(0, 2, size=(2, n))
    for tenths, symbol in zip((1, 5), pair, strict=True):
        first, last = tenths * length // 10, (tenths + 1) * length // 10
        symbols[rng.integers(first, last + 1, size=n), columns] = symbol
    return Order(np.eye(6, dtype=np.float32)[symbols], 2 * pair[0] + pair[1])
