"""N networks computed as one are the N networks alone."""

from functools import partial

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import cross_entropy

from unrolled.cells import CELLS, GRU, LSTM, LSTMVariant
from unrolled.core.recurrent import Recurrent
from unrolled.data.reber import IGNORED
from unrolled.experiments.arguments import as_many, look_up
from unrolled.experiments.each_network import by_network, cross_entropy_each
from unrolled.experiments.networks import Networks, clip_each, train

KINDS = {name: row.make for name, row in CELLS.items() if not row.make(1, 1).mixes_units}
KINDS["no gate"] = partial(LSTMVariant, input_gate=False, forget_gate=False, output_gate=False)
T, B, N, OUT = 5, 3, 4, 2


def several(kind, inputs, hidden, *, outputs=OUT, count=N, seed=0):
    torch.manual_seed(seed)
    cells = [KINDS[kind](inputs, hidden).double() for _ in range(count)]
    return cells, Networks(cells, outputs).double()


def drawn(*shape, seed=1):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed), dtype=torch.float64)


def alone(cells, networks, n):
    """Network n by itself, from the parts that the book has for one."""
    layer, read = Recurrent(cells[n]), nn.Linear(cells[n].hidden_size, OUT).double()
    with torch.no_grad():
        read.weight.copy_(networks.weight[n])
        read.bias.copy_(networks.bias[n])
    return layer, read


def squared(prediction, target):
    return (prediction - target).square().mean((0, 1, 3))


# I below, equal to and above H, and as wide as the gates that see each other
@pytest.mark.parametrize(("inputs", "hidden"), [(2, 3), (3, 3), (9, 3), (1, 1)])
@pytest.mark.parametrize("kind", KINDS)
def test_predictions_states_and_gradients_are_those_of_each_network_alone(kind, inputs, hidden):
    cells, networks = several(kind, inputs, hidden)
    x, target = drawn(T, B, N, inputs), drawn(T, B, N, OUT, seed=2)
    start = tuple(drawn(B, N, hidden, seed=3 + k) / 2 for k in range(len(cells[0].states)))
    y, state = networks(x, start)
    squared(y, target).sum().backward()
    for n, cell in enumerate(cells):
        layer, read = alone(cells, networks, n)
        output, last = layer(x[:, :, n], tuple(part[:, n] for part in start))
        torch.testing.assert_close(y[:, :, n], read(output))
        for part, expected in zip(state, last, strict=True):
            torch.testing.assert_close(part[:, n], expected)
        (read(output) - target[:, :, n]).square().mean().backward()
        for name, parameter in cell.named_parameters():
            torch.testing.assert_close(networks.cell[name].grad[n], parameter.grad)
        torch.testing.assert_close(networks.weight.grad[n], read.weight.grad)
        torch.testing.assert_close(networks.bias.grad[n], read.bias.grad)


@pytest.mark.parametrize("kind", ["LSTM 1997", "LSTM V", "LSTM FGR", "GRU", "MUT1", "Elman"])
def test_training_is_that_of_each_network_alone(kind):
    cells, networks = several(kind, 2, 3)
    x, target = drawn(6, T, B, N, 2) * 3, drawn(6, T, B, N, OUT, seed=2) * 3
    singles = [alone(cells, networks, n) for n in range(N)]
    trained = train(
        networks,
        lambda k: (x[k], target[k]),
        squared,
        updates=6,
        optimizer=torch.optim.Adam(networks.parameters(), lr=0.05),
        clip=0.5,
        carry=True,
    )
    assert trained.alive.all()
    assert trained.loss.shape == (6, N)
    for n, (layer, read) in enumerate(singles):
        model = nn.ModuleList([layer, read])
        optimizer, state = torch.optim.Adam(model.parameters(), lr=0.05), None
        for k in range(6):
            optimizer.zero_grad()
            output, state = layer(x[k][:, :, n], state)
            state = tuple(part.detach() for part in state)
            loss = (read(output) - target[k][:, :, n]).square().mean()
            loss.backward()
            nn.utils.clip_grad_norm_(model.parameters(), 0.5)
            optimizer.step()
            assert trained.loss[k, n].item() == pytest.approx(loss.item(), rel=1e-6)
        for name, parameter in cells[n].named_parameters():
            torch.testing.assert_close(networks.cell[name][n], parameter)
        torch.testing.assert_close(networks.weight[n], read.weight)


def test_networks_start_as_torch_would_and_do_not_share_the_cells():
    cells, networks = several("LSTM", 2, 3)
    assert sum(each.numel() for each in networks.parameters()) == N * (
        sum(each.numel() for each in cells[0].parameters()) + OUT * 4
    )
    with torch.no_grad():
        cells[0].weight_hh.zero_()
    assert networks.cell["weight_hh"][0].any()
    assert not torch.equal(networks.weight[0], networks.weight[1])
    assert networks.weight.abs().max() <= 3**-0.5


