"""Trained writers of two gated cells, beside the chapter ``rnn``'s of the tanh cell.

``trained/variants_writers.pt`` keeps them.
"""

from __future__ import annotations

import time
from collections.abc import Mapping
from statistics import median
from typing import Any, NamedTuple

from torch import Tensor

from unrolled.core import shapes
from unrolled.experiments.kept import read
from unrolled.experiments.rnn import kept as kept_writer
from unrolled.experiments.rnn._writer import (
    ENGLISH,
    WRITER,
    Text,
    parts,
    text_digest,
    train_writer,
)
from unrolled.experiments.variants._writers import RATES, WEIGHTS, writer_of

WHAT = "an LSTM and a GRU that write"
TAKES = "about 80 s of one core"

SEED = 0
SHOWN = (100, 1000, WRITER["updates"])
"""Updates after which weights are kept."""

ROUNDS = 9
"""Of so many rounds the median is the time of an update."""


class Writers(NamedTuple):
    """What is kept.

    Attributes
    ----------
    weights
        ``{cell: {updates: state_dict}}``.
    seconds
        ``{cell: seconds of one core that an update took}``, where they were trained.
    """

    weights: Mapping[str, Mapping[int, Mapping[str, Any]]]
    seconds: Mapping[str, float]

    def writer(self, cell: str, updates: int = SHOWN[-1]) -> shapes.Synchronised:
        """Return the writer of a cell as it was after so many updates, on the CPU."""
        known = self.weights.get(cell, {})
        if updates not in known:
            raise ValueError(
                f"cell and updates must be of {[*self.weights]} and {list(SHOWN)}, "
                f"got {cell!r} and {updates}"
            )
        model = writer_of(cell, budget=WEIGHTS, seed=SEED)
        model.load_state_dict(known[updates])
        return model.cpu()


def writers() -> Writers:
    """Read the trained writers of three cells.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is damaged, or its writers were trained on another text or with other settings.
    """
    state = read("variants_writers", _setting())
    tanh = {"tanh": {each: kept_writer().weights[each] for each in SHOWN}}
    return Writers({**tanh, **state["weights"]}, state["seconds"])


def make() -> dict[str, Any]:
    """Train the writers, time an update of each cell, and return what is kept of them."""
    text = parts()
    return {
        "setting": _setting(),
        "weights": {cell: _stages(cell, text) for cell in ("LSTM", "GRU")},
        "seconds": _seconds(text),
    }


def _stages(cell: str, text: Text) -> dict[int, dict[str, Tensor]]:
    """Train a writer; return its weights after ``SHOWN`` updates."""
    model, weights = writer_of(cell, budget=WEIGHTS, seed=SEED), {}

    def after(update: int) -> None:
        if update in SHOWN:
            weights[update] = {k: v.cpu().clone() for k, v in model.state_dict().items()}

    train_writer(model, text.learn, **_learning(cell), after=after)
    return weights


def _seconds(text: Text, updates: int = 10) -> dict[str, float]:
    """Return the seconds that an update takes: medians of rounds, a turn for each cell in each."""
    spent = {cell: list[float]() for cell in RATES}
    for _ in range(ROUNDS):
        for cell in RATES:
            model = writer_of(cell, budget=WEIGHTS, seed=SEED)
            began = time.process_time()
            train_writer(model, text.learn, **{**_learning(cell), "updates": updates})
            spent[cell].append((time.process_time() - began) / updates)
    return {cell: median(each) for cell, each in spent.items()}


def _learning(cell: str) -> dict[str, Any]:
    same = {name: WRITER[name] for name in ("streams", "steps", "updates")}
    return {**same, "rate": RATES[cell]}


def _setting() -> dict[str, Any]:
    own = {"budget": WEIGHTS, "rates": {**RATES}, "seed": SEED, "shown": list(SHOWN)}
    return {**WRITER, **ENGLISH, "text": text_digest(), **own}
