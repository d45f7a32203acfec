import pytest
import torch
from cells_in_numpy import assert_is_its_equations
from hypothesis import given, settings
from hypothesis import strategies as st
from three_ways import assert_they_agree, gradients, problems
from torch import nn

from unrolled.cells import FORMS, LSTM, LSTMVariant
from unrolled.core.recurrent import Recurrent

F64 = torch.float64
ACTIVATIONS = ("tanh", "identity", "2 tanh(x/2)", "tanh(x/2)")


@st.composite
def choices(draw):
    """Options of a cell that go together."""
    options = {
        name: draw(st.booleans())
        for name in ("input_gate", "forget_gate", "output_gate", "peepholes", "gate_recurrence")
    }
    options["layer_norm"] = draw(st.sampled_from([False, False, True]))
    options["truncated"] = draw(st.sampled_from([False, False, True]))
    gates = options["input_gate"], options["forget_gate"], options["output_gate"]
    options["coupled"] = all(gates[:2]) and draw(st.booleans())
    if not any(gates):
        options["peepholes"] = options["gate_recurrence"] = False
    for name in ("input_activation", "output_activation"):
        options[name] = draw(st.sampled_from(ACTIVATIONS))
    return options


def layer_of(options, inputs=3, H=4):
    torch.manual_seed(1)
    return Recurrent(LSTMVariant(inputs, H, **options)).double()


@given(choices())
@settings(max_examples=100, deadline=None)
def test_whatever_is_chosen_the_cell_is_its_equations(options):
    layer = layer_of(options)
    for weight in layer.parameters():
        nn.init.normal_(weight, std=0.8)
    x = torch.randn(4, 2, 3, dtype=F64)
    first = tuple(torch.rand(2, 4, dtype=F64) for _ in layer.cell.states)
    assert_is_its_equations(layer, x, first, [4, 2])


@given(choices(), st.data())
@settings(max_examples=50, deadline=None)
def test_whatever_is_chosen_the_ways_to_the_gradient_agree(options, data):
    assert_they_agree(*data.draw(problems(lambda *sizes: LSTMVariant(*sizes, **options))))


def test_without_options_it_is_the_lstm():
    torch.manual_seed(1)
    plain, ours = Recurrent(LSTM(3, 4)).double(), layer_of({})
    torch.testing.assert_close(ours.state_dict(), plain.state_dict(), rtol=0, atol=0)
    x, state = torch.randn(5, 2, 3, dtype=F64), (torch.rand(2, 4, dtype=F64),) * 2
    torch.testing.assert_close(ours(x, state, [5, 3]), plain(x, state, [5, 3]))
    torch.testing.assert_close(gradients(ours, x, state), gradients(plain, x, state))


def test_nothing_of_its_history_is_lost():
    assert list(FORMS) == [
        *("1997", "2000", "torch"),
        *("V", "NIG", "NFG", "NOG", "NIAF", "NOAF", "CIFG", "NP", "FGR"),
    ]
    gates = {name: "".join(LSTMVariant(2, 3, **options).gates) for name, options in FORMS.items()}
    assert {name: found for name, found in gates.items() if found != "ifgo"} == {
        "1997": "igo",
        "NIG": "fgo",
        "NFG": "igo",
        "NOG": "ifg",
        "CIFG": "igo",
    }


def test_a_gate_that_is_left_out_has_no_rows_and_is_in_no_trace():
    cell = LSTMVariant(2, 3, input_gate=False, peepholes=True, gate_recurrence=True)
    shapes = {name: tuple(weight.shape) for name, weight in cell.named_parameters()}
    assert shapes == {
        **{"weight_ih": (9, 2), "weight_hh": (9, 3), "bias_ih": (9,), "bias_hh": (9,)},
        **{"weight_ch": (6,), "weight_gg": (6, 6)},
    }
    assert cell.states == ("h", "c", "f", "o")
    assert "i" not in Recurrent(cell).trace(torch.zeros(1, 1, 2))


def test_without_a_forget_gate_and_input_the_state_stays_and_so_does_its_gradient():
    cell = LSTMVariant(1, 3, **FORMS["1997"]).double()
    with torch.no_grad():
        cell.bias_ih[:3] = -100.0  # the input gate is shut
    first = tuple(torch.randn(2, 3, dtype=F64, requires_grad=True) for _ in range(2))
    _, (_, c) = Recurrent(cell)(torch.zeros(1000, 2, 1, dtype=F64), first)
    torch.testing.assert_close(c, first[1], rtol=0, atol=1e-12)
    carried = torch.autograd.grad(c.sum(), first, materialize_grads=True)
    torch.testing.assert_close(carried, (torch.zeros_like(c), torch.ones_like(c)))


@pytest.mark.parametrize("coupled", [False, True])
def test_the_forget_bias_is_the_first_value_of_the_gates_bias(coupled):
    cell = LSTMVariant(2, 3, forget_bias=2.5, coupled=coupled)
    with torch.no_grad():
        cell.weight_hh.zero_()
    found = cell.equations(
        cell.project(torch.zeros(1, 2)), (torch.zeros(1, 3),) * 2, cell.weight_hh
    )
    torch.testing.assert_close(found["f"], torch.sigmoid(torch.full((1, 3), 2.5)))


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"coupled": True, "forget_gate": False}, "input_gate=True and forget_gate=False"),
        ({"coupled": True, "input_gate": False}, "input_gate=False and forget_gate=True"),
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
    assert repr(LSTMVariant(2, 3, **FORMS["1997"])) == (
        "LSTMVariant(2, 3, gates='igo', truncated=True, "
        "input_activation='2 tanh(x/2)', output_activation='tanh(x/2)')"
    )