def test_a_state_that_is_carried_continues_the_sequence():
    _, networks = several("LSTM V", 2, 3)
    x = drawn(8, B, N, 2)
    whole, last = networks(x)
    first, state = networks(x[:3])
    second, end = networks(x[3:], state)
    torch.testing.assert_close(torch.cat([first, second]), whole)
    torch.testing.assert_close(end, last)


def test_each_gradient_is_clipped_by_its_own_norm():
    _, networks = several("LSTM", 2, 3)
    parameters = list(networks.parameters())
    for parameter in parameters:
        parameter.grad = torch.ones_like(parameter)
        parameter.grad[1] *= 1e-3
        parameter.grad[2] = 0
    before = [parameter.grad.clone() for parameter in parameters]
    norms = clip_each(parameters, 0.5)
    size = sum(parameter[0].numel() for parameter in parameters) ** 0.5
    expected = torch.tensor([size, size / 1e3, 0, size], dtype=torch.float64)
    torch.testing.assert_close(norms, expected)
    for parameter, old in zip(parameters, before, strict=True):
        torch.testing.assert_close(parameter.grad[1:3], old[1:3])
        torch.testing.assert_close(parameter.grad[0], old[0] * 0.5 / (size + 1e-6))


def break_prediction(networks):
    """Make the second network's outputs grow beyond all bounds: 0, or no number, for the rest."""
    with torch.no_grad():
        networks.cell["weight_hh"][1] = 1e200
        networks.cell["bias_ih"][1] = 1.0


def break_gradient(networks):
    """Make the second network's gradient, though not its output, grow beyond all bounds."""
    with torch.no_grad():
        networks.cell["weight_hh"][1] = 1e80
        networks.cell["weight_ih"][1] = 1e-260
        networks.cell["bias_ih"][1] = 0
        networks.cell["bias_hh"][1] = 0


# a state that is carried, and great weights, would break the prediction in place of the gradient
@pytest.mark.parametrize(
    ("break_it", "at", "carry"),
    [
        (break_prediction, 0, True),
        (break_prediction, 3, True),
        (break_gradient, 0, True),
        (break_gradient, 3, False),
    ],
)
def test_a_network_that_breaks_leaves_the_others_as_they_would_be(break_it, at, carry):
    x, target = drawn(7, T, B, N, 2).abs(), drawn(7, T, B, N, OUT, seed=2)

    def run(broken):
        _, networks = several("Elman, rectified", 2, 3)

        def batch(k):
            if broken and k == at:
                break_it(networks)
            return x[k], target[k]

        optimizer = torch.optim.Adam(networks.parameters(), lr=0.01)
        trained = train(networks, batch, squared, updates=7, optimizer=optimizer, carry=carry)
        return networks, trained

    _, networks = several("Elman, rectified", 2, 3)
    break_it(networks)
    finite = networks(x[at])[0].isfinite().all()
    assert finite == (break_it is break_gradient)

    (sound, expected), (networks, trained) = run(False), run(True)
    assert trained.alive.tolist() == [True, False, True, True]
    assert trained.loss[at:, 1].isnan().all()
    torch.testing.assert_close(trained.loss[:at, 1], expected.loss[:at, 1])
    keep = [0, 2, 3]
    torch.testing.assert_close(trained.loss[:, keep], expected.loss[:, keep])
    for a, b in zip(networks.parameters(), sound.parameters(), strict=True):
        assert torch.isfinite(a).all()
        assert not a.grad[1].any()
        assert not a[1].any()
        torch.testing.assert_close(a[keep], b[keep])


def test_the_state_of_a_network_that_broke_is_zero():
    """Its cell state has become infinite; tanh shows that as 1, and only the gradient breaks."""
    _, networks = several("LSTM NIAF", 2, 3)

    def batch(k):
        if k == 1:
            with torch.no_grad():
                for name in ("bias_ih", "weight_ih", "weight_hh"):
                    networks.cell[name][1] = 0
                networks.cell["bias_ih"][1] = torch.tensor([50.0, 50, 1e308, 50]).repeat_interleave(
                    3
                )
        return drawn(T, B, N, 2), drawn(T, B, N, OUT, seed=2)

    optimizer = torch.optim.Adam(networks.parameters(), lr=0.01)
    trained = train(networks, batch, squared, updates=2, optimizer=optimizer, carry=True)
    assert trained.alive.tolist() == [True, False, True, True]
    for part in trained.state:
        assert not part[:, 1].any()
        assert part[:, [0, 2, 3]].all()


def test_sequences_are_parted_by_network():
    x = np.arange(2 * 6 * 3).reshape(2, 6, 3)
    each = by_network(x, 3)
    assert each.shape == (2, 2, 3, 3)
    assert sorted(each.flatten().tolist()) == list(range(36))
    assert each[1, 1, 2].tolist() == x[1, 5].tolist()


