import pytest
import torch

from unrolled.cells import Elman
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent

X = torch.randn(4, 2, 3, dtype=torch.float64, generator=torch.Generator().manual_seed(0))


class LastStepOnly(Elman):
    def weight_backward(self, grad, states, saved):
        return (grad[-1].T @ states[0][-2],)


class NoDerivative(Elman):
    def step_backward(self, grad, before, after, saved, *weights):
        return grad[0], (grad[0] @ weights[0],)


class Transposed(Elman):
    def step_backward(self, grad, before, after, saved, *weights):
        return super().step_backward(grad, before, after, saved, weights[0].T)


class NotANumber(Elman):
    def weight_backward(self, grad, states, saved):
        return (super().weight_backward(grad, states, saved)[0] * float("nan"),)


@pytest.mark.parametrize("cell", [LastStepOnly, NoDerivative, Transposed, NotANumber])
@pytest.mark.parametrize("complex_step", [True, False])
def test_a_wrong_gradient_is_caught_twice(cell, complex_step):
    torch.manual_seed(0)
    found = check_gradients(Recurrent(cell(3, 4)).double(), X, complex_step=complex_step)
    assert not found.autograd < 1e-2
    assert not found.difference < 1e-2


def test_a_right_gradient_passes_and_the_layer_is_left_alone():
    torch.manual_seed(0)
    layer = Recurrent(Elman(3, 4), batch_first=True).double()
    before = {name: weight.clone() for name, weight in layer.state_dict().items()}
    x, state = X.transpose(0, 1), (torch.ones(2, 4, dtype=torch.float64),)
    assert max(check_gradients(layer, x, state, [4, 1])) <= 1e-10
    central = check_gradients(layer, x, state, [4, 1], complex_step=False)
    assert central.autograd <= 1e-10
    assert 1e-13 < central.difference <= 1e-6
    torch.testing.assert_close(dict(layer.state_dict()), before, rtol=0, atol=0)
    assert all(p.grad is None for p in layer.parameters())


def test_single_precision_is_refused():
    with pytest.raises(ValueError, match=r"x must be torch.float64, got torch.float32"):
        check_gradients(Recurrent(Elman(3, 4)), X.float())
