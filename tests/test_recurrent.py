import copy

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import linear
from torch.nn.utils import prune

from unrolled.cells import GRU, Elman
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Cell, Recurrent, from_torch, mask, to_torch

F64 = torch.float64


class Peephole(Cell):
    """Two tensors of state, two weights in the loop, saved tensors: all that Elman is not."""

    states = ("h", "c")
    saves = ("i", "f", "g", "o")

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.make(
            weight_ih=(self.saves, ("x",)),
            weight_hh=(self.saves, ("h",)),
            peep=(("i", "f", "o"),),
        )

    def project(self, x):
        return linear(x, self.weight_ih)

    def weights(self):
        return self.weight_hh, self.peep

    def equations(self, p, state, *weights):
        (h, c), (U, peep) = state, weights
        (i, f, g, o), (pi, pf, po) = torch.addmm(p, h, U.T).chunk(4, dim=1), peep.chunk(3)
        i, f, g = torch.sigmoid(i + pi * c), torch.sigmoid(f + pf * c), torch.tanh(g)
        c = f * c + i * g
        o = torch.sigmoid(o + po * c)
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "h": o * torch.tanh(c)}

    def step_backward(self, grad, before, after, saved, *weights):
        (dh, dc), (_, c0), (_, c), (i, f, g, o), (U, peep) = grad, before, after, saved, weights
        pi, pf, po = peep.chunk(3)
        tanh = torch.tanh(c)
        do = dh * tanh * o * (1 - o)
        dc = dc + dh * o * (1 - tanh * tanh) + do * po
        di, df, dg = dc * g * i * (1 - i), dc * c0 * f * (1 - f), dc * i * (1 - g * g)
        dz = torch.cat([di, df, dg, do], dim=1)
        return dz, (dz @ U, dc * f + di * pi + df * pf)

    def weight_backward(self, grad, states, saved):
        h, c = states
        di, df, _, do = grad.chunk(4, dim=2)
        peep = [(d * s).sum((0, 1)) for d, s in ((di, c[:-1]), (df, c[:-1]), (do, c[1:]))]
        return grad.flatten(0, 1).T @ h[:-1].flatten(0, 1), torch.cat(peep)


class ByAutograd(Cell):
    """A cell of the least: no derivative, and no weights handed to the step."""

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.inputs = nn.Linear(input_size, hidden_size)
        self.hidden = nn.Linear(hidden_size, hidden_size)

    def project(self, x):
        return self.inputs(x)

    def weights(self):
        return ()

    def step(self, projected, state, *weights):
        return (torch.tanh(projected + self.hidden(state[0])),)


CELLS = [Elman, Peephole, GRU, ByAutograd]
small = st.integers(1, 3)


@st.composite
def problems(draw, cells=CELLS):
    """A layer, its input, and sometimes a state and lengths."""
    T, B, inputs, H = draw(st.integers(1, 5)), draw(small), draw(small), draw(small)
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    cell = draw(st.sampled_from(cells))(inputs, H)
    layer = Recurrent(cell, batch_first=draw(st.booleans())).double()
    x = torch.randn((B, T, inputs) if layer.batch_first else (T, B, inputs), dtype=F64)
    state = tuple(torch.randn(B, H, dtype=F64) for _ in cell.states)
    lengths = st.lists(st.integers(0, T), min_size=B, max_size=B)
    return layer, x, draw(st.sampled_from([state, None])), draw(st.none() | lengths)


def gradients(layer, x, state=None, lengths=None):
    """Outputs, and the gradient of a nonlinear function of all of them by all that goes in."""
    x = x.detach().clone().requires_grad_()
    state = state and tuple(part.detach().clone().requires_grad_() for part in state)
    output, last = layer(x, state, lengths)
    loss = (output.sin() * output).sum() + sum((part**2).sum() for part in last)
    wanted = [x, *(state or ()), *layer.parameters()]
    grads = torch.autograd.grad(loss, wanted, materialize_grads=True)
    return [output.detach(), *(part.detach() for part in last), *grads]


