"""Networks that print what a teleprinter prints, key by key."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any, TypeVar

import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import one_hot

from unrolled.cells import Elman
from unrolled.core import shapes
from unrolled.core.validate import real, whole
from unrolled.data.batching import Batches
from unrolled.data.teleprinter import CHARACTERS, KEYS, Messages
from unrolled.training import device, fit, seeded

M = TypeVar("M", bound=nn.Module)

PRINTER: Mapping[str, Any] = {"traffic": 2048, "longest": 30, "hidden": 32, "epochs": 8}
"""The teleprinter: messages to learn from, keys in the longest, units, passes."""


def train_printer(seed: int, sent: Messages, *, hidden: int, epochs: int) -> shapes.Synchronised:
    """Train a recurrent network to print what the teleprinter prints, key by key."""

    def loss(model: nn.Module, keys: Tensor, characters: Tensor, lengths: Tensor) -> Tensor:
        scores, _ = model(key_codes(keys), lengths=lengths)
        return shapes.symbol_loss(scores, characters.T, lengths)

    model = seeded(seed, lambda: shapes.Synchronised(Elman(len(KEYS), hidden), len(CHARACTERS)))
    return trained(model, sent, loss, epochs=epochs, seed=seed)


def train_window(
    seed: int, sent: Messages, *, size: int, hidden: int, epochs: int
) -> nn.Sequential:
    """Train a perceptron with one hidden layer to print each character from the latest keys."""

    def build() -> nn.Sequential:
        reads, prints = nn.Linear(size * len(KEYS), hidden), nn.Linear(hidden, len(CHARACTERS))
        return nn.Sequential(Latest(size), reads, nn.Tanh(), prints)

    def loss(model: nn.Module, keys: Tensor, characters: Tensor, lengths: Tensor) -> Tensor:
        return shapes.symbol_loss(model(key_codes(keys)), characters.T, lengths)

    return trained(seeded(seed, build), sent, loss, epochs=epochs, seed=seed)


class Latest(nn.Module):
    """Puts the latest inputs side by side: ``(T, B, I)`` to ``(T, B, size * I)``, zeros before."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = whole("size", size)

    def forward(self, x: Tensor) -> Tensor:
        """Return at each step the inputs of the last ``size`` steps, its own among them."""
        before = x.new_zeros(self.size - 1, *x.shape[1:])
        return torch.cat([before, x]).unfold(0, self.size, 1).flatten(2)


def key_codes(keys: ArrayLike | Tensor) -> Tensor:
    """Return keys ``(B, T)`` as one-hot vectors ``(T, B, 14)``, where ``device()`` says."""
    return one_hot(torch.as_tensor(keys, device=device()).T, len(KEYS)).float()


def trained(
    model: M,
    arrays: Sequence[Any],
    loss: Callable[..., Tensor],
    *,
    epochs: int,
    rate: float = 0.01,
    seed: int = 0,
) -> M:
    """Train a model in place, by Adam on batches of 64 with clipping at 1, and return it.

    Parameters
    ----------
    model, loss, epochs
        As in :func:`unrolled.training.fit`.
    arrays
        The examples: arrays ``(n, ...)``, passed to the loss a batch at a time.
    rate
        Learning rate, greater than 0.
    seed
        Seed of the order of the examples.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=real("rate", rate, above=0))
    fit(
        model,
        Batches(*arrays, size=64, seed=seed),
        loss,
        epochs=epochs,
        optimizer=optimizer,
        clip=1,
    )
    return model
