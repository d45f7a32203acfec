r"""Sums and differences, read symbol by symbol among letters that mean nothing.

The task is one of Jozefowicz, Zaremba & Sutskever (2015), made smaller.

References
----------
Jozefowicz, R., Zaremba, W. & Sutskever, I. (2015). An empirical exploration of recurrent network
architectures. Proceedings of the 32nd International Conference on Machine Learning.
"""

from __future__ import annotations

from string import ascii_lowercase
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import random_seed, whole

SYMBOLS = "0123456789+-=." + ascii_lowercase
"""The 40 symbols by their number: ten digits, four signs, 26 letters."""

_DIGITS_MOST = 8
_MOST = 10**6  # problems, drawn one by one: a minute or a few


class Arithmetic(NamedTuple):
    """Problems with their answers. A step reads a symbol and is to foretell the next.

    Attributes
    ----------
    inputs
        ``(T, n, 40)`` float32, time first, one-hot over ``SYMBOLS``. With d digits T = 5 d + 4.
    targets
        ``(T, n)`` int64, the symbol that comes next: an index of ``SYMBOLS``.
    mask
        ``(T, n)`` true where the next symbol is one of the answer's, its first full stop included:
        the steps to be judged.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    mask: NDArray[np.bool_]


def arithmetic(n: int, *, digits: int, seed: int) -> Arithmetic:
    """Draw problems such as ``k3e36d-h94h1fa=-605.``: 336 - 941, and the answer.

    Two numbers without leading zeros, each of 1 to ``digits`` digits and each length as likely, are
    added or taken one from the other. Letters fill the problem up to ``2 * (2 * digits + 1)``
    symbols, at least half of them letters, at places drawn by chance; so "=" always comes at the
    same step. The answer is written as usual, a minus sign only where it is below zero, and ended
    by a full stop, which is repeated up to the last step.

    In the example of Jozefowicz and others (2015), ``3e36d9-h1h39f94eeh43keg3c=-13991064``, the
    numbers have four and eight digits, and letters are about as many as other symbols. What
    is ours: the smaller numbers, the fixed length, where the letters stand, the full stops.

    Parameters
    ----------
    n
        Number of problems, from 1 to 10⁶.
    digits
        Most digits of a number, from 1 to 8.
    seed
        Seed of the draw, at least 0.
    """
    n, digits = whole("n", n, most=_MOST), whole("digits", digits, most=_DIGITS_MOST)
    rng = np.random.default_rng(random_seed("seed", seed))
    symbols = np.array([_encode(_problem(digits, rng)) for _ in range(n)]).T
    targets = symbols[1:]
    stops = targets == SYMBOLS.index(".")
    mask = np.cumsum(stops, axis=0) - stops == 0  # nothing after the first full stop
    mask[: _length(digits)] = False  # nothing before "=" is read
    return Arithmetic(np.eye(len(SYMBOLS), dtype=np.float32)[symbols[:-1]], targets, mask)


def _length(digits: int) -> int:
    """Return the number of symbols before "=": twice as many as the longest problem's."""
    return 2 * (2 * digits + 1)


def _problem(digits: int, rng: np.random.Generator) -> str:
    a, b = _number(digits, rng), _number(digits, rng)
    sign = "+-"[rng.integers(2)]
    answer = str(a + b if sign == "+" else a - b)
    # the longest answer: one digit more than the numbers, or as many and a minus sign
    answer = answer.ljust(digits + 2, ".")
    return f"{_among_letters(f'{a}{sign}{b}', _length(digits), rng)}={answer}"


def _number(digits: int, rng: np.random.Generator) -> int:
    length = rng.integers(1, digits + 1)
    least = 0 if length == 1 else 10 ** (length - 1)
    return int(rng.integers(least, 10**length))


def _among_letters(text: str, length: int, rng: np.random.Generator) -> str:
    filled = rng.choice(list(ascii_lowercase), size=length)
    filled[np.sort(rng.choice(length, size=len(text), replace=False))] = list(text)
    return "".join(filled)


def _encode(text: str) -> list[int]:
    return [SYMBOLS.index(symbol) for symbol in text]
