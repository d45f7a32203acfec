"""What the chapter ``rnn`` claims, measured: a teleprinter, and what Elman (1990) found."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import partial
from typing import Any, NamedTuple, TypeVar

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from scipy.cluster.hierarchy import fcluster, linkage  # type: ignore[import-untyped]
from scipy.special import expit  # type: ignore[import-untyped]
from torch import Tensor, nn
from torch.nn.functional import one_hot

from unrolled import shapes
from unrolled._validate import Array, numbers, real, whole
from unrolled.bptt import RNN
from unrolled.data.batching import Batches
from unrolled.data.elman import (
    LEXICON,
    NOUNS,
    SENTENCE,
    Sentences,
    join,
    letter_features,
    letter_likelihood,
    letter_stream,
    sentences,
    syllables,
    temporal_xor,
)
from unrolled.data.teleprinter import (
    CHARACTERS,
    FIGS,
    KEYS,
    Dictation,
    Messages,
    dictation,
    messages,
    printed,
    text_of,
)
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip
from unrolled.rnn import Elman
from unrolled.training import device, fit, seeded

M = TypeVar("M", bound=nn.Module)

PRINTER: Mapping[str, Any] = {"traffic": 2048, "longest": 30, "hidden": 32, "epochs": 8}
"""The teleprinter: messages to learn from, keys in the longest, units, passes."""

OPERATOR: Mapping[str, Any] = {"texts": 8192, "longest": 4, "hidden": 96, "epochs": 10}
"""The operator: texts to learn from, characters in the longest, units, passes."""

LETTERS: Mapping[str, Any] = {"train": 2000, "hidden": 30, "rate": 0.3, "passes": 10}
"""The letter stream: words to learn from, and what :func:`learn` takes."""

WORDS: Mapping[str, Any] = {"train": 10_000, "test": 2000, "hidden": 50, "rate": 0.3, "passes": 6}
"""The sentences: how many to learn from and to take means over, and what :func:`learn` takes."""

FIRST = 0.5
"""What every context unit holds before the first step: half way between off and on."""

FRESH = 1_000_000
"""Added to the seed of the stream to learn from, the seed of the stream to test on."""


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


def key_codes(keys: ArrayLike | Tensor) -> Tensor:
    """Return keys ``(B, T)`` as one-hot vectors ``(T, B, 14)``, where ``device()`` says."""
    return one_hot(torch.as_tensor(keys, device=device()).T, len(KEYS)).float()


class Latest(nn.Module):
    """Puts the latest inputs side by side: ``(T, B, I)`` to ``(T, B, size * I)``, zeros before."""

    def __init__(self, size: int) -> None:
        super().__init__()
        self.size = whole("size", size)

    def forward(self, x: Tensor) -> Tensor:
        """Return at each step the inputs of the last ``size`` steps, its own among them."""
        before = x.new_zeros(self.size - 1, *x.shape[1:])
        return torch.cat([before, x]).unfold(0, self.size, 1).flatten(2)


def trained(
    model: M,
    arrays: Sequence[Any],
    loss: Callable[..., Tensor],
    *,
    epochs: int,
    rate: float = 0.01,
    seed: int = 0,
) -> M:
    """Train a model in place, by Adam on batches of 64 with clipping at 1, and return it.

    Parameters
    ----------
    model, loss, epochs
        As in :func:`unrolled.training.fit`.
    arrays
        The examples: arrays ``(n, ...)``, passed to the loss a batch at a time.
    rate
        Learning rate, greater than 0.
    seed
        Seed of the order of the examples.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=real("rate", rate, above=0))
    fit(
        model,
        Batches(*arrays, size=64, seed=seed),
        loss,
        epochs=epochs,
        optimizer=optimizer,
        clip=1,
    )
    return model


def train_printer(seed: int, sent: Messages, *, hidden: int, epochs: int) -> shapes.Synchronised:
    """Train a recurrent network to print what the teleprinter prints, key by key."""

    def loss(model: nn.Module, keys: Tensor, characters: Tensor, lengths: Tensor) -> Tensor:
        scores, _ = model(key_codes(keys), lengths=lengths)
        return shapes.symbol_loss(scores, characters.T, lengths)

    model = seeded(seed, lambda: shapes.Synchronised(Elman(len(KEYS), hidden), len(CHARACTERS)))
    return trained(model, sent, loss, epochs=epochs, seed=seed)


