"""Single units that keep one bit (Bengio, Simard and Frasconi 1994)."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array, numbers, random_seed, whole


def latch_successes(
    seed: int,
    *,
    length: int,
    noise: Array,
    weight: Array,
    inputs: int = 3,
    updates: int = 1000,
    rate: float = 0.05,
    batch: int = 4,
) -> NDArray[np.bool_]:
    r"""Train single units to keep one bit, many of them side by side; say which succeed.

    .. math:: a_t = w \tanh a_{t-1} + x_t, \qquad a_0 = 0

    For the first ``inputs`` steps :math:`x_t` is a number for each of two classes, which is learned
    as :math:`w` is; then it is noise. The error is
    :math:`\frac12 (\tanh a_T \mp 0.8)^2`, summed over the classes (Bengio, Simard & Frasconi
    1994). Gradients by hand: the whole derivative, backwards through all steps.

    Parameters
    ----------
    seed
        Seed of first inputs and noise.
    length
        Steps :math:`T`, more than ``inputs``.
    noise, weight
        ``(N,)`` standard deviation of the noise and initial :math:`w`, for each of N units.
    inputs
        Steps whose :math:`x_t` is learned. They start normal, with standard deviation 0.1.
    updates
        Steps of gradient descent.
    rate
        Learning rate.
    batch
        Sequences of each class in an update.

    Returns
    -------
    ``(N,)`` whether the unit's sign at the end is right for more than 95 % of 200 fresh sequences.
    """
    inputs = whole("inputs", inputs)
    length = whole("length", length, least=inputs + 1)
    noise, w = numbers("noise", noise), numbers("weight", weight)
    if noise.ndim != 1 or noise.shape != w.shape:
        raise ValueError(
            f"noise and weight must have one shape (N,), got {noise.shape} and {w.shape}"
        )
    rng = np.random.default_rng([random_seed("seed", seed), length])
    target = np.array([0.8, -0.8])
    u = rng.normal(0, 0.1, size=(inputs, 1, 2, len(w)))
    for _ in range(updates):
        h = _latch(w, u, noise, length, batch, rng)
        delta = np.empty((length, *h.shape[1:]))
        back = h[-1] - target[:, None]
        slope = 1 - h * h
        for t in range(length - 1, -1, -1):
            delta[t] = back * slope[t]
            back = w * delta[t]
        w = w - rate * np.einsum("tbcn,tbcn->n", delta[1:], h[:-1]) / batch
        u = u - rate * delta[:inputs].mean(1, keepdims=True)
    return _keeps(w, u, noise, length, rng)


def guessed_latches(
    seed: int, *, guesses: int, length: int, noise: float, inputs: int = 3, width: float = 5.0
) -> NDArray[np.bool_]:
    r"""Guess what ``latch_successes`` learns, and put each guess to the same test.

    :math:`w` and, for each class, the first inputs are drawn on their own, uniformly between
    minus and plus ``width``. Nothing is trained.

    Returns
    -------
    ``(guesses,)`` whether the unit's sign at the end is right for more than 95 % of 200 sequences.
    """
    inputs = whole("inputs", inputs)
    length = whole("length", length, least=inputs + 1)
    rng = np.random.default_rng([random_seed("seed", seed), length])
    w = rng.uniform(-width, width, size=whole("guesses", guesses))
    first = rng.uniform(-width, width, size=(inputs, 1, 2, len(w)))
    return _keeps(w, first, np.full(len(w), float(noise)), length, rng)


def _keeps(
    w: Array, u: Array, noise: Array, length: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Say which units end with the sign of their class on more than 95 % of 200 sequences."""
    sign = np.array([[1.0], [-1.0]])
    last = _latch(w, u, noise, length, 100, rng)[-1]
    right: NDArray[np.bool_] = (last * sign > 0).mean((0, 1)) > 0.95
    return right


def _latch(
    w: Array, u: Array, noise: Array, length: int, batch: int, rng: np.random.Generator
) -> Array:
    """Return tanh of the activations: ``(length, batch, 2, N)``."""
    h = np.empty((length, batch, 2, len(w)))
    rng.standard_normal(out=h)
    h *= noise
    h[: len(u)] = u
    np.tanh(h[0], out=h[0])
    for t in range(1, length):
        h[t] += w * h[t - 1]
        np.tanh(h[t], out=h[t])
    return h
