"""The exercise ``windows.lag_matrix``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Pair = tuple[Array, Array]

_rng = np.random.default_rng(0)


def lag_matrix(series: Array, window: int, horizon: int) -> Pair:
    """Cut a series into windows and the horizon values after each.

    series has shape (N,), oldest value first, as are the rows. Return two
    arrays, (inputs, targets), of shapes (rows, window) and (rows, horizon).
    """
    rows = range(len(series) - window - horizon + 1)
    inputs = np.stack([series[t : t + window] for t in rows])
    targets = np.stack([series[t + window : t + window + horizon] for t in rows])
    return inputs, targets


def _lag_matrix_sliding(series: Array, window: int, horizon: int) -> Pair:
    both = np.lib.stride_tricks.sliding_window_view(series, window + horizon)
    return both[:, :window], both[:, window:]


def _lag_matrix_filled(series: Array, window: int, horizon: int) -> Pair:
    rows = len(series) - window - horizon + 1
    inputs, targets = np.zeros((rows, window)), np.zeros((rows, horizon))
    for t in range(rows):
        for j in range(window):
            inputs[t, j] = series[t + j]
        for k in range(horizon):
            targets[t, k] = series[t + window + k]
    return inputs, targets


def _lag_matrix_torch(series: Array, window: int, horizon: int) -> Any:
    import torch

    both = torch.from_numpy(series).unfold(0, window + horizon, 1)
    return both[:, :window], both[:, window:]


def _windows_move_by_one(result: Pair, series: Array, window: int, horizon: int) -> bool:
    """Each row of `inputs` should be the row above it moved on by one step. Yours are not."""
    inputs, _ = result
    return np.allclose(inputs[1:, :-1], inputs[:-1, 1:])


EXERCISE = Exercise(
    lag_matrix,
    cases=[
        (np.arange(10.0, 90, 10), 3, 2),
        (numbers(_rng, 9), 4, 3),
        (numbers(_rng, 9), 4, 3),
        (numbers(_rng, 8), 1, 3),
        (numbers(_rng, 8), 4, 1),
        (numbers(_rng, 7), 2, 5),  # one row
        (numbers(_rng, 8), 3, 3),  # three
        (np.zeros(6), 2, 1),
        (numbers(_rng, 45, scale=1e6), 13, 7),
        (numbers(_rng, 40) * 1e-9, 31, 2),
        (np.arange(9), 3, 2),
    ],
    alternatives=[_lag_matrix_sliding, _lag_matrix_filled, _lag_matrix_torch],
    properties=[_windows_move_by_one],
    parts=("inputs", "targets"),
    mistakes={
        "target_inside_the_window": Mistake(
            """The targets begin with the last value of their own window.

            A model trained on these pairs only learns to copy: it sees the answer in its input.
            """,
            {
                "series[t + window : t + window + horizon]": (
                    "series[t + window - 1 : t + window - 1 + horizon]"
                )
            },
        ),
        "newest_first": Mistake(
            """The lags stand newest first.

            The oldest value of a window belongs in column 0 and the newest in the last column,
            so that time runs from left to right.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs[:, ::-1], targets
            """,
        ),
        "farthest_target_first": Mistake(
            """The targets stand farthest first.

            Column 0 holds the value right after the window, the last column the one that is
            horizon steps ahead.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs, targets[:, ::-1]
            """,
        ),
        "last_row_dropped": Mistake(
            """The last row is missing.

            The last window that counts is the one whose targets end where the series does, and
            `range` already stops one short of its end.
            """,
            {"- horizon + 1)": "- horizon)"},
        ),
        "only_the_farthest": Mistake(
            """Each row has one target, the value that is horizon steps ahead.

            Asked for are all values up to there: targets has a column for each step.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs, targets[:, -1]
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs, targets[:, -1:]
            """,
        ),
        "only_the_next": Mistake(
            """Each row has one target, the value right after its window: horizon is not used.

            Asked for are the next horizon values, and only the rows for which all of them exist.
            """,
            """
            return solution(series, window, 1)
            """,
            """
            inputs, targets = solution(series, window, 1)
            return inputs, targets[:, 0]
            """,
        ),
        "two_steps_ahead": Mistake(
            """The value right after each window is skipped: the targets begin one step late.

            With which value does row t end, and which comes next?
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs[:-1], targets[1:]
            """,
        ),
        "rows_turned_round": Mistake(
            """The rows stand newest first. They are in the order of the series, oldest first.""",
            "return tuple(each[::-1] for each in solution(series, window, horizon))",
        ),
        "targets_counted_from_the_row": Mistake(
            """The targets are differences from the last value of their row. Asked for are the
            values of the series themselves.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs, targets - inputs[:, -1:]
            """,
        ),
        "round_the_end": Mistake(
            """There are rows whose targets the series does not have: they are filled up from its
            beginning, or with zeros. A window counts only if all its targets exist.
            """,
            """
            longer = np.concatenate([series, series[:horizon]])
            return tuple(each[:-1] for each in solution(longer, window, horizon))
            """,
            "return solution(np.concatenate([series, np.zeros(horizon - 1)]), window, horizon)",
            "return solution(np.concatenate([series, [0.0]]), window, horizon)",
        ),
        "targets_first": Mistake(
            """The two results are the wrong way round: return `inputs, targets`, in this order.""",
            """
            inputs, targets = solution(series, window, horizon)
            return targets, inputs
            """,
        ),
        "windows_side_by_side": Mistake(
            """The windows do not overlap: each begins where the one before it ends.

            Consecutive windows begin one step apart.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs[::window], targets[::window]
            """,
        ),
        "targets_side_by_side": Mistake(
            """The targets do not overlap: each row begins horizon steps after the one before it.

            Consecutive windows begin one step apart, so each value is the target of several
            rows, once for each number of steps ahead.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return inputs[::horizon], targets[::horizon]
            """,
        ),
        "targets_kept_in_the_row": Mistake(
            """The rows are too long: each ends with its own targets.

            A model trained on these pairs only learns to copy: it sees the answer in its input.
            """,
            """
            inputs, targets = solution(series, window, horizon)
            return np.column_stack([inputs, targets]), targets
            """,
        ),
    },
)
