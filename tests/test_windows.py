from importlib import import_module

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from statsmodels.tools.sm_exceptions import SingularMatrixWarning
from statsmodels.tsa.ar_model import AutoReg
from torch import nn

from unrolled import windows
from unrolled.data import autoregressive, random_walk, seasonal, sunspots
from unrolled.experiments.windows import cue_by_window, direct_against_iterated
from unrolled.figures import windows as draw
from unrolled.training import device

finite = st.floats(-1e6, 1e6)
some_series = st.lists(finite, min_size=2, max_size=40).map(np.array)


@given(st.data(), some_series)
def test_lag_matrix_holds_every_window_and_what_follows_it(data, x):
    ahead = data.draw(st.integers(1, len(x) - 1))
    window = data.draw(st.integers(1, len(x) - ahead))
    inputs, targets = windows.lag_matrix(x, window, ahead=ahead)
    assert inputs.shape == (len(x) - window - ahead + 1, window)
    for t, (row, target) in enumerate(zip(inputs, targets, strict=True)):
        assert (row == x[t : t + window]).all()
        assert target == x[t + window - 1 + ahead]


def test_lag_matrix_shares_no_memory_with_the_series():
    x = np.arange(6.0)
    inputs, targets = windows.lag_matrix(x, 2)
    inputs[:] = targets[:] = -1
    assert (x == np.arange(6.0)).all()