def train_window(
    seed: int, sent: Messages, *, size: int, hidden: int, epochs: int
) -> nn.Sequential:
    """Train a perceptron with one hidden layer to print each character from the latest keys."""

    def build() -> nn.Sequential:
        reads, prints = nn.Linear(size * len(KEYS), hidden), nn.Linear(hidden, len(CHARACTERS))
        return nn.Sequential(Latest(size), reads, nn.Tanh(), prints)

    def loss(model: nn.Module, keys: Tensor, characters: Tensor, lengths: Tensor) -> Tensor:
        return shapes.symbol_loss(model(key_codes(keys)), characters.T, lengths)

    return trained(seeded(seed, build), sent, loss, epochs=epochs, seed=seed)


def shift_held(
    seed: int,
    *,
    traffic: int,
    longest: int,
    hidden: int,
    epochs: int,
    windows: Sequence[int],
    tests: int,
    distances: Sequence[int],
) -> dict[str, float | list[float]]:
    """Print figures ever further from the shift, by a recurrent network and by windows of keys.

    Each network learns from ``traffic`` messages of at most ``longest`` keys. Each of ``tests`` new
    messages is a shift to figures and then as many keys without a shift as the largest distance.

    Returns
    -------
    ``recurrent`` and ``window of ...`` hold the part of keys that print right at each of
    ``distances`` from the shift (the first key after it has 1). ``worst`` is the recurrent
    network's least at any distance up to the largest. For each of ``windows``, ``in reach`` is the
    least at distances at which the window still holds the shift, and ``out of reach`` the most at
    those at which it does not.
    """
    sent = messages(traffic, longest=longest, seed=seed)
    furthest = max(distances)
    plain = messages(tests, longest=furthest, shortest=furthest, seed=seed + FRESH, to_figures=0)
    keys = np.column_stack([np.full(tests, FIGS), plain.keys])
    truth = torch.as_tensor(printed(keys).T, device=device())

    def right(scores: Tensor) -> Array:
        found: Array = (scores.argmax(-1) == truth).double().mean(1)[1:].cpu().numpy()
        return found

    x, at = key_codes(keys), np.array(distances) - 1
    printer = train_printer(seed, sent, hidden=hidden, epochs=epochs)
    perceptrons = {
        size: train_window(seed, sent, size=size, hidden=hidden, epochs=epochs) for size in windows
    }
    with torch.no_grad():
        recurrent = right(printer(x)[0])
        by_window = {size: right(model(x)) for size, model in perceptrons.items()}
    return {
        "recurrent": recurrent[at].tolist(),
        **{f"window of {size}": parts[at].tolist() for size, parts in by_window.items()},
        "worst": float(recurrent.min()),
        "in reach": [float(parts[: size - 1].min()) for size, parts in by_window.items()],
        "out of reach": [float(parts[size - 1 :].max()) for size, parts in by_window.items()],
    }


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


