"""The minimal gated unit: a forget gate, and nothing else."""

from __future__ import annotations

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from unrolled.core.cell import Cell, State


class MGU(Cell):
    r"""The minimal gated unit: one gate keeps, writes and resets.

    .. math::
        f_t &= \sigma(W_f x_t + U_f h_{t-1} + b_f) \\
        n_t &= \tanh(W_n x_t + U_n (f_t \odot h_{t-1}) + b_n) \\
        h_t &= (1 - f_t) \odot h_{t-1} + f_t \odot n_t

    It is the GRU whose reset gate is its update gate, before the product. An open gate writes, as
    in the paper. First values are drawn as torch draws a GRU's; the gate's bias is -1, which keeps,
    as a forget bias of 1 does in an LSTM.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    References
    ----------
    Zhou, G.-B., Wu, J., Zhang, C.-L. & Zhou, Z.-H. (2016). Minimal gated unit for recurrent neural
    networks. International Journal of Automation and Computing 13(3).
    """

    gates = ("f", "n")
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        rows = self.gates
        self.make(weight_ih=(rows, ("x",)), weight_hh=(rows, ("h",)), bias_ih=(rows,))
        self.set_first_values()

    def set_first_values(self) -> None:
        """Let the gate keep at first."""
        nn.init.constant_(self.bias_ih.data[: self.hidden_size], -1.0)

    def project(self, x: Tensor) -> Tensor:
        """Map inputs ``(..., I)`` to :math:`W x + b`, ``(..., 2 * H)``."""
        return linear(x, self.weight_ih, self.bias_ih)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_f` and :math:`U_n`."""
        return self.weight_hh.chunk(2)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return gate, candidate and :math:`h_t`."""
        (h,), (U_f, U_n), (p_f, p_n) = state, weights, p.chunk(2, 1)
        f = torch.sigmoid(torch.addmm(p_f, h, U_f.T))
        n = torch.tanh(torch.addmm(p_n, f * h, U_n.T))
        return {"f": f, "n": n, "h": torch.lerp(h, n, f)}
