"""The parts of the chapter's experiments, against other ways to compute the same."""

from importlib import import_module

import numpy as np
import pytest
import torch

from unrolled.cells import FORMS, GRU, Elman, LSTMVariant
from unrolled.core.recurrent import Recurrent
from unrolled.data import arithmetic, continual_reber, periodic, spike_delays
from unrolled.experiments.variants import greff
from unrolled.experiments.variants._arithmetic import (
    ARITHMETIC_CELLS,
    _problems,
    arithmetic_accuracies,
    learn_arithmetic,
)
from unrolled.experiments.variants._lstm_networks import lstm_networks
from unrolled.experiments.variants._mgu import MGU
from unrolled.experiments.variants.delays import _spike_trains, delay_errors, learn_delays
from unrolled.experiments.variants.greff import GREFF, ONE_GATE, learn_stream, stream_variants
from unrolled.experiments.variants.peepholes import (
    free_run,
    largest_errors,
    learn_wave,
    oscillators,
)
from unrolled.training import device

WAVE = {"wave": "cosine", "period": 5, "periods": 2, "updates": 3, "rate": 0.05, "clip": 0.1}


def alone(networks, n, name, inputs, cells):
    """Network n by itself, on the CPU: a layer, and its map of the output."""
    cell = LSTMVariant(inputs, cells, **FORMS[name])
    cell.load_state_dict({key: part[n].detach().cpu() for key, part in networks.cell.items()})
    weight, bias = networks.weight[n].detach().cpu(), networks.bias[n].detach().cpu()
    return Recurrent(cell), lambda h: h @ weight.T + bias


@pytest.mark.parametrize("name", FORMS)
def test_a_forget_bias_goes_to_whoever_has_a_forget_gate(name):
    made = lstm_networks(name, inputs=3, cells=2, outputs=4, networks=5, seed=0, forget_bias=2.0)
    assert made.count == 5
    assert made.weight.shape == (5, 4, 2)
    bias = (made.cell["bias_ih"] + made.cell["bias_hh"]).detach()
    gates = LSTMVariant(3, 2, **FORMS[name]).gates
    if "f" in gates:
        rows, expected = gates.index("f"), 2.0
    elif FORMS[name].get("coupled"):
        rows, expected = gates.index("i"), -2.0
    else:
        return
    assert (bias[:, 2 * rows : 2 * rows + 2] == expected).all()


def test_networks_of_another_seed_have_other_weights():
    make = {"name": "V", "inputs": 1, "cells": 2, "outputs": 1, "networks": 2}
    first, again, other = (lstm_networks(**make, seed=s) for s in (0, 0, 1))
    assert torch.equal(first.weight, again.weight)
    assert not torch.equal(first.weight, other.weight)
    assert not torch.equal(first.weight[0], first.weight[1])


def test_the_nine_are_vanilla_and_one_change_each():
    vanilla = FORMS["V"]
    assert len(GREFF) == 9
    for name in GREFF[1:]:
        options = {**dict.fromkeys(vanilla), **FORMS[name]}
        assert sum(options[key] != vanilla.get(key) for key in options) == 1


def test_a_free_run_is_each_networks_own():
    made = learn_wave(0, name="V", cells=2, networks=3, **WAVE)
    run = free_run(made, steps=7)
    assert run.output.shape == (7, 3)
    assert run.h.shape == run.c.shape == (7, 3, 2)
    for n in range(3):
        layer, read = alone(made, n, "V", 1, 2)
        with torch.no_grad():
            h, (_, c) = layer(torch.zeros(7, 1, 1))
        np.testing.assert_allclose(run.h[:, n], h[:, 0], atol=1e-5)
        np.testing.assert_allclose(run.c[-1, n], c[0], atol=1e-5)
        np.testing.assert_allclose(run.output[:, n], read(h)[:, 0, 0], atol=1e-5)


def test_learning_a_wave_descends_its_squared_error():
    def error(updates, rate=0.1):
        wave = {**WAVE, "updates": updates, "rate": rate}
        made = learn_wave(0, name="NP", cells=4, networks=2, **wave)
        output = free_run(made, steps=10).output
        return ((output - periodic("cosine", period=5, steps=10)[:, None]) ** 2).mean(0)

    assert (error(150) < 0.1 * error(1, rate=1e-9)).all()


def test_the_largest_error_is_of_each_network_and_infinite_if_it_broke():
    target = periodic("rectangle", period=4, steps=8)
    output = np.stack([target, target + 0.2, target], axis=1)
    output[3, 1] -= 0.5
    output[5, 2] = np.nan
    found = largest_errors(output, wave="rectangle", period=4)
    assert found == pytest.approx([0, 0.3, np.inf])


