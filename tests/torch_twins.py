"""Layers of ours against torch's own with the same weights."""

import torch
from torch import nn

from unrolled.core.recurrent import Recurrent, from_torch, to_torch

TOLERANCE = {torch.float32: 1e-4, torch.float64: 1e-11}


def assert_equal(reference, layer, x, state=()):
    """Outputs, last states and the gradients of a random sum of them are the same."""
    leaves = [part.requires_grad_() for part in (x, *state)]
    ours = _flat(layer(x, tuple(leaves[1:]) or None))
    output, last = reference(x, _for_torch(leaves[1:]))
    theirs = [output, *(part[0] for part in _states(last))]
    R = [torch.randn_like(part) for part in ours]

    def gradients(model, found):
        return torch.autograd.grad(found, [*leaves, *model.parameters()], R)

    torch.testing.assert_close(
        [*ours, *gradients(layer, ours)],
        [*theirs, *gradients(reference, theirs)],
        rtol=TOLERANCE[x.dtype],
        atol=TOLERANCE[x.dtype],
    )


def assert_same_seed_same_weights(cell, of_torch, cell_of_torch):
    """A seed makes torch's network, and weights go both ways."""
    torch.manual_seed(3)
    reference = of_torch(5, 7)
    torch.manual_seed(3)
    layer = Recurrent(cell(5, 7))
    ours, theirs = to_torch(layer), reference.state_dict()
    assert list(ours) == list(theirs)
    torch.testing.assert_close(ours, dict(theirs), rtol=0, atol=0)
    reference.load_state_dict(ours)
    cell_of_torch(5, 7).load_state_dict(layer.cell.state_dict())


def assert_padding_is_packing(cell, of_torch):
    """A padded batch with its lengths is torch's packed sequence."""
    torch.manual_seed(0)
    reference, layer = of_torch(3, 4).double(), Recurrent(cell(3, 4)).double()
    from_torch(layer, reference.state_dict())
    x, lengths = torch.randn(6, 3, 3, dtype=torch.float64), [2, 6, 5]
    packed = nn.utils.rnn.pack_padded_sequence(x, lengths, enforce_sorted=False)
    y, last = reference(packed)
    output, _ = nn.utils.rnn.pad_packed_sequence(y)
    theirs = [output, *(part[0] for part in _states(last))]
    torch.testing.assert_close(_flat(layer(x, lengths=lengths)), theirs)


def _flat(found):
    output, states = found
    return [output, *states]


def _states(last):
    return last if isinstance(last, tuple) else (last,)


def _for_torch(state):
    """Give states the layer that torch counts; an LSTM takes a pair, the others one, or none."""
    parts = tuple(part[None] for part in state)
    return parts if len(parts) > 1 else next(iter(parts), None)
