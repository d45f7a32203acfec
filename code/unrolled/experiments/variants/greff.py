"""Nine variants of the LSTM, and two cells of one gate, on endless Reber streams."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
import torch

from unrolled.cells import FORMS, LSTMVariant
from unrolled.core.cell import Cell
from unrolled.experiments import reber_streams
from unrolled.experiments.arguments import look_up
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.networks import Networks, Trained
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate
from unrolled.experiments.variants._mgu import MGU
from unrolled.training import seeded

GREFF = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
"""Greff et al.'s vanilla LSTM and its eight variants, by their names in ``FORMS``."""

ONE_GATE = ("JANET", "MGU")
"""Two cells that have nothing but a forget gate, which also writes; MGU's resets as well."""

_JANET = {"coupled": True, "output_gate": False, "output_activation": "identity"}


def stream_variants(
    seed: int,
    *,
    variants: Sequence[str],
    networks: int,
    cells: int,
    streams: int,
    window: int,
    updates: int,
    rates: Sequence[float],
    clip: float,
    test_streams: int,
    test_length: int,
    warm_up: int,
) -> dict[str, list[float]]:
    """Train networks of each variant on endless Reber streams and test them, see ``learn_stream``.

    Parameters
    ----------
    variants
        Names of ``GREFF`` and ``ONE_GATE``.
    rates
        Learning rates of Adam, each in turn.
    test_streams, test_length, warm_up
        Fresh streams of the test, symbols in each, and symbols before any error counts.

    Returns
    -------
    A symbol is foretold if the most active one can come next. At each rate, and for each of
    ``variants``: the fraction of the networks that foretell more than 99 % of the strings' second
    last symbols (``solved at <rate>``); the fraction foretold, all networks together (``accuracy at
    <rate>``); and the largest training loss of any network that came after the first 100 updates
    (``worst loss at <rate>``, in nats; of a network that broke, until it did).
    """
    found: dict[str, list[float]] = {}
    for rate in rates:
        for name in variants:
            made, trained = learn_stream(
                seed,
                name=name,
                networks=networks,
                cells=cells,
                streams=streams,
                window=window,
                updates=updates,
                rate=rate,
                clip=clip,
            )
            accuracy = foretold(made, test_streams, test_length, warm_up, seed=seed + 1_000_000)
            for key, value in (
                ("solved", (accuracy > 0.99).double().mean()),
                ("accuracy", accuracy.mean()),
                ("worst loss", trained.loss[100:].nan_to_num(0.0).max()),
            ):
                found.setdefault(f"{key} at {rate:g}", []).append(float(value))
    return found


@torch.no_grad()
def foretold(
    networks: Networks, streams: int, length: int, warm_up: int, *, seed: int
) -> torch.Tensor:
    """Return which fraction of the strings' second last symbols each network foretells, ``(N,)``.

    Parameters
    ----------
    networks
        What ``learn_stream`` trained.
    streams, length, warm_up, seed
        Fresh streams of each network, symbols in each, and symbols before any counts; their seed.
    """
    test = reber_streams.draw(networks.count, streams, length=warm_up + length, seed=seed)
    chosen = networks(test.inputs)[0].argmax(-1, keepdim=True)
    right = test.legal.gather(-1, chosen)[warm_up:, ..., 0]
    critical = test.critical[warm_up:]
    return (right & critical).sum((0, 1)).double() / critical.sum((0, 1))


def learn_stream(
    seed: int,
    *,
    name: str,
    networks: int,
    cells: int,
    streams: int,
    window: int,
    updates: int,
    rate: float,
    clip: float,
) -> tuple[Networks, Trained]:
    """Train networks of a variant on endless streams of Reber strings.

    Parameters
    ----------
    seed
        Seed of first weights and streams.
    name
        A name in ``FORMS``, or of ``ONE_GATE``; the forget gate's bias starts at 1.
    networks, cells
        Networks, each with its own streams, and cells in each.
    streams, window, updates
        Streams of a network, steps of each that an update reads, and updates. The state goes on
        from one update to the next.
    rate, clip
        Learning rate of Adam, and largest norm of the gradient.

    Returns
    -------
    The networks, and what ``train`` returns.
    """
    build = partial(_cell, name, cells)
    made = seeded(seed, lambda: Networks([build() for _ in range(networks)], 7))
    trained = reber_streams.follow(
        made, streams=streams, window=window, updates=updates, rate=rate, clip=clip, seed=seed
    )
    return made, trained


