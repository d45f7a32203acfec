"""The factor per step of a gradient along the cell, and by all ways together."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch

from unrolled.cells import FORMS, Elman, LSTMVariant
from unrolled.core.recurrent import Cell, State
from unrolled.core.validate import Array, whole
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials
from unrolled.experiments.lstm._gate_biases import BIASES
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.gradients import gradient_norms
from unrolled.training import seeded


def rates_by_cell(
    seed: int, *, hidden: int, steps: int, sequences: int, biases: Sequence[float]
) -> dict[str, float | list[float]]:
    r"""Measure the factor per step by which a gradient shrinks or grows on its way back.

    Untrained cells, as torch draws them, with as many inputs as units; see ``gradients_by_lag``.
    The factor is the geometric mean over all ``steps``.

    Returns
    -------
    ``1997``: the cell without forget gate, its gradient truncated; ``1997 whole``: the same cell
    with its whole gradient; ``carousel`` and ``whole``: the cell with a forget gate, its gradient
    truncated and whole, for each of ``biases``; ``tanh``: Elman's. And ``whole over carousel``,
    their ratio.
    """

    def rate(make: Callable[[], Cell]) -> float:
        cell = seeded(seed, make).to("cpu", torch.float64)
        logs = gradients_by_lag(cell, steps=steps, sequences=sequences, seed=seed + 1_000_000)
        return float(np.exp(logs[-1] / steps))

    old = dict(FORMS["1997"])
    found: dict[str, float | list[float]] = {
        "1997": rate(lambda: LSTMVariant(hidden, hidden, **old)),
        "1997 whole": rate(lambda: LSTMVariant(hidden, hidden, **{**old, "truncated": False})),
        "tanh": rate(lambda: Elman(hidden, hidden)),
    }
    for name, truncated in (("carousel", True), ("whole", False)):
        found[name] = [
            rate(partial(LSTMVariant, hidden, hidden, truncated=truncated, forget_bias=bias))
            for bias in biases
        ]
    pairs = zip(found["whole"], found["carousel"], strict=True)  # type: ignore[arg-type]
    found["whole over carousel"] = [a / b for a, b in pairs]
    return found


def gradients_by_lag(cell: Cell, *, steps: int, sequences: int, seed: int) -> Array:
    r"""Measure how much of an error reaches a cell's memory, by the lag it has to cross.

    The cell runs on noise; the error is a random direction of its last output,
    :math:`E = v^\top h_T`. The memory is the last tensor of the state: c of an LSTM, h of others.

    Parameters
    ----------
    cell
        Of float64 weights, on the CPU; it is not changed.
    steps, sequences
        Steps T in a sequence, and sequences.
    seed
        Seed of the noise and of the direction.

    Returns
    -------
    ``(steps + 1,)`` mean over sequences of
    :math:`\log \lVert \partial E / \partial c_{T-d} \rVert`, less that at d = 0.
    """
    steps, generator = whole("steps", steps), torch.Generator().manual_seed(seed)
    draw = partial(torch.randn, generator=generator, dtype=torch.float64)
    x = draw(steps, sequences, cell.input_size)
    v = draw(sequences, cell.hidden_size)
    zero = torch.zeros(sequences, cell.hidden_size, dtype=torch.float64)
    state: State = tuple(zero.clone().requires_grad_() for _ in cell.states)
    memory = [state[-1]]
    for x_t in x:
        state = cell(x_t, state)
        memory.append(state[-1])
    logs = gradient_norms((v * state[0]).sum(), memory).log().mean(1).flip(0)
    relative: Array = (logs - logs[0]).numpy()
    return relative


def _farthest_from_bias(measured: Mapping[str, Any]) -> float:
    """Return how far the factor along the cell is from sigma(b), for the worst of the biases."""
    predicted = 1 / (1 + np.exp(-np.array(BIASES)))
    return float(np.abs(measured["carousel"] - predicted).max())


def _carousel_turns(runs: list[Measurement]) -> bool:
    """Whether gradients along the cell are what the forget gate's bias predicts."""
    predicted = 1 / (1 + np.exp(-np.array(BIASES)))
    return bool(
        np.abs(stack(runs, "1997") - 1).max() < 1e-9
        and np.abs(stack(runs, "carousel") - predicted).max() < 0.03
        and stack(runs, "whole over carousel").min() > 1
        and stack(runs, "1997 whole").min() > 1
        and stack(runs, "tanh").max() < 0.7
    )


CLAIM = Claim(
    paper=Paper(
        key="hochreiter1997long",
        says="Inside a cell an error goes back unchanged, however far: a constant error carousel.",
        verdict=lambda runs: bool(np.abs(stack(runs, "1997") - 1).max() < 1e-9),
    ),
    sentence=(
        "Along the cell of 1997 an error comes back over 100 steps as it was. With a forget "
        "gate of bias $b$ it shrinks by about $\\sigma(b)$ a step. By all ways together more "
        "comes back: without a forget gate the whole gradient grows over these 100 steps."
    ),
    experiment=rates_by_cell,
    criterion=(
        "In every run, over 100 steps and before training: the factor per step is 1, to "
        "$10^{-9}$, for the cell of 1997 with its truncated gradient; within 0.03 of "
        "$\\sigma(b)$ along the cell with a forget gate, for each $b$; larger for the whole "
        "gradient than along the cell, for each $b$; above 1 for the whole gradient of the "
        "cell of 1997; and below 0.7 for a tanh network."
    ),
    holds=_carousel_turns,
    seeds={"quick": range(5), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        "quick": {"hidden": 32, "steps": 100, "sequences": 20, "biases": BIASES},
        "book": {"hidden": 32, "steps": 100, "sequences": 20, "biases": BIASES},
    },
    strips=[
        Strip(
            axis="Factor per step of the gradient",
            rows=[
                Row("tanh", "tanh network"),
                Row("1997", "LSTM of 1997, along the cell"),
                Row("1997 whole", "LSTM of 1997, whole gradient"),
                Row("carousel", "bias {:g}, along the cell", over="biases"),
                Row("whole", "bias {:g}, whole gradient", over="biases"),
            ],
            lines={"nothing is lost": 1.0},
            limits=(0.4, 1.1),
        ),
    ],
    compared=[
        Rate(
            label="along the cell within 0.03 of $\\sigma(b)$, for each $b$",
            quantity=_farthest_from_bias,
            at_most=0.03,
        ),
        Rate(
            label="more by all ways together than along the cell, for each $b$",
            quantity=lambda measured: min(measured["whole over carousel"]),
            at_least=1,
        ),
        Rate(label="whole gradient of the cell of 1997 grows", quantity="1997 whole", at_least=1),
    ],
    trials=Trials(where="seeds other than those below"),
    deviations=[
        "The paper argues and proves; the measurement is ours, on noise, with first weights as "
        "torch draws them. It says nothing of trained networks.",
        "That the factor along the cell of 1997 is 1 follows from its equations; there the runs "
        "check the code, and so does the verdict on the paper.",
        "Over 100 steps only. In longer runs, which are not recorded, the whole gradient of the "
        "cell of 1997 stopped growing: this is a transient, and no explosion.",
        "Each cell has its own gates. The paper's blocks share them among their cells.",
    ],
)
