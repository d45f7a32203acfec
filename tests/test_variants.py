import numpy as np
import pytest
import torch
import torch_twins
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.cells import GRU, MUT1, MUT2, MUT3
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent, from_torch, to_torch

F64 = torch.float64
FORMS = [(reset, update) for reset in ("after", "before") for update in ("keep", "write")]
CELLS = {
    **{
        f"GRU {reset} {update}": lambda i, h, r=reset, u=update: GRU(i, h, reset=r, update=u)
        for reset, update in FORMS
    },
    "MUT1": MUT1,
    "MUT2": MUT2,
    "MUT3": MUT3,
}
each_cell = pytest.mark.parametrize("make", CELLS.values(), ids=CELLS)
small = st.integers(1, 3)


@st.composite
def problems(draw, make):
    """A layer with large and small weights, its input, and sometimes a state and lengths."""
    T, B, inputs, H = draw(st.integers(1, 5)), draw(small), draw(small), draw(small)
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    layer = Recurrent(make(inputs, H), batch_first=draw(st.booleans())).double()
    scale = draw(st.sampled_from([0.3, 1.0, 3.0]))
    with torch.no_grad():
        for weight in layer.parameters():
            weight.mul_(scale)
    x = torch.randn((B, T, inputs) if layer.batch_first else (T, B, inputs), dtype=F64)
    state = (torch.randn(B, H, dtype=F64),)
    lengths = st.lists(st.integers(0, T), min_size=B, max_size=B)
    return layer, x, draw(st.sampled_from([state, None])), draw(st.none() | lengths)


def draw_layer(make, seed=0, inputs=3, H=4):
    torch.manual_seed(seed)
    return Recurrent(make(inputs, H)).double()


def close(ours, theirs, tolerance=1e-12):
    torch.testing.assert_close(ours, theirs, rtol=tolerance, atol=tolerance)


# The gradient


@each_cell
@given(data=st.data())
@settings(max_examples=25, deadline=None)
def test_three_ways_to_the_gradient_agree(make, data):
    layer, x, state, lengths = data.draw(problems(make))
    assert layer(x.requires_grad_())[0].grad_fn is not None
    found = check_gradients(layer, x.detach(), state, lengths)
    assert found.autograd <= 1e-10
    assert found.difference <= 1e-10


@each_cell
def test_the_gradient_is_the_cells_own(make):
    output, _ = draw_layer(make)(torch.randn(2, 2, 3, dtype=F64))
    assert "Unroll" in output.grad_fn.name()


@each_cell
def test_a_backward_step_is_linear_and_changes_nothing_it_is_given(make):
    torch.manual_seed(0)
    cell = make(3, 4).double()
    weights = [weight.detach() for weight in cell.weights()]
    x, (h, a, b) = torch.randn(2, 3, dtype=F64), torch.randn(3, 2, 4, dtype=F64)
    with torch.no_grad():
        after, saved = cell.step_forward(cell.project(x), (h,), *weights)
        given_tensors = [h, a, b, *after, *saved, *weights]
        copies = [tensor.clone() for tensor in given_tensors]

        def back(grad):
            dp, (dh,) = cell.step_backward((grad,), (h,), after, saved, *weights)
            return torch.cat([dp, dh], 1)

        close(back(2 * a - 3 * b), 2 * back(a) - 3 * back(b))
        grad, states = torch.randn(1, 2, 12, dtype=F64), (torch.stack([h, *after]),)
        cell.weight_backward(grad, states, [saved])
    close(given_tensors, copies, 0)


# torch's GRU


@st.composite
def grus(draw):
    T, B, inputs, H = (draw(st.integers(1, most)) for most in (8, 4, 4, 4))
    batch_first = draw(st.booleans())
    dtype = draw(st.sampled_from([torch.float32, F64]))
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    reference = nn.GRU(inputs, H, batch_first=batch_first).to(dtype)
    layer = Recurrent(GRU(inputs, H), batch_first=batch_first).to(dtype)
    from_torch(layer, reference.state_dict())
    x = torch.randn((B, T, inputs) if batch_first else (T, B, inputs), dtype=dtype)
    h = torch.randn(B, H, dtype=dtype) if draw(st.booleans()) else None
    return reference, layer, x, h