@pytest.mark.parametrize("shape", [(), (5,)])
def test_cross_entropy_is_each_networks_mean_over_the_symbols_that_count(shape):
    target = torch.randint(0, 7, (*shape, 6, 2), generator=torch.Generator().manual_seed(0))
    target[..., ::4, :] = IGNORED
    prediction = drawn(*target.shape, 7)
    for n in range(2):
        expected = cross_entropy(
            prediction[..., n, :].flatten(0, -2), target[..., n].flatten(), ignore_index=IGNORED
        )
        torch.testing.assert_close(cross_entropy_each(prediction, target)[n], expected)


def test_names_and_counts_are_checked():
    assert look_up("cell", "a", {"a": 1, "b": 2}) == 1
    with pytest.raises(ValueError, match="cell must be one of a, b, got 'c'"):
        look_up("cell", "c", {"a": 1, "b": 2})
    as_many("units", [1, 2], "names", "ab")
    with pytest.raises(ValueError, match="units must be as many as names, 2, got 1"):
        as_many("units", [1], "names", "ab")


def test_training_ends_where_it_is_told_to_and_the_schedule_steps():
    _, networks = several("LSTM", 2, 3)
    optimizer = torch.optim.SGD(networks.parameters(), lr=1.0)
    trained = train(
        networks,
        lambda k: (drawn(T, B, N, 2), drawn(T, B, N, OUT, seed=2)),
        squared,
        updates=10,
        optimizer=optimizer,
        clip=None,
        schedule=torch.optim.lr_scheduler.ExponentialLR(optimizer, 0.5),
        stop=lambda made: made == 3,
    )
    assert trained.loss.shape == (3, N)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(0.125)


def test_inputs_that_are_not_finite_are_refused():
    _, networks = several("LSTM", 2, 3)
    x = torch.full((T, B, N, 2), torch.nan, dtype=torch.float64)
    optimizer = torch.optim.Adam(networks.parameters())
    with pytest.raises(FloatingPointError, match="inputs must be finite, got others at update 0"):
        train(networks, lambda k: (x, x), squared, updates=1, optimizer=optimizer)


@pytest.mark.parametrize(
    ("make", "error", "words"),
    [
        (lambda: Networks([], 1), ValueError, "cells must be at least one Cell, got none"),
        (
            lambda: Networks([nn.Linear(1, 1)], 1),
            TypeError,
            r"cells\[0\] must be a Cell, got Linear",
        ),
        (lambda: Networks(LSTM(2, 3), 1), TypeError, "cells must be several values, .* got LSTM"),
        (
            lambda: Networks([LSTM(2, 3), LSTM(2, 3).double()], 1),
            ValueError,
            "cells must have one dtype and device, got torch.float32 on cpu, torch.float64 on cpu",
        ),
        (
            lambda: Networks([LSTM(2, 3), LSTM(2, 3).requires_grad_(False)], 1),
            ValueError,
            r"cells\[1\] must have no frozen parameters, got requires_grad=False of weight_ih, ",
        ),
        (
            lambda: Networks([LSTM(2, 3)], 1).alone(1),
            ValueError,
            "which must be from 0 to 0, got 1",
        ),
        (lambda: Networks([LSTM(2, 3)], 0), ValueError, "outputs must be at least 1, got 0"),
        (lambda: Networks([LSTM(2, 3), LSTM(2, 4)], 1), ValueError, "cells must be all like"),
        (lambda: Networks([LSTM(2, 3), GRU(2, 3)], 1), ValueError, "got GRU"),
        (
            lambda: Networks([LSTMVariant(2, 3), LSTMVariant(2, 3, peepholes=True)], 1),
            ValueError,
            "peepholes",
        ),
        (lambda: Networks([LSTMVariant(2, 3, layer_norm=True)], 1), ValueError, "layer_norm"),
        (
            lambda: Networks([LSTM(2, 3)] * 2, 1)(torch.zeros(4, 1, 3, 2)),
            ValueError,
            r"x must have shape \(T, B, 2, 2\), got \(4, 1, 3, 2\)",
        ),
        (lambda: clip_each([], 0), ValueError, "largest must be greater than 0, got 0"),
        (lambda: clip_each([], 1), ValueError, "parameters must have gradients, got 0 without one"),
        (
            lambda: clip_each(LSTM(2, 3).parameters(), 1),
            ValueError,
            "parameters must have gradients, got 4 without one",
        ),
    ],
)
def test_bad_input_is_named(make, error, words):
    with pytest.raises(error, match=words):
        make()


