"""The parts of the chapter's experiments, against other ways to compute the same."""

import numpy as np
import pytest
import torch
from torch import nn

from unrolled import lstm_numpy
from unrolled.cells import FORMS, LSTM, Elman, LSTMVariant
from unrolled.core.recurrent import Recurrent
from unrolled.data import continual_reber
from unrolled.experiments.lstm import _kept_holders
from unrolled.experiments.lstm._gates_along import gates_along
from unrolled.experiments.lstm._holding import Vanilla, holder, learn, marked, traced
from unrolled.experiments.lstm._reading_on import inside_holders, read_on
from unrolled.experiments.lstm._reber import (
    REBER_CELLS,
    _OneStep,
    mispredicted,
    reber_networks,
    same_for_all,
)
from unrolled.experiments.lstm._untrained import left_by_lag
from unrolled.experiments.lstm.adding import chrono
from unrolled.experiments.lstm.carousel import gradients_by_lag
from unrolled.experiments.lstm.continual import listen, stream_errors
from unrolled.experiments.lstm.forget_bias import _order_lstm, order_by_bias
from unrolled.experiments.lstm.reber import string_errors
from unrolled.training import seeded


def test_a_gradient_by_lag_is_that_of_the_books_backward_pass():
    torch.manual_seed(0)
    cell = LSTM(3, 4, forget_bias=1.0).double()
    logs = gradients_by_lag(cell, steps=6, sequences=1, seed=5)
    generator = torch.Generator().manual_seed(5)
    x = torch.randn(6, 1, 3, generator=generator, dtype=torch.float64).numpy()
    v = torch.randn(1, 4, generator=generator, dtype=torch.float64).numpy()
    W, U, b_ih, b_hh = (each.detach().numpy() for each in cell.parameters())
    weights = lstm_numpy.Weights(W, U, b_ih + b_hh)
    trace = lstm_numpy.forward(x, np.zeros((1, 4)), np.zeros((1, 4)), weights)
    dh, dc, norms = np.zeros((1, 4)), v, [np.linalg.norm(v)]
    for t in reversed(range(6)):
        o, f = trace.gates.o[t], trace.gates.f[t]
        dc = dc + dh * o * (1 - np.tanh(trace.c[t + 1]) ** 2)
        i, g = trace.gates.i[t], trace.gates.g[t]
        da = np.concatenate(
            [
                dc * g * i * (1 - i),
                dc * trace.c[t] * f * (1 - f),
                dc * i * (1 - g**2),
                dh * np.tanh(trace.c[t + 1]) * o * (1 - o),
            ],
            axis=1,
        )
        dh, dc = da @ U, dc * f
        before = trace.gates.o[t - 1] * (1 - np.tanh(trace.c[t]) ** 2) if t else 0
        norms.append(np.linalg.norm(dc + dh * before))
    assert logs == pytest.approx(np.log(norms) - np.log(norms[0]), abs=1e-10)


def test_along_the_cell_the_gradient_is_the_product_of_forget_gates():
    torch.manual_seed(1)
    cell = LSTMVariant(1, 1, forget_bias=1.0, truncated=True).double()
    logs = gradients_by_lag(cell, steps=8, sequences=1, seed=2)
    x = torch.randn(8, 1, 1, generator=torch.Generator().manual_seed(2), dtype=torch.float64)
    h = c = torch.zeros(1, 1, dtype=torch.float64)
    opened = []
    for x_t in x:
        a = cell.project(x_t) + h @ cell.weight_hh.T
        opened.append(torch.sigmoid(a[0, 1]).item())
        h, c = cell(x_t, (h, c))
    assert np.diff(logs) == pytest.approx(np.log(opened[::-1]))


def test_the_cell_of_1997_carries_an_error_back_as_it_was():
    torch.manual_seed(0)
    cell = LSTMVariant(2, 5, **FORMS["1997"]).double()
    logs = gradients_by_lag(cell, steps=200, sequences=3, seed=0)
    assert logs == pytest.approx(np.zeros(201), abs=1e-12)


def test_a_gradient_later_is_that_of_a_run_that_begins_in_the_state_then():
    torch.manual_seed(0)
    cell = LSTM(2, 3).double()
    later = gradients_by_lag(cell, steps=4, sequences=2, seed=7, warm_up=5)
    generator = torch.Generator().manual_seed(7)
    x = torch.randn(9, 2, 2, generator=generator, dtype=torch.float64)
    v = torch.randn(2, 3, generator=generator, dtype=torch.float64)
    _, (h, c) = Recurrent(cell)(x[:5])
    c = c.detach().requires_grad_()
    _, (_, last) = Recurrent(cell)(x[5:], (h.detach(), c))
    (gradient,) = torch.autograd.grad((v * last).sum(), c)
    expected = gradient.norm(dim=1).log() - v.norm(dim=1).log()
    assert later[-1] == pytest.approx(expected.mean().item())


