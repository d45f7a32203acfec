"""Streams to predict one symbol ahead, after Elman (1990): bits, letters, words.

In each, some symbols can be foreseen and others cannot, and which is which depends on what came
before. Nothing in a stream marks where one unit ends and the next begins.

References
----------
Elman, J. L. (1990). Finding structure in time. Cognitive Science 14(2).
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from itertools import accumulate
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.kinds import several, string
from unrolled.core.validate import Array, in_all, random_seed, whole

FEATURES = {
    "b": (1, 0, 1, 0, 0, 1),
    "d": (1, 0, 1, 1, 0, 1),
    "g": (1, 0, 1, 0, 1, 1),
    "a": (0, 1, 0, 0, 1, 1),
    "i": (0, 1, 0, 1, 0, 1),
    "u": (0, 1, 0, 1, 1, 1),
}
"""Six letters by six features: consonant, vowel, interrupted, high, back, voiced."""

SYLLABLES = ("ba", "dii", "guuu")
"""A consonant says which vowel follows, and how often."""

SENTENCE = "many years ago a boy and girl lived by the sea they played happily"
"""Fourteen words, each once."""

LEXICON = (*SENTENCE.split(), "house")
"""Fifteen words; some begin others, as "a" begins "ago" and "the" begins "they"."""

NOUNS = {
    "human": ("man", "woman", "boy", "girl"),
    "animal": ("cat", "mouse", "dog"),
    "predator": ("lion", "dragon", "monster"),
    "fragile": ("glass", "plate"),
    "food": ("cookie", "bread", "sandwich"),
    "thing": ("book", "rock"),
}
VERBS = {
    "idle": ("think", "sleep"),
    "perceive": ("see", "smell"),
    "pursue": ("chase", "like"),
    "move": ("move", "turn"),
    "destroy": ("break", "smash"),
    "eat": ("eat", "swallow"),
}
TEMPLATES = (
    "human eat food",
    "human perceive inanimate",
    "human destroy fragile",
    "human idle",
    "human pursue human",
    "human move inanimate",
    "human move",
    "animate eat food",
    "animate pursue animate",
    "animate move inanimate",
    "animate move",
    "inanimate move",
    "predator destroy fragile",
    "predator eat human",
    "predator eat animate",
    "predator eat food",
)
"""Sentences by the classes of their words; animate and inanimate are three classes of nouns each.

