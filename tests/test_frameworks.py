"""Weights carried to Keras and back, held against Keras's equations in NumPy."""

import numpy as np
import pytest
import torch
from torch import nn

from unrolled.cells import GRU, LSTM, Elman
from unrolled.core.recurrent import Recurrent, from_torch, to_torch
from unrolled.frameworks import from_keras, to_keras

TORCH = {"SimpleRNN": nn.RNN, "LSTM": nn.LSTM, "GRU": nn.GRU}
OURS = {"SimpleRNN": Elman, "LSTM": LSTM, "GRU": GRU}
KINDS = tuple(TORCH)
STEPS, SEQUENCES, IN, H = 5, 4, 3, 2


def drawn(*shape, seed=0):
    return np.random.default_rng(seed).standard_normal(shape)


def seeded(make, seed=0):
    torch.manual_seed(seed)
    return make().double()


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def keras_step(kind, x, states, kernel, recurrent, bias):
    """One step as the source of Keras 3.15 has it, blocks by its names."""
    h = states[0]
    if kind == "SimpleRNN":
        return (np.tanh(x @ kernel + h @ recurrent + bias),)
    if kind == "LSTM":
        i, f, c, o = np.split(x @ kernel + h @ recurrent + bias, 4, axis=1)
        carry = sigmoid(f) * states[1] + sigmoid(i) * np.tanh(c)
        return sigmoid(o) * np.tanh(carry), carry
    b_x, b_h = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    x_z, x_r, x_h = np.split(x @ kernel + b_x, 3, axis=1)
    h_z, h_r, h_h = np.split(h @ recurrent + b_h, 3, axis=1)
    r = sigmoid(x_r + h_r)
    before = (r * h) @ recurrent[:, 2 * h.shape[1] :]
    h_h = before if bias.ndim == 1 else r * h_h  # one bias: reset_after=False
    z = sigmoid(x_z + h_z)
    return (z * h + (1 - z) * np.tanh(x_h + h_h),)


def by_keras(kind, x, weights):
    """Run Keras's equations along ``(T, B, IN)`` from a state of zeros; return outputs, states."""
    units = weights[1].shape[0]
    states, outputs = (np.zeros((x.shape[1], units)),) * (2 if kind == "LSTM" else 1), []
    for each in x:
        states = keras_step(kind, each, states, *weights)
        outputs.append(states[0])
    return np.stack(outputs), states


