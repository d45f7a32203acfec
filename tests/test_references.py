"""Cells against ONNX Runtime's operators: other authors, other code, another order of gates.

Both compute in float32. On 1,500 random problems for each form of the LSTM they were at most 6e-6
apart.
"""

import onnxruntime
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from onnx import TensorProto, helper
from torch import nn

from unrolled.cells import FORMS, GRU, Elman, LSTMVariant
from unrolled.core.recurrent import Recurrent

TOLERANCE = 2e-5
OPEN = 100.0  # as the bias of a gate: 1, whatever else comes in

ACTIVATIONS = {
    "tanh": ("Tanh", []),
    "identity": ("Affine", [1.0, 0.0]),  # alpha x + beta
    "tanh(x/2)": ("ScaledTanh", [1.0, 0.5]),  # alpha tanh(beta x)
    "2 tanh(x/2)": ("ScaledTanh", [2.0, 0.5]),
}


def by_gate(cell, gates):
    """Return a cell's weights and biases, each as its blocks of rows by gate."""
    weights = cell.state_dict()
    return {
        name: dict(zip(gates, weights[name].chunk(len(gates)), strict=True))
        for name in ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
    }


def onnx_lstm(cell):
    """Return ONNX's LSTM for a cell. It always has all gates: those we leave out, it holds open."""
    ours = by_gate(cell, cell.gates)
    nothing = {name: torch.zeros_like(blocks["g"]) for name, blocks in ours.items()}
    nothing["bias_ih"] = nothing["bias_ih"] + OPEN
    weights = {
        name: torch.cat([blocks.get(gate, nothing[name]) for gate in "iofg"])
        for name, blocks in ours.items()
    }
    chosen = [ACTIVATIONS[cell.input_activation], ACTIVATIONS[cell.output_activation]]
    attributes = {
        "input_forget": int(cell.coupled),
        "activations": ["Sigmoid", *(name for name, _ in chosen)],
        "activation_alpha": [numbers[0] for _, numbers in chosen if numbers] or None,
        "activation_beta": [numbers[1] for _, numbers in chosen if numbers] or None,
    }
    return "LSTM", weights, peepholes(cell), attributes


def peepholes(cell):
    """Return a cell's peepholes in ONNX's order; zero for a gate that it lacks."""
    if not cell.peepholes:
        return None
    v = dict(zip(cell.logistic, cell.weight_ch.detach().chunk(len(cell.logistic)), strict=True))
    return torch.cat([v.get(gate, torch.zeros(cell.hidden_size)) for gate in "iof"])


def onnx_gru(cell):
    """Return ONNX's GRU for a cell. Its z keeps the old state; 1 - sigmoid(a) is sigmoid(-a)."""
    weights = {}
    for name, blocks in by_gate(cell, "rzn").items():
        z = blocks["z"] if cell.update == "keep" else -blocks["z"]
        weights[name] = torch.cat([z, blocks["r"], blocks["n"]])
    return "GRU", weights, None, {"linear_before_reset": int(cell.reset == "after")}


def onnx_rnn(cell):
    """Return ONNX's RNN for a cell."""
    return "RNN", cell.state_dict(), None, {"activations": [cell.nonlinearity.capitalize()]}


def run(reference, x, state, lengths):
    """Run one operator: its output at all steps, and its state after them."""
    operator, weights, v, attributes = reference
    inputs = {
        "X": x,
        "W": weights["weight_ih"][None],
        "R": weights["weight_hh"][None],
        "B": torch.cat([weights["bias_ih"], weights["bias_hh"]])[None],
        "sequence_lens": lengths,
        "initial_h": None if state is None else state[0][None],
    }
    outputs = ["Y", "Y_h"]
    if operator == "LSTM":
        inputs["initial_c"] = None if state is None else state[1][None]
        inputs["P"] = None if v is None else v[None]
        outputs.append("Y_c")
    H = weights["weight_hh"].shape[1]
    Y, *last = compute(operator, inputs, outputs, hidden_size=H, **attributes)
    return Y[:, 0], tuple(part[0] for part in last)


def compute(operator, inputs, outputs, **attributes):
    """Make a model of one operator and run it. An input that is None is left out."""
    feed = {name: part.detach().numpy() for name, part in inputs.items() if part is not None}
    node = helper.make_node(
        operator, [name if name in feed else "" for name in inputs], outputs, **attributes
    )
    wanted = [helper.make_tensor_value_info(name, TensorProto.FLOAT, None) for name in outputs]
    given_ = [
        helper.make_tensor_value_info(name, helper.np_dtype_to_tensor_dtype(a.dtype), a.shape)
        for name, a in feed.items()
    ]
    graph = helper.make_graph([node], operator, given_, wanted)
    model = helper.make_model(graph, opset_imports=[helper.make_opsetid("", 14)], ir_version=8)
    options = onnxruntime.SessionOptions()
    options.intra_op_num_threads = 1
    session = onnxruntime.InferenceSession(
        model.SerializeToString(), options, providers=["CPUExecutionProvider"]
    )
    return [torch.from_numpy(found) for found in session.run(None, feed)]


