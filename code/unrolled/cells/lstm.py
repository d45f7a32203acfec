"""The LSTM: a state that is carried on and added to, and gates that say what is added and shown."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor
from torch.nn.functional import linear

from unrolled.cells._derivatives import sigmoid_backward, tanh_backward
from unrolled.core.cell import Cell, State
from unrolled.core.kinds import instance, one_of
from unrolled.core.validate import real


class LSTM(Cell):
    r"""Long short-term memory, as it is used today.

    .. math::
        i_t &= \sigma(W_i x_t + U_i h_{t-1} + b_i) \\
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f) \\
        g_t &= \tanh(W_g x_t + U_g h_{t-1} + b_g) \\
        o_t &= \sigma(W_o x_t + U_o h_{t-1} + b_o) \\
        c_t &= f_t \odot c_{t-1} + i_t \odot g_t \\
        h_t &= o_t \odot \tanh(c_t)

    and backwards, with :math:`\delta y` for :math:`\partial E / \partial y`, :math:`\delta a^i_t`
    and so on for what stands in the brackets, and :math:`\delta a_t` for these stacked,

    .. math::
        \delta c_t &\mathrel{+}= o_t \odot (1 - \tanh^2 c_t) \odot \delta h_t, \qquad
        \delta a^o_t = \sigma' \odot \tanh(c_t) \odot \delta h_t \\
        \delta a^i_t &= \sigma' \odot g_t \odot \delta c_t, \qquad
        \delta a^f_t = \sigma' \odot c_{t-1} \odot \delta c_t, \qquad
        \delta a^g_t = \tanh' \odot i_t \odot \delta c_t \\
        \delta c_{t-1} &= f_t \odot \delta c_t, \qquad \delta h_{t-1} = U^\top \delta a_t

    The cell is ``torch.nn.LSTMCell``: the same names, shapes and order of gates (i, f, g, o), and
    with the same seed the same network, all drawn from :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`.
    ``LSTMVariant`` has the choices that its history made.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Cells :math:`H`, at least 1.
    forget_bias
        First value of the forget gate's bias: one bias has it, the other is zero. Not given: drawn
        like the rest.

    Attributes
    ----------
    gates
        The names of the gates, in the order of their rows.
    weight_ih, weight_hh, bias_ih, bias_hh
        :math:`W` ``(4 * H, I)``, :math:`U` ``(4 * H, H)``, both biases ``(4 * H,)``.

    References
    ----------
    Hochreiter, S. & Schmidhuber, J. (1997). Long short-term memory. Neural Computation 9(8).
    Gers, F., Schmidhuber, J. & Cummins, F. (2000). Learning to forget: continual prediction with
    LSTM. Neural Computation 12(10).
    """

    states = ("h", "c")
    saves = ("i", "f", "g", "o", "tanh c")
    gates = ("i", "f", "g", "o")
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def __init__(
        self, input_size: int, hidden_size: int, *, forget_bias: float | None = None
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.forget_bias = None if forget_bias is None else real("forget_bias", forget_bias)
        rows, h = self.gates, ("h",)
        self.make(weight_ih=(rows, ("x",)), weight_hh=(rows, h), bias_ih=(rows,), bias_hh=(rows,))
        self.set_first_values()

    def set_first_values(self) -> None:
        """Set the forget gate's bias."""
        if self.forget_bias is not None:
            set_gate_bias(self, "f", self.forget_bias)

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b_{ih} + b_{hh}`, ``(..., 4 * H)``."""
        return linear(x, self.weight_ih, self.bias_ih + self.bias_hh)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U`."""
        return (self.weight_hh,)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        r"""Return gates, candidate, :math:`c_t`, :math:`\tanh c_t` and :math:`h_t`."""
        (h, c), (U,) = state, weights
        i, f, g, o = torch.addmm(p, h, U.T).chunk(4, 1)
        i, f, o = torch.sigmoid(i), torch.sigmoid(f), torch.sigmoid(o)
        g = torch.tanh(g)
        c = torch.addcmul(i * g, f, c)  # f * c + i * g, one kernel less
        shown = torch.tanh(c)
        h = o * shown
        return {"i": i, "f": f, "g": g, "o": o, "c": c, "tanh c": shown, "h": h}

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        r"""Return :math:`\delta a_t` and the gradients of the state before the step."""
        (dh, dc), (_, c), (i, f, g, o, shown), (U,) = grad, before, saved, weights
        dc = dc + tanh_backward(dh * o, shown)
        a = torch.cat(
            [
                sigmoid_backward(dc * g, i),
                sigmoid_backward(dc * c, f),
                tanh_backward(dc * i, g),
                sigmoid_backward(dh * shown, o),
            ],
            1,
        )
        return a, (a @ U, dc * f)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta a_t h_{t-1}^\top`."""
        H = self.hidden_size
        return (grad.reshape(-1, 4 * H).T @ states[0][:-1].reshape(-1, H),)


@torch.no_grad()
def set_gate_bias(cell: Cell, gate: str, value: float) -> None:
    """Set the rows of a gate in one bias to a value, in the other to zero."""
    (rows,) = instance("cell", cell, Cell).axes.get("bias_ih", ((),))
    one_of("gate", gate, rows)
    value = real("value", value)
    for name, first in (("bias_ih", value), ("bias_hh", 0.0)):
        cell.get_parameter(name).view(len(rows), -1)[rows.index(gate)] = first
