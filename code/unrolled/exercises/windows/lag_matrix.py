"""The exercise ``windows.lag_matrix``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def lag_matrix(series: Array, window: int) -> Pair:
    """Cut a series of N values into N - window rows and their targets.

    series has shape (N,), oldest value first. Return two arrays, (inputs, targets).
    inputs has shape (N - window, window): row t, for t = 0, ..., N - window - 1, is
    series[t], series[t + 1], ..., series[t + window - 1], so oldest value first.
    targets has shape (N - window,): targets[t] is the value after row t,
    series[t + window].
    """
    pairs = len(series) - window
    inputs = np.stack([series[t : t + window] for t in range(pairs)])
    targets = series[window:]
    return inputs, targets


def _lag_matrix_sliding(series: Array, window: int) -> Pair:
    return np.lib.stride_tricks.sliding_window_view(series, window)[:-1], series[window:]


def _lag_matrix_filled(series: Array, window: int) -> Pair:
    pairs = len(series) - window
    inputs, targets = np.zeros((pairs, window)), np.zeros(pairs)
    for t in range(pairs):
        for j in range(window):
            inputs[t, j] = series[t + j]
        targets[t] = series[t + window]
    return inputs, targets


def _lag_matrix_torch(series: Array, window: int) -> Any:
    import torch

    values = torch.from_numpy(series)
    return values.unfold(0, window, 1)[:-1], values[window:]


def _windows_move_by_one(result: Pair, series: Array, window: int) -> bool:
    """Each row of `inputs` should be the row above it moved on by one step. Yours are not."""
    inputs, _ = result
    return np.allclose(inputs[1:, :-1], inputs[:-1, 1:])


EXERCISE = Exercise(
    lag_matrix,
    cases=[
        (np.arange(10.0, 70, 10), 2),
        (numbers(_rng, 9), 4),
        (numbers(_rng, 9), 4),
        (numbers(_rng, 8), 1),
        (numbers(_rng, 7), 5),
        (numbers(_rng, 6), 5),  # one pair
        (numbers(_rng, 45, scale=1e6), 13),
        (numbers(_rng, 40) * 1e-9, 31),
        (np.arange(8), 3),
    ],
    alternatives=[_lag_matrix_sliding, _lag_matrix_filled, _lag_matrix_torch],
    properties=[_windows_move_by_one],
    parts=("inputs", "targets"),
    mistakes={
        "target_inside_the_window": Mistake(
            """Each target is the last value of its own window.

            A model trained on these pairs only learns to copy: it sees the answer in its input.
            The target of row t is one step later, `series[t + window]`.
            """,
            """
            inputs, _ = solution(series, window)
            return inputs, inputs[:, -1]
            """,
        ),
        "window_begins_late": Mistake(
            """Each window begins one step late, so that its last value is its own target.

            A model trained on these pairs only learns to copy: it sees the answer in its input.
            Row t begins with `series[t]`.
            """,
            """
            _, targets = solution(series, window)
            inputs = np.stack([series[t + 1 : t + 1 + window] for t in range(len(targets))])
            return inputs, targets
            """,
        ),
        "newest_first": Mistake(
            """The lags stand newest first.

            The oldest value of a window belongs in column 0 and the newest in the last column,
            so that time runs from left to right.
            """,
            """
            inputs, targets = solution(series, window)
            return inputs[:, ::-1], targets
            """,
        ),
        "last_pair_dropped": Mistake(
            """The last pair is missing: `range` already stops one short of its end.

            N values hold N - window pairs, for t = 0, ..., N - window - 1. That is `range(N -
            window)`; subtracting one more loses the pair with the newest target.
            """,
            """
            inputs, targets = solution(series, window)
            return inputs[:-1], targets[:-1]
            """,
            """
            inputs, targets = [], []
            for t in range(len(series) - window - 1):
                inputs.append(series[t : t + window])
                targets.append(series[t + window])
            return np.array(inputs), np.array(targets)
            """,
        ),
        "last_window_dropped": Mistake(
            """The last window is missing, though its target is there: `range` already stops one
            short.

            N values hold N - window pairs, for t = 0, ..., N - window - 1. That is `range(N -
            window)`.
            """,
            """
            inputs, targets = solution(series, window)
            return inputs[:-1], targets
            """,
            """
            inputs = [series[t : t + window] for t in range(len(series) - window - 1)]
            return np.array(inputs), series[window:]
            """,
        ),
        "two_steps_ahead": Mistake(
            """The targets are two steps ahead: the value right after each window is skipped.

            Row t ends with `series[t + window - 1]`, so what comes next is `series[t +
            window]`.
            """,
            """
            inputs, targets = solution(series, window)
            return inputs[:-1], targets[1:]
            """,
        ),
        "window_without_target": Mistake(
            """There is a window too many: the last one has no value after it.

            N values hold N - window + 1 windows, and one fewer pairs, because the last window
            ends where the series does.
            """,
            """
            inputs, targets = solution(series, window)
            return np.vstack([inputs, series[-window:]]), targets
            """,
        ),
        "targets_first": Mistake(
            """The two results are the wrong way round: return `inputs, targets`, in this order.""",
            """
            inputs, targets = solution(series, window)
            return targets, inputs
            """,
        ),
        "windows_side_by_side": Mistake(
            """The windows do not overlap: each begins where the one before it ends.

            Every value but the first few is a target, so consecutive windows begin one step
            apart.
            """,
            """
            inputs, targets = solution(series, window)
            return inputs[::window], targets[::window]
            """,
            """
            starts = range(0, len(series) - window, window)
            inputs = np.array([series[t : t + window] for t in starts])
            return inputs, np.array([series[t + window] for t in starts])
            """,
        ),
        "target_kept_in_the_row": Mistake(
            """The rows are one value too long: each ends with its own target.

            A model trained on these pairs only learns to copy: it sees the answer in its input.
            Row t is `series[t : t + window]`, which stops before `series[t + window]`.
            """,
            """
            inputs, targets = solution(series, window)
            return np.column_stack([inputs, targets]), targets
            """,
            """
            rows = [series[t : t + window + 1] for t in range(len(series) - window)]
            return np.array(rows), series[window:]
            """,
            """
            rows = np.lib.stride_tricks.sliding_window_view(series, window + 1)
            return rows, rows[:, -1]
            """,
        ),
    },
)
