"""The cue task: one symbol, marked, must be recalled at the end."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.validate import in_all, random_seed, whole


class Cue(NamedTuple):
    """Sequences of the cue task.

    Attributes
    ----------
    inputs
        ``(n, length, 2)`` float32. Channel 0 is a symbol, -1 or 1, at every step; channel 1 is 1
        at the cue and 0 elsewhere.
    targets
        ``(n,)`` float32: 1 where the marked symbol is 1, else 0.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]


def cue(n: int, *, lag: ArrayLike, length: int, seed: int) -> Cue:
    """Draw sequences whose answer is the symbol that was seen ``lag`` steps before the last.

    The answer is due at the last step. With ``lag = 0`` the cue is the last step itself, with
    ``lag = length - 1`` the first. Every other symbol is a distractor, so whoever cannot see the
    cue can only guess: chance is one half.

    Parameters
    ----------
    n
        Number of sequences, at least 1.
    lag
        Steps from the cue to the last step: one whole number from 0 to ``length - 1``, or ``(n,)``
        of them, one a sequence.
    length
        Steps in a sequence, at least 1; ``n * length`` at most 10⁸.
    seed
        Seed of the draw.
    """
    n = whole("n", n)
    length = whole("length", length)
    in_all("n * length", n * length)
    lags = np.broadcast_to(_lags(lag, n, length), (n,))
    rows, steps = np.arange(n), length - 1 - lags
    symbols = np.random.default_rng(random_seed("seed", seed)).integers(0, 2, size=(n, length))
    inputs = np.zeros((n, length, 2), dtype=np.float32)
    inputs[:, :, 0] = 2 * symbols - 1
    inputs[rows, steps, 1] = 1
    return Cue(inputs, symbols[rows, steps].astype(np.float32))


def _lags(lag: ArrayLike, n: int, length: int) -> NDArray[np.int64]:
    try:
        lags = np.asarray(lag)
    except ValueError:  # lists of unequal lengths
        lags = np.asarray(None)
    if not np.issubdtype(lags.dtype, np.integer):
        raise TypeError(f"lag must hold whole numbers, got {lags.dtype}")
    if lags.shape not in ((), (n,)):
        raise ValueError(f"lag must be one number or have shape ({n},), got shape {lags.shape}")
    if lags.min() < 0 or lags.max() >= length:
        raise ValueError(
            f"lag must lie from 0 to length - 1 = {length - 1}, got {lags.min()} to {lags.max()}"
        )
    return lags.astype(np.int64)
