"""Three gated cells that a search found: MUT1, MUT2 and MUT3."""

from __future__ import annotations

import torch
from torch import Tensor
from torch.nn.functional import linear

from unrolled.core.cell import Cell, State


class MUT1(Cell):
    r"""The first of three cells that a search found: the update gate sees the input only.

    .. math::
        e_t &= W_e x_t \\
        r_t &= \sigma(W_r e_t + U_r h_{t-1} + b_r) \\
        z_t &= \sigma(W_z e_t + b_z) \\
        n_t &= \tanh(U_n (r_t \odot h_{t-1}) + \tanh(e_t) + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t

    The paper writes :math:`x_t` for :math:`e_t`, in :math:`\tanh(x_t)` too, which needs inputs of
    H features. Here a learned linear map brings inputs of any size to H, and all else sees them
    through it: with :math:`W_e` the identity, the paper's equations. (RecurrentLayers.jl has
    :math:`\tanh(W x_t)` there instead, and leaves the other terms :math:`x_t` itself.)

    All parameters are drawn from :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`, as torch draws its own.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    Attributes
    ----------
    weight_ie
        :math:`W_e` of shape ``(H, I)``.
    weight_ih
        :math:`W_r, W_z`, together ``(2 * H, H)``.
    weight_hh
        :math:`U_r, U_n`, together ``(2 * H, H)``.
    bias_ih
        :math:`b_r, b_z, b_n`, together ``(3 * H,)``.

    References
    ----------
    Jozefowicz, R., Zaremba, W. & Sutskever, I. (2015). An empirical exploration of recurrent
    network architectures. ICML.
    """

    gates = ("r", "z", "n")
    weight_ie: Tensor
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        e, h = ("e",), ("h",)
        self.make(
            weight_ie=(e, ("x",)),
            weight_ih=(("r", "z"), e),
            weight_hh=(("r", "n"), h),
            bias_ih=(self.gates,),
        )

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs to :math:`W_r e, W_z e, \tanh(e)` with their biases, ``(..., 3 * H)``."""
        e = linear(x, self.weight_ie)
        return torch.cat([linear(e, self.weight_ih), torch.tanh(e)], -1) + self.bias_ih

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_r` and :math:`U_n`."""
        return self.weight_hh.chunk(2)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return gates, candidate and :math:`h_t`."""
        (h,), (U_r, U_n), (p_r, p_z, p_n) = state, weights, p.chunk(3, 1)
        r = torch.sigmoid(torch.addmm(p_r, h, U_r.T))
        z = torch.sigmoid(p_z)
        n = torch.tanh(torch.addmm(p_n, r * h, U_n.T))
        return {"r": r, "z": z, "n": n, "h": torch.lerp(h, n, z)}


class MUT2(Cell):
    r"""The second of the search's cells: the reset gate takes the input as it is.

    .. math::
        e_t &= W_e x_t \\
        r_t &= \sigma(e_t + U_r h_{t-1} + b_r) \\
        z_t &= \sigma(W_z e_t + U_z h_{t-1} + b_z) \\
        n_t &= \tanh(W_n e_t + U_n (r_t \odot h_{t-1}) + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t

    The paper writes :math:`x_t` for :math:`e_t`, which needs inputs of H features; with
    :math:`W_e` the identity, its equations. What ``MUT1`` says of the learned linear map
    :math:`W_e` and of first values holds here too. (RecurrentLayers.jl has
    :math:`W x_t` in the reset gate alone, which makes its MUT2 a GRU.)

    It is ``GRU(reset="before", update="write")`` with input weights :math:`W_e, W_z W_e, W_n W_e`:
    what it can compute, that GRU can. What differs is the way there, for the three share
    :math:`W_e`; and where H is less than I, all that the cell sees of an input is H numbers.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    Attributes
    ----------
    weight_ie
        :math:`W_e` of shape ``(H, I)``.
    weight_ih
        :math:`W_z, W_n`, together ``(2 * H, H)``.
    weight_hh
        :math:`U_r, U_z, U_n`, together ``(3 * H, H)``.
    bias_ih
        :math:`b_r, b_z, b_n`, together ``(3 * H,)``.

    References
    ----------
    Jozefowicz, R., Zaremba, W. & Sutskever, I. (2015). An empirical exploration of recurrent
    network architectures. ICML.
    """

    gates = ("r", "z", "n")
    weight_ie: Tensor
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        e, h = ("e",), ("h",)
        self.make(
            weight_ie=(e, ("x",)),
            weight_ih=(("z", "n"), e),
            weight_hh=(self.gates, h),
            bias_ih=(self.gates,),
        )

    def project(self, x: Tensor) -> Tensor:
        """Map inputs to :math:`e, W_z e, W_n e` with their biases, ``(..., 3 * H)``."""
        e = linear(x, self.weight_ie)
        return torch.cat([e, linear(e, self.weight_ih)], -1) + self.bias_ih

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_r`, :math:`U_z` and :math:`U_n`."""
        return self.weight_hh.chunk(3)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return gates, candidate and :math:`h_t`."""
        (h,), (U_r, U_z, U_n), (p_r, p_z, p_n) = state, weights, p.chunk(3, 1)
        r = torch.sigmoid(torch.addmm(p_r, h, U_r.T))
        z = torch.sigmoid(torch.addmm(p_z, h, U_z.T))
        n = torch.tanh(torch.addmm(p_n, r * h, U_n.T))
        return {"r": r, "z": z, "n": n, "h": torch.lerp(h, n, z)}


class MUT3(Cell):
    r"""The third of the search's cells: the update gate sees the state squashed.

    .. math::
        r_t &= \sigma(W_r x_t + U_r h_{t-1} + b_r) \\
        z_t &= \sigma(W_z x_t + U_z \tanh(h_{t-1}) + b_z) \\
        n_t &= \tanh(W_n x_t + U_n (r_t \odot h_{t-1}) + b_n) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t

    First values as in ``MUT1``.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih
        :math:`W` of shape ``(3 * H, I)``, :math:`U` of shape ``(3 * H, H)``, ``(3 * H,)``; rows
        r, z, n.

    References
    ----------
    Jozefowicz, R., Zaremba, W. & Sutskever, I. (2015). An empirical exploration of recurrent
    network architectures. ICML.
    """

    gates = ("r", "z", "n")
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        rows = self.gates
        self.make(weight_ih=(rows, ("x",)), weight_hh=(rows, ("h",)), bias_ih=(rows,))

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b`, ``(..., 3 * H)``."""
        return linear(x, self.weight_ih, self.bias_ih)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_r, U_z` and :math:`U_n`."""
        return self.weight_hh.chunk(3)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return gates, candidate and :math:`h_t`."""
        (h,), (U_r, U_z, U_n), (p_r, p_z, p_n) = state, weights, p.chunk(3, 1)
        r = torch.sigmoid(torch.addmm(p_r, h, U_r.T))
        z = torch.sigmoid(torch.addmm(p_z, torch.tanh(h), U_z.T))
        n = torch.tanh(torch.addmm(p_n, r * h, U_n.T))
        return {"r": r, "z": z, "n": n, "h": torch.lerp(h, n, z)}
