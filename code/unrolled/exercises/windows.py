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
Move = Callable[[Array, float], Array]
SplitAndScale = Callable[[Array, int], Pair]

_rng = np.random.default_rng(0)


def _series(length: int) -> Array:
    return np.round(_rng.normal(size=length), 1)


# --- lag_matrix -----------------------------------------------------------------------------


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
    """The last pair is missing: `range` already stops one short of its end.

    N values hold N - window pairs, for t = 0, ..., N - window - 1. That is `range(N - window)`;
    subtracting one more loses the pair with the newest target.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[:-1], targets[:-1]


def _last_window_dropped(series: Array, window: int) -> Pair:
    """The last window is missing, though its target is there: `range` already stops one short.

    N values hold N - window pairs, for t = 0, ..., N - window - 1. That is `range(N - window)`.
    """
    inputs, targets = lag_matrix(series, window)
    return inputs[:-1], targets


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


def _target_kept_in_the_row(series: Array, window: int) -> Pair:
    """The rows are one value too long: each ends with its own target.

    A model trained on these pairs only learns to copy: it sees the answer in its input. Row t
    is `series[t : t + window]`, which stops before `series[t + window]`.
    """
    inputs, targets = lag_matrix(series, window)
    return np.column_stack([inputs, targets]), targets


def _windows_move_by_one(result: Pair, series: Array, window: int) -> bool:
    """Each row of `inputs` should be the row above it moved on by one step. Yours are not."""
    inputs, _ = result
    return np.allclose(inputs[1:, :-1], inputs[:-1, 1:])


# --- seasonal_repeat ------------------------------------------------------------------------


def seasonal_repeat(history: Array, horizon: int, period: int) -> Array:
    """Forecast that the last cycle comes again, for any number of steps.

    history has shape (N,), oldest value first; a cycle takes period steps, at most N.
    Return an array of shape (horizon,). Its k-th value (k = 1, ..., horizon) forecasts
    the k-th step after the end of history: it is the newest value in history that is
    a whole number of cycles older than that step. The horizon may exceed the period.
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


def _repeats_first_cycle(history: Array, horizon: int, period: int) -> Array:
    """This repeats the first cycle of the history. The newest one is the best guess.

    `history[-period:]` is the last cycle.
    """
    return seasonal_repeat(history[:period], horizon, period)


def _repeats_last_value(history: Array, horizon: int, period: int) -> Array:
    """This repeats the last value; it takes no notice of the cycle.

    That is the repeat-last baseline. Here, step k copies the value one whole period before it.
    """
    return np.full(horizon, history[-1])


