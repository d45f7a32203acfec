"""Elman's network (1990), trained as he did."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike
from scipy.special import expit  # type: ignore[import-untyped]

from unrolled.bptt import RNN
from unrolled.core.validate import Array, numbers, random_seed, real, whole

FIRST = 0.5
"""What every context unit holds before the first step: half way between off and on."""


def learn(
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    hidden: int,
    rate: float,
    passes: int,
    scale: float = 1.0,
    seed: int,
) -> RNN:
    r"""Train Elman's network as he did: after every step, the context treated as one more input.

    .. math:: h_t = \sigma(W x_t + U h_{t-1} + b), \qquad \hat y_t = \sigma(V h_t + c)

    After each step the weights move against the gradient of
    :math:`\tfrac12 \lVert \hat y_t - y_t \rVert^2` with :math:`h_{t-1}` held fixed: it is
    backpropagation through time cut after one step, BPTT(1). Training starts with
    :math:`h_0 = \tfrac12`, and carries the state on from pass to pass.

    Parameters
    ----------
    inputs, targets
        ``(T, I)`` and ``(T, O)``: a stream, and the answer to each step, from 0 to 1.
    hidden
        Units :math:`H`, at least 1.
    rate
        Learning rate, greater than 0.
    passes
        Passes over the stream; 0 leaves the first weights as they are.
    scale
        Range of the first weights and biases :math:`s`, greater than 0: all are drawn from
        :math:`\mathcal U(-s, s)`.
    seed
        Seed of the first weights, at least 0.
    """
    x, y = _streams(inputs, targets)
    hidden, passes = whole("hidden", hidden), whole("passes", passes, least=0)
    rate, scale = real("rate", rate, above=0), real("scale", scale, above=0)
    rng = np.random.default_rng(random_seed("seed", seed))
    size = x.shape[1]
    theta = rng.uniform(-scale, scale, (hidden, size + hidden + 1))  # W, U and b side by side
    readout = rng.uniform(-scale, scale, (y.shape[1], hidden + 1))  # V and c
    V = readout[:, :-1]
    seen, state = np.ones(size + hidden + 1), np.ones(hidden + 1)  # each ends in 1, for the bias
    seen[size:-1] = FIRST
    for _ in range(passes):
        for x_t, y_t in zip(x, y, strict=True):
            seen[:size] = x_t
            state[:-1] = h = expit(theta @ seen)
            answer = expit(readout @ state)
            do = (answer - y_t) * answer * (1 - answer)
            da = (do @ V) * h * (1 - h)
            readout -= np.outer(rate * do, state)
            theta -= np.outer(rate * da, seen)
            seen[size:-1] = h
    W, U, b = np.split(theta, [size, size + hidden], axis=1)
    return RNN(W, U, b[:, 0], V, readout[:, -1])


def read(network: RNN, inputs: ArrayLike) -> tuple[Array, Array]:
    """Return the states ``(T, H)`` and the answers ``(T, O)`` of a network to inputs ``(T, I)``."""
    W, U, b, V, c = network
    x = numbers("inputs", inputs)
    if x.ndim != 2 or x.shape[1] != W.shape[1]:
        raise ValueError(f"inputs must have shape (T, {W.shape[1]}), got {x.shape}")
    h, states = np.full(len(U), FIRST), np.empty((len(x), len(U)))
    for t, a in enumerate(x @ W.T + b):
        states[t] = h = expit(a + U @ h)
    return states, expit(states @ V.T + c)


def _streams(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    x, y = numbers("inputs", inputs), numbers("targets", targets)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not x.size or not y.size:
        raise ValueError(
            f"inputs and targets must have shapes (T, I) and (T, O), got {x.shape} and {y.shape}"
        )
    return x, y


def root_mean_square(error: Array) -> float:
    """Return the root of the mean square."""
    return float(np.sqrt(np.mean(error**2)))


UNITS = (
    "Units are logistic and the context starts at 0.5, as in the paper. Learning rate and first "
    "weights are ours."
)
