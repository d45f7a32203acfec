"""What is known of a stream by its pairs: which symbol follows which."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array


def mean_followers(symbols: NDArray[np.int64], codes: Array) -> Array:
    """Return, for each symbol of a stream, the mean code of what follows it."""
    now, following = symbols[:-1], codes[1:]
    return np.array([following[now == each].mean(axis=0) for each in range(symbols.max() + 1)])


def places(text: str, alphabet: list[str]) -> NDArray[np.int64]:
    """Return the place of each letter in an alphabet, ``(n,)``."""
    return np.array([alphabet.index(letter) for letter in text])
