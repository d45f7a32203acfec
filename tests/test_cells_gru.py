"""How the four forms of the GRU hang together."""

import pytest
import torch
from three_ways import close, draw_layer
from torch import nn

from unrolled.cells import GRU
from unrolled.core.recurrent import Recurrent, from_torch, to_torch

F64 = torch.float64


def rows(weight, *which):
    """Views of the rows of some gates, by place: r, z, n."""
    parts = weight.view(3, -1, *weight.shape[1:])
    return [parts[gate] for gate in which]


@pytest.mark.parametrize("reset", ["after", "before"])
def test_write_is_keep_with_the_sign_of_z_turned(reset):
    keep = draw_layer(lambda i, h: GRU(i, h, reset=reset))
    write = draw_layer(lambda i, h: GRU(i, h, reset=reset, update="write"), seed=1)
    from_torch(write, to_torch(keep))
    x = torch.randn(6, 2, 3, dtype=F64)
    assert (write(x)[0] - keep(x)[0]).abs().max() > 0.1
    with torch.no_grad():
        for weight in write.cell.parameters():
            rows(weight, 1)[0].neg_()
    close(write(x), keep(x))


@pytest.mark.parametrize(("update", "bias"), [("keep", 40.0), ("write", -40.0)])
@pytest.mark.parametrize("reset", ["after", "before"])
def test_remembering_takes_a_bias_of_opposite_sign(reset, update, bias):
    layer = draw_layer(lambda i, h: GRU(i, h, reset=reset, update=update))
    with torch.no_grad():
        rows(layer.cell.bias_ih, 1)[0].fill_(bias)
    h = torch.randn(2, 4, dtype=F64)
    close(layer(torch.randn(50, 2, 3, dtype=F64), (h,))[1][0], h)


@pytest.fixture
def both_resets():
    """Two layers of the same weights, the bias inside the reset being zero."""
    after = draw_layer(GRU)
    before = draw_layer(lambda i, h: GRU(i, h, reset="before"))
    with torch.no_grad():
        for layer in (after, before):
            rows(layer.cell.bias_hh, 2)[0].zero_()
    return after, before, torch.randn(6, 2, 3, dtype=F64)


def test_before_and_after_are_different_networks(both_resets):
    after, before, x = both_resets
    close(to_torch(after), to_torch(before))
    assert (after(x)[0] - before(x)[0]).abs().max() > 1e-3


def test_before_is_after_where_the_recurrent_weights_are_diagonal(both_resets):
    after, before, x = both_resets  # r ⊙ (U h) = U (r ⊙ h) for every r and h
    with torch.no_grad():
        for layer in (after, before):
            (U_n,) = rows(layer.cell.weight_hh, 2)
            U_n.copy_(U_n.diag().diag())
    close(after(x), before(x))


def test_before_is_after_where_all_units_are_reset_alike(both_resets):
    after, before, x = both_resets  # r is a number, and a product is linear
    with torch.no_grad():
        for layer in (after, before):
            for weight in layer.cell.parameters():
                r = rows(weight, 0)[0]
                r.copy_(r[:1].expand_as(r))
    close(after(x), before(x))


def test_before_and_after_agree_on_the_first_step_from_zero(both_resets):
    after, before, x = both_resets
    close(after(x[:1]), before(x[:1]))


def test_weights_of_torch_come_back_from_the_gru_that_writes():
    theirs = nn.GRU(5, 7).state_dict()
    layer = Recurrent(GRU(5, 7, reset="before", update="write"))
    from_torch(layer, theirs)
    close(to_torch(layer), dict(theirs), 0)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"reset": "never"}, "reset must be .*after.*before.*, got 'never'"),
        ({"update": "half"}, "update must be .*keep.*write.*, got 'half'"),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        GRU(2, 3, **options)


def test_a_cell_says_what_it_is():
    assert repr(GRU(2, 3)) == "GRU(2, 3, reset='after', update='keep')"