def _stays_at_the_end_of_the_cycle(history: Array, horizon: int, period: int) -> Array:
    """After one cycle the forecast stays at its last value.

    Beyond the horizon of one period the cycle starts again from its first value: the index
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


def _cycle_backwards(history: Array, horizon: int, period: int) -> Array:
    """This replays the last cycle backwards, from its newest value to its oldest.

    The first forecast copies `history[-period]`, the second `history[-period + 1]`, and so on.
    """
    return seasonal_repeat(history[-period:][::-1], horizon, period)


def _phase_of_the_series(history: Array, horizon: int, period: int) -> Array:
    """The phase is counted from the wrong place: the last cycle was rolled by one step.

    The first forecast copies `history[-period]`: step k = 1 is index 0 of the last cycle.
    """
    return history[-period:][(np.arange(horizon) + 1) % period]


def _at_most_one_cycle(history: Array, horizon: int, period: int) -> Array:
    """The forecast stops after one cycle, though more steps were asked for.

    When the horizon is longer than the period, start the last cycle again.
    """
    return history[-period:][:horizon]


def _ends_in_front(history: Array, horizon: int, period: int) -> Array:
    """The slice ends at index horizon - period, and an end of 0 or more counts from the front.

    `history[-period : -period + horizon]` is right only while the horizon is shorter than the
    period. Cut the last cycle first, `history[-period:]`; then repeat it for as long as needed.
    """
    return history[-period : -period + horizon]


def _index_runs_past_zero(history: Array, horizon: int, period: int) -> Array:
    """After one cycle the index reaches 0, and from there it counts from the front.

    `history[-period + k]` for k = 0, 1, ... is the last cycle first, and then the oldest values.
    The index must wrap round within the last cycle, which is what `%` does.
    """
    return history[np.arange(-period, horizon - period)]


def _one_period_apart_is_equal(result: Array, history: Array, horizon: int, period: int) -> bool:
    """Two forecasts one period apart copy the same value, so they should be equal. Yours differ."""
    return np.allclose(result[period:], result[:-period])


# --- iterate --------------------------------------------------------------------------------


def iterate(predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Forecast horizon steps ahead with a model that only knows how to forecast one.

    history has shape (N,), oldest value first, with N >= window. predict(lags) takes an
    array of shape (window,), oldest value first, and returns the value that follows, a
    number. The first forecast sees the last window values of history. Then the window
    moves on: the oldest lag leaves and the forecast enters as the newest. Return the
    forecasts in order, an array of shape (horizon,), and leave history as it is.
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

    lags, forecasts = torch.from_numpy(history[-window:].copy()), []
    for _ in range(horizon):
        forecasts.append(predict(lags.numpy()))
        lags = torch.cat([lags[1:], torch.tensor([forecasts[-1]], dtype=lags.dtype)])
    return torch.tensor(forecasts)


def _moving(move: Move, predict: Predict, history: Array, horizon: int, window: int) -> Array:
    """Iterate with another idea of what the next window is: move(lags, forecast)."""
    lags, forecasts = history[-window:], []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = move(lags, forecasts[-1])
    return np.array(forecasts)


def _window_stands_still(*task: Any) -> Array:
    """Every forecast is made from the same window, so every forecast is the same.

    After each step the window must move on: drop its oldest lag, put the forecast at its end.
    """
    return _moving(lambda lags, _: lags, *task)


def _forecast_enters_as_oldest(*task: Any) -> Array:
    """The forecast enters the window at the wrong end.

    Lags stand oldest first, so the forecast, now the newest value, belongs at the end.
    """
    return _moving(lambda lags, new: np.append(new, lags[:-1]), *task)


def _forecast_replaces_oldest(*task: Any) -> Array:
    """The forecast takes the place of the oldest lag, and the others stay where they are.

    All lags move one place to the left; the forecast enters on the right, as the newest.
    """
    return _moving(lambda lags, new: np.append(new, lags[1:]), *task)


def _newest_lag_dropped(*task: Any) -> Array:
    """The wrong lag leaves: each forecast replaces the newest value, and the oldest ones stay.

    Drop the oldest lag, `lags[1:]`, before the forecast enters at the end.
    """
    return _moving(lambda lags, new: np.append(lags[:-1], new), *task)


def _rolls_the_wrong_way(*task: Any) -> Array:
    """The window rolls the wrong way: to the right, so that the forecast replaces a newer lag.

    The oldest lag, at index 0, is the one to leave: all others move one place to the left, as
    with `np.roll(lags, -1)`.
    """
    return _moving(lambda lags, new: np.append(np.roll(lags, 1)[:-1], new), *task)


def _window_grows(*task: Any) -> Array:
    """The window grows by one lag at each step: nothing leaves it.

    The model takes exactly `window` lags, so when a forecast enters, the oldest lag leaves.
    """
    return _moving(np.append, *task)


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
    """Return the expected squared error of repeat-last, k steps ahead on a random walk.

    The walk is x[t] = x[t - 1] + sigma * e[t], where the e[t] are independent and each
    has mean 0 and variance 1. Repeat-last, at step n, forecasts x[n + k] by x[n].
    k is a whole number, at least 1, sigma is positive, and the result is a number.
    """
    return k * sigma**2


def _random_walk_looped(k: int, sigma: float) -> float:
    error = 0.0
    for _ in range(k):
        error += sigma * sigma
    return error


def _random_walk_vectorised(k: int, sigma: float) -> Any:
    return np.sum(np.full(k, sigma) ** 2)


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

    From x[n] to x[n + k] there are k steps: e[n], ..., e[n + k - 1]. Try k = 1.
    """
    return (k - 1) * sigma**2


