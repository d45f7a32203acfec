r"""Strings of the embedded Reber grammar, one at a time or without end.

A Reber string is a walk through a graph: at each fork both ways are as likely. An embedded string
is B, then T or P, then a Reber string, then the same T or P again, then E. So the symbol before the
last can be foretold by who has kept the second one, and by nobody else.

References
----------
Reber, A. S. (1967). Implicit learning of artificial grammars. Journal of Verbal Learning and Verbal
Behavior 6(6).
Cleeremans, A., Servan-Schreiber, D. & McClelland, J. L. (1989). Finite state automata and simple
recurrent networks. Neural Computation 1(3).
Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation 9(8).
Gers, F. A., Schmidhuber, J. & Cummins, F. (2000). Learning to forget: continual prediction with
LSTM. Neural Computation 12(10).
"""

from __future__ import annotations

import re
from collections.abc import Iterator
from typing import NamedTuple, TypeAlias

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import in_all, random_seed, whole

Grammar: TypeAlias = tuple[dict[str, int], ...]
"""For each node, the node that each symbol leads to; a node without symbols is the end."""

SYMBOLS = "BTPSXVE"
"""The symbols by their number."""

REBER: Grammar = (
    {"B": 1},
    {"T": 2, "P": 3},
    {"S": 2, "X": 4},
    {"T": 3, "V": 5},
    {"X": 3, "S": 6},
    {"P": 4, "V": 6},
    {"E": 7},
    {},
)
"""The graph of a Reber string, from node 0 to node 7."""


def _embed(grammar: Grammar) -> Grammar:
    """Return the graph of B, T or P, a string of the grammar, the same T or P, E."""
    size = len(grammar)
    fork = {"T": 2, "P": 2 + size}
    nodes: list[dict[str, int]] = [{"B": 1}, fork]
    for symbol, start in fork.items():
        nodes += [{s: start + node for s, node in ways.items()} for ways in grammar[:-1]]
        nodes.append({symbol: 2 + 2 * size})
    return (*nodes, {"E": 3 + 2 * size}, {})


EMBEDDED: Grammar = _embed(REBER)
"""The graph of an embedded string: two copies of ``REBER``, one after T and one after P."""

ENDLESS: Grammar = tuple(
    {symbol: node % (len(EMBEDDED) - 1) for symbol, node in ways.items()} for ways in EMBEDDED[:-1]
)
"""``EMBEDDED`` with its end joined to its start: after E comes B."""

IGNORED = -100
"""Target of a step past a string's end: the class that ``torch`` losses ignore by default."""

_MOST = 10**6  # strings, of which the longest has some 60 symbols: a GB or a few

_CRITICAL = (1 + len(REBER), 1 + 2 * len(REBER))  # the ends of the two copies
_NONE = len(SYMBOLS)  # what is written at the end: no symbol
_PATTERN = re.compile(
    r"B (?P<outer>[TP])"
    r"B (T S* X (S | X T* V (P X T* V)* (V | P S)) | P T* V (P X T* V)* (V | P S)) E"
    r"(?P=outer) E",
    re.VERBOSE,
)


