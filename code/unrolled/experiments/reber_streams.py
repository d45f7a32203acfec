"""Networks that read endless streams of Reber strings, whose ends nothing marks."""

from __future__ import annotations

from typing import NamedTuple

import torch
from torch import Tensor

from unrolled.data import continual_reber
from unrolled.experiments.each_network import by_network, cross_entropy_each
from unrolled.experiments.networks import Networks, Trained, train


class Streams(NamedTuple):
    """Streams of each network's own, see ``continual_reber``.

    Attributes
    ----------
    inputs, targets
        ``(T, B, N, 7)`` symbols one-hot, and ``(T, B, N)`` the symbol that comes next.
    legal, critical
        ``(T, B, N, 7)`` which symbols can come next, and ``(T, B, N)`` where a string's second last
        symbol is to be foretold.
    """

    inputs: Tensor
    targets: Tensor
    legal: Tensor
    critical: Tensor


def draw(networks: int, streams: int, *, length: int, seed: int) -> Streams:
    """Draw ``streams`` streams for each of some networks."""
    drawn = continual_reber(streams * networks, length=length, seed=seed)
    return Streams(*(by_network(part, networks) for part in drawn[:4]))


def follow(
    networks: Networks,
    *,
    streams: int,
    window: int,
    updates: int,
    rate: float,
    clip: float = 1.0,
    seed: int,
) -> Trained:
    """Train networks in place on streams, each on its own.

    Parameters
    ----------
    networks
        Of 7 inputs and 7 outputs.
    streams, window, updates
        Streams of a network, steps of each that an update reads, and updates. The state goes on
        from one update to the next.
    rate, clip
        Learning rate of Adam, and largest norm of a network's gradient.
    seed
        Seed of the streams.
    """
    drawn = draw(networks.count, streams, length=window * updates, seed=seed)
    windows = list(
        zip(torch.split(drawn.inputs, window), torch.split(drawn.targets, window), strict=True)
    )
    return train(
        networks,
        lambda update: windows[update],
        cross_entropy_each,
        updates=updates,
        optimizer=torch.optim.Adam(networks.parameters(), lr=rate),
        clip=clip,
        carry=True,
    )
