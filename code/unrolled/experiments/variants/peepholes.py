"""Oscillators with peepholes and without."""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np
import torch
from torch import Tensor
from torch.optim.lr_scheduler import CosineAnnealingLR

from unrolled.core.validate import Array, real, whole
from unrolled.data import periodic
from unrolled.data.timing import Wave
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.networks import Networks, train
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate
from unrolled.experiments.variants._lstm_networks import lstm_networks
from unrolled.training import device


def oscillators(
    seed: int,
    *,
    cells: Sequence[int],
    networks: int,
    period: int,
    periods: int,
    long_periods: int,
    updates: int,
    rate: float,
    clip: float,
    enough: float,
) -> dict[str, list[float]]:
    """Train networks with and without peepholes to generate a cosine, see ``learn_wave``.

    Parameters
    ----------
    seed
        Seed of the first weights.
    cells
        Cells in a network, each number in turn.
    networks, period, periods, updates, rate, clip
        See ``learn_wave``.
    long_periods
        Periods of the test.
    enough
        A network is right whose every error is smaller.

    Returns
    -------
    For each of ``cells``, the fraction of networks that are right over the periods they learned
    from (``NP`` without peepholes, ``V`` with them), and over those of the test (``NP long``,
    ``V long``).
    """
    enough = real("enough", enough, above=0)
    found: dict[str, list[float]] = {}
    for name in ("NP", "V"):
        for size in cells:
            trained = learn_wave(
                seed,
                name=name,
                cells=size,
                networks=networks,
                wave="cosine",
                period=period,
                periods=periods,
                updates=updates,
                rate=rate,
                clip=clip,
            )
            output = free_run(trained, steps=period * long_periods).output
            for key, steps in (("", period * periods), (" long", period * long_periods)):
                errors = largest_errors(output[:steps], wave="cosine", period=period)
                found.setdefault(name + key, []).append(float((errors < enough).mean()))
    return found


def learn_wave(
    seed: int,
    *,
    name: str,
    cells: int,
    networks: int,
    wave: Wave,
    period: int,
    periods: int,
    updates: int,
    rate: float,
    clip: float,
) -> Networks:
    """Train networks that are given no input to generate a wave form (PFG).

    What they learn from is always the same, and they differ in their first weights alone.

    Parameters
    ----------
    seed
        Seed of the first weights.
    name
        A name in ``FORMS``.
    cells, networks
        Cells in a network, and networks.
    wave, period
        The wave form, see ``periodic``, and its steps F.
    periods
        Periods to learn from, beginning in a state of zeros.
    updates, rate, clip
        Updates, first learning rate of Adam, which falls to 0 along a cosine, and largest norm of
        the gradient.
    """
    trained = lstm_networks(name, inputs=1, cells=cells, outputs=1, networks=networks, seed=seed)
    target = torch.from_numpy(periodic(wave, period=period, steps=period * periods)).to(device())
    silence = target.new_zeros(len(target), 1, networks, 1)

    def squares(prediction: Tensor) -> Tensor:
        return (prediction[:, 0, :, 0] - target[:, None]).square().mean(0)

    optimizer = torch.optim.Adam(trained.parameters(), lr=rate)
    train(
        trained,
        lambda update: (silence,),
        squares,
        updates=updates,
        optimizer=optimizer,
        clip=clip,
        schedule=CosineAnnealingLR(optimizer, updates),
    )
    return trained


class Oscillation(NamedTuple):
    """What networks do that are left to themselves, from a state of zeros and without input.

    Attributes
    ----------
    output
        ``(T, N)`` the prediction of each network.
    h, c
        ``(T, N, H)`` output and state of its cells.
    """

    output: Array
    h: Array
    c: Array


@torch.no_grad()
def free_run(networks: Networks, *, steps: int) -> Oscillation:
    """Let networks of LSTM cells with one input run ``steps`` steps on zeros."""
    silence = networks.weight.new_zeros(1, 1, networks.count, 1)
    state, rows = None, []
    for _ in range(whole("steps", steps)):
        prediction, state = networks(silence, state)
        rows.append((prediction[0, 0, :, 0], state[0][0], state[1][0]))
    return Oscillation(
        *(torch.stack(parts).cpu().double().numpy() for parts in zip(*rows, strict=True))
    )


