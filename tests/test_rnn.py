import numpy as np
import pytest
import torch
import torch_twins
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.cells import Elman
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent, from_torch


@st.composite
def networks(draw, dtype=None, longest=8, most=4):
    """torch's network, ours with the same weights, an input, and sometimes a state."""
    T = draw(st.integers(1, longest))
    B, inputs, H = (draw(st.integers(1, most)) for _ in range(3))
    dtype = dtype or draw(st.sampled_from([torch.float32, torch.float64]))
    batch_first, phi = draw(st.booleans()), draw(st.sampled_from(["tanh", "relu"]))
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    reference = nn.RNN(inputs, H, nonlinearity=phi, batch_first=batch_first).to(dtype)
    layer = Recurrent(Elman(inputs, H, nonlinearity=phi), batch_first=batch_first).to(dtype)
    from_torch(layer, reference.state_dict())
    x = torch.randn((B, T, inputs) if batch_first else (T, B, inputs), dtype=dtype)
    h = torch.randn(B, H, dtype=dtype) if draw(st.booleans()) else None
    return reference, layer, x, h


@given(networks())
@settings(max_examples=100, deadline=None)
def test_outputs_and_all_gradients_are_torchs(network):
    reference, layer, x, h = network
    torch_twins.assert_equal(reference, layer, x, () if h is None else (h,))


@given(networks(dtype=torch.float64, longest=5, most=3), st.data())
@settings(max_examples=200, deadline=None)
def test_three_ways_to_the_gradient_agree(network, data):
    _, layer, x, h = network
    T, B = x.shape[:2][:: -1 if layer.batch_first else 1]
    lengths = data.draw(st.none() | st.lists(st.integers(1, T), min_size=B, max_size=B))
    smooth = layer.cell.nonlinearity == "tanh"
    found = check_gradients(layer, x, h if h is None else (h,), lengths, complex_step=smooth)
    assert found.autograd <= 1e-10
    assert found.difference <= (1e-10 if smooth else 1e-5)


def test_elman_is_its_equation():
    torch.manual_seed(0)
    cell = Elman(2, 3).double()
    W, U, b, c = (p.detach().numpy() for p in cell.parameters())
    x, h = np.random.default_rng(0).standard_normal((5, 4, 2)), np.zeros((4, 3))
    output, _ = Recurrent(cell)(torch.as_tensor(x))
    for t in range(5):
        h = np.tanh(x[t] @ W.T + b + h @ U.T + c)
        assert output[t].detach().numpy() == pytest.approx(h, rel=1e-12)


def test_the_same_seed_makes_torchs_network_and_weights_go_both_ways():
    torch_twins.assert_same_seed_same_weights(Elman, nn.RNN, nn.RNNCell)


def test_padded_batches_are_torchs_packed_sequences():
    torch_twins.assert_padding_is_packing(Elman, nn.RNN)


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Elman(0, 3), ValueError, "input_size must be at least 1, got 0"),
        (lambda: Elman(2, 3, nonlinearity="gelu"), ValueError, "'tanh' or 'relu', got 'gelu'"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_cell_says_what_it_is():
    assert repr(Elman(2, 3)) == "Elman(2, 3, nonlinearity='tanh')"
