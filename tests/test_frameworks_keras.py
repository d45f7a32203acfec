"""Layers of torch and of this book beside those of Keras, where it is installed."""

import importlib.util

import pytest
import torch
from test_frameworks import IN, KINDS, OURS, SEQUENCES, STEPS, TORCH, H, drawn, seeded

from unrolled.cells import GRU
from unrolled.core.recurrent import Recurrent, from_torch
from unrolled.frameworks import from_keras, to_keras

pytestmark = [
    pytest.mark.skipif(
        importlib.util.find_spec("keras") is None,
        reason="Keras is not installed: pip install -r requirements-keras.txt",
    ),
    # Keras asks NumPy for arrays in the way of NumPy 1.
    pytest.mark.filterwarnings("ignore:__array__ implementation:DeprecationWarning"),
]
# Outside its LSTM and GRU without a mask, Keras multiplies float64 as float32 on PyTorch.
CLOSE, ROUGHLY = {"rtol": 0, "atol": 1e-12}, {"rtol": 0, "atol": 1e-6}


@pytest.fixture(scope="module")
def keras():
    import keras

    assert keras.backend.backend() == "torch"
    return keras


def layer_of(keras, kind, both=False, **options):
    layer = getattr(keras.layers, kind)(
        H, return_sequences=True, return_state=True, dtype="float64", **options
    )
    layer = keras.layers.Bidirectional(layer, dtype="float64") if both else layer
    layer.build((SEQUENCES, STEPS, IN))
    return layer


def in_keras(layer, x, **options):
    """Run a layer of Keras along ``(T, B, IN)``; return the output as ``(T, B, H)``, and states."""
    output, *states = layer(torch.tensor(x).transpose(0, 1), **options)
    return output.transpose(0, 1), states


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_keras_computes_what_torch_does_and_the_same_gradients(keras, kind, both):
    theirs = seeded(lambda: TORCH[kind](IN, H, bidirectional=both))
    layer = layer_of(keras, kind, both)
    layer.set_weights(to_keras(theirs.state_dict()))
    x, close = drawn(STEPS, SEQUENCES, IN), ROUGHLY if kind == "SimpleRNN" else CLOSE
    output, state = theirs(torch.tensor(x))
    found, states = in_keras(layer, x)
    torch.testing.assert_close(found, output, **close)
    # Keras: h and c forwards, h and c backwards; torch: h of both ways, c of both ways.
    state = state if isinstance(state, tuple) else (state,)
    expected = [part[way] for way in range(1 + both) for part in state]
    for one, other in zip(states, expected, strict=True):
        torch.testing.assert_close(one, other, **close)

    for each in (output, found):
        (each * torch.tensor(drawn(*each.shape, seed=1))).sum().backward()
    gradients = [weight.value.grad.numpy() for weight in layer.weights]
    for name, gradient in from_keras(gradients, bidirectional=both).items():
        if "bias_hh" not in name or kind == "GRU":
            own = theirs.get_parameter(name).grad
            torch.testing.assert_close(gradient, own, **close, msg=name)


@pytest.mark.parametrize("kind", KINDS)
def test_the_books_layer_computes_what_keras_does_of_padded_sequences(keras, kind):
    layer, lengths = layer_of(keras, kind), [5, 2, 1, 4]
    ours = Recurrent(OURS[kind](IN, H)).double()
    from_torch(ours, from_keras(layer.get_weights()))
    x = drawn(STEPS, SEQUENCES, IN)
    mask = torch.arange(STEPS) < torch.tensor(lengths)[:, None]
    found, states = in_keras(layer, x, mask=mask)
    output, last = ours(torch.tensor(x), lengths=lengths)
    torch.testing.assert_close(found * mask.T[..., None], output, **ROUGHLY)
    for one, other in zip(states, last, strict=True):
        torch.testing.assert_close(one, other, **ROUGHLY)


def test_keras_resets_before_the_product_where_asked(keras):
    layer = layer_of(keras, "GRU", reset_after=False)
    ours = Recurrent(GRU(IN, H, reset="before")).double()
    from_torch(ours, from_keras(layer.get_weights()))
    x = drawn(STEPS, SEQUENCES, IN)
    torch.testing.assert_close(in_keras(layer, x)[0], ours(torch.tensor(x))[0], **ROUGHLY)


@pytest.mark.parametrize("kind", KINDS)
@pytest.mark.parametrize("both", [False, True])
def test_a_model_of_several_layers_takes_a_torch_layer_of_several(keras, kind, both):
    theirs = TORCH[kind](IN, H, num_layers=2, bidirectional=both)
    layers = [getattr(keras.layers, kind)(H, return_sequences=True) for _ in range(2)]
    layers = [keras.layers.Bidirectional(each) for each in layers] if both else layers
    model = keras.Sequential([keras.Input((STEPS, IN)), *layers])
    model.set_weights(to_keras(theirs.state_dict()))
    x = torch.tensor(drawn(STEPS, SEQUENCES, IN)).float()
    found = model(x.transpose(0, 1)).transpose(0, 1)
    torch.testing.assert_close(found, theirs(x)[0], **ROUGHLY)