class Reber(NamedTuple):
    """Embedded Reber strings, padded at the end. A step reads a symbol and is to foretell the next.

    A string of L symbols makes L - 1 steps: its last symbol is foretold, never read.

    Attributes
    ----------
    inputs
        ``(T, n, 7)`` float32, time first, one-hot over ``SYMBOLS``; T is the longest string's
        number of steps. Zeros past a string's end, as in all that follows but ``targets``.
    targets
        ``(T, n)`` int64, the symbol that comes next: an index of ``SYMBOLS``, ``IGNORED`` past the
        end.
    legal
        ``(T, n, 7)`` true for every symbol that could come next: one or two of them.
    critical
        ``(T, n)`` true at the one step whose target is the string's second last symbol.
    lengths
        ``(n,)`` int64, steps in each string, at least 8.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    legal: NDArray[np.bool_]
    critical: NDArray[np.bool_]
    lengths: NDArray[np.int64]


class ReberStream(NamedTuple):
    """Endless streams of embedded Reber strings. A step reads a symbol and foretells the next.

    Attributes
    ----------
    inputs
        ``(length, streams, 7)`` float32, time first, one-hot over ``SYMBOLS``.
    targets
        ``(length, streams)`` int64, the symbol that comes next, an index of ``SYMBOLS``.
    legal
        ``(length, streams, 7)`` true for every symbol that could come next; after E, B alone.
    critical
        ``(length, streams)`` true where the target is a string's second last symbol.
    starts
        ``(length, streams)`` true where a string's first symbol is read: for who may reset there.
    """

    inputs: NDArray[np.float32]
    targets: NDArray[np.int64]
    legal: NDArray[np.bool_]
    critical: NDArray[np.bool_]
    starts: NDArray[np.bool_]


def embedded_reber(n: int, *, seed: int) -> Reber:
    """Draw strings of the embedded Reber grammar, each from its start to its end.

    The shortest have 9 symbols, the mean is 12, and there is no longest one. Strings may recur.
    Between the second symbol and the second last lie at least 6 steps; on average 9.

    Parameters
    ----------
    n
        Number of strings, from 1 to 10⁶.
    seed
        Seed of the draw, at least 0.
    """
    drawn = []
    for symbols, nodes in _walk(EMBEDDED, whole("n", n, most=_MOST), seed):
        drawn.append((symbols, nodes))
        if (symbols == _NONE).all():
            break
    symbols, nodes = (np.array(rows) for rows in zip(*drawn[:-1], strict=True))
    targets = symbols[1:]
    over = targets == _NONE
    return Reber(
        inputs=_one_hot(np.where(over, _NONE, symbols[:-1])),
        targets=np.where(over, IGNORED, targets),
        legal=_legal(EMBEDDED)[nodes[:-1]],
        critical=np.isin(nodes[:-1], _CRITICAL),
        lengths=(~over).sum(axis=0),
    )


def continual_reber(streams: int, *, length: int, seed: int) -> ReberStream:
    """Draw streams of embedded Reber strings, one after the other, with nothing in between.

    Every stream begins with a string; where it is cut off at its end is a matter of chance. Windows
    ``[a:b]`` along the first axis can be read one after the other with the state carried over.

    Parameters
    ----------
    streams
        Number of streams, at least 1.
    length
        Steps in a stream, at least 1; ``streams * length`` at most 10⁸.
    seed
        Seed of the draw, at least 0.
    """
    streams, length = whole("streams", streams), whole("length", length)
    in_all("streams * length", streams * length)
    walk = _walk(ENDLESS, streams, seed)
    symbols = np.empty((length + 1, streams), dtype=np.int64)
    nodes = np.empty_like(symbols)
    for t in range(length + 1):
        symbols[t], nodes[t] = next(walk)
    starts = np.ones((length, streams), dtype=np.bool_)
    starts[1:] = nodes[: length - 1] == 0
    return ReberStream(
        inputs=_one_hot(symbols[:-1]),
        targets=symbols[1:],
        legal=_legal(ENDLESS)[nodes[:-1]],
        critical=np.isin(nodes[:-1], _CRITICAL),
        starts=starts,
    )


def is_embedded_reber(string: str) -> bool:
    """Say whether a string is one of the embedded Reber grammar.

    A regular expression decides, written without the table from which the strings are drawn.

    Raises
    ------
    TypeError
        If it is not a string.
    """
    if not isinstance(string, str):
        raise TypeError(f"string must be a str, got {string!r}")
    return _PATTERN.fullmatch(string) is not None


def _walk(
    grammar: Grammar, n: int, seed: int
) -> Iterator[tuple[NDArray[np.int64], NDArray[np.int64]]]:
    """Yield n symbols, and the nodes they lead to, again and again, each walk by its own coins."""
    rng = np.random.default_rng(random_seed("seed", seed))
    ways = np.array([_two_ways(grammar, node) for node in range(len(grammar))])
    nodes = np.zeros(n, dtype=np.int64)
    while True:
        symbols, nodes = ways[nodes, rng.integers(0, 2, size=n)].T
        yield symbols, nodes


def _two_ways(grammar: Grammar, node: int) -> list[tuple[int, int]]:
    """Return the symbol and the next node for either side of a coin."""
    ways = [(SYMBOLS.index(symbol), to) for symbol, to in grammar[node].items()]
    ways = ways or [(_NONE, node)]
    return [ways[0], ways[-1]]


def _legal(grammar: Grammar) -> NDArray[np.bool_]:
    """Return ``(nodes, 7)``: which symbols lead on from each node."""
    return np.array([[symbol in ways for symbol in SYMBOLS] for ways in grammar])


def _one_hot(symbols: NDArray[np.int64]) -> NDArray[np.float32]:
    rows: NDArray[np.float32] = np.eye(_NONE + 1, _NONE, dtype=np.float32)[symbols]
    return rows