def close(ours, theirs, rtol=1e-10, atol=1e-12):
    torch.testing.assert_close(list(ours), list(theirs), rtol=rtol, atol=atol)


def taped(layer):
    return Recurrent(layer.cell, batch_first=layer.batch_first, autograd=True)


@given(problems())
@settings(max_examples=40, deadline=None)
def test_three_ways_to_the_gradient_agree(problem):
    found = check_gradients(*problem)
    assert found.autograd <= 1e-10
    assert found.difference <= 1e-10


@given(problems())
@settings(max_examples=40, deadline=None)
def test_the_hand_derived_layer_is_the_taped_one(problem):
    layer, *arguments = problem
    close(gradients(layer, *arguments), gradients(taped(layer), *arguments))
    with torch.no_grad():
        output, last = layer(*arguments)
    close([output, *last], gradients(layer, *arguments)[: 1 + len(last)])


@pytest.mark.parametrize("cell", [Elman, Peephole, GRU])
def test_the_gradient_is_the_cells_own_and_autograds_on_demand(cell):
    layer = Recurrent(cell(2, 3))
    x = torch.randn(4, 2, 2)
    assert "Unroll" in layer(x)[0].grad_fn.name()
    assert "Unroll" not in taped(layer)(x)[0].grad_fn.name()


@given(problems())
@settings(max_examples=40, deadline=None)
def test_a_padded_batch_is_every_sequence_alone(problem):
    layer, x, state, lengths = problem
    B = x.shape[0] if layer.batch_first else x.shape[1]
    T = x.numel() // B // x.shape[2]
    lengths = [T - b % T for b in range(B)] if lengths is None else lengths
    count = 1 + len(layer.cell.states)
    together = gradients(layer, x, state, lengths)
    inputs = count if state is None else count + len(layer.cell.states)
    weights = [torch.zeros_like(p) for p in layer.parameters()]
    time = int(layer.batch_first)

    def one(tensor, b):
        return tensor.select(1 - time, b).unsqueeze(1 - time)

    for b, length in enumerate(lengths):
        output, grad = one(together[0], b), one(together[count], b)
        assert not output.narrow(time, length, T - length).any()
        assert not grad.narrow(time, length, T - length).any()
        before = state and tuple(part[b : b + 1] for part in state)
        if length == 0:
            expected = before or (torch.zeros(1, layer.cell.hidden_size, dtype=F64),) * (count - 1)
            close([part[b : b + 1] for part in together[1:count]], expected)
            continue
        alone = gradients(layer, one(x, b).narrow(time, 0, length), before)
        close([output.narrow(time, 0, length), grad.narrow(time, 0, length)], alone[::count][:2])
        close([part[b : b + 1] for part in together[1:count]], alone[1:count])
        close(
            [g[b : b + 1] for g in together[count + 1 : inputs + 1]], alone[count + 1 : inputs + 1]
        )
        weights = [w + g for w, g in zip(weights, alone[inputs + 1 :], strict=True)]
    close(together[inputs + 1 :], weights)


@given(problems())
@settings(max_examples=30, deadline=None)
def test_two_halves_are_the_whole(problem):
    layer, x, state, _ = problem
    time = int(layer.batch_first)
    whole, last = layer(x, state)
    first, second = x.split([1, x.shape[time] - 1], dim=time)
    outputs, state = layer(first, state)
    if second.shape[time]:
        rest, state = layer(second, state)
        outputs = torch.cat([outputs, rest], dim=time)
    close([outputs, *state], [whole, *last])
    loss, reference = (y.pow(2).sum() for y in (outputs, whole))
    weights = list(layer.parameters())
    close(
        torch.autograd.grad(loss, weights, materialize_grads=True),
        torch.autograd.grad(reference, weights, materialize_grads=True),
    )


