import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss

from unrolled.recurrent import Recurrent
from unrolled.rnn import Elman
from unrolled.shapes import sequence_loss


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
    ("call", "words"),
    [
        (lambda: sequence_loss(torch.ones(3)), r"two dimensions, got shape \(3,\)"),
        (lambda: sequence_loss(torch.ones(3, 1), [0]), "lengths must not all be 0"),
        (lambda: sequence_loss(torch.ones(3, 2), [1]), r"lengths must have shape \(2,\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()
