"""Networks that should hold a number; ``trained/lstm_holders.pt`` keeps them."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn

from unrolled.cells import FORMS, LSTMVariant
from unrolled.core.shapes import Synchronised
from unrolled.experiments.kept import read
from unrolled.experiments.lstm._holding import Vanilla, learn, marked
from unrolled.training import seeded

WHAT = "networks that should hold a number"
TAKES = "about 90 s of one core"

SEEDS = {"tanh": (0, 1, 2), "1997": (0, 1, 2), "vanilla": (0, 1, 2, 3, 4, 5)}
"""Of the networks that are kept, by their kind."""

LSTMS = ("1997", "vanilla")

RATE = 1e-2
"""Adam's, of both kinds of LSTM."""

RATES = (1e-3, 3e-3, 1e-2, 3e-2)
"""Adam's, tried for the tanh networks, which are kept at the best."""

UNITS = {"tanh": 24, "1997": 12, "vanilla": 12}
UPDATES = 600

VARIANCE = 1 / 12
"""Of a number drawn evenly between 0 and 1: the error of who always answers the mean."""


class Tanh(nn.Module):
    """An input, one tanh layer whose first weights are a rotation, and a dense layer."""

    def __init__(self, inputs: int, units: int, outputs: int) -> None:
        super().__init__()
        self.rnn = nn.RNN(inputs, units)
        self.dense = nn.Linear(units, outputs)
        for name, each in self.rnn.named_parameters():
            if name.startswith("bias"):
                nn.init.zeros_(each)
            elif name == "weight_hh_l0":
                nn.init.orthogonal_(each)

    def forward(self, x: Tensor, state: Tensor | None = None) -> tuple[Tensor, Tensor]:
        """Return the answers ``(T, B, outputs)`` and the last state."""
        output, state = self.rnn(x, state)
        return self.dense(output), state


class Holders(NamedTuple):
    """What is kept.

    Attributes
    ----------
    weights
        ``{kind: state_dicts}``, one for each of ``SEEDS``.
    errors
        ``{rate: errors}`` of tanh networks, one for each seed, in variances of a value, on
        sequences on which nothing else is measured.
    """

    weights: Mapping[str, list[Mapping[str, Any]]]
    errors: Mapping[float, list[float]]

    def networks(self, kind: str) -> list[Any]:
        """Return the networks of a kind, "tanh", "1997" or "vanilla", on the CPU."""
        if kind not in self.weights:
            raise ValueError(f"kind must be one of {[*self.weights]}, got {kind!r}")
        found = []
        for seed, weights in zip(SEEDS[kind], self.weights[kind], strict=True):
            model = seeded(seed, _kinds()[kind]).cpu()
            model.load_state_dict(weights)
            found.append(model)
        return found


def holders() -> Holders:
    """Read the trained networks.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is damaged, or its networks were trained with other settings.
    """
    state = read("lstm_holders", _setting())
    return Holders(state["weights"], state["errors"])


def make() -> dict[str, Any]:
    """Train the networks, those with tanh at each rate, and return what is kept of them."""
    tried = {rate: [_trained("tanh", seed, rate) for seed in SEEDS["tanh"]] for rate in RATES}
    errors = {rate: [_error(model) for model in models] for rate, models in tried.items()}
    best = min(RATES, key=lambda rate: sum(errors[rate]))
    models = {kind: [_trained(kind, seed, RATE) for seed in SEEDS[kind]] for kind in LSTMS}
    models["tanh"] = tried[best]
    weights = {kind: [_weights(model) for model in each] for kind, each in models.items()}
    return {"setting": _setting(), "weights": weights, "errors": errors}


def _kinds() -> dict[str, Callable[[], nn.Module]]:
    """Return what makes an untrained network of each kind."""
    return {
        "tanh": partial(Tanh, 2, UNITS["tanh"], 1),
        "1997": lambda: Synchronised(LSTMVariant(2, UNITS["1997"], **FORMS["1997"]), outputs=1),
        "vanilla": partial(Vanilla, 2, UNITS["vanilla"], 1),
    }


def _trained(kind: str, seed: int, rate: float) -> Any:
    return learn(seeded(seed, _kinds()[kind]), rate, seed, updates=UPDATES)


@torch.no_grad()
def _error(model: nn.Module) -> float:
    x, y = marked(200, 100, seed=3_000_000)
    return float((model(x)[0] - y).square().mean() / VARIANCE)


def _weights(model: nn.Module) -> dict[str, Tensor]:
    return {name: each.cpu().clone() for name, each in model.state_dict().items()}


def _setting() -> dict[str, Any]:
    return {
        "seeds": {kind: list(seeds) for kind, seeds in SEEDS.items()},
        "rate": RATE,
        "rates": list(RATES),
        "units": {**UNITS},
        "updates": UPDATES,
    }
