"""Networks of several widths side by side, each with its own learning rate."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import partial
from typing import Any

import torch
from torch import Tensor, nn

from unrolled.core.recurrent import Cell
from unrolled.core.validate import real
from unrolled.experiments.networks import Networks, train
from unrolled.experiments.variants._tasks import TRAINING, Task, mixed_seed
from unrolled.search import build
from unrolled.training import device, seeded


def width(structure: Mapping[str, Any], task: Task, budget: float) -> int:
    """Return the most units with which a cell and its readout learn no more numbers than a budget.

    Raises
    ------
    ValueError
        If not even one unit does.
    """
    units = 0
    while _learned(structure, task, units + 1) <= budget:
        units += 1
    if units == 0:
        raise ValueError(
            f"budget must allow one unit, {_learned(structure, task, 1)} numbers, got {budget}"
        )
    return units


def _learned(structure: Mapping[str, Any], task: Task, units: int) -> int:
    with torch.device("meta"):  # sizes only: nothing is drawn
        cell = build(structure, task.inputs, units)
        read = nn.Linear(units, task.outputs)
    return sum(p.numel() for part in (cell, read) for p in part.parameters())


class AdamEach(torch.optim.Adam):
    """Adam with a learning rate for each of N networks.

    Adam's step is proportional to the rate: a step is taken with rate 1, then shortened.

    Parameters
    ----------
    parameters
        ``(N, ...)`` each, as those of ``Networks``.
    rates
        N learning rates, greater than 0.
    """

    def __init__(self, parameters: Iterable[nn.Parameter], rates: Sequence[float]) -> None:
        super().__init__(list(parameters), lr=1.0)
        self._rates = [real("rates", rate, above=0) for rate in rates]

    @torch.no_grad()
    def step(self, closure: Any = None) -> None:  # type: ignore[override]
        """Take one step."""
        parameters = [p for group in self.param_groups for p in group["params"]]
        before = [p.clone() for p in parameters]
        super().step(closure)
        for p, old in zip(parameters, before, strict=True):
            rates = p.new_tensor(self._rates).view(-1, *(1,) * (p.ndim - 1))
            p.copy_(torch.lerp(old, p, rates))


@torch.no_grad()
def embed(small: Cell, large: Cell) -> Cell:
    """Write a cell into a larger one of its kind, and return that: the units to spare stay silent.

    All that leads to them or from them is 0. So they say 0, no error reaches them, and what is 0
    has no gradient: networks of different widths can be trained side by side.

    Raises
    ------
    ValueError
        With ``gate_recurrence``: a gate is never silent.
    """
    if hasattr(small, "weight_gg"):
        raise ValueError("cells must not have gate_recurrence: a gate that sees 0 is 1/2, not 0")
    width, room = small.hidden_size, large.hidden_size
    for name, own in small.named_parameters():
        place = large.get_parameter(name)
        place.zero_()
        index = [
            n if same else n // width * room + n % width
            for n, same in (
                (torch.arange(length), length == of)
                for length, of in zip(own.shape, place.shape, strict=True)
            )
        ]
        place[torch.meshgrid(*index, indexing="ij")] = own
    return large


def _networks(structure: Mapping[str, Any], task: Task, widths: Sequence[int]) -> Networks:
    """Return untrained networks of several widths, each with the first weights of its own width."""
    most = max(widths)
    cells = [
        embed(build(structure, task.inputs, units), build(structure, task.inputs, most))
        for units in widths
    ]
    networks = Networks(cells, task.outputs)
    with torch.no_grad():
        for n, units in enumerate(widths):
            for drawn in (networks.weight[n], networks.bias[n]):
                drawn.mul_((most / units) ** 0.5)
            networks.weight[n, :, units:] = 0
    return networks


def learn(
    structure: Mapping[str, Any],
    task: Task,
    widths: Sequence[int],
    rates: Sequence[float],
    *,
    seed: int,
    updates: int,
    batch: int,
    clip: float = 1.0,
) -> tuple[Networks, Tensor]:
    """Train N networks side by side, each from its own weights and on its own data.

    Parameters
    ----------
    structure
        Their cell, see :func:`unrolled.search.build`.
    task
        What they learn.
    widths, rates
        For each network its units, and its learning rate for Adam.
    seed
        Seed of weights and data.
    updates, batch
        Updates, and sequences in each.
    clip
        Largest norm of a network's gradient.

    Returns
    -------
    networks, alive
        The networks, and ``(N,)`` which of them never met a number that is not finite.
    """
    count = len(rates)

    def next_batch(update: int) -> tuple[Tensor, ...]:
        drawn = task.draw(batch * count, task.length, TRAINING, mixed_seed(seed, update))
        x, target = (part.to(device()) for part in drawn)
        sequences = (batch, count)
        return x.view(len(x), *sequences, -1), target.view(*target.shape[:-1], *sequences)

    networks = seeded(seed, partial(_networks, structure, task, widths))
    optimizer = AdamEach(networks.parameters(), rates)
    trained = train(
        networks, next_batch, task.loss, updates=updates, optimizer=optimizer, clip=clip
    )
    return networks, trained.alive


@torch.no_grad()
def scores(
    networks: Networks, alive: Tensor, task: Task, *, part: int, seed: int, n: int = 500
) -> dict[str, list[float]]:
    """Test networks on ``n`` sequences, the same for all.

    Returns
    -------
    ``error`` and ``loss`` of each network. One that broke, or is worse than a guess, has the error
    of a guess; one that broke has an infinite loss.
    """
    x, target = (each.to(device()) for each in task.draw(n, task.length, part, seed))
    target = target[..., None].expand(*target.shape, networks.count)
    prediction, _ = networks(x[:, :, None].expand(-1, -1, networks.count, -1))
    error, loss = task.error(prediction, target), task.loss(prediction, target)
    return {
        "error": torch.where(alive & (error < task.guess), error, task.guess).tolist(),
        "loss": torch.where(alive & loss.isfinite(), loss, torch.inf).tolist(),
    }
