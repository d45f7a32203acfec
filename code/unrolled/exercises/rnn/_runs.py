"""Runs over padded batches, right and wrong, for ``catches_padding``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises.rnn._unroll import unroll

Lengths = NDArray[np.int64]
Pair = tuple[Array, Array]
Run = Callable[[Array, Lengths], Pair]

_W = np.array([[0.9, -0.4], [-0.3, 0.8], [0.5, 0.6]])
_U = np.array([[0.5, -0.7, 0.2], [0.4, 0.3, -0.6], [-0.2, 0.8, 0.5]])
_B = np.array([0.3, -0.2, 0.1])


def _demand_batch(x: Any, lengths: Any) -> None:
    """Tell a test what it may ask of an implementation."""
    if not isinstance(x, np.ndarray) or x.ndim != 3 or x.shape[2] != 2:
        raise TypeError("x must be an array of shape (T, B, 2)")
    n = np.asarray(lengths)
    if n.shape != x.shape[1:2] or n.dtype.kind not in "iu" or n.min() < 1 or n.max() > len(x):
        raise ValueError(f"lengths must hold B = {x.shape[1]} whole numbers from 1 to {len(x)}")


def states_of(x: Array) -> Array:
    return unroll(x, np.zeros((x.shape[1], 3)), _W, _U, _B)


def inside(x: Array, lengths: Lengths) -> Array:
    return np.asarray(np.arange(len(x))[:, None, None] < np.asarray(lengths)[:, None])


def _own_last(states: Array, lengths: Lengths) -> Array:
    """Pick each sequence's state after its own last step."""
    ends = np.asarray(lengths)
    return np.asarray(states[ends - 1, np.arange(len(ends))])


def masks_at_the_end(x: Array, lengths: Lengths) -> Pair:
    """Runs over the padding too, then takes each sequence's own steps and zeroes the rest."""
    _demand_batch(x, lengths)
    states = states_of(x)
    return np.where(inside(x, lengths), states, 0), _own_last(states, lengths)


def runs_each_alone(x: Array, lengths: Lengths) -> Pair:
    """Runs each sequence alone, for as many steps as it has, and pads with zeros."""
    _demand_batch(x, lengths)
    output = np.zeros((*x.shape[:2], 3))
    for b, n in enumerate(lengths):
        output[:n, b] = states_of(x[:n, b : b + 1])[:, 0]
    return output, _own_last(output, lengths)


def _state_goes_on(x: Array, lengths: Lengths) -> Pair:
    """Returns as last the state after all T steps, padding included; output is right."""
    output, _ = masks_at_the_end(x, lengths)
    return output, states_of(x)[-1]


def last_row(x: Array, lengths: Lengths) -> Pair:
    """Returns output[-1] as last, which is zero for the shorter sequences; output is right."""
    output, _ = masks_at_the_end(x, lengths)
    return output, output[-1]


