"""Arguments for ``lstm.step``: half of the sequences run, and one more where they are odd."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers

_rng = np.random.default_rng(0)


def drawn(
    B: int,
    I: int,  # noqa: E741
    H: int,
    *,
    inputs: float = 1.0,
    states: float = 2.0,
) -> tuple[Array, ...]:
    shapes = (B, I), (B, H), (B, H), (4 * H, I), (4 * H, H), (4 * H,)
    x, h, c, W, U, b = (numbers(_rng, *shape) for shape in shapes)
    running = _rng.permutation(np.arange(B) % 2 == 0)
    return inputs * x, min(states, 0.5) * h, states * c, W, U, b, running


def padded(*sizes: int, padding: float) -> tuple[Array, ...]:
    x, *rest, running = drawn(*sizes)
    return np.where(running[:, None], x, padding), *rest, running


def from_cells(*sizes: int) -> tuple[Array, ...]:
    """Begin with an output of zeros, and cells that are not 0."""
    x, h, *rest = drawn(*sizes)
    return x, 0 * h, *rest
