import datetime

import numpy as np
import pytest
import torch

from unrolled.core.validate import numbers, real, series, whole


@pytest.mark.parametrize("value", [3, np.int32(3), np.array(3), torch.tensor(3), True + 2])
def test_whole_numbers_of_every_kind(value):
    assert whole("n", value) == 3


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: whole("n", 2.0), TypeError, "n must be a whole number at least 1, got 2.0"),
        (lambda: whole("n", 0), ValueError, "n must be at least 1, got 0"),
        (lambda: whole("n", 9, most=5), ValueError, "n must be from 1 to 5, got 9"),
        (lambda: real("x", "2.0"), TypeError, "x must be a number, got '2.0'"),
        (lambda: real("x", np.inf), ValueError, "x must be finite, got inf"),
        (lambda: real("x", 1, below=1), ValueError, "x must be less than 1, got 1"),
        (lambda: real("x", 0, above=0), ValueError, "x must be greater than 0, got 0"),
        (lambda: real("x", -1, least=0), ValueError, "x must be at least 0, got -1"),
        (lambda: series("x", [1, np.nan, np.inf]), ValueError, "got nan at index 1 and 1 more"),
        (lambda: series("x", 3.0), ValueError, r"x must have one dimension, got shape \(\)"),
        (lambda: series("x", [1.0], least=2), ValueError, "at least 2 values, got 1"),
        (lambda: numbers("x", ["1", "2"]), TypeError, "x must hold real numbers, got list of <U1"),
        (lambda: numbers("x", [1, 2j]), TypeError, "real numbers, got list of complex128"),
        (lambda: numbers("x", [datetime.date(2020, 1, 1)]), TypeError, "real numbers, got list"),
        (lambda: numbers("x", [[1], [2, 3]]), TypeError, "x must hold real numbers, got list"),
        (lambda: numbers("x", np.ma.array([1.0])), TypeError, "real numbers, got MaskedArray"),
        (
            lambda: numbers("x", torch.ones(2, requires_grad=True)),
            TypeError,
            "x must hold real numbers, got Tensor",
        ),
    ],
)
def test_what_came_and_what_was_expected_are_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


@pytest.mark.parametrize(
    "values", [[1, 2], (1.0, 2.0), np.array([1, 2], np.int8), torch.tensor([1.0, 2.0])]
)
def test_series_of_every_kind_become_float64(values):
    array = series("x", values)
    assert array.dtype == np.float64
    assert array.tolist() == [1, 2]
