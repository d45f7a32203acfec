"""The gated recurrent unit, in the four forms that go by this name."""

from __future__ import annotations

from collections.abc import Sequence
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import linear

from unrolled.cells._derivatives import sigmoid_backward, tanh_backward
from unrolled.core.cell import Cell, State
from unrolled.core.kinds import one_of


class GRU(Cell):
    r"""The gated recurrent unit, in each of the forms that go by this name.

    .. math::
        r_t &= \sigma(W_r x_t + b_{ir} + U_r h_{t-1} + b_{hr}) \\
        z_t &= \sigma(W_z x_t + b_{iz} + U_z h_{t-1} + b_{hz}) \\
        n_t &= \tanh(W_n x_t + b_{in} + r_t \odot (U_n h_{t-1} + b_{hn}))
        \quad\text{(reset after the product), or} \\
        n_t &= \tanh(W_n x_t + b_{in} + U_n (r_t \odot h_{t-1}) + b_{hn})
        \quad\text{(before)} \\
        h_t &= z_t \odot h_{t-1} + (1 - z_t) \odot n_t
        \quad\text{(z keeps), or} \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t \quad\text{(z writes)}

    =====================================  ==========  ==========
    where                                  ``reset``   ``update``
    =====================================  ==========  ==========
    Cho et al. (2014), the encoder         before      keep
    Chung et al. (2014)                    before      write
    ``torch.nn.GRU``, cuDNN                after       keep
    =====================================  ==========  ==========

    The two readings of z are one network: the sign of all that goes into z turns one into the
    other. A bias of z that means "remember" has opposite signs, though. With the same weights, the
    two places of the reset gate are different networks unless :math:`b_{hn}` is 0 and :math:`U_n`
    is diagonal or r the same number in every unit. After the product, one product serves all three
    gates.

    Backwards, with :math:`\delta y` for :math:`\partial E / \partial y`, :math:`a` for what a gate
    or the candidate squashes, and "keep" and "after",

    .. math::
        \delta a^n_t &= \delta h_t \odot (1 - z_t) \odot (1 - n_t^2), \qquad
        \delta a^z_t = \delta h_t \odot (h_{t-1} - n_t) \odot z_t \odot (1 - z_t) \\
        \delta a^r_t &= \delta a^n_t \odot (U_n h_{t-1} + b_{hn}) \odot r_t \odot (1 - r_t) \\
        \delta h_{t-1} &= \delta h_t \odot z_t + U_r^\top \delta a^r_t + U_z^\top \delta a^z_t
        + U_n^\top (r_t \odot \delta a^n_t)

    while before the product :math:`\delta v = U_n^\top \delta a^n_t` goes to both factors:
    :math:`\delta a^r_t = \delta v \odot h_{t-1} \odot r_t \odot (1 - r_t)`, and
    :math:`\delta v \odot r_t` to :math:`h_{t-1}`.

    Names, shapes, order of gates (r, z, n) and first values of the parameters are those of
    ``torch.nn.GRUCell``: with the same seed and the defaults, the same network. All are drawn from
    :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`. ``from_torch`` compares names and shapes, which are
    those of every form: torch's weights mean what they did with the defaults only.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.
    reset
        Where the reset gate acts: ``"after"`` the product with :math:`U_n` or ``"before"`` it.
    update
        What an open update gate does: ``"keep"`` the state or ``"write"`` the candidate.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh
        :math:`W` of shape ``(3 * H, I)``, :math:`U` of shape ``(3 * H, H)``, both biases
        ``(3 * H,)``.

    References
    ----------
    Cho, K. et al. (2014). Learning phrase representations using RNN encoder-decoder for
    statistical machine translation. EMNLP. arXiv:1406.1078.
    Chung, J., Gulcehre, C., Cho, K. & Bengio, Y. (2014). Empirical evaluation of gated recurrent
    neural networks on sequence modeling. arXiv:1412.3555.
    """

    saves = ("r", "z", "n", "u")
    gates = ("r", "z", "n")
    choices = MappingProxyType({"reset": ("after", "before")})  # both readings of z are one network
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def __init__(
        self, input_size: int, hidden_size: int, *, reset: str = "after", update: str = "keep"
    ) -> None:
        super().__init__(input_size, hidden_size)
        self.reset = one_of("reset", reset, self.choices["reset"])
        self.update = one_of("update", update, ("keep", "write"))
        rows, h = self.gates, ("h",)
        self.make(weight_ih=(rows, ("x",)), weight_hh=(rows, h), bias_ih=(rows,), bias_hh=(rows,))

    def extra_repr(self) -> str:
        """Say sizes and both conventions."""
        sizes = f"{self.input_size}, {self.hidden_size}"
        return f"{sizes}, reset={self.reset!r}, update={self.update!r}"

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x` and all biases that r does not touch."""
        b_rz, b_n = _split(self.bias_hh)
        b_n = b_n if self.reset == "before" else torch.zeros_like(b_n)
        return linear(x, self.weight_ih, self.bias_ih + torch.cat([b_rz, b_n]))

    def weights(self) -> tuple[Tensor, ...]:
        r"""Return :math:`U_{rz}` and :math:`U_n`; with reset after, :math:`b_{hn}` too."""
        U = _split(self.weight_hh)
        return (*U, _split(self.bias_hh)[1]) if self.reset == "after" else U

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        """Return gates, candidate, what its product with U gave (u) and :math:`h_t`."""
        (h,), (U_rz, U_n, *b_n) = state, weights
        p_rz, p_n = _split(p, 1)
        r, z = torch.sigmoid(torch.addmm(p_rz, h, U_rz.T)).chunk(2, 1)
        if self.reset == "after":
            u = torch.addmm(b_n[0], h, U_n.T)
            n = torch.tanh(torch.addcmul(p_n, r, u))
        else:
            u = r * h
            n = torch.tanh(torch.addmm(p_n, u, U_n.T))
        return {"r": r, "z": z, "n": n, "u": u, "h": _mixed(h, n, z, self.update)}

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        r"""Return :math:`\delta a_t` and :math:`\delta h_{t-1}`."""
        (h,), (r, z, n, u), (U_rz, U_n, *_) = before, saved, weights
        through = grad[0] * z
        if self.update == "keep":
            dh, dn, dz = through, grad[0] - through, grad[0] * (h - n)
        else:
            dh, dn, dz = grad[0] - through, through, grad[0] * (n - h)
        a_n = tanh_backward(dn, n)
        if self.reset == "after":
            dr, dh = a_n * u, torch.addmm(dh, a_n * r, U_n)
        else:
            d_rh = a_n @ U_n
            dr, dh = d_rh * h, torch.addcmul(dh, d_rh, r)
        a = torch.cat([sigmoid_backward(dr, r), sigmoid_backward(dz, z), a_n], 1)
        return a, (torch.addmm(dh, _split(a, 1)[0], U_rz),)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta a_t h_{t-1}^\top`, for n as r reaches it."""
        H = self.hidden_size
        h = states[0][:-1].reshape(-1, H)
        a_rz, a_n = _split(grad.reshape(-1, 3 * H), 1)
        if self.reset == "before":
            return a_rz.T @ h, a_n.T @ torch.cat([u for *_, u in saved])
        d_u = torch.cat([r for r, *_ in saved]) * a_n
        return a_rz.T @ h, d_u.T @ h, d_u.sum(0)


def _mixed(h: Tensor, n: Tensor, z: Tensor, update: str) -> Tensor:
    """Return the state that the update gate mixes of the old one and the candidate."""
    return torch.lerp(h, n, z) if update == "write" else torch.lerp(n, h, z)


def _split(stacked: Tensor, dim: int = 0) -> tuple[Tensor, ...]:
    """Part what belongs to the gates r and z from what belongs to the candidate."""
    size = stacked.shape[dim] // 3
    return torch.split_with_sizes(stacked, (2 * size, size), dim)