def _padding_not_zeroed(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the padding; last is right."""
    _, last = masks_at_the_end(x, lengths)
    return states_of(x), last


def state_held(x: Array, lengths: Lengths) -> Pair:
    """Repeats each sequence's last state in output after its end, where zero should stand."""
    output, last = masks_at_the_end(x, lengths)
    return np.where(inside(x, lengths), output, last), last


def _zeroed_one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output what the network makes of the first step of the padding; last is right."""
    output, last = masks_at_the_end(x, lengths)
    late = inside(x, np.asarray(lengths) + 1)
    return np.where(late, states_of(x), output), last


def _zeroed_at_the_shortest(x: Array, lengths: Lengths) -> Pair:
    """Zeroes output after the end of the shortest sequence, for all of them; last is right."""
    output, last = masks_at_the_end(x, lengths)
    return np.where(inside(x, np.full(len(last), np.min(lengths))), output, 0), last


def _first_length_for_all(x: Array, lengths: Lengths) -> Pair:
    """Takes the first sequence's length for that of all."""
    _demand_batch(x, lengths)
    return masks_at_the_end(x, np.full(len(lengths), lengths[0]))


def _last_length_for_all(x: Array, lengths: Lengths) -> Pair:
    """Takes the last sequence's length for that of all."""
    _demand_batch(x, lengths)
    return masks_at_the_end(x, np.full(len(lengths), lengths[-1]))


def _carries_over(x: Array, lengths: Lengths) -> Pair:
    """Begins each sequence with the last state of the one that stands before it in the batch."""
    _demand_batch(x, lengths)
    output, h = np.zeros((*x.shape[:2], 3)), np.zeros((1, 3))
    for b, n in enumerate(lengths):
        output[:n, b] = unroll(x[:n, b : b + 1], h, _W, _U, _B)[:, 0]
        h = output[n - 1, b : b + 1]
    return output, _own_last(output, lengths)


def _batch_comes_first(x: Array, lengths: Lengths) -> Pair:
    """Returns output with the batch first, of shape (B, T, 3)."""
    output, last = masks_at_the_end(x, lengths)
    return output.swapaxes(0, 1), last


def _one_step_late(x: Array, lengths: Lengths) -> Pair:
    """Stops each sequence one step late, so that one step of padding is read."""
    _demand_batch(x, lengths)
    return masks_at_the_end(x, np.minimum(np.asarray(lengths) + 1, len(x)))


def _stays_sorted(x: Array, lengths: Lengths) -> Pair:
    """Sorts the batch by length, longest first, and does not put it back in order."""
    _demand_batch(x, lengths)
    order = np.argsort(-np.asarray(lengths), kind="stable")
    return masks_at_the_end(x[:, order], np.asarray(lengths)[order])


def _lengths_from_zeros(x: Array, lengths: Lengths) -> Pair:
    """Ignores lengths and takes the steps that hold only zeros at a sequence's end for padding."""
    _demand_batch(x, lengths)
    real = np.flip(np.any(x, axis=2), axis=0)
    found = np.where(real.any(axis=0), len(x) - real.argmax(axis=0), 1)
    return masks_at_the_end(x, found)


def _padded_in_front(x: Array, lengths: Lengths) -> Pair:
    """Moves each sequence to the end of the batch, behind its padding, and runs over both."""
    _demand_batch(x, lengths)
    moved = np.stack([np.roll(x[:, b], -n, axis=0) for b, n in enumerate(lengths)], axis=1)
    states = states_of(moved)
    back = np.stack([np.roll(states[:, b], n, axis=0) for b, n in enumerate(lengths)], axis=1)
    return np.where(inside(x, lengths), back, 0), states[-1]


def _mask_by_the_mean(x: Array, lengths: Lengths) -> Pair:
    """Subtracts from each input its mean over the batch, padding included."""
    _demand_batch(x, lengths)
    return masks_at_the_end(x - x.mean(axis=1, keepdims=True) * (x.shape[1] > 1), lengths)


def _padding_almost_zeroed(x: Array, lengths: Lengths) -> Pair:
    """Leaves in output a twentieth of what the network makes of the padding; last is right."""
    output, last = masks_at_the_end(x, lengths)
    return np.where(inside(x, lengths), output, states_of(x) / 20), last


def _stays_sorted_upwards(x: Array, lengths: Lengths) -> Pair:
    """Sorts the batch by length, shortest first, and does not put it back in order."""
    _demand_batch(x, lengths)
    order = np.argsort(lengths, kind="stable")
    return masks_at_the_end(x[:, order], np.asarray(lengths)[order])


def _sorted_without_lengths(x: Array, lengths: Lengths) -> Pair:
    """Puts the sequences in order of length, and leaves lengths in the old order."""
    _demand_batch(x, lengths)
    return masks_at_the_end(x[:, np.argsort(lengths, kind="stable")], lengths)


BUGGY = [
    _state_goes_on,
    last_row,
    _padding_not_zeroed,
    state_held,
    _zeroed_one_step_late,
    _zeroed_at_the_shortest,
    _one_step_late,
    _first_length_for_all,
    _last_length_for_all,
    _carries_over,
    _batch_comes_first,
    _stays_sorted,
    _lengths_from_zeros,
    _padded_in_front,
    _mask_by_the_mean,
    _stays_sorted_upwards,
    _sorted_without_lengths,
    _padding_almost_zeroed,
]