@pytest.mark.parametrize("kind", KINDS)
def test_torchs_layer_is_that_of_kerass_equations(kind):
    theirs, x = seeded(lambda: TORCH[kind](IN, H)), drawn(STEPS, SEQUENCES, IN)
    output, state = theirs(torch.tensor(x))
    expected, last = by_keras(kind, x, to_keras(theirs.state_dict()))
    np.testing.assert_allclose(output.detach(), expected, atol=1e-12)
    state = state if isinstance(state, tuple) else (state,)
    for one, other in zip(state, last, strict=True):
        np.testing.assert_allclose(one[0].detach(), other, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
def test_the_books_layer_takes_kerass_weights(kind):
    x, count = drawn(STEPS, SEQUENCES, IN), {"SimpleRNN": 1, "GRU": 3, "LSTM": 4}[kind]
    bias = (2, 3 * H) if kind == "GRU" else (count * H,)
    weights = [
        drawn(*shape, seed=s) for s, shape in enumerate(((IN, count * H), (H, count * H), bias))
    ]
    layer = Recurrent(OURS[kind](IN, H)).double()
    from_torch(layer, from_keras(weights))
    np.testing.assert_allclose(
        layer(torch.tensor(x))[0].detach(), by_keras(kind, x, weights)[0], atol=1e-12
    )


def test_one_bias_is_a_gru_with_the_reset_gate_before_the_product():
    layer = Recurrent(seeded(lambda: GRU(IN, H, reset="before")))
    x = drawn(STEPS, SEQUENCES, IN)
    weights = to_keras(to_torch(layer), reset="before")
    assert weights[2].shape == (3 * H,)
    expected = layer(torch.tensor(x))[0].detach()
    np.testing.assert_allclose(by_keras("GRU", x, weights)[0], expected, atol=1e-12)
    again = Recurrent(GRU(IN, H, reset="before")).double()
    from_torch(again, from_keras(weights))
    np.testing.assert_allclose(again(torch.tensor(x))[0].detach(), expected, atol=1e-12)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize(("layers", "both"), [(1, False), (3, False), (1, True), (2, True)])
def test_there_and_back(kind, layers, both):
    make = TORCH[kind]
    theirs = seeded(lambda: make(IN, H, num_layers=layers, bidirectional=both))
    listed = to_keras(theirs.state_dict())
    assert len(listed) == 3 * layers * (1 + both)
    again = make(IN, H, num_layers=layers, bidirectional=both).double()
    again.load_state_dict(from_keras(listed, bidirectional=both))
    x = torch.tensor(drawn(STEPS, SEQUENCES, IN))
    torch.testing.assert_close(again(x)[0], theirs(x)[0], rtol=0, atol=1e-12)
    for one, other in zip(to_keras(again.state_dict()), listed, strict=True):
        np.testing.assert_array_equal(one, other)


def test_eleven_layers_come_in_the_order_of_their_numbers():
    theirs = seeded(lambda: nn.RNN(1, 1, num_layers=11))
    listed = to_keras(theirs.state_dict())
    assert listed[3 * 10] == theirs.weight_ih_l10.item()


@pytest.mark.parametrize("kind", [torch.float16, torch.float32, torch.float64])
def test_the_type_of_the_numbers_stays(kind):
    theirs = nn.GRU(IN, H).to(kind)
    listed = to_keras(theirs.state_dict())
    assert {each.dtype for each in listed} == {torch.zeros(1, dtype=kind).numpy().dtype}
    assert {each.dtype for each in from_keras(listed).values()} == {kind}


def test_what_numpy_has_no_type_for_comes_as_the_next_that_it_has():
    listed = to_keras(nn.LSTM(IN, H).bfloat16().state_dict())
    assert {each.dtype for each in listed} == {np.dtype(np.float32)}
    (bias, *_) = from_keras([[[1]], [[2]], [3]]).values()
    assert bias.dtype == torch.float64


def test_parameters_that_learn_are_taken_as_they_are():
    theirs = nn.GRU(IN, H)
    (kernel, *_) = to_keras(dict(theirs.named_parameters()))
    assert kernel.shape == (IN, 3 * H)


def test_one_bias_becomes_the_first_of_two():
    weights = to_keras(nn.LSTM(IN, H).state_dict())
    named = from_keras(weights)
    np.testing.assert_array_equal(named["bias_ih_l0"], weights[2])
    assert not named["bias_hh_l0"].any()


def test_nothing_that_is_returned_is_the_layers_own():
    theirs = nn.RNN(IN, H)
    before = theirs.weight_ih_l0.detach().clone()
    for each in to_keras(theirs.state_dict()):
        each += 1
    assert torch.equal(theirs.weight_ih_l0, before)
    arrays = to_keras(theirs.state_dict())
    for tensor in from_keras(arrays).values():
        tensor += 1
    np.testing.assert_array_equal(arrays[0], before.T)


def without(weights, name):
    return {key: value for key, value in weights.items() if key != name}


LAYER = nn.LSTM(IN, H).state_dict()


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ({}, "weights must hold weight_ih"),
        (without(LAYER, "bias_hh_l0"), "weights must hold weight_ih"),
        (nn.LSTM(IN, H, bias=False).state_dict(), "weights must hold weight_ih"),
        (nn.LSTM(IN, 3, proj_size=2).state_dict(), "weights must hold weight_ih"),
        (LAYER | {"dense.weight": torch.ones(1)}, "weights must hold weight_ih"),
        (LAYER | {"weight_hh_l0": torch.ones(8, 3)}, r"weights\['weight_hh_l0'\] must have 1, 3"),
        (LAYER | {"weight_hh_l0": torch.ones(4, 2)}, r"weights\['weight_hh_l0'\] must have 1, 3"),
        (LAYER | {"weight_hh_l0": torch.ones(9, 2)}, r"weights\['weight_hh_l0'\] must have 1, 3"),
        (LAYER | {"weight_hh_l0": torch.ones(8, 0)}, r"weights\['weight_hh_l0'\] must have 1, 3"),
        (LAYER | {"weight_hh_l0": torch.ones(8)}, r"weights\['weight_hh_l0'\] must have 1, 3"),
        (LAYER | {"weight_ih_l0": torch.ones(8)}, "weights must have 8 rows"),
        (LAYER | {"weight_ih_l0": torch.ones(6, 3)}, "weights must have 8 rows"),
        (LAYER | {"bias_hh_l0": torch.ones(6)}, "weights must have 8 rows"),
        (LAYER | {"bias_ih_l0": torch.ones(8, 1)}, "weights must have 8 rows"),
        (LAYER | {"bias_ih_l0": torch.full((8,), torch.nan)}, "must be finite, got nan"),
    ],
)
def test_what_is_no_layer_of_torch_is_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        to_keras(weights)


