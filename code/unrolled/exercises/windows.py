"""The exercises of the chapter on windows."""

# ruff: noqa: D401, D404  (the docstring of a mistake is what its author is told)

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from unrolled.exercises.grading import Exercise, bug_hunt

Array = NDArray[np.float64]
Pair = tuple[Array, Array]
Predict = Callable[[Array], float]
SplitAndScale = Callable[[Array, int], Pair]

_rng = np.random.default_rng(0)


def _series(length: int) -> Array:
    return np.round(_rng.normal(size=length), 1)


# --- lag_matrix -----------------------------------------------------------------------------


def lag_matrix(series: Array, window: int) -> Pair:
    """Cut a series of N values into N - window training pairs: (inputs, targets).

    Row t of inputs holds series[t], ..., series[t + window - 1], oldest first;
    targets[t] is the value that comes next, series[t + window].
    Shapes: inputs (N - window, window), targets (N - window,).
    """
    pairs = len(series) - window
    inputs = np.stack([series[t : t + window] for t in range(pairs)])
    targets = series[window:]
    return inputs, targets


def _lag_matrix_sliding(series: Array, window: int) -> Pair:
    return np.lib.stride_tricks.sliding_window_view(series, window)[:-1], series[window:]


def _lag_matrix_indexed(series: Array, window: int) -> Pair:
    t = np.arange(len(series) - window)
    return series[t[:, None] + np.arange(window)], series[t + window]


def _lag_matrix_filled(series: Array, window: int) -> Pair:
    pairs = len(series) - window
    inputs, targets = np.zeros((pairs, window)), np.zeros(pairs)
    for t in range(pairs):
        for j in range(window):
            inputs[t, j] = series[t + j]
        targets[t] = series[t + window]
    return inputs, targets


def _lag_matrix_float32(series: Array, window: int) -> Any:
    return lag_matrix(series.astype(np.float32), window)


def _lag_matrix_torch(series: Array, window: int) -> Any:
    import torch

    values = torch.from_numpy(series)
    return values.unfold(0, window, 1)[:-1], values[window:]


def _target_inside_the_window(series: Array, window: int) -> Pair:
    """Each target is the last value of its own window.

    A model trained on these pairs only learns to copy: it sees the answer in its input. The
    target of row t is one step later, `series[t + window]`.
    """
    inputs, _ = lag_matrix(series, window)
    return inputs, inputs[:, -1]


def _window_begins_late(series: Array, window: int) -> Pair:
    """Each window begins one step late, so that its last value is its own target.

    A model trained on these pairs only learns to copy: it sees the answer in its input. Row t
    begins with `series[t]`.
    """
    _, targets = lag_matrix(series, window)
    inputs = np.stack([series[t + 1 : t + 1 + window] for t in range(len(targets))])
    return inputs, targets


def _newest_first(series: Array, window: int) -> Pair:
    """The lags stand newest first.

    The oldest value of a window belongs in column 0 and the newest in the last column, so that
    time runs from left to right.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[:, ::-1], targets


def _last_pair_dropped(series: Array, window: int) -> Pair:
    """The last pair is missing.

    N values hold N - window pairs. `range(N - window)` already leaves out its end, so
    subtracting one more loses the pair with the newest target.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[:-1], targets[:-1]


def _two_steps_ahead(series: Array, window: int) -> Pair:
    """The targets are two steps ahead: the value right after each window is skipped.

    Row t ends with `series[t + window - 1]`, so what comes next is `series[t + window]`.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[:-1], targets[1:]


def _window_without_target(series: Array, window: int) -> Pair:
    """There is a window too many: the last one has no value after it.

    N values hold N - window + 1 windows, and one fewer pairs, because the last window ends
    where the series does.
    """
    inputs, targets = lag_matrix(series, window)
    return np.vstack([inputs, series[-window:]]), targets


def _targets_first(series: Array, window: int) -> Pair:
    """The two results are the wrong way round: return `inputs, targets`, in this order."""
    inputs, targets = lag_matrix(series, window)
    return targets, inputs


def _windows_side_by_side(series: Array, window: int) -> Pair:
    """The windows do not overlap: each begins where the one before it ends.

    Every value but the first few is a target, so consecutive windows begin one step apart.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[::window], targets[::window]


