r"""English to be read character by character: the prose of Python's own language reference.

The standard library carries it, so nothing is downloaded: ``pydoc_data.topics`` is what ``help()``
shows. It differs a little from one version of Python to the next, so a number measured on it holds
for the version it was measured with.
"""

from __future__ import annotations

import functools
import re
from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.kinds import string
from unrolled.core.validate import whole

ALPHABET = " " + ascii_lowercase + ".,'"
"""The 30 characters by their number."""


class CharacterWindows(NamedTuple):
    """Successive windows of streams, to be read with the state carried over from each to the next.

    Attributes
    ----------
    inputs
        ``(K, T, B)`` int64: K windows of T steps, time first, of B streams.
    targets
        ``(K, T, B)`` int64: the character that comes after each.
    """

    inputs: NDArray[np.int64]
    targets: NDArray[np.int64]


def english(length: int = 150_000) -> str:
    """Return prose in the characters of ``ALPHABET``, the same one for one version of Python.

    The topics are taken in alphabetical order. Of each, those paragraphs are kept that end in a
    full stop and are nine tenths letters and spaces: prose, and hardly any code, grammar or table.
    A paragraph found twice is kept once, lest a text held back for a test had been seen before.
    Capitals are made small, what is not in the alphabet (brackets, dashes, digits) becomes a space,
    and so does any run of white space.

    Parameters
    ----------
    length
        Characters wanted, at least 1: the first so many. Python 3.11 to 3.13 have 175,000 and more.

    Raises
    ------
    ValueError
        If there are not so many.
    """
    prose = _prose()
    return prose[: whole("length", length, most=len(prose))]


def encode(text: str) -> NDArray[np.int64]:
    """Return ``(N,)`` the characters of a text by their number in ``ALPHABET``.

    Raises
    ------
    TypeError
        If it is not a string.
    ValueError
        If it is empty or holds another character.
    """
    if not string("text", text):
        raise ValueError("text must hold at least one character, got none")
    number = {character: i for i, character in enumerate(ALPHABET)}
    strange = sorted(set(text) - set(number))
    if strange:
        raise ValueError(f"text must hold characters of {ALPHABET!r} only, got {strange[0]!r}")
    return np.array([number[character] for character in text], dtype=np.int64)


def decode(codes: ArrayLike) -> str:
    """Return the text whose characters have these numbers, ``(N,)``: what :func:`encode` undoes."""
    numbers = _codes(codes)
    if numbers.min() < 0 or numbers.max() >= len(ALPHABET):
        raise ValueError(
            f"codes must lie from 0 to {len(ALPHABET) - 1}, got {numbers.min()} to {numbers.max()}"
        )
    return "".join(ALPHABET[code] for code in numbers)


def character_windows(codes: ArrayLike, *, streams: int, steps: int) -> CharacterWindows:
    """Cut a text into streams, and all the streams into successive windows.

    Each stream is a piece of the text, the pieces as long as can be; window k + 1 of a stream goes
    on where window k ends. So a network that carries its state from window to window, without
    gradients, reads every piece from its start to its end. What fills no whole window is left out.

    Parameters
    ----------
    codes
        ``(N,)`` whole numbers, one a character.
    streams
        Streams B, read side by side, at least 1.
    steps
        Steps in a window T, at least 1.

    Raises
    ------
    TypeError
        If the codes are not whole numbers.
    ValueError
        If they have not one dimension, or are fewer than ``streams * steps + 1``: too few for one
        window.
    """
    numbers = _codes(codes)
    streams, steps = whole("streams", streams), whole("steps", steps)
    windows = (len(numbers) - 1) // (streams * steps)
    if windows == 0:
        raise ValueError(
            f"codes must hold at least streams * steps + 1 = {streams * steps + 1} characters, "
            f"got {len(numbers)}"
        )
    used = windows * streams * steps

    def cut(piece: NDArray[np.int64]) -> NDArray[np.int64]:
        return piece.reshape(streams, windows, steps).transpose(1, 2, 0).copy()

    return CharacterWindows(cut(numbers[:used]), cut(numbers[1 : used + 1]))


def _codes(codes: ArrayLike) -> NDArray[np.int64]:
    try:
        numbers = np.asarray(codes)
    except ValueError:  # lists of unequal lengths
        raise TypeError(f"codes must hold whole numbers, got {codes!r}") from None
    if numbers.ndim != 1:
        raise ValueError(f"codes must have one dimension, got shape {numbers.shape}")
    if numbers.size == 0:
        raise ValueError("codes must hold at least one character, got none")
    if numbers.dtype.kind not in "iu":
        raise TypeError(f"codes must hold whole numbers, got {numbers.dtype}")
    return numbers.astype(np.int64)


@functools.cache
def _prose() -> str:
    from pydoc_data.topics import topics  # large: loaded for who asks for it

    paragraphs = (
        " ".join(paragraph.split())
        for name in sorted(topics)
        for paragraph in re.split(r"\n\s*\n", topics[name])
    )
    return " ".join(dict.fromkeys(_plain(p) for p in paragraphs if _is_prose(p)))


def _is_prose(paragraph: str) -> bool:
    readable = sum(c.isalpha() or c == " " for c in paragraph)
    return paragraph.endswith(".") and readable >= 0.9 * len(paragraph)


def _plain(paragraph: str) -> str:
    text = paragraph.lower().replace("’", "'")
    text = re.sub(f"[^{re.escape(ALPHABET)}]+|(?<![a-z])'|'(?![a-z])", " ", text)
    text = re.sub(r" +(?=[.,])", "", text)  # where a quotation mark stood before a comma
    return " ".join(text.split()).lstrip(" .,'")