@given(st.data(), some_series, st.integers(1, 60))
def test_seasonal_repeat_takes_the_last_value_of_the_same_phase(data, x, horizon):
    period = data.draw(st.integers(1, len(x)))
    forecasts = windows.seasonal_repeat(x, horizon, period=period)
    assert forecasts.shape == (horizon,)
    for k, forecast in enumerate(forecasts, start=1):
        cycles = -(-k // period)
        assert forecast == x[len(x) - 1 + k - cycles * period]


@given(some_series, st.integers(1, 9))
def test_repeat_last_is_seasonal_repeat_with_period_one(x, horizon):
    assert (windows.repeat_last(x, horizon) == windows.seasonal_repeat(x, horizon, period=1)).all()


def test_seasonal_repeat_is_exact_on_a_cycle():
    x = seasonal(60, period=12, seed=0)
    assert windows.seasonal_repeat(x[:30], 30, period=12) == pytest.approx(x[30:], abs=1e-12)


def test_iterate_follows_a_recursion():
    fibonacci = windows.iterate(lambda lags: lags[0] + lags[1], [7, 1, 1], 6, window=2)
    assert fibonacci.tolist() == [2, 3, 5, 8, 13, 21]


def test_iterate_gives_the_predictor_the_latest_values_and_leaves_history_alone():
    history, seen = np.array([3.0, 1.0, 2.0]), []

    def predict(lags):
        seen.append(lags.tolist())
        lags[:] = 0  # a careless predictor does no harm
        return 10.0 * len(seen)

    assert windows.iterate(predict, history, 3, window=2).tolist() == [10, 20, 30]
    assert seen == [[1, 2], [2, 10], [10, 20]]
    assert history.tolist() == [3, 1, 2]


def test_autoregression_is_statsmodels_least_squares():
    x = autoregressive(400, coefficients=[1.2, -0.5], seed=0)
    model = windows.autoregression(x, 2)
    reference = AutoReg(x, 2).fit()
    rows, _ = windows.lag_matrix(x, 2)
    assert model(rows) == pytest.approx(reference.predict(start=2), rel=1e-10)
    ahead = reference.forecast(7)
    assert windows.iterate(model, x, 7, window=2) == pytest.approx(ahead, rel=1e-9)


def test_autoregression_finds_the_process_it_was_drawn_from():
    x = autoregressive(20_000, coefficients=[1.2, -0.5], seed=1)
    assert windows.autoregression(x, 2).weights == pytest.approx([-0.5, 1.2], abs=0.02)


def test_yules_model_of_the_sunspots_is_a_damped_swing():
    years, x = sunspots()
    far, near = windows.autoregression(x[years <= 1920], 2).weights
    root = np.roots([1, -near, -far])[0]
    assert abs(root) < 1
    assert 9 < 2 * np.pi / abs(np.angle(root)) < 12


def test_backtest_shows_a_forecaster_nothing_later_than_its_origin():
    x = np.arange(20.0)
    seen = []

    def forecast(history, horizon):
        seen.append(history.copy())
        return np.full(horizon, history[-1])

    forecasts, truth = windows.backtest(forecast, x, start=5, horizon=4)
    assert [history.tolist() for history in seen] == [x[:n].tolist() for n in range(5, 17)]
    assert truth.tolist() == [x[n : n + 4].tolist() for n in range(5, 17)]
    assert (forecasts == x[4:16, None]).all()


def test_repeat_lasts_error_on_a_random_walk_grows_as_k_sigma_squared():
    x = random_walk(200_000, sigma=2.0, seed=0)
    for k in (1, 4, 16):
        assert np.mean((x[k:] - x[:-k]) ** 2) == pytest.approx(4.0 * k, rel=0.05)


def test_one_step_forecasts_each_value_from_the_window_before_it():
    x = np.arange(10.0) ** 2
    seen = []

    def predict(rows):
        seen.append(rows.tolist())
        return rows[:, -1]

    assert windows.one_step(predict, x, window=2, start=5, stop=8).tolist() == [16, 25, 36]
    assert seen == [[[9, 16], [16, 25], [25, 36]]]
    assert windows.one_step(predict, x, window=3, start=3).tolist() == x[2:-1].tolist()


def test_relative_error_by_hand():
    assert windows.relative_error([1, 2], [0, 0], [3, 4]) == pytest.approx(5 / 25)


@given(st.integers(1, 9), st.integers(1, 9), st.integers(1, 3), st.integers(1, 5))
@settings(max_examples=25)
def test_window_mlp_is_its_equation(window, hidden, features, rows):
    model = windows.WindowMLP(window, hidden, features=features).double()
    x = torch.randn(rows, window, features, dtype=torch.float64)
    W, b, v, a = (each.detach().numpy() for each in model.parameters())
    expected = np.tanh(x.reshape(rows, -1).numpy() @ W.T + b) @ v[0] + a
    assert model(x).detach().numpy() == pytest.approx(expected, rel=1e-12)
    assert sum(p.numel() for p in model.parameters()) == (window * features + 2) * hidden + 1


def test_window_mlp_slid_along_a_series_is_a_convolution():
    model = windows.WindowMLP(5, 7).double()
    convolution = nn.Sequential(nn.Conv1d(1, 7, 5), nn.Tanh(), nn.Conv1d(7, 1, 1)).double()
    convolution[0].weight.data = model.hidden.weight.data[:, None, :]
    convolution[0].bias.data = model.hidden.bias.data
    convolution[2].weight.data = model.output.weight.data[:, :, None]
    convolution[2].bias.data = model.output.bias.data
    x = torch.randn(30, dtype=torch.float64)
    torch.testing.assert_close(model(x.unfold(0, 5, 1)), convolution(x[None])[0])


def test_fit_window_learns_what_a_line_cannot():
    x = [0.3]
    for _ in range(300):
        x.append(1 - 1.8 * x[-1] ** 2)  # a chaotic map: exactly a function of the last value
    x = np.array(x)
    model = windows.fit_window(x[:250], window=2, hidden=16, seed=0, epochs=200)
    rows, targets = windows.lag_matrix(x, 2)
    last = rows[:, -1]
    bent = windows.relative_error(model(rows)[250:], targets[250:], last[250:])
    line = windows.autoregression(x[:250], 2)
    straight = windows.relative_error(line(rows)[250:], targets[250:], last[250:])
    assert bent < 0.1 * straight


def test_no_forecast_exceeds_the_ceiling_and_some_input_comes_near():
    x = seasonal(60, period=10, noise=0.1, seed=0)
    model = windows.fit_window(x, window=3, hidden=2, seed=0, epochs=20)
    rows = 1e4 * np.random.default_rng(0).standard_normal((20_000, 3))
    highest = model(rows).max()
    assert highest <= model.ceiling() + 1e-5
    weights = model.model.state_dict()
    W = weights["hidden.weight"].double().cpu().numpy()
    signs = np.sign(weights["output.weight"].double().cpu().numpy()[0])
    best = np.linalg.lstsq(W, 50 * signs)[0] * model.scale + model.mean  # saturates every unit
    assert model(best[None])[0] == pytest.approx(model.ceiling(), abs=1e-4)


def test_fit_window_learns_from_the_held_out_values_too():
    x = np.concatenate([seasonal(60, period=10, noise=0.1, seed=0), np.full(15, 2.0)])
    late = windows.fit_window(x, window=4, hidden=8, seed=0, epochs=200)
    early = windows.fit_window(x[:60], window=4, hidden=8, seed=0, epochs=200)
    assert abs(late(np.full(4, 2.0)) - 2) < 0.5 * abs(early(np.full(4, 2.0)) - 2)


def test_fit_window_is_a_function_of_its_arguments():
    x = seasonal(60, period=10, noise=0.1, seed=0)
    state = torch.get_rng_state()
    first, second = (windows.fit_window(x, window=4, hidden=3, seed=2, epochs=3) for _ in range(2))
    other = windows.fit_window(x, window=4, hidden=3, seed=3, epochs=3)
    rows, _ = windows.lag_matrix(x, 4)
    assert (first(rows) == second(rows)).all()
    assert (first(rows) != other(rows)).any()
    assert torch.equal(torch.get_rng_state(), state)
    assert next(first.model.parameters()).device.type == device().type


def test_fit_window_fits_in_the_default_dtype():
    _, series = sunspots()
    torch.set_default_dtype(torch.float64)
    try:
        network = windows.fit_window(series, window=3, hidden=2, seed=0, epochs=1)
        assert network.model.output.weight.dtype == torch.float64
        assert np.isfinite(network(series[:3]))
    finally:
        torch.set_default_dtype(torch.float32)


def test_fit_window_does_not_care_for_units():
    x = seasonal(60, period=10, noise=0.1, seed=0)
    small = windows.fit_window(x, window=4, hidden=3, seed=2, epochs=3)
    large = windows.fit_window(1000 * x - 500, window=4, hidden=3, seed=2, epochs=3)
    rows, _ = windows.lag_matrix(x, 4)
    assert large(1000 * rows - 500) == pytest.approx(1000 * small(rows) - 500, rel=1e-3, abs=1e-2)


@pytest.mark.parametrize("exponent", [-700, -60, 60, 1000])
@pytest.mark.parametrize("late", [0.0, 2.0], ids=["a cycle", "a constant, then a cycle"])
def test_fit_window_learns_the_same_in_the_smallest_and_the_largest_unit(exponent, late):
    x = np.append(np.full(40, late), late + seasonal(20, period=10, noise=0.1, seed=0))
    x = x if late else x[40:]
    options = {"window": 4, "hidden": 3, "seed": 2, "epochs": 3, "held_out": 0.4}
    here = windows.fit_window(x, **options)
    there = windows.fit_window(np.ldexp(x, exponent), **options)
    rows, _ = windows.lag_matrix(x, 4)
    assert (there(np.ldexp(rows, exponent)) == np.ldexp(here(rows), exponent)).all()


FORECASTERS = {
    "repeat_last": windows.repeat_last,
    "seasonal_repeat": lambda x, k: windows.seasonal_repeat(x, k, period=7),
    "a linear window": lambda x, k: windows.iterate(
        windows.autoregression(x, 3), x, k, window=3
    ),
    "a linear window, one step": lambda x, k: windows.one_step(
        windows.autoregression(x[:-k], 3), x, window=3, start=len(x) - k
    ),
    "a linear window, from many origins": lambda x, k: windows.backtest(
        lambda past, k: windows.iterate(windows.autoregression(past, 2), past, k, window=2),
        x, start=len(x) - k - 4, horizon=k,
    )[0].ravel(),
}  # fmt: skip
units = st.builds(
    lambda sign, power: sign * 10.0**power, st.sampled_from([-1, 1]), st.integers(-250, 250)
)


@pytest.mark.parametrize("forecast", FORECASTERS.values(), ids=FORECASTERS)
@given(unit=units, zero=st.floats(-1e7, 1e7), seed=st.integers(0, 99), horizon=st.integers(1, 5))
@settings(max_examples=40)
def test_a_forecast_is_the_same_in_every_unit(forecast, unit, zero, seed, horizon):
    x = autoregressive(50, coefficients=[1.2, -0.5], seed=seed)
    expected = forecast(x, horizon)
    found = forecast(unit * (x + zero), horizon) / unit - zero
    # what is lost is what the numbers themselves lose: 1e7 leaves nine digits of a deviation
    assert found == pytest.approx(expected, abs=1e-13 * (1e3 + 1e2 * abs(zero)))


@given(unit=units, zero=st.floats(-1e3, 1e3), seed=st.integers(0, 99))
@settings(max_examples=40)
def test_a_relative_error_is_the_same_in_every_unit(unit, zero, seed):
    x = np.random.default_rng(seed).standard_normal((3, 8))
    expected = windows.relative_error(*x)
    assert windows.relative_error(*(unit * (x + zero))) == pytest.approx(expected, rel=1e-9)


@pytest.mark.parametrize("value", [0.0, 0.1, -3e300, 1e-300])
def test_a_constant_goes_on_as_it_was(value):
    with pytest.warns(SingularMatrixWarning):  # any weights that add up to the constant would do
        model = windows.autoregression(np.full(9, value), 3)
    assert windows.iterate(model, np.full(9, value), 4, window=3) == pytest.approx(
        np.full(4, value), rel=1e-12, abs=0
    )


def test_a_trained_window_maps_one_row_or_many():
    x = seasonal(60, period=10, seed=0)
    model = windows.fit_window(x, window=4, hidden=3, seed=2, epochs=2)
    rows, _ = windows.lag_matrix(x, 4)
    assert model(rows[0]).shape == ()
    assert model(rows[0]) == pytest.approx(model(rows)[0], rel=1e-5)
    assert model(rows.reshape(8, 7, 4)).shape == (8, 7)


NAN = [1.0, float("nan"), 3.0]
ONES = windows.LinearWindow(0.0, np.ones(2))


def trained(model=None, mean=0.0, scale=1.0):
    return windows.TrainedWindow(model or windows.WindowMLP(2, 1), mean, scale)


def stepping(predict):
    return lambda: windows.one_step(predict, [1, 2, 3, 4, 5], window=2, start=3)


def iterating(predict):
    return lambda: windows.iterate(predict, [1, 2, 3], 3, window=2)


def backtesting(forecast):
    return lambda: windows.backtest(forecast, [1, 2, 3, 4], start=1, horizon=2)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (stepping(lambda rows: rows[:, -1:]), ValueError, r"return shape \(2,\), got \(2, 1\)"),
        (stepping(lambda rows: 1.0), ValueError, r"return shape \(2,\), got \(\)"),
        (stepping(lambda rows: rows[:1, 0]), ValueError, r"return shape \(2,\), got \(1,\)"),
        (stepping(lambda rows: ["a", "b"]), TypeError, "what predict returns must hold real numb"),
        (stepping(lambda rows: rows[:, 0] * np.nan), ValueError, "return finite numbers, got nan"),
        (stepping(None), TypeError, "predict must be a function, got None"),
        (iterating(lambda lags: lags[:1]), ValueError, r"return shape \(\), got \(1,\)"),
        (iterating(lambda lags: None), TypeError, "what predict returns must hold real numbers"),
        (iterating(lambda lags: np.inf), ValueError, "predict must return finite numbers, got inf"),
        (iterating(3), TypeError, "predict must be a function, got 3"),
        (backtesting(lambda x, k: x[:1]), ValueError, r"return shape \(2,\), got \(1,\)"),
        (
            backtesting(lambda x, k: np.ones((k, 1))),
            ValueError,
            r"return shape \(2,\), got \(2, 1\)",
        ),
        (
            backtesting(lambda x, k: [1, np.inf]),
            ValueError,
            "forecast must return finite numbers, got",
        ),
        (
            backtesting(lambda x, k: [1, "a"]),
            TypeError,
            "what forecast returns must hold real numbers",
        ),
        (backtesting([1, 2]), TypeError, "forecast must be a function, got list"),
    ],
)
def test_what_a_function_returned_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_what_a_function_returns_may_be_a_list_or_a_tensor():
    assert stepping(lambda rows: [1, 2])().tolist() == [1, 2]
    assert stepping(lambda rows: torch.as_tensor(rows)[:, 0])().tolist() == [2, 3]
    assert iterating(lambda lags: torch.tensor(1.5))().tolist() == [1.5] * 3
    assert backtesting(lambda x, k: [0, 1])()[0].tolist() == [[0, 1], [0, 1]]


