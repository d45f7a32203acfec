"""The equations of the cells written once more, from the papers: of one sequence, gate by gate.

Each function takes a cell, an input ``(I,)`` and the state, arrays ``(H,)``, and returns all that a
step computes, by name.
"""

import numpy as np
import pytest
import torch

from unrolled.cells import GRU, LSTM, MUT1, MUT2, MUT3, Elman, LSTMVariant


def sigmoid(a):
    return 1 / (1 + np.exp(-a))


def by_rows(cell):
    """The weights of a cell as NumPy arrays, parted into H rows each."""
    return {
        name: np.split(weight.numpy(), len(weight) // cell.hidden_size)
        for name, weight in cell.state_dict().items()
    }


def elman(cell, x, state):
    (h,), w = state, by_rows(cell)
    (W,), (U,), (b,), (d,) = w["weight_ih"], w["weight_hh"], w["bias_ih"], w["bias_hh"]
    a = W @ x + b + U @ h + d
    return {"h": np.tanh(a) if cell.nonlinearity == "tanh" else np.maximum(a, 0)}


def lstm(cell, x, state):
    (h, c), w = state, by_rows(cell)
    Wi, Wf, Wg, Wo = w["weight_ih"]
    Ui, Uf, Ug, Uo = w["weight_hh"]
    bi, bf, bg, bo = (a + b for a, b in zip(w["bias_ih"], w["bias_hh"], strict=True))
    i = sigmoid(Wi @ x + Ui @ h + bi)
    f = sigmoid(Wf @ x + Uf @ h + bf)
    g = np.tanh(Wg @ x + Ug @ h + bg)
    o = sigmoid(Wo @ x + Uo @ h + bo)
    c = f * c + i * g
    return {"i": i, "f": f, "g": g, "o": o, "c": c, "tanh c": np.tanh(c), "h": o * np.tanh(c)}


SQUASHED = {
    "tanh": np.tanh,
    "identity": lambda a: a,
    "2 tanh(x/2)": lambda a: 4 * sigmoid(a) - 2,  # as 1997 writes it
    "tanh(x/2)": lambda a: 2 * sigmoid(a) - 1,
}


def normalised(a, gain):
    return gain * (a - a.mean()) / np.sqrt(a.var() + 1e-5)


def lstm_variant(cell, x, state):
    w = {name: weight.numpy() for name, weight in cell.state_dict().items()}
    h, c, *gates = state
    to_sum = [w["weight_ih"] @ x, w["weight_hh"] @ h]
    if cell.layer_norm:
        to_sum = [normalised(to_sum[0], w["gain_ih"]), normalised(to_sum[1], w["gain_hh"])]
    sums = sum(to_sum) + w["bias_ih"] + w["bias_hh"]
    a = dict(zip(cell.gates, np.split(sums, len(cell.gates)), strict=True))
    opened, H = [gate for gate in "ifo" if gate in a], cell.hidden_size
    for k, gate in enumerate(opened if cell.gate_recurrence else ()):
        for j, before in enumerate(gates):  # a block of R for each two gates
            a[gate] = a[gate] + w["weight_gg"][k * H : k * H + H, j * H : j * H + H] @ before
    v = dict.fromkeys(opened, 0)
    if cell.peepholes:
        v = dict(zip(opened, np.split(w["weight_ch"], len(opened)), strict=True))

    found = {"g": SQUASHED[cell.input_activation](a["g"])}
    if "i" in a:
        found["i"] = sigmoid(a["i"] + v["i"] * c)
    if "f" in a:
        found["f"] = sigmoid(a["f"] + v["f"] * c)
    if cell.coupled:
        found["f"] = 1 - found["i"]
    found["c"] = c = found.get("f", 1) * c + found.get("i", 1) * found["g"]
    if "o" in a:
        found["o"] = sigmoid(a["o"] + v["o"] * c)
    read = normalised(c, w["gain_c"]) + w["bias_c"] if cell.layer_norm else c
    return found | {"h": found.get("o", 1) * SQUASHED[cell.output_activation](read)}


def gru(cell, x, state):
    (h,), w = state, by_rows(cell)
    (Wr, Wz, Wn), (Ur, Uz, Un) = w["weight_ih"], w["weight_hh"]
    (ir, iz, i_n), (hr, hz, hn) = w["bias_ih"], w["bias_hh"]
    r = sigmoid(Wr @ x + ir + Ur @ h + hr)
    z = sigmoid(Wz @ x + iz + Uz @ h + hz)
    if cell.reset == "before":
        u = r * h
        n = np.tanh(Wn @ x + i_n + Un @ u + hn)
    else:
        u = Un @ h + hn
        n = np.tanh(Wn @ x + i_n + r * u)
    h = z * h + (1 - z) * n if cell.update == "keep" else (1 - z) * h + z * n
    return {"r": r, "z": z, "n": n, "u": u, "h": h}


def mut1(cell, x, state):
    (h,), w = state, by_rows(cell)
    (We,), (Wr, Wz), (Ur, Uh) = w["weight_ie"], w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    x = We @ x
    z = sigmoid(Wz @ x + bz)
    r = sigmoid(Wr @ x + Ur @ h + br)
    n = np.tanh(Uh @ (r * h) + np.tanh(x) + bh)
    return {"r": r, "z": z, "n": n, "h": n * z + h * (1 - z)}


def mut2(cell, x, state):
    (h,), w = state, by_rows(cell)
    (We,), (Wz, Wh), (Ur, Uz, Uh) = w["weight_ie"], w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    x = We @ x
    z = sigmoid(Wz @ x + Uz @ h + bz)
    r = sigmoid(x + Ur @ h + br)
    n = np.tanh(Uh @ (r * h) + Wh @ x + bh)
    return {"r": r, "z": z, "n": n, "h": n * z + h * (1 - z)}


def mut3(cell, x, state):
    (h,), w = state, by_rows(cell)
    (Wr, Wz, Wh), (Ur, Uz, Uh) = w["weight_ih"], w["weight_hh"]
    br, bz, bh = w["bias_ih"]
    z = sigmoid(Wz @ x + Uz @ np.tanh(h) + bz)
    r = sigmoid(Wr @ x + Ur @ h + br)
    n = np.tanh(Uh @ (r * h) + Wh @ x + bh)
    return {"r": r, "z": z, "n": n, "h": n * z + h * (1 - z)}


EQUATIONS = {
    Elman: elman,
    LSTM: lstm,
    LSTMVariant: lstm_variant,
    GRU: gru,
    MUT1: mut1,
    MUT2: mut2,
    MUT3: mut3,
}


def assert_is_its_equations(layer, x, first, lengths):
    """What a layer traces and returns, time-major in float64, is what the equations say."""
    with torch.no_grad():
        traced, (output, last) = layer.trace(x, first, lengths), layer(x, first, lengths)

    def same(ours, values):
        assert ours.numpy() == pytest.approx(values, rel=1e-10, abs=1e-13)

    for b, length in enumerate(lengths):
        state = [part[b].numpy() for part in first]
        for t in range(length):
            found = EQUATIONS[type(layer.cell)](layer.cell, x[t, b].numpy(), state)
            assert found.keys() == traced.keys()
            for name, values in found.items():
                same(traced[name][t, b], values)
            state = [found[name] for name in layer.cell.states]
            same(output[t, b], state[0])
        for part, values in zip(last, state, strict=True):
            same(part[b], values)