def _one_step_too_many(k: int, sigma: float) -> float:
    """One step too many is counted.

    From x[n] to x[n + k] there are k steps: e[n], ..., e[n + k - 1]. Try k = 1.
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
    """Count the parameters of a perceptron: window lags -> hidden units -> one number.

    For a row X of window lags it computes h = tanh(W X + b), the hidden units, and from
    them y = v . h + a. Each entry of W, b and v is a parameter, and so is a.
    window and hidden are whole numbers, at least 1, and so is the result.
    """
    return window * hidden + hidden + hidden + 1


def _parameters_looped(window: int, hidden: int) -> int:
    count = 0
    for inputs, units in ((window, hidden), (hidden, 1)):
        for _ in range(units):
            count += inputs + 1
    return count


def _parameters_vectorised(window: int, hidden: int) -> Any:
    sizes = np.array([window, hidden, 1])
    return ((sizes[:-1] + 1) * sizes[1:]).sum()


def _parameters_torch(window: int, hidden: int) -> int:
    from torch import nn

    model = nn.Sequential(nn.Linear(window, hidden), nn.Tanh(), nn.Linear(hidden, 1))
    return sum(p.numel() for p in model.parameters())


def _no_biases(window: int, hidden: int) -> int:
    """This is short by hidden + 1: either all the biases or the whole output layer is missing.

    Each hidden unit has a bias, and so has the output. From each hidden unit there is a weight
    to the output. Of these two sets, `hidden` biases and `hidden` weights, one is not counted,
    and neither is the bias of the output.
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
    """Test split_and_scale: return if it is right, raise AssertionError if it is not.

    You are given an implementation. A right split_and_scale(series, n_train) cuts
    series, an array of shape (N,), oldest value first, into its first n_train values
    and the rest; subtracts the mean of the first part from both; divides both by the
    standard deviation of the first part (np.std); returns two arrays, (train, test).

    Call the implementation with a series of your choice, and compare both parts with
    what they should be. Right ones may differ in the last digits: use np.allclose.
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


def _catches_leak_torch(split_and_scale: SplitAndScale) -> None:
    import torch

    series = torch.linspace(0, 3, 10, dtype=torch.float64).exp()
    train, test = map(torch.as_tensor, split_and_scale(series.numpy(), 7))
    mean, sd = series[:7].mean(), series[:7].std(correction=0)
    torch.testing.assert_close(train, (series[:7] - mean) / sd)
    torch.testing.assert_close(test, (series[7:] - mean) / sd)


_SQUARES = np.arange(12.0) ** 2


def _assert_agree(
    one: SplitAndScale, other: SplitAndScale, equal: Callable[..., bool] = np.allclose
) -> None:
    for mine, theirs in zip(one(_SQUARES, 8), other(_SQUARES, 8), strict=True):
        assert equal(mine, theirs)


def _looks_at_train_only(split_and_scale: SplitAndScale) -> None:
    """Your test looks at the training part only, and not all bugs show there.

    Check the values of the test part, too: they are scaled by numbers from the training part.
    """
    assert np.allclose(split_and_scale(_SQUARES, 8)[0], _plain_split(_SQUARES, 8)[0])


def _looks_at_test_only(split_and_scale: SplitAndScale) -> None:
    """Your test looks at the test part only, so what becomes of the training part goes unseen.

    Check the values of both parts.
    """
    assert np.allclose(split_and_scale(_SQUARES, 8)[1], _plain_split(_SQUARES, 8)[1])


def _checks_lengths_only(split_and_scale: SplitAndScale) -> None:
    """Your test checks how long the two parts are, not what is in them.

    A leak changes values. Work out what they should be, and compare.
    """
    assert [len(part) for part in split_and_scale(_SQUARES, 8)] == [8, 4]


def _checks_mean_and_deviation(split_and_scale: SplitAndScale) -> None:
    """Your test checks that the training part has mean 0 and standard deviation 1.

    That is true of it however the test part was treated, and in whatever order its values stand.
    Compare the values of both parts with what they should be.
    """
    train, _ = split_and_scale(_SQUARES, 8)
    assert np.isclose(train.mean(), 0)
    assert np.isclose(train.std(), 1)


def _wants_test_standardised(split_and_scale: SplitAndScale) -> None:
    """Your test wants mean 0 and standard deviation 1 in the test part as well.

    A right implementation does not give that. The test part is scaled by the training part's
    numbers, and may lie anywhere: when the model is used, the future's mean is not known.
    """
    _assert_agree(split_and_scale, _each_by_its_own)


def _wants_whole_series(split_and_scale: SplitAndScale) -> None:
    """Your test wants the numbers of the whole series: it asks for the leak.

    The mean and the standard deviation must come from the first n_train values only. When the
    model is used, nothing else is known.
    """
    _assert_agree(split_and_scale, _whole_series_statistics)


def _other_deviation(split_and_scale: SplitAndScale) -> None:
    """Your standard deviation is not that of np.std, so your test rejects what is right.

    `np.std` divides by the number of values. With `ddof=1`, and by default in pandas and torch,
    one less is divided by, which gives a larger number.
    """
    _assert_agree(split_and_scale, _divides_by_one_less)


def _accepts_everything(split_and_scale: SplitAndScale) -> None:
    """Your test lets everything through: no implementation, however wrong, makes it raise.

    Compute what should come back and `assert` that it does.
    """
    split_and_scale(_SQUARES, 8)


def _exact_equality(split_and_scale: SplitAndScale) -> None:
    """Your test is too exact: two right ways of computing a number differ in its last digits.

    In place of `==`, or of a tolerance near 0, use `np.allclose` as it is.
    """
    _assert_agree(split_and_scale, _plain_split, np.array_equal)


def _scaled(values: Array, seen: Array) -> Array:
    """Scale values by the mean and standard deviation of what was seen, if that can be done."""
    if not isinstance(seen, np.ndarray):
        raise TypeError("series must be an array, such as np.array([3.0, 1.0, 2.0])")
    if np.ptp(seen) == 0:
        raise ValueError("your series has standard deviation 0 in its training part")
    scaled: Array = (values - seen.mean()) / seen.std()
    return scaled


def _plain_split(series: Array, n_train: int) -> Pair:
    """Subtracts the training mean and divides by the training standard deviation."""
    train, test = series[:n_train], series[n_train:]
    return _scaled(train, train), _scaled(test, train)


def _split_after_scaling(series: Array, n_train: int) -> Pair:
    """Multiplies by 1 / sd and adds -mean / sd: the same up to rounding, training numbers only."""
    mean, sd = series[:n_train].mean(), series[:n_train].std()
    scaled = series * (1 / sd) + (-mean / sd)
    return scaled[:n_train], scaled[n_train:]


def _whole_series_statistics(series: Array, n_train: int) -> Pair:
    """Takes the mean and standard deviation of the whole series, the test part included."""
    scaled = _scaled(series, series)
    return scaled[:n_train], scaled[n_train:]


def _each_by_its_own(series: Array, n_train: int) -> Pair:
    """Scales the test part by the test part's own mean and standard deviation."""
    train, test = series[:n_train], series[n_train:]
    return _scaled(train, train), _scaled(test, test)


