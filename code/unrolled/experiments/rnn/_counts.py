"""Counts of characters, the writer's rival: how often each followed the last few."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array, real, whole
from unrolled.data.text import ALPHABET

K = len(ALPHABET)

STRENGTHS = (1.0, 2.0, 5.0, 10.0, 20.0, 50.0, 100.0, 200.0)
"""Strengths of the smoothing to choose from."""


def counted_bits(
    learn: NDArray[np.int64], text: NDArray[np.int64], *, order: int, strength: float
) -> float:
    r"""Return the bits that counts over the last ``order`` characters need for a character.

    .. math:: P_n(s \mid h) = \frac{\#(h s) + \kappa P_{n-1}(s \mid h')}{\#(h) + \kappa},
        \qquad P_{-1} = 1/K

    with :math:`h` the last n characters, :math:`h'` all of them but the oldest, # how often they
    stand in the text learned from, and :math:`\kappa` the strength of the smoothing.

    Parameters
    ----------
    learn, text
        ``(N,)`` characters to count in, and to be tested on, which go on from there.
    order
        Characters that are looked back, from 0 to 9.
    strength
        Greater than 0.
    """
    order = whole("order", order, least=0, most=9)
    strength = real("strength", strength, above=0)
    chances: Array = np.full(len(text), 1 / K)
    for n in range(order + 1):
        seen, now = _contexts(learn, n), _contexts(np.concatenate([learn[-n:][:n], text]), n)
        both, followed = seen * K + learn[n:], now * K + text
        chances = strength * chances + _times(both, followed)
        chances /= _times(seen, now) + strength
    return float(-np.log2(chances).mean())


def best_counted_bits(
    learn: NDArray[np.int64],
    held_out: NDArray[np.int64],
    text: NDArray[np.int64],
    *,
    orders: Sequence[int],
) -> list[tuple[float, float]]:
    """Return, for each order, the strength that does best on ``held_out``, and bits on ``text``."""
    found = []
    for order in orders:
        best = min(
            STRENGTHS, key=lambda each: counted_bits(learn, held_out, order=order, strength=each)
        )
        found.append((best, counted_bits(learn, text, order=order, strength=best)))
    return found


def _contexts(codes: NDArray[np.int64], n: int) -> NDArray[np.int64]:
    """Return for each character from the n-th on the n before it, as one number."""
    number = np.zeros(len(codes) - n, dtype=np.int64)
    for back in range(n):
        number = number * K + codes[back : len(codes) - n + back]
    return number


def _times(seen: NDArray[np.int64], now: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return how often each of ``now`` is among ``seen``."""
    values, counts = np.unique(seen, return_counts=True)
    places = np.minimum(np.searchsorted(values, now), len(values) - 1)
    return np.where(values[places] == now, counts[places], 0)
