"""What holds for every cell of the table: a new row is in all of these tests.

Its equations stand once more in ``cells_in_numpy.py``; what is special to it is in its own test,
and what all layers promise in ``test_promises.py``.
"""

import importlib
import inspect
from pathlib import Path

import pytest
import torch
from cells_in_numpy import assert_is_its_equations
from hypothesis import given, settings
from hypothesis import strategies as st
from three_ways import assert_they_agree, gradients, problems
from torch import nn

from unrolled import cells
from unrolled.cells import CELLS, GRU, LSTM, Elman
from unrolled.core.cell import Cell, brings_its_gradient, parameters_of
from unrolled.core.recurrent import Recurrent, from_torch, to_torch

F64 = torch.float64
BY_HAND = [name for name, row in CELLS.items() if brings_its_gradient(row.make(1, 1))]
OF_TORCH = [name for name, row in CELLS.items() if row.torch]

each_cell = pytest.mark.parametrize("name", CELLS)
each_by_hand = pytest.mark.parametrize("name", BY_HAND)
each_of_torch = pytest.mark.parametrize("name", OF_TORCH)


def layer_of(name, inputs=3, H=4, *, seed=0, dtype=F64, **options):
    torch.manual_seed(seed)
    return Recurrent(CELLS[name].make(inputs, H), **options).to(dtype)


def state_of(layer, B, dtype=F64):
    return tuple(torch.rand(B, layer.cell.hidden_size, dtype=dtype) for _ in layer.cell.states)


def flat(found):
    output, last = found
    return [output, *last]


def close(ours, theirs, tolerance=1e-12):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


# The table


def test_every_class_of_cells_has_a_row():
    modules = [
        importlib.import_module(f"unrolled.cells.{path.stem}")
        for path in Path(cells.__file__).parent.glob("*.py")
        if path.stem != "__init__"
    ]
    classes = {
        each
        for module in modules
        for each in vars(module).values()
        if inspect.isclass(each) and issubclass(each, Cell) and each.__module__ == module.__name__
    }
    assert len(classes) >= 7
    assert classes == {row.kind for row in CELLS.values()}
    assert {each.__name__ for each in classes} <= set(cells.__all__)


@each_cell
def test_a_cell_declares_all_its_parameters(name):
    cell = CELLS[name].make(3, 5)
    declared = {
        each: tuple(sum(3 if block == "x" else 5 for block in axis) for axis in axes)
        for each, axes in parameters_of(cell).items()
    }
    assert declared == {each: tuple(weight.shape) for each, weight in cell.named_parameters()}


@each_cell
def test_first_values_follow_torchs_rule_or_are_all_0_or_1(name):
    torch.manual_seed(0)
    for weight in CELLS[name].make(40, 25).parameters():
        if weight.min() == weight.max():
            assert weight[0] in (0, 1)
            continue
        assert weight.abs().max() <= 0.2
        assert weight.abs().max() >= 0.18
        assert abs(weight.mean().item()) <= 4 * 0.2 / (3 * weight.numel()) ** 0.5


@each_cell
def test_sizes_are_checked(name):
    for sizes, error, words in (
        ((0, 3), ValueError, "input_size must be at least 1, got 0"),
        (("2", 3), TypeError, "input_size must be a whole number"),
        ((2, -1), ValueError, "hidden_size must be at least 1, got -1"),
        ((2, 1.5), TypeError, "hidden_size must be a whole number"),
    ):
        with pytest.raises(error, match=words):
            CELLS[name].make(*sizes)


# What a cell computes


@each_cell
def test_a_cell_is_its_equations(name):
    layer = layer_of(name)
    for weight in layer.parameters():
        nn.init.normal_(weight, std=0.8)
    assert_is_its_equations(layer, torch.randn(6, 3, 3, dtype=F64), state_of(layer, 3), [6, 4, 0])


@each_cell
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(name):
    layer, x = layer_of(name), torch.randn(6, 3, 3, dtype=F64)

    def run(where):
        moved = layer.to(where)
        output, _ = moved(x.to(where), lengths=[2, 6, 4])
        found = torch.autograd.grad(output.sum(), list(moved.parameters()))
        return [part.cpu() for part in (output, *found)]

    close(run("cuda"), run("cpu"), 1e-10)


# The gradient


@each_cell
@given(data=st.data())
@settings(max_examples=12, deadline=None)
def test_three_ways_to_the_gradient_agree(name, data):
    assert_they_agree(*data.draw(problems(CELLS[name].make)))


def test_cells_that_a_chapter_derives_bring_their_gradient():
    assert {CELLS[name].kind for name in BY_HAND} == {Elman, LSTM, GRU}


@each_cell
def test_the_gradient_is_the_cells_own_and_autograds_on_demand(name):
    layer, x = layer_of(name), torch.randn(4, 2, 3, dtype=F64)
    assert ("Unroll" in layer(x)[0].grad_fn.name()) == (name in BY_HAND)
    layer.autograd = True
    assert "Unroll" not in layer(x)[0].grad_fn.name()


