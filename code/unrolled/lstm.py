"""The LSTM: a state that is carried on and added to, and gates that say what is added and shown."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from types import MappingProxyType
from typing import Any, NamedTuple

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from unrolled._validate import real
from unrolled.recurrent import Cell, State


class _Activation(NamedTuple):
    """A squashing function, and the gradient by its argument, from that by its value and it."""

    forward: Callable[[Tensor], Tensor]
    backward: Callable[[Tensor, Tensor], Tensor]


# grad * (1 - y²) and grad * y * (1 - y), one kernel each
tanh_backward: Callable[[Tensor, Tensor], Tensor] = torch.ops.aten.tanh_backward.default
sigmoid_backward: Callable[[Tensor, Tensor], Tensor] = torch.ops.aten.sigmoid_backward.default

_ACTIVATIONS = {
    "tanh": _Activation(torch.tanh, tanh_backward),
    "identity": _Activation(lambda x: x, lambda grad, y: grad),
    "tanh(x/2)": _Activation(lambda x: torch.tanh(x / 2), lambda dy, y: tanh_backward(dy, y) / 2),
    "2 tanh(x/2)": _Activation(
        lambda x: 2 * torch.tanh(x / 2), lambda dy, y: tanh_backward(dy, y / 2)
    ),
}

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
"""Options of ``LSTM`` by the name of a form: Hochreiter & Schmidhuber's of 1997, the one with a
forget gate of Gers et al. (2000), torch's, and Greff et al.'s vanilla LSTM with its variants. In
the two old ones blocks of several cells had one set of gates; here each cell has its own. The gates
of 1997 saw the gates of the step before as well: that is ``gate_recurrence``, and left out here."""


class LSTM(Cell):
    r"""Long short-term memory, with the choices that its history made.

    .. math::
        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i + v_i \odot c_{t-1}) \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f + v_f \odot c_{t-1}) \\
        g_t &= \varphi_g(W_g x_t + U_g h_{t-1} + b_g) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o + v_o \odot c_t) \\
        h_t &= o_t \odot \varphi_h(c_t)

    and backwards, for independent gates without ``gate_recurrence`` and ``layer_norm``, with
    :math:`\delta y` for :math:`\partial E / \partial y`, :math:`\delta a^i_t`
    and so on for what stands in the brackets, and :math:`\delta a_t` for these stacked,

    .. math::
        \delta a^o_t &= \sigma' \odot \varphi_h(c_t) \odot \delta h_t, \qquad
        \delta c_t \mathrel{+}= o_t \odot \varphi_h' \odot \delta h_t + v_o \odot \delta a^o_t \\
        \delta a^i_t &= \sigma' \odot g_t \odot \delta c_t, \qquad
        \delta a^f_t = \sigma' \odot c_{t-1} \odot \delta c_t, \qquad
        \delta a^g_t = \varphi_g' \odot i_t \odot \delta c_t \\
        \delta c_{t-1} &= f_t \odot \delta c_t + v_i \odot \delta a^i_t + v_f \odot \delta a^f_t,
        \qquad \delta h_{t-1} = U^\top \delta a_t

    The peepholes :math:`v` are there with ``peepholes`` only. By default the cell is
    ``torch.nn.LSTMCell``: the same names, shapes and order of gates (i, f, g, o), and with the
    same seed the same network, all drawn from :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`. A gate
    that is left out has no rows.

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
        if coupled and not (input_gate and forget_gate):
            raise ValueError(
                f"coupled needs input_gate and forget_gate, got {input_gate=} and {forget_gate=}"
            )
        if forget_bias is not None and not forget_gate:
            raise ValueError(f"forget_bias needs forget_gate, got {forget_bias!r} without it")
        self.coupled, self.peepholes, self.truncated = coupled, peepholes, truncated
        self.gate_recurrence, self.layer_norm = gate_recurrence, layer_norm
        self.input_activation = _known("input_activation", input_activation)
        self.output_activation = _known("output_activation", output_activation)
        has = {"i": input_gate, "f": forget_gate and not coupled, "g": True, "o": output_gate}
        self.gates = tuple(gate for gate, there in has.items() if there)
        self.logistic = tuple(gate for gate in self.gates if gate != "g")
        if not self.logistic and (peepholes or gate_recurrence):
            raise ValueError("peepholes and gate_recurrence need a gate, got none")
        self.states = 2 + (len(self.logistic) if gate_recurrence else 0)
        self._make_parameters()
        if forget_bias is not None:
            self._set_forget_bias(real("forget_bias", forget_bias))

    def _make_parameters(self) -> None:
        H = self.hidden_size
        rows, peeps = len(self.gates) * H, len(self.logistic) * H
        self.weight_ih = nn.Parameter(torch.empty(rows, self.input_size))
        self.weight_hh = nn.Parameter(torch.empty(rows, H))
        self.bias_ih = nn.Parameter(torch.empty(rows))
        self.bias_hh = nn.Parameter(torch.empty(rows))
        if self.peepholes:
            self.weight_ch = nn.Parameter(torch.empty(peeps))
        if self.gate_recurrence:
            self.weight_gg = nn.Parameter(torch.empty(peeps, peeps))
        for parameter in self.parameters():
            nn.init.uniform_(parameter, -(H**-0.5), H**-0.5)
        if self.layer_norm:
            self.gain_ih = nn.Parameter(torch.ones(rows))
            self.gain_hh = nn.Parameter(torch.ones(rows))
            self.gain_c = nn.Parameter(torch.ones(H))
            self.bias_c = nn.Parameter(torch.zeros(H))
        used = {
            "weight_hh": True,
            "weight_ch": self.peepholes,
            "weight_gg": self.gate_recurrence,
            "gain_hh": self.layer_norm,
            "gain_c": self.layer_norm,
        }
        self._in_step = tuple(name for name, there in used.items() if there)

    @torch.no_grad()
    def _set_forget_bias(self, value: float) -> None:
        gate, value = ("i", -value) if self.coupled else ("f", value)
        for bias, first in ((self.bias_ih, value), (self.bias_hh, 0.0)):
            bias.view(len(self.gates), -1)[self.gates.index(gate)] = first

    def extra_repr(self) -> str:
        """Say sizes, gates and every choice of equations that is not the default."""
        choices = ("coupled", "peepholes", "gate_recurrence", "layer_norm", "truncated")
        said = [f"gates={''.join(self.gates)!r}", *(f"{c}=True" for c in choices if vars(self)[c])]
        for name in ("input_activation", "output_activation"):
            if vars(self)[name] != "tanh":
                said.append(f"{name}={vars(self)[name]!r}")
        return ", ".join([str(self.input_size), str(self.hidden_size), *said])

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b_{ih} + b_{hh}`, ``(..., G * H)``.

        With layer normalisation, H more: the bias of the normalised cell state, which is added
        before an activation like the others.
        """
        bias = self.bias_ih + self.bias_hh
        if not self.layer_norm:
            return linear(x, self.weight_ih, bias)
        normed, _, _ = _normalise(linear(x, self.weight_ih), self.gain_ih)
        return torch.cat([normed + bias, self.bias_c.expand(*x.shape[:-1], -1)], -1)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U`, then the peepholes, :math:`R` and the gains, where there are any."""
        return tuple(getattr(self, name) for name in self._in_step)

    def step(self, projected: Tensor, state: State, *weights: Tensor) -> State:
        r"""Return :math:`h_t` and :math:`c_t`, and the gates with ``gate_recurrence``."""
        return self.step_forward(projected, state, *weights)[0]

    def step_forward(
        self, projected: Tensor, state: State, *weights: Tensor
    ) -> tuple[State, tuple[Tensor, ...]]:
        r"""Return the state after the step; save the gates and :math:`\varphi_h(c_t)`."""
        w = dict(zip(self._in_step, weights, strict=True))
        c = state[1]
        h_seen, c_seen, *gates_seen = self._seen(*state)
        a, bias_c, norms = self._preactivations(projected, h_seen, w)
        v = self._peepholes(w)
        if gates_seen:
            a = _add(a, self._by_gate(linear(torch.cat(gates_seen, 1), w["weight_gg"])))
        made = {gate: torch.sigmoid(_peep(a, v, gate, c_seen)) for gate in "if" if gate in a}
        g = _ACTIVATIONS[self.input_activation].forward(a["g"])
        written = made["i"] * g if "i" in made else g
        kept = self._forget(made)
        c = c + written if kept is None else torch.addcmul(written, kept, c)
        if "o" in a:
            made["o"] = torch.sigmoid(_peep(a, v, "o", *self._seen(c)))
        read = c
        if bias_c is not None:
            normed, mean, scale = _normalise(c, w["gain_c"])
            gains = w["gain_hh"], w["gain_c"]  # for weight_backward, which is not given them
            read, norms = normed + bias_c, (*norms, mean, scale, *gains)
        shown = _ACTIVATIONS[self.output_activation].forward(read)
        h = made["o"] * shown if "o" in made else shown
        opened = tuple(made[gate] for gate in self.logistic)
        after = (h, c, *opened) if self.gate_recurrence else (h, c)
        return after, (shown, g, *opened, *norms)

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        r"""Return :math:`\delta a_t` and the gradients of the state before the step."""
        w = dict(zip(self._in_step, weights, strict=True))
        v = self._peepholes(w)
        (dh, dc, *d_gates), c = grad, before[1]
        shown, g, *rest = saved
        made = dict(zip(self.logistic, rest, strict=False))
        norms = rest[len(made) :]
        d_made = dict(zip(self.logistic, d_gates, strict=False))  # from the gates of the next step
        da = {}

        d_read = dh * made["o"] if "o" in made else dh
        d_read = _ACTIVATIONS[self.output_activation].backward(d_read, shown)
        from_read = d_read
        if self.layer_norm:
            from_read = _normalise_backward(d_read, after[1], norms[3:5], w["gain_c"])[0]
        dc = dc + from_read
        if "o" in made:
            do = torch.addcmul(d_made["o"], dh, shown) if d_made else dh * shown
            da["o"] = sigmoid_backward(do, made["o"])
            if v and not self.truncated:
                dc = torch.addcmul(dc, da["o"], v["o"])

        if "f" in made:
            df = torch.addcmul(d_made["f"], dc, c) if d_made else dc * c
            da["f"] = sigmoid_backward(df, made["f"])
        dg = dc
        if "i" in made:
            di = dc * (g - c if self.coupled else g)
            da["i"] = sigmoid_backward(di + d_made["i"] if d_made else di, made["i"])
            dg = dc * made["i"]
        da["g"] = _ACTIVATIONS[self.input_activation].backward(dg, g)

        kept = self._forget(made)
        dc = dc if kept is None else dc * kept
        a = torch.cat([da[gate] for gate in self.gates], 1)
        whole = torch.cat([a, d_read], 1) if self.layer_norm else a
        if self.truncated:
            return whole, (torch.zeros_like(dh), dc, *map(torch.zeros_like, d_gates))
        for gate in (gate for gate in "if" if gate in v):
            dc = torch.addcmul(dc, da[gate], v[gate])
        if self.layer_norm:
            a = _normalise_backward(a, norms[0], norms[1:3], w["gain_hh"])[0]
        d_before = [a @ w["weight_hh"], dc]
        if d_gates:
            d_past = torch.cat([da[gate] for gate in self.logistic], 1) @ w["weight_gg"]
            d_before += d_past.chunk(len(self.logistic), 1)
        return whole, tuple(d_before)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta a_t h_{t-1}^\top`, and the like for the other weights."""
        rows = len(self.gates) * self.hidden_size
        h, (c, c_after) = states[0][:-1].flatten(0, 1), (states[1][:-1], states[1][1:])
        a = grad[..., :rows].flatten(0, 1)
        da = dict(zip(self.gates, grad[..., :rows].chunk(len(self.gates), -1), strict=True))
        found, du = {}, a
        if self.layer_norm:
            every = list(zip(*saved, strict=True))[-7:]
            gain_hh, gain_c = (parts[0] for parts in every[5:])
            u, *norm = (torch.cat(parts) for parts in every[:3])
            du, found["gain_hh"] = _normalise_backward(a, u, norm, gain_hh)
            d_read = grad[..., rows:].flatten(0, 1)
            norm = [torch.cat(parts) for parts in every[3:5]]
            c_read = c_after.flatten(0, 1)
            found["gain_c"] = _normalise_backward(d_read, c_read, norm, gain_c)[1]
        found["weight_hh"] = du.T @ h
        if self.peepholes:
            seen = {"i": c, "f": c, "o": c_after}
            sums = [(da[gate] * seen[gate]).sum((0, 1)) for gate in self.logistic]
            found["weight_ch"] = torch.cat(sums)
        if self.gate_recurrence:
            past = torch.cat([part[:-1] for part in states[2:]], -1).flatten(0, 1)
            of_gates = torch.cat([da[gate] for gate in self.logistic], -1).flatten(0, 1)
            found["weight_gg"] = of_gates.T @ past
        return tuple(found[name] for name in self._in_step)

    def _seen(self, *state: Tensor) -> State:
        """Return what of a state the gates see, cut off from its past if the gradient is."""
        return tuple(part.detach() for part in state) if self.truncated else state

    def _preactivations(
        self, projected: Tensor, h: Tensor, w: Mapping[str, Tensor]
    ) -> tuple[dict[str, Tensor], Tensor | None, tuple[Tensor, ...]]:
        """Return what each gate squashes, the bias of the normalised c, what normalising saves."""
        if not self.layer_norm:
            a = torch.addmm(projected, h, w["weight_hh"].T)
            return dict(zip(self.gates, a.chunk(len(self.gates), 1), strict=True)), None, ()
        *parts, bias_c = projected.chunk(len(self.gates) + 1, 1)
        u = linear(h, w["weight_hh"])
        normed, mean, scale = _normalise(u, w["gain_hh"])
        added = normed.chunk(len(self.gates), 1)
        sums = [p + n for p, n in zip(parts, added, strict=True)]
        return dict(zip(self.gates, sums, strict=True)), bias_c, (u, mean, scale)

    def _peepholes(self, w: Mapping[str, Tensor]) -> dict[str, Tensor]:
        return self._by_gate(w["weight_ch"][None]) if self.peepholes else {}

    def _by_gate(self, rows: Tensor) -> dict[str, Tensor]:
        return dict(zip(self.logistic, rows.chunk(len(self.logistic), 1), strict=True))

    def _forget(self, made: Mapping[str, Tensor]) -> Tensor | None:
        """Return the forget gate, or None where it is 1."""
        return 1 - made["i"] if self.coupled else made.get("f")


def _known(name: str, activation: str) -> str:
    if activation not in _ACTIVATIONS:
        raise ValueError(f"{name} must be one of {', '.join(_ACTIVATIONS)}, got {activation!r}")
    return activation


def _add(a: Mapping[str, Tensor], b: Mapping[str, Tensor]) -> dict[str, Tensor]:
    return {gate: part + b[gate] if gate in b else part for gate, part in a.items()}


def _peep(a: Mapping[str, Tensor], v: Mapping[str, Tensor], gate: str, c: Tensor) -> Tensor:
    return torch.addcmul(a[gate], v[gate], c) if v else a[gate]


def _normalise(x: Tensor, gain: Tensor) -> tuple[Tensor, Tensor, Tensor]:
    """Return ``x`` with mean 0 and variance 1 times a gain, and the mean and 1 / deviation."""
    if not x.is_complex():
        return torch.native_layer_norm(x, [x.shape[-1]], gain, None, _EPSILON)
    mean = x.mean(-1, keepdim=True)  # what torch lacks for the complex step
    scale = ((x - mean).square().mean(-1, keepdim=True) + _EPSILON).rsqrt()
    return gain * (x - mean) * scale, mean, scale


def _normalise_backward(
    grad: Tensor, x: Tensor, norm: Sequence[Tensor], gain: Tensor
) -> tuple[Tensor, Tensor]:
    """Return the gradients of ``x`` and of the gain, from the mean and 1 / deviation."""
    wanted = [True, True, False]
    dx, d_gain, _ = torch.ops.aten.native_layer_norm_backward(
        grad, x, [x.shape[-1]], *norm, gain, None, wanted
    )
    return dx, d_gain