def _cell(name: str, cells: int) -> Cell:
    """Return a cell of 7 inputs; what has a forget gate starts with a bias of 1."""
    if name == "MGU":
        return MGU(7, cells)
    form = look_up("name", name, {**FORMS, "JANET": _JANET})
    bias = 1.0 if form.get("forget_gate", True) else None
    return LSTMVariant(7, cells, forget_bias=bias, **form)


RATES = (0.01, 0.03)


def _only_the_forget_gate_matters(runs: Sequence[Measurement]) -> bool:
    """Whether few networks of the last variant learn the stream, and enough of every other.

    Each variant's better rate counts.
    """
    solved = [stack(runs, key).mean(0) for key in runs[0] if key.startswith("solved")]
    *others, without = np.max(solved, axis=0)
    return bool(without <= 0.1 and min(others) >= 0.3)


_STREAMS = {
    "networks": 6,
    "cells": 8,
    "streams": 32,
    "window": 25,
    "clip": 0.3,
    "test_streams": 10,
    "warm_up": 100,
}

_VARIANTS = [*(name for name in GREFF if name != "NFG"), *ONE_GATE, "NFG"]


def _solved(name: str, rate: float) -> Rate:
    quantity = f"solved at {rate:g}", _VARIANTS.index(name)
    label = f"stream solved at {rate:g}, {name}"
    return Rate(label=label, quantity=quantity, of=6, unit="networks")


CLAIM = Claim(
    paper=Paper(
        key="greff2017lstm",
        where="abstract",
        says="None of eight variants improves on the LSTM significantly; its most critical parts "
        "are the forget gate and the output activation function.",
        untested="Ours is another task, with two settings where they search 200 for each variant.",
    ),
    sentence=(
        "Of nine LSTM variants and two cells of a single gate, on an endless stream of Reber "
        "strings, only the one without a forget gate fails. Of every other, at the better of two "
        "learning rates, at least three networks in ten learn the stream."
    ),
    experiment=stream_variants,
    criterion=(
        "Of all networks, each variant at the better of two learning rates, at most 0.1 of those "
        "without a forget gate, and at least 0.3 of each other variant, foretell more than 99 % of "
        "the strings' second last symbols. The training loss is measured too, and promised nothing."
    ),
    holds=_only_the_forget_gate_matters,
    seeds={"quick": range(10, 11), "book": range(30, 35), "confirm": range(7100, 7105)},
    settings={
        "quick": {
            **_STREAMS,
            "variants": ["NP", "MGU", "NFG"],
            "networks": 2,
            "cells": 4,
            "streams": 2,
            "window": 4,
            "updates": 102,
            "rates": list(RATES),
            "test_length": 100,
        },
        "book": {
            **_STREAMS,
            "variants": _VARIANTS,
            "updates": 800,
            "rates": list(RATES),
            "test_length": 2000,
        },
    },
    strips=[
        *(
            Strip(
                axis=f"Networks that solve it at {rate:g}, fraction",
                rows=[Row(f"solved at {rate:g}", "{}", over="variants")],
                lines={"criterion": 0.3},
                limits=(0.0, 1.0),
            )
            for rate in RATES
        ),
    ],
    compared=[
        *(
            Difference(
                label=f"stream solved at {rate:g}, {name} against V",
                first=_solved(name, rate),
                second=_solved("V", rate),
            )
            for rate in RATES
            for name in _VARIANTS
            if name != "V"
        ),
    ],
    tuned=[
        Tuned(arm="all variants", setting="updates", tried=(800, 1500), chosen=800),
    ],
    trials=Trials(
        where="other seeds, for rate, clipping, streams and updates with which most variants "
        "learn the stream. NOAF's largest loss was 178, 5.1, 1.5 and 0.6 nats, by the setting"
    ),
    deviations=[
        "One task and two settings: eight cells, Adam at 0.01 and 0.03, clipped at norm 0.3; the "
        "forget gate's bias starts at 1, and that of a gate that both keeps and writes where it "
        "keeps as much.",
        "The second claim of this name. The first, at 0.03 alone and without the cells of one "
        "gate, held twice. FGR seemed behind in it, and was not in an exploratory run at 0.01.",
        r"JANET writes with $1 - \sigma(a - 1)$ in its paper, here with $1 - \sigma(a)$.",
        "The better of two rates is chosen on the networks that are counted. That favours all but "
        "what fails at both.",
        "An earlier program of ours had seen NOAF's loss rise to 16 nats, and its plan asked that "
        "NOAF alone pass 2. That depends on the setting, so the loss is measured, and not in the "
        "criterion.",
        "The criterion's two numbers come from that program, with 0 and 5 to 8 of 10 networks.",
    ],
)
