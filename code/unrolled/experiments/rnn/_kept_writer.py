"""The trained writer that pages show; ``trained/rnn_writer.pt`` keeps it."""

from __future__ import annotations

from typing import Any, NamedTuple

import torch
from torch import Tensor

from unrolled.cells import Elman
from unrolled.core import shapes
from unrolled.core.validate import Array
from unrolled.experiments.kept import read
from unrolled.experiments.rnn._counts import best_counted_bits
from unrolled.experiments.rnn._writer import (
    ENGLISH,
    WRITER,
    Text,
    bits,
    parts,
    text_digest,
    train_writer,
    writer,
)

WHAT = "three networks that write"
TAKES = "about 80 s of one core"

SEEDS = (0, 1, 2)
"""The weights of the first are kept, and the curves of all."""

SHOWN = (100, 300, 1000, WRITER["updates"])
"""Updates after which weights are kept."""

SCORED = (10, 20, 50, 100, 200, 300, 500, 700, 1000, 1500, 2000, 2500, WRITER["updates"])
"""Updates after which the writer is scored."""

ORDERS = (0, 1, 2, 3, 4)
"""Characters that the counts look back."""


class Kept(NamedTuple):
    """What the file holds.

    Attributes
    ----------
    weights
        ``{updates: state_dict}`` of one writer.
    updates
        ``(n,)`` updates after which three writers were scored.
    bits
        ``(3, n)`` their bits a character on the text held out.
    counted
        Bits a character of counts over so many characters, on the same text.
    """

    weights: dict[int, dict[str, Any]]
    updates: tuple[int, ...]
    bits: Array
    counted: dict[int, float]

    def writer(self, updates: int = SHOWN[-1]) -> shapes.Synchronised:
        """Return the writer as it was after so many updates, on the CPU."""
        if updates not in self.weights:
            raise ValueError(f"updates must be one of {[*self.weights]}, got {updates}")
        model = writer(SEEDS[0], Elman, hidden=WRITER["hidden"])
        model.load_state_dict(self.weights[updates])
        return model.cpu()


def kept() -> Kept:
    """Read the trained writer.

    Raises
    ------
    FileNotFoundError
        If there is no file.
    ValueError
        If it is damaged, or its writer was trained on another text or with other settings.
    """
    state = read("rnn_writer", _setting())
    return Kept(state["weights"], tuple(state["updates"]), state["bits"].numpy(), state["counted"])


def make() -> dict[str, Any]:
    """Train the writers, score them and their rivals, and return what is kept of them."""
    text = parts()
    trained = [_watched(seed, text) for seed in SEEDS]
    counted = best_counted_bits(text.learn, text.held_out, text.held_out, orders=ORDERS)
    return {
        "setting": _setting(),
        "weights": trained[0][0],
        "updates": list(SCORED),
        "bits": torch.tensor([curve for _, curve in trained], dtype=torch.float64),
        "counted": {order: found for order, (_, found) in zip(ORDERS, counted, strict=True)},
    }


def _watched(seed: int, text: Text) -> tuple[dict[int, dict[str, Tensor]], list[float]]:
    """Train a writer; return its weights after ``SHOWN`` updates, its bits after ``SCORED``."""
    model = writer(seed, Elman, hidden=WRITER["hidden"])
    weights, curve = {}, []

    def after(update: int) -> None:
        if update in SHOWN:
            weights[update] = {k: v.cpu().clone() for k, v in model.state_dict().items()}
        if update in SCORED:
            curve.append(bits(model, text.held_out))

    learning = {name: each for name, each in WRITER.items() if name != "hidden"}
    train_writer(model, text.learn, **learning, after=after)
    return weights, curve


def _setting() -> dict[str, Any]:
    return {
        **WRITER,
        **ENGLISH,
        "text": text_digest(),
        "seeds": list(SEEDS),
        "shown": list(SHOWN),
        "scored": list(SCORED),
        "orders": list(ORDERS),
    }
