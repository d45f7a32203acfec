"""The exercise ``rnn.last_output``."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Lengths = NDArray[np.int64]

_rng = np.random.default_rng(0)


def last_output(output: Array, lengths: Lengths) -> Any:
    """Return what both directions put out once they have read a sequence.

    output has shape (T, B, 2H), forwards and backwards side by side; lengths
    holds B whole numbers. Return an array of shape (B, 2H), and leave output
    as it is.
    """
    B, H = len(lengths), output.shape[2] // 2
    forwards = output[lengths - 1, np.arange(B), :H]
    return np.concatenate([forwards, output[0, :, H:]], axis=1)


def _looped(output: Array, lengths: Lengths) -> Any:
    found = np.empty_like(output[0])
    H = found.shape[1] // 2
    for b, n in enumerate(lengths):
        found[b, :H] = output[n - 1, b, :H]
        found[b, H:] = output[0, b, H:]
    return found


def _masked(output: Array, lengths: Lengths) -> Any:
    both = output.shape[-1]
    at = np.where(np.arange(both) < both // 2, lengths[:, None] - 1, 0)
    return np.take_along_axis(output, at[None], axis=0)[0]


def _torch(output: Array, lengths: Lengths) -> Any:
    import torch

    forwards, backwards = torch.as_tensor(output).chunk(2, dim=2)
    index = torch.as_tensor(lengths) - 1
    ends = forwards.gather(0, index[None, :, None].expand(1, -1, forwards.shape[2]))
    return torch.cat([ends[0], backwards[0]], dim=-1)


def _padded_outputs(lengths: Sequence[int], steps: int, hidden: int) -> tuple[Array, Lengths]:
    """Draw outputs that are zero after each sequence's end."""
    ends = np.array(lengths)
    inside = np.arange(steps)[:, None, None] < ends[:, None]
    return np.where(inside, numbers(_rng, steps, len(ends), 2 * hidden), 0.0), ends


def _ending_in_zero(lengths: Sequence[int], steps: int, hidden: int) -> tuple[Array, Lengths]:
    """Draw outputs of which the last of the first sequence, a real one, happens to be zero."""
    output, ends = _padded_outputs(lengths, steps, hidden)
    output[ends[0] - 1, 0] = 0.0
    output[0, 1] = 0.0
    return output, ends


_PICKED = "output[lengths - 1, np.arange(B), :H]"
_FIRST = "output[0, :, H:]"
_JOINED = "np.concatenate([forwards, output[0, :, H:]], axis=1)"

