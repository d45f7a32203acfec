"""The forget gate's first bias decides whether an LSTM learns temporal order."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import torch
from torch import nn
from torch.nn.functional import cross_entropy

from unrolled.experiments.last_step import LastStepReadout
from unrolled.experiments.ledger import Claim, Row, Strip, Trials
from unrolled.experiments.lstm._gate_biases import BIASES, set_gate_biases
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate
from unrolled.experiments.temporal_order import order_sequences
from unrolled.training import seeded


def order_by_bias(
    seed: int,
    *,
    length: int,
    biases: Sequence[float],
    hidden: int,
    rate: float,
    batch: int,
    updates: int,
    every: int,
) -> dict[str, list[float]]:
    """Train an LSTM on temporal order from each first forget bias, by Adam, clipped at norm 1.

    A run stops when it is right on more than 99 % of 1,000 fresh sequences.

    Parameters
    ----------
    seed
        Seed of first weights and sequences.
    length
        Steps in a sequence, at least 10.
    biases
        First values of the forget gates' bias.
    hidden, rate, batch
        Cells, learning rate, sequences in an update.
    updates, every
        Most updates, and updates between tests.

    Returns
    -------
    For each of ``biases``: the best ``accuracy`` at any test, and the ``updates`` made.
    """
    found: dict[str, list[float]] = {"accuracy": [], "updates": []}
    for bias in biases:
        accuracy, made = _learn_order(
            seeded(seed, partial(_order_lstm, hidden, bias)),
            length=length,
            rate=rate,
            batch=batch,
            updates=updates,
            every=every,
            seed=seed,
        )
        found["accuracy"].append(accuracy)
        found["updates"].append(made)
    return found


def _order_lstm(hidden: int, bias: float) -> LastStepReadout:
    layer = nn.LSTM(6, hidden)
    set_gate_biases(layer, f=torch.full((hidden,), float(bias)))
    return LastStepReadout(layer, hidden, 4)


def _learn_order(
    model: LastStepReadout,
    *,
    length: int,
    rate: float,
    batch: int,
    updates: int,
    every: int,
    seed: int,
) -> tuple[float, int]:
    """Return the best accuracy at any test, and the updates made."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    x_test, y_test = order_sequences(1000, length, seed + 1_000_000)
    best = 0.0
    for made in range(every, updates + 1, every):
        x, y = order_sequences(every * batch, length, 10_000 * seed + made)
        for inputs, targets in zip(torch.split(x, batch, 1), torch.split(y, batch), strict=True):
            optimizer.zero_grad()
            cross_entropy(model(inputs), targets).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), 1.0)
            optimizer.step()
        with torch.no_grad():
            best = max(best, float((model(x_test).argmax(1) == y_test).double().mean()))
        if best > 0.99:
            break
    return best, made


_LEARNED = [
    Rate(label=f"order learned, forget bias {bias:g}", quantity=("accuracy", index), at_least=0.99)
    for index, bias in enumerate(BIASES)
]

_ORDER = {"hidden": 16, "rate": 1e-2, "batch": 20, "every": 250}

CLAIM = Claim(
    sentence=(
        "Over 100 steps, the forget gate's first bias decides whether an LSTM learns temporal "
        "order within 2,500 updates: with 0 or 1 none does, with 3 at least four in five do."
    ),
    experiment=order_by_bias,
    criterion=(
        "Within 2,500 updates no run with bias 0 or 1 is right on more than 99 % of fresh "
        "sequences, and at least four in five with bias 3 are. Bias 5 is measured too, and "
        "promised nothing."
    ),
    holds=lambda runs: bool(
        (stack(runs, "accuracy")[:, :2] <= 0.99).all()
        and (stack(runs, "accuracy")[:, 2] > 0.99).mean() >= 0.8
    ),
    seeds={"quick": range(101, 102), "book": range(8), "confirm": range(7000, 7008)},
    settings={
        "quick": {**_ORDER, "length": 30, "biases": BIASES[:3], "updates": 500},
        "book": {**_ORDER, "length": 100, "biases": BIASES, "updates": 2500},
    },
    strips=[
        Strip(
            axis="Best accuracy",
            rows=[Row("accuracy", "forget bias {:g}", over="biases")],
            lines={"chance": 0.25},
            limits=(0.2, 1.0),
        ),
        Strip(
            axis="Updates",
            rows=[Row("updates", "forget bias {:g}", over="biases")],
            limits=(0, 2500),
        ),
    ],
    compared=[
        *_LEARNED,
        Difference(
            label="order learned, forget bias 3 against 1", first=_LEARNED[2], second=_LEARNED[1]
        ),
    ],
    trials=Trials(
        count=14,
        where="other seeds, some with other rates and sizes, which were not kept: all solved it "
        "with bias 3 and eight with bias 5; neither of two with bias 1 did",
    ),
    deviations=[
        "No paper claims it. Gers et al. (2000) report of another temporal order task, with "
        "noise, that a bias of 5 learned as fast as no forget gate at all, and a bias of 1 "
        "learned too, if about three times as slowly.",
        "It is about this task: in `gradients.adding` LSTMs learn the adding problem of 100 "
        "steps with a bias of 1.",
        "16 cells, the whole gradient, Adam at 0.01 on 20 sequences at a time, clipped at norm "
        "1; torch's LSTM, which computes what the book's does.",
        "Every bias has the same rate and size, an earlier program's, which had also learned it "
        "with bias 3 and 5, and not with 1. None is tuned for a bias by itself. Tried afterwards, "
        "at seeds of their own: with bias 1 none of five runs learned at rates of 0.03 and 0.1, "
        "and with bias 3 both of two did at 0.003.",
    ],
)
