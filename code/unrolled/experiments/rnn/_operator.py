"""The teleprinter's operator: an encoder and a decoder that press its keys."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from numpy.typing import ArrayLike
from torch import Tensor, nn
from torch.nn.functional import one_hot

from unrolled.cells import Elman
from unrolled.core import shapes
from unrolled.data.teleprinter import CHARACTERS, KEYS, Dictation, dictation, text_of
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.rnn._teleprinter import trained
from unrolled.training import device, seeded

OPERATOR: Mapping[str, Any] = {"texts": 8192, "longest": 4, "hidden": 96, "epochs": 10}
"""The operator: texts to learn from, characters in the longest, units, passes."""


def train_operator(seed: int, orders: Dictation, *, hidden: int, epochs: int) -> shapes.ManyToMany:
    """Train an encoder and a decoder to read a text and press the keys that print it."""

    def loss(model: nn.Module, text: Tensor, keys: Tensor, lengths: Tensor) -> Tensor:
        scores = model(_text_codes(text), keys.T, lengths)
        return shapes.symbol_loss(scores, keys.T, shapes.steps_to_stop(keys.T))

    def build() -> shapes.ManyToMany:
        return shapes.ManyToMany(Elman(len(CHARACTERS), hidden), Elman(len(KEYS), hidden))

    return trained(seeded(seed, build), orders, loss, epochs=epochs, rate=0.003, seed=seed)


def keyed_right(
    seed: int, *, texts: int, longest: int, hidden: int, epochs: int, tests: int
) -> list[float]:
    """Train an operator; return the part of texts keyed without a mistake, by length from 1 on.

    Of texts of three characters and more, only those count that were not among the texts learned
    from. Of the shorter ones hardly any were not.
    """
    orders = dictation(texts, longest=longest, seed=seed)
    model = train_operator(seed, orders, hidden=hidden, epochs=epochs)
    known = {text_of(text) for text in orders.characters}
    asked = dictation(tests, longest=longest, seed=seed + FRESH)
    counts = np.array([text_of(text) not in known for text in asked.characters])
    counts |= asked.lengths < 3
    written = model.write(
        _text_codes(asked.characters), asked.keys.shape[1], asked.lengths.tolist()
    )
    right = (written.T.cpu().numpy() == asked.keys).all(axis=1)
    by_length = [counts & (asked.lengths == n) for n in range(1, longest + 1)]
    return [float(right[chosen].mean()) for chosen in by_length]


def _text_codes(characters: ArrayLike | Tensor) -> Tensor:
    return one_hot(torch.as_tensor(characters, device=device()).T, len(CHARACTERS)).float()