def learn(
    inputs: ArrayLike,
    targets: ArrayLike,
    *,
    hidden: int,
    rate: float,
    passes: int,
    scale: float = 1.0,
    seed: int,
) -> RNN:
    r"""Train Elman's network as he did: after every step, the context treated as one more input.

    .. math:: h_t = \sigma(W x_t + U h_{t-1} + b), \qquad \hat y_t = \sigma(V h_t + c)

    After each step the weights move against the gradient of
    :math:`\tfrac12 \lVert \hat y_t - y_t \rVert^2` with :math:`h_{t-1}` held fixed: it is
    backpropagation through time cut after one step, BPTT(1). Training starts with
    :math:`h_0 = \tfrac12`, and carries the state on from pass to pass.

    Parameters
    ----------
    inputs, targets
        ``(T, I)`` and ``(T, O)``: a stream, and the answer to each step, from 0 to 1.
    hidden
        Units :math:`H`, at least 1.
    rate
        Learning rate, greater than 0.
    passes
        Passes over the stream; 0 leaves the first weights as they are.
    scale
        Range of the first weights and biases :math:`s`, greater than 0: all are drawn from
        :math:`\mathcal U(-s, s)`.
    seed
        Seed of the first weights, at least 0.
    """
    x, y = _streams(inputs, targets)
    hidden, passes = whole("hidden", hidden), whole("passes", passes, least=0)
    rate, scale = real("rate", rate, above=0), real("scale", scale, above=0)
    rng = np.random.default_rng(whole("seed", seed, least=0))
    size = x.shape[1]
    theta = rng.uniform(-scale, scale, (hidden, size + hidden + 1))  # W, U and b side by side
    readout = rng.uniform(-scale, scale, (y.shape[1], hidden + 1))  # V and c
    V = readout[:, :-1]
    seen, state = np.ones(size + hidden + 1), np.ones(hidden + 1)  # each ends in 1, for the bias
    seen[size:-1] = FIRST
    for _ in range(passes):
        for x_t, y_t in zip(x, y, strict=True):
            seen[:size] = x_t
            state[:-1] = h = expit(theta @ seen)
            answer = expit(readout @ state)
            do = (answer - y_t) * answer * (1 - answer)
            da = (do @ V) * h * (1 - h)
            readout -= np.outer(rate * do, state)
            theta -= np.outer(rate * da, seen)
            seen[size:-1] = h
    W, U, b = np.split(theta, [size, size + hidden], axis=1)
    return RNN(W, U, b[:, 0], V, readout[:, -1])


def read(network: RNN, inputs: ArrayLike) -> tuple[Array, Array]:
    """Return the states ``(T, H)`` and the answers ``(T, O)`` of a network to inputs ``(T, I)``."""
    W, U, b, V, c = network
    x = numbers("inputs", inputs)
    if x.ndim != 2 or x.shape[1] != W.shape[1]:
        raise ValueError(f"inputs must have shape (T, {W.shape[1]}), got {x.shape}")
    h, states = np.full(len(U), FIRST), np.empty((len(x), len(U)))
    for t, a in enumerate(x @ W.T + b):
        states[t] = h = expit(a + U @ h)
    return states, expit(states @ V.T + c)


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


def xor_errors(
    seed: int,
    *,
    triplets: int,
    test: int,
    bits: Sequence[int],
    hidden: int,
    rate: float,
    passes: int,
) -> dict[str, list[float]]:
    r"""Predict the next bit of the temporal XOR stream; return errors on a fresh stream.

    Returns
    -------
    ``rms by position`` holds the root-mean-square error in predicting each of ``bits``, places 1
    to 3 in a triplet. Two guides: who always says one half errs by 0.5. Who knows the rule and not
    where triplets begin is right two times in three, says so, and errs by 1/3 at bit 3 and by
    :math:`\sqrt{5/18} \approx 0.53` at the others.
    """
    known = temporal_xor(triplets, seed=seed)[:, None]
    fresh = temporal_xor(test, seed=seed + FRESH)[:, None]
    network = learn(known[:-1], known[1:], hidden=hidden, rate=rate, passes=passes, seed=seed)
    error = read(network, fresh[:-1])[1] - fresh[1:]
    place = np.arange(1, len(fresh)) % 3 + 1
    return {"rms by position": [_rms(error[place == bit]) for bit in bits]}