@st.composite
def problems(draw):
    """Sizes, a seed, lengths and whether there is a first state: all but the cell."""
    T, B, inputs, H = (draw(st.integers(1, 6)) for _ in range(4))
    # from 1: at length 0 ONNX Runtime ends with zeros, we with the first state
    lengths = draw(st.none() | st.lists(st.integers(1, T), min_size=B, max_size=B))
    return T, B, inputs, H, draw(st.integers(0, 2**32 - 1)), draw(st.booleans()), lengths


def both(make, convert, problem):
    """Return what our cell computes on a problem, and what ONNX Runtime does."""
    T, B, inputs, H, seed, stateful, lengths = problem
    torch.manual_seed(seed)
    cell = make(inputs, H)
    for parameter in cell.parameters():
        nn.init.normal_(parameter)
    x = torch.randn(T, B, inputs)
    state = tuple(torch.randn(B, H) for _ in cell.states) if stateful else None
    with torch.no_grad():
        ours = Recurrent(cell)(x, state, lengths)
    steps = None if lengths is None else torch.tensor(lengths, dtype=torch.int32)
    return ours, run(convert(cell), x, state, steps)


def check(make, convert, problem):
    ours, theirs = both(make, convert, problem)
    torch.testing.assert_close(ours, theirs, rtol=TOLERANCE, atol=TOLERANCE)


@pytest.mark.parametrize("form", [form for form in FORMS if form != "FGR"])  # ONNX has none
@given(problem=problems())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_every_form_of_the_lstm(form, problem):
    check(lambda *sizes: LSTMVariant(*sizes, **FORMS[form]), onnx_lstm, problem)


@pytest.mark.parametrize("output_gate", [True, False])
@pytest.mark.parametrize("peepholes", [True, False])
@given(problem=problems())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_the_coupled_lstm(peepholes, output_gate, problem):
    options = {"coupled": True, "peepholes": peepholes, "output_gate": output_gate}
    check(lambda *sizes: LSTMVariant(*sizes, **options), onnx_lstm, problem)


@pytest.mark.parametrize("update", ["keep", "write"])
@pytest.mark.parametrize("reset", ["after", "before"])
@given(problem=problems())
@settings(max_examples=40, deadline=None, derandomize=True)
def test_the_gru_in_its_four_conventions(reset, update, problem):
    check(lambda *sizes: GRU(*sizes, reset=reset, update=update), onnx_gru, problem)


@pytest.mark.parametrize("nonlinearity", ["tanh", "relu"])
@given(problem=problems())
@settings(max_examples=20, deadline=None, derandomize=True)
def test_elmans_network(nonlinearity, problem):
    check(lambda *sizes: Elman(*sizes, nonlinearity=nonlinearity), onnx_rnn, problem)


def slip(convert, change):
    """Return a conversion that gets one thing wrong."""

    def wrong(cell):
        operator, weights, v, attributes = convert(cell)
        weights, attributes = dict(weights), dict(attributes)
        v = None if v is None else v.clone()
        change(weights, v, attributes)
        return operator, weights, v, attributes

    return wrong


def swap(weights, v, attributes):
    v.copy_(v.view(3, -1)[[1, 0, 2]].flatten())


def flip(name):
    return lambda weights, v, attributes: attributes.update({name: 1 - attributes[name]})


def turn(weights, v, attributes):
    H = weights["weight_hh"].shape[1]
    for weight in weights.values():
        weight[:H] *= -1


@pytest.mark.parametrize(
    ("make", "wrong"),
    [
        (lambda *sizes: LSTMVariant(*sizes, peepholes=True), slip(onnx_lstm, swap)),
        (lambda *sizes: LSTMVariant(*sizes, peepholes=True), slip(onnx_lstm, flip("input_forget"))),
        (GRU, slip(onnx_gru, flip("linear_before_reset"))),
        (GRU, slip(onnx_gru, turn)),
    ],
    ids=["peepholes", "coupled", "reset", "update"],
)
def test_the_comparison_sees_another_convention(make, wrong):
    (ours, _), (theirs, _) = both(make, wrong, (4, 3, 2, 5, 0, True, None))
    assert (ours - theirs).abs().max() > 100 * TOLERANCE
