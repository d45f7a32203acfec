"""Arguments for ``bptt.backward``: runs of the network that adds to its state."""

from __future__ import annotations

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers

Arrays = tuple[Array, ...]
_rng = np.random.default_rng(2)


def states_of(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    """Run the network that adds to its state: the state h and those after it."""
    states = [h]
    for x_t in x:
        states.append(states[-1] + np.tanh(x_t @ W.T + states[-1] @ U.T + b))
    return np.stack(states)


def drawn(*sizes: int, error: float = 1.0, start: float = 1.0, weights: float = 1.0) -> Arrays:
    """Draw a sequence; `error` scales direct, `start` the initial state."""
    T, B, I, H = sizes  # noqa: E741
    shapes = ((T, B, H), (T, B, I), (B, H), (H, I), (H, H), (H,))
    direct, x, h0, W, U, b = (numbers(_rng, *shape) for shape in shapes)
    W, U = weights * W, weights * U
    return direct * error, x, states_of(x, np.tanh(start * h0), W, U, b), W, U


def at_the_end(*sizes: int) -> Arrays:
    """Draw a sequence of which the loss looks at the last state only."""
    direct, *rest = drawn(*sizes)
    direct[:-1] = 0
    return direct, *rest


def saturated() -> Arrays:
    """The first unit sees 800 and more, the others do not."""
    direct, x, h, W, U = drawn(6, 2, 3, 4)
    W[0], x[:, :, 0] = (900, 0, 0), np.sign(x[:, :, 0])
    return direct, x, states_of(x, h[0], W, U, np.zeros(4)), W, U