def test_backward_looks_at_no_weight_that_does_not_learn():
    class Frozen(Elman):
        def weight_backward(self, grad, states, saved):
            raise AssertionError

    layer = Recurrent(Frozen(2, 3))
    layer.cell.weight_hh.requires_grad_(False)
    layer(torch.randn(4, 2, 2))[0].sum().backward()
    assert layer.cell.weight_hh.grad is None
    assert layer.cell.weight_ih.grad.any()


def test_nothing_is_kept_without_a_gradient():
    class Loud(Elman):
        def step_forward(self, projected, state, *weights):
            raise AssertionError("saves for a backward pass that cannot come")

        def step_backward(self, grad, before, after, saved, *weights):
            raise NotImplementedError

    with pytest.raises(AssertionError, match="saves"):
        Recurrent(Loud(2, 3))(torch.randn(4, 2, 2))
    layer, x = Recurrent(Loud(2, 3)), torch.randn(4, 2, 2)
    with torch.no_grad():
        assert layer(x)[0].grad_fn is None
    with torch.inference_mode():
        assert layer(x)[0].is_inference()
    layer.requires_grad_(False)
    assert layer(x)[0].grad_fn is None


def test_weights_changed_before_the_backward_pass_are_noticed():
    layer = Recurrent(Elman(2, 3))
    loss = layer(torch.randn(4, 2, 2))[0].sum()
    with torch.no_grad():
        layer.cell.weight_hh.add_(1)
    with pytest.raises(RuntimeError, match="modified by an inplace operation"):
        loss.backward()


def test_a_second_backward_pass_gives_the_same():
    layer = Recurrent(Peephole(2, 3))
    loss = layer(torch.randn(4, 2, 2))[0].sum()
    weights = list(layer.parameters())
    first = torch.autograd.grad(loss, weights, retain_graph=True)
    close(first, torch.autograd.grad(loss, weights), 0, 0)


def test_complex_gradients_are_autograds():
    torch.manual_seed(0)
    layer = Recurrent(Elman(2, 3))
    weights = [torch.randn_like(p, dtype=torch.complex128) for p in layer.parameters()]
    x = torch.randn(4, 2, 2, dtype=torch.complex128)

    def gradient(layer):
        at = [w.clone().requires_grad_() for w in weights]
        named = dict(zip([name for name, _ in layer.named_parameters()], at, strict=True))
        output, _ = torch.func.functional_call(layer, named, (x,))
        return torch.autograd.grad(output.abs().sum(), at)

    close(gradient(layer), gradient(taped(layer)))


def test_mask_by_hand():
    assert mask([2, 0, 3], 3).T.int().tolist() == [[1, 1, 0], [0, 0, 0], [1, 1, 1]]


def test_torchs_names_and_back():
    layer, other = (Recurrent(Elman(2, 3)) for _ in range(2))
    from_torch(other, to_torch(layer))
    close(layer.state_dict().values(), other.state_dict().values(), 0, 0)


def test_a_weight_that_no_cell_declares_is_named():
    layer = Recurrent(Elman(2, 3))
    layer.cell.gain = nn.Parameter(torch.ones(3))
    prune.identity(layer.cell, "weight_hh")
    with pytest.raises(ValueError, match=r"Elman must make its parameters by `make`.*: gain$"):
        to_torch(layer)


class OwnForward(Elman):
    """A cell written as one would without `Recurrent`."""

    def forward(self, x, state):
        return state


class StepOfATensor(Elman):
    """One that forgets that a state is a tuple."""

    def step(self, p, state, *weights):
        return torch.tanh(p)


class Nameless(Elman):
    """One whose equations do not say what the state is."""

    def equations(self, p, state, *weights):
        return {"state": torch.tanh(p)}


def test_a_step_patched_in_one_cell_is_the_step():
    layer, x = Recurrent(Elman(2, 3)), torch.randn(4, 2, 2)
    layer.cell.step = lambda p, state, U: (p + state[0] @ U.T,)
    with torch.no_grad():
        expected = layer(x)[0]
    close([layer(x)[0], layer.trace(x)["h"]], [expected, expected])


