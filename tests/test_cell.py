"""What a class of a cell may define, and what follows from it."""

import pytest
import torch

from unrolled.cells import Elman
from unrolled.core.cell import Cell, brings_its_gradient, parameters_of
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent

F64 = torch.float64


class Plain(Cell):
    """A cell but for its step."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.make(W=(("h",), ("x",)), U=(("h",), ("h",)))

    def project(self, x):
        return x @ self.W.T

    def weights(self):
        return (self.U,)


class Least(Plain):
    """All that a cell must define."""

    def equations(self, p, state, *weights):
        seen = state[0] @ weights[0].T
        return {"seen": seen, "h": torch.tanh(p + seen)}


class BySteps(Plain):
    """One that says only what comes out of a step."""

    def step(self, p, state, *weights):
        return (torch.tanh(p + state[0] @ weights[0].T),)


class Sine(Elman):
    """Another step under a derivative that is not its own."""

    def step(self, p, state, *weights):
        return (torch.sin(torch.addmm(p, state[0], weights[0].T)),)


class OtherSine(Elman):
    """Other equations, likewise."""

    def equations(self, p, state, *weights):
        return {"h": torch.sin(torch.addmm(p, state[0], weights[0].T))}


class Renamed(Elman):
    """Another option only: its parent's derivative is right."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size, nonlinearity="relu")


def test_parameters_are_drawn_in_order_as_torch_draws_its_own():
    torch.manual_seed(0)
    cell = Least(3, 4)
    torch.manual_seed(0)
    W, U = (torch.empty(shape).uniform_(-0.5, 0.5) for shape in ((4, 3), (4, 4)))
    torch.testing.assert_close(dict(cell.named_parameters()), {"W": W, "U": U}, rtol=0, atol=0)
    assert all(weight.requires_grad for weight in cell.parameters())


def test_a_cell_says_what_its_parameters_are():
    cell = Least(3, 4)
    assert parameters_of(cell) == {"W": (("h",), ("x",)), "U": (("h",), ("h",))}
    assert [cell.width(block) for block in ("x", "h", "gate")] == [3, 4, 4]


def test_parameters_that_are_not_declared_are_named():
    cell = Least(3, 4)
    cell.scale = torch.nn.Parameter(torch.ones(1))
    with pytest.raises(ValueError, match=r"Least must make its parameters by `make`.*: scale"):
        parameters_of(cell)


@pytest.mark.parametrize("kind", [Least, BySteps])
def test_steps_and_traces_follow_from_what_is_defined(kind):
    torch.manual_seed(0)
    cell = kind(3, 4).double()
    x, h = torch.randn(2, 3, dtype=F64), torch.randn(2, 4, dtype=F64)
    expected = torch.tanh(x @ cell.W.T + h @ cell.U.T)
    (after,) = cell(x, (h,))
    torch.testing.assert_close(after, expected)
    (after,), saved = cell.step_forward(cell.project(x), (h,), cell.U)
    torch.testing.assert_close(after, expected)
    assert saved == ()
    traced = Recurrent(cell).trace(x[None], (h,))
    torch.testing.assert_close(traced["h"][0], expected)
    assert list(traced) == (["seen", "h"] if kind is Least else ["h"])


class Doubled(Elman):
    """A step that asks its parent's."""

    def step(self, p, state, *weights):
        return (2 * super().step(p, state, *weights)[0],)


class Derived(Sine):
    """A step with a derivative of its own, below other equations."""

    def step(self, p, state, *weights):
        (h,), (U,) = state, weights
        return (torch.addmm(p, h, U.T),)

    def step_backward(self, grad, before, after, saved, *weights):
        return grad[0], (grad[0] @ weights[0],)


@pytest.mark.parametrize("kind", [Least, BySteps, Sine, OtherSine, Doubled, Derived, Renamed])
def test_whatever_says_a_step_traces_trains_and_computes_alike(kind):
    torch.manual_seed(0)
    layer, x = Recurrent(kind(2, 3)).double(), torch.randn(4, 2, 2, dtype=F64)
    with torch.no_grad():
        (h,), outputs = (torch.zeros(2, 3, dtype=F64),), []
        for x_t in x:
            (h,) = layer.cell(x_t, (h,))
            outputs.append(h)
        expected = torch.stack(outputs)
        torch.testing.assert_close(layer(x)[0], expected)
    torch.testing.assert_close(layer(x)[0], expected)
    torch.testing.assert_close(layer.trace(x)["h"], expected)
    assert max(check_gradients(layer, x)) <= 1e-10
    assert brings_its_gradient(layer.cell) == (kind in {Derived, Renamed})


@pytest.mark.parametrize("kind", [Least, BySteps, Sine, OtherSine])
def test_a_cell_whose_equations_are_not_those_of_a_derivative_is_left_to_autograd(kind):
    torch.manual_seed(0)
    layer, x = Recurrent(kind(2, 3)).double(), torch.randn(4, 2, 2, dtype=F64)
    assert not brings_its_gradient(layer.cell)
    assert max(check_gradients(layer, x)) <= 1e-10


@pytest.mark.parametrize("kind", [Elman, Renamed])
def test_a_derivative_holds_below_the_class_that_derived_it(kind):
    assert brings_its_gradient(kind(2, 3))


@pytest.mark.parametrize(
    ("name", "arguments"),
    [
        ("project", [None]),
        ("weights", []),
        ("equations", [None, ()]),
        ("quantities", [None, ()]),
        ("step", [None, ()]),
        ("step_backward", [()] * 4),
        ("weight_backward", [()] * 3),
    ],
)
def test_what_a_cell_lacks_is_named(name, arguments):
    missing = "equations" if name in ("step", "quantities") else name
    with pytest.raises(NotImplementedError, match=f"Cell (must define|has no) {missing}"):
        getattr(Cell(2, 3), name)(*arguments)