def syllable_errors(
    seed: int, *, train: int, test: int, hidden: int, rate: float, passes: int
) -> dict[str, float]:
    """Predict the next letter of the syllable stream; return errors on a fresh stream.

    Returns
    -------
    Root-mean-square errors over the six features of a letter: ``vowels`` and ``consonants``, by
    what had to be predicted, and their ``ratio``. ``consonant bit`` is the error of the feature
    "consonant" alone, over all steps; ``consonant bit by pairs`` the same for whoever knows the
    present letter only and how often which letter follows it.
    """
    known, fresh = syllables(train, seed=seed), syllables(test, seed=seed + FRESH)
    x, truth = letter_features(known.text), letter_features(fresh.text)
    network = learn(x[:-1], x[1:], hidden=hidden, rate=rate, passes=passes, seed=seed)
    error = read(network, truth[:-1])[1] - truth[1:]
    alphabet = sorted(set(known.text))
    table = _followers(_places(known.text, alphabet), x)
    by_pairs = table[_places(fresh.text[:-1], alphabet)]
    is_consonant = fresh.starts[1:]
    vowels, consonants = _rms(error[~is_consonant]), _rms(error[is_consonant])
    return {
        "vowels": vowels,
        "consonants": consonants,
        "ratio": consonants / vowels,
        "consonant bit": _rms(error[:, 0]),
        "consonant bit by pairs": _rms((by_pairs - truth[1:])[:, 0]),
    }


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
    network = _learn_letters(known.text, hidden=hidden, rate=rate, passes=passes, seed=seed)
    error = _letter_errors(network, fresh.text)
    place, now = _places(known.text, _ALPHABET), _places(fresh.text, _ALPHABET)
    by_pairs = _followers(place, _CODES[place])[now[:-1]] - _CODES[now[1:]]
    step = np.arange(len(now))
    position = step - np.maximum.accumulate(np.where(fresh.starts, step, 0)) + 1
    return {
        "error by position": [float(error[position[1:] == each].mean()) for each in positions],
        "auc": auc(error, fresh.starts[1:]),
        "auc by pairs": auc(np.linalg.norm(by_pairs, axis=1), fresh.starts[1:]),
        "auc of the likelihood": auc(_least_errors(fresh.text)[1:], fresh.starts[1:]),
    }


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
    network = _learn_letters(known.text, hidden=hidden, rate=rate, passes=passes, seed=seed)
    shown = join(text.split())
    before = letter_stream(20, seed=seed + FRESH).text
    errors, least = (
        each[-len(shown.text) :]
        for each in (
            _letter_errors(network, before + shown.text),
            _least_errors(before + shown.text),
        )
    )
    return Stretch(shown.text, shown.starts, errors, least)


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
    network = partial(_read_words, seed, known, fresh, hidden=hidden, rate=rate)
    found = [network(passes=passes, scale=scale) for scale in scales]
    untrained, _ = network(passes=0, scale=scales[0])
    means = [_mean_states(states, now, len(codes)) for states, _ in found]
    kinds = ["noun" if name in NOUNS else "verb" for name in fresh.classes]
    answers, likelihood = found[0][1], fresh.likelihood[:-1]
    pairs = _followers(known.words, codes[known.words])
    return {
        "purity": purity(means[0], fresh.classes),
        "purity by first weights": [purity(each, fresh.classes) for each in means],
        "purity of inputs": purity(codes, fresh.classes),
        "purity untrained": purity(_mean_states(untrained, now, len(codes)), fresh.classes),
        "purity by pairs": purity(pairs, fresh.classes),
        "purity, noun or verb": purity(means[0], kinds),
        "rms against the next word": _length(answers - after),
        "rms against the likelihood": _length(answers - likelihood),
        "rms of the likelihood": _length(likelihood - after),
        "rms by pairs against the likelihood": _length(pairs[now] - likelihood),
    }


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
    states, _ = _read_words(
        seed, known, fresh, hidden=hidden, rate=rate, passes=passes, scale=scale
    )
    means = _mean_states(states, fresh.words[:-1], len(fresh.lexicon))
    return WordStates(fresh.lexicon, fresh.classes, means)


def top_split(
    seed: int,
    *,
    train: int,
    test: int,
    hidden: int,
    rate: float,
    passes: int,
    scale: float,
    methods: Sequence[str],
) -> dict[str, float | list[float]]:
    """Join the words by the likeness of their mean states; return how the last join parts them.

    Returns
    -------
    ``parted`` holds, for each of scipy's linkage ``methods`` on Euclidean distances, the part of
    words that the two last branches sort into nouns and verbs: 1 if one holds the nouns and
    the other the verbs. ``parted, counted`` is the same, by the first method, for the table of how
    often which word follows.
    """
    found = word_states(
        seed, train=train, test=test, hidden=hidden, rate=rate, passes=passes, scale=scale
    )
    known = sentences(train, seed=seed)
    pairs = _followers(known.words, np.eye(len(known.lexicon))[known.words])
    nouns = np.array([name in NOUNS for name in found.classes])
    return {
        "parted": [_parted(found.states, nouns, method) for method in methods],
        "parted, counted": _parted(pairs, nouns, methods[0]),
    }