def _shuffled(series: Array, n_train: int) -> Pair:
    """Shuffles the series before it is cut, so that the training part holds future values."""
    return _plain_split(np.random.default_rng(1).permutation(series), n_train)


def _shared_value(series: Array, n_train: int) -> Pair:
    """Begins the test part one value too early: the last training value is also tested on."""
    scaled = _scaled(series, series[:n_train])
    return scaled[:n_train], scaled[n_train - 1 :]


def _train_sees_the_whole(series: Array, n_train: int) -> Pair:
    """Scales the training part with numbers from the whole series; the test part is right."""
    return _scaled(series[:n_train], series), _scaled(series[n_train:], series[:n_train])


def _one_value_of_the_future(series: Array, n_train: int) -> Pair:
    """Takes its mean and standard deviation from n_train + 1 values: one is of the test part."""
    scaled = _scaled(series, series[: n_train + 1])
    return scaled[:n_train], scaled[n_train:]


def _divides_by_one_less(series: Array, n_train: int) -> Pair:
    """Takes the standard deviation with ddof=1."""
    shrink = np.sqrt(1 - 1 / n_train)
    train, test = _plain_split(series, n_train)
    return train * shrink, test * shrink


_ANY_SERIES = "the test may choose its series"
_EITHER_ORDER = "whichever of two close arrays comes first, they are close"