def test_oscillators_count_networks_by_cells_and_form():
    settings = {key: value for key, value in WAVE.items() if key != "wave"}
    settings |= {"cells": [1, 2], "networks": 3, "long_periods": 4}
    all_right = oscillators(0, enough=100, **settings)
    assert all_right == {key: [1.0, 1.0] for key in ("NP", "NP long", "V", "V long")}
    none_right = oscillators(0, enough=1e-9, **settings)
    assert none_right == {key: [0.0, 0.0] for key in all_right}
    with pytest.raises(ValueError, match="enough must be greater than 0, got 0"):
        oscillators(0, enough=0, **settings)


def test_spike_trains_are_parted_by_network_whole():
    x, target, asked = _spike_trains(3, 2, steps=9, minimum=2, spread=1, seed=5)
    drawn = spike_delays(6, steps=9, minimum=2, spread=1, seed=5)
    assert x.shape == (9, 2, 3, 1)
    assert target.shape == asked.shape == (9, 2, 3)
    for b in range(2):
        for n in range(3):
            np.testing.assert_array_equal(x[:, b, n].cpu(), drawn.inputs[:, 3 * b + n])
            np.testing.assert_array_equal(target[:, b, n].cpu(), drawn.targets[:, 3 * b + n])
            np.testing.assert_array_equal(asked[:, b, n].cpu(), drawn.mask[:, 3 * b + n])


def test_a_delay_is_right_only_if_every_one_is():
    settings = {
        "cells": [1], "networks": 2, "minimum": 3, "spread": 2, "steps": 12, "sequences": 2,
        "updates": 2, "rate": 0.01, "clip": 1.0,
    }  # fmt: skip
    assert delay_errors(0, enough=100, **settings) == {
        key: [1.0] for key in ("NP", "NP right", "V", "V right")
    }
    # two updates teach nothing: about the mean is answered, so that some are right and some not
    found = delay_errors(0, enough=0.9, **settings)
    for name in ("NP", "V"):
        assert found[name] == [0.0]
        assert 0 < found[f"{name} right"][0] < 1


def test_delays_are_learned():
    trains = {"minimum": 2, "spread": 1, "steps": 12}
    made = learn_delays(
        0, name="NP", cells=4, networks=4, sequences=8, updates=125, rate=0.05, clip=0.3, **trains
    )
    x, target, asked = _spike_trains(4, 20, seed=1_000_000, **trains)
    with torch.no_grad():
        right = (made(x)[0][..., 0] - target).abs() < 0.49
    assert right[asked].double().mean() > 0.8


STREAM = {"networks": 2, "cells": 3, "streams": 2, "window": 5, "clip": 0.3}


def test_a_variants_errors_are_the_symbols_that_cannot_come():
    settings = {**STREAM, "networks": 3, "updates": 110}
    test = {"test_streams": 4, "test_length": 60, "warm_up": 20}
    found = stream_variants(2, variants=["NP", "NFG"], rates=[0.02, 0.01], **settings, **test)
    assert {key: len(value) for key, value in found.items()} == {
        f"{key} at {rate}": 2
        for key in ("solved", "accuracy", "worst loss")
        for rate in (0.02, 0.01)
    }
    made, trained = learn_stream(2, name="NFG", rate=0.01, **settings)
    drawn = continual_reber(12, length=80, seed=1_000_002)
    accuracy = []
    for n in range(3):
        layer, read = alone(made, n, "NFG", 7, 3)
        with torch.no_grad():
            h, _ = layer(torch.from_numpy(drawn.inputs[:, n::3]))
        chosen = read(h).argmax(-1).numpy()
        legal = np.take_along_axis(drawn.legal[:, n::3], chosen[..., None], -1)[20:, ..., 0]
        accuracy.append(legal[drawn.critical[20:, n::3]].mean())
    assert found["accuracy at 0.01"][1] == pytest.approx(np.mean(accuracy))
    assert found["solved at 0.01"][1] == np.mean(np.array(accuracy) > 0.99)
    assert found["worst loss at 0.01"][1] == pytest.approx(trained.loss[100:].max().item())


def test_a_gate_alone_is_a_gru_whose_reset_gate_is_open_or_the_same():
    torch.manual_seed(0)
    x, h = torch.randn(5, 3), torch.randn(5, 4)
    mgu, gru = MGU(3, 4), GRU(3, 4, reset="before", update="write")
    with torch.no_grad():
        for ours, theirs in ((mgu.weight_ih, gru.weight_ih), (mgu.weight_hh, gru.weight_hh)):
            theirs.copy_(torch.cat([ours[:4], ours]))  # r is f, z is f
        gru.bias_ih.copy_(torch.cat([mgu.bias_ih[:4], mgu.bias_ih]))
        gru.bias_hh.zero_()
    torch.testing.assert_close(mgu(x, (h,)), gru(x, (h,)))
    assert (mgu.bias_ih[:4] == -1).all()
    janet = greff._cell("JANET", 4)
    assert (janet.gates, janet.output_activation) == (("i", "g"), "identity")
    assert ((janet.bias_ih + janet.bias_hh)[:4] == -1).all()


