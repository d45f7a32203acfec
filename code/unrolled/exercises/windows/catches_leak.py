"""The exercise ``windows.catches_leak``."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.grading import Mistake, bug_hunt, edited

Pair = tuple[Array, Array]
SplitAndScale = Callable[[Array, int], Pair]


def catches_leak(split_and_scale: SplitAndScale) -> None:
    """Test split_and_scale(series, n_train), which returns (train, test).

    Return if the implementation is right, raise AssertionError if it is
    not.
    """
    series = np.arange(12.0) ** 2  # neither even, nor like its own mean and median
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


def _split_backwards(series: Array, n_train: int) -> Pair:
    """Scales value by value, the last first, into arrays that it made before."""
    mean, sd = series[:n_train].mean(), series[:n_train].std()
    scaled = np.empty(len(series))
    for t in reversed(range(len(series))):
        scaled[t] = (series[t] - mean) / sd
    return scaled[:n_train].copy(), scaled[n_train:].copy()


_whole_series_statistics = edited(
    _plain_split,
    {"_scaled(train, train)": "_scaled(train, series)", "(test, train)": "(test, series)"},
    "Takes the mean and standard deviation of the whole series, the test part included.",
)
_each_by_its_own = edited(
    _plain_split,
    {"_scaled(test, train)": "_scaled(test, test)"},
    "Scales the test part by the test part's own mean and standard deviation.",
)
_divides_by_one_less = edited(
    _plain_split,
    {
        "_scaled(train, train)": "_scaled(train, train) * np.sqrt(1 - 1 / n_train)",
        "_scaled(test, train)": "_scaled(test, train) * np.sqrt(1 - 1 / n_train)",
    },
    "Takes the standard deviation with ddof=1.",
)
_BUGGY = [
    _whole_series_statistics,
    _each_by_its_own,
    edited(
        _plain_split,
        {
            "series[:n_train], series[n_train:]": (
                "np.split(np.random.default_rng(1).permutation(series), [n_train])"
            )
        },
        "Shuffles the series before it is cut, so that the training part holds future values.",
    ),
    edited(
        _plain_split,
        {"series[n_train:]": "series[n_train - 1 :]"},
        "Begins the test part one value too early: the last training value is also tested on.",
    ),
    edited(
        _plain_split,
        {"_scaled(train, train)": "_scaled(train, series)"},
        "Scales the training part with numbers from the whole series; the test part is right.",
    ),
    edited(
        _plain_split,
        {
            "_scaled(train, train)": "_scaled(train, series[: n_train + 1])",
            "_scaled(test, train)": "_scaled(test, series[: n_train + 1])",
        },
        "Takes its mean and standard deviation from n_train + 1 values: one is of the test part.",
    ),
    edited(
        _plain_split,
        {"_scaled(test, train)": "(test - train.mean()) / test.std()"},
        "Divides the test part by its own standard deviation; the rest is right.",
    ),
    edited(
        _plain_split,
        {"_scaled(test, train)": "(test - test.mean()) / train.std()"},
        "Subtracts the test part's own mean from the test part; the rest is right.",
    ),
    edited(
        _plain_split,
        {
            "_scaled(train, train)": "(train - train.mean()) / series.std()",
            "_scaled(test, train)": "(test - train.mean()) / series.std()",
        },
        "Divides by the standard deviation of the whole series; the mean is the training part's.",
    ),
    edited(
        _plain_split,
        {"_scaled(test, train)": "_scaled(np.append(test[1:], test[-1]), train)"},
        "Shows in each place of the test part the value that comes after it.",
    ),
]

_ANY_SERIES = "the test may choose its series"


_EITHER_ORDER = "whichever of two close arrays comes first, they are close"


EXERCISE = bug_hunt(
    catches_leak,
    right=[_plain_split, _split_after_scaling, _split_backwards],
    buggy=_BUGGY,
    probes=[_divides_by_one_less],
    alternatives=[_catches_leak_undone, _catches_leak_looped, _catches_leak_torch],
    equivalent={
        "series = np.arange(12.0) ** 2 -> series = np.arange(13.0) ** 2": _ANY_SERIES,
        "series = np.arange(12.0) ** 2 -> series = np.arange(11.0) ** 2": _ANY_SERIES,
        "series = np.arange(12.0) ** 2 -> series = np.arange(12.0) ** 3": _ANY_SERIES,
        "series = np.arange(12.0) ** 2 -> series = np.arange(12.0) ** 1": _ANY_SERIES,
        "series = np.arange(12.0) ** 2 -> series = np.arange(12.0) * 2": _ANY_SERIES,
        "assert np.allclose(train, (past - mean) / sd)"
        " -> assert np.allclose((past - mean) / sd, train)": _EITHER_ORDER,
        "assert np.allclose(test, (future - mean) / sd)"
        " -> assert np.allclose((future - mean) / sd, test)": _EITHER_ORDER,
    },
    mistakes={
        "looks_at_train_only": Mistake(
            """Your test looks at the training part only, and not all bugs show there.

            Check the values of the test part, too: they are scaled by numbers from the training
            part.
            """,
            "assert np.allclose(split_and_scale(_SQUARES, 8)[0], _plain_split(_SQUARES, 8)[0])",
        ),
        "looks_at_test_only": Mistake(
            """Your test looks at the test part only, so what becomes of the training part goes
            unseen.

            Check the values of both parts.
            """,
            "assert np.allclose(split_and_scale(_SQUARES, 8)[1], _plain_split(_SQUARES, 8)[1])",
        ),
        "checks_lengths_only": Mistake(
            """Your test notices when a part has the wrong length, and nothing else.

            A leak changes values. Work out what they should be, and `assert` that they are:
            `np.allclose(...)` alone lets everything through, and so does `assert (..., ...)`.
            """,
            "assert [len(part) for part in split_and_scale(_SQUARES, 8)] == [8, 4]",
        ),
        "checks_mean_and_deviation": Mistake(
            """Your test checks that the training part has mean 0 and standard deviation 1.

            That is true of it however the test part was treated, and in whatever order its
            values stand. Compare the values of both parts with what they should be.
            """,
            """
            train, _ = split_and_scale(_SQUARES, 8)
            assert np.isclose(train.mean(), 0)
            assert np.isclose(train.std(), 1)
            """,
            """
            train, test = split_and_scale(_SQUARES, 8)
            assert np.isclose(train.mean(), 0)
            assert np.isclose(train.std(), 1)
            assert len(test) == 4
            """,
        ),
        "wants_test_standardised": Mistake(
            """Your test wants mean 0 and standard deviation 1 in the test part as well.

            A right implementation does not give that. The test part is scaled by the training
            part's numbers, and may lie anywhere: when the model is used, the future's mean is
            not known.
            """,
            "_assert_agree(split_and_scale, _each_by_its_own)",
        ),
        "wants_whole_series": Mistake(
            """Your test wants the numbers of the whole series: it asks for the leak.

            The mean and the standard deviation must come from the first n_train values only.
            When the model is used, nothing else is known.
            """,
            "_assert_agree(split_and_scale, _whole_series_statistics)",
            """
            series = np.arange(10.0)
            train, test = split_and_scale(series, 6)
            scaled = (series - np.mean(series)) / np.std(series)
            assert np.allclose(train, scaled[:6]) and np.allclose(test, scaled[6:])
            """,
        ),
        "other_deviation": Mistake(
            """Your standard deviation is not that of np.std, so your test rejects what is right.

            `np.std` divides by the number of values. With `ddof=1`, and by default in pandas
            and torch, one less is divided by, which gives a larger number.
            """,
            "_assert_agree(split_and_scale, _divides_by_one_less)",
            """
            series = np.arange(10.0)
            train, test = split_and_scale(series, 6)
            mean, sd = np.mean(series[:6]), np.std(series[:6], ddof=1)
            assert np.allclose(train, (series[:6] - mean) / sd)
            assert np.allclose(test, (series[6:] - mean) / sd)
            """,
            """
            series = np.arange(10.0)
            train, test = split_and_scale(series, 6)
            assert np.isclose(np.std(train, ddof=1), 1)
            """,
        ),
        "accepts_everything": Mistake(
            """Your test lets everything through: no implementation, however wrong, makes it raise.

            Compute what should come back and `assert` that it does.
            """,
            "split_and_scale(_SQUARES, 8)",
        ),
        "exact_equality": Mistake(
            """Your test is too exact: two right ways of computing a number differ in its last
            digits.

            In place of `==`, or of a tolerance near 0, use `np.allclose` as it is.
            """,
            "_assert_agree(split_and_scale, _plain_split, np.array_equal)",
            """
            series = np.arange(10.0)
            train, test = split_and_scale(series, 6)
            scaled = (series - np.mean(series[:6])) / np.std(series[:6])
            assert np.allclose(np.concatenate([train, test]), scaled, rtol=0, atol=1e-18)
            """,
        ),
    },
)
