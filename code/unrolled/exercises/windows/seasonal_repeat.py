"""The exercise ``windows.seasonal_repeat``."""

from __future__ import annotations

from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

_rng = np.random.default_rng(0)


def seasonal_repeat(history: Array, horizon: int, period: int) -> Array:
    """Forecast that the last cycle comes again.

    history has shape (N,), oldest value first; a cycle takes period steps,
    at most N. Return the forecasts of the next horizon steps, an array of
    shape (horizon,).
    """
    last_cycle = history[-period:]
    return last_cycle[np.arange(horizon) % period]


def _seasonal_tiled(history: Array, horizon: int, period: int) -> Array:
    cycles = horizon // period + 1
    return np.tile(history[-period:], cycles)[:horizon]


def _seasonal_grown(history: Array, horizon: int, period: int) -> Array:
    values = list(history)
    for _ in range(horizon):
        values.append(values[-period])
    return np.array(values[len(history) :])


def _seasonal_torch(history: Array, horizon: int, period: int) -> Any:
    import torch

    return torch.from_numpy(history)[-period:].repeat(horizon // period + 1)[:horizon]


def _one_period_apart_is_equal(result: Array, history: Array, horizon: int, period: int) -> bool:
    """Two forecasts one period apart copy the same value, so they should be equal. Yours differ."""
    return np.allclose(result[period:], result[:-period])


EXERCISE = Exercise(
    seasonal_repeat,
    cases=[
        (np.array([1.0, 2, 3, 10, 20, 30, 40]), 5, 3),
        (numbers(_rng, 11), 4, 4),
        (numbers(_rng, 9), 2, 4),
        (numbers(_rng, 8), 11, 3),
        (numbers(_rng, 8), 11, 3),
        (numbers(_rng, 6), 13, 6),  # the whole history is one cycle
        (numbers(_rng, 5), 4, 1),
        (numbers(_rng, 1), 3, 1),
        (numbers(_rng, 7), 1, 5),
        (1e6 * numbers(_rng, 40), 100, 13),
        (np.arange(9), 12, 4),
    ],
    alternatives=[_seasonal_tiled, _seasonal_grown, _seasonal_torch],
    properties=[_one_period_apart_is_equal],
    mistakes={
        "repeats_first_cycle": Mistake(
            """This repeats the first cycle of the history. The newest one is the best guess.

            `history[-period:]` is the last cycle.
            """,
            "return solution(history[:period], horizon, period)",
        ),
        "repeats_last_value": Mistake(
            """This repeats the last value; it takes no notice of the cycle.

            That is the repeat-last baseline. Here, step k copies the value one whole period
            before it.
            """,
            "return np.full(horizon, history[-1])",
        ),
        "stays_at_the_end_of_the_cycle": Mistake(
            """After one cycle the forecast stays at its last value.

            Beyond the horizon of one period the cycle starts again from its first value: the
            index wraps round, which is what `%` does.
            """,
            "return history[-period:][np.minimum(np.arange(horizon), period - 1)]",
        ),
        "period_one_too_long": Mistake(
            """The period is one too long: this repeats the last period + 1 values.

            The first forecast copies the value `period` steps before it, which is
            `history[-period]`.
            """,
            "return solution(history, horizon, period + 1)",
        ),
        "period_one_too_short": Mistake(
            """The period is one too short: this repeats the last period - 1 values.

            The first forecast copies the value `period` steps before it, which is
            `history[-period]`.
            """,
            "return solution(history, horizon, period - 1)",
        ),
        "cycle_backwards": Mistake(
            """This replays the last cycle backwards, from its newest value to its oldest.

            The first forecast copies `history[-period]`, the second `history[-period + 1]`, and
            so on.
            """,
            "return solution(history[-period:][::-1], horizon, period)",
        ),
        "phase_of_the_series": Mistake(
            """The phase is counted from the wrong place: the last cycle was rolled by one step.

            The first forecast copies `history[-period]`: step k = 1 is index 0 of the last
            cycle.
            """,
            "return history[-period:][(np.arange(horizon) + 1) % period]",
        ),
        "at_most_one_cycle": Mistake(
            """The forecast stops after one cycle, though more steps were asked for.

            When the horizon is longer than the period, start the last cycle again.
            """,
            "return history[-period:][:horizon]",
            """
            first = len(history) - period
            return history[first : first + horizon]
            """,
        ),
        "ends_in_front": Mistake(
            """The slice ends at index horizon - period, and an end of 0 or more counts from the
            front.

            `history[-period : -period + horizon]` is right only while the horizon is shorter
            than the period. Cut the last cycle first, `history[-period:]`; then repeat it for
            as long as needed.
            """,
            "return history[-period : -period + horizon]",
        ),
        "index_runs_past_zero": Mistake(
            """After one cycle the index reaches 0, and from there it counts from the front.

            `history[-period + k]` for k = 0, 1, ... is the last cycle first, and then the
            oldest values. The index must wrap round within the last cycle, which is what `%`
            does.
            """,
            "return history[np.arange(-period, horizon - period)]",
            "return np.array([history[-period + k] for k in range(horizon)])",
        ),
    },
)
