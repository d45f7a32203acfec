"""A network that writes English: how it learns from one long text, how it is scored, how it writes.

Everything here takes any cell, so that later chapters can give the same text to others.
"""

from __future__ import annotations

import copy
import hashlib
from collections.abc import Callable, Mapping
from math import log
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, one_hot
from torch.optim.lr_scheduler import LinearLR

from unrolled.core import shapes
from unrolled.core.cell import Cell, State
from unrolled.core.validate import random_seed, real, whole
from unrolled.data.text import ALPHABET, character_windows, decode, encode, english
from unrolled.training import progress, seeded

K = len(ALPHABET)

ENGLISH: Mapping[str, int] = {"learn": 120_000, "held_out": 15_000, "test": 15_000}
"""Characters to learn from, to choose settings by, and to test on, in the order of the text."""

WRITER: Mapping[str, Any] = {
    "hidden": 128,
    "streams": 16,
    "steps": 50,
    "rate": 0.01,
    "updates": 3000,
}
"""The writer: units, rows read side by side, steps in a piece, first rate, updates."""


class Text(NamedTuple):
    """The three parts of a text, ``(N,)`` characters each, by their number."""

    learn: NDArray[np.int64]
    held_out: NDArray[np.int64]
    test: NDArray[np.int64]


def parts() -> Text:
    """Return the English text in its parts, as ``ENGLISH`` cuts it."""
    codes = encode(english(sum(ENGLISH.values())))
    first, second = ENGLISH["learn"], ENGLISH["learn"] + ENGLISH["held_out"]
    return Text(*np.split(codes, [first, second]))


def text_digest() -> str:
    """Return the digest of the text, which differs between versions of Python."""
    return hashlib.sha256(b"".join(part.tobytes() for part in parts())).hexdigest()


def train_writer(
    model: shapes.Synchronised,
    codes: NDArray[np.int64],
    *,
    streams: int,
    steps: int,
    rate: float,
    updates: int,
    after: Callable[[int], None] = lambda update: None,
) -> shapes.Synchronised:
    """Train a model in place to say the next character of one long text, and return it.

    The text is cut into ``streams`` rows, and these into pieces of ``steps`` characters. Row b of
    a piece goes on where row b of the one before ended, and so does its state; the gradient stays
    within the piece. Adam, clipped at 1; the rate falls evenly to 0.

    Parameters
    ----------
    model
        Reads one-hot characters and scores the next, of any cell.
    codes
        ``(N,)`` the text.
    streams, steps
        Rows, and characters in a piece.
    rate, updates
        The first learning rate, and updates in all.
    after
        Called after each update with the number of updates made.
    """
    pieces = character_windows(codes, streams=streams, steps=steps)
    inputs, targets = (torch.as_tensor(part).to(model.read.weight.device) for part in pieces)
    optimizer = torch.optim.Adam(model.parameters(), lr=real("rate", rate, above=0))
    falling = LinearLR(optimizer, 1.0, 0.0, total_iters=whole("updates", updates))
    state: State | None = None
    for update in progress(range(updates), "updates"):
        piece = update % len(inputs)
        if piece == 0:
            state = None  # the text begins again
        scores, last = model(letters(inputs[piece]), state)
        state = tuple(part.detach() for part in last)  # kept, without its gradient
        loss = shapes.symbol_loss(scores, targets[piece])
        optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
        falling.step()
        after(update + 1)
    return model


def writer(seed: int, cell: Callable[[int, int], Cell], *, hidden: int) -> shapes.Synchronised:
    """Return an untrained writer of a cell: ``cell(inputs, hidden)``."""
    return seeded(seed, lambda: shapes.Synchronised(cell(K, hidden), K))


def letters(codes: Tensor) -> Tensor:
    """Return characters ``(T, B)`` as one-hot vectors ``(T, B, 30)``."""
    return one_hot(codes, K).float()


@torch.no_grad()
def bits(model: shapes.Synchronised, codes: NDArray[np.int64], *, streams: int = 10) -> float:
    r"""Return the bits that a model needs for a character: the mean of :math:`-\log_2 P`.

    The text is read in ``streams`` rows, each from a state of zeros.
    """
    pieces = character_windows(codes, streams=streams, steps=(len(codes) - 1) // streams)
    inputs, targets = (torch.as_tensor(part[0]).to(model.read.weight.device) for part in pieces)
    scores, _ = model(letters(inputs))
    return float(shapes.symbol_loss(scores, targets)) / log(2)


@torch.no_grad()
def write(
    model: shapes.Synchronised,
    length: int,
    *,
    temperature: float = 1.0,
    prompt: str = "the ",
    seed: int,
) -> str:
    r"""Let a model go on from a prompt: draw a character, read it, draw the next.

    .. math:: P(s) \propto \exp(z_s / \tau)

    with :math:`z` the scores and :math:`\tau` the temperature. Computed in float64, so that one
    seed writes one text, whatever the machine.

    Parameters
    ----------
    model
        A trained writer.
    length
        Characters to write.
    temperature
        :math:`\tau`, greater than 0: at 1 as the model says; lower, likelier characters only.
    prompt
        What it reads first.
    seed
        Seed of the draws.
    """
    temperature = real("temperature", temperature, above=0)
    rng = np.random.default_rng(random_seed("seed", seed))
    model = copy.deepcopy(model).double().cpu()
    read, written, state = torch.as_tensor(encode(prompt)), list[int](), None
    for _ in range(whole("length", length)):
        scores, state = model(letters(read[:, None]).double(), state)
        chances = torch.softmax(scores[-1, 0] / temperature, dim=0).numpy()
        written.append(int(rng.choice(K, p=chances / chances.sum())))
        read = torch.tensor(written[-1:])
    return prompt + decode(written)


@torch.no_grad()
def bits_by_context(
    model: shapes.Synchronised, codes: NDArray[np.int64], *, longest: int
) -> list[float]:
    """Return the bits for a character after 1, 2, ... ``longest`` others read from zeros."""
    streams = (len(codes) - 1) // longest
    pieces = character_windows(codes, streams=streams, steps=longest)
    inputs, targets = (torch.as_tensor(part[0]).to(model.read.weight.device) for part in pieces)
    scores, _ = model(letters(inputs))
    losses = cross_entropy(scores.movedim(-1, 1), targets, reduction="none")
    return [float(each) / log(2) for each in losses.mean(dim=1)]
