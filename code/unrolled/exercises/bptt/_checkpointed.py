"""A worked answer of the chapter ``bptt``."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.bptt._elman import states_of, sweep


def checkpointed(
    direct: Array, x: Array, W: Array, U: Array, b: Array, every: int
) -> tuple[Array, Array, Array, int]:
    """Return the whole gradient, (dW, dU, db), and the largest number of states kept at a time.

    Keep the state before every `every`-th step. Then go through the chunks from the last to the
    first: run each again from the state kept, and hand what goes back across the cut to the chunk
    before. `direct` is what the loss itself says of each state.
    """
    starts = range(0, len(x), every)
    h, kept = np.zeros((x.shape[1], len(b))), []
    for start in starts:
        kept.append(h)
        h = states_of(x[start : start + every], h, W, U, b)[-1]
    total, later, most = [0.0 * W, 0.0 * U, 0.0 * b], 0.0 * h, len(kept)
    for start in reversed(starts):
        chunk = slice(start, start + every)
        states = states_of(x[chunk], kept.pop(), W, U, b)
        most = max(most, len(kept) + len(states))
        outside = direct[chunk].copy()
        outside[-1] += later
        *parts, later = sweep(outside, x[chunk], states, W, U)
        total = [each + part for each, part in zip(total, parts, strict=True)]
    return total[0], total[1], total[2], most
