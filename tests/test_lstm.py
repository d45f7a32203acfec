import pytest
import torch
import torch_twins
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn

from unrolled.cells import FORMS, LSTM, LSTMVariant
from unrolled.core.gradcheck import check_gradients
from unrolled.core.recurrent import Recurrent, from_torch

ACTIVATIONS = ("tanh", "identity", "2 tanh(x/2)", "tanh(x/2)")


@st.composite
def choices(draw):
    """Options of a cell that go together."""
    options = {
        name: draw(st.booleans())
        for name in ("input_gate", "forget_gate", "output_gate", "peepholes", "gate_recurrence")
    }
    options["layer_norm"] = draw(st.sampled_from([False, False, True]))
    gates = options["input_gate"], options["forget_gate"], options["output_gate"]
    options["coupled"] = all(gates[:2]) and draw(st.booleans())
    if not any(gates):
        options["peepholes"] = options["gate_recurrence"] = False
    for name in ("input_activation", "output_activation"):
        options[name] = draw(st.sampled_from(ACTIVATIONS))
    return options


def problem(draw, options, longest=5, most=3):
    """A layer with these options, an input, and a state or none."""
    T = draw(st.integers(1, longest))
    B, inputs, H = (draw(st.integers(1, most)) for _ in range(3))
    H = max(H, 3) if options["layer_norm"] else H  # one or two, normalised, are all but constant
    torch.manual_seed(draw(st.integers(0, 2**32 - 1)))
    layer = Recurrent(LSTMVariant(inputs, H, **options)).double()
    for parameter in layer.parameters():
        nn.init.normal_(parameter, std=0.8)
    x = torch.randn(T, B, inputs, dtype=torch.float64)
    state = tuple(torch.rand(B, H, dtype=torch.float64) for _ in layer.cell.states)
    lengths = draw(st.none() | st.lists(st.integers(0, T), min_size=B, max_size=B))
    return layer, x, state if draw(st.booleans()) else None, lengths


@given(st.data(), choices())
@settings(max_examples=120, deadline=None)
def test_three_ways_to_the_gradient_agree(data, options):
    layer, *given_to_it = problem(data.draw, options)
    found = check_gradients(layer, *given_to_it)
    # normalising takes a part of a gradient away, and where little is left rounding is more of it
    assert max(found) <= (1e-8 if options["layer_norm"] else 1e-10)


@given(st.data(), choices())
@settings(max_examples=50, deadline=None)
def test_the_truncated_gradient_takes_what_the_gates_see_as_given(data, options):
    layer, x, state, lengths = problem(data.draw, options | {"truncated": True})
    assert check_gradients(layer, x, state, lengths, complex_step=False).autograd <= 1e-8
    R = torch.randn_like(layer(x, state)[0])
    gradients = torch.autograd.grad(layer(x, state)[0], list(layer.parameters()), R)
    seen = []

    def record(*parts):
        seen.append(parts)
        return parts

    with torch.no_grad():
        layer.cell._seen = record
        layer(x, state)
        for parameter, gradient in zip(layer.parameters(), gradients, strict=True):
            i, values = data.draw(st.integers(0, gradient.numel() - 1)), []
            for step in (1e-6, -2e-6, 1e-6):
                parameter.view(-1)[i] += step
                replay = iter(seen)
                layer.cell._seen = lambda *parts, replay=replay: next(replay)
                values.append((R * layer(x, state)[0]).sum().item())
            expected = (values[0] - values[1]) / 2e-6
            assert gradient.view(-1)[i].item() == pytest.approx(expected, rel=1e-5, abs=1e-6)


@given(st.data())
@settings(max_examples=100, deadline=None)
def test_outputs_and_all_gradients_are_torchs(data):
    dtype = data.draw(st.sampled_from([torch.float32, torch.float64]))
    T, B, inputs, H = (data.draw(st.integers(1, most)) for most in (8, 4, 4, 4))
    torch.manual_seed(data.draw(st.integers(0, 2**32 - 1)))
    reference, layer = nn.LSTM(inputs, H).to(dtype), Recurrent(LSTM(inputs, H)).to(dtype)
    from_torch(layer, reference.state_dict())
    x = torch.randn(T, B, inputs, dtype=dtype)
    torch_twins.assert_equal(reference, layer, x, [torch.randn(B, H, dtype=dtype) for _ in "hc"])


def test_the_same_seed_makes_torchs_network_and_weights_go_both_ways():
    torch_twins.assert_same_seed_same_weights(LSTM, nn.LSTM, nn.LSTMCell)


def test_padded_batches_are_torchs_packed_sequences():
    torch_twins.assert_padding_is_packing(LSTM, nn.LSTM)