def _parted(vectors: Array, nouns: NDArray[np.bool_], method: str) -> float:
    first = fcluster(linkage(vectors, method), 2, "maxclust") == 1
    agree = float((first == nouns).mean())
    return max(agree, 1 - agree)


_ALPHABET = sorted(set("".join(LEXICON)))
_CODES = np.eye(len(_ALPHABET))


def _learn_letters(text: str, *, hidden: int, rate: float, passes: int, seed: int) -> RNN:
    x = _CODES[_places(text, _ALPHABET)]
    return learn(x[:-1], x[1:], hidden=hidden, rate=rate, passes=passes, seed=seed)


def _letter_errors(network: RNN, text: str) -> Array:
    """Return ``(n - 1,)`` the length of the error vector at every letter but the first."""
    x = _CODES[_places(text, _ALPHABET)]
    errors: Array = np.linalg.norm(read(network, x[:-1])[1] - x[1:], axis=1)
    return errors


def _least_errors(text: str) -> Array:
    """Return ``(n,)`` the length of the error vector of a reader who knows the lexicon."""
    errors: Array = letter_likelihood(text) - _CODES[_places(text, _ALPHABET)]
    return np.asarray(np.linalg.norm(errors, axis=1))


def _read_words(
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


def _mean_states(states: Array, words: NDArray[np.int64], size: int) -> Array:
    return np.array([states[words == word].mean(axis=0) for word in range(size)])


def _followers(symbols: NDArray[np.int64], codes: Array) -> Array:
    """Return, for each symbol of a stream, the mean code of what follows it."""
    now, following = symbols[:-1], codes[1:]
    return np.array([following[now == each].mean(axis=0) for each in range(symbols.max() + 1)])


def _text_codes(characters: ArrayLike | Tensor) -> Tensor:
    return one_hot(torch.as_tensor(characters, device=device()).T, len(CHARACTERS)).float()


def _places(text: str, alphabet: list[str]) -> NDArray[np.int64]:
    return np.array([alphabet.index(letter) for letter in text])


def _rms(error: Array) -> float:
    return float(np.sqrt(np.mean(error**2)))


def _length(error: Array) -> float:
    """Return the root of the mean squared length of vectors ``(n, d)``."""
    return float(np.sqrt(np.mean(np.sum(error**2, axis=1))))


def _streams(inputs: ArrayLike, targets: ArrayLike) -> tuple[Array, Array]:
    x, y = numbers("inputs", inputs), numbers("targets", targets)
    if x.ndim != 2 or y.ndim != 2 or len(x) != len(y) or not x.size or not y.size:
        raise ValueError(
            f"inputs and targets must have shapes (T, I) and (T, O), got {x.shape} and {y.shape}"
        )
    return x, y


def _over(runs: list[Measurement], name: str) -> Array:
    """Stack what the runs measured under a name: ``(runs, numbers)``."""
    return np.array([np.atleast_1d(run[name]) for run in runs])


_UNITS = (
    "Units are logistic and the context starts at 0.5, as in the paper. Learning rate and first "
    "weights are ours."
)

_XOR = {"triplets": 1000, "test": 1000, "bits": [1, 2, 3], "hidden": 4, "rate": 0.5}

_XOR_CRITERION = (
    "In every run, the root-mean-square error on a fresh stream is below 0.40 in predicting the "
    "XOR bit and above 0.48 in predicting each of the other two."
)

_XOR_STRIPS = (
    Strip(
        axis="Root-mean-square error of the prediction",
        rows=[Row("rms by position", "bit {} of a triplet", over="bits")],
        lines={"always one half": 0.5, "the rule, not the place": 1 / 3},
        limits=(0.0, 0.6),
    ),
)


def _finds_xor(runs: list[Measurement]) -> bool:
    first, second, xor = _over(runs, "rms by position").T
    return bool(xor.max() < 0.40 and min(second.min(), first.min()) > 0.48)


CLAIMS = (
    Claim(
        id="rnn.shift",
        sentence=(
            "A recurrent network that learned to print from messages of at most 30 keys still "
            "prints figures a thousand keys after the shift. A window of keys stops where the "
            "shift leaves it."
        ),
        experiment=shift_held,
        criterion=(
            "In every run, the recurrent network prints more than 99 % of the keys right at every "
            "distance from 1 to 1,000 keys from the shift, and each window less than 20 % at every "
            "distance from its own size on. (The space, one key in eleven, prints the same in "
            "both cases.)"
        ),
        holds=lambda runs: bool(
            _over(runs, "worst").min() > 0.99 and _over(runs, "out of reach").max() < 0.2
        ),
        seeds={"quick": range(90, 91), "book": range(100, 110)},
        settings={
            scale: {
                **PRINTER,
                "windows": [3, 10],
                "tests": 200,
                "distances": [*range(1, 13), 15, 20, 30, 50, 100, 200, 300, 500, 1000],
            }
            for scale in ("quick", "book")
        },
        strips=[
            Strip(
                axis="Part of the keys that print right",
                rows=[
                    Row("worst", "recurrent, worst of 1,000 distances"),
                    Row("in reach", "window of {}, worst in reach", over="windows"),
                    Row("out of reach", "window of {}, best out of reach", over="windows"),
                ],
                lines={"the space": 1 / 11},
                limits=(0.0, 1.0),
            )
        ],
        deviations=["The criterion was set after trial runs with seeds 0 to 11."],
    ),
    Claim(
        id="rnn.xor",
        paper="elman1990finding",
        where="Figure 3",
        sentence=(
            "In a stream of bits of which every third is the XOR of the two before it, the error "
            "of the network drops at each third bit and at no other."
        ),
        experiment=xor_errors,
        criterion=_XOR_CRITERION,
        holds=_finds_xor,
        seeds={"quick": range(90, 91), "book": range(100, 110)},
        settings={scale: {**_XOR, "passes": 60} for scale in ("quick", "book")},
        strips=_XOR_STRIPS,
        deviations=[
            "4 hidden units and 60 passes; the paper has 2 units and 600 passes.",
            _UNITS,
            "The criterion was set after trial runs with other seeds, all of which passed.",
        ],
    ),
    Claim(
        id="rnn.xor_longer",
        paper="elman1990finding",
        where="Figure 3",
        sentence="With four times the passes, the same ten networks all foresee the XOR bit.",
        experiment=xor_errors,
        criterion=_XOR_CRITERION,
        holds=_finds_xor,
        seeds={"quick": range(91, 92), "book": range(100, 110)},
        settings={"quick": {**_XOR, "passes": 120}, "book": {**_XOR, "passes": 240}},
        strips=_XOR_STRIPS,
        deviations=[
            "4 hidden units and 240 passes; the paper has 2 units and 600 passes.",
            _UNITS,
            "This claim was written after the one with 60 passes had failed in one run of ten, "
            "seed 106, and it was known from a trial that this one passes with 120. A first "
            "record, with ten other seeds, had held; it could not show what more passes do.",
        ],
    ),
    Claim(
        id="rnn.letters",
        paper="elman1990finding",
        where="Figures 4 and 5",
        sentence=(
            "In a stream of the syllables *ba*, *dii* and *guuu* in random order, the network "
            "foresees the vowels and how many there are. It cannot know which consonant comes, but "
            "it foresees that one comes."
        ),
        experiment=syllable_errors,
        criterion=(
            "In every run, on a fresh stream, the error in predicting consonants is more than five "
            "times that in predicting vowels, and the error of the feature *consonant* is below "
            "0.05."
        ),
        holds=lambda runs: bool(
            _over(runs, "ratio").min() > 5 and _over(runs, "consonant bit").max() < 0.05
        ),
        seeds={"quick": range(90, 91), "book": range(100, 110)},
        settings={
            scale: {"train": 1000, "test": 1000, "hidden": 20, "rate": 0.3, "passes": 15}
            for scale in ("quick", "book")
        },
        strips=[
            Strip(
                axis="Root-mean-square error",
                rows=[
                    Row("consonants", "next is a consonant: all six features"),
                    Row("vowels", "next is a vowel: all six features"),
                    Row("consonant bit", "consonant or vowel?"),
                    Row("consonant bit by pairs", "consonant or vowel?, by letter pairs"),
                ],
                limits=(0.0, 0.4),
            )
        ],
        deviations=[
            "15 passes over 1,000 syllables; the paper has 200.",
            _UNITS,
            "The criterion was set after trial runs with other seeds.",
        ],
    ),
    Claim(
        id="rnn.words",
        paper="elman1990finding",
        where="Figure 6",
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
        holds=lambda runs: bool(_over(runs, "auc").min() > 0.9),
        seeds={"quick": range(90, 91), "book": range(100, 110)},
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
        deviations=[
            "2,000 words in random order from 15 that we chose; in the paper 1,270, in sentences. "
            "Where any word may follow any other, its start is harder to foresee.",
            "Letters are one-hot; the paper has codes of 5 bits. 30 hidden units; the "
            "paper has 20.",
            _UNITS,
            "The criterion was set after trial runs with other seeds and another lexicon.",
            "The criterion can be passed without memory: counted letter pairs pass it in every "
            "run. It does not show memory at work.",
        ],
    ),
    Claim(
        id="rnn.classes",
        paper="elman1990finding",
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
        holds=lambda runs: bool(_over(runs, "purity").min() > 0.8),
        seeds={"quick": range(90, 91), "book": range(100, 105)},
        settings={
            scale: {**WORDS, "scales": scales}
            for scale, scales in (("quick", [0.3]), ("book", [0.3, 0.1, 1.0]))
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
        deviations=[
            "The grammar is ours, after the paper's: 16 templates, 29 words. Each word belongs to "
            "one of 12 classes, of at least two words; the paper's classes overlap.",
            "50 hidden units.",
            "The paper shows a tree of clusters; we count nearest neighbours. Means are taken over "
            "2,000 fresh sentences.",
            "The criterion can be passed without memory: a table of which word follows which, "
            "counted, passes it in every run.",
            "The likelihood is computed from the grammar, given all words so far.",
            _UNITS,
            "The criterion was set before any run. Learning rate and range of the first weights "
            "were chosen in trial runs with seeds 0 to 2: with ±1, as in the other experiments, "
            "some failed.",
        ],
    ),
    Claim(
        id="rnn.nouns_and_verbs",
        paper="elman1990finding",
        sentence=(
            "Joined by the likeness of their mean hidden states, the words make a tree whose two "
            "main branches are the nouns and the verbs."
        ),
        experiment=top_split,
        criterion=(
            "In every run, the tree (average linkage of the Euclidean distance) has in one of its "
            "two main branches all nouns and in the other all verbs."
        ),
        holds=lambda runs: bool(_over(runs, "parted")[:, 0].min() == 1),
        seeds={"quick": range(90, 91), "book": range(200, 210)},
        settings={
            scale: {**WORDS, "scale": 0.3, "methods": ["average", "complete", "ward", "single"]}
            for scale in ("quick", "book")
        },
        strips=[
            Strip(
                axis="Words on the side of their kind",
                rows=[
                    Row("parted", "{} linkage", over="methods"),
                    Row("parted, counted", "which word follows, counted"),
                ],
                lines={"all words on one side": 17 / 29},
                limits=(0.5, 1.0),
            )
        ],
        deviations=[
            "The grammar is ours, after the paper's: 16 templates, 29 words in 12 classes.",
            "50 hidden units. Means are taken over 2,000 fresh sentences.",
            "We know the paper's tree from later accounts of it, and not how it joins branches; "
            "our verdict is by average linkage.",
            _UNITS,
            "The claim was written after three trial runs, seeds 0 to 2, in which it failed.",
        ],
    ),
)
