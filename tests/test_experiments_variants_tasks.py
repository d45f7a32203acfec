"""What the searches of the chapter train: cells of one budget, networks side by side, tasks."""

from functools import cache

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.core.recurrent import Recurrent
from unrolled.data import arithmetic
from unrolled.data.reber import IGNORED
from unrolled.experiments.networks import Networks
from unrolled.experiments.variants import _tasks
from unrolled.experiments.variants._budget import AdamEach, _networks, embed, scores, width
from unrolled.experiments.variants._competition import ENTRANTS
from unrolled.experiments.variants._tasks import (
    TASKS,
    TEST,
    TRAINING,
    VALIDATION,
    _codes,
    mixed_seed,
)
from unrolled.search import build
from unrolled.training import seeded


@pytest.fixture(autouse=True, scope="module")
def few_problems():
    """Draw among 64 problems: to draw 8,192 takes a second for each part."""
    with pytest.MonkeyPatch.context() as patch:
        few = cache(lambda part: arithmetic(64, digits=1, seed=mixed_seed(part)))
        patch.setattr(_tasks, "_problems", few)
        yield


def drawn(*shape, seed):
    return torch.randn(*shape, generator=torch.Generator().manual_seed(seed))


def learned(structure, task, units):
    parts = build(structure, task.inputs, units), nn.Linear(units, task.outputs)
    return sum(p.numel() for part in parts for p in part.parameters())


# --- The same budget for all ---------------------------------------------------------------------


@pytest.mark.parametrize("name", ENTRANTS)
@pytest.mark.parametrize("task", TASKS.values(), ids=TASKS)
def test_a_width_is_the_largest_that_the_budget_allows(name, task):
    units = width(ENTRANTS[name], task, task.budget)
    sizes = [learned(ENTRANTS[name], task, units + more) for more in (0, 1)]
    assert sizes[0] <= task.budget < sizes[1]


def test_an_lstm_of_one_unit_needs_what_its_equations_say():
    # four gates of a weight for each of two inputs, one for h, two biases; a readout of two numbers
    assert width(ENTRANTS["LSTM"], TASKS["adding"], 4 * (2 + 1 + 2) + 2) == 1
    with pytest.raises(ValueError, match="budget must allow one unit, 22 numbers, got 21"):
        width(ENTRANTS["LSTM"], TASKS["adding"], 21)


def test_to_ask_for_a_width_draws_nothing():
    torch.manual_seed(0)
    before = torch.get_rng_state()
    width(ENTRANTS["MUT1"], TASKS["text"], 500)
    assert torch.equal(torch.get_rng_state(), before)


# --- Many networks side by side, each with its own width and learning rate -----------------------


@pytest.mark.parametrize("structure", ENTRANTS.values(), ids=ENTRANTS)
def test_a_cell_in_a_larger_one_is_that_cell_and_the_rest_is_silent(structure):
    torch.manual_seed(0)
    small, large = build(structure, 3, 4), build(structure, 3, 7)
    embed(small, large)
    x = drawn(6, 2, 3, seed=1)
    own, embedded = Recurrent(small)(x)[0], Recurrent(large)(x)[0]
    torch.testing.assert_close(embedded[..., :4], own)
    assert not embedded[..., 4:].any()


