"""The numbers of several runs side by side."""

import numpy as np
import pytest

from unrolled.experiments.runs import over

RUNS = [{"at 1, 2": [1.0, 2.0], "worst": 2.0}, {"at 1, 2": [3.0, 4.0], "worst": 4.0}]


def test_numbers_stand_in_the_order_of_the_names():
    assert np.array_equal(over(RUNS, "worst", "at 1, 2"), [[2, 1, 2], [4, 3, 4]])
    assert over(RUNS, "worst").shape == (2, 1)


def test_runs_that_measured_different_things_are_refused():
    with pytest.raises(KeyError, match="best"):
        over(RUNS, "best")
    with pytest.raises(ValueError, match="inhomogeneous"):
        over([*RUNS, {"at 1, 2": [1.0], "worst": 2.0}], "at 1, 2")
