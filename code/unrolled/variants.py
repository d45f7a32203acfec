"""Gated cells with one state: the GRU, and the three that a search found (MUT1, MUT2, MUT3)."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import linear

from unrolled.lstm import sigmoid_backward, tanh_backward
from unrolled.recurrent import Cell, State


class _ResetBefore(Cell):
    r"""A gated step whose reset gate acts on the state before the recurrent product.

    .. math::
        n_t &= \tanh(p_n + U_n (r_t \odot h_{t-1})) \\
        h_t &= (1 - z_t) \odot h_{t-1} + z_t \odot n_t
        \quad\text{(write), or}\quad z_t \odot h_{t-1} + (1 - z_t) \odot n_t \quad\text{(keep)}

    Projections are stacked r, z, n. Cells differ in how the gates see the state; the three methods
    ``_gates...`` say so, here :math:`(r, z) = \sigma(p_{rz} + U_{rz} h)`. Of ``weights``, the
    candidate's come last.
    """

    gates: tuple[str, ...] = ("r", "z", "n")  # in the order of the projection
    update = "write"
    weight_ie: Tensor
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def _make_parameters(self, shapes: dict[str, tuple[int, ...]]) -> None:
        """Draw every parameter as torch does, in this order."""
        bound = self.hidden_size**-0.5
        for name, shape in shapes.items():
            self.register_parameter(name, nn.Parameter(torch.empty(shape).uniform_(-bound, bound)))

    def extra_repr(self) -> str:
        """Say the sizes."""
        return f"{self.input_size}, {self.hidden_size}"

    def step(self, projected: Tensor, state: State, *weights: Tensor) -> State:
        """Return :math:`h_t`."""
        return self.step_forward(projected, state, *weights)[0]

    def step_forward(
        self, projected: Tensor, state: State, *weights: Tensor
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Return :math:`h_t`; save both gates and the candidate."""
        (h,), (*U, U_n) = state, weights
        p_rz, p_n = self._split(projected)
        rz = torch.sigmoid(self._gates(p_rz, h, *U))
        r, z = rz.chunk(2, 1)
        n = torch.tanh(torch.addmm(p_n, r * h, U_n.T))
        return (self._mix(h, n, z),), (r, z, n)

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        """Return the gradients of the projections and of :math:`h_{t-1}`."""
        (h,), (r, z, n), (*U, U_n) = before, saved, weights
        dh, dn, dz = self._mix_backward(grad[0], h, n, z)
        a_n = tanh_backward(dn, n)
        d_rh = a_n @ U_n
        a = torch.cat([sigmoid_backward(d_rh * h, r), sigmoid_backward(dz, z), a_n], 1)
        dh = torch.addcmul(dh, d_rh, r)
        return a, (self._gates_backward(dh, self._split(a)[0], h, *U),)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta_t h_{t-1}^\top`, for n with :math:`r_t \odot h_{t-1}`."""
        h = states[0][:-1].flatten(0, 1)
        a_rz, a_n = self._split(grad.flatten(0, 1))
        rh = torch.cat([keep[0] for keep in saved]).mul_(h)  # in place: one large tensor less
        return *self._gates_weight_backward(a_rz, h), a_n.T @ rh

    def _gates(self, p_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        """Return what both gates squash, ``(B, 2 * H)``."""
        (U_rz,) = U
        return torch.addmm(p_rz, h, U_rz.T)

    def _gates_backward(self, dh: Tensor, a_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        """Add to the gradient of ``h`` what comes through the gates."""
        (U_rz,) = U
        return torch.addmm(dh, a_rz, U_rz)

    def _gates_weight_backward(self, a_rz: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        """Return the gradients of the gates' weights, from ``(T * B, ...)``."""
        return (a_rz.T @ h,)

    def _split(self, stacked: Tensor, dim: int = 1) -> tuple[Tensor, ...]:
        """Part what belongs to the gates from what belongs to the candidate."""
        return torch.split_with_sizes(stacked, (2 * self.hidden_size, self.hidden_size), dim)

    def _mix(self, h: Tensor, n: Tensor, z: Tensor) -> Tensor:
        return torch.lerp(h, n, z) if self.update == "write" else torch.lerp(n, h, z)

    def _mix_backward(self, grad: Tensor, h: Tensor, n: Tensor, z: Tensor) -> State:
        """Return the gradients of h, n and z."""
        through = grad * z
        rest = grad - through
        if self.update == "write":
            return rest, through, grad * (n - h)
        return through, rest, grad * (h - n)


class GRU(_ResetBefore):
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

    def __init__(
        self, input_size: int, hidden_size: int, *, reset: str = "after", update: str = "keep"
    ) -> None:
        super().__init__(input_size, hidden_size)
        if reset not in ("after", "before"):
            raise ValueError(f"reset must be 'after' or 'before', got {reset!r}")
        if update not in ("keep", "write"):
            raise ValueError(f"update must be 'keep' or 'write', got {update!r}")
        self.reset = reset
        self.update = update
        rows = 3 * hidden_size
        self._make_parameters(
            {
                "weight_ih": (rows, input_size),
                "weight_hh": (rows, hidden_size),
                "bias_ih": (rows,),
                "bias_hh": (rows,),
            }
        )

    def extra_repr(self) -> str:
        """Say sizes and both conventions."""
        return f"{super().extra_repr()}, reset={self.reset!r}, update={self.update!r}"

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x` and all biases that r does not touch."""
        b_rz, b_n = self._split(self.bias_hh, 0)
        b_n = b_n if self.reset == "before" else torch.zeros_like(b_n)
        return linear(x, self.weight_ih, self.bias_ih + torch.cat([b_rz, b_n]))

    def weights(self) -> tuple[Tensor, ...]:
        r"""Return :math:`U_{rz}` and :math:`U_n`; with reset after, :math:`b_{hn}` too."""
        U = self._split(self.weight_hh, 0)
        return (*U, self._split(self.bias_hh, 0)[1]) if self.reset == "after" else U

    def step_forward(
        self, projected: Tensor, state: State, *weights: Tensor
    ) -> tuple[State, tuple[Tensor, ...]]:
        """Return :math:`h_t`; save gates and candidate, and with reset after what r scales."""
        if self.reset == "before":
            return super().step_forward(projected, state, *weights)
        (h,), (U_rz, U_n, b_n) = state, weights
        p_rz, p_n = self._split(projected)
        r, z = torch.sigmoid(torch.addmm(p_rz, h, U_rz.T)).chunk(2, 1)
        u = torch.addmm(b_n, h, U_n.T)
        n = torch.tanh(torch.addcmul(p_n, r, u))
        return (self._mix(h, n, z),), (r, z, n, u)

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        r"""Return :math:`\delta a_t` and :math:`\delta h_{t-1}`."""
        if self.reset == "before":
            return super().step_backward(grad, before, after, saved, *weights)
        (h,), (r, z, n, u), (U_rz, U_n, _) = before, saved, weights
        dh, dn, dz = self._mix_backward(grad[0], h, n, z)
        a_n = tanh_backward(dn, n)
        a = torch.cat([sigmoid_backward(a_n * u, r), sigmoid_backward(dz, z), a_n], 1)
        dh = torch.addmm(dh, a_n * r, U_n)
        return a, (torch.addmm(dh, self._split(a)[0], U_rz),)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta a_t h_{t-1}^\top`, for n as r reaches it."""
        if self.reset == "before":
            return super().weight_backward(grad, states, saved)
        h = states[0][:-1].flatten(0, 1)
        a_rz, a_n = self._split(grad.flatten(0, 1))
        d_u = torch.cat([keep[0] for keep in saved]).mul_(a_n)  # in place: one large tensor less
        return a_rz.T @ h, d_u.T @ h, d_u.sum(0)


