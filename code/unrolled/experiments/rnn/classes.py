"""Words of one class come to be held in similar states."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial

import numpy as np
from numpy.typing import ArrayLike

from unrolled.core.validate import Array, numbers
from unrolled.data.elman import NOUNS, sentences
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.rnn._elman import UNITS
from unrolled.experiments.rnn._pairs import mean_followers
from unrolled.experiments.rnn._seeds import FRESH
from unrolled.experiments.rnn._sentences import WORDS, mean_states, read_words
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate


def word_classes(
    seed: int,
    *,
    train: int,
    test: int,
    hidden: int,
    rate: float,
    passes: int,
    scales: Sequence[float],
) -> dict[str, float | list[float]]:
    """Predict the next word of short sentences; return how the hidden units sort the words.

    Returns
    -------
    ``purity`` is that of the mean hidden vectors of the words, by the twelve classes, with the
    first of ``scales`` as range of the first weights; ``purity by first weights`` that for each.
    For comparison the purity of inputs, of the mean hidden vectors untrained, and by pairs: of
    the table of how often which word follows; ``purity, noun or verb`` is by those two classes.

    ``rms against the next word`` and ``rms against the likelihood`` are the root of the mean
    squared length of the error vector, the latter against the probabilities of the words that may
    come. ``rms of the likelihood`` is the likelihood's own error against the next word, the least
    there is; ``rms by pairs against the likelihood`` is that of whoever knows the present word
    only.
    """
    known, fresh = sentences(train, seed=seed), sentences(test, seed=seed + FRESH)
    codes = np.eye(len(known.lexicon))
    now, after = fresh.words[:-1], codes[fresh.words[1:]]
    network = partial(read_words, seed, known, fresh, hidden=hidden, rate=rate)
    found = [network(passes=passes, scale=scale) for scale in scales]
    untrained, _ = network(passes=0, scale=scales[0])
    means = [mean_states(states, now, len(codes)) for states, _ in found]
    kinds = ["noun" if name in NOUNS else "verb" for name in fresh.classes]
    answers, likelihood = found[0][1], fresh.likelihood[:-1]
    pairs = mean_followers(known.words, codes[known.words])
    return {
        "purity": purity(means[0], fresh.classes),
        "purity by first weights": [purity(each, fresh.classes) for each in means],
        "purity of inputs": purity(codes, fresh.classes),
        "purity untrained": purity(mean_states(untrained, now, len(codes)), fresh.classes),
        "purity by pairs": purity(pairs, fresh.classes),
        "purity, noun or verb": purity(means[0], kinds),
        "rms against the next word": _length(answers - after),
        "rms against the likelihood": _length(answers - likelihood),
        "rms of the likelihood": _length(likelihood - after),
        "rms by pairs against the likelihood": _length(pairs[now] - likelihood),
    }


def purity(vectors: ArrayLike, classes: Sequence[str]) -> float:
    """Return the part of vectors whose nearest neighbour, by cosine, is of their own class.

    Where several are equally near, each counts for its share. So vectors at right angles to one
    another, as one-hot codes are, have the purity of a neighbour drawn by chance.

    Parameters
    ----------
    vectors
        ``(n, d)``, at least two, none of them 0.
    classes
        ``(n,)`` the class of each.
    """
    v, names = numbers("vectors", vectors), np.asarray(classes)
    if v.ndim != 2 or len(v) < 2 or names.shape != (len(v),):
        raise ValueError(
            "vectors and classes must have shapes (n, d) and (n,) with n at least 2, got "
            f"{v.shape} and {names.shape}"
        )
    norms = np.linalg.norm(v, axis=1, keepdims=True)
    if not norms.all():
        raise ValueError(f"vectors must not be 0, got 0 at index {norms.argmin()}")
    cosine = (v / norms) @ (v / norms).T
    np.fill_diagonal(cosine, -np.inf)
    nearest = cosine >= cosine.max(axis=1, keepdims=True) - 1e-12
    alike = nearest & (names[:, None] == names)
    return float((alike.sum(axis=1) / nearest.sum(axis=1)).mean())


def _length(error: Array) -> float:
    """Return the root of the mean squared length of vectors ``(n, d)``."""
    return float(np.sqrt(np.mean(np.sum(error**2, axis=1))))


CLAIM = Claim(
    paper=Paper(
        key="elman1990finding",
        says="As later accounts of the paper describe it, words clustered by their mean hidden "
        "states fall into nouns and verbs, and these into smaller classes of meaning.",
        untested="He shows a tree of clusters; we count nearest neighbours, in our own grammar.",
    ),
    sentence=(
        "Trained on nothing but the next word of short sentences, the network comes to hold "
        "words of one class in similar states, though every word comes in as a code of its "
        "own."
    ),
    experiment=word_classes,
    criterion=(
        "In every run, with first weights up to ±0.3, more than 80 % of the words have as "
        "nearest neighbour, by the cosine of their mean hidden vectors, a word of their own "
        "class. (By chance, and for the inputs, it is 6 %.)"
    ),
    holds=lambda runs: bool(stack(runs, "purity").min() > 0.8),
    seeds={"quick": range(90, 91), "book": range(100, 105), "confirm": range(7000, 7005)},
    settings={
        "quick": {**WORDS, "train": 4000, "scales": [0.3]},
        "book": {**WORDS, "scales": [0.3, 0.1, 1.0]},
    },
    strips=[
        Strip(
            axis="Words whose nearest neighbour is of their class",
            rows=[
                Row("purity by first weights", "first weights up to ±{}", over="scales"),
                Row("purity untrained", "before training"),
                Row("purity of inputs", "inputs: chance"),
                Row("purity by pairs", "which word follows, counted"),
            ],
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="Error: root of the mean squared length",
            rows=[
                Row("rms against the next word", "against the word that came"),
                Row("rms of the likelihood", "the least possible against that"),
                Row("rms against the likelihood", "against the true probabilities"),
                Row("rms by pairs against the likelihood", "against these, by word pairs"),
            ],
            limits=(0.0, 1.0),
        ),
    ],
    compared=[
        Rate(
            label="more words beside one of their class than before training",
            quantity=lambda measured: measured["purity"] > measured["purity untrained"],
        ),
        Rate(
            label="more words beside one of their class than counted word pairs give",
            quantity=lambda measured: measured["purity"] > measured["purity by pairs"],
        ),
    ],
    tuned=[
        Tuned(arm="the network", setting="range of the first weights", tried=(0.3, 1.0), chosen=0.3)
    ],
    trials=Trials(
        where="seeds 0 to 2, for the learning rate and the range of the first weights, after the "
        "criterion was set; not counted"
    ),
    deviations=[
        "The grammar is ours, after the paper's: 16 templates, 29 words. Each word belongs to "
        "one of 12 classes, of at least two words; the paper's classes overlap.",
        "50 hidden units.",
        "Means are taken over 2,000 fresh sentences.",
        "The criterion can be passed without memory: a table of which word follows which, "
        "counted, passes it in every run.",
        "The likelihood is computed from the grammar, given all words so far.",
        UNITS,
    ],
)