@pytest.mark.parametrize("structure", ENTRANTS.values(), ids=ENTRANTS)
def test_networks_of_several_widths_learn_what_each_learns_alone(structure):
    of, widths, rates = TASKS["adding"], [3, 5], [0.02, 0.01]
    networks = seeded(0, lambda: _networks(structure, of, widths))
    alone = list(_alone(structure, of, networks, widths))
    optimizer = AdamEach(networks.parameters(), rates)
    single = [
        torch.optim.Adam([*layer.parameters(), *read.parameters()], lr)
        for (layer, read), lr in zip(alone, rates, strict=True)
    ]
    for update in range(4):
        x, y = of.draw(8, of.length, TRAINING, update)
        x, y = x.view(of.length, 4, 2, 2), y.view(4, 2)
        optimizer.zero_grad()
        of.loss(networks(x)[0], y).sum().backward()
        optimizer.step()
        for n, ((layer, read), adam) in enumerate(zip(alone, single, strict=True)):
            adam.zero_grad()
            of.loss(read(layer(x[:, :, n])[0])[:, :, None], y[:, [n]]).sum().backward()
            adam.step()
    x = drawn(of.length, 5, 2, 2, seed=1)
    together = networks(x)[0]
    for n, (layer, read) in enumerate(alone):
        expected = read(layer(x[:, :, n])[0])
        torch.testing.assert_close(together[:, :, n], expected, rtol=1e-3, atol=1e-4)


def _alone(structure, of, networks, widths):
    """Yield each of some networks as a layer of its own width and a linear map."""
    most = max(widths)
    for n, units in enumerate(widths):
        large, cell = build(structure, of.inputs, most), build(structure, of.inputs, units)
        for name, stacked in networks.cell.items():
            large.get_parameter(name).data = stacked[n].detach().clone()
        index = build(structure, of.inputs, most)
        for own in cell.parameters():  # to see where each number goes, write ranks
            own.data = torch.arange(1.0, own.numel() + 1).view(own.shape)
        embed(cell, index)
        for name, own in cell.named_parameters():
            there = index.get_parameter(name) > 0
            own.data = large.get_parameter(name)[there].view(own.shape).detach().clone()
            assert not large.get_parameter(name)[~there].any()
        read = nn.Linear(units, of.outputs)
        read.weight.data = networks.weight[n, :, :units].detach().clone()
        read.bias.data = networks.bias[n].detach().clone()
        assert not networks.weight[n, :, units:].any()
        yield Recurrent(cell), read


def test_first_weights_are_those_of_the_width():
    of = TASKS["text"]
    networks = seeded(0, lambda: _networks(ENTRANTS["tanh"], of, [4, 25]))
    assert networks.weight[0].abs().max() <= 4**-0.5
    assert networks.weight[1].abs().max() <= 25**-0.5
    assert networks.weight[0].abs().max() > 0.9 * 4**-0.5
    assert networks.cell["weight_ih"][0].abs().max() > 0.9 * 4**-0.5


def test_gates_that_see_gates_are_refused():
    cells = [build({"cell": "LSTM", "gate_recurrence": True}, 2, units) for units in (2, 3)]
    with pytest.raises(ValueError, match="must not have gate_recurrence"):
        embed(*cells)


def test_each_network_steps_by_its_own_rate_as_adam_does():
    first = drawn(3, 4, 2, seed=100)
    together = nn.Parameter(first.clone())
    alone = [nn.Parameter(each.clone()) for each in first]
    rates = [0.3, 0.01, 0.001]
    optimizer = AdamEach([together], rates)
    single = [torch.optim.Adam([p], lr) for p, lr in zip(alone, rates, strict=True)]
    for step in range(5):
        gradient = drawn(3, 4, 2, seed=step)
        together.grad = gradient
        optimizer.step()
        for p, adam, own in zip(alone, single, gradient, strict=True):
            p.grad = own.clone()
            adam.step()
    torch.testing.assert_close(together, torch.stack(list(alone)), rtol=1e-5, atol=1e-6)
    with pytest.raises(ValueError, match="rates must be greater than 0, got 0"):
        AdamEach([together], [0.1, 0])


# --- Tasks ---------------------------------------------------------------------------------------


@pytest.mark.parametrize("name", TASKS)
def test_a_task_has_the_shapes_that_it_says_and_parts_that_differ(name):
    task = TASKS[name]
    parts = [task.draw(6, task.length, part, 0) for part in (TRAINING, VALIDATION, TEST)]
    for x, target in parts:
        assert x.shape == (task.length, 6, task.inputs)
        assert target.shape in ((6,), (task.length, 6))
        assert x.dtype == torch.float32
    assert not torch.equal(parts[0][0], parts[1][0])
    assert not torch.equal(parts[1][0], parts[2][0])
    again = task.draw(6, task.length, TEST, 0)
    assert all(torch.equal(a, b) for a, b in zip(again, parts[2], strict=True))
    assert not torch.equal(task.draw(6, task.length, TEST, 1)[0], parts[2][0])


