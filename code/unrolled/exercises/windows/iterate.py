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


def iterate(predict: Predict, history: Array, horizon: int, window: int) -> Any:
    """Forecast values with a model that knows the next difference.

    history has shape (N,), oldest value first, and N is larger than window;
    predict maps an array of window differences to a number. Return the
    forecasts in order, an array of shape (horizon,).
    """
    lags = np.diff(history)[-window:]
    steps = []
    for _ in range(horizon):
        step = predict(lags)
        lags = np.append(lags[1:], step)
        steps.append(step)
    return history[-1] + np.cumsum(steps)


def _growing(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    values = list(history)
    for _ in range(horizon):
        last = values[-window - 1 :]
        lags = [last[m + 1] - last[m] for m in range(window)]
        values.append(values[-1] + predict(np.array(lags)))
    return np.array(values[-horizon:])


def _of_values(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Make a forecaster of values out of the one of differences, and iterate that."""

    def next_value(values: Array) -> float:
        return float(values[-1] + predict(np.diff(values)))

    values = history[-window - 1 :].astype(float)
    forecasts = np.empty(horizon)
    for k in range(horizon):
        forecasts[k] = next_value(values)
        values = np.roll(values, -1)
        values[-1] = forecasts[k]
    return forecasts


def _torch(predict: Predict, history: Array, horizon: int, window: int) -> Any:
    import torch

    values = torch.from_numpy(history.astype(float))
    lags = values.diff()
    for _ in range(horizon):
        step = predict(lags[-window:].numpy())
        lags = torch.cat([lags, torch.tensor([step], dtype=lags.dtype)])
    return values[-1] + lags[-horizon:].cumsum(0)


def _first_forecast_from_data(
    result: Array, predict: Predict, history: Array, horizon: int, window: int
) -> bool:
    """The first forecast is wrong already, though nothing that was forecast enters it.

    It is made of the last value and of what `predict` says to the last `window` differences.
    """
    return np.allclose(result[0], history[-1] + predict(np.diff(history)[-window:]))


def _newest_weighs_most(lags: Array) -> float:
    """Weighs its differences 0.1, 0.2, 0.3, ... from the oldest on."""
    return float(np.arange(1, len(lags) + 1) @ np.asarray(lags) / 10)


def _continues_the_line(lags: Array) -> float:
    """Continues the line from its oldest difference to its newest."""
    return float(lags[-1] + (lags[-1] - lags[0]) / max(len(lags) - 1, 1))


def _bends(lags: Array) -> float:
    """Takes the cosine of the mean of its differences, the newest twice."""
    return float(np.cos((np.sum(lags) + lags[-1]) / (len(lags) + 1)))


_MOVES_ON = "lags = np.append(lags[1:], step)"
_ADDS_UP = "history[-1] + np.cumsum(steps)"

EXERCISE = Exercise(
    iterate,
    cases=[
        (_newest_weighs_most, np.array([50.0, 30, 70, 20, 40]), 3, 3),
        (_newest_weighs_most, numbers(_rng, 8), 6, 4),
        (_continues_the_line, np.array([7.0, 9, 1, 2, 4]), 2, 3),
        (_newest_weighs_most, numbers(_rng, 8), 6, 4),
        (_newest_weighs_most, numbers(_rng, 5), 4, 1),
        (_continues_the_line, numbers(_rng, 5), 1, 4),  # all of the history, one step
        (_bends, numbers(_rng, 31), 40, 7),
        (_continues_the_line, 1e6 * numbers(_rng, 6), 5, 2),
        (_newest_weighs_most, 1e-6 * numbers(_rng, 7), 4, 3),
        (_bends, np.zeros(4), 3, 2),
        (_bends, np.array([2.0, 1.5]), 2, 1),
        (_newest_weighs_most, np.array([5, 3, 7, 2, 4]), 3, 3),
    ],
    alternatives=[_growing, _of_values, _torch],
    properties=[_first_forecast_from_data],
    mistakes={
        "differences_returned": Mistake(
            """These are the forecasts of the differences. Asked for are values.

            Where does a series stand that was at `history[-1]` and then made these steps?
            """,
            {_ADDS_UP: "np.array(steps)"},
        ),
        "not_added_up": Mistake(
            """Each step is added to the last known value. The second step starts from where the
            first one has led.
            """,
            {_ADDS_UP: "history[-1] + np.array(steps)"},
        ),
        "last_value_missing": Mistake(
            """The steps are added up from 0. The series stood somewhere before the first of
            them.
            """,
            {_ADDS_UP: "np.cumsum(steps)"},
        ),
        "added_to_the_first_value": Mistake(
            """The steps are added to the oldest value. They begin where the history ends.""",
            {_ADDS_UP: "history[0] + np.cumsum(steps)"},
        ),
        "begins_with_the_last_value": Mistake(
            """The first forecast is the last value that was known, and all others are one step
            late.
            """,
            {_ADDS_UP: "history[-1] + np.cumsum([0.0, *steps[:-1]])"},
            """
            value, lags, forecasts = history[-1], np.diff(history)[-window:], []
            for _ in range(horizon):
                forecasts.append(value)
                value = value + predict(lags)
                lags = np.append(lags[1:], value - forecasts[-1])
            return np.array(forecasts)
            """,
        ),
        "model_of_values": Mistake(
            """`predict` is shown values, and what it says is taken for a value. It knows
            differences, and says the next of them.
            """,
            """
            lags, forecasts = history[-window:], []
            for _ in range(horizon):
                forecasts.append(predict(lags))
                lags = np.append(lags[1:], forecasts[-1])
            return np.array(forecasts)
            """,
        ),
        "shown_values": Mistake(
            """`predict` is shown values. What it says is right for differences only.""",
            """
            values = list(history)
            for _ in range(horizon):
                values.append(values[-1] + predict(np.array(values[-window:])))
            return np.array(values[-horizon:])
            """,
        ),
        "values_enter_the_window": Mistake(
            """The window begins with differences, and then forecasts of values enter it. What
            enters is the difference that was forecast.
            """,
            """
            lags, value, forecasts = np.diff(history)[-window:], history[-1], []
            for _ in range(horizon):
                value = value + predict(lags)
                lags = np.append(lags[1:], value)
                forecasts.append(value)
            return np.array(forecasts)
            """,
        ),
        "one_difference_too_few": Mistake(
            """The model is shown one difference too few: `window` values have window - 1
            differences between them.
            """,
            {"np.diff(history)[-window:]": "np.diff(history[-window:])"},
            """
            values = list(history)
            for _ in range(horizon):
                values.append(values[-1] + predict(np.diff(values[-window:])))
            return np.array(values[-horizon:])
            """,
        ),
        "differences_turned": Mistake(
            """The differences have the wrong sign: the newer value is taken from the older.""",
            {"np.diff(history)": "-np.diff(history)"},
        ),
        "window_stands_still": Mistake(
            """Every step is forecast from the same window, so all steps are the same.

            What is the newest difference, once a forecast has been made?
            """,
            {_MOVES_ON: "pass"},
        ),
        "enters_as_oldest": Mistake(
            """The forecast enters the window at the wrong end: as its oldest difference.""",
            {_MOVES_ON: "lags = np.append(step, lags[:-1])"},
        ),
        "replaces_oldest": Mistake(
            """The forecast takes the place of the oldest difference, and the others stay where
            they are. They should move on.
            """,
            {_MOVES_ON: "lags = np.append(step, lags[1:])"},
        ),
        "newest_dropped": Mistake(
            """The wrong difference leaves the window: each forecast replaces the newest, and the
            oldest ones stay.
            """,
            {_MOVES_ON: "lags = np.append(lags[:-1], step)"},
        ),
        "window_grows": Mistake(
            """The window grows at each step: nothing leaves it.""",
            {"lags[1:]": "lags"},
        ),
        "all_differences": Mistake(
            """The model is shown all differences of the history. It takes exactly `window` of
            them.
            """,
            {"np.diff(history)[-window:]": "np.diff(history)"},
        ),
        "one_difference_too_many": Mistake(
            """The model is shown one difference too many. It takes exactly `window` of them.""",
            {"np.diff(history)[-window:]": "np.diff(history)[-window - 1 :]"},
        ),
        "newest_first": Mistake(
            """The model is shown its differences newest first. They stand oldest first.""",
            {"predict(lags)": "predict(lags[::-1])"},
        ),
        "added_twice": Mistake(
            """What enters the window is the sum of all steps so far. It is the last step alone.""",
            {"np.append(lags[1:], step)": "np.append(lags[1:], np.sum([*steps, step]))"},
        ),
        "starts_one_step_early": Mistake(
            """The steps are added to the last value but one. They begin where the history ends.""",
            {_ADDS_UP: "history[-2] + np.cumsum(steps)"},
        ),
        "one_step_too_far": Mistake(
            """The first forecast is missing: these begin two steps ahead.""",
            "return solution(predict, history, horizon + 1, window)[1:]",
        ),
        "first_window": Mistake(
            """The forecast starts from the oldest differences. What comes next follows the newest
            ones.
            """,
            {"np.diff(history)[-window:]": "np.diff(history)[:window]"},
        ),
        "writes_into_history": Mistake(
            """The forecasts are written into the caller's own history, which they destroy.

            A slice of an array is a window onto it, and no copy.
            """,
            """
            values, forecasts = history[-window - 1 :], np.zeros(horizon)
            for k in range(horizon):
                forecasts[k] = values[-1] + predict(np.diff(values))
                values[:-1] = values[1:]
                values[-1] = forecasts[k]
            return forecasts
            """,
        ),
        "keeps_whole_numbers": Mistake(
            """Where history holds whole numbers, forecasts lose their decimals: an array that was
            made from it can hold nothing else.
            """,
            """
            values = np.concatenate([history, np.zeros(horizon, dtype=history.dtype)])
            for n in range(len(history), len(values)):
                values[n] = values[n - 1] + predict(np.diff(values[n - window - 1 : n]))
            return values[len(history) :]
            """,
            """
            lags, value, forecasts = np.diff(history)[-window:], float(history[-1]), []
            for _ in range(horizon):
                step = predict(lags)
                value += step
                forecasts.append(value)
                lags[:-1] = lags[1:]
                lags[-1] = step
            return np.array(forecasts)
            """,
            "return solution(predict, history, horizon, window).astype(history.dtype)",
        ),
    },
)
