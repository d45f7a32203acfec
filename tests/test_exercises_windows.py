"""What is special to the exercises of one chapter; what holds for all is in test_exercises.py."""

import numpy as np
import pytest
from exercised import told

from unrolled import windows
from unrolled.exercises import check, find


def random_tasks():
    """Yield a series, a window or period that fits into it, and a horizon."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        length = int(rng.integers(2, 30))
        yield rng.normal(size=length), int(rng.integers(1, length)), int(rng.integers(1, 40))


def test_lag_matrix_is_the_packages_for_each_step_ahead():
    solution = find("windows.lag_matrix").solution
    for series, window, horizon in random_tasks():
        horizon = min(horizon, len(series) - window)
        inputs, targets = solution(series, window, horizon)
        for ahead in range(1, horizon + 1):
            rows, values = windows.lag_matrix(series, window, ahead=ahead)
            np.testing.assert_array_equal(inputs, rows[: len(inputs)])
            np.testing.assert_array_equal(targets[:, ahead - 1], values[: len(inputs)])


def test_seasonal_mean_is_what_regression_on_the_places_forecasts():
    solution = find("windows.seasonal_mean").solution
    for series, period, horizon in random_tasks():
        places = np.eye(period)[np.arange(len(series) + horizon) % period]
        known, ahead = places[: len(series)], places[len(series) :]
        weights, *_ = np.linalg.lstsq(known, series, rcond=None)
        np.testing.assert_allclose(solution(series, horizon, period), ahead @ weights, atol=1e-12)


def test_seasonal_mean_of_one_cycle_is_the_packages_seasonal_repeat():
    solution = find("windows.seasonal_mean").solution
    for series, period, horizon in random_tasks():
        cycle = series[-period:]
        theirs = windows.seasonal_repeat(cycle, horizon, period=period)
        np.testing.assert_array_equal(solution(cycle, horizon, period), theirs)


def test_iterate_adds_up_what_the_package_iterates_on_differences():
    solution = find("windows.iterate").solution
    for series, window, horizon in random_tasks():
        window = min(window, len(series) - 1)
        weights = np.linspace(-1, 1, window) / window

        def predict(lags, weights=weights):
            return float(np.sin(lags @ weights))

        steps = windows.iterate(predict, np.diff(series), horizon, window=window)
        forecasts = solution(predict, series, horizon, window)
        np.testing.assert_array_equal(forecasts, series[-1] + steps.cumsum())


def test_an_answer_that_is_wrong_from_the_first_step_on_hears_so():
    def iterate(predict, history, horizon, window):
        return find("windows.iterate").solution(predict, history[:-1], horizon, window)

    assert "nothing that was forecast enters it" in told("windows.iterate", iterate)


def test_parameters_are_the_packages():
    solution = find("windows.parameters").solution
    for window in range(1, 7):
        for hidden in range(1, 7):
            model = windows.WindowMLP(window, hidden)
            assert solution(window, hidden) == sum(p.numel() for p in model.parameters())


def test_a_perceptron_short_by_hidden_plus_one_hears_of_both_ways_to_be():
    message = " ".join(check("windows.parameters", lambda w, h: (w + 1) * h).message.split())
    assert "either all the biases or the whole output layer" in message


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (np.full(12, 0.1), "ValueError: your series has standard deviation 0 in its training part"),
        ([3.0, 1.0, 2.0], "TypeError: series must be an array"),
    ],
)
def test_a_series_that_no_implementation_can_scale_is_named(series, words):
    def test(split_and_scale):
        train, _ = split_and_scale(series, 2)
        assert np.allclose(train, 0)

    message = " ".join(check("windows.catches_leak", test).message.split())
    assert "`train, _ = split_and_scale(series, 2)`" in message
    assert words in message


def test_a_test_that_disturbs_the_future_needs_no_standard_deviation():
    """A test may find the leaks without computing what is right: then any deviation will do."""

    def test(split_and_scale):
        series = np.random.default_rng(0).normal(size=12)
        train, test = split_and_scale(series, 8)
        assert (len(train), len(test)) == (8, 4)
        for j in range(8, 12):
            disturbed = series.copy()
            disturbed[j] += 5
            same, other = split_and_scale(disturbed, 8)
            assert np.allclose(train, same)
            assert (~np.isclose(test, other)).sum() == 1

    assert check("windows.catches_leak", test).passed


def test_keywords_may_be_asked_for_as_the_package_does():
    def seasonal_mean(history, horizon, *, period):
        return [history[-p::-period].mean() for p in range(period, 0, -1)] * (horizon + 1)

    def cut(history, horizon, *, period):
        return seasonal_mean(history, horizon, period=period)[:horizon]

    assert check("windows.seasonal_mean", cut).passed


def test_the_lowest_error_is_what_regression_on_the_rows_leaves():
    solution = find("windows.lowest_error").solution
    for targets, period, _ in random_tasks():
        rows = np.stack([np.arange(len(targets)) % period, np.arange(len(targets)) % 2], axis=1)
        _, number = np.unique(rows, axis=0, return_inverse=True)
        places = np.eye(len(rows))[number.reshape(-1)]
        weights, *_ = np.linalg.lstsq(places, targets, rcond=None)
        left = np.mean((targets - places @ weights) ** 2)
        assert solution(rows, targets) == pytest.approx(left, abs=1e-12)


@pytest.mark.parametrize("window", [1, 2, 3, 4, 5])
def test_the_lowest_error_of_a_window_on_the_cue_is_the_walls(window):
    """All sequences of five symbols, the cue at lag 2: an error of chance, 1/4, or none."""
    symbols = np.stack(np.meshgrid(*[[-1, 1]] * 5), axis=-1).reshape(-1, 5)
    rows, targets = symbols[:, 5 - window :], (symbols[:, 2] + 1) / 2
    lowest = find("windows.lowest_error").solution(rows, targets)
    assert lowest == (0.25 if window <= 2 else 0)


def test_the_series_of_the_exercise_has_the_lowest_errors_that_the_page_says():
    solution = find("windows.lowest_error").solution
    series = np.tile([1.0, 2, 1, 3], 500)
    assert solution(*windows.lag_matrix(series, 1)) == pytest.approx(1 / 8, abs=1e-3)
    assert solution(*windows.lag_matrix(series, 2)) == 0
