"""Networks that forecast the next year's sunspots: a loop, and a window of years."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.functional import mse_loss

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.core.validate import Array, real, series, whole
from unrolled.data.batching import Batches
from unrolled.experiments.rnn._teleprinter import Latest
from unrolled.training import device, fit, seeded

YEARS = 12
"""Years that a window sees, and years that count in no network's loss: it may warm up on them."""

HELD_OUT = 0.2
"""Part of the known years, the latest, by which to stop and to choose a setting."""


class Loop(nn.Module):
    r"""Forecasts the next value at every step: :math:`\hat x_{t+1} = v^\top h_t + a`."""

    def __init__(self, hidden: int) -> None:
        super().__init__()
        self.layer = Recurrent(Elman(1, hidden))
        self.read = nn.Linear(hidden, 1)

    def forward(self, x: Tensor) -> Tensor:
        """Map a series ``(T, 1, 1)`` to forecasts ``(T, 1, 1)``."""
        output, _ = self.layer(x)
        forecasts: Tensor = self.read(output)
        return forecasts


def window_of_years(hidden: int) -> nn.Sequential:
    """Return a perceptron that forecasts from the last ``YEARS`` values, at every step."""
    return nn.Sequential(Latest(YEARS), nn.Linear(YEARS, hidden), nn.Tanh(), nn.Linear(hidden, 1))


KINDS: Mapping[str, Callable[[int], nn.Module]] = {"recurrent": Loop, "window": window_of_years}
"""What makes each kind of network, of so many hidden units."""


@dataclass(frozen=True)
class Forecaster:
    """A network over a standardised series, in the units of the series it was fitted to."""

    model: nn.Module
    mean: float
    scale: float
    score: float  # mean squared error on the held-out years, in their units
    updates: int

    def __call__(self, values: Array) -> Array:
        """Map a series ``(N,)`` to forecasts ``(N,)``: entry t of the value after ``values[t]``."""
        z = torch.as_tensor((values - self.mean) / self.scale, device=device()).float()
        with torch.no_grad():
            forecasts = self.model(z[:, None, None])[:, 0, 0].cpu().double().numpy()
        return np.asarray(self.mean + self.scale * forecasts)


def fit_forecaster(
    kind: str,
    values: Array,
    *,
    hidden: int,
    rate: float,
    seed: int,
    updates: int = 600,
    patience: int = 100,
) -> Forecaster:
    """Fit a network to a series: Adam, clipped at 1, on all of it at each update.

    A first fit holds out the latest years and finds the update after which they are forecast
    best; a second, from the same first weights, learns from the whole series for as many.

    Parameters
    ----------
    kind
        A key of ``KINDS``.
    values
        ``(N,)`` the series.
    hidden, rate
        Units, and learning rate.
    seed
        Seed of the first weights.
    updates, patience
        Updates of the first fit at most, and how many without a better score before it stops.
    """
    x = series("values", values, least=4 * YEARS)
    late = held_out(x)
    settings = {"hidden": whole("hidden", hidden), "seed": seed}

    def score(forecaster: Forecaster) -> float:
        return float(np.mean((forecaster(x)[-late - 1 : -1] - x[-late:]) ** 2))

    early, train = _prepared(kind, x[:-late], **settings)
    found = train(rate, updates, validate=lambda _: score(early), patience=patience)
    final, train = _prepared(kind, x, **settings)
    best = found.best_epoch + 1
    train(rate, best)
    return Forecaster(final.model, final.mean, final.scale, score(early), best)


def held_out(values: Array) -> int:
    """Return how many of the latest values are held out of the first fit."""
    return round(HELD_OUT * (len(values) - YEARS))


def _prepared(
    kind: str, x: Array, *, hidden: int, seed: int
) -> tuple[Forecaster, Callable[..., Any]]:
    """Return an untrained network in the units of ``x``, and what trains it on ``x``."""
    model = seeded(seed, lambda: KINDS[kind](hidden))
    mean, scale = float(x.mean()), float(x.std())
    z = torch.as_tensor((x - mean) / scale).float()[None]

    def loss(model: nn.Module, series: Tensor) -> Tensor:
        forecasts = model(series.T[:-1, :, None])[YEARS - 1 :, :, 0]
        return mse_loss(forecasts, series.T[YEARS:])

    def train(rate: float, updates: int, **options: Any) -> Any:
        optimizer = torch.optim.Adam(model.parameters(), lr=real("rate", rate, above=0))
        batches = Batches(z, size=1, seed=0)
        return fit(model, batches, loss, epochs=updates, optimizer=optimizer, clip=1, **options)

    return Forecaster(model, mean, scale, float("nan"), 0), train
