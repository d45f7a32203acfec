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
    """Return what each sequence of a padded batch put out after its own last step.

    output has shape (T, B, H), lengths holds B whole numbers. Return an array of shape
    (B, H), and leave output as it is.
    """
    return output[lengths - 1, np.arange(len(lengths))]


def _last_output_looped(output: Array, lengths: Lengths) -> Array:
    return np.stack([output[lengths[b] - 1, b] for b in range(output.shape[1])])


def _last_output_masked(output: Array, lengths: Lengths) -> Array:
    is_last = np.arange(len(output))[:, None] == lengths - 1
    picked: Array = np.where(is_last[..., None], output, 0).sum(axis=0)
    return picked


def _last_output_torch(output: Array, lengths: Lengths) -> Any:
    import torch

    index = torch.as_tensor(lengths) - 1
    values = torch.as_tensor(output)
    return values.gather(0, index[None, :, None].expand(1, -1, values.shape[2]))[0]


def _padded_outputs(lengths: Sequence[int], steps: int, hidden: int) -> tuple[Array, Lengths]:
    """Draw outputs that are zero after each sequence's end."""
    ends = np.array(lengths)
    inside = np.arange(steps)[:, None, None] < ends[:, None]
    return np.where(inside, numbers(_rng, steps, len(ends), hidden), 0.0), ends


def _ending_in_zero(lengths: Sequence[int], steps: int, hidden: int) -> tuple[Array, Lengths]:
    """Draw outputs of which the last of the first sequence, a real one, happens to be zero."""
    output, ends = _padded_outputs(lengths, steps, hidden)
    output[ends[0] - 1, 0] = 0.0
    return output, ends


_PICKED = "output[lengths - 1, np.arange(len(lengths))]"

EXERCISE = Exercise(
    last_output,
    cases=[
        _padded_outputs([2, 1], 3, 2),
        _padded_outputs([1, 5, 3], 5, 2),
        _padded_outputs([4, 2, 3, 2, 4], 4, 3),
        _padded_outputs([2, 4, 1, 3, 4], 4, 3),
        _ending_in_zero([2, 3], 3, 2),
        _padded_outputs([1], 1, 3),
        _padded_outputs([2], 6, 1),
        _padded_outputs([30, 1, 17, 8], 31, 2),
        (1e6 * _padded_outputs([1, 2, 2], 2, 4)[0], np.array([1, 2, 2])),
    ],
    alternatives=[_last_output_looped, _last_output_masked, _last_output_torch],
    mistakes={
        "last_of_the_batch": Mistake(
            """This takes a step at which the short sequences have ended: the last one of the batch,
            as `output[-1]` does, or the one after each sequence's end, `lengths[b]`.

            For each sequence take the step at which it ended itself: lengths[b] - 1.
            """,
            "return output[-1]",
            "return output[-1, :, :]",
            "return output[lengths.max() - 1]",
        ),
        "one_step_after_the_end": Mistake(
            """This is one step too late: `output[lengths[b], b]` is the first step of the padding.

            Steps are counted from 0, so a sequence of n steps ends at step n - 1.
            """,
            {_PICKED: "output[lengths, np.arange(len(lengths))]"},
        ),
        "one_step_before_the_end": Mistake(
            """This is one step too early: a sequence of n steps ends at step n - 1, not n - 2.""",
            {_PICKED: "output[lengths - 2, np.arange(len(lengths))]"},
        ),
        "every_pair": Mistake(
            """This takes, for each sequence's last step, the outputs of all sequences.

            `output[lengths - 1]` chooses steps and keeps the whole batch at each. Choose a
            sequence with each step: `output[lengths - 1, np.arange(B)]`.
            """,
            {_PICKED: "output[lengths - 1]"},
        ),
        "batch_first_read": Mistake(
            """Time and batch are swapped: `output[b, lengths[b] - 1]` reads axis 0 as the batch.

            Here time comes first: `output[lengths[b] - 1, b]`. With other sizes this does not
            even run.
            """,
            {_PICKED: "output[np.arange(len(lengths)), lengths - 1]"},
            "return np.stack([output[b, n - 1] for b, n in enumerate(lengths)])",
        ),
        "sum_over_time": Mistake(
            """This adds up the outputs of all steps. Only the last one of each sequence was asked
            for.
            """,
            """
            total: Array = output.sum(axis=0)
            return total
            """,
        ),
        "mean_over_time": Mistake(
            """This is the mean over a sequence's steps. Only its last output was asked for.""",
            """
            mean: Array = output.sum(axis=0) / lengths[:, None]
            return mean
            """,
        ),
        "last_that_is_not_zero": Mistake(
            """The lengths are not used: this looks for the last output that is not zero.

            A real output may be zero. Where a sequence ends is what `lengths` says.
            """,
            """
            last = np.zeros(output.shape[1:])
            for b in range(output.shape[1]):
                for t in range(len(output)):
                    if output[t, b].any():
                        last[b] = output[t, b]
            return last
            """,
        ),
        "first_output": Mistake(
            """This is the output after the first step. The last of each sequence was asked for.""",
            "return output[0]",
        ),
        "last_step_of_the_shortest": Mistake(
            """One step is taken for all: the last one of the shortest sequence. The others go on
            after it.

            Each sequence has a last step of its own, lengths[b] - 1.
            """,
            {_PICKED: "output[lengths.min() - 1]"},
        ),
    },
)
