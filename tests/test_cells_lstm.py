import pytest
import torch

from unrolled.cells import LSTM
from unrolled.core.recurrent import Recurrent

F64 = torch.float64


def test_the_forget_bias_is_the_first_value_of_the_gates_bias_and_of_no_other():
    torch.manual_seed(0)
    plain = LSTM(2, 3)
    torch.manual_seed(0)
    biased = LSTM(2, 3, forget_bias=2.5)
    forget = slice(3, 6)
    assert biased.bias_ih[forget].tolist() == [2.5] * 3
    assert biased.bias_hh[forget].tolist() == [0] * 3
    with torch.no_grad():
        for bias in ("bias_ih", "bias_hh"):
            plain.get_parameter(bias)[forget] = biased.get_parameter(bias)[forget]
    torch.testing.assert_close(biased.state_dict(), plain.state_dict(), rtol=0, atol=0)


def test_what_is_neither_forgotten_nor_written_over_stays_and_so_does_its_gradient():
    cell = LSTM(1, 3, forget_bias=100.0).double()
    with torch.no_grad():
        cell.bias_ih[:3] = -100.0  # the input gate is shut
    first = tuple(torch.randn(2, 3, dtype=F64, requires_grad=True) for _ in range(2))
    _, (_, c) = Recurrent(cell)(torch.zeros(1000, 2, 1, dtype=F64), first)
    torch.testing.assert_close(c, first[1], rtol=0, atol=1e-12)
    carried = torch.autograd.grad(c.sum(), first)
    torch.testing.assert_close(carried, (torch.zeros_like(c), torch.ones_like(c)))


@pytest.mark.parametrize(
    ("value", "error", "words"),
    [
        (float("nan"), ValueError, "forget_bias must be"),
        ("1", TypeError, "forget_bias must be"),
    ],
)
def test_a_forget_bias_that_is_no_number_is_named(value, error, words):
    with pytest.raises(error, match=words):
        LSTM(2, 3, forget_bias=value)


def test_a_cell_says_what_it_is():
    assert repr(LSTM(2, 3)) == "LSTM(2, 3)"