def test_a_leak_multiplies_the_state_and_nothing_else():
    names = "LSTM of 1997", "times 0.9"
    kept, leaking = (reber_networks(name, networks=1, units=4, seed=0) for name in names)
    x, state = torch.randn(1, 2, 1, 7), (torch.randn(2, 1, 4), torch.randn(2, 1, 4))
    _, (_, plain) = kept(x, state)
    _, (_, leaked) = leaking(x, state)
    torch.testing.assert_close(plain - leaked, 0.1 * state[1])


def test_the_number_to_hold_is_the_one_marked_last():
    x, y = (each.cpu() for each in marked(5, 60, seed=0))
    assert (x[0, :, 1] == 1).all()
    held = torch.zeros(5)
    for x_t, y_t in zip(x, y, strict=True):
        held = torch.where(x_t[:, 1] == 1, x_t[:, 0], held)
        assert torch.equal(y_t[:, 0], held)
    assert 0 < x[1:, :, 1].mean() < 0.1


def test_a_vanilla_model_learns_from_a_forget_bias_of_1():
    torch.manual_seed(0)
    model = Vanilla(2, 3, 1).to(marked(1, 1, 0)[0].device)
    total = (model.lstm.bias_ih_l0 + model.lstm.bias_hh_l0).view(4, 3)
    assert total[1].tolist() == [1.0] * 3
    x, y = marked(50, 30, seed=9)

    def error():
        return (model(x)[0] - y).square().mean().item()

    before = error()
    assert learn(model, 1e-2, 0, updates=15) is model
    assert error() < before


def test_a_model_can_be_looked_into_and_its_holder_found():
    torch.manual_seed(0)
    model = Vanilla(2, 3, 1).to(marked(1, 1, 0)[0].device)
    with torch.no_grad():  # cell 1 holds, as the one that the chapter sets by hand
        for part in model.lstm.parameters():
            part.view(4, 3, -1)[:, 1] = 0
        model.lstm.weight_ih_l0.view(4, 3, 2)[:, 1] = torch.tensor(
            [[0.0, 40.0], [0.0, -40.0], [0.01, 0.0], [0.0, 0.0]]
        )
        model.lstm.bias_ih_l0.view(4, 3)[:, 1] = torch.tensor([-20.0, 20.0, 0.0, 20.0])
        model.dense.weight[0, 1] = -100
    x, y = marked(20, 50, seed=1)
    inside = traced(model, x)
    torch.testing.assert_close(inside["h"], model.lstm(x)[0].detach().cpu())
    assert set("ifgoc") <= set(inside)
    assert holder(model) == 1
    torch.testing.assert_close(100 * inside["c"][:, :, 1:2], y.cpu(), atol=1e-3, rtol=0)


def test_chrono_biases_are_set_once_and_lie_in_their_range():
    torch.manual_seed(0)
    layer = nn.LSTM(2, 500)
    drawn = layer.bias_ih_l0.detach().clone()
    chrono(layer, 101)
    total = (layer.bias_ih_l0 + layer.bias_hh_l0).detach().view(4, 500)
    forget = total[1].exp()
    assert forget.min() > 1
    assert forget.max() < 100
    assert forget.mean().item() == pytest.approx(50.5, rel=0.1)  # uniform, not its logarithm
    torch.testing.assert_close(total[0], -total[1])
    torch.testing.assert_close(layer.bias_ih_l0.detach()[1000:], drawn[1000:])


def test_a_forget_bias_is_what_torch_adds_up_to():
    model = _order_lstm(7, 3.0)
    total = (model.layer.bias_ih_l0 + model.layer.bias_hh_l0).detach().view(4, 7)
    assert total[1].tolist() == [3.0] * 7
    assert (total[[0, 2, 3]].abs() < 1).all()


@pytest.mark.parametrize("autograd", [False, True])
def test_elmans_gradient_takes_the_state_before_a_step_for_an_input(autograd):
    torch.manual_seed(0)
    cell = _OneStep(2, 3).double()
    x = torch.randn(4, 2, 2, dtype=torch.float64)
    output, _ = Recurrent(cell, autograd=autograd)(x)
    output.square().sum().backward()

    plain = Elman(2, 3).double()
    plain.load_state_dict(cell.state_dict())
    loss, h = 0, torch.zeros(2, 3, dtype=torch.float64)
    for x_t in x:
        (h,) = plain(x_t, (h.detach(),))
        loss = loss + h.square().sum()
    loss.backward()
    for own, expected in zip(cell.parameters(), plain.parameters(), strict=True):
        torch.testing.assert_close(own.grad, expected.grad)