def _lag_in_each_row(series: Array, window: int) -> Pair:
    """Rows and columns are swapped: each row holds one lag of every pair.

    A model takes one example a row, so row t must be the window that begins at t.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs.T, targets


def _windows_move_by_one(result: Pair, series: Array, window: int) -> bool:
    """Each row of `inputs` should be the row above it moved on by one step. Yours are not."""
    inputs, _ = result
    return np.allclose(inputs[1:, :-1], inputs[:-1, 1:])


# --- seasonal_repeat ------------------------------------------------------------------------


def seasonal_repeat(history: Array, horizon: int, period: int) -> Array:
    """Forecast each of the next horizon values as the last one seen at the same phase.

    The value k steps after the end of history (k = 1, 2, ...) is forecast by the newest
    observed value that lies a whole number of periods before it. The horizon may be longer
    than the period: the last season is then repeated. Shape of the result: (horizon,).
    """
    last_season = history[-period:]
    return last_season[np.arange(horizon) % period]


def _seasonal_tiled(history: Array, horizon: int, period: int) -> Array:
    seasons = horizon // period + 1
    return np.tile(history[-period:], seasons)[:horizon]


def _seasonal_grown(history: Array, horizon: int, period: int) -> Array:
    values = list(history)
    for _ in range(horizon):
        values.append(values[-period])
    return np.array(values[len(history) :])


def _seasonal_float32(history: Array, horizon: int, period: int) -> Any:
    return np.resize(history[-period:].astype(np.float32), horizon)


def _seasonal_torch(history: Array, horizon: int, period: int) -> Any:
    import torch

    return torch.from_numpy(history)[-period:].repeat(horizon // period + 1)[:horizon]


def _repeats_first_season(history: Array, horizon: int, period: int) -> Array:
    """This repeats the first season of the history. The newest one is the best guess.

    `history[-period:]` is the last season.
    """
    return seasonal_repeat(history[:period], horizon, period)


def _repeats_last_value(history: Array, horizon: int, period: int) -> Array:
    """This repeats the last value; it takes no notice of the season.

    That is the repeat-last baseline. Here, step k copies the value one whole period before it.
    """
    return np.full(horizon, history[-1])


def _stays_at_the_end_of_the_season(history: Array, horizon: int, period: int) -> Array:
    """After one season the forecast stays at its last value.

    Beyond the horizon of one period the season starts again from its first value: the index
    wraps round, which is what `%` does.
    """
    return history[-period:][np.minimum(np.arange(horizon), period - 1)]


def _period_one_too_long(history: Array, horizon: int, period: int) -> Array:
    """The period is one too long: this repeats the last period + 1 values.

    The first forecast copies the value `period` steps before it, which is `history[-period]`.
    """
    return seasonal_repeat(history, horizon, period + 1)


def _period_one_too_short(history: Array, horizon: int, period: int) -> Array:
    """The period is one too short: this repeats the last period - 1 values.

    The first forecast copies the value `period` steps before it, which is `history[-period]`.
    """
    return seasonal_repeat(history, horizon, period - 1)


def _season_backwards(history: Array, horizon: int, period: int) -> Array:
    """This replays the last season backwards, from its newest value to its oldest.

    The first forecast copies `history[-period]`, the second `history[-period + 1]`, and so on.
    """
    return seasonal_repeat(history[-period:][::-1], horizon, period)


def _phase_of_the_series(history: Array, horizon: int, period: int) -> Array:
    """The phase is counted from the wrong place: the last season was rolled by one step.

    The first forecast copies `history[-period]`: step k = 1 is index 0 of the last season.
    """
    return history[-period:][(np.arange(horizon) + 1) % period]


def _at_most_one_season(history: Array, horizon: int, period: int) -> Array:
    """The forecast stops after one season, though more steps were asked for.

    When the horizon is longer than the period, start the last season again.
    """
    return history[-period:][:horizon]


def _one_period_apart_is_equal(result: Array, history: Array, horizon: int, period: int) -> bool:
    """Two forecasts one period apart copy the same value, so they should be equal. Yours differ."""
    return np.allclose(result[period:], result[:-period])


# --- iterate --------------------------------------------------------------------------------


def iterate(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Forecast horizon steps ahead with a model that only knows how to forecast one.

    predict(lags) takes the last window values, oldest first, as an array of shape (window,), and
    returns the next value, a number. After each step the window moves on: the oldest lag leaves
    and the forecast enters as the newest, so that later forecasts feed on earlier ones.
    Shape of the result: (horizon,).
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


def _iterate_filled(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    known = len(history)
    values = np.concatenate([history, np.zeros(horizon)])
    for t in range(known, known + horizon):
        values[t] = predict(values[t - window : t])
    return values[known:]


def _iterate_float32(predict: Predict, history: Array, horizon: int, window: int) -> Any:
    lags, forecasts = history[-window:].astype(np.float32), np.zeros(horizon, np.float32)
    for k in range(horizon):
        forecasts[k] = predict(lags)  # type: ignore[arg-type]
        lags = np.roll(lags, -1)
        lags[-1] = forecasts[k]
    return forecasts


def _iterate_torch(predict: Predict, history: Array, horizon: int, window: int) -> Any:
    import torch

    lags, forecasts = torch.from_numpy(history[-window:].copy()), []
    for _ in range(horizon):
        forecasts.append(predict(lags.numpy()))
        lags = torch.cat([lags[1:], torch.tensor([forecasts[-1]], dtype=lags.dtype)])
    return torch.tensor(forecasts)


def _window_stands_still(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Every forecast is made from the same window, so every forecast is the same.

    After each step the window must move on: drop its oldest lag, put the forecast at its end.
    """
    return np.full(horizon, predict(history[-window:]))


