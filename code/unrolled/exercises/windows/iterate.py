"""The exercise ``windows.iterate``."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises._drawing import numbers
from unrolled.exercises.grading import Exercise, Mistake

Predict = Callable[[Array], float]

_rng = np.random.default_rng(0)


def iterate(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Forecast horizon steps with a model that only knows how to forecast one.

    history has shape (N,), oldest value first; predict maps an array of
    shape (window,) to a number. Return the forecasts in order, an array of
    shape (horizon,).
    """
    lags = history[-window:]
    forecasts = []
    for _ in range(horizon):
        forecast = predict(lags)
        lags = np.append(lags[1:], forecast)
        forecasts.append(forecast)
    return np.array(forecasts)


def _iterate_growing(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    values = list(history)
    for _ in range(horizon):
        values.append(predict(np.array(values[-window:])))
    return np.array(values[-horizon:])


def _iterate_torch(predict: Predict, history: Array, horizon: int, window: int) -> Any:
    import torch

    lags, forecasts = torch.from_numpy(history[-window:].astype(float)), []
    for _ in range(horizon):
        forecasts.append(predict(lags.numpy()))
        lags = torch.cat([lags[1:], torch.tensor([forecasts[-1]], dtype=lags.dtype)])
    return torch.tensor(forecasts)


def _first_forecast_from_data(
    result: Array, predict: Predict, history: Array, horizon: int, window: int
) -> bool:
    """The first forecast should see the last `window` values, oldest first. Yours does not."""
    return np.allclose(result[0], predict(history[-window:]))


def _newest_weighs_most(lags: Array) -> float:
    """Weighs its lags 0.1, 0.2, 0.3, ... from the oldest on."""
    return float(np.arange(1, len(lags) + 1) @ np.asarray(lags) / 10)


def _continues_the_line(lags: Array) -> float:
    """Continues the line from its oldest lag to its newest."""
    return float(lags[-1] + (lags[-1] - lags[0]) / max(len(lags) - 1, 1))


def _bends(lags: Array) -> float:
    """Takes the cosine of the mean of its lags, the newest twice."""
    return float(np.cos((np.sum(lags) + lags[-1]) / (len(lags) + 1)))


EXERCISE = Exercise(
    iterate,
    cases=[
        (_newest_weighs_most, np.array([50.0, 30, 70, 20, 40]), 3, 3),
        (_newest_weighs_most, numbers(_rng, 8), 6, 4),
        (_continues_the_line, np.array([7.0, 9, 1, 2, 4]), 2, 3),
        (_newest_weighs_most, numbers(_rng, 8), 6, 4),
        (_newest_weighs_most, numbers(_rng, 5), 4, 1),
        (_continues_the_line, numbers(_rng, 5), 1, 5),  # all of the history, one step
        (_bends, numbers(_rng, 31), 40, 7),
        (_continues_the_line, 1e6 * numbers(_rng, 6), 5, 2),
        (_bends, np.zeros(4), 3, 2),
        (_newest_weighs_most, np.array([5, 3, 7, 2, 4]), 3, 3),
    ],
    alternatives=[_iterate_growing, _iterate_torch],
    properties=[_first_forecast_from_data],
    mistakes={
        "window_stands_still": Mistake(
            """Every forecast is made from the same window, so every forecast is the same.

            After each step the window must move on: drop its oldest lag, put the forecast at
            its end.
            """,
            {"lags = np.append(lags[1:], forecast)": "pass"},
        ),
        "forecast_enters_as_oldest": Mistake(
            """The forecast enters the window at the wrong end.

            Lags stand oldest first, so the forecast, now the newest value, belongs at the end.
            """,
            {"np.append(lags[1:], forecast)": "np.append(forecast, lags[:-1])"},
            """
            lags, forecasts = history[-window:].copy(), []
            for _ in range(horizon):
                forecasts.append(predict(lags))
                lags = np.roll(lags, 1)
                lags[0] = forecasts[-1]
            return np.array(forecasts)
            """,
        ),
        "forecast_replaces_oldest": Mistake(
            """The forecast takes the place of the oldest lag, and the others stay where they are.

            All lags move one place to the left; the forecast enters on the right, as the
            newest.
            """,
            {"np.append(lags[1:], forecast)": "np.append(forecast, lags[1:])"},
        ),
        "newest_lag_dropped": Mistake(
            """The wrong lag leaves: each forecast replaces the newest value, and the oldest ones
            stay.

            Drop the oldest lag, `lags[1:]`, before the forecast enters at the end.
            """,
            {"np.append(lags[1:], forecast)": "np.append(lags[:-1], forecast)"},
        ),
        "rolls_the_wrong_way": Mistake(
            """The window rolls the wrong way: to the right, so that the forecast replaces a newer
            lag.

            The oldest lag, at index 0, is the one to leave: all others move one place to the
            left, as with `np.roll(lags, -1)`.
            """,
            {"np.append(lags[1:], forecast)": "np.append(np.roll(lags, 1)[:-1], forecast)"},
            """
            lags, forecasts = history[-window:].copy(), []
            for _ in range(horizon):
                forecasts.append(predict(lags))
                lags = np.roll(lags, 1)
                lags[-1] = forecasts[-1]
            return np.array(forecasts)
            """,
        ),
        "window_grows": Mistake(
            """The window grows by one lag at each step: nothing leaves it.

            The model takes exactly `window` lags, so when a forecast enters, the oldest lag
            leaves.
            """,
            {"lags[1:]": "lags"},
        ),
        "whole_history": Mistake(
            """The model is given the whole history instead of the last `window` values of it.

            `history[-window:]` is what it may see.
            """,
            "return solution(predict, history, horizon, len(history))",
        ),
        "first_window": Mistake(
            """The forecast starts from the beginning of the history, where everything is known.

            What comes next follows the end: start from the last `window` values,
            `history[-window:]`.
            """,
            {"history[-window:]": "history[:window]"},
        ),
        "writes_into_history": Mistake(
            """The forecasts are written into the caller's own history, which they destroy.

            A slice of an array is a window onto it, not a copy: moving `history[-window:]`
            along in place overwrites the data. Begin with a copy, of numbers with decimals:
            `history[-window:].astype(float)`.
            """,
            """
            lags, forecasts = history[-window:], np.zeros(horizon)
            for k in range(horizon):
                forecasts[k] = predict(lags)
                lags[:-1] = lags[1:]
                lags[-1] = forecasts[k]
            return forecasts
            """,
        ),
        "keeps_whole_numbers": Mistake(
            """Where history holds whole numbers, the forecasts lose their decimals: an array that
            was made from it can hold nothing else.

            Begin with `history[-window:].astype(float)`, which is a copy, too.
            """,
            """
            lags, forecasts = history[-window:].copy(), np.zeros(horizon)
            for k in range(horizon):
                forecasts[k] = predict(lags)
                lags[:-1] = lags[1:]
                lags[-1] = forecasts[k]
            return forecasts
            """,
            """
            values = np.concatenate([history, np.zeros(horizon, dtype=history.dtype)])
            for n in range(len(history), len(values)):
                values[n] = predict(values[n - window : n])
            return values[len(history) :]
            """,
        ),
    },
)