def test_a_prediction_is_wrong_where_an_illegal_symbol_is_as_active_as_a_legal_one():
    activations = torch.tensor([[3.0, 2.0, 1.0], [3.0, 1.0, 2.0], [2.0, 2.0, 0.0], [0.0, 1.0, 2.0]])
    legal = torch.tensor([[True, True, False]] * 2 + [[True, False, False], [False, False, True]])
    assert mispredicted(activations, legal).tolist() == [False, True, True, False]


def test_all_networks_are_given_the_same():
    x = np.arange(2 * 6 * 3).reshape(2, 6, 3)
    shared = same_for_all(x, 4)
    assert shared.shape == (2, 6, 4, 3)
    assert all(torch.equal(shared[:, :, n].cpu(), torch.from_numpy(x)) for n in range(4))


def test_listening_counts_what_one_run_over_the_stream_does():
    networks = reber_networks("forget gate", networks=2, units=3, seed=0)
    heard = listen(networks, streams=4, length=30, seed=1)
    drawn = continual_reber(4, length=30, seed=1)
    with torch.no_grad():
        prediction, _ = networks(same_for_all(drawn.inputs, 2))
        _, (_, c) = networks(same_for_all(drawn.inputs[:17], 2))
    likeliest = prediction.argmax(-1).cpu().numpy()
    takes = np.take_along_axis(drawn.legal[:, :, None].repeat(2, 2), likeliest[..., None], -1)[
        ..., 0
    ]
    single = drawn.legal.sum(-1) == 1
    assert (heard.errors.cpu().numpy() == ~takes)[single].all()
    assert heard.errors.cpu().numpy()[~takes].all()
    torch.testing.assert_close(heard.largest[16], c.abs().amax(-1))
    assert heard.critical.cpu().numpy().tolist() == drawn.critical.tolist()
    assert heard.starts[0].all()


def test_looking_into_a_network_shows_what_it_does():
    networks = reber_networks("torch", networks=2, units=3, seed=0)
    along = gates_along(networks, warm_up=25, length=20, seed=3)
    drawn = continual_reber(1, length=245, seed=3)
    first = 25 + int(drawn.starts[25:, 0].argmax())
    assert along.starts[0]
    assert along.symbols[:2] in ("BT", "BP")
    assert len(along.symbols) == len(along.errors) == len(along.critical) == 20
    heard = listen(networks, streams=1, length=245, seed=3)
    shown = slice(first, first + 20)
    assert along.errors.tolist() == heard.errors[shown, 0, 0].tolist()
    assert np.abs(along.c).max(1) == pytest.approx(
        heard.largest[shown, 0, 0].cpu().numpy(), rel=1e-4
    )
    i, f, g, _ = along.gates
    assert along.c[1:] == pytest.approx(f[1:] * along.c[:-1] + i[1:] * g[1:])


def test_the_two_lstms_differ_in_the_forget_gate_alone():
    old, new = (REBER_CELLS[name](3) for name in ("LSTM of 1997", "forget gate"))
    assert old.gates == ("i", "g", "o")
    assert new.gates == ("i", "f", "g", "o")
    assert (new.bias_ih + new.bias_hh).view(4, 3)[1].tolist() == [1.0] * 3
    for choice in ("truncated", "input_activation", "output_activation", "peepholes"):
        assert getattr(old, choice) == getattr(new, choice)


def test_experiments_return_a_number_for_each_of_what_they_compare():
    strings = string_errors(
        0,
        names=["LSTM of 1997", "tanh"],
        units=[2, 3],
        networks=2,
        rate=0.01,
        strings=2,
        updates=2,
    )
    assert set(strings) == {"faultless", "solved", "accuracy"}
    assert all(len(found) == 2 for found in strings.values())
    stream = stream_errors(
        0,
        names=["LSTM of 1997", "forget gate"],
        networks=3,
        units=2,
        rate=0.01,
        streams=2,
        window=10,
        updates=2,
        test_streams=2,
        test_length=60,
        warm_up=10,
    )
    assert set(stream) == {"solved", "accuracy", "symbols per error", "largest state"}
    assert all(len(found) == 2 for found in stream.values())
    assert stream["solved"] == [0.0, 0.0]  # after two updates nobody has learned
    assert max(stream["symbols per error"]) < 10


