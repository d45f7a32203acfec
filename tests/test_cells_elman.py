import pytest
import torch
from three_ways import assert_they_agree
from torch import nn

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent


def test_where_the_rectifier_bends_all_ways_to_the_gradient_take_0():
    layer = Recurrent(Elman(2, 3, nonlinearity="relu")).double()
    for weight in layer.parameters():
        nn.init.zeros_(weight)
    x = torch.ones(4, 1, 2, dtype=torch.float64, requires_grad=True)
    layer(x)[0].sum().backward()
    assert not any(weight.grad.any() for weight in layer.parameters())
    assert_they_agree(layer, x.detach())


def test_a_nonlinearity_that_is_none_is_named():
    with pytest.raises(ValueError, match=r"nonlinearity must be .*tanh.*relu.*, got 'gelu'"):
        Elman(2, 3, nonlinearity="gelu")


def test_a_cell_says_what_it_is():
    assert repr(Elman(2, 3)) == "Elman(2, 3, nonlinearity='tanh')"
