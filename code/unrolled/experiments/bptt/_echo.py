"""Networks that learn an echo by truncated gradients: what two claims share."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from unrolled import bptt
from unrolled.bptt import RNN, Array
from unrolled.data import delay
from unrolled.experiments.bptt._learning import Adam, initial, logistic_loss
from unrolled.experiments.ledger import Tuned


def truncation(
    seed: int,
    *,
    lags: Sequence[int],
    lengths: Sequence[int],
    hidden: int,
    streams: int,
    updates: int,
    rate: float,
) -> dict[str, list[float]]:
    """Train networks on the delay task by truncated gradients; return accuracies on fresh streams.

    Returns
    -------
    For each lag D, ``D = ...: every step`` holds an accuracy for BPTT(k) with each k of
    ``lengths``, ``D = ...: chunks`` for BPTT(k; k). ``BPTT(2D; D)`` holds one for each lag, and
    ``readout only`` one where the recurrent weights stay as they were drawn. Over all lags and
    both forms, ``reached`` holds those with k above D, ``one too few`` those with k = D, and
    ``too few`` those with k from 2 to D.
    """
    runs = [
        (form, lag, k, k if form == "chunks" else 1)
        for lag in lags
        for form in ("every step", "chunks")
        for k in lengths
    ]

    def accuracy(lag: int, back: int, every: int, *, readout_only: bool = False) -> float:
        return echo_accuracy(
            lag,
            back=back,
            every=every,
            readout_only=readout_only,
            seed=seed,
            hidden=hidden,
            streams=streams,
            updates=updates,
            rate=rate,
        )

    table = {(form, lag, k): accuracy(lag, k, every) for form, lag, k, every in runs}
    measured = {
        f"D = {lag}: {form}": [table[form, lag, k] for k in lengths]
        for form in ("every step", "chunks")
        for lag in lags
    }
    measured["BPTT(2D; D)"] = [accuracy(D, 2 * D, D) for D in lags]
    measured["readout only"] = [accuracy(D, 1, 1, readout_only=True) for D in lags]
    return measured | {
        "reached": [found for (_, lag, k), found in table.items() if k > lag],
        "one too few": [found for (_, lag, k), found in table.items() if k == lag],
        "too few": [found for (_, lag, k), found in table.items() if 1 < k <= lag],
    }


def echo_accuracy(
    lag: int,
    *,
    back: int,
    every: int,
    seed: int,
    hidden: int,
    streams: int,
    updates: int,
    rate: float,
    readout_only: bool = False,
) -> float:
    """Return the accuracy on fresh streams of a network trained by BPTT(back; every)."""
    parameters = initial(seed, 1, hidden, 1)
    training = delay(updates * every, lag=lag, streams=streams, seed=seed)
    trained = online(
        parameters, *training, back=back, every=every, rate=rate, readout_only=readout_only
    )
    x, targets = delay(lag + 500, lag=lag, streams=streams, seed=seed + 1_000_000)
    _, y = bptt.forward(trained, x, np.zeros((streams, hidden)))
    return float(((y > 0) == (targets > 0.5))[lag:].mean())


def online(
    parameters: RNN,
    x: Array,
    targets: Array,
    *,
    back: int,
    every: int,
    rate: float,
    readout_only: bool = False,
) -> RNN:
    """Train along streams by BPTT(k; k'), as Williams and Peng: an update every k' steps.

    Each takes the errors of the latest ``every`` steps back through the latest ``back`` states.
    These stay as they were when they were computed, though the parameters have moved since. Loss:
    cross-entropy, averaged over steps and streams. With ``readout_only`` V and c learn alone.
    """
    adam = Adam(rate)
    h = np.zeros((1, x.shape[1], len(parameters.b)))
    for end in range(every, len(x) + 1, every):
        new, y = bptt.forward(parameters, x[end - every : end], h[-1])
        h = np.concatenate([h, new[1:]])[-back - 1 :]
        reach = len(h) - 1
        dy = np.zeros((reach, *y.shape[1:]))
        dy[-every:] = logistic_loss(y, targets[end - every : end])[1] / y[..., 0].size
        gradient, _ = bptt.backward(parameters, x[end - reach : end], h, dy)
        if readout_only:
            gradient = gradient._replace(W=0 * gradient.W, U=0 * gradient.U, b=0 * gradient.b)
        parameters = adam.step(parameters, gradient)
    return parameters


ECHO = {"hidden": 24, "streams": 32, "updates": 3000, "rate": 0.002}

ECHO_TUNED = (
    Tuned(arm="every network", setting="learning rate", tried=(0.002, 0.005), chosen=0.002),
    Tuned(arm="every network", setting="updates", tried=(1500, 3000), chosen=3000),
)