def largest_errors(output: Array, *, wave: Wave, period: int) -> Array:
    """Return each network's largest distance from the wave form, ``(T, N)`` to ``(N,)``.

    A network that broke has infinity.
    """
    target = periodic(wave, period=period, steps=len(output))
    errors: Array = np.abs(output - target[:, None]).max(0)
    return np.where(np.isfinite(errors), errors, np.inf)


_NONE, _PEEPHOLES, _NONE_BY_FOUR = (
    Rate(label=f"wave learned, {said}", quantity=(name, index), of=20, unit="networks")
    for name, index, said in (
        ("NP", 0, "one cell without peepholes"),
        ("V", 0, "one cell with peepholes"),
        ("NP", 1, "four cells without peepholes"),
    )
)

_WAVES = {
    "cells": [1, 4],
    "networks": 20,
    "period": 10,
    "rate": 0.05,
    "clip": 0.1,
    "enough": 0.3,
}

CLAIM = Claim(
    paper=Paper(
        key="gers2002learning",
        says="Without peepholes LSTMs learn to generate only the easiest of the wave forms, a "
        "cosine of period 10, and slowly.",
        untested="We take that easiest one alone, with thousands of updates where the paper has "
        "millions of sequences.",
    ),
    sentence=(
        "With one cell and no input, and without peepholes, no network learns within 1,500 "
        "updates to generate a cosine of period 10, to within 0.3; with peepholes about two in "
        "five do. With four cells nearly all learn it without."
    ),
    experiment=oscillators,
    criterion=(
        "Of all networks, the fraction right over the periods they learned from is, with one "
        "cell, at most 0.02 without peepholes and at least 0.25 with them; and with four "
        "cells at least 0.9 without. Right means that every error is below 0.3. The longer "
        "test is measured too, and promised nothing."
    ),
    holds=lambda runs: bool(
        stack(runs, "NP").mean(0)[0] <= 0.02
        and stack(runs, "V").mean(0)[0] >= 0.25
        and stack(runs, "NP").mean(0)[1] >= 0.9
    ),
    seeds={"quick": range(10, 11), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        "quick": {
            **_WAVES,
            "networks": 10,
            "period": 7,
            "periods": 2,
            "long_periods": 4,
            "updates": 100,
        },
        "book": {**_WAVES, "periods": 4, "long_periods": 40, "updates": 1500},
    },
    strips=[
        Strip(
            axis="Networks right over 4 periods, fraction",
            rows=[
                Row("NP", "no peepholes, cells: {}", over="cells"),
                Row("V", "peepholes, cells: {}", over="cells"),
            ],
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Networks right over 40 periods, fraction",
            rows=[
                Row("NP long", "no peepholes, cells: {}", over="cells"),
                Row("V long", "peepholes, cells: {}", over="cells"),
            ],
            limits=(0.0, 1.0),
        ),
    ],
    compared=[
        _NONE,
        _PEEPHOLES,
        _NONE_BY_FOUR,
        Difference(
            label="wave learned, one cell without peepholes against with",
            first=_NONE,
            second=_PEEPHOLES,
        ),
    ],
    tuned=[
        Tuned(arm="all networks", setting="first learning rate", tried=(0.03, 0.05), chosen=0.05),
        Tuned(arm="one cell", setting="updates", tried=(1500, 2500), chosen=1500),
    ],
    trials=Trials(
        where="other seeds, for rate, clipping and updates: 32 to 46 % of the one-cell networks "
        "with peepholes were right; 36 % at an earlier program's settings. Of the values tried "
        "only the earlier program's were kept: a rate of 0.03, and 1,500 and 2,500 updates"
    ),
    deviations=[
        "The paper trains online by a gradient that is truncated and goes through no peephole; "
        "ours is the whole gradient over 4 periods, with Adam. With the truncated one an earlier "
        "program of ours found no oscillator, with peepholes or without.",
        "That LSTMs without peepholes can do it with more cells is not in the paper.",
        "Many of the one-cell networks without peepholes swing too, at about the right period, "
        "but not to within 0.3, which is the paper's bound.",
        "The criterion comes from an earlier program of ours, with 0, 60 and 100 %, and 34 % "
        "of the one-cell networks right over 40 periods.",
    ],
)
