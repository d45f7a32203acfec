"""The numbers of several runs side by side."""

import numpy as np
import pytest

from unrolled.experiments.runs import stack

RUNS = [{"at 1, 2": [1.0, 2.0], "worst": 2.0}, {"at 1, 2": [3.0, 4.0], "worst": 4.0}]


def test_numbers_stand_in_the_order_of_the_names():
    assert np.array_equal(stack(RUNS, "worst", "at 1, 2"), [[2, 1, 2], [4, 3, 4]])
    assert stack(RUNS, "worst").shape == (2, 1)


def test_runs_that_measured_different_things_are_refused():
    with pytest.raises(KeyError, match="best"):
        stack(RUNS, "best")
    with pytest.raises(ValueError, match="inhomogeneous"):
        stack([*RUNS, {"at 1, 2": [1.0], "worst": 2.0}], "at 1, 2")