@given(grus())
@settings(max_examples=60, deadline=None)
def test_outputs_and_all_gradients_are_torchs(problem):
    reference, layer, x, h = problem
    torch_twins.assert_equal(reference, layer, x, () if h is None else (h,))


def test_the_same_seed_makes_torchs_network_and_weights_go_both_ways():
    torch_twins.assert_same_seed_same_weights(GRU, nn.GRU, nn.GRUCell)


def test_weights_of_torch_come_back_from_the_gru_that_writes():
    theirs = nn.GRU(5, 7).state_dict()
    layer = Recurrent(GRU(5, 7, reset="before", update="write"))
    from_torch(layer, theirs)
    close(to_torch(layer), dict(theirs), 0)


def test_padded_batches_are_torchs_packed_sequences():
    torch_twins.assert_padding_is_packing(GRU, nn.GRU)


def test_reversed_input_is_torchs_backward_direction():
    torch.manual_seed(0)
    reference, layer = nn.GRU(3, 4, bidirectional=True).double(), Recurrent(GRU(3, 4)).double()
    backward = {
        name.removesuffix("_reverse"): weight
        for name, weight in reference.state_dict().items()
        if name.endswith("_reverse")
    }
    from_torch(layer, backward)
    x = torch.randn(6, 2, 3, dtype=F64)
    output, (last,) = layer(x.flip(0))
    expected, final = reference(x)
    close([output.flip(0), last], [expected[..., 4:], final[1]])


