"""Nine variants of the LSTM on endless Reber streams (Greff et al. 2017)."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import torch

from unrolled.experiments import reber_streams
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.networks import Networks, Trained
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate
from unrolled.experiments.variants._lstm_networks import lstm_networks

GREFF = ("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR")
"""Greff et al.'s vanilla LSTM and its eight variants, by their names in ``FORMS``."""


def stream_variants(
    seed: int,
    *,
    variants: Sequence[str],
    networks: int,
    cells: int,
    streams: int,
    window: int,
    updates: int,
    rate: float,
    clip: float,
    test_streams: int,
    test_length: int,
    warm_up: int,
) -> dict[str, list[float]]:
    """Train networks of each variant on endless Reber streams and test them, see ``learn_stream``.

    Parameters
    ----------
    variants
        Names in ``FORMS``.
    test_streams, test_length, warm_up
        Fresh streams of the test, symbols in each, and symbols before any error counts.

    Returns
    -------
    A symbol is foretold if the most active one can come next. For each of ``variants``: the
    fraction of the networks that foretell more than 99 % of the strings' second last symbols
    (``solved``); the fraction foretold, all networks together
    (``accuracy``); the symbols that the median network reads per error (``symbols per error``; all,
    if it makes none); and the largest training loss of any network that came after the first 100
    updates (``worst loss``, in nats; of a network that broke, until it did).
    """
    found: dict[str, list[float]] = {}
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
        test = reber_streams.draw(
            networks, test_streams, length=warm_up + test_length, seed=seed + 1_000_000
        )
        with torch.no_grad():
            chosen = made(test.inputs)[0].argmax(-1, keepdim=True)
        right = test.legal.gather(-1, chosen)[warm_up:, ..., 0]
        critical = test.critical[warm_up:]
        accuracy = (right & critical).sum((0, 1)).double() / critical.sum((0, 1))
        count = (~right).sum((0, 1)).clamp(min=1)
        for key, value in (
            ("solved", (accuracy > 0.99).double().mean()),
            ("accuracy", accuracy.mean()),
            ("symbols per error", (test_streams * test_length / count.double()).quantile(0.5)),
            ("worst loss", trained.loss[100:].nan_to_num(0.0).max()),
        ):
            found.setdefault(key, []).append(float(value))
    return found


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
    """Train networks of a form of ``FORMS`` on endless streams of Reber strings.

    Parameters
    ----------
    seed
        Seed of first weights and streams.
    name
        A name in ``FORMS``; the forget gate's bias starts at 1.
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
    made = lstm_networks(
        name, inputs=7, cells=cells, outputs=7, networks=networks, seed=seed, forget_bias=1.0
    )
    trained = reber_streams.follow(
        made, streams=streams, window=window, updates=updates, rate=rate, clip=clip, seed=seed
    )
    return made, trained


def _only_the_forget_gate_matters(runs: Sequence[Measurement], name: str = "solved") -> bool:
    """Whether few networks of the last variant learn the stream, and enough of every other."""
    *others, without = stack(runs, name).mean(0)
    return bool(without <= 0.1 and min(others) >= 0.3)


_STREAMS = {
    "networks": 6,
    "cells": 8,
    "streams": 32,
    "window": 25,
    "rate": 0.03,
    "clip": 0.3,
    "test_streams": 10,
    "warm_up": 100,
}

_VARIANTS = [*(name for name in GREFF if name != "NFG"), "NFG"]

_SOLVED = {
    name: Rate(label=f"stream solved, {name}", quantity=("solved", index), of=6, unit="networks")
    for index, name in enumerate(_VARIANTS)
}

CLAIM = Claim(
    paper=Paper(
        key="greff2017lstm",
        where="abstract",
        says="None of eight variants improves on the LSTM significantly; its most critical parts "
        "are the forget gate and the output activation function.",
        untested="Ours is another task, with one setting where they search 200 for each variant.",
    ),
    sentence=(
        "Of nine LSTM variants on an endless stream of Reber strings only the one without a "
        "forget gate fails. Whichever other part is left out or changed, at least three networks "
        "in ten still learn the stream."
    ),
    experiment=stream_variants,
    criterion=(
        "Of all networks, at most 0.1 of those without a forget gate, and at least 0.3 of each "
        "other variant, foretell more than 99 % of the strings' second last symbols. The "
        "training loss is measured too, and promised nothing."
    ),
    holds=_only_the_forget_gate_matters,
    seeds={"quick": range(10, 11), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        "quick": {
            **_STREAMS,
            "variants": ["NP", "NFG"],
            "networks": 3,
            "cells": 16,
            "window": 15,
            "updates": 110,
            "test_length": 500,
        },
        "book": {**_STREAMS, "variants": _VARIANTS, "updates": 800, "test_length": 2000},
    },
    strips=[
        Strip(
            axis="Networks that solve it, fraction",
            rows=[Row("solved", "{}", over="variants")],
            lines={"criterion": 0.3},
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Second last symbols foretold",
            rows=[Row("accuracy", "{}", over="variants")],
            lines={"guessing": 0.5},
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Symbols per error, median network",
            rows=[Row("symbols per error", "{}", over="variants")],
        ),
        Strip(
            axis="Largest training loss, nats",
            rows=[Row("worst loss", "{}", over="variants")],
            lines={"guessing": float(np.log(7))},
        ),
    ],
    compared=[
        Difference(label=f"stream solved, {name} against V", first=rate, second=_SOLVED["V"])
        for name, rate in _SOLVED.items()
        if name != "V"
    ],
    tuned=[
        Tuned(arm="all variants", setting="learning rate", tried=(0.01, 0.03), chosen=0.03),
        Tuned(arm="all variants", setting="updates", tried=(800, 1500), chosen=800),
    ],
    trials=Trials(
        where="other seeds, for rate, clipping, streams and updates with which most variants "
        "learn the stream. NOAF's largest loss was 178, 5.1, 1.5 and 0.6 nats, by the setting. Of "
        "the values tried only a rate of 0.01 and an earlier program's 1,500 updates were kept"
    ),
    deviations=[
        "One task and one setting: eight cells, Adam at 0.03, clipped at norm 0.3; the forget "
        "gate's bias starts at 1. In an exploratory run at 0.01 FGR was not behind.",
        "An earlier program of ours had seen NOAF's loss rise to 16 nats, and its plan asked that "
        "NOAF alone pass 2. That depends on the setting, so the loss is shown, and not in the "
        "criterion.",
        "The criterion comes from that program, with 0 and 5 to 8 of 10 networks.",
    ],
)
