"""GRUs to be carried to torch: the cases of two exercises."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers


def carried_grus() -> list[tuple[Array, Array, Array]]:
    """Draw kernels (I, 3H), recurrent kernels (H, 3H) and biases (2, 3H) of many sizes."""
    rng = np.random.default_rng(0)

    def drawn(inputs: int, hidden: int, scale: float = 1.0) -> tuple[Array, Array, Array]:
        shapes = (inputs, 3 * hidden), (hidden, 3 * hidden), (2, 3 * hidden)
        kernel, recurrent_kernel, bias = (scale * numbers(rng, *shape) for shape in shapes)
        return kernel, recurrent_kernel, bias

    return [
        drawn(1, 2),
        drawn(3, 1),
        drawn(2, 1),
        drawn(2, 2),
        drawn(3, 4),
        drawn(3, 4),
        drawn(5, 3),
        drawn(1, 1),
        drawn(4, 4),
        drawn(2, 11),
        drawn(30, 2),
        drawn(4, 2, scale=0.0),
        drawn(2, 3, scale=1e6),
        drawn(2, 3, scale=1e-6),
    ]
