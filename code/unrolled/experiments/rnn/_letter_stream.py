"""Elman's letters without spaces: a network that foresees them, and its errors."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.bptt import RNN
from unrolled.core.validate import Array
from unrolled.data.elman import LEXICON, SENTENCE, join, letter_likelihood, letter_stream
from unrolled.experiments.rnn._elman import learn, read
from unrolled.experiments.rnn._pairs import places
from unrolled.experiments.rnn._seeds import FRESH

LETTERS: Mapping[str, Any] = {"train": 2000, "hidden": 30, "rate": 0.3, "passes": 10}
"""The letter stream: words to learn from, and what :func:`learn` takes."""


class Stretch(NamedTuple):
    """How well each letter of a text was foreseen.

    Attributes
    ----------
    letters
        ``n`` letters.
    starts
        ``(n,)`` true where a word begins.
    errors
        ``(n,)`` length of the error vector in predicting each letter: 0 for certainty that was
        right, about 1 where there was nothing to know.
    least
        ``(n,)`` the same for a reader who knows the lexicon and forgets nothing.
    """

    letters: str
    starts: NDArray[np.bool_]
    errors: Array
    least: Array


def letters_foreseen(
    seed: int,
    text: str = SENTENCE,
    *,
    train: int,
    hidden: int,
    rate: float,
    passes: int,
) -> Stretch:
    """Train as ``word_starts`` does, then read ``text`` and return the error at every letter.

    The network reads twenty words of the stream first, so that the first letter too can surprise.

    Parameters
    ----------
    seed
        Seed of the stream and of the first weights.
    text
        Words of ``unrolled.data.elman.LEXICON`` with spaces between them, which the network does
        not see.
    train, hidden, rate, passes
        Words to learn from; units, learning rate and passes as in :func:`learn`.
    """
    strange = [word for word in text.split() if word not in LEXICON]
    if strange or not text.split():
        raise ValueError(f"text must hold words of {', '.join(LEXICON)}, got {text!r}")
    known = letter_stream(train, seed=seed)
    network = learn_letters(known.text, hidden=hidden, rate=rate, passes=passes, seed=seed)
    shown = join(text.split())
    before = letter_stream(20, seed=seed + FRESH).text
    errors, least = (
        each[-len(shown.text) :]
        for each in (
            letter_errors(network, before + shown.text),
            least_errors(before + shown.text),
        )
    )
    return Stretch(shown.text, shown.starts, errors, least)


ALPHABET = sorted(set("".join(LEXICON)))

CODES = np.eye(len(ALPHABET))


def learn_letters(text: str, *, hidden: int, rate: float, passes: int, seed: int) -> RNN:
    """Train Elman's network to foresee the next letter of a text."""
    x = CODES[places(text, ALPHABET)]
    return learn(x[:-1], x[1:], hidden=hidden, rate=rate, passes=passes, seed=seed)


def letter_errors(network: RNN, text: str) -> Array:
    """Return ``(n - 1,)`` the length of the error vector at every letter but the first."""
    x = CODES[places(text, ALPHABET)]
    errors: Array = np.linalg.norm(read(network, x[:-1])[1] - x[1:], axis=1)
    return errors


def least_errors(text: str) -> Array:
    """Return ``(n,)`` the length of the error vector of a reader who knows the lexicon."""
    errors: Array = letter_likelihood(text) - CODES[places(text, ALPHABET)]
    return np.asarray(np.linalg.norm(errors, axis=1))