def test_a_wrong_forecaster_is_named_at_its_first_forecast():
    seen = []

    def forecast(x, k):
        seen.append(x)
        return x

    with pytest.raises(ValueError, match="forecast must return shape"):
        windows.backtest(forecast, np.arange(9.0), start=4, horizon=2)
    assert len(seen) == 1


def test_lag_vectors_may_be_lists():
    assert ONES([1, 2]) == 3
    assert ONES([[1, 2], [3, 4]]).tolist() == [3, 7]
    assert trained()([[1, 2]]).shape == (1,)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: windows.lag_matrix([1, 2, 3], 3), ValueError, "window must be from 1 to 2, got 3"),
        (lambda: windows.lag_matrix([1, 2, 3], 0), ValueError, "window must be from 1 to 2, got 0"),
        (lambda: windows.lag_matrix([1, 2, 3], 1.5), TypeError, "window must be a whole number"),
        (lambda: windows.lag_matrix(NAN, 1), ValueError, "values must be finite, got nan at inde"),
        (lambda: windows.lag_matrix([[1, 2]], 1), ValueError, r"one dimension, got shape \(1, 2\)"),
        (lambda: windows.lag_matrix("abc", 1), TypeError, "values must hold real numbers"),
        (lambda: windows.lag_matrix([1, 2], 1, ahead=0), ValueError, "ahead must be at least 1"),
        (lambda: windows.repeat_last([1], -1), ValueError, "horizon must be from 1 to 1000000, go"),
        (lambda: windows.repeat_last([], 1), ValueError, "history must hold at least 1 values"),
        (
            lambda: windows.seasonal_repeat([1, 2], 3, period=3),
            ValueError,
            "period must be from 1 to 2, got 3",
        ),
        (
            lambda: windows.iterate(sum, [1, 2], 3, window=3),
            ValueError,
            "history must hold at least 3 values, got 2",
        ),
        (
            lambda: windows.autoregression([1, 2, 3, 4], 2),
            ValueError,
            "values must hold at least 5 values, got 4",
        ),
        (
            lambda: windows.backtest(windows.repeat_last, [1, 2, 3], start=3, horizon=1),
            ValueError,
            "start must be from 1 to 2, got 3",
        ),
        (
            lambda: windows.relative_error([1], [1, 2], [1, 2]),
            ValueError,
            r"same shape, got \(1,\), \(2,\) and \(2,\)",
        ),
        (lambda: windows.relative_error([1], [2], [2]), ValueError, "baseline must make some err"),
        (lambda: windows.relative_error([np.nan], [1], [2]), ValueError, "must be finite, got NaN"),
        (
            lambda: windows.backtest(lambda x, k: x[:1], [1, 2, 3, 4], start=1, horizon=2),
            ValueError,
            r"forecast must return shape \(2,\), got \(1,\)",
        ),
        (
            lambda: ONES(np.ones((4, 3))),
            ValueError,
            r"lags must hold 2 values a row, got shape \(4, 3\)",
        ),
        (lambda: ONES("ab"), TypeError, "lags must hold real numbers, got str"),
        (lambda: ONES(1.0), ValueError, r"lags must hold 2 values a row, got shape \(\)"),
        (lambda: trained()(np.ones(3)), ValueError, r"lags must hold 2 values a row, got .*3,"),
        (lambda: trained(nn.Linear(2, 1)), TypeError, r"model must be .*WindowMLP, got Lin"),
        (lambda: trained(scale=0), ValueError, "scale must be greater than 0, got 0"),
        (lambda: trained(mean=np.nan), ValueError, "mean must be finite, got nan"),
        (lambda: windows.LinearWindow("a", [1]), TypeError, "constant must be a number, got 'a'"),
        (lambda: windows.LinearWindow(0, NAN), ValueError, "weights must be finite, got nan at"),
        (lambda: windows.repeat_last([1], 2**40), ValueError, "horizon must be from 1 to 1000000"),
        (
            lambda: windows.lag_matrix(np.arange(1e5), 50_000),
            ValueError,
            "window, times the number of targets, must be from 1 to 134217728, got 2500000000",
        ),
        (
            lambda: windows.WindowMLP(2**15, 2**15),
            ValueError,
            r"window \* features \* hidden must be from 1 to 134217728, got 1073741824",
        ),
        (
            lambda: windows.WindowMLP(3, 2)(torch.zeros(3)),
            ValueError,
            r"x must hold 3 numbers a row, got shape \(3,\)",
        ),
        (lambda: windows.WindowMLP(1, 2)([[1.0]]), TypeError, r"x must be .*Tensor, got li"),
        (
            lambda: windows.one_step(len, [1, 2, 3], window=2, start=1),
            ValueError,
            "start must be from 2 to 2, got 1",
        ),
        (
            lambda: windows.one_step(len, [1, 2, 3, 4], window=1, start=2, stop=2),
            ValueError,
            "stop must be from 3 to 4, got 2",
        ),
        (lambda: windows.WindowMLP(0, 3), ValueError, "window must be at least 1, got 0"),
        (lambda: windows.WindowMLP(3, -1), ValueError, "hidden must be at least 1, got -1"),
        (
            lambda: windows.WindowMLP(3, 2)(torch.zeros(5, 4)),
            ValueError,
            r"x must hold 3 numbers a row, got shape \(5, 4\)",
        ),
        (
            lambda: windows.fit_window([2, 2, 2, 2], window=1, hidden=1, seed=0),
            ValueError,
            "values must vary, got 4 times 2",
        ),
        (
            lambda: windows.fit_window([1, 2, 3], window=1, hidden=1, seed=0, held_out=1),
            ValueError,
            "held_out must be less than 1, got 1",
        ),
        (
            lambda: windows.fit_window([1, 2, 3], window=2, hidden=1, seed=0),
            ValueError,
            "values must hold at least 4 values",
        ),
        (lambda: draw.window_diagram([1, 2, 3, 4], 4), ValueError, "window must be from 1 to 3"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_iterating_is_no_worse_than_direct_fits_on_the_sunspots():
    """What exercise 7's worked answer says."""
    errors = direct_against_iterated(window=12, horizon=11)
    assert errors["direct"][0] == pytest.approx(errors["iterated"][0], rel=1e-6)
    assert np.array(errors["iterated"][:6]) == pytest.approx(errors["direct"][:6], rel=0.01)
    assert (np.array(errors["iterated"][6:]) < errors["direct"][6:]).all()


def test_a_window_uses_a_cue_at_its_edge_and_none_beyond():
    """Lag 0 is the last step, so that a window of two holds the lags 0 and 1."""
    measured = cue_by_window(0, windows=[2], lags=[0, 1, 2], examples=512, epochs=4)
    assert measured["inside"] == measured["window 2"][:2] == [1.0, 1.0]
    assert measured["beyond"] == measured["one step beyond"] == measured["window 2"][2:]
    assert measured["at the edge"] == measured["window 2"][1:2]
    assert measured["beyond"][0] == pytest.approx(0.5, abs=0.1)


def claim(name):
    return import_module(f"unrolled.experiments.windows.{name}").CLAIM


def test_the_criteria_can_fail():
    good = {"inside": [1.0], "beyond": [0.5]}
    assert claim("cue").holds([good])
    assert not claim("cue").holds([good, {"inside": [0.9], "beyond": [0.5]}])
    assert not claim("cue").holds([good, {"inside": [1.0], "beyond": [0.6]}])
    all_well = {"at lag 0": [1.0], "half way": [0.99], "at the longest": [1.0]}
    assert claim("recurrent").holds([all_well])
    assert not claim("recurrent").holds([all_well, all_well | {"half way": [0.98]}])
    assert claim("longer_lags").holds([{"up to eight times": [1.0, 0.99]}])
    assert not claim("longer_lags").holds([{"up to eight times": [1.0, 0.9]}])
    names = ("linear", "network", "linear on differences", "network on differences")
    fair = dict.fromkeys(names, 1.01)
    assert claim("random_walk").holds([fair, fair | {"linear": 0.995}])
    assert not claim("random_walk").holds([fair, fair | {"linear": 0.96}])
    assert not claim("random_walk").holds([fair | {"network": 0.999}])
    years = np.arange(35)
    clearly_lower, mixed = -50 + 10 * np.sin(years), -5 + 100 * np.sin(years)
    assert claim("sunspots").holds([{"excess": clearly_lower}])
    assert not claim("sunspots").holds([{"excess": mixed}])
    assert not claim("sunspots").holds([{"excess": -clearly_lower}])
