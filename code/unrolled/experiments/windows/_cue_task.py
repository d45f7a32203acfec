"""Learning to recall a cue: the recurrent cell, how it is trained, and tested."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import binary_cross_entropy_with_logits

from unrolled.data import Batches, Cue, cue
from unrolled.training import device, fit, seeded


class Recall(nn.Module):
    """One recurrent cell that reads a sequence and answers at its end.

    The cell is torch's GRU, used here as a closed box: the rest of the book opens it.

    Parameters
    ----------
    hidden
        Units of the cell, at least 1.
    """

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.cell = nn.GRU(2, hidden, batch_first=True)
        self.output = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences ``(B, T, 2)`` to logits ``(B,)``."""
        states, _ = self.cell(x)
        y: Tensor = self.output(states[:, -1]).squeeze(-1)
        return y


def cue_by_recurrence(
    seed: int, *, hidden: int, trained_to: int, lags: Sequence[int], examples: int, epochs: int
) -> dict[str, list[float]]:
    """Train one recurrent network on lags 0 to ``trained_to``; return its accuracy at ``lags``.

    The network has the harder task: one set of weights for every lag. Distractors stand before
    the cue as well as after it: sequences have twice ``trained_to`` steps and two, and more when
    longer lags are asked.

    Returns
    -------
    ``recurrent`` holds an accuracy on fresh data for each of ``lags``, ``up to eight times`` those
    at the lags no longer than eight times ``trained_to``.
    """
    model = taught(seed, hidden=hidden, trained_to=trained_to, examples=examples, epochs=epochs)
    length = max(2 * trained_to + 1, *lags) + 1
    accuracies = [
        cue_accuracy(model, cue(1000, lag=lag, length=length, seed=seed + 1_000_000), nn.Identity())
        for lag in lags
    ]
    near = [a for a, lag in zip(accuracies, lags, strict=True) if lag <= 8 * trained_to]
    return {"recurrent": accuracies, "up to eight times": near}


def taught(seed: int, *, hidden: int, trained_to: int, examples: int, epochs: int) -> Recall:
    """Return a recurrent network that was trained on lags 0 to ``trained_to``, mixed."""
    model = seeded(seed, lambda: Recall(hidden))
    mixed = np.random.default_rng(seed).integers(0, trained_to + 1, size=examples)
    training = cue(examples, lag=mixed, length=2 * trained_to + 2, seed=seed)
    learn_cue(model, training, nn.Identity(), seed=seed, epochs=epochs)
    return model


def learn_cue(
    model: nn.Module,
    examples: Cue,
    visible: Callable[[Tensor], Tensor],
    *,
    seed: int,
    epochs: int,
) -> None:
    """Train a model in place on what it sees of the examples, by Adam on batches of 64."""
    fit(
        model,
        Batches(examples.inputs, examples.targets, size=64, seed=seed),
        lambda model, x, y: binary_cross_entropy_with_logits(model(visible(x)), y),
        epochs=epochs,
        optimizer=torch.optim.Adam(model.parameters(), lr=1e-2),
        clip=1.0,
    )


def cue_accuracy(model: nn.Module, examples: Cue, visible: Callable[[Tensor], Tensor]) -> float:
    """Return the fraction of examples whose cue a model recalls from what it sees of them."""
    inputs, targets = (torch.as_tensor(part).to(device()) for part in examples)
    with torch.no_grad():
        return float(((model(visible(inputs)) > 0) == (targets > 0.5)).float().mean())


CELL = {"hidden": 8, "examples": 8192, "epochs": 4}
