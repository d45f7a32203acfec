"""The teleprinter: a code whose meaning depends on a shift that may lie any number of keys back.

Ten keys print letters or figures. Two more, LTRS and FIGS, print nothing: they set the case in
which the machine prints from then on, until the other one is sent.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.kinds import several, string
from unrolled.core.validate import in_all, random_seed, real, whole

LETTERS, FIGURES = "QWERTYUIOP", "1234567890"
"""What the ten keys print in each case: the top row of a keyboard."""

KEYS = ("stop", *LETTERS, "space", "LTRS", "FIGS")
"""The keys by their number. Key 0 is never sent: it fills the places after a message's end."""

CHARACTERS = ("", *LETTERS, " ", *FIGURES)
"""What can be printed, by its number. Character 0 is none: a shift prints nothing."""

_BITS = "11101 11001 10000 01010 00001 10101 11100 01100 00011 01101 00100 11111 11011"
CODE = dict(zip(KEYS[1:], _BITS.split(" "), strict=True))
"""The five bits of each key in the order in which they go over the line (ITA2)."""

STOP, SPACE, LTRS, FIGS = (KEYS.index(name) for name in ("stop", "space", "LTRS", "FIGS"))


_MOST_DICTATED = 10**7  # characters, for a loop over them to end


class Messages(NamedTuple):
    """Messages as they are sent and as they are printed, padded with zeros at the end.

    Attributes
    ----------
    keys
        ``(n, longest)`` int64, indices of ``KEYS``.
    printed
        ``(n, longest)`` int64, indices of ``CHARACTERS``: what each key prints.
    lengths
        ``(n,)`` int64, keys in each message.
    """

    keys: NDArray[np.int64]
    printed: NDArray[np.int64]
    lengths: NDArray[np.int64]


class Dictation(NamedTuple):
    """Texts and the keys that print them.

    Attributes
    ----------
    characters
        ``(n, longest)`` int64, indices of ``CHARACTERS``, padded with zeros.
    keys
        ``(n, 2 * longest + 1)`` int64, indices of ``KEYS``; "stop" from the end of each on.
    lengths
        ``(n,)`` int64, characters in each text.
    """

    characters: NDArray[np.int64]
    keys: NDArray[np.int64]
    lengths: NDArray[np.int64]


def messages(
    n: int,
    *,
    longest: int,
    seed: int,
    shortest: int = 1,
    to_figures: float = 0.1,
    to_letters: float = 0.2,
) -> Messages:
    """Draw messages of random keys, all of which begin with the machine in letters.

    Parameters
    ----------
    n
        Messages, at least 1.
    longest, shortest
        Keys in a message: each number from ``shortest`` to ``longest`` is equally likely;
        ``n * longest`` at most 10⁸.
    seed
        Seed of the draw.
    to_figures, to_letters
        Probability that a key is the shift to the other case, while the machine is in letters and
        while it is in figures; at least 0, below 1. Else it is one of the ten or the space, each
        as likely.
    """
    n, longest = whole("n", n), whole("longest", longest)
    shortest = whole("shortest", shortest, most=longest)
    in_all("n * longest", n * longest)
    rates = np.array(
        [
            real("to_figures", to_figures, least=0, below=1),
            real("to_letters", to_letters, least=0, below=1),
        ]
    )
    rng = np.random.default_rng(random_seed("seed", seed))
    keys = rng.integers(1, SPACE + 1, (n, longest))
    chance = rng.random((n, longest))
    lengths = rng.integers(shortest, longest + 1, n)
    figures = np.zeros(n, dtype=np.int64)
    for t in range(longest):
        shift = chance[:, t] < rates[figures]
        figures = np.where(shift, 1 - figures, figures)
        keys[shift, t] = np.where(figures, FIGS, LTRS)[shift]
    keys[np.arange(longest) >= lengths[:, None]] = STOP
    return Messages(keys, printed(keys), lengths)


def printed(keys: ArrayLike) -> NDArray[np.int64]:
    """Return what each key prints, ``(..., T)`` for keys ``(..., T)``, beginning in letters.

    Raises
    ------
    ValueError
        If there is no key, or a number is not a key's.
    """
    try:
        keys = np.asarray(keys)
    except ValueError:  # lists of unequal lengths
        raise ValueError(f"keys must hold messages of one length, got {keys!r}") from None
    if keys.ndim == 0 or keys.size == 0:
        raise ValueError(f"keys must hold at least one key a message, got shape {keys.shape}")
    if keys.dtype.kind not in "iu" or keys.min() < 0 or keys.max() >= len(KEYS):
        found = keys.dtype if keys.dtype.kind not in "iu" else f"{keys.min()} to {keys.max()}"
        raise ValueError(f"keys must hold whole numbers from 0 to {len(KEYS) - 1}, got {found}")
    steps = np.arange(keys.shape[-1])
    last_shift = np.maximum.accumulate(np.where(keys > SPACE, steps, -1), axis=-1)
    # before the first shift this looks at key 0, which is then no FIGS
    figures = np.take_along_axis(keys, np.maximum(last_shift, 0), axis=-1) == FIGS
    has_figure = (keys > STOP) & (keys < SPACE)
    characters = np.where(figures & has_figure, keys + CHARACTERS.index(FIGURES[0]) - 1, keys)
    return np.where(keys > SPACE, 0, characters).astype(np.int64)


def dictation(n: int, *, longest: int, seed: int) -> Dictation:
    """Draw texts of random characters, and the keys for each as :func:`keys_for` finds them.

    Parameters
    ----------
    n
        Texts, at least 1.
    longest
        Characters in a text: each number from 1 to ``longest`` is equally likely, and so is each
        of the 21 characters; ``n * longest`` at most 10⁷.
    seed
        Seed of the draw.
    """
    n, longest = whole("n", n), whole("longest", longest)
    whole("n * longest in all", n * longest, most=_MOST_DICTATED)
    rng = np.random.default_rng(random_seed("seed", seed))
    characters = rng.integers(1, len(CHARACTERS), (n, longest))
    lengths = rng.integers(1, longest + 1, n)
    characters[np.arange(longest) >= lengths[:, None]] = 0
    keys = np.full((n, 2 * longest + 1), STOP)
    for row, text in zip(keys, characters, strict=True):
        pressed = keys_for(text_of(text))
        row[: len(pressed)] = pressed
    return Dictation(characters, keys, lengths)


def keys_for(text: str) -> list[int]:
    """Return the keys that print a text, beginning in letters, with a shift only where needed.

    Raises
    ------
    ValueError
        If the machine cannot print a character.
    """
    keys, case = [], LETTERS
    for character in string("text", text):
        if character == " ":
            keys.append(SPACE)
            continue
        wanted = LETTERS if character in LETTERS else FIGURES
        if character not in wanted:
            raise ValueError(f"text must hold {LETTERS}, {FIGURES} and spaces, got {character!r}")
        if wanted is not case:
            case = wanted
            keys.append(LTRS if case is LETTERS else FIGS)
        keys.append(1 + case.index(character))
    return keys


def text_of(characters: Iterable[int]) -> str:
    """Return characters, given by their numbers from 0 to 21, as a string."""
    most = len(CHARACTERS) - 1
    return "".join(
        CHARACTERS[whole("characters", c, least=0, most=most)]
        for c in several("characters", characters)
    )


def bits_for(keys: Iterable[int]) -> list[int]:
    """Return the bits that send keys, given by their numbers from 1 to 13, five a key."""
    sent = [KEYS[whole("keys", key, most=len(KEYS) - 1)] for key in several("keys", keys)]
    return [int(bit) for name in sent for bit in CODE[name]]
