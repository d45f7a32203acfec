"""Temporal order as tensors: sequences, fresh batches, accuracy."""

from __future__ import annotations

from collections.abc import Iterator

import torch
from torch import Tensor

from unrolled.data import order
from unrolled.experiments.last_step import LastStepReadout
from unrolled.training import device


def order_sequences(n: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    """Return sequences ``(T, n, 6)`` of temporal order and their classes ``(n,)``."""
    x, y = order(n, length=length, seed=seed)
    return torch.from_numpy(x).to(device()), torch.from_numpy(y).to(device())


def order_batches(
    updates: int, batch: int, length: int, seed: int
) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield fresh batches of temporal order; draw them a hundred at a time."""
    for start in range(0, updates, 100):
        n = min(100, updates - start)
        x, y = order_sequences(n * batch, length, 10_000 * seed + start // 100)
        yield from zip(torch.split(x, batch, 1), torch.split(y, batch), strict=True)


def class_accuracy(model: LastStepReadout, x: Tensor, y: Tensor) -> float:
    """Return the fraction of sequences whose class a model finds."""
    with torch.no_grad():
        return float((model(x).argmax(-1) == y).double().mean())  # double: 0.99 is not above 0.99