EXERCISE = Exercise(
    last_output,
    cases=[
        _padded_outputs([2, 1], 3, 1),
        _padded_outputs([1, 3], 3, 1),
        _padded_outputs([2], 3, 2),
        _ending_in_zero([2, 3], 3, 1),
        _padded_outputs([1, 5, 3], 5, 2),
        _padded_outputs([4, 2, 3, 2, 4], 4, 3),
        _padded_outputs([2, 4, 1, 3, 4], 4, 3),
        _padded_outputs([1], 1, 3),
        _padded_outputs([2], 6, 1),
        _padded_outputs([30, 1, 17, 8], 31, 2),
        _padded_outputs([3, 2, 1], 3, 3),
        _padded_outputs([3, 1, 2, 4], 4, 2),
        (1e6 * _padded_outputs([1, 2, 2], 2, 4)[0], np.array([1, 2, 2])),
        (1e-7 * _padded_outputs([2, 3], 3, 2)[0], np.array([2, 3])),
    ],
    alternatives=[_looped, _masked, _torch],
    mistakes={
        "own_last_step_of_both": Mistake(
            """Both halves are taken at each sequence's last step. There the backward half has only
            begun: it has read that step, and nothing else.
            """,
            "return output[lengths - 1, np.arange(len(lengths))]",
            {_FIRST: "output[lengths - 1, np.arange(B), H:]"},
        ),
        "first_step_of_both": Mistake(
            """Both halves are taken at the first step. The forward half has read nothing else by
            then.
            """,
            "return output[0]",
        ),
        "ends_exchanged": Mistake(
            """The first half is taken at the first step, the second at each sequence's last: where
            each direction has only begun. The first half is the forward one.
            """,
            {_PICKED: "output[0, :, :H]", _FIRST: "output[lengths - 1, np.arange(B), H:]"},
        ),
        "halves_exchanged": Mistake(
            """The halves are the wrong way round: the forward half comes first.""",
            {"[forwards, output[0, :, H:]]": "[output[0, :, H:], forwards]"},
        ),
        "last_of_the_batch": Mistake(
            """The forward half is taken where short sequences have ended: at the batch's last step,
            or at the one after each sequence's end.
            """,
            {_PICKED: "output[-1, :, :H]"},
            {_PICKED: "output[lengths.max() - 1, :, :H]"},
        ),
        "last_of_the_batch_in_both": Mistake(
            """Both halves are taken at the batch's last step. The short sequences have ended there,
            and the backward half has only begun.
            """,
            "return output[-1]",
        ),
        "backward_at_the_end_of_the_batch": Mistake(
            """The backward half is taken at the batch's last step. It reads towards the front:
            where is it when it has read all?
            """,
            {_FIRST: "output[-1, :, H:]"},
        ),
        "counted_from_the_end": Mistake(
            """The backward half is taken T - lengths[b] steps in, as if the padding stood in front
            of each sequence. It stands behind.
            """,
            {_FIRST: "output[len(output) - lengths, np.arange(B), H:]"},
            {_FIRST: "output[lengths.max() - lengths, np.arange(B), H:]"},
        ),
        "lengths_sorted": Mistake(
            """The lengths have been sorted, and the sequences have not: each is read at the end of
            another.
            """,
            {_PICKED: "output[np.sort(lengths)[::-1] - 1, np.arange(B), :H]"},
            {_PICKED: "output[np.sort(lengths) - 1, np.arange(B), :H]"},
        ),
        "one_step_after_the_end": Mistake(
            """The forward half is taken one step too late, where the padding begins.

            Steps are counted from 0.
            """,
            {_PICKED: "output[lengths, np.arange(B), :H]"},
        ),
        "one_step_before_the_end": Mistake(
            """The forward half is taken one step too early: before it has read the last step.""",
            {_PICKED: "output[lengths - 2, np.arange(B), :H]"},
            {_PICKED: "output[np.maximum(lengths - 2, 0), np.arange(B), :H]"},
        ),
        "backward_at_the_second": Mistake(
            """The backward half is taken at the second step: before it has read the first.""",
            {_FIRST: "output[1, :, H:]"},
            {_FIRST: "output[min(1, len(output) - 1), :, H:]"},
        ),
        "every_pair": Mistake(
            """For each sequence's last step this takes the outputs of all sequences: they are as
            many again as there are sequences.
            """,
            "return output[lengths - 1]",
            """
            H = output.shape[2] // 2
            forwards = output[lengths - 1, :, :H]
            return np.concatenate([forwards, np.broadcast_to(output[0, :, H:], forwards.shape)], -1)
            """,
        ),
        "batch_first_read": Mistake(
            """Time and batch are swapped: axis 0 is read as the batch. Time comes first.""",
            """
            B, H = len(lengths), output.shape[2] // 2
            forwards = output[np.arange(B), lengths - 1, :H]
            return np.concatenate([forwards, output[:B, 0, H:]], axis=1)
            """,
        ),
        "halves_interleaved": Mistake(
            """The directions are taken to stand in turns, one unit of each after the other. All H
            of the forward direction come first.
            """,
            """
            found = output[lengths - 1, np.arange(len(lengths))].copy()
            found[:, 1::2] = output[0, :, 1::2]
            return found
            """,
        ),
        "sum_over_time": Mistake(
            """These are sums over all steps. What each direction holds at one step was asked
            for.
            """,
            "return np.asarray(output.sum(axis=0))",
        ),
        "mean_over_time": Mistake(
            """These are means over a sequence's steps. What each direction holds at one step was
            asked for.
            """,
            "return np.asarray(output.sum(axis=0) / lengths[:, None])",
        ),
        "largest_over_time": Mistake(
            """These are the largest values over time. What each direction holds at one step was
            asked for.
            """,
            "return np.asarray(output.max(axis=0))",
        ),
        "last_that_is_not_zero": Mistake(
            """The lengths are not used: this looks for the last output that is not zero.

            A real output may be zero. Where a sequence ends is what `lengths` says.
            """,
            """
            H = output.shape[2] // 2
            last = np.array(output[0])
            for b in range(output.shape[1]):
                for t in range(len(output)):
                    if output[t, b].any():
                        last[b, :H] = output[t, b, :H]
            return last
            """,
        ),
        "last_step_of_the_shortest": Mistake(
            """The forward half is taken at one step for all: the last one of the shortest sequence.
            The others go on after it.
            """,
            {_PICKED: "output[lengths.min() - 1, :, :H]"},
        ),
        "directions_added": Mistake(
            """The two directions are added, and H numbers are left. Side by side they are 2H.""",
            {_JOINED: "forwards + output[0, :, H:]"},
        ),
        "directions_stacked": Mistake(
            """The two directions stand one above the other. Side by side they are 2H for each
            sequence.
            """,
            {"axis=1": "axis=0"},
            {_JOINED: "np.stack([forwards, output[0, :, H:]])"},
        ),
        "written_into_output": Mistake(
            """The caller's own array is changed: one half is written into it. Make a new one.""",
            """
            H = output.shape[2] // 2
            found = output[0]
            for b, n in enumerate(lengths):
                found[b, :H] = output[n - 1, b, :H]
            return found
            """,
        ),
    },
)
