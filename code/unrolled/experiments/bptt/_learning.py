"""First weights, the loss and the optimisers of networks that learn in NumPy."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.bptt import RNN, Array


def initial(seed: int, I: int, H: int, O: int) -> RNN:  # noqa: E741
    """Draw a network as torch does, uniform between -1/sqrt(H) and 1/sqrt(H); one bias, not two."""
    random, bound = np.random.default_rng(seed), H**-0.5
    shapes = [(H, I), (H, H), (H,), (O, H), (O,)]
    return RNN(*(random.uniform(-bound, bound, shape) for shape in shapes))


def logistic_loss(y: Array, targets: Array) -> tuple[Array, Array]:
    """Return the loss of logits, entry by entry, and its derivative."""
    return np.logaddexp(0, y) - targets * y, (1 + np.tanh(y / 2)) / 2 - targets


class Adam:
    """Adam with its usual constants, for one network or for N with a rate ``(N,)`` each."""

    def __init__(self, rate: float | Array) -> None:
        self.rate, self.updates = rate, 0
        self.mean: list[Any] = [0.0] * 5
        self.square: list[Any] = [0.0] * 5

    def step(self, parameters: RNN, gradient: RNN) -> RNN:
        """Return the parameters after an update."""
        self.updates += 1
        moved = []
        for i, (each, slope) in enumerate(zip(parameters, gradient, strict=True)):
            self.mean[i] = 0.9 * self.mean[i] + 0.1 * slope
            self.square[i] = 0.999 * self.square[i] + 0.001 * slope**2
            mean = self.mean[i] / (1 - 0.9**self.updates)
            square = self.square[i] / (1 - 0.999**self.updates)
            moved.append(each - along_networks(self.rate, each) * mean / (np.sqrt(square) + 1e-8))
        return RNN(*moved)


class SGD:
    """Plain gradient descent, for one network or for N with a rate ``(N,)`` each."""

    def __init__(self, rate: float | Array) -> None:
        self.rate = rate

    def step(self, parameters: RNN, gradient: RNN) -> RNN:
        """Return the parameters after an update."""
        pairs = zip(parameters, gradient, strict=True)
        return RNN(*(each - along_networks(self.rate, each) * slope for each, slope in pairs))


def along_networks(rate: float | Array, array: Array) -> Any:
    """Shape a rate for each network so that it multiplies an array of theirs."""
    return rate.reshape(-1, *[1] * (array.ndim - 1)) if isinstance(rate, np.ndarray) else rate