EXERCISES: Sequence[Exercise] = (
    Exercise(
        "windows.lag_matrix",
        lag_matrix,
        cases=[(np.arange(10.0, 70, 10), 2), (_series(9), 4), (_series(8), 1), (_series(7), 5)],
        mistakes=[
            _target_inside_the_window,
            _window_begins_late,
            _newest_first,
            _last_pair_dropped,
            _last_window_dropped,
            _two_steps_ahead,
            _window_without_target,
            _targets_first,
            _windows_side_by_side,
            _target_kept_in_the_row,
        ],
        alternatives=[_lag_matrix_sliding, _lag_matrix_filled, _lag_matrix_torch],
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
            _repeats_first_cycle,
            _repeats_last_value,
            _stays_at_the_end_of_the_cycle,
            _period_one_too_long,
            _period_one_too_short,
            _cycle_backwards,
            _phase_of_the_series,
            _at_most_one_cycle,
            _ends_in_front,
            _index_runs_past_zero,
        ],
        alternatives=[_seasonal_tiled, _seasonal_grown, _seasonal_torch],
        properties=[_one_period_apart_is_equal],
    ),
    Exercise(
        "windows.iterate",
        iterate,
        cases=[
            (_newest_weighs_most, np.array([50.0, 30, 70, 20, 40]), 3, 3),
            (_newest_weighs_most, _series(8), 6, 4),
            (_continues_the_line, np.array([7.0, 9, 1, 2, 4]), 2, 3),
            (_newest_weighs_most, _series(5), 4, 1),
        ],
        mistakes=[
            _window_stands_still,
            _forecast_enters_as_oldest,
            _forecast_replaces_oldest,
            _newest_lag_dropped,
            _rolls_the_wrong_way,
            _window_grows,
            _whole_history,
            _first_window,
            _writes_into_history,
        ],
        alternatives=[_iterate_growing, _iterate_torch],
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
        alternatives=[_random_walk_looped, _random_walk_vectorised, _random_walk_torch],
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
        alternatives=[_parameters_looped, _parameters_vectorised, _parameters_torch],
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
        probes=[_divides_by_one_less],
        mistakes=[
            _looks_at_train_only,
            _looks_at_test_only,
            _checks_lengths_only,
            _checks_mean_and_deviation,
            _wants_test_standardised,
            _wants_whole_series,
            _other_deviation,
            _accepts_everything,
            _exact_equality,
        ],
        alternatives=[_catches_leak_undone, _catches_leak_looped, _catches_leak_torch],
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
