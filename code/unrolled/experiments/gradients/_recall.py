"""One network that must recall a bit seen some steps before, and the loop that trains it."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.data import Batches, cue
from unrolled.experiments.last_step import LastStepReadout
from unrolled.gradients import spectral_radius
from unrolled.training import device, seeded


def recall_network(seed: int, *, hidden: int = 32) -> LastStepReadout:
    """Return a tanh network with torch's usual first weights, which answers after the last step."""
    return seeded(seed, lambda: LastStepReadout(Recurrent(Elman(2, hidden)), hidden, 1))


def learn_recall(
    model: LastStepReadout,
    *,
    lag: int,
    rate: float,
    seed: int,
    updates: int = 600,
    after: Callable[[Tensor], None] | None = None,
) -> tuple[list[float], list[float]]:
    r"""Train a network to say, after the last step, which bit it saw first.

    Parameters
    ----------
    model
        Network with an ``Elman`` layer of two inputs and one output; it is changed.
    lag
        Steps from the bit, the first thing seen, to the last step; at least 0.
    rate
        Learning rate of Adam.
    seed
        Seed of the sequences, 64 new ones for each update.
    updates
        Updates.
    after
        Called with the recurrent weights after each update; may change them in place.

    Returns
    -------
    losses, radii
        At each update the loss in bits and, after it, the spectral radius of the recurrent weights.
    """
    bits = cue(64 * updates, lag=lag, length=lag + 1, seed=seed)
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    U, losses, radii = model.layer.cell.weight_hh.data, [], []
    for x, y in Batches(*bits, size=64, seed=seed).epoch(0):
        x, y = (torch.as_tensor(part).to(device()) for part in (x, y))
        optimizer.zero_grad()
        logits = model(x.transpose(0, 1))[:, 0]
        E = binary_cross_entropy_with_logits(logits, y)
        E.backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        if after is not None:
            after(U)
        losses.append(E.item() / float(np.log(2)))
        radii.append(float(spectral_radius(U)))
    return losses, radii