def test_reading_normed_weights_changes_nothing():
    layer = Recurrent(Elman(2, 3))
    for norm in (nn.utils.spectral_norm, nn.utils.parametrizations.spectral_norm):
        layer = Recurrent(norm(Elman(2, 3), "weight_hh")).train()
        before = copy.deepcopy(layer.state_dict())
        close(to_torch(layer).values(), to_torch(layer).values(), 0, 0)
        close(layer.state_dict().values(), before.values(), 0, 0)
        assert layer.cell.training


LAYER, X = Recurrent(Elman(2, 3)), torch.zeros(4, 5, 2)
H = torch.zeros(5, 3)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Recurrent(nn.Linear(2, 3)), TypeError, "cell must be a Cell, got Linear"),
        (lambda: LAYER([1.0]), TypeError, r"x must be a tensor \(T, B, I\), got list"),
        (lambda: LAYER(X[0]), ValueError, r"shape \(T, B, I\) .* I = 2, got \(5, 2\)"),
        (lambda: LAYER(X[..., :1]), ValueError, r"I = 2, got \(4, 5, 1\)"),
        (lambda: LAYER(X[:0]), ValueError, r"T at least 1 .* got \(0, 5, 2\)"),
        (
            lambda: Recurrent(Elman(2, 3), batch_first=True)(X[:, :0]),
            ValueError,
            r"shape \(B, T, I\) with T at least 1",
        ),
        (lambda: LAYER(X.double()), ValueError, "x must be torch.float32 like the weights, got"),
        (lambda: LAYER(X, H), TypeError, "state must be a tuple of 1 tensors, got Tensor"),
        (lambda: LAYER(X, (H, H)), ValueError, r"state must hold 1 of shape \(5, 3\)"),
        (
            lambda: LAYER(X, (H[None],)),
            ValueError,
            r"shape \(5, 3\), got .*\(1, 5, 3\)",
        ),
        (lambda: LAYER(X, (H.double(),)), ValueError, "torch.float32 like x, got torch.float64"),
        (
            lambda: LAYER(X, lengths=[1, 2]),
            ValueError,
            r"lengths must have shape \(5,\), got \(2,\)",
        ),
        (lambda: LAYER(X, lengths=[1, 2, 3, 4, 5]), ValueError, "from 0 to 4, got 5"),
        (lambda: LAYER(X, lengths=[-1, 2, 3, 4, 4]), ValueError, "from 0 to 4, got -1"),
        (lambda: mask([1.0], 3), TypeError, r"lengths must hold whole numbers, got 1.0"),
        (
            lambda: mask(torch.ones(1), 3),
            TypeError,
            "lengths must hold whole numbers, got torch.float32",
        ),
        (lambda: mask("abc", 3), TypeError, "lengths must hold whole numbers, got 'a'"),
        (lambda: mask([1], 0), ValueError, "steps must be at least 1, got 0"),
        (lambda: Cell(0, 1), ValueError, "input_size must be at least 1, got 0"),
        (lambda: Cell(1, 2.5), TypeError, "hidden_size must be a whole number"),
        (
            lambda: from_torch(LAYER, {"weight": H}),
            ValueError,
            r"weights must hold .*got \['weight'",
        ),
        (
            lambda: from_torch(LAYER, nn.RNN(2, 4).state_dict()),
            ValueError,
            r"weights must hold bias_hh_l0 \(3,\), got Tensor of shape \(4,\)",
        ),
        (
            lambda: Recurrent(OwnForward(2, 3)),
            TypeError,
            "cell must leave forward as it is, and define equations; OwnForward does not",
        ),
        (
            lambda: Recurrent(StepOfATensor(2, 3))(X),
            TypeError,
            r"StepOfATensor.step must return a tuple of 1 tensors \(5, 3\), got Tensor of shape",
        ),
        (
            lambda: Recurrent(Nameless(2, 3), autograd=True)(X),
            TypeError,
            r"Nameless.equations must return a dictionary that has h, got \['state'\]",
        ),
        (lambda: Recurrent(Cell(2, 3))(X), NotImplementedError, "Cell must define project"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()
