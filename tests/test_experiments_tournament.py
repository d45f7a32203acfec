from functools import cache, partial

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.data import arithmetic
from unrolled.experiments import tournament as experiments
from unrolled.experiments.networks import Networks
from unrolled.experiments.tournament import (
    CLAIMS,
    ENTRANTS,
    SPACE,
    STRUCTURES,
    TASKS,
    TEST,
    TRAINING,
    VALIDATION,
    AdamEach,
    embed,
    width,
)
from unrolled.recurrent import Recurrent
from unrolled.search import Trial, build, importance
from unrolled.training import seeded

CLAIM = {claim.id.removeprefix("variants."): claim for claim in CLAIMS}


@pytest.fixture(autouse=True, scope="module")
def few_problems():
    """Draw among 64 problems: to draw 8,192 takes a second for each part."""
    with pytest.MonkeyPatch.context() as patch:
        few = cache(lambda part: arithmetic(64, digits=1, seed=experiments._mixed(part)))
        patch.setattr(experiments, "_problems", few)
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
    networks = seeded(0, lambda: experiments._networks(structure, of, widths))
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
    networks = seeded(0, lambda: experiments._networks(ENTRANTS["tanh"], of, [4, 25]))
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
    unanswered = answers == experiments.IGNORED
    assert 0 < unanswered.sum() < unanswered.numel()
    noise = torch.where(unanswered[..., None], drawn(40, seed=1), torch.eye(40)[answers % 40])
    assert sums.error(noise, answers).item() == 0  # what is not asked does not count
    torch.testing.assert_close(sums.loss(9 * noise, answers), sums.loss(9 * noise + 1, answers))

    y = text.draw(50, text.length, TEST, 0)[1][..., None]
    flat = torch.zeros(*y.shape, 30)
    assert text.error(flat, y).item() == pytest.approx(text.guess) == pytest.approx(np.log2(30))


def test_pieces_of_text_come_from_their_own_part():
    codes = experiments._codes().tolist()
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
    found = experiments.scores(networks, alive, of, part=TEST, seed=0)
    assert found["error"][0] == pytest.approx(1, abs=0.01)
    assert found["error"][1:] == [1, 1]
    assert 2000 < found["loss"][1] < found["loss"][2] == np.inf


# --- The searches --------------------------------------------------------------------------------

TINY = {"updates": {"adding": 3}, "draws": 2, "networks": 2, "batch": 4}


def test_a_tournament_says_what_it_chose_and_how_that_did():
    cells = ["LSTM", "tanh"]
    found = experiments.tournament(0, cells=cells, **TINY)
    assert list(found) == ["adding", "adding rate", "adding share"]
    assert all(len(values) == 2 for values in found.values())
    assert all(0.5 <= share <= 1 for share in found["adding share"])
    assert found == experiments.tournament(0, cells=cells, **TINY)
    other = experiments.tournament(1, cells=cells, **TINY)
    assert other["adding rate"] != found["adding rate"]


def test_the_least_loss_on_validation_data_is_chosen_and_judged_afresh_on_test_data(monkeypatch):
    seen = []

    def trial(structure, task, shares, rates, part, seed, updates, batch):
        seen.append((part, seed, rates, shares))
        if part == VALIDATION:
            return {"error": [0.0] * 5, "loss": rates}
        return {"error": [3.0, 1.0, 2.0], "loss": [0.0] * 3}

    trial.__module__, trial.__qualname__ = "unrolled.experiments.tournament", "trial"
    monkeypatch.setattr(experiments, "trial", trial)
    options = {**TINY, "networks": 3, "draws": 5}
    found = experiments.tournament(0, cells=["GRU"], **options)
    (part, seed, rates, shares), (last, fresh, again, _) = seen
    assert (part, last) == (VALIDATION, TEST)
    assert seed != fresh
    assert len(set(rates)) == 5
    assert again == [min(rates)] * 3
    assert found == {
        "adding": [2.0],
        "adding rate": [min(rates)],
        "adding share": [shares[rates.index(min(rates))]],
    }


def test_a_cell_that_comes_twice_is_played_once():
    gru = dict(ENTRANTS["GRU"])
    chosen, medians = experiments._play([(gru, "adding")] * 2, 0, **TINY)
    assert chosen[0] == chosen[1]
    assert medians[0] == medians[1]


SEARCH = {
    "task": "adding",
    "rivals": ["LSTM", "GRU", "tanh"],
    "rates": [0.03, 0.1],
    "generations": 2,
    "children": 2,
    "keep": 2,
    "updates": 3,
    "draws": 2,
    "networks": 1,
    "batch": 4,
}


