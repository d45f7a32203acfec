"""Three cells that learn to predict the same English, with as many numbers to learn."""

from __future__ import annotations

from collections.abc import Sequence
from math import gcd
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.shapes import Synchronised
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip, Trials, Tuned
from unrolled.experiments.rnn._counts import best_counted_bits
from unrolled.experiments.rnn._writer import (
    WRITER,
    Text,
    bits,
    bits_by_context,
    parts,
    train_writer,
)
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference
from unrolled.experiments.variants._writers import CELLS, RATES, WEIGHTS, writer_of

SCORED = [10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 2500, 3000]
"""Updates after which the networks are scored."""

_TRAINING = {name: WRITER[name] for name in ("streams", "steps")}


def cells_that_write(
    seed: int,
    *,
    cells: Sequence[str],
    rates: Sequence[float],
    budget: int,
    streams: int,
    steps: int,
    updates: int,
    learn: int,
    scored: Sequence[int],
    soon: int,
    contexts: Sequence[int],
    orders: Sequence[int],
) -> dict[str, float | list[float]]:
    """Let a writer of each cell learn English.

    Returns
    -------
    For each of ``cells``: ``bits`` a character on unseen text, which is read in ten rows, ``bits,
    learned`` on the beginning of the text learned from, and ``soon``, on the text held out after
    the first ``soon`` updates. Of each cell, ``<cell> learning``: bits on the text held out after
    each of ``scored`` updates; ``<cell> fresh``: bits on the unseen text when the state began at
    zeros so many characters before, one for each of ``contexts``. ``counts`` is what counts of
    the last few characters need, and ``order`` how many: of ``orders``, the one that does best on
    the text held out.
    """
    text = parts()
    text = text._replace(learn=text.learn[:learn])
    training = {"streams": streams, "steps": steps, "updates": updates}
    found: dict[str, list[float]] = {"bits": [], "bits, learned": [], "soon": []}
    for cell, rate in zip(cells, rates, strict=True):
        model = writer_of(cell, budget=budget, seed=seed)
        curve = _learn(model, text, scored=scored, rate=rate, **training)
        found["bits"].append(bits(model, text.test))
        found["bits, learned"].append(bits(model, text.learn[: len(text.test)]))
        found["soon"].append(curve[sorted(scored).index(soon)])
        found[f"{cell} learning"] = curve
        found[f"{cell} fresh"] = _after(contexts, model, text.test)
    order, counts = _counts(text, orders)
    return {**found, "order": order, "counts": counts}


def _learn(
    model: Synchronised, text: Text, *, scored: Sequence[int], **training: Any
) -> list[float]:
    """Train a writer in place; return its bits on the text held out after ``scored`` updates."""
    curve = list[float]()

    def after(update: int) -> None:
        if update in scored:
            curve.append(bits(model, text.held_out))

    train_writer(model, text.learn, **training, after=after)
    return curve


def _after(contexts: Sequence[int], model: Synchronised, codes: NDArray[np.int64]) -> list[float]:
    """Return the bits for a character after so many others read from zeros.

    The text is cut at every place that their greatest common divisor divides, so that all of
    ``contexts`` are judged by the same characters but for the first few.
    """
    longest = max(contexts)
    cuts = range(0, longest, gcd(*contexts))
    found = np.mean([bits_by_context(model, codes[cut:], longest=longest) for cut in cuts], axis=0)
    return [float(found[context - 1]) for context in contexts]


def _counts(text: Text, orders: Sequence[int]) -> tuple[float, float]:
    """Return how many characters it is best to look back, and the bits that such counts need."""
    known, held_out = text.learn, text.held_out
    found = best_counted_bits(known, held_out, held_out, orders=orders)
    best = orders[min(range(len(orders)), key=lambda k: found[k][1])]
    ((_, needed),) = best_counted_bits(known, held_out, text.test, orders=[best])
    return float(best), needed


def _gates_lead_by_less_and_less_and_counts_by_more(runs: Sequence[Measurement]) -> bool:
    """Judge the leads over the tanh network, soon and in the end, and the counts' over all."""
    soon, ends, counts = stack(runs, "soon"), stack(runs, "bits"), stack(runs, "counts")
    early, late = (each[:, :1] - each[:, 1:] for each in (soon, ends))  # tanh comes first
    return bool(
        (early > 0.15).all() and (late > 0).all() and (late < 0.15).all() and (counts < ends).all()
    )


CLAIM = Claim(
    sentence=(
        "With as many numbers to learn, each cell at its own best rate, an LSTM and a GRU learn "
        "English sooner than a tanh network: after 300 updates both are at least 0.15 bits a "
        "character ahead. After 3,000, on text that none has read, both are still ahead, by less "
        "than that, and counts of the last few characters are ahead of all three."
    ),
    experiment=cells_that_write,
    criterion=(
        "In every run, the LSTM and the GRU need at least 0.15 bits a character fewer than the "
        "tanh network on the text held out after 300 updates. After 3,000, on the test text, they "
        "need fewer too, but less than 0.15 fewer, and counts, of as many characters as is best on "
        "the text held out, need fewer than any network."
    ),
    holds=_gates_lead_by_less_and_less_and_counts_by_more,
    seeds={"quick": range(90, 91), "book": range(103, 106), "confirm": range(7000, 7005)},
    settings={
        "quick": {
            **_TRAINING,
            "cells": [*CELLS],
            "rates": [RATES[cell] for cell in CELLS],
            "budget": 900,
            "updates": 3,
            "learn": 2000,
            "scored": [1, 3],
            "soon": 1,
            "contexts": [1, 2],
            "orders": [0, 1],
        },
        "book": {
            **_TRAINING,
            "cells": [*CELLS],
            "rates": [RATES[cell] for cell in CELLS],
            "budget": WEIGHTS,
            "updates": SCORED[-1],
            "learn": 120_000,
            "scored": SCORED,
            "soon": 300,
            "contexts": [5, 10, 20, 50],
            "orders": [3, 4, 5, 6, 7],
        },
    },
    strips=[
        Strip(
            axis="Bits a character",
            rows=[
                Row("bits", "{}, on unseen text", over="cells"),
                Row("counts", "counts, on unseen text"),
                Row("bits, learned", "{}, on text it learned from", over="cells"),
            ],
            limits=(1.0, 2.4),
        ),
        Strip(
            axis="Bits a character, on text held out, soon",
            rows=[Row("soon", "{}, after 300 updates", over="cells")],
            limits=(2.0, 2.8),
        ),
    ],
    compared=[
        Difference(
            label=f"bits after {said} updates, {cell} against tanh",
            first=(measured, [*CELLS].index(cell)),
            second=(measured, [*CELLS].index("tanh")),
        )
        for said, measured in (("300", "soon"), ("3,000", "bits"))
        for cell in ("LSTM", "GRU")
    ],
    tuned=[
        Tuned(arm="tanh", setting="first rate", tried=(0.003, 0.01, 0.03), chosen=0.01),
        Tuned(arm="LSTM", setting="first rate", tried=(0.003, 0.01, 0.03, 0.1, 0.3), chosen=0.1),
        Tuned(arm="GRU", setting="first rate", tried=(0.01, 0.03, 0.1), chosen=0.03),
    ],
    trials=Trials(
        11,
        where="seed 0, all 3,000 updates, scored on the text held out",
    ),
    deviations=[
        "The second claim of this name. The first asked that the three end within a tenth of a bit "
        "of each other. In development they did, barely, and the gated cells led in every run: it "
        "would have said the wrong thing.",
        "All networks see the text in the same order, so that runs differ by first weights only.",
    ],
)