@pytest.mark.parametrize(
    "wrong",
    [torch.ones(8, device="meta"), torch.ones(8).to_sparse(), torch.ones(8, dtype=torch.cfloat)],
)
def test_what_holds_no_real_numbers_is_refused(wrong):
    with pytest.raises(TypeError, match=r"weights\['bias_ih_l0'\] must"):
        to_keras(LAYER | {"bias_ih_l0": wrong})


ONE = to_keras(LAYER)


@pytest.mark.parametrize(
    ("weights", "message"),
    [
        ([], "3 arrays a layer, got 0"),
        (ONE[:2], "3 arrays a layer, got 2"),
        ([ONE[1], ONE[1][:1], ONE[2]], r"weights\[1\] must have 1, 3"),
        ([ONE[0], ONE[1][:, :6], ONE[2]], r"weights\[0\] and weights\[2\] must have shapes"),
        (
            [ONE[0].T, *ONE[1:]],
            r"weights\[0\] and weights\[2\] must have shapes \(I, 8\) and \(8,\)",
        ),
        ([ONE[0][0], *ONE[1:]], r"weights\[0\] and weights\[2\] must have shapes"),
        ([*ONE[:2], np.ones((2, 8))], r"weights\[0\] and weights\[2\] must have shapes"),
        ([*ONE, *ONE[:2], ONE[2][:4]], r"weights\[3\] and weights\[5\] must have shapes"),
        ([*ONE[:2], np.full(8, np.inf)], r"weights\[2\] must be finite, got inf"),
    ],
)
def test_what_is_no_layer_of_keras_is_refused(weights, message):
    with pytest.raises(ValueError, match=message):
        from_keras(weights)


def layer(kind, inputs, hidden, **how):
    return to_keras(TORCH[kind](inputs, hidden, **how).state_dict())


@pytest.mark.parametrize(
    ("weights", "both", "message"),
    [
        (
            [*layer("LSTM", 3, 4), *layer("LSTM", 9, 4)],
            False,
            r"weights\[3\] must read 4 features, which is what comes from weights\[0\], got 9",
        ),
        (
            [*layer("LSTM", 3, 4), *layer("GRU", 4, 4)],
            False,
            r"weights\[3\] must begin another LSTM of width 4, .* got a GRU of width 4",
        ),
        (
            [*layer("LSTM", 3, 4), *layer("LSTM", 4, 5)],
            False,
            r"weights\[3\] must begin another LSTM of width 4, .* got an LSTM of width 5",
        ),
        (
            [*layer("GRU", 3, 4), *layer("GRU", 4, 4)[:2], np.zeros(12)],
            False,
            r"weights\[3\] must begin another GRU of .* got a GRU with one bias",
        ),
        (  # two directions read as two layers
            layer("LSTM", 3, 4, bidirectional=True),
            False,
            r"weights\[3\] must read 4 features, .* got 3",
        ),
        (  # two layers read as two directions
            layer("LSTM", 3, 4, num_layers=2),
            True,
            r"weights\[3\] must read 3 features, as weights\[0\] does, got 4",
        ),
        (
            [
                *layer("SimpleRNN", 3, 4, bidirectional=True),
                *layer("SimpleRNN", 4, 4, bidirectional=True),
            ],
            True,
            r"weights\[6\] must read 8 features, which is what comes from weights\[3\], got 4",
        ),
    ],
)
def test_layers_that_do_not_follow_one_another_are_refused(weights, both, message):
    with pytest.raises(ValueError, match=message):
        from_keras(weights, bidirectional=both)


def test_layers_of_torch_that_do_not_follow_one_another_are_refused():
    second = {name.replace("l0", "l1"): each for name, each in LAYER.items()}
    with pytest.raises(ValueError, match=r"weights\['weight_ih_l1'\] must read 2 features"):
        to_keras(LAYER | second)


@pytest.mark.parametrize("kind", ["SimpleRNN", "LSTM"])
def test_only_a_gru_has_a_reset_gate(kind):
    with pytest.raises(ValueError, match="reset must be 'after' for a"):
        to_keras(TORCH[kind](IN, H).state_dict(), reset="before")


def test_two_directions_are_asked_for():
    with pytest.raises(ValueError, match="6 arrays a layer, got 3 in all"):
        from_keras(ONE, bidirectional=True)
    with pytest.raises(ValueError, match="reset must be one of after, before"):
        to_keras(LAYER, reset="never")
