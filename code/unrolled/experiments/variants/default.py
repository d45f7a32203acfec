"""What to start with: rate and schedule for a GRU and an LSTM of two widths, on English."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy
from torch.optim.lr_scheduler import CosineAnnealingLR

from unrolled.core.recurrent import Recurrent
from unrolled.core.validate import Array
from unrolled.experiments.arguments import look_up
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference
from unrolled.experiments.variants._tasks import TASKS, TRAINING, VALIDATION, mixed_seed
from unrolled.experiments.variants.tournament import COMPETITORS
from unrolled.search import build
from unrolled.training import device, seeded

ENGLISH = TASKS["text"]


def starts(
    seed: int,
    *,
    cells: Sequence[str],
    widths: Sequence[int],
    rates: Sequence[float],
    updates: int,
    length: int,
    batch: int,
    clip: float,
) -> dict[str, list[float]]:
    """Train networks on English at several rates, each held and falling, and test them.

    Parameters
    ----------
    seed
        Varies networks and data.
    cells
        Names of ``COMPETITORS``.
    widths
        Units.
    rates
        Learning rates of Adam: held throughout, or falling to 0 along a cosine.
    updates, length, batch, clip
        Updates, characters of a piece, pieces in an update, and largest norm of the gradient.

    Returns
    -------
    Bits per character on other text, by rate in the order of ``rates``: for each cell and width
    ``<cell> <width> held`` and ``<cell> <width> falling``. A loss that is not finite counts as that
    of guessing.
    """
    found: dict[str, list[float]] = {}
    for cell in cells:
        for width in widths:
            for how in ("held", "falling"):
                found[f"{cell} {width} {how}"] = [
                    _bits(cell, width, rate, how, updates, length, batch, clip, seed)
                    for rate in rates
                ]
    return found


class Reader(nn.Module):
    """A cell unrolled, and at every step a linear map to the next character."""

    def __init__(self, cell: str, width: int) -> None:
        super().__init__()
        structure = dict(look_up("cells", cell, COMPETITORS))
        self.layer = Recurrent(build(structure, ENGLISH.inputs, width))
        self.read = nn.Linear(width, ENGLISH.outputs)

    def loss(self, x: Tensor, target: Tensor) -> Tensor:
        """Return the mean cross-entropy, in nats."""
        prediction = self.read(self.layer(x)[0])
        return cross_entropy(prediction.flatten(0, 1), target.flatten())


def _bits(
    cell: str,
    width: int,
    rate: float,
    how: str,
    updates: int,
    length: int,
    batch: int,
    clip: float,
    seed: int,
) -> float:
    model = seeded(seed, partial(Reader, cell, width))
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    schedule = CosineAnnealingLR(optimizer, updates)
    for update in range(updates):
        x, target = _draw(batch, length, TRAINING, mixed_seed(seed, update))
        optimizer.zero_grad()
        model.loss(x, target).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), clip)
        optimizer.step()
        if how == "falling":
            schedule.step()
    with torch.no_grad():
        bits = float(model.loss(*_draw(500, length, VALIDATION, seed)) / np.log(2))
    return bits if np.isfinite(bits) else ENGLISH.guess


def _draw(n: int, length: int, part: int, seed: int) -> tuple[Tensor, Tensor]:
    x, target = ENGLISH.draw(n, length, part, seed)
    return x.to(device()), target.to(device())


CELLS, WIDTHS = ["LSTM", "GRU"], [16, 64]
RATES = (0.001, 0.003, 0.01, 0.03, 0.1, 0.3)
START = 0.03  # the default, held
_ARMS = [f"{cell} {width}" for cell in CELLS for width in WIDTHS]


def _means(runs: Sequence[Measurement], arm: str, how: str) -> Array:
    """Return the mean over the runs, by rate."""
    means: Array = stack(runs, f"{arm} {how}").mean(0)
    return means


def _start_is_near_the_best(runs: Sequence[Measurement]) -> bool:
    """Whether one rate, held, is within 5 % of the best of all, for every cell and width."""
    chosen = RATES.index(START)
    for arm in _ARMS:
        held, falling = (_means(runs, arm, how) for how in ("held", "falling"))
        if held[chosen] > 1.05 * min(*held, *falling):
            return False
    return True


def _least(arm: str, how: str) -> Callable[[Mapping[str, Any]], float]:
    """Return the least bits of a run over the rates."""
    return lambda run: float(min(run[f"{arm} {how}"]))


def _best_rate(arm: str, how: str) -> Callable[[list[Measurement]], float]:
    return lambda runs: RATES[int(np.argmin(_means(runs, arm, how)))]


CLAIM = Claim(
    sentence=(
        "For a GRU and an LSTM, of 16 and of 64 units, Adam at a rate of 0.03, held, comes within "
        "5 % of the best of twelve settings on English, after 300 updates."
    ),
    experiment=starts,
    criterion=(
        "The bits per character on other text, averaged over the runs, at a rate of 0.03 that is "
        "held, are at most 1.05 times the least of twelve settings, six rates held and six that "
        "fall to 0 along a cosine: for each of two cells and two widths."
    ),
    holds=_start_is_near_the_best,
    seeds={"quick": range(10, 11), "book": range(33, 36), "confirm": range(7100, 7105)},
    settings={
        "quick": {
            "cells": CELLS,
            "widths": WIDTHS,
            "rates": list(RATES),
            "updates": 1,
            "length": 4,
            "batch": 4,
            "clip": 1.0,
        },
        "book": {
            "cells": CELLS,
            "widths": WIDTHS,
            "rates": list(RATES),
            "updates": 300,
            "length": 25,
            "batch": 32,
            "clip": 1.0,
        },
    },
    strips=[
        Strip(
            axis=f"{arm} units: bits per character",
            rows=[
                Row(f"{arm} held", "held at {}", over="rates"),
                Row(f"{arm} falling", "falling from {}", over="rates"),
            ],
        )
        for arm in _ARMS
    ],
    compared=[
        Difference(
            label=f"{arm}, best rate falling against best held",
            first=_least(arm, "falling"),
            second=_least(arm, "held"),
        )
        for arm in _ARMS
    ],
    tuned=[
        Tuned(
            arm=f"{arm}, {how}",
            setting="learning rate",
            tried=RATES,
            best=_best_rate(arm, how),
        )
        for arm in _ARMS
        for how in ("held", "falling")
    ],
    trials=Trials(
        120,
        where="seeds 30 to 32, without the rate 0.3: the claim was then that 0.03 falling is "
        "within 5 %. For the LSTM of 16 units it was 6 % behind, and 0.1 was the best rate for "
        "four of the eight arms, at the edge of the grid; 0.03 held was within 3 % everywhere",
    ),
    deviations=[
        "Pieces of 25 characters, each begun at a state of 0; Adam, clipped at norm 1. The LSTM's "
        "forget bias is 1.",
        "A network whose loss is not finite at the end would count as one that guesses; none came "
        "near that.",
        "The best rate moves with the updates: `variants.writing` makes ten times as many on other "
        "text, and chose 0.1 for an LSTM and 0.03 for a GRU, each falling.",
    ],
)
