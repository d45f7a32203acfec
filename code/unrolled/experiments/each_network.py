"""What each of many networks is given, and what each has lost."""

from __future__ import annotations

from typing import Any

import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.nn.functional import cross_entropy

from unrolled.data.reber import IGNORED
from unrolled.training import device


def by_network(drawn: NDArray[Any], networks: int) -> Tensor:
    """Deal sequences ``(T, B * N, ...)`` out to networks, ``(T, B, N, ...)``, on the device."""
    x: Tensor = torch.from_numpy(drawn).to(device())
    return x.view(len(x), -1, networks, *x.shape[2:])


def cross_entropy_each(prediction: Tensor, target: Tensor) -> Tensor:
    """Return each network's mean cross-entropy in nats over the targets that are not ``IGNORED``.

    Parameters
    ----------
    prediction
        ``(..., B, N, S)`` activations of S symbols.
    target
        ``(..., B, N)`` the symbol that is right.

    Returns
    -------
    ``(N,)``.
    """
    nats = cross_entropy(
        prediction.flatten(0, -2), target.flatten(), reduction="none", ignore_index=IGNORED
    )
    return mean_each(nats.view(target.shape), target)


def mean_each(values: Tensor, target: Tensor) -> Tensor:
    """Return each network's mean of values ``(..., B, N)`` where the target is not ``IGNORED``."""
    counts = target != IGNORED
    return (values * counts).flatten(0, -2).sum(0) / counts.flatten(0, -2).sum(0)
