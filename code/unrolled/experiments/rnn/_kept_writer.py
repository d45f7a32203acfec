"""The trained writer that pages show, kept in a file.

``python -m unrolled.experiments.rnn`` makes it again.
"""

from __future__ import annotations

import hashlib
import platform
from pathlib import Path
from typing import Any, NamedTuple

import torch
from torch import Tensor

from unrolled.cells import Elman
from unrolled.core import shapes
from unrolled.core.validate import Array
from unrolled.experiments.rnn._counts import best_counted_bits
from unrolled.experiments.rnn._writer import (
    ENGLISH,
    WRITER,
    Text,
    bits,
    parts,
    train_writer,
    writer,
)
from unrolled.training import load, save

KEPT = Path(__file__).resolve().parents[4] / "trained" / "rnn_writer.pt"
"""The file, beside the book's chapters."""

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


def kept(path: Path = KEPT) -> Kept:
    """Read the trained writer; where there is none yet, train it, in about a minute.

    Raises
    ------
    ValueError
        If it was trained with other settings than the code says now.
    """
    if not path.exists():
        keep(path)
    state = load(path)
    if state["setting"] != _setting():
        raise ValueError(
            f"path must hold a writer of these settings, {path} has others: "
            "make it again by `python -m unrolled.experiments.rnn`"
        )
    return Kept(state["weights"], tuple(state["updates"]), state["bits"].numpy(), state["counted"])


def keep(path: Path = KEPT) -> None:
    """Train the writers, score them and their rivals, and write it all down."""
    text = parts()
    trained = [_watched(seed, text) for seed in SEEDS]
    counted = best_counted_bits(text.learn, text.held_out, text.held_out, orders=ORDERS)
    state = {
        "setting": _setting(),
        "made with": f"Python {platform.python_version()}, torch {torch.__version__}",
        "text": hashlib.sha256(b"".join(part.tobytes() for part in text)).hexdigest(),
        "weights": trained[0][0],
        "updates": list(SCORED),
        "bits": torch.tensor([curve for _, curve in trained], dtype=torch.float64),
        "counted": {order: found for order, (_, found) in zip(ORDERS, counted, strict=True)},
    }
    save(path, state)


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
        "seeds": list(SEEDS),
        "shown": list(SHOWN),
        "scored": list(SCORED),
        "orders": list(ORDERS),
    }