def test_reversed_input_is_torchs_backward_direction():
    torch.manual_seed(0)
    reference, layer = nn.LSTM(3, 4, bidirectional=True).double(), Recurrent(LSTM(3, 4)).double()
    suffix = "_reverse"
    named = {name: weight for name, weight in reference.state_dict().items() if suffix in name}
    from_torch(layer, {name.removesuffix(suffix): weight for name, weight in named.items()})
    x = torch.randn(6, 2, 3, dtype=torch.float64)
    output, last = layer(x.flip(0))
    expected, final = reference(x)
    theirs = [expected[..., 4:], *(part[1] for part in final)]
    torch.testing.assert_close([output.flip(0), *last], theirs)


def layer_of(form, inputs=3, H=4):
    torch.manual_seed(1)
    return Recurrent(LSTMVariant(inputs, H, **form)).double()


ALL = {**FORMS, "layer norm": {"layer_norm": True}}


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_sequences_of_a_batch_do_not_meet(form):
    layer, x, lengths = layer_of(form), torch.randn(6, 3, 3, dtype=torch.float64), [2, 6, 4]
    output, last = layer(x, lengths=lengths)
    for b, n in enumerate(lengths):
        alone, state = layer(x[:n, b : b + 1])
        torch.testing.assert_close(output[:n, b : b + 1], alone)
        torch.testing.assert_close([part[b : b + 1] for part in last], list(state))


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_weights_come_back_from_a_file(form, tmp_path):
    layer, other, x = layer_of(form), layer_of(form), torch.randn(4, 2, 3, dtype=torch.float64)
    for parameter in other.parameters():
        nn.init.zeros_(parameter)
    torch.save(layer.state_dict(), tmp_path / "weights.pt")
    other.load_state_dict(torch.load(tmp_path / "weights.pt", weights_only=True))
    torch.testing.assert_close(other(x), layer(x), rtol=0, atol=0)


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
@pytest.mark.skipif(not torch.cuda.is_available(), reason="needs a GPU")
def test_a_gpu_gives_the_same(form):
    layer, x = layer_of(form), torch.randn(6, 3, 3, dtype=torch.float64)

    def run(where):
        moved = layer.to(where)
        output, _ = moved(x.to(where), lengths=[2, 6, 4])
        found = torch.autograd.grad(output.sum(), list(moved.parameters()))
        return [part.cpu() for part in (output, *found)]

    torch.testing.assert_close(run("cuda"), run("cpu"))


def test_the_choices_are_their_equations():
    """One step of each kind, by hand, in one number: I = H = 1."""

    def sigma(a):
        return 1 / (1 + (-a).exp())

    x, h, c = torch.tensor([0.3, -0.7, 0.9], dtype=torch.float64)
    for options in ({}, *FORMS.values()):
        torch.manual_seed(0)
        cell = LSTMVariant(1, 1, **options).double()
        gates = tuple(
            torch.full((1, 1), v).double() for v in (0.2, 0.6, 0.4)[: len(cell.states) - 2]
        )
        W, U = cell.weight_ih.squeeze(1), cell.weight_hh.squeeze(1)
        a = dict(zip(cell.gates, W * x + U * h + cell.bias_ih + cell.bias_hh, strict=True))
        v = dict(zip(cell.logistic, cell.weight_ch, strict=True)) if cell.peepholes else {}
        if gates:
            seen = cell.weight_gg @ torch.cat(gates).squeeze(1)
            a |= {gate: a[gate] + s for gate, s in zip(cell.logistic, seen, strict=True)}
        squash = {
            "tanh": torch.tanh,
            "identity": lambda a: a,
            "2 tanh(x/2)": lambda a: 4 * sigma(a) - 2,  # as 1997 writes it
            "tanh(x/2)": lambda a: 2 * sigma(a) - 1,
        }
        i = sigma(a["i"] + v.get("i", 0) * c) if "i" in a else 1
        f = sigma(a["f"] + v.get("f", 0) * c) if "f" in a else 1
        f = 1 - i if options.get("coupled") else f
        new = f * c + i * squash[cell.input_activation](a["g"])
        o = sigma(a["o"] + v.get("o", 0) * new) if "o" in a else 1
        expected = o * squash[cell.output_activation](new)
        found = cell(x.view(1, 1), (h.view(1, 1), c.view(1, 1), *gates))
        assert found[0].item() == pytest.approx(expected.item(), rel=1e-12)
        assert found[1].item() == pytest.approx(new.item(), rel=1e-12)
    assert "identity" in {form.get("output_activation") for form in FORMS.values()}


def test_layer_norm_is_its_equation():
    torch.manual_seed(0)
    cell = LSTMVariant(3, 4, layer_norm=True).double()
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    x, h, c = (torch.randn(2, size, dtype=torch.float64) for size in (3, 4, 4))

    def norm(a, gain):
        centred = a - a.mean(1, keepdim=True)
        return gain * centred / (centred.square().mean(1, keepdim=True) + 1e-5).sqrt()

    a = norm(x @ cell.weight_ih.T, cell.gain_ih) + norm(h @ cell.weight_hh.T, cell.gain_hh)
    i, f, g, o = (a + cell.bias_ih + cell.bias_hh).chunk(4, 1)
    new = f.sigmoid() * c + i.sigmoid() * g.tanh()
    shown = o.sigmoid() * (norm(new, cell.gain_c) + cell.bias_c).tanh()
    torch.testing.assert_close(cell(x, (h, c)), (shown, new))