@pytest.mark.parametrize("name", TASKS)
def test_losses_and_errors_are_each_networks_own(name):
    task = TASKS[name]
    _, target = task.draw(10, task.length, TRAINING, 0)
    target = target.view(*target.shape[:-1], 5, 2)
    prediction = drawn(task.length, 5, 2, task.outputs, seed=1).requires_grad_()
    for measure in (task.loss, task.error):
        both = measure(prediction, target)
        assert both.shape == (2,)
        for n in (0, 1):
            own = measure(prediction[:, :, [n]], target[..., [n]])
            torch.testing.assert_close(own, both[[n]])
    (gradient,) = torch.autograd.grad(task.loss(prediction, target)[0], prediction)
    assert gradient[:, :, 0].any()
    assert not gradient[:, :, 1].any()


def test_errors_are_in_the_units_that_are_said():
    adding, order, sums, text = (TASKS[name] for name in ("adding", "order", "arithmetic", "text"))
    y = adding.draw(50, adding.length, TEST, 0)[1][:, None]
    mean = y.mean().expand(adding.length, len(y), 1, 1)
    assert adding.error(mean, y).item() == pytest.approx(1)

    y = order.draw(2000, order.length, TEST, 0)[1][:, None]
    right = torch.eye(4)[y].expand(order.length, -1, 1, 4)
    assert order.error(right, y).item() == 0
    assert order.error(torch.eye(4)[torch.zeros_like(y)][None], y).item() == pytest.approx(
        0.75, abs=0.05
    )

    _, y = sums.draw(500, sums.length, TEST, 0)
    answers = y[..., None]
    assert sums.error(torch.eye(40)[answers % 40], answers).item() == 0
    unanswered = answers == IGNORED
    assert 0 < unanswered.sum() < unanswered.numel()
    noise = torch.where(unanswered[..., None], drawn(40, seed=1), torch.eye(40)[answers % 40])
    assert sums.error(noise, answers).item() == 0  # what is not asked does not count
    torch.testing.assert_close(sums.loss(9 * noise, answers), sums.loss(9 * noise + 1, answers))

    y = text.draw(50, text.length, TEST, 0)[1][..., None]
    flat = torch.zeros(*y.shape, 30)
    assert text.error(flat, y).item() == pytest.approx(text.guess) == pytest.approx(np.log2(30))


def test_pieces_of_text_come_from_their_own_part():
    codes = _codes().tolist()
    whole = "".join(map(chr, codes))
    for part, (low, high) in enumerate(((0, 8), (8, 9), (9, 10))):
        x, y = TASKS["text"].draw(40, 30, part, 3)
        for n in range(40):
            symbols = [*x[:, n].argmax(-1).tolist(), int(y[-1, n])]
            piece = "".join(map(chr, symbols))
            assert symbols[1:] == y[:, n].tolist()
            assert piece in whole[low * len(codes) // 10 : high * len(codes) // 10]


def test_a_network_that_broke_or_does_worse_than_a_guess_is_given_a_guess():
    of = TASKS["adding"]
    networks = Networks([build({"cell": "Elman"}, 2, 3) for _ in range(3)], 1)
    with torch.no_grad():
        networks.weight.zero_()
        networks.bias.copy_(torch.tensor([[1.01], [50.0], [0.9]]))
    alive = torch.tensor([True, True, False])
    found = scores(networks, alive, of, part=TEST, seed=0)
    assert found["error"][0] == pytest.approx(1, abs=0.01)
    assert found["error"][1:] == [1, 1]
    assert 2000 < found["loss"][1] < found["loss"][2] == np.inf
