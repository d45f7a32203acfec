"""What the cells that a search found are beside the GRU."""

import pytest
import torch
from three_ways import close, draw_layer

from unrolled.cells import GRU, MUT1, MUT2, MUT3

F64 = torch.float64


def writing_gru(inputs, H):
    return GRU(inputs, H, reset="before", update="write")


def test_the_update_gate_of_mut1_sees_the_input_only():
    mut, x = draw_layer(MUT1), torch.randn(1, 2, 3, dtype=F64)
    one, other = (mut.trace(x, (torch.full((2, 4), value, dtype=F64),)) for value in (-1.0, 1.0))
    close(one["z"], other["z"], 0)
    assert (one["r"] - other["r"]).abs().min() > 1e-3


def test_mut2_is_a_gru_of_the_products_of_its_input_weights():
    mut, other = draw_layer(MUT2), draw_layer(writing_gru)
    cell, x = mut.cell, torch.randn(6, 2, 3, dtype=F64)
    inputs = torch.cat([cell.weight_ie, cell.weight_ih @ cell.weight_ie])
    weights = {"weight_ih": inputs, "weight_hh": cell.weight_hh, "bias_ih": cell.bias_ih}
    other.cell.load_state_dict({**weights, "bias_hh": torch.zeros(12)})
    close(mut(x), other(x))


def test_mut3_is_a_gru_where_its_update_gate_ignores_the_state():
    mut, other = draw_layer(MUT3), draw_layer(writing_gru)
    other.cell.load_state_dict({**mut.cell.state_dict(), "bias_hh": torch.zeros(12)})
    x = torch.randn(6, 2, 3, dtype=F64)
    assert (mut(x)[0] - other(x)[0]).abs().max() > 1e-6
    with torch.no_grad():
        for layer in (mut, other):
            layer.cell.weight_hh[4:8] = 0  # z is the second of r, z, n
    close(mut(x), other(x))


@pytest.mark.parametrize("kind", [MUT1, MUT2, MUT3])
def test_a_cell_says_what_it_is(kind):
    assert repr(kind(2, 3)) == f"{kind.__name__}(2, 3)"
