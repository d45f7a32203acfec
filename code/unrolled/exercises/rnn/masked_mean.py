"""The exercise ``rnn.masked_mean``."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Lengths = NDArray[np.int64]

_rng = np.random.default_rng(0)


def masked_mean(losses: Array, lengths: Lengths) -> float:
    """Return the mean loss over a padded batch's real steps, one number.

    losses has shape (T, B); lengths holds B whole numbers from 1 to T.
    """
    inside = np.arange(len(losses))[:, None] < lengths
    return float(losses[inside].mean())


def _masked_mean_looped(losses: Array, lengths: Lengths) -> float:
    total = 0.0
    for b, steps in enumerate(lengths):
        for t in range(steps):
            total += losses[t, b]
    return total / sum(lengths)


def _masked_mean_weighted(losses: Array, lengths: Lengths) -> Any:
    mask = np.arange(losses.shape[0])[:, np.newaxis] < lengths[np.newaxis]
    return np.where(mask, losses, 0).sum() / mask.sum()


def _masked_mean_torch(losses: Array, lengths: Lengths) -> Any:
    import torch

    values = torch.as_tensor(losses)
    return values[torch.arange(len(values))[:, None] < torch.as_tensor(lengths)].mean()


def _with_padding(value: float, steps: int, lengths: list[int]) -> tuple[Array, Lengths]:
    losses = numbers(_rng, steps, len(lengths))
    return np.where(np.arange(steps)[:, None] < np.array(lengths), losses, value), np.array(lengths)


EXERCISE = Exercise(
    masked_mean,
    cases=[
        (numbers(_rng, 3, 3), np.array([3, 2, 2])),
        (numbers(_rng, 5, 2), np.array([2, 5])),
        (numbers(_rng, 4, 3), np.array([1, 3, 4])),
        (numbers(_rng, 4, 3), np.array([4, 1, 2])),
        _with_padding(np.nan, 4, [2, 1, 4]),
        _with_padding(1e30, 3, [1, 3, 2, 2]),
        _with_padding(-np.inf, 33, [30, 7]),
        (numbers(_rng, 1, 1), np.array([1])),
        (numbers(_rng, 6, 1), np.array([2])),
        (np.zeros((2, 3)), np.array([1, 2, 1])),
    ],
    alternatives=[_masked_mean_looped, _masked_mean_weighted, _masked_mean_torch],
    mistakes={
        "mean_of_everything": Mistake(
            """The padding counts: this is the mean over all T * B entries.

            Only the first lengths[b] entries of column b belong to a sequence.
            """,
            "return float(losses.mean())",
        ),
        "zeroed_then_averaged": Mistake(
            """The padding still counts, as zeros: the sum is right, and it is divided by T * B.

            Divide by the number of real steps, `lengths.sum()`. As it is, the same sequences
            have a smaller loss the more padding stands beside them.
            """,
            "return solution(losses, lengths) * float(lengths.sum()) / losses.size",
            "return np.where(np.arange(len(losses))[:, None] < lengths, losses, 0).mean()",
        ),
        "multiplied_by_the_mask": Mistake(
            """The padding is multiplied by 0, and 0 * NaN is NaN: what it holds still counts.

            Choose the real entries, `losses[mask]`, or put zeros there with `np.where`.
            """,
            """
            mask = np.arange(len(losses))[:, None] < lengths
            return (losses * mask).sum() / mask.sum()
            """,
            """
            total = 0.0
            for t in range(losses.shape[0]):
                for b in range(losses.shape[1]):
                    total += losses[t, b] * (t < lengths[b])
            return total / lengths.sum()
            """,
        ),
        "mean_of_means": Mistake(
            """This is the mean over the sequences of each one's own mean.

            Then a step of a short sequence counts more than one of a long sequence. Here every
            step counts the same: add up all real losses and divide by how many there are.
            """,
            "return np.mean([losses[:n, b].mean() for b, n in enumerate(lengths)])",
        ),
        "sum_of_losses": Mistake(
            """This is the sum over the real steps. Their mean was asked for: divide by
            `lengths.sum()`.
            """,
            "return solution(losses, lengths) * float(lengths.sum())",
        ),
        "per_sequence": Mistake(
            """This divides by the number of sequences. The mean is over steps: divide by
            `lengths.sum()`.

            As it is, longer sequences have a larger loss.
            """,
            "return solution(losses, lengths) * float(lengths.sum()) / len(lengths)",
        ),
        "one_step_of_padding": Mistake(
            """One step after each sequence's end counts as well: `<=` should be `<`.

            Steps are counted from 0, so the real ones are t = 0, ..., lengths[b] - 1.
            """,
            "return float(losses[np.arange(len(losses))[:, None] <= lengths].mean())",
        ),
        "last_step_lost": Mistake(
            """The last real step of each sequence is not counted.

            Steps are counted from 0, and step lengths[b] - 1 is real: `t < lengths[b]`.
            """,
            "return float(losses[np.arange(len(losses))[:, None] < lengths - 1].mean())",
        ),
        "padding_only": Mistake(
            """The mask is the wrong way round: this is the mean over the padding.

            True should stand where a step is real, `t < lengths[b]`.
            """,
            "return float(losses[np.arange(len(losses))[:, None] >= lengths].mean())",
        ),
        "cut_to_the_shortest": Mistake(
            """Every sequence is cut to the length of the shortest, so real steps are left out.

            Sequence b has lengths[b] real steps of its own.
            """,
            "return float(losses[: lengths.min()].mean())",
        ),
        "mask_swapped": Mistake(
            """Time and batch are swapped: row b of the losses is masked by the length of sequence
            b.

            The sequences stand in the columns: losses[t, b]. With other sizes this does not
            even run.
            """,
            "return solution(losses.T, lengths)",
        ),
    },
)