def test_a_cell_with_much_forgetting_learns_short_orders_at_once():
    found = order_by_bias(
        0, length=10, biases=[1.0], hidden=16, rate=0.02, batch=20, updates=600, every=100
    )
    assert found["accuracy"][0] > 0.99
    assert found["updates"][0] < 600


def test_the_kept_networks_are_of_these_settings_and_an_lstm_holds_the_number():
    found = _kept_holders.holders()
    assert {kind: len(found.networks(kind)) for kind in found.weights} == {
        kind: len(seeds) for kind, seeds in _kept_holders.SEEDS.items()
    }
    best = min(found.errors, key=lambda rate: sum(found.errors[rate]))
    kept = [_kept_holders._error(model) for model in found.networks("tanh")]
    assert kept == pytest.approx(found.errors[best], rel=1e-4)
    assert max(map(_kept_holders._error, found.networks("vanilla"))) < 0.1 < min(kept)
    with pytest.raises(ValueError, match=r"kind must be one of \['1997', .*got 'GRU'"):
        found.networks("GRU")


def test_kept_networks_of_other_settings_are_refused(monkeypatch):
    monkeypatch.setattr(_kept_holders, "RATE", 0.5)
    with pytest.raises(ValueError, match=r"made with another rate; `make trained`"):
        _kept_holders.holders()


def test_what_is_kept_is_made_at_the_best_rate_of_those_tried(monkeypatch):
    monkeypatch.setattr(_kept_holders, "UPDATES", 1)
    monkeypatch.setattr(_kept_holders, "SEEDS", {"tanh": (3,), "1997": (3,), "vanilla": (3,)})
    monkeypatch.setattr(_kept_holders, "RATES", (1e-2, 10.0))
    state = _kept_holders.make()
    assert state["errors"][1e-2] < state["errors"][10.0]
    model = _kept_holders.Holders(state["weights"], state["errors"]).networks("tanh")[0]
    assert _kept_holders._error(model) == pytest.approx(state["errors"][1e-2][0], rel=1e-4)


def test_a_tanh_network_begins_as_a_rotation_without_biases():
    weights = dict(seeded(0, lambda: _kept_holders.Tanh(2, 5, 1)).rnn.cpu().named_parameters())
    U = weights["weight_hh_l0"].detach()
    torch.testing.assert_close(U @ U.T, torch.eye(5))
    assert not weights["bias_ih_l0"].any()
    assert not weights["bias_hh_l0"].any()
    assert weights["weight_ih_l0"].all()


def test_a_network_that_reads_on_in_windows_answers_as_in_one_go():
    model = seeded(0, lambda: Vanilla(2, 3, 1)).cpu()
    x, y = (each.cpu() for each in marked(4, 30, seed=1))
    states, errors = read_on(model, x, y, window=10)
    with torch.no_grad():
        answers, (_, c) = model(x)
    assert len(states) == len(errors) == 3
    assert states[-1] == pytest.approx(float(c.abs().max()), abs=1e-5)
    assert np.mean(errors) == pytest.approx(12 * float((answers - y).square().mean()), abs=1e-5)


def test_a_window_to_read_on_has_a_step():
    with pytest.raises(ValueError, match="window"):
        read_on(None, torch.zeros(2, 1, 2), torch.zeros(2, 1, 1), window=0)


def test_inside_a_holder_stands_the_cell_that_its_answer_reads():
    model = seeded(0, lambda: Vanilla(2, 3, 1)).cpu()
    with torch.no_grad():
        model.dense.weight.copy_(torch.tensor([[0.1, -2.0, 0.3]]))
    x = marked(1, 10, seed=1)[0].cpu()
    found, trace = inside_holders([model, model], x), traced(model, x)
    assert list(found) == ["i", "f", "i·g", "o"]
    assert found["f"][1] == pytest.approx(trace["f"][:, 0, 1].numpy())
    assert found["i·g"][0] == pytest.approx((trace["i"] * trace["g"])[:, 0, 1].numpy())


def test_what_is_left_along_the_line_is_the_product_of_the_forget_gates():
    line, larger = (left_by_lag(3, truncated=True, networks=1, gain=gain) for gain in (0.0, 2.0))
    assert line.shape == (1, 101)
    assert line[0, 0] == pytest.approx(1)
    assert larger[0, -1] != pytest.approx(line[0, -1])
    assert left_by_lag(3, networks=1, gain=0.0) == pytest.approx(line)  # there is no other way