@pytest.mark.parametrize("dtype", [torch.float64, torch.bfloat16])
def test_the_maps_are_of_the_cells_dtype(dtype):
    networks = Networks((LSTM(2, 3).to(dtype) for _ in range(2)), 1)
    assert {each.dtype for each in networks.parameters()} == {dtype}
    assert networks(torch.ones(T, B, 2, 2, dtype=dtype))[0].dtype == dtype


def of_another(_):
    return torch.optim.SGD(nn.Linear(1, 1).parameters(), lr=0.1)


def part(parameters):
    return torch.optim.SGD(parameters[:-1], lr=0.1)


BATCH = (torch.ones(T, B, 2, 2), torch.ones(T, B, 2, 1))


@pytest.mark.parametrize(
    ("changes", "error", "words"),
    [
        ({"networks": nn.Linear(1, 1)}, TypeError, "networks must be a Networks, got Linear"),
        ({"optimizer": lambda _: None}, TypeError, "optimizer must be an Optimizer, got None"),
        ({"optimizer": of_another}, ValueError, "got one with 2 of another"),
        ({"optimizer": part}, ValueError, "got none of (bias|cell)"),
        ({"optimizer": torch.optim.LBFGS}, ValueError, "must step without a closure, got LBFGS"),
        ({"optimizer": torch.optim.SparseAdam}, ValueError, "dense gradients, got SparseAdam"),
        ({"schedule": 3}, TypeError, "schedule must be a.* LRScheduler, got 3"),
        (
            {"schedule": torch.optim.lr_scheduler.StepLR(of_another(0), 1)},
            ValueError,
            "schedule must be made for the optimizer, got one of another SGD",
        ),
        ({"clip": 0}, ValueError, "clip must be greater than 0, got 0"),
        ({"carry": 3}, TypeError, "carry must be True or False, got 3"),
        ({"stop": 3}, TypeError, "stop must be a function of the number of updates made, got 3"),
        ({"batch": 3}, TypeError, "batch must be a function of the number of an update, got 3"),
        ({"batch": lambda: BATCH}, TypeError, "got one that has too many positional arguments"),
        ({"batch": lambda k: None}, TypeError, "batch must return a tuple .*, got None"),
        ({"batch": lambda k: BATCH[0]}, TypeError, r"got Tensor of shape \(5, 3, 2, 2\)"),
        ({"loss": 3}, TypeError, "loss must be a function, got 3"),
        ({"loss": lambda y: y}, TypeError, "loss must be a function of predictions and the rest"),
        ({"loss": lambda y, t: 1.0}, TypeError, "loss must return a tensor, got 1.0"),
        *(
            (
                {"loss": lambda y, t, loss=loss: loss((y - t).square())},
                ValueError,
                rf"loss must return a real number of each network, shape \(2,\), got shape {shape}",
            )
            for loss, shape in (
                (lambda e: e.mean(), r"\(\)"),
                (lambda e: e.mean()[None], r"\(1,\)"),
                (lambda e: e.mean((0, 1)), r"\(2, 1\)"),
                (lambda e: e.mean((0, 3)), r"\(3, 2\)"),
                (lambda e: e.mean((0, 1, 3)) * 1j, r"\(2,\) of torch.complex64"),
                (lambda e: e.mean((0, 1, 3)).to_sparse(), r"\(2,\)"),
            )
        ),
        (
            {"loss": lambda y, t: y.detach().mean((0, 1, 3))},
            ValueError,
            "loss must depend on the predictions, got one without a gradient$",
        ),
        (
            {"loss": lambda y, t: torch.ones(2, requires_grad=True) * 2},
            ValueError,
            "loss must depend on the predictions, got no gradient of ",
        ),
    ],
)
def test_what_cannot_train_is_named_and_changes_nothing(changes, error, words):
    networks = Networks([LSTM(2, 3) for _ in range(2)], 1)
    before = [each.detach().clone() for each in networks.parameters()]
    given = {
        "networks": networks,
        "batch": lambda k: BATCH,
        "loss": squared,
        "optimizer": torch.optim.SGD,
        "updates": 2,
        **changes,
    }
    given["optimizer"] = given["optimizer"]([*networks.parameters()])
    with pytest.raises(error, match=words):
        train(**given)
    for parameter, old in zip(networks.parameters(), before, strict=True):
        assert torch.equal(parameter, old)


def test_frozen_networks_and_gradients_that_are_off_are_said():
    networks = Networks([LSTM(2, 3)], 1)
    given = {
        "batch": lambda k: (torch.ones(T, B, 1, 2), torch.ones(T, B, 1, 1)),
        "loss": squared,
        "optimizer": torch.optim.SGD(networks.parameters()),
        "updates": 1,
    }
    with torch.no_grad(), pytest.raises(ValueError, match="called where gradients are off"):
        train(networks, **given)
    networks.bias.requires_grad_(False)
    with pytest.raises(ValueError, match=r"networks must have no frozen .* of bias"):
        train(networks, **given)