# The equations, written from the papers: x, h, U, ... are of one sequence


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def by_rows(cell):
    """The weights of a cell as NumPy arrays, parted into H rows each."""
    return {
        name: np.split(weight.numpy(), len(weight) // cell.hidden_size)
        for name, weight in cell.state_dict().items()
    }


def gru(cell, x, h):
    w = by_rows(cell)
    (Wr, Wz, Wn), (Ur, Uz, Un) = w["weight_ih"], w["weight_hh"]
    (ir, iz, i_n), (hr, hz, hn) = w["bias_ih"], w["bias_hh"]
    r = sigmoid(Wr @ x + ir + Ur @ h + hr)
    z = sigmoid(Wz @ x + iz + Uz @ h + hz)
    reset = Un @ (r * h) + hn if cell.reset == "before" else r * (Un @ h + hn)
    n = np.tanh(Wn @ x + i_n + reset)
    return z * h + (1 - z) * n if cell.update == "keep" else (1 - z) * h + z * n


def mut1(cell, x, h):
    w = by_rows(cell)
    (We,), (Wr, Wz), (Ur, Uh) = w["weight_ie"], w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    x = We @ x
    z = sigmoid(Wz @ x + bz)
    r = sigmoid(Wr @ x + Ur @ h + br)
    return np.tanh(Uh @ (r * h) + np.tanh(x) + bh) * z + h * (1 - z)


def mut2(cell, x, h):
    w = by_rows(cell)
    (We,), (Wz, Wh), (Ur, Uz, Uh) = w["weight_ie"], w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    x = We @ x
    z = sigmoid(Wz @ x + Uz @ h + bz)
    r = sigmoid(x + Ur @ h + br)
    return np.tanh(Uh @ (r * h) + Wh @ x + bh) * z + h * (1 - z)


def mut3(cell, x, h):
    w = by_rows(cell)
    (Wr, Wz, Wh), (Ur, Uz, Uh) = w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    z = sigmoid(Wz @ x + Uz @ np.tanh(h) + bz)
    r = sigmoid(Wr @ x + Ur @ h + br)
    return np.tanh(Uh @ (r * h) + Wh @ x + bh) * z + h * (1 - z)


EQUATIONS = {GRU: gru, MUT1: mut1, MUT2: mut2, MUT3: mut3}


@each_cell
def test_a_cell_is_its_equations(make):
    layer = draw_layer(make)
    equations = EQUATIONS[type(layer.cell)]
    x, h0 = np.random.default_rng(0).standard_normal((6, 2, 3)), np.ones((2, 4)) / 2
    lengths = [4, 6]
    output, (last,) = layer(torch.as_tensor(x), (torch.as_tensor(h0),), lengths)
    for b, length in enumerate(lengths):
        h = h0[b]
        for t in range(length):
            h = equations(layer.cell, x[t, b], h)
            assert output[t, b].detach().numpy() == pytest.approx(h, rel=1e-12)
        assert last[b].detach().numpy() == pytest.approx(h, rel=1e-12)
        assert not output[length:, b].any()


@each_cell
def test_all_first_values_follow_torchs_rule(make):
    torch.manual_seed(0)
    for weight in make(40, 25).parameters():
        assert weight.abs().max() <= 0.2
        assert weight.abs().max() >= 0.18
        assert abs(weight.mean().item()) <= 4 * 0.2 / (3 * weight.numel()) ** 0.5


# How the forms hang together


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


def test_mut2_is_a_gru_of_the_products_of_its_input_weights():
    mut, other = (
        draw_layer(MUT2),
        draw_layer(lambda i, h: GRU(i, h, reset="before", update="write")),
    )
    cell, x = mut.cell, torch.randn(6, 2, 3, dtype=F64)
    inputs = torch.cat([cell.weight_ie, cell.weight_ih @ cell.weight_ie])
    weights = {"weight_ih": inputs, "weight_hh": cell.weight_hh, "bias_ih": cell.bias_ih}
    other.cell.load_state_dict({**weights, "bias_hh": torch.zeros(12)})
    close(mut(x), other(x))


def test_mut3_is_a_gru_where_its_update_gate_ignores_the_state():
    mut = draw_layer(MUT3)
    other = draw_layer(lambda i, h: GRU(i, h, reset="before", update="write"))
    other.cell.load_state_dict({**mut.cell.state_dict(), "bias_hh": torch.zeros(12)})
    x = torch.randn(6, 2, 3, dtype=F64)
    assert (mut(x)[0] - other(x)[0]).abs().max() > 1e-6
    with torch.no_grad():
        for layer in (mut, other):
            rows(layer.cell.weight_hh, 1)[0].zero_()
    close(mut(x), other(x))


# The rest


@each_cell
def test_a_state_dict_fills_a_fresh_layer(make):
    layer, fresh = draw_layer(make, seed=0), draw_layer(make, seed=1)
    from_torch(fresh, to_torch(layer))
    x = torch.randn(4, 2, 3, dtype=F64)
    close(fresh(x), layer(x), 0)


@each_cell
def test_a_cell_takes_one_step_as_the_layer_does(make):
    layer = draw_layer(make)
    x, h = torch.randn(2, 3, dtype=F64), torch.randn(2, 4, dtype=F64)
    close(layer.cell(x, (h,)), layer(x[None], (h,))[1])


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: GRU(0, 3), ValueError, "input_size must be at least 1, got 0"),
        (lambda: GRU(2, 1.5), TypeError, "hidden_size must be a whole number"),
        (lambda: GRU(2, 3, reset="never"), ValueError, "'after' or 'before', got 'never'"),
        (lambda: GRU(2, 3, update=1), ValueError, "update must be 'keep' or 'write', got 1"),
        (lambda: MUT1(2, 0), ValueError, "hidden_size must be at least 1, got 0"),
        (lambda: MUT2("2", 3), TypeError, "input_size must be a whole number"),
        (lambda: MUT3(-1, 3), ValueError, "input_size must be at least 1, got -1"),
    ],
)
def test_bad_input_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_a_cell_says_what_it_is():
    assert repr(GRU(2, 3)) == "GRU(2, 3, reset='after', update='keep')"
    assert repr(MUT1(2, 3)) == "MUT1(2, 3)"
