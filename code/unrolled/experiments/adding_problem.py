"""Learning the adding problem: how a model is trained on it, and tested."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from unrolled.data import adding
from unrolled.experiments.last_step import LastStepReadout
from unrolled.training import device


def learn_adding(
    model: LastStepReadout,
    *,
    length: int,
    rate: float,
    updates: int,
    seed: int,
    batch: int = 32,
    clip: float = 1.0,
    every: int = 200,
    enough: float = 0.05,
) -> dict[str, float]:
    """Train a model on the adding problem by Adam, with clipping, on fresh sequences.

    It stops when its error on 1,000 other sequences is below ``enough``, and is then tested on
    1,000 more.

    Parameters
    ----------
    model
        Answers one number. It is trained in place.
    length
        Steps in a sequence.
    rate, batch, clip
        Learning rate, sequences in an update, largest norm of the gradient.
    updates, every
        Most updates, and updates between tests.
    seed
        Seed of the sequences.
    enough
        As the result ``error``.

    Returns
    -------
    ``error``: mean squared error on the test, divided by the variance of its targets: 1 for who
    always answers their mean. And ``updates`` made.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    check = adding_sequences(1000, length, seed + 1_000_000)
    done = 0
    while done < updates:
        n = min(every, updates - done)
        x, y = adding_sequences(n * batch, length, 10_000 * seed + done // every)
        for inputs, targets in zip(torch.split(x, batch, 1), torch.split(y, batch), strict=True):
            optimizer.zero_grad()
            mse_loss(model(inputs)[:, 0], targets).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        done += n
        if unexplained_variance(model, *check) < enough:
            break
    return {
        "error": unexplained_variance(model, *adding_sequences(1000, length, seed + 2_000_000)),
        "updates": done,
    }


def adding_sequences(n: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return sequences ``(T, n, 2)`` of the adding problem and their sums ``(n,)``."""
    x, y = adding(n, length=length, seed=seed)
    return torch.from_numpy(x).to(device()), torch.from_numpy(y).to(device())


def unexplained_variance(model: LastStepReadout, x: Tensor, y: Tensor) -> float:
    """Return the fraction of the targets' variance that the model leaves unexplained."""
    with torch.no_grad():
        return float(mse_loss(model(x)[:, 0], y) / y.var(correction=0))