class MUT1(_ResetBefore):
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

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self._make_parameters(
            {
                "weight_ie": (hidden_size, input_size),
                "weight_ih": (2 * hidden_size, hidden_size),
                "weight_hh": (2 * hidden_size, hidden_size),
                "bias_ih": (3 * hidden_size,),
            }
        )

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs to :math:`W_r e, W_z e, \tanh(e)` with their biases, ``(..., 3 * H)``."""
        e = linear(x, self.weight_ie)
        return torch.cat([linear(e, self.weight_ih), torch.tanh(e)], -1) + self.bias_ih

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_r` and :math:`U_n`."""
        return self.weight_hh.chunk(2)

    def _gates(self, p_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        (U_r,), (p_r, p_z) = U, p_rz.chunk(2, 1)
        return torch.cat([torch.addmm(p_r, h, U_r.T), p_z], 1)

    def _gates_backward(self, dh: Tensor, a_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        (U_r,), (a_r, _) = U, a_rz.chunk(2, 1)
        return torch.addmm(dh, a_r, U_r)

    def _gates_weight_backward(self, a_rz: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        return (a_rz[:, : self.hidden_size].T @ h,)


class MUT2(_ResetBefore):
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

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        self._make_parameters(
            {
                "weight_ie": (hidden_size, input_size),
                "weight_ih": (2 * hidden_size, hidden_size),
                "weight_hh": (3 * hidden_size, hidden_size),
                "bias_ih": (3 * hidden_size,),
            }
        )

    def project(self, x: Tensor) -> Tensor:
        """Map inputs to :math:`e, W_z e, W_n e` with their biases, ``(..., 3 * H)``."""
        e = linear(x, self.weight_ie)
        return torch.cat([e, linear(e, self.weight_ih)], -1) + self.bias_ih

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_{rz}` and :math:`U_n`."""
        return self._split(self.weight_hh, 0)


class MUT3(_ResetBefore):
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

    def __init__(self, input_size: int, hidden_size: int) -> None:
        super().__init__(input_size, hidden_size)
        rows = 3 * hidden_size
        self._make_parameters(
            {"weight_ih": (rows, input_size), "weight_hh": (rows, hidden_size), "bias_ih": (rows,)}
        )

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b`, ``(..., 3 * H)``."""
        return linear(x, self.weight_ih, self.bias_ih)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U_r, U_z` and :math:`U_n`."""
        return self.weight_hh.chunk(3)

    def _gates(self, p_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        (U_r, U_z), (p_r, p_z) = U, p_rz.chunk(2, 1)
        return torch.cat([torch.addmm(p_r, h, U_r.T), torch.addmm(p_z, torch.tanh(h), U_z.T)], 1)

    def _gates_backward(self, dh: Tensor, a_rz: Tensor, h: Tensor, *U: Tensor) -> Tensor:
        (U_r, U_z), (a_r, a_z) = U, a_rz.chunk(2, 1)
        squashed = tanh_backward(a_z @ U_z, torch.tanh(h))
        return torch.addmm(dh + squashed, a_r, U_r)

    def _gates_weight_backward(self, a_rz: Tensor, h: Tensor) -> tuple[Tensor, ...]:
        a_r, a_z = a_rz.chunk(2, 1)
        return a_r.T @ h, a_z.T @ torch.tanh(h)
