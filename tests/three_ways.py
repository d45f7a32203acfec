"""The three-way gate: by hand where a cell brings its gradient, by autograd, by differences."""

import copy
import itertools

import torch
from hypothesis import strategies as st

from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent

F64 = torch.float64
small = st.integers(1, 3)


def draw_layer(make, seed=0, inputs=3, H=4):
    """A layer in float64; those of one seed are the same."""
    torch.manual_seed(seed)
    return Recurrent(make(inputs, H)).double()


def close(ours, theirs, tolerance=1e-12):
    """The same, but for rounding."""
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


@st.composite
def problems(draw, make):
    """A layer with large and small weights, its input, and sometimes a state and lengths."""
    T, B, inputs, H = draw(st.integers(1, 5)), draw(small), draw(small), draw(small)
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    if make(1, 1).mixes_units:
        H = 3  # one or two, normalised, are all but constant
    layer = Recurrent(make(inputs, H), batch_first=draw(st.booleans())).double()
    scale = draw(st.sampled_from([0.3, 1.0, 3.0]))
    with torch.no_grad():
        for weight in layer.parameters():  # no sum far from 0, where 1 - tanh² is but rounding
            weight.mul_(scale).clamp_(-1, 1)
    x = torch.randn((B, T, inputs) if layer.batch_first else (T, B, inputs), dtype=F64).sin()
    state = tuple(torch.randn(B, H, dtype=F64).sin() for _ in layer.cell.states)
    lengths = st.lists(st.integers(0, T), min_size=B, max_size=B)
    return layer, x, draw(st.sampled_from([state, None])), draw(st.none() | lengths)


def assert_they_agree(layer, *arguments):
    if layer.cell.truncated:  # the gradient with what the gates see held fast
        fast = held(layer, *arguments)
        ours, theirs = (gradients(each, *arguments) for each in (layer, fast))
        torch.testing.assert_close(ours, theirs, rtol=1e-12, atol=1e-12)
        layer = fast
    found = check_gradients(layer, *arguments)
    # normalising takes a part of a gradient away, and where little is left rounding is more of it
    assert max(found) <= (1e-8 if layer.cell.mixes_units else 1e-10)


def held(layer, *arguments):
    """A copy whose gates see what they see now, whatever becomes of the states they saw."""
    seen, copied = [], copy.deepcopy(layer)

    def record(*parts):
        seen.append(parts)
        return parts

    copied.cell._seen = record
    with torch.no_grad():
        copied(*arguments)
    replay = itertools.cycle(seen)
    copied.cell._seen = lambda *parts: tuple(part.to(parts[0].dtype) for part in next(replay))
    return copied


def gradients(layer, x, state=None, lengths=None):
    """By the input, the state and all weights, of random sums of all that comes out."""
    leaves = [part.clone().requires_grad_() for part in (x, *(state or ()))]
    output, last = layer(leaves[0], tuple(leaves[1:]) or None, lengths)
    generator = torch.Generator().manual_seed(0)
    found = [output, *last]
    R = [torch.randn(part.shape, generator=generator, dtype=x.dtype) for part in found]
    wanted = [*leaves, *layer.parameters()]
    return torch.autograd.grad(found, wanted, R, materialize_grads=True)
