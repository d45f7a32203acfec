"""The forms that the LSTM had in its history, and those that others tried: a gate more or less."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from types import MappingProxyType
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.functional import layer_norm as normalised
from torch.nn.functional import linear

from unrolled.cells.lstm import set_gate_bias
from unrolled.core.cell import Cell, State
from unrolled.core.kinds import flag, one_of
from unrolled.core.validate import real

_ACTIVATIONS: Mapping[str, Callable[[Tensor], Tensor]] = {
    "tanh": torch.tanh,
    "identity": lambda x: x,
    "tanh(x/2)": lambda x: torch.tanh(x / 2),
    "2 tanh(x/2)": lambda x: 2 * torch.tanh(x / 2),
}

_SWITCHES = (
    *("input_gate", "forget_gate", "output_gate"),
    *("coupled", "peepholes", "gate_recurrence", "layer_norm", "truncated"),
)

_EPSILON = 1e-5  # keeps the layer normalisation of a constant finite

_SQUASHED_1997 = {"input_activation": "2 tanh(x/2)", "output_activation": "tanh(x/2)"}

FORMS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "1997": {"forget_gate": False, "truncated": True, **_SQUASHED_1997},
        "2000": {"truncated": True, **_SQUASHED_1997},
        "torch": {},
        "V": {"peepholes": True},
        "NIG": {"peepholes": True, "input_gate": False},
        "NFG": {"peepholes": True, "forget_gate": False},
        "NOG": {"peepholes": True, "output_gate": False},
        "NIAF": {"peepholes": True, "input_activation": "identity"},
        "NOAF": {"peepholes": True, "output_activation": "identity"},
        "CIFG": {"peepholes": True, "coupled": True},
        "NP": {},
        "FGR": {"peepholes": True, "gate_recurrence": True},
    }
)
"""Options of ``LSTMVariant`` by the name of a form: Hochreiter & Schmidhuber's of 1997, the one
with a forget gate of Gers et al. (2000), torch's, and Greff et al.'s vanilla LSTM with its
variants. In the two old ones blocks of several cells had one set of gates; here each cell has its
own. The gates of 1997 saw the gates of the step before as well: that is ``gate_recurrence``, and
left out here."""


class LSTMVariant(Cell):
    r"""Long short-term memory, with the choices that its history made.

    .. math::
        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i + v_i \odot c_{t-1}) \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f + v_f \odot c_{t-1}) \\
        g_t &= \varphi_g(W_g x_t + U_g h_{t-1} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o + v_o \odot c_t) \\
        h_t &= o_t \odot \varphi_h(c_t)

    The peepholes :math:`v` are there with ``peepholes`` only. By default it computes what ``LSTM``
    does, from the same first values. A gate that is left out has no rows.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Cells :math:`H`, at least 1.
    input_gate, forget_gate, output_gate
        Without it, the gate is 1.
    coupled
        :math:`f_t = 1 - i_t`: one gate less.
    peepholes
        Gates see the cell state, each only its own: input and forget gate the one before the
        step, the output gate the one after it.
    gate_recurrence
        Logistic gates see those of the step before, all of them: a term
        :math:`R\,(i_{t-1}, f_{t-1}, o_{t-1})`, with no f where it is ``coupled``. They join the
        state, after h and c.
    layer_norm
        :math:`\mathrm{LN}(W x_t) + \mathrm{LN}(U h_{t-1}) + b` for all gates together, and
        :math:`\varphi_h(\mathrm{LN}(c_t))`; each with a gain, 1 at first, the last with a bias of
        its own, 0 at first. Peepholes, which see c as it is, and R are added to what is normalised.
    input_activation, output_activation
        :math:`\varphi_g` and :math:`\varphi_h`: ``"tanh"``, ``"identity"``, ``"2 tanh(x/2)"`` or
        ``"tanh(x/2)"``. The last two are 1997's, who write them with the logistic function.
    truncated
        The gradient of 1997: no error goes back to :math:`h_{t-1}`, through a peephole or to the
        gates before. It stays in :math:`c`, where it is carried by :math:`f_t` alone.
    forget_bias
        First value of the forget gate's bias: one bias has it, the other is zero. With
        ``coupled``, the input gate's has its negative. Not given: drawn like the rest.

    Attributes
    ----------
    gates
        The names of the gates that are learned, in the order of their rows, G in all.
    logistic
        Those of them that are not g, K in all.
    states
        h and c, and with ``gate_recurrence`` the logistic gates.
    weight_ih, weight_hh, bias_ih, bias_hh
        :math:`W` ``(G * H, I)``, :math:`U` ``(G * H, H)``, both biases ``(G * H,)``.
    weight_ch
        The peepholes :math:`v`, ``(K * H,)``.
    weight_gg
        :math:`R`, ``(K * H, K * H)``.
    gain_ih, gain_hh, gain_c, bias_c
        Of the layer normalisation: ``(G * H,)`` twice, ``(H,)`` twice.

    Raises
    ------
    ValueError
        If the choices exclude each other, or an activation is not known.

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation 9(8).
    Gers, F., Schmidhuber, J. & Cummins, F. (2000). Learning to forget: continual prediction with
    LSTM. Neural Computation 12(10).
    Gers, F. & Schmidhuber, J. (2000). Recurrent nets that time and count. IJCNN.
    Graves, A. & Schmidhuber, J. (2005). Framewise phoneme classification with bidirectional LSTM
    and other neural network architectures. Neural Networks 18(5-6).
    Ba, J., Kiros, J. & Hinton, G. (2016). Layer normalization. arXiv:1607.06450.
    Greff, K. et al. (2017). LSTM: a search space odyssey. IEEE TNNLS 28(10).
    """

    states: tuple[str, ...] = ("h", "c")
    choices = MappingProxyType(
        {
            "input_gate": (True, False),
            "forget_gate": (True, False),
            "output_gate": (True, False),
            "coupled": (False, True),
            "peepholes": (False, True),
            "gate_recurrence": (False, True),
            "layer_norm": (False, True),
            "input_activation": ("tanh", "identity"),
            "output_activation": ("tanh", "identity"),
            "forget_bias": (None, 1.0),
        }
    )
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor
    gain_ih: Tensor
    gain_hh: Tensor
    gain_c: Tensor
    bias_c: Tensor

    def __init__(
        self,
        input_size: int,
        hidden_size: int,
        *,
        input_gate: bool = True,
        forget_gate: bool = True,
        output_gate: bool = True,
        coupled: bool = False,
        peepholes: bool = False,
        gate_recurrence: bool = False,
        layer_norm: bool = False,
        input_activation: str = "tanh",
        output_activation: str = "tanh",
        truncated: bool = False,
        forget_bias: float | None = None,
    ) -> None:
        super().__init__(input_size, hidden_size)
        given = locals()
        for name in _SWITCHES:
            flag(name, given[name])
        if coupled and not (input_gate and forget_gate):
            raise ValueError(
                f"coupled needs input_gate and forget_gate, got {input_gate=} and {forget_gate=}"
            )
        if forget_bias is not None and not forget_gate:
            raise ValueError(f"forget_bias needs forget_gate, got {forget_bias!r} without it")
        self.coupled, self.peepholes, self.truncated = coupled, peepholes, truncated
        self.gate_recurrence, self.layer_norm = gate_recurrence, layer_norm
        self.mixes_units = layer_norm
        self.input_activation = one_of("input_activation", input_activation, _ACTIVATIONS)
        self.output_activation = one_of("output_activation", output_activation, _ACTIVATIONS)
        has = {"i": input_gate, "f": forget_gate and not coupled, "g": True, "o": output_gate}
        self.gates = tuple(gate for gate, there in has.items() if there)
        self.logistic = tuple(gate for gate in self.gates if gate != "g")
        if not self.logistic and (peepholes or gate_recurrence):
            raise ValueError("peepholes and gate_recurrence need a gate, got none")
        self.states += self.logistic if gate_recurrence else ()
        self.forget_bias = None if forget_bias is None else real("forget_bias", forget_bias)
        self._make_parameters()
        self.set_first_values()

    def _make_parameters(self) -> None:
        rows, opened, h, c = self.gates, self.logistic, ("h",), ("c",)
        self.make(weight_ih=(rows, ("x",)), weight_hh=(rows, h), bias_ih=(rows,), bias_hh=(rows,))
        self._in_step = ["weight_hh"]
        if self.peepholes:
            self.make(weight_ch=(opened,))
            self._in_step += ["weight_ch"]
        if self.gate_recurrence:
            self.make(weight_gg=(opened, opened))
            self._in_step += ["weight_gg"]
        if self.layer_norm:
            self.make(gain_ih=(rows,), gain_hh=(rows,), gain_c=(c,), bias_c=(c,))
            self._in_step += ["gain_hh", "gain_c", "bias_c"]

    def set_first_values(self) -> None:
        """Set the forget gate's bias, and what layer normalisation does at first: nothing more."""
        if self.layer_norm:
            for gain in (self.gain_ih, self.gain_hh, self.gain_c):
                nn.init.ones_(gain)
            nn.init.zeros_(self.bias_c)
        if self.forget_bias is not None:  # where f is 1 - i, the same by i's
            gate, sign = ("i", -1) if self.coupled else ("f", 1)
            set_gate_bias(self, gate, sign * self.forget_bias)

    def extra_repr(self) -> str:
        """Say sizes, gates and every choice of equations that is not the default."""
        on = (f"{name}=True" for name in _SWITCHES if vars(self).get(name))
        said = [f"gates={''.join(self.gates)!r}", *on]
        for name in ("input_activation", "output_activation"):
            if vars(self)[name] != "tanh":
                said.append(f"{name}={vars(self)[name]!r}")
        return ", ".join([str(self.input_size), str(self.hidden_size), *said])

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b_{ih} + b_{hh}`, ``(..., G * H)``."""
        bias = self.bias_ih + self.bias_hh
        if self.layer_norm:
            return _normalise(linear(x, self.weight_ih), self.gain_ih) + bias
        return linear(x, self.weight_ih, bias)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U`, then the peepholes, :math:`R`, gains and bias, where there are any."""
        return tuple([getattr(self, name) for name in self._in_step])

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        r"""Return gates, candidate, :math:`c_t` and :math:`h_t`."""
        w = dict(zip(self._in_step, weights, strict=True))
        c = state[1]
        h_seen, c_seen, *gates_seen = self._seen(*state)
        a = self._by_gate(self.gates, self._sums(p, h_seen, w))
        if gates_seen:
            past = self._by_gate(self.logistic, linear(torch.cat(gates_seen, 1), w["weight_gg"]))
            a |= {gate: a[gate] + past[gate] for gate in past}
        v = self._by_gate(self.logistic, w["weight_ch"][None]) if self.peepholes else {}

        found = {gate: torch.sigmoid(_peep(a, v, gate, c_seen)) for gate in "if" if gate in a}
        if self.coupled:
            found["f"] = 1 - found["i"]
        found["g"] = g = _ACTIVATIONS[self.input_activation](a["g"])
        written = found["i"] * g if "i" in found else g
        c = torch.addcmul(written, found["f"], c) if "f" in found else c + written
        if "o" in a:
            found["o"] = torch.sigmoid(_peep(a, v, "o", *self._seen(c)))
        read = _normalise(c, w["gain_c"]) + w["bias_c"] if self.layer_norm else c
        shown = _ACTIVATIONS[self.output_activation](read)
        return found | {"c": c, "h": found["o"] * shown if "o" in found else shown}

    def _seen(self, *state: Tensor) -> State:
        """Return what of a state the gates see, cut off from its past if the gradient is."""
        return tuple([part.detach() for part in state]) if self.truncated else state

    def _sums(self, p: Tensor, h: Tensor, w: Mapping[str, Tensor]) -> Tensor:
        """Return what gates and candidate squash, but for peepholes and gates before."""
        if self.layer_norm:
            return p + _normalise(linear(h, w["weight_hh"]), w["gain_hh"])
        return torch.addmm(p, h, w["weight_hh"].T)

    @staticmethod
    def _by_gate(gates: tuple[str, ...], rows: Tensor) -> dict[str, Tensor]:
        return dict(zip(gates, rows.chunk(len(gates), 1), strict=True))


def _peep(a: Mapping[str, Tensor], v: Mapping[str, Tensor], gate: str, c: Tensor) -> Tensor:
    return torch.addcmul(a[gate], v[gate], c) if v else a[gate]


def _normalise(x: Tensor, gain: Tensor) -> Tensor:
    """Return ``x`` with mean 0 and variance 1, times a gain."""
    if not x.is_complex():
        return normalised(x, x.shape[-1:], gain, None, _EPSILON)
    from_mean = x - x.mean(-1, keepdim=True)  # what torch lacks for the complex step
    return gain * from_mean * (from_mean.square().mean(-1, keepdim=True) + _EPSILON).rsqrt()
