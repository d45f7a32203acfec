"""The tasks of the tournament and of both searches."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from functools import cache
from math import log
from types import MappingProxyType

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import one_hot

from unrolled.data import Arithmetic, adding, arithmetic, order
from unrolled.data.reber import IGNORED
from unrolled.data.text import ALPHABET, encode, english
from unrolled.experiments.each_network import cross_entropy_each, mean_each

TRAINING, VALIDATION, TEST = range(3)  # parts of the data, none of which shares a draw with another


@dataclass(frozen=True)
class Task:
    """Something to learn, in the form that ``Networks`` takes.

    Parameters
    ----------
    inputs, outputs
        Features of an input I, and numbers O in a prediction.
    length
        Steps T in a sequence.
    budget
        The most numbers that a network may learn.
    draw
        From a number of sequences n, their length, a part of the data and a seed: inputs
        ``(T, n, I)``, and targets ``(n,)`` or ``(T, n)``.
    loss, error
        From predictions ``(T, B, N, O)`` and targets ``(..., B, N)``: what is trained, and what
        counts, for each network ``(N,)``.
    guess
        The error of one who has learned no more than how often things happen, or less.
    """

    inputs: int
    outputs: int
    length: int
    budget: int
    draw: Callable[[int, int, int, int], tuple[Tensor, Tensor]]
    loss: Callable[[Tensor, Tensor], Tensor]
    error: Callable[[Tensor, Tensor], Tensor]
    guess: float


def _draw_adding(n: int, length: int, part: int, seed: int) -> tuple[Tensor, Tensor]:
    drawn = adding(n, length=length, seed=mixed_seed(part, seed))
    return torch.from_numpy(drawn.inputs), torch.from_numpy(drawn.targets)


def _draw_order(n: int, length: int, part: int, seed: int) -> tuple[Tensor, Tensor]:
    drawn = order(n, length=length, seed=mixed_seed(part, seed))
    return torch.from_numpy(drawn.inputs), torch.from_numpy(drawn.targets)


def _draw_arithmetic(n: int, length: int, part: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw among the problems of a part; targets that do not count are ``IGNORED``."""
    problems = _problems(part)
    assert length == len(problems.inputs), length
    rows = np.random.default_rng(mixed_seed(part, seed)).integers(
        0, problems.targets.shape[1], size=n
    )
    targets = np.where(problems.mask, problems.targets, IGNORED)[:, rows]
    return torch.from_numpy(problems.inputs[:, rows]), torch.from_numpy(targets)


@cache
def _problems(part: int) -> Arithmetic:
    """Return 8,192 problems of one digit: to draw them one by one costs more than to train."""
    return arithmetic(8192, digits=1, seed=mixed_seed(part))


def _draw_text(n: int, length: int, part: int, seed: int) -> tuple[Tensor, Tensor]:
    """Draw pieces of English: of its first 80 %, the next 10 % or the last, by part."""
    codes = _codes()
    low, high = ((0, 8), (8, 9), (9, 10))[part]
    first, last = low * len(codes) // 10, high * len(codes) // 10 - length
    rng = np.random.default_rng(mixed_seed(part, seed))
    rows = torch.from_numpy(rng.integers(first, last, size=n)) + torch.arange(length + 1)[:, None]
    symbols = codes[rows]
    return one_hot(symbols[:-1], len(ALPHABET)).float(), symbols[1:]


@cache
def _codes() -> Tensor:
    return torch.from_numpy(encode(english()))


def mixed_seed(*seeds: int) -> int:
    """Return one seed made of several."""
    return int(np.random.SeedSequence(seeds).generate_state(1)[0])


def _error_rate(prediction: Tensor, target: Tensor) -> Tensor:
    """Return the fraction that each network gets wrong, from ``(..., B, N, O)``."""
    return mean_each((prediction.argmax(-1) != target).to(prediction.dtype), target)


def _squared_error(prediction: Tensor, target: Tensor) -> Tensor:
    """Return each network's mean squared error of the last prediction."""
    return (prediction[-1, ..., 0] - target).square().mean(0)


TASKS: Mapping[str, Task] = MappingProxyType(
    {
        "adding": Task(
            *(2, 1, 12, 800, _draw_adding, _squared_error),
            lambda prediction, target: (
                _squared_error(prediction, target) / target.var(0, correction=0)
            ),
            1.0,
        ),
        "order": Task(
            *(6, 4, 30, 800, _draw_order),
            lambda prediction, target: cross_entropy_each(prediction[-1], target),
            lambda prediction, target: _error_rate(prediction[-1], target),
            0.75,
        ),
        "arithmetic": Task(40, 40, 9, 2000, _draw_arithmetic, cross_entropy_each, _error_rate, 1.0),
        "text": Task(
            *(len(ALPHABET), len(ALPHABET), 10, 2000, _draw_text, cross_entropy_each),
            lambda prediction, target: cross_entropy_each(prediction, target) / log(2),
            log(len(ALPHABET), 2),
        ),
    }
)
"""The tasks by their names. Their errors: of the adding problem the squared error in variances of
the target; of temporal order the fraction of wrong classes; of arithmetic with numbers of one
digit the fraction of wrong symbols in the answers; of English bits per character."""