@each_by_hand
def test_a_backward_step_is_linear_and_changes_nothing_it_is_given(name):
    layer = layer_of(name)
    cell, count = layer.cell, len(layer.cell.states)
    weights = [weight.detach() for weight in cell.weights()]
    before, a, b = (tuple(torch.randn(count, 2, 4, dtype=F64)) for _ in range(3))
    with torch.no_grad():
        projected = cell.project(torch.randn(2, 3, dtype=F64))
        after, saved = cell.step_forward(projected, before, *weights)
        tensors = [*before, *a, *b, *after, *saved, *weights]
        copies = [tensor.clone() for tensor in tensors]

        def back(grad):
            dp, d_before = cell.step_backward(grad, before, after, saved, *weights)
            return torch.cat([dp, *d_before], 1)

        mixed = tuple(2 * one - 3 * other for one, other in zip(a, b, strict=True))
        close(back(mixed), 2 * back(a) - 3 * back(b))
        states = tuple(torch.stack(pair) for pair in zip(before, after, strict=True))
        cell.weight_backward(torch.randn_like(projected)[None], states, [saved])
    close(tensors, copies, 0)


# torch's layers


def torchs(name, inputs, H, **options):
    row = CELLS[name]
    return getattr(nn, row.torch)(inputs, H, **row.options, **options)


class OneLayer(nn.Module):
    """torch's layer with our arguments and results: a state has no axis of layers."""

    def __init__(self, layer):
        super().__init__()
        self.layer = layer

    def forward(self, x, state=None, lengths=None):
        parts = tuple(part[None] for part in state or ())
        output, last = self.layer(x, parts if len(parts) > 1 else next(iter(parts), None))
        return output, tuple(part[0] for part in (last if isinstance(last, tuple) else (last,)))


@each_of_torch
@given(data=st.data())
@settings(max_examples=40, deadline=None)
def test_outputs_and_all_gradients_are_torchs(name, data):
    T, B, inputs, H = (data.draw(st.integers(1, most)) for most in (8, 4, 4, 4))
    dtype, batch_first = data.draw(st.sampled_from([torch.float32, F64])), data.draw(st.booleans())
    seed = data.draw(st.integers(0, 2**32 - 1))
    layer = layer_of(name, inputs, H, seed=seed, dtype=dtype, batch_first=batch_first)
    reference = torchs(name, inputs, H, batch_first=batch_first).to(dtype)
    from_torch(layer, reference.state_dict())
    x = torch.randn((B, T, inputs) if batch_first else (T, B, inputs), dtype=dtype)
    state = data.draw(st.sampled_from([None, state_of(layer, B, dtype)]))
    tolerance = 1e-4 if dtype == torch.float32 else 1e-11
    theirs = OneLayer(reference)
    close(flat(layer(x, state)), flat(theirs(x, state)), tolerance)
    close(gradients(layer, x, state), gradients(theirs, x, state), tolerance)


@each_of_torch
def test_a_seed_makes_torchs_network_and_weights_go_both_ways(name):
    layer = layer_of(name, 5, 7, seed=3, dtype=torch.float32)
    torch.manual_seed(3)
    reference = torchs(name, 5, 7)
    ours, theirs = to_torch(layer), reference.state_dict()
    assert list(ours) == list(theirs)
    close(ours, dict(theirs), 0)
    reference.load_state_dict(ours)
    getattr(nn, f"{CELLS[name].torch}Cell")(5, 7).load_state_dict(layer.cell.state_dict())


@each_of_torch
def test_a_padded_batch_is_torchs_packed_sequence(name):
    layer, reference = layer_of(name), torchs(name, 3, 4).double()
    from_torch(layer, reference.state_dict())
    x, lengths = torch.randn(6, 3, 3, dtype=F64), [2, 6, 5]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    output, last = OneLayer(reference)(packed)
    output, _ = nn.utils.rnn.pad_packed_sequence(output)
    close(flat(layer(x, lengths=lengths)), [output, *last])


@each_of_torch
def test_reversed_input_is_torchs_backward_direction(name):
    layer, reference = layer_of(name), torchs(name, 3, 4, bidirectional=True).double()
    weights, suffix = reference.state_dict(), "_reverse"
    backward = {each.removesuffix(suffix): w for each, w in weights.items() if suffix in each}
    from_torch(layer, backward)
    x = torch.randn(6, 2, 3, dtype=F64)
    output, last = layer(x.flip(0))
    expected, final = reference(x)
    final = final if isinstance(final, tuple) else (final,)
    close([output.flip(0), *last], [expected[..., 4:], *(part[1] for part in final)])


@each_cell
def test_weights_come_back_from_a_file(name, tmp_path):
    layer, other = layer_of(name), layer_of(name, seed=1)
    torch.save(to_torch(layer), tmp_path / "weights.pt")
    from_torch(other, torch.load(tmp_path / "weights.pt", weights_only=True))
    x = torch.randn(4, 2, 3, dtype=F64)
    close(flat(other(x)), flat(layer(x)), 0)
