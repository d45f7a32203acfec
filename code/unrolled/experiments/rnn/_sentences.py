"""Elman's short sentences: a network that foresees words, and its states."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.data.elman import Sentences, sentences
from unrolled.experiments.rnn._elman import learn, read
from unrolled.experiments.rnn._seeds import FRESH

WORDS: Mapping[str, Any] = {"train": 10_000, "test": 2000, "hidden": 50, "rate": 0.3, "passes": 6}
"""The sentences: how many to learn from and to take means over, and what :func:`learn` takes."""


class WordStates(NamedTuple):
    """What the hidden units hold, on average, when a word is read.

    Attributes
    ----------
    words
        The 29 words.
    classes
        The class of each, a key of ``unrolled.data.elman.NOUNS`` or ``VERBS``.
    states
        ``(29, H)`` the mean hidden vector over all places where the word stands.
    """

    words: tuple[str, ...]
    classes: tuple[str, ...]
    states: Array


def word_states(
    seed: int,
    *,
    train: int,
    test: int,
    hidden: int,
    rate: float,
    passes: int,
    scale: float,
) -> WordStates:
    """Train as ``word_classes`` does; return the mean hidden vector of each word.

    Parameters
    ----------
    seed
        Seed of the sentences and of the first weights.
    train, test
        Sentences to learn from, and fresh ones to take the means over.
    hidden, rate, passes, scale
        As in :func:`learn`.
    """
    known, fresh = sentences(train, seed=seed), sentences(test, seed=seed + FRESH)
    states, _ = read_words(seed, known, fresh, hidden=hidden, rate=rate, passes=passes, scale=scale)
    means = mean_states(states, fresh.words[:-1], len(fresh.lexicon))
    return WordStates(fresh.lexicon, fresh.classes, means)


def read_words(
    seed: int,
    known: Sentences,
    fresh: Sentences,
    *,
    hidden: int,
    rate: float,
    passes: int,
    scale: float,
) -> tuple[Array, Array]:
    """Learn from known sentences; return states and answers along fresh ones, but the last word."""
    codes = np.eye(len(known.lexicon))
    x = codes[known.words]
    network = learn(x[:-1], x[1:], hidden=hidden, rate=rate, passes=passes, scale=scale, seed=seed)
    return read(network, codes[fresh.words[:-1]])


def mean_states(states: Array, words: NDArray[np.int64], size: int) -> Array:
    """Return the mean state at each word, ``(size, H)``."""
    return np.array([states[words == word].mean(axis=0) for word in range(size)])