@pytest.mark.parametrize("coupled", [False, True])
def test_gate_recurrence_is_its_equation(coupled):
    torch.manual_seed(0)
    cell = LSTMVariant(2, 3, gate_recurrence=True, coupled=coupled).double()
    x = torch.randn(4, 2, dtype=torch.float64)
    h, c, *gates = (torch.randn(4, 3, dtype=torch.float64) for _ in cell.states)
    names = "io" if coupled else "ifo"
    R = cell.weight_gg.view(len(names), 3, len(names), 3)  # to a gate's unit, from a gate's unit
    bias = cell.bias_ih + cell.bias_hh
    a = x @ cell.weight_ih.T + h @ cell.weight_hh.T + bias
    a = dict(zip("igo" if coupled else "ifgo", a.chunk(3 if coupled else 4, 1), strict=True))
    for k, name in enumerate(names):
        a[name] = a[name] + sum(gate @ R[k, :, j].T for j, gate in enumerate(gates))
    made = [a[name].sigmoid() for name in names]
    f = 1 - made[0] if coupled else made[1]
    new = f * c + made[0] * a["g"].tanh()
    torch.testing.assert_close(cell(x, (h, c, *gates)), (made[-1] * new.tanh(), new, *made))


@pytest.mark.parametrize("form", ALL.values(), ids=ALL)
def test_the_gradient_is_by_the_weights_that_the_call_was_given(form):
    layer, x = layer_of(form), torch.randn(4, 2, 3, dtype=torch.float64)
    given_ = {name: torch.randn_like(p).requires_grad_() for name, p in layer.named_parameters()}
    found = []
    for autograd in (False, True):
        layer.autograd = autograd
        output, _ = torch.func.functional_call(layer, given_, (x,))
        assert ("Unroll" in type(output.grad_fn).__name__) is not autograd
        found.append(torch.autograd.grad(output.sum(), list(given_.values())))
    torch.testing.assert_close(*found)


def test_without_a_forget_gate_and_input_the_state_stays_and_so_does_its_gradient():
    cell = LSTMVariant(1, 3, **FORMS["1997"]).double()
    with torch.no_grad():
        cell.bias_ih[:3] = -100.0  # the input gate is shut
    first = tuple(torch.randn(2, 3, dtype=torch.float64, requires_grad=True) for _ in range(2))
    _, (_, c) = Recurrent(cell)(torch.zeros(1000, 2, 1).double(), first)
    torch.testing.assert_close(c, first[1], rtol=0, atol=1e-12)
    carried = torch.autograd.grad(c.sum(), first)
    torch.testing.assert_close(carried, (torch.zeros_like(c), torch.ones_like(c)))


@pytest.mark.parametrize("coupled", [False, True])
def test_the_forget_bias_is_the_first_value_of_the_gates_bias(coupled):
    cell = LSTMVariant(2, 3, forget_bias=2.5, coupled=coupled)
    with torch.no_grad():
        cell.weight_hh.zero_()
    _, c = cell(torch.zeros(1, 2), (torch.zeros(1, 3), torch.ones(1, 3)))
    i = torch.sigmoid(cell.bias_ih[:3] + cell.bias_hh[:3])
    at_g = slice(3, 6) if coupled else slice(6, 9)
    g = torch.tanh(cell.bias_ih[at_g] + cell.bias_hh[at_g])
    torch.testing.assert_close(c[0], torch.sigmoid(torch.full((3,), 2.5)) + i * g)


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"coupled": True, "forget_gate": False}, "input_gate=True and forget_gate=False"),
        ({"forget_bias": 1.0, "forget_gate": False}, "forget_bias needs forget_gate, got 1.0"),
        ({"forget_bias": float("nan")}, "forget_bias must be"),
        ({"input_activation": "relu"}, "input_activation must be one of tanh, identity"),
        ({"output_activation": "relu"}, "output_activation must be one of .*, got 'relu'"),
        (
            {"peepholes": True, "input_gate": False, "forget_gate": False, "output_gate": False},
            "need a gate",
        ),
    ],
)
def test_bad_input_is_named(options, words):
    with pytest.raises(ValueError, match=words):
        LSTMVariant(2, 3, **options)


def test_a_cell_says_what_it_is():
    assert repr(LSTM(2, 3)) == "LSTM(2, 3)"
    assert repr(LSTMVariant(2, 3, **FORMS["1997"])) == (
        "LSTMVariant(2, 3, gates='igo', truncated=True, "
        "input_activation='2 tanh(x/2)', output_activation='tanh(x/2)')"
    )