def test_unknown_names_are_refused():
    with pytest.raises(ValueError, match=r"name must be one of 1997, .* got 'LSTM'"):
        learn_stream(0, name="LSTM", updates=1, rate=0.01, **STREAM)
    with pytest.raises(ValueError, match=r"name must be one of tanh, .* got 'V'"):
        arithmetic_accuracies(
            0, cells=["V"], units=2, digits=1, batch=1, updates=1, rate=0.1, clip=1.0
        )


def test_the_cells_of_the_comparison_are_what_their_names_say():
    made = {name: make(5, 4) for name, make in ARITHMETIC_CELLS.items()}
    assert isinstance(made["tanh"], Elman)
    assert [made[f"LSTM{end}"].gates for end in ("", "-f", "-i", "-o", "-b")] == [
        ("i", "f", "g", "o"), ("i", "g", "o"), ("f", "g", "o"), ("i", "f", "g"),
        ("i", "f", "g", "o"),
    ]  # fmt: skip
    assert (made["LSTM-b"].bias_ih[4:8] == 1).all()
    assert isinstance(made["GRU"], GRU)
    assert made["GRU"].reset == "before"


def test_arithmetic_is_judged_on_the_answer_alone():
    """Targets that are not asked for teach nothing."""
    x, target, asked = _problems(64, 1, 0)
    drawn = arithmetic(64, digits=1, seed=0)
    np.testing.assert_array_equal(asked.cpu(), drawn.mask)
    settings = {"units": 8, "batch": 16, "rate": 0.01, "clip": 1.0}
    changed = torch.where(asked, target, 0)
    models = [
        learn_arithmetic("LSTM-b", (x, targets, asked), **settings, seed=1)
        for targets in (target, changed)
    ]
    for one, other in zip(*(model.parameters() for model in models), strict=True):
        assert torch.equal(one, other)


def test_accuracies_are_those_of_the_trained_networks():
    settings = {"units": 8, "batch": 16, "rate": 0.02, "clip": 1.0}
    found = arithmetic_accuracies(3, cells=["tanh", "MUT2"], digits=1, updates=4, **settings)
    problems = _problems(64, 1, 3)
    model = learn_arithmetic("MUT2", problems, **settings, seed=3)
    drawn = arithmetic(1000, digits=1, seed=1_000_003)
    with torch.no_grad():
        chosen = model(torch.from_numpy(drawn.inputs).to(device())).argmax(-1).cpu().numpy()
    assert found["accuracy"][1] == pytest.approx((chosen == drawn.targets)[drawn.mask].mean())
    assert len(found["accuracy"]) == 2


@pytest.mark.parametrize(
    ("claim", "measured", "holds"),
    [
        ("peepholes", {"NP": [0.0, 0.9], "V": [0.25, 0.0]}, True),
        ("peepholes", {"NP": [0.05, 0.9], "V": [0.25, 0.0]}, False),
        ("peepholes", {"NP": [0.0, 0.85], "V": [0.25, 0.0]}, False),
        ("peepholes", {"NP": [0.0, 0.9], "V": [0.2, 0.0]}, False),
        ("delays", {"NP": [0.3]}, True),
        ("delays", {"NP": [0.25]}, False),
        ("greff", {"solved at 0.01": [0.3, 0.9, 0.1], "solved at 0.03": [0, 0, 0]}, True),
        ("greff", {"solved at 0.01": [0.3, 0.1, 0], "solved at 0.03": [0, 0.3, 0.1]}, True),
        ("greff", {"solved at 0.01": [0.3, 0.9, 0.2]}, False),
        ("greff", {"solved at 0.01": [0.2, 0.9, 0.1]}, False),
        ("arithmetic", {"accuracy": [0.3, 0.8, 0.34, 0.1, 0.1, 0.8]}, True),
        ("arithmetic", {"accuracy": [0.3, 0.8, 0.36, 0.9, 0.9, 0.8]}, False),
        ("arithmetic", {"accuracy": [0.3, 0.8, 0.34, 0.9, 0.9, 0.7]}, False),
        ("mutants", {"accuracy": [0.8, 0.78, 0.9, 0.9, 0.9]}, True),
        ("mutants", {"accuracy": [0.8, 0.9, 0.9, 0.9, 0.76]}, False),
    ],
)
def test_a_criterion_says_what_its_words_say(claim, measured, holds):
    declared = import_module(f"unrolled.experiments.variants.{claim}").CLAIM
    assert declared.holds([measured, measured]) is holds


def test_the_variant_without_a_forget_gate_is_judged_last():
    for scale in ("quick", "book"):
        assert greff.CLAIM.settings[scale]["variants"][-1] == "NFG"
    assert sorted(greff.CLAIM.settings["book"]["variants"]) == sorted(GREFF + ONE_GATE)
