"""The error in predicting letters shows where words begin."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import ArrayLike

from unrolled.core.validate import numbers
from unrolled.data.elman import letter_stream
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials
from unrolled.experiments.rnn._elman import UNITS
from unrolled.experiments.rnn._letter_stream import (
    ALPHABET,
    CODES,
    LETTERS,
    learn_letters,
    least_errors,
    letter_errors,
)
from unrolled.experiments.rnn._pairs import mean_followers, places
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference


def word_starts(
    seed: int,
    *,
    train: int,
    test: int,
    positions: Sequence[int],
    hidden: int,
    rate: float,
    passes: int,
) -> dict[str, float | list[float]]:
    """Predict the next letter of words without spaces; return what the error says of word starts.

    Returns
    -------
    ``error by position`` holds, for each of ``positions`` in a word (its first letter has 1), the
    mean length of the error vector on a fresh stream. ``auc`` is how often a first letter errs
    more than another letter; ``auc by pairs`` the same for whoever knows the present letter only
    and how often which letter follows it, ``auc of the likelihood`` for whoever knows the lexicon
    and forgets nothing.
    """
    known, fresh = letter_stream(train, seed=seed), letter_stream(test, seed=seed + FRESH)
    network = learn_letters(known.text, hidden=hidden, rate=rate, passes=passes, seed=seed)
    error = letter_errors(network, fresh.text)
    place, now = places(known.text, ALPHABET), places(fresh.text, ALPHABET)
    by_pairs = mean_followers(place, CODES[place])[now[:-1]] - CODES[now[1:]]
    step = np.arange(len(now))
    position = step - np.maximum.accumulate(np.where(fresh.starts, step, 0)) + 1
    return {
        "error by position": [float(error[position[1:] == each].mean()) for each in positions],
        "auc": auc(error, fresh.starts[1:]),
        "auc by pairs": auc(np.linalg.norm(by_pairs, axis=1), fresh.starts[1:]),
        "auc of the likelihood": auc(least_errors(fresh.text)[1:], fresh.starts[1:]),
    }


def auc(scores: ArrayLike, positive: ArrayLike) -> float:
    """Return how often a positive scores above a negative, a tie counting half.

    It is 1 if a threshold on the score finds all positives and nothing else, and 1/2 if the score
    says nothing: the area under the receiver operating characteristic.

    Parameters
    ----------
    scores
        ``(n,)`` numbers.
    positive
        ``(n,)`` true or false, not all the same.
    """
    score, is_positive = numbers("scores", scores), np.asarray(positive, dtype=bool)
    if score.ndim != 1 or score.shape != is_positive.shape:
        raise ValueError(
            f"scores and positive must have the same shape (n,), got {score.shape} and "
            f"{is_positive.shape}"
        )
    if is_positive.all() or not is_positive.any():
        raise ValueError(f"positive must hold both true and false, got {is_positive.sum()} true")
    others = np.sort(score[~is_positive])
    below = np.searchsorted(others, score[is_positive], side="left")
    not_above = np.searchsorted(others, score[is_positive], side="right")
    return float((below + not_above).mean() / (2 * len(others)))


CLAIM = Claim(
    paper=Paper(
        key="elman1990finding",
        where="Figure 6",
        says="The error is high where a word begins and falls inside it.",
        verdict=lambda runs: bool(
            (stack(runs, "auc") > 0.5).all()
            and (
                stack(runs, "error by position")[:, 0] > stack(runs, "error by position")[:, 1]
            ).all()
        ),
    ),
    sentence=(
        "In letters without spaces, the network's error is high where a word begins and falls "
        "as more of the word is seen: it shows where the words are."
    ),
    experiment=word_starts,
    criterion=(
        "In every run, on a fresh stream, the first letter of a word errs more than another "
        "letter in over 90 % of all pairs of the two (the area under the ROC curve is above "
        "0.9)."
    ),
    holds=lambda runs: bool(stack(runs, "auc").min() > 0.9),
    seeds={"quick": range(90, 91), "book": range(100, 110), "confirm": range(7000, 7010)},
    settings={
        scale: {**LETTERS, "test": 1000, "positions": [1, 2, 3, 4, 5, 6]}
        for scale in ("quick", "book")
    },
    strips=[
        Strip(
            axis="Mean length of the error vector",
            rows=[Row("error by position", "letter {} of a word", over="positions")],
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Area under the ROC curve",
            rows=[
                Row("auc", "the network"),
                Row("auc by pairs", "letter pairs, counted"),
                Row("auc of the likelihood", "a reader who knows the lexicon"),
            ],
            lines={"chance": 0.5},
            limits=(0.5, 1.0),
        ),
    ],
    compared=[
        Difference(
            label="area under the ROC curve, the network against counted letter pairs",
            first="auc",
            second="auc by pairs",
        )
    ],
    trials=Trials(where="other seeds and another lexicon; not counted"),
    deviations=[
        "2,000 words in random order from 15 that we chose; in the paper 1,270, in sentences. "
        "Where any word may follow any other, its start is harder to foresee.",
        "Letters are one-hot; the paper has codes of 5 bits. 30 hidden units; the paper has 20.",
        UNITS,
        "The criterion can be passed without memory: counted letter pairs pass it in every "
        "run. It does not show memory at work.",
    ],
)
