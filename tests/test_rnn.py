import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from unrolled.gradcheck import check_gradients
from unrolled.recurrent import Recurrent, from_torch, to_torch
from unrolled.rnn import Elman, sequence_loss


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
    x.requires_grad_()
    given_state = [] if h is None else [h.requires_grad_()]
    output, (last,) = layer(x, tuple(given_state) or None)
    expected, final = reference(x, None if h is None else h[None])
    R, S = torch.randn_like(output), torch.randn_like(last)

    def gradients(model, y, end):
        wanted = [x, *given_state, *model.parameters()]
        return torch.autograd.grad((R * y).sum() + (S * end).sum(), wanted)

    tolerance = {torch.float32: 1e-4, torch.float64: 1e-11}[x.dtype]
    torch.testing.assert_close(
        [output, last, *gradients(layer, output, last)],
        [expected, final[0], *gradients(reference, expected, final[0])],
        rtol=tolerance,
        atol=tolerance,
    )


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


def test_the_same_seed_makes_the_same_network():
    torch.manual_seed(3)
    reference = nn.RNN(5, 7)
    torch.manual_seed(3)
    layer = Recurrent(Elman(5, 7))
    ours, theirs = to_torch(layer), reference.state_dict()
    assert list(ours) == list(theirs)
    torch.testing.assert_close(ours, dict(theirs), rtol=0, atol=0)
    reference.load_state_dict(ours)
    nn.RNNCell(5, 7).load_state_dict(layer.cell.state_dict())


def test_padded_batches_are_torchs_packed_sequences():
    torch.manual_seed(0)
    reference, layer = nn.RNN(3, 4).double(), Recurrent(Elman(3, 4)).double()
    from_torch(layer, reference.state_dict())
    x, lengths = torch.randn(6, 3, 3, dtype=torch.float64), [2, 6, 5]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    y, final = reference(packed)
    expected, _ = nn.utils.rnn.pad_packed_sequence(y)
    output, (last,) = layer(x, lengths=lengths)
    torch.testing.assert_close([output, last], [expected, final[0]])


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any), st.booleans())
@settings(deadline=None)
def test_sequence_loss_is_the_mean_over_the_steps_there_are(lengths, batch_first):
    torch.manual_seed(0)
    losses = torch.randn(6, len(lengths), dtype=torch.float64)
    real = torch.cat([losses[:n, b] for b, n in enumerate(lengths)])
    for b, n in enumerate(lengths):
        losses[n:, b] = float("nan")
    losses = losses.T if batch_first else losses
    losses.requires_grad_()
    loss = sequence_loss(losses, lengths, batch_first=batch_first)
    assert loss.item() == pytest.approx(real.mean().item())
    loss.backward()
    assert losses.grad.sum().item() == pytest.approx(1)


def five_shapes(layer, read):
    """A loss for each shape of sequence problem, for sequences of 3 and 5 steps."""
    x, lengths, classes = torch.randn(5, 2, 2), [3, 5], torch.tensor([[0, 1]] * 5)
    output, (last,) = layer(x, lengths=lengths)
    drawn, state = [], (torch.randn(2, 4),)
    for _ in range(5):
        state = layer.cell(torch.zeros(2, 2), state)
        drawn.append(read(state[0]))
    replies, _ = layer(x, (last,))

    def each(scores):
        return cross_entropy(scores.flatten(0, 1), classes.flatten(), reduction="none").view(5, 2)

    one = Recurrent(layer.cell)(x[:1])[0][0]
    return {
        "one to one": cross_entropy(read(one), classes[0]),
        "one to many": sequence_loss(each(torch.stack(drawn)), lengths),
        "many to one": mse_loss(read(last), torch.ones(2, 2)),
        "many to many": sequence_loss(each(read(replies)), lengths),
        "in step": sequence_loss(each(read(output)), lengths),
    }


def test_the_five_shapes_have_a_loss_and_reach_every_weight():
    torch.manual_seed(0)
    layer, read = Recurrent(Elman(2, 4)), nn.Linear(4, 2)
    for name, loss in five_shapes(layer, read).items():
        weights = list(layer.parameters())
        grads = torch.autograd.grad(loss, weights, materialize_grads=True, retain_graph=True)
        assert all(g.isfinite().all() for g in grads)
        silent = {"one to one": [1], "one to many": [0]}.get(name, [])  # U has no past, W no input
        assert [k for k, g in enumerate(grads) if not g.any()] == silent


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: Elman(0, 3), ValueError, "input_size must be at least 1, got 0"),
        (lambda: Elman(2, 3, nonlinearity="gelu"), ValueError, "'tanh' or 'relu', got 'gelu'"),
        (lambda: sequence_loss(torch.ones(3)), ValueError, r"two dimensions, got shape \(3,\)"),
        (lambda: sequence_loss(torch.ones(3, 1), [0]), ValueError, "lengths must not all be 0"),
        (
            lambda: sequence_loss(torch.ones(3, 2), [1]),
            ValueError,
            r"lengths must have shape \(2,\)",
        ),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_cell_says_what_it_is():
    assert repr(Elman(2, 3)) == "Elman(2, 3, nonlinearity='tanh')"
