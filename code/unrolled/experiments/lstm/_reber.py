"""Networks that read Reber strings, by their kinds, and what they mispredict."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any

import torch
from torch import Tensor

from unrolled.cells import FORMS, LSTM, Elman, LSTMVariant
from unrolled.core.recurrent import Cell, State
from unrolled.experiments import reber_streams
from unrolled.experiments.arguments import look_up
from unrolled.experiments.networks import Networks
from unrolled.training import device, seeded


class _OneStep(Elman):
    """Elman's cell with Elman's gradient: the state before a step is an input like any other."""

    def step(self, projected: Tensor, state: State, *weights: Tensor) -> State:
        return super().step(projected, (state[0].detach(),), *weights)

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        delta, _ = super().step_backward(grad, before, after, saved, *weights)
        return delta, (torch.zeros_like(delta),)


class _Decaying(LSTMVariant):
    """The cell of 1997 whose state is multiplied at every step by a number that is set."""

    def __init__(self, units: int, *, decay: float) -> None:
        super().__init__(7, units, **FORMS["1997"])
        self.decay = decay

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        h, c = state
        return super().equations(p, (h, self.decay * c), *weights)


DECAYS = (0.9, 0.99)
"""What a state is multiplied by, where no gate learns it."""

REBER_CELLS: Mapping[str, Callable[[int], Cell]] = {
    "LSTM of 1997": partial(LSTMVariant, 7, **FORMS["1997"]),
    "forget gate": partial(LSTMVariant, 7, **FORMS["2000"], forget_bias=1.0),
    "torch": partial(LSTM, 7, forget_bias=1.0),
    "tanh": partial(Elman, 7),
    "tanh, one step": partial(_OneStep, 7),
    **{f"times {decay:g}": partial(_Decaying, decay=decay) for decay in DECAYS},
}
"""The networks that read Reber strings, by their names: a cell for a number of units. The first two
differ in the forget gate alone, whose bias is 1 at first; in the last ones a fixed number stands in
its place."""


def reber_networks(name: str, *, networks: int, units: int, seed: int) -> Networks:
    """Return untrained networks of a kind of ``REBER_CELLS``, on the device of ``device()``."""
    make = look_up("name", name, REBER_CELLS)
    return seeded(seed, lambda: Networks([make(units) for _ in range(networks)], 7))


def learn_stream(
    seed: int,
    *,
    name: str,
    networks: int,
    units: int,
    rate: float,
    streams: int,
    window: int,
    updates: int,
) -> Networks:
    """Train networks on endless streams of Reber strings, which nothing tells them apart.

    Parameters
    ----------
    seed
        Seed of first weights and streams.
    name
        Kind of network, one of ``REBER_CELLS``.
    networks, units
        Networks, each with its own streams, and units in each.
    rate
        Learning rate of Adam. Clipped at norm 1.
    streams, window, updates
        Streams of a network, steps of each that an update reads, and updates. The state goes on
        from one update to the next.
    """
    trained = reber_networks(name, networks=networks, units=units, seed=seed)
    reber_streams.follow(
        trained, streams=streams, window=window, updates=updates, rate=rate, seed=seed
    )
    return trained


def mispredicted(prediction: Tensor, legal: Tensor) -> Tensor:
    """Return where a symbol that cannot come next is at least as active as one that can.

    Parameters
    ----------
    prediction, legal
        ``(..., S)`` activations of the symbols, and which of them can come next.
    """
    worst = prediction.masked_fill(~legal, torch.inf).amin(-1)
    return prediction.masked_fill(legal, -torch.inf).amax(-1) >= worst


def same_for_all(drawn: Any, networks: int) -> Tensor:
    """Give every network the same sequences ``(T, B, ...)``: ``(T, B, N, ...)``."""
    x = torch.from_numpy(drawn).to(device())[:, :, None]
    return x.expand(-1, -1, networks, *x.shape[3:])
