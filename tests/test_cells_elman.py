import pytest

from unrolled.cells import Elman


def test_a_nonlinearity_that_is_none_is_named():
    with pytest.raises(ValueError, match="nonlinearity must be 'tanh' or 'relu', got 'gelu'"):
        Elman(2, 3, nonlinearity="gelu")


def test_a_cell_says_what_it_is():
    assert repr(Elman(2, 3)) == "Elman(2, 3, nonlinearity='tanh')"