def test_a_search_for_structures_keeps_the_best_and_plays_it():
    found = experiments.structures(0, **SEARCH)
    assert found == experiments.structures(0, **SEARCH)
    assert found["tested"] == 5
    assert len(found["best"]) == 3
    assert found["best"] == sorted(found["best"], reverse=True)
    assert found["promised"] == found["best"][-1]
    assert len(found["rivals"]) == 3
    cell = experiments.named(found["structure"])
    assert found["gated"] == (cell["cell"] != "Elman")
    build(cell, 2, 3)


@pytest.mark.parametrize("cell", STRUCTURES)
def test_a_structure_survives_being_written_as_numbers(cell):
    for which in (0, -1):
        options = STRUCTURES[cell].items()
        structure = {"cell": cell, **{option: values[which] for option, values in options}}
        assert experiments.named(experiments._numbered(structure)) == structure


def test_settings_are_shares_of_what_matters(monkeypatch):
    def one(*, cell, task, updates, seed, **chosen):
        assert (cell, task, updates) == ("LSTM", "adding", 2)
        return {"error": float(np.log(chosen["units"]))}

    one.__module__, one.__qualname__ = experiments.__name__, "one"
    monkeypatch.setattr(experiments, "one", one)
    monkeypatch.setattr(experiments, "importance", partial(importance, shuffles=3))
    found = experiments.settings(
        0, names=list(SPACE), cell="LSTM", task="adding", trials=24, updates=2
    )
    assert set(found) == {"importance", "share", "explained"}
    falls = np.maximum(found["importance"], 0)
    np.testing.assert_allclose(found["share"], falls / falls.sum())
    share = dict(zip(SPACE, found["share"], strict=True))
    assert share["units"] > 0.9
    assert found["explained"] > 0.5


def test_the_settings_of_a_trial_are_those_of_its_network():
    of, chosen = TASKS["adding"], {"learning rate": 0.02, "units": 3}
    error = experiments.one(
        cell="GRU", task="adding", updates=2, seed=5, clipping=0.5, **{"batch size": 4}, **chosen
    )
    made = experiments.learn(ENTRANTS["GRU"], of, [3], [0.02], seed=5, updates=2, batch=4, clip=0.5)
    assert error == {"error": experiments.scores(*made, of, part=VALIDATION, seed=5)["error"][0]}


def test_a_trial_that_fails_ends_the_experiment():
    with pytest.raises(RuntimeError, match=r"trial {'x': 1} failed: no memory"):
        experiments._done([Trial(0, {"x": 1}, "failed", error="no memory")])


# --- Criteria ------------------------------------------------------------------------------------


def tournament_run(**changes):
    """Return what a tournament of LSTM, GRU and tanh may have measured."""
    run = {name: [0.2, 0.1, 0.6] for name in TASKS} | {"order": [0.0, 0.0, 0.6]}
    return run | changes


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),  # the GRU wins on three tasks, and not on the fourth
        ({"order": [0.1, 0.0, 0.6]}, False),  # it wins on all
        ({"text": [3.0, 3.1, 2.9], "arithmetic": [0.3, 0.3, 0.2]}, True),  # tanh may win there
        ({"adding": [0.2, 0.31, 0.6]}, False),  # a gated cell that forgets
        ({"order": [0.3, 0.0, 0.6]}, False),  # and the LSTM is one too
    ],
)
def test_the_criterion_of_the_tournament(changes, holds):
    judge = CLAIM["tournament"].holds
    assert judge([tournament_run(**changes)] * 2) == holds
    assert judge([tournament_run(**changes), tournament_run(), tournament_run()])  # once only


@pytest.mark.parametrize(
    ("share", "explained", "holds"),
    [
        ([0.6, 0.3, 0.1, 0.0], 0.8, True),
        ([0.5, 0.3, 0.1, 0.1], 0.8, False),
        ([0.3, 0.6, 0.1, 0.0], 0.8, False),
        ([0.9, 0.1, 0.0, 0.0], 0.4, False),
    ],
)
def test_the_criterion_of_the_settings(share, explained, holds):
    run = {"share": share, "explained": explained}
    assert CLAIM["settings"].holds([run]) == holds
    good = {"share": [0.9, 0.1, 0.0, 0.0], "explained": 0.9}
    assert CLAIM["settings"].holds([good, run]) == holds


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"found": 0.5}, False),
        ({"found": 0.2, "promised": 0.1}, False),
        ({"promised": 0.36}, False),
    ],
)
def test_the_criterion_of_the_structures(changes, holds):
    run = {"found": 0.3, "promised": 0.25, "rivals": [0.4, 0.28, 0.45]}
    judge = CLAIM["structures"].holds
    assert judge([run | changes] * 2) == holds
    assert judge([run | changes, run]) == (holds or ("promised" in changes and "found" in changes))