def _forecast_enters_as_oldest(
    predict: Predict, history: Array, horizon: int, window: int
) -> Array:
    """The forecast enters the window at the wrong end.

    Lags stand oldest first, so the forecast, now the newest value, belongs at the end.
    """
    lags, forecasts = history[-window:], []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.append(forecasts[-1], lags[:-1])
    return np.array(forecasts)


def _forecast_replaces_oldest(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The forecast takes the place of the oldest lag, and the others stay where they are.

    All lags move one place to the left; the forecast enters on the right, as the newest.
    """
    lags, forecasts = history[-window:], []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.append(forecasts[-1], lags[1:])
    return np.array(forecasts)


def _newest_lag_dropped(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The wrong lag leaves: each forecast replaces the newest value, and the oldest ones stay.

    Drop the oldest lag, `lags[1:]`, before the forecast enters at the end.
    """
    lags, forecasts = history[-window:], []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.append(lags[:-1], forecasts[-1])
    return np.array(forecasts)


def _window_grows(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The window grows by one lag at each step: nothing leaves it.

    The model takes exactly `window` lags, so when a forecast enters, the oldest lag leaves.
    """
    lags, forecasts = history[-window:], []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.append(lags, forecasts[-1])
    return np.array(forecasts)


def _whole_history(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The model is given the whole history instead of the last `window` values of it.

    `history[-window:]` is what it may see.
    """
    return iterate(predict, history, horizon, len(history))


def _first_window(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The forecast starts from the beginning of the history, where everything is known.

    What comes next follows the end: start from the last `window` values, `history[-window:]`.
    """
    return iterate(predict, history[:window], horizon, window)


def _writes_into_history(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """The forecasts are written into the caller's own history, which they destroy.

    A slice of an array is a window onto it, not a copy: moving `history[-window:]` along in
    place overwrites the data. Begin with `history[-window:].copy()`.
    """
    lags, forecasts = history[-window:], np.zeros(horizon)
    for k in range(horizon):
        forecasts[k] = predict(lags)
        lags[:-1] = lags[1:]
        lags[-1] = forecasts[k]
    return forecasts


def _last_forecast_only(predict: Predict, history: Array, horizon: int, window: int) -> float:
    """Only the last forecast is returned. All of them are asked for, in order.

    Keep each one, for example in a list, and return `np.array(...)` of it.
    """
    return float(iterate(predict, history, horizon, window)[-1])


def _first_forecast_from_data(
    result: Array, predict: Predict, history: Array, horizon: int, window: int
) -> bool:
    """The first forecast should see the last `window` values, oldest first. Yours does not."""
    return np.allclose(result[0], predict(history[-window:]))


def _newest_weighs_most(lags: Array) -> float:
    """A model that weighs its lags 0.1, 0.2, 0.3, ... from the oldest to the newest."""
    return float(np.arange(1, len(lags) + 1) @ np.asarray(lags) / 10)


def _continues_the_line(lags: Array) -> float:
    """A model that continues the straight line from its oldest lag to its newest."""
    return float(lags[-1] + (lags[-1] - lags[0]) / max(len(lags) - 1, 1))


# --- random_walk_error ----------------------------------------------------------------------


def random_walk_error(k: int, sigma: float) -> float:
    """Say how wrong repeat-last is on a random walk: its expected squared error k steps ahead.

    The walk is x[t + 1] = x[t] + e[t]; its steps e[t] are independent, with mean 0 and standard
    deviation sigma. The forecast of x[t + k] is x[t].
    """
    return k * sigma**2


def _random_walk_looped(k: int, sigma: float) -> float:
    error = 0.0
    for _ in range(k):
        error += sigma * sigma
    return error


def _random_walk_vectorised(k: int, sigma: float) -> Any:
    return np.sum(np.full(k, sigma) ** 2)


def _random_walk_float32(k: int, sigma: float) -> Any:
    return np.float32(k) * np.square(np.float32(sigma))


def _random_walk_torch(k: int, sigma: float) -> Any:
    import torch

    return torch.full((k,), sigma).square().sum()


def _one_step_only(k: int, sigma: float) -> float:
    """This is the error of one step. It does not grow with k, and on a random walk it must.

    The error k steps ahead is the sum of k independent steps.
    """
    return sigma**2


def _adds_deviations(k: int, sigma: float) -> float:
    """Here the steps' standard deviations are added: k sigma, squared.

    That would be right if all steps were equal. Independent steps partly cancel: it is their
    variances that add up.
    """
    return (k * sigma) ** 2


def _one_step_short(k: int, sigma: float) -> float:
    """One step is missing: k - 1 are counted.

    From x[t] to x[t + k] there are k steps: e[t], ..., e[t + k - 1]. Try k = 1.
    """
    return (k - 1) * sigma**2


def _one_step_too_many(k: int, sigma: float) -> float:
    """One step too many is counted.

    From x[t] to x[t + k] there are k steps: e[t], ..., e[t + k - 1]. Try k = 1.
    """
    return (k + 1) * sigma**2


def _root(k: int, sigma: float) -> float:
    """This is the root of the expected squared error, the standard deviation of the forecast.

    The square itself is asked for.
    """
    return float(np.sqrt(k)) * sigma


def _deviation_for_variance(k: int, sigma: float) -> float:
    """Sigma stands where its square belongs.

    Sigma is the standard deviation of a step. Its expected square, the variance, is sigma**2.
    """
    return k * sigma


def _mean_error(k: int, sigma: float) -> float:
    """Zero is the expected error, in which errors up and down cancel. Their squares do not.

    What is asked for is the expected value of the square: of the sum of k steps, squared.
    """
    return 0.0


# --- parameters -----------------------------------------------------------------------------


def parameters(window: int, hidden: int) -> int:
    """Count the numbers that a windowed perceptron learns: window lags -> hidden units -> 1.

    Each layer is fully connected, and each unit has a bias: the hidden units and the output.
    """
    return window * hidden + hidden + hidden + 1


def _parameters_factored(window: int, hidden: int) -> int:
    return (window + 2) * hidden + 1


def _parameters_looped(window: int, hidden: int) -> int:
    count = 0
    for inputs, units in ((window, hidden), (hidden, 1)):
        for _ in range(units):
            count += inputs + 1
    return count


def _parameters_vectorised(window: int, hidden: int) -> Any:
    sizes = np.array([window, hidden, 1])
    return ((sizes[:-1] + 1) * sizes[1:]).sum()


def _parameters_float32(window: int, hidden: int) -> Any:
    return np.float32((window + 2) * hidden + 1)


def _parameters_torch(window: int, hidden: int) -> int:
    from torch import nn

    model = nn.Sequential(nn.Linear(window, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return sum(p.numel() for p in model.parameters())


def _no_biases(window: int, hidden: int) -> int:
    """The biases are missing; the weights are all there.

    Each hidden unit has one bias, and so has the output: hidden + 1 more.
    """
    return window * hidden + hidden


def _no_output_bias(window: int, hidden: int) -> int:
    """One number is missing: the bias of the output."""
    return window * hidden + hidden + hidden


def _hidden_counted_once(window: int, hidden: int) -> int:
    """This is short by `hidden`: one of two sets of that size is missing.

    There are `hidden` biases, one for each hidden unit, and also `hidden` weights from the hidden
    units to the output.
    """
    return window * hidden + hidden + 1


def _first_layer_only(window: int, hidden: int) -> int:
    """This counts the weights of the first layer only.

    To come: a bias for each hidden unit, a weight from each of them to the output, and its bias.
    """
    return window * hidden


def _one_bias_a_layer(window: int, hidden: int) -> int:
    """Here each layer has one bias; in truth each of its units has one.

    The hidden layer has `hidden` biases, the output layer has one.
    """
    return window * hidden + hidden + 2


def _counts_units(window: int, hidden: int) -> int:
    """These are the units of the network. What it learns is on the connections between them.

    Between `window` lags and `hidden` units there are window * hidden weights.
    """
    return window + hidden + 1


def _biased_inputs(window: int, hidden: int) -> int:
    """The lags were given biases, too. They are data: nothing is learned for them.

    Only the hidden units and the output have biases.
    """
    return window * hidden + hidden + hidden + 1 + window


# --- catches_leak ---------------------------------------------------------------------------


def catches_leak(split_and_scale: SplitAndScale) -> None:
    """Write a test that no leaking implementation of split_and_scale passes.

    split_and_scale(series, n_train) should cut a series, an array of shape (N,), after its first
    n_train values, subtract the mean of the training part from both parts, divide both by the
    standard deviation of the training part (np.std), and return (train, test).

    Call it with a series of your choice, compare what it returns with what it should be, and
    raise AssertionError (with assert) when they differ. For a right implementation, return
    nothing. Numbers may differ in their last digits: compare with np.allclose.
    """
    series = np.arange(12.0)
    train, test = split_and_scale(series, 8)
    past, future = series[:8], series[8:]
    mean, sd = past.mean(), past.std()
    assert np.allclose(train, (past - mean) / sd)
    assert np.allclose(test, (future - mean) / sd)


def _catches_leak_undone(split_and_scale: SplitAndScale) -> None:
    series = np.sin(np.arange(30.0)) + 0.1 * np.arange(30.0)
    scaled = split_and_scale(series, 20)
    assert [len(part) for part in scaled] == [20, 10]
    restored = np.concatenate(scaled) * series[:20].std() + series[:20].mean()
    np.testing.assert_allclose(restored, series, rtol=1e-6, atol=1e-6)


def _catches_leak_looped(split_and_scale: SplitAndScale) -> None:
    series = np.array([3.0, 1.0, 4.0, 1.0, 5.0, 9.0, 2.0, 6.0])
    train, test = split_and_scale(series, 5)
    if len(train) != 5 or len(test) != 3:
        raise AssertionError("the parts have the wrong lengths")
    mean = sum(series[:5]) / 5
    sd = (sum((x - mean) ** 2 for x in series[:5]) / 5) ** 0.5
    for got, x in zip([*train, *test], series, strict=True):
        if abs(got - (x - mean) / sd) > 1e-6:
            raise AssertionError(f"{x} was scaled to {got}")


def _catches_leak_float32(split_and_scale: SplitAndScale) -> None:
    series = np.array([2, 7, 1, 8, 2, 8, 1, 8, 2, 8], np.float32)
    train, test = split_and_scale(series, 6)  # type: ignore[arg-type]
    scale = (series - series[:6].mean()) / series[:6].std()
    assert np.allclose(train, scale[:6], atol=1e-4)
    assert np.allclose(test, scale[6:], atol=1e-4)


def _catches_leak_torch(split_and_scale: SplitAndScale) -> None:
    import torch

    series = torch.linspace(0, 3, 10, dtype=torch.float64).exp()
    train, test = map(torch.as_tensor, split_and_scale(series.numpy(), 7))
    mean, sd = series[:7].mean(), series[:7].std(correction=0)
    torch.testing.assert_close(train, (series[:7] - mean) / sd)
    torch.testing.assert_close(test, (series[7:] - mean) / sd)


def _looks_at_train_only(split_and_scale: SplitAndScale) -> None:
    """Your test looks at the training part only, and not all bugs show there.

    Check the values of the test part, too: they are scaled by numbers from the training part.
    """
    series = np.arange(12.0) ** 2
    train, _ = split_and_scale(series, 8)
    assert np.allclose(train, (series[:8] - series[:8].mean()) / series[:8].std())


def _looks_at_test_only(split_and_scale: SplitAndScale) -> None:
    """Your test looks at the test part only, so what becomes of the training part goes unseen.

    Check the values of both parts.
    """
    series = np.arange(12.0) ** 2
    _, test = split_and_scale(series, 8)
    assert np.allclose(test, (series[8:] - series[:8].mean()) / series[:8].std())


def _checks_lengths_only(split_and_scale: SplitAndScale) -> None:
    """Your test checks how long the two parts are, not what is in them.

    A leak changes values. Work out what they should be, and compare.
    """
    train, test = split_and_scale(np.arange(12.0) ** 2, 8)
    assert len(train) == 8
    assert len(test) == 4


def _checks_mean_and_deviation(split_and_scale: SplitAndScale) -> None:
    """Your test checks that the training part has mean 0 and standard deviation 1.

    That is true of it however the test part was treated, and in whatever order its values stand.
    Compare the values of both parts with what they should be.
    """
    train, _ = split_and_scale(np.arange(12.0) ** 2, 8)
    assert np.isclose(train.mean(), 0)
    assert np.isclose(train.std(), 1)


def _wants_test_standardised(split_and_scale: SplitAndScale) -> None:
    """Your test wants mean 0 and standard deviation 1 in the test part as well.

    A right implementation does not give that. The test part is scaled by the training part's
    numbers, and may lie anywhere: when the model is used, the future's mean is not known.
    """
    train, test = split_and_scale(np.arange(12.0) ** 2, 8)
    for part in (train, test):
        assert np.isclose(part.mean(), 0)
        assert np.isclose(part.std(), 1)


def _accepts_everything(split_and_scale: SplitAndScale) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Compute what should come back and `assert` that it does.
    """
    split_and_scale(np.arange(12.0) ** 2, 8)


def _exact_equality(split_and_scale: SplitAndScale) -> None:
    """Your test compares numbers with `==`, and rounding differs between two right ways.

    Compare with `np.allclose`, which forgives the last digits.
    """
    series = np.arange(12.0) ** 2
    train, test = split_and_scale(series, 8)
    past, future = series[:8], series[8:]
    assert np.array_equal(train, (past - past.mean()) / past.std())
    assert np.array_equal(test, (future - past.mean()) / past.std())


def _plain_split(series: Array, n_train: int) -> Pair:
    """Subtracts the training mean and divides by the training standard deviation."""
    train, test = series[:n_train], series[n_train:]
    return (train - train.mean()) / train.std(), (test - train.mean()) / train.std()


def _split_after_scaling(series: Array, n_train: int) -> Pair:
    """Multiplies by 1 / sd and adds -mean / sd: the same up to rounding, training numbers only."""
    mean, sd = series[:n_train].mean(), series[:n_train].std()
    scaled = series * (1 / sd) + (-mean / sd)
    return scaled[:n_train], scaled[n_train:]


def _whole_series_statistics(series: Array, n_train: int) -> Pair:
    """Takes the mean and standard deviation of the whole series, the test part included."""
    scaled = (series - series.mean()) / series.std()
    return scaled[:n_train], scaled[n_train:]


def _each_by_its_own(series: Array, n_train: int) -> Pair:
    """Scales the test part by the test part's own mean and standard deviation."""
    train, test = series[:n_train], series[n_train:]
    return (train - train.mean()) / train.std(), (test - test.mean()) / test.std()


def _shuffled(series: Array, n_train: int) -> Pair:
    """Shuffles the series before it is cut, so that the training part holds future values."""
    return _plain_split(np.random.default_rng(1).permutation(series), n_train)


def _shared_value(series: Array, n_train: int) -> Pair:
    """Begins the test part one value too early: the last training value is also tested on."""
    train, _ = _plain_split(series, n_train)
    mean, sd = series[:n_train].mean(), series[:n_train].std()
    return train, (series[n_train - 1 :] - mean) / sd


def _train_sees_the_whole(series: Array, n_train: int) -> Pair:
    """Scales the training part with numbers from the whole series; the test part is right."""
    train, _ = _whole_series_statistics(series, n_train)
    _, test = _plain_split(series, n_train)
    return train, test


def _one_value_of_the_future(series: Array, n_train: int) -> Pair:
    """Takes its mean and standard deviation from n_train + 1 values: one is of the test part."""
    seen = series[: n_train + 1]
    scaled = (series - seen.mean()) / seen.std()
    return scaled[:n_train], scaled[n_train:]


_ANY_SERIES = "the test may choose its series"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "windows.lag_matrix",
        lag_matrix,
        cases=[(np.arange(10.0, 70, 10), 2), (_series(9), 4), (_series(8), 1), (_series(6), 5)],
        mistakes=[
            _target_inside_the_window,
            _window_begins_late,
            _newest_first,
            _last_pair_dropped,
            _two_steps_ahead,
            _window_without_target,
            _targets_first,
            _windows_side_by_side,
            _lag_in_each_row,
        ],
        alternatives=[
            _lag_matrix_sliding,
            _lag_matrix_indexed,
            _lag_matrix_filled,
            _lag_matrix_float32,
            _lag_matrix_torch,
        ],
        properties=[_windows_move_by_one],
        parts=("inputs", "targets"),
    ),
    Exercise(
        "windows.seasonal_repeat",
        seasonal_repeat,
        cases=[
            (np.array([1.0, 2, 3, 10, 20, 30, 40]), 5, 3),
            (_series(11), 4, 4),
            (_series(9), 2, 4),
            (_series(8), 11, 3),
        ],
        mistakes=[
            _repeats_first_season,
            _repeats_last_value,
            _stays_at_the_end_of_the_season,
            _period_one_too_long,
            _period_one_too_short,
            _season_backwards,
            _phase_of_the_series,
            _at_most_one_season,
        ],
        alternatives=[_seasonal_tiled, _seasonal_grown, _seasonal_float32, _seasonal_torch],
        properties=[_one_period_apart_is_equal],
    ),
    Exercise(
        "windows.iterate",
        iterate,
        cases=[
            (_newest_weighs_most, np.array([50.0, 30, 70, 20, 40]), 3, 2),
            (_newest_weighs_most, _series(8), 6, 3),
            (_continues_the_line, np.array([7.0, 9, 1, 2, 4]), 2, 3),
            (_newest_weighs_most, _series(5), 1, 3),
        ],
        mistakes=[
            _window_stands_still,
            _forecast_enters_as_oldest,
            _forecast_replaces_oldest,
            _newest_lag_dropped,
            _window_grows,
            _whole_history,
            _first_window,
            _writes_into_history,
            _last_forecast_only,
        ],
        alternatives=[_iterate_growing, _iterate_filled, _iterate_float32, _iterate_torch],
        properties=[_first_forecast_from_data],
    ),
    Exercise(
        "windows.random_walk_error",
        random_walk_error,
        cases=[(5, 3.0), (1, 0.5), (2, 0.1), (40, 1.0)],
        mistakes=[
            _one_step_only,
            _adds_deviations,
            _one_step_short,
            _one_step_too_many,
            _root,
            _deviation_for_variance,
            _mean_error,
        ],
        alternatives=[
            _random_walk_looped,
            _random_walk_vectorised,
            _random_walk_float32,
            _random_walk_torch,
        ],
    ),
    Exercise(
        "windows.parameters",
        parameters,
        cases=[(5, 3), (1, 1), (24, 32), (2, 7)],
        mistakes=[
            _no_biases,
            _no_output_bias,
            _hidden_counted_once,
            _first_layer_only,
            _one_bias_a_layer,
            _counts_units,
            _biased_inputs,
        ],
        alternatives=[
            _parameters_factored,
            _parameters_looped,
            _parameters_vectorised,
            _parameters_float32,
            _parameters_torch,
        ],
    ),
    bug_hunt(
        "windows.catches_leak",
        catches_leak,
        right=[_plain_split, _split_after_scaling],
        buggy=[
            _whole_series_statistics,
            _each_by_its_own,
            _shuffled,
            _shared_value,
            _train_sees_the_whole,
            _one_value_of_the_future,
        ],
        mistakes=[
            _looks_at_train_only,
            _looks_at_test_only,
            _checks_lengths_only,
            _checks_mean_and_deviation,
            _wants_test_standardised,
            _accepts_everything,
            _exact_equality,
        ],
        alternatives=[
            _catches_leak_undone,
            _catches_leak_looped,
            _catches_leak_float32,
            _catches_leak_torch,
        ],
        equivalent={
            "series = np.arange(12.0) -> series = np.arange(13.0)": _ANY_SERIES,
            "series = np.arange(12.0) -> series = np.arange(11.0)": _ANY_SERIES,
            "assert np.allclose(train, (past - mean) / sd)"
            " -> assert np.allclose((past - mean) / sd, train)": _EITHER_ORDER,
            "assert np.allclose(test, (future - mean) / sd)"
            " -> assert np.allclose((future - mean) / sd, test)": _EITHER_ORDER,
        },
    ),
)
