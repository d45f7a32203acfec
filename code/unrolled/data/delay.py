"""The delay task: say, at every step, the bit that came a fixed number of steps ago."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import in_all, random_seed, whole


class Delay(NamedTuple):
    """Streams of the delay task, time-major.

    Attributes
    ----------
    inputs
        ``(T, B, 1)`` float32: a bit at every step, as -1 or 1.
    targets
        ``(T, B, 1)`` float32: the bit ``lag`` steps ago, as 0 or 1.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.float32]


def delay(steps: int, *, lag: int, streams: int, seed: int) -> Delay:
    """Draw streams of random bits whose target is the bit ``lag`` steps ago.

    All bits are independent, so whoever does not reach ``lag`` steps back can only guess: chance is
    one half. The first ``lag`` targets are bits from before the stream, never shown: leave them out
    where it matters, ``targets[lag:]``.

    Parameters
    ----------
    steps
        Steps in a stream T, at least 1.
    lag
        Steps D from a bit to its echo, at least 0: with 0 the target is the input itself.
    streams
        Streams side by side B, at least 1; ``(lag + steps) * streams`` at most 10⁸.
    seed
        Seed of the draw.
    """
    steps, lag = whole("steps", steps), whole("lag", lag, least=0)
    shape = (lag + steps, whole("streams", streams), 1)
    in_all("(lag + steps) * streams", shape[0] * shape[1])
    random = np.random.default_rng(random_seed("seed", seed))
    bits = random.integers(0, 2, size=shape).astype(np.float32)
    return Delay(2 * bits[lag:] - 1, bits[:steps])
