"""Other right answers to ``bptt.backward``, and a hint for those that stop on the way."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array

Arrays = tuple[Array, ...]


def by_sequences(direct: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    dW, dU, db, starts = 0 * W, 0 * U, np.zeros(len(U)), []
    for outside, inputs, states in zip(*(a.swapaxes(0, 1) for a in (direct, x, h)), strict=True):
        later = np.zeros(len(U))
        for t in reversed(range(len(inputs))):
            later = later + outside[t]
            da = (1 - (states[t + 1] - states[t]) ** 2) * later
            dW, dU, db = dW + np.outer(da, inputs[t]), dU + np.outer(da, states[t]), db + da
            later = later + U.T @ da
        starts.append(later)
    return dW, dU, db, np.stack(starts)


def at_once(direct: Array, x: Array, h: Array, W: Array, U: Array) -> Arrays:
    slope = 1 - np.diff(h, axis=0) ** 2
    said = direct.copy()
    for t in range(len(x) - 2, -1, -1):
        said[t] += said[t + 1] + (said[t + 1] * slope[t + 1]) @ U
    da, product = said * slope, "tbi,tbj->ij"
    dW, dU = np.einsum(product, da, x), np.einsum(product, da, h[:-1])
    return dW, dU, np.sum(da, axis=(0, 1)), said[0] + da[0] @ U


def by_torch(direct: Array, x: Array, h: Array, W: Array, U: Array) -> Any:
    from torch import from_numpy, zeros_like

    outside, inputs, states, weights, recurrent = map(from_numpy, (direct, x, h, W, U))
    later, dW, dU = zeros_like(states[0]), zeros_like(weights), zeros_like(recurrent)
    db = zeros_like(recurrent[0])
    for t in range(len(x) - 1, -1, -1):
        later = later + outside[t]
        da = later * (1 - (states[t + 1] - states[t]).square())
        dW.addmm_(da.T, inputs[t])
        dU.addmm_(da.T, states[t])
        db.add_(da.sum(dim=0))
        later = later + da.mm(recurrent)
    return dW, dU, db, later


def goes_all_the_way(result: Arrays, direct: Array, x: Array, h: Array, W: Array, U: Array) -> bool:
    """Each error is carried back through a few steps, and then dropped: this is truncated BPTT.

    For short sequences it is right. Here no error stops before the first step, however long.
    """
    return not any(np.allclose(result[0], dW) for dW in _truncated(direct, x, h, U))


def _truncated(direct: Array, x: Array, h: Array, U: Array) -> list[Array]:
    """List dW by BPTT(2), BPTT(3), ... as long as something is cut off."""
    slope, product = 1 - np.diff(h, axis=0) ** 2, "tbi,tbj->ij"
    part = direct  # of each error, what it says `lag` steps back
    found = [np.einsum(product, part * slope, x)]
    for lag in range(1, len(x)):
        part = part[1:] + (part[1:] * slope[lag:]) @ U
        found.append(found[-1] + np.einsum(product, part * slope[:-lag], x[:-lag]))
    return found[1:-1]
