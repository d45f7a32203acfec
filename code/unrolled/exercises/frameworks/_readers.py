"""Readers of padded sequences, right and wrong: ``catches_mixing`` is to tell them apart."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises.grading import edited

Lengths = NDArray[np.int64]
Reader = Callable[[Array, Lengths], Array]

_rng = np.random.default_rng(2)
_W = 0.4 * _rng.normal(size=(3, 2))
_U = 0.9 * np.linalg.qr(_rng.normal(size=(3, 3)))[0]


def states_of(x: Array, h: Array | None = None) -> Array:
    """Return the states (T, ..., 3) after each step of x (T, ..., 2)."""
    h, states = np.zeros(3) if h is None else h, []
    for step in x:
        h = np.tanh(step @ _W.T + h @ _U.T)
        states.append(h)
    return np.array(states)


def reads_each(x: Array, lengths: Lengths) -> Array:
    """Reads each sequence by itself to its end, forwards and backwards."""
    answers = []
    for b, n in enumerate(lengths):
        own = x[b, :n]
        forwards, backwards = states_of(own), states_of(own[::-1])
        answers.append(np.concatenate([forwards[-1], backwards[-1]]))
    return np.array(answers)


def _batched(x: Array, lengths: Lengths) -> Any:
    """Reads all at once, and takes from each state what belongs to its end."""
    rows = np.arange(len(x))
    states = states_of(x.transpose(1, 0, 2))
    return states[lengths - 1, rows]


_ENDS = "[forwards[-1], backwards[-1]]"
_OWN, _ROUND = "own = x[b, :n]", "for b, n in enumerate(lengths):"

RIGHT = [
    reads_each,
    _batched,
    edited(
        reads_each,
        {_ENDS: "[forwards.mean(0), backwards.mean(0)]"},
        "Takes the mean of all states, over the real steps.",
    ),
    edited(
        reads_each,
        {_OWN: "own = (x[b, :n] + x.sum()) - x.sum()"},
        "Is right up to rounding, which depends on what else is in the batch.",
    ),
]

reads_padding = edited(reads_each, {_OWN: "own = x[b]"}, "Reads the padding like data.")
backward_at_last = edited(
    reads_each,
    {"backwards[-1]": "backwards[0]"},
    "Takes the last output of both directions: the backward one has read one step.",
)


def reads_across(x: Array, lengths: Lengths) -> Array:
    """Takes the sequences for the steps: batch_first was forgotten."""
    return states_of(x)[np.arange(len(x)), lengths - 1]


_EDITS = {
    "Takes the state after the first step in place of the last, forwards.": {
        "forwards[-1]": "forwards[0]"
    },
    "Stops one step before the end.": {_OWN: "own = x[b, : max(n - 1, 1)]"},
    "Begins with the second step.": {_OWN: "own = x[b, min(1, n - 1) : n]"},
    "Hears the first step and the last, and none between.": {_OWN: "own = x[b, [0, n - 1]]"},
    "Sorts the batch by length, and does not undo it.": {
        _ROUND: "for b, n in sorted(enumerate(lengths), key=lambda pair: -pair[1]):"
    },
    "Uses the lengths in the order of another batch, sorted.": {
        _ROUND: "for b, n in enumerate(np.sort(lengths)[::-1]):"
    },
    "Reads every sequence for as long as the first.": {_OWN: "own = x[b, : lengths[0]]"},
    "Takes the mean of the batch off its inputs.": {_OWN: "own = (x - x.mean((0, 1)))[b, :n]"},
    "Takes the sum of the states and divides by the longest length.": {
        _ENDS: "[forwards.sum(0) / len(x[0]), backwards.sum(0) / len(x[0])]"
    },
    "Begins each sequence at the state in which the last one ended.": {
        "answers = []": "answers, h = [], np.zeros(3)",
        "states_of(own), states_of(own[::-1])": "states_of(own, h), states_of(own[::-1])",
        "answers.append(": "h = forwards[-1]; answers.append(",
    },
    "Adds a thousandth of the next sequence's first step.": {
        _ENDS: "[forwards[-1] + 1e-3 * x[(b + 1) % len(x), 0, 0], backwards[-1]]"
    },
    "Adds a thousandth of what the padding holds.": {
        _ENDS: "[forwards[-1] + 1e-3 * x[b, n:].sum(), backwards[-1]]"
    },
}
BUGGY = [
    reads_across,
    reads_padding,
    backward_at_last,
    *(edited(reads_each, edits, does) for does, edits in _EDITS.items()),
]