No template tells two words of a class apart, and some template tells any two classes apart.
"""

_MOST, _MOST_SENTENCES = 10**7, 10**6  # drawn, and looped over, in a minute or less
_MOST_PLACES = 2000  # whose square is a matrix of 32 MB, to be read at every letter

_CLASSES = NOUNS | VERBS
_SLOTS = _CLASSES | {
    "animate": NOUNS["human"] + NOUNS["animal"] + NOUNS["predator"],
    "inanimate": NOUNS["fragile"] + NOUNS["food"] + NOUNS["thing"],
}


class Letters(NamedTuple):
    """A stream of letters.

    Attributes
    ----------
    text
        ``n`` letters, no space between them.
    starts
        ``(n,)`` true where a unit, a syllable or a word, begins.
    """

    text: str
    starts: NDArray[np.bool_]


class Sentences(NamedTuple):
    """A stream of words from sentences of two or three, no full stop between them.

    Attributes
    ----------
    words
        ``(n,)`` the stream: places in ``lexicon``.
    starts
        ``(n,)`` true where a sentence begins.
    likelihood
        ``(n, 29)`` row ``t`` holds the probability of each word to come next, given all the words
        up to ``words[t]`` and nothing else: no forecast has a smaller expected squared error.
    lexicon
        The 29 words.
    classes
        The class of each word of the lexicon: a key of ``NOUNS`` or ``VERBS``.
    """

    words: NDArray[np.int64]
    starts: NDArray[np.bool_]
    likelihood: Array
    lexicon: tuple[str, ...]
    classes: tuple[str, ...]


def temporal_xor(triplets: int, *, seed: int) -> NDArray[np.int64]:
    r"""Draw a stream of bits of which every third is foretold by the two before it.

    .. math:: x_{3i+2} = x_{3i} \oplus x_{3i+1}, \qquad
        x_{3i}, x_{3i+1} \sim \text{Bernoulli}(1/2)

    Parameters
    ----------
    triplets
        Number of triplets, from 1 to 10⁷.
    seed
        Seed of the draw, at least 0.

    Returns
    -------
    ``(3 * triplets,)`` bits, 0 or 1.
    """
    triplets = whole("triplets", triplets, most=_MOST)
    pairs = _generator(seed).integers(0, 2, size=(triplets, 2))
    return np.column_stack([pairs, pairs[:, 0] ^ pairs[:, 1]]).ravel()


def syllables(n: int, *, seed: int) -> Letters:
    """Draw a stream of the syllables ba, dii and guuu, each as likely as the others.

    The consonants are drawn by chance; every vowel, and that a consonant comes next, follows from
    the letters since the last consonant.

    Parameters
    ----------
    n
        Number of syllables, from 1 to 10⁷.
    seed
        Seed of the draw, at least 0.
    """
    return letter_stream(n, lexicon=SYLLABLES, seed=seed)


def letter_features(text: str) -> Array:
    """Return ``(n, 6)`` the features of the letters b, d, g, a, i and u (see ``FEATURES``)."""
    strange = sorted(set(string("text", text)) - set(FEATURES))
    if strange:
        raise ValueError(f"text must hold the letters {''.join(FEATURES)} only, got {strange[0]!r}")
    return np.array([FEATURES[letter] for letter in text], dtype=np.float64).reshape(-1, 6)


def letter_stream(n: int, *, lexicon: Sequence[str] = LEXICON, seed: int) -> Letters:
    """Draw words from a lexicon, each as likely as the others, and write them without spaces.

    Parameters
    ----------
    n
        Number of words, from 1 to 10⁷.
    lexicon
        Different words of small letters a to z, at least one.
    seed
        Seed of the draw, at least 0.
    """
    n = whole("n", n, most=_MOST)
    lexicon = _words("lexicon", lexicon)
    if len(set(lexicon)) < len(lexicon):
        raise ValueError(f"lexicon must hold different words, got {lexicon}")
    return join([lexicon[i] for i in _generator(seed).integers(len(lexicon), size=n)])


def join(words: Sequence[str]) -> Letters:
    """Write words of small letters a to z, at least one, without spaces."""
    words = _words("words", words)
    starts = np.zeros(sum(map(len, words)), dtype=bool)
    starts[[0, *accumulate(map(len, words[:-1]))]] = True
    return Letters("".join(words), starts)


def letter_likelihood(text: str, *, lexicon: Sequence[str] = LEXICON) -> Array:
    """Return the probability of each letter to stand in each place, given those before it.

    It is that of :func:`letter_stream`, known exactly: words of the lexicon, each as likely as the
    others, without spaces. The stream is a hidden Markov chain whose state is a place in a word.

    Parameters
    ----------
    text
        ``n`` letters that can be read as words of the lexicon, of which the last may be unfinished;
        ``n`` times the letters of the lexicon is at most 10⁸.
    lexicon
        Different words of small letters a to z, at least one; 2,000 letters in all at most, for
        the chain has a place for each.

    Returns
    -------
    ``(n, K)``: row ``t`` for letter ``t``, a column for each letter of the lexicon, in
    alphabetical order.
    """
    lexicon = _words("lexicon", lexicon)
    places = whole("the letters of lexicon", sum(map(len, lexicon)), most=_MOST_PLACES)
    in_all("letters of text * letters of lexicon", places * max(1, len(string("text", text))))
    alphabet = sorted(set("".join(lexicon)))
    if set(string("text", text)) - set(alphabet):
        raise ValueError(f"text must hold the letters {''.join(alphabet)} only, got {text!r}")
    if not _can_be_read(text, lexicon):
        raise ValueError(f"text must hold words of the lexicon, got {text!r}")
    letters = list("".join(lexicon))
    first = join(lexicon).starts
    emit = np.array([[letter == each for each in alphabet] for letter in letters], dtype=float)
    start, follow = _chain(first)
    expected = _forward([alphabet.index(letter) for letter in text], start, follow, emit)
    likelihood: Array = np.vstack([start, expected])[:-1] @ emit
    return likelihood


def sentences(n: int, *, seed: int) -> Sentences:
    r"""Draw sentences from ``TEMPLATES`` and the true likelihood of every next word.

    Each template is as likely as the others, and so is each word that fits a place of it. The
    stream is a hidden Markov chain whose state is a place in a template, so the likelihood is
    exact: with :math:`p_t` the distribution over places before word :math:`w_t` is seen,

    .. math:: p_{t+1} \propto (p_t \odot B_{\cdot w_t})\,A, \qquad
        P(w_{t+1} \mid w_1, \dots, w_t) = p_{t+1} B

    with A from place to place and B from place to word. It knows no more than the words: after
    "boy move" it does not know whether the sentence is over.

    Parameters
    ----------
    n
        Number of sentences, from 1 to 10⁶.
    seed
        Seed of the draw, at least 0.
    """
    n = whole("n", n, most=_MOST_SENTENCES)
    rng = _generator(seed)
    lexicon = tuple(word for words in _CLASSES.values() for word in words)
    classes = tuple(name for name, words in _CLASSES.items() for _ in words)
    chosen = [TEMPLATES[i].split() for i in rng.integers(len(TEMPLATES), size=n)]
    fitting = [_SLOTS[slot] for template in chosen for slot in template]
    drawn = rng.random(len(fitting))
    place = {word: i for i, word in enumerate(lexicon)}
    words = np.array([place[f[int(u * len(f))]] for f, u in zip(fitting, drawn, strict=True)])
    starts = np.array([i == 0 for template in chosen for i, _ in enumerate(template)])
    return Sentences(words, starts, _likelihood(words, lexicon), lexicon, classes)


def _likelihood(words: NDArray[np.int64], lexicon: tuple[str, ...]) -> Array:
    """Return the distribution of the word after each, by the forward algorithm."""
    places = [slot for template in TEMPLATES for slot in template.split()]
    first = np.array([i == 0 for template in TEMPLATES for i, _ in enumerate(template.split())])
    emit = np.array([np.isin(lexicon, _SLOTS[slot]) / len(_SLOTS[slot]) for slot in places])  # B
    likelihood: Array = _forward(words, *_chain(first), emit) @ emit
    return likelihood


def _chain(first: NDArray[np.bool_]) -> tuple[Array, Array]:
    """Return where a chain of units starts, and A: step by step through one, then to any."""
    start: Array = first / first.sum()
    is_last = np.roll(first, -1)  # the next unit begins after it
    return start, np.where(is_last[:, None], start, np.eye(len(first), k=1))


def _forward(symbols: ArrayLike, start: Array, follow: Array, emit: Array) -> Array:
    """Return, after each symbol, the distribution over the places that may come next."""
    symbols = np.asarray(symbols, dtype=np.int64)
    expected, p = np.empty((len(symbols), len(start))), start
    for t, symbol in enumerate(symbols):
        p = (p * emit[:, symbol]) @ follow
        p /= p.sum()
        expected[t] = p
    return expected


def _generator(seed: int) -> np.random.Generator:
    return np.random.default_rng(random_seed("seed", seed))


def _can_be_read(text: str, lexicon: Sequence[str]) -> bool:
    """Say whether a text is words of a lexicon, of which the last may be unfinished."""
    ends, longest = {0}, max(map(len, lexicon))
    for end in range(len(text)):
        if end in ends:
            ends |= {end + len(word) for word in lexicon if text.startswith(word, end)}
    late = [end for end in ends if end > len(text) - longest]
    return any(word.startswith(text[end:]) for end in late for word in lexicon)


def _words(name: str, words: Sequence[str]) -> list[str]:
    found = several(name, words)
    if not found:
        raise ValueError(f"{name} must hold at least one word, got none")
    for word in found:
        if not isinstance(word, str) or not re.fullmatch("[a-z]+", word):
            raise ValueError(f"{name} must hold words of letters a to z, got {word!r}")
    return found
