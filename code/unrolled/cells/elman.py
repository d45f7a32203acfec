"""Elman's network: a perceptron whose hidden layer also sees itself, one step earlier."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from types import MappingProxyType

import torch
from torch import Tensor
from torch.nn.functional import linear

from unrolled.core.cell import Cell, State
from unrolled.core.kinds import one_of


def _rectified(a: Tensor) -> Tensor:
    """Return max(a, 0); of complex numbers, as for the complex step, where the real part is."""
    return torch.where(a.real > 0, a, 0) if a.is_complex() else torch.relu(a)


_NONLINEARITIES: dict[str, Callable[[Tensor], Tensor]] = {"tanh": torch.tanh, "relu": _rectified}


class Elman(Cell):
    r"""The simple recurrent cell.

    .. math:: h_t = \varphi(W x_t + b_{ih} + U h_{t-1} + b_{hh})

    and backwards, with :math:`\delta_t` the gradient of the sum in brackets,

    .. math:: \delta_t = \frac{\partial E}{\partial h_t} \odot \varphi', \qquad
        \frac{\partial E}{\partial h_{t-1}} \mathrel{+}= U^\top \delta_t, \qquad
        \frac{\partial E}{\partial U} = \sum_t \delta_t h_{t-1}^\top

    where :math:`\varphi'` is :math:`1 - h_t^2` for tanh, and 1 or 0 for the rectifier.

    Names, shapes and first values of the parameters are those of ``torch.nn.RNNCell``: with the
    same seed, the same network. All are drawn from
    :math:`\mathcal U(-1/\sqrt H, 1/\sqrt H)`.

    Parameters
    ----------
    input_size
        Features of an input :math:`I`, at least 1.
    hidden_size
        Units :math:`H`, at least 1.
    nonlinearity
        :math:`\varphi`: ``"tanh"`` or ``"relu"``.

    Attributes
    ----------
    weight_ih, weight_hh, bias_ih, bias_hh
        :math:`W` of shape ``(H, I)``, :math:`U` of shape ``(H, H)``, both biases ``(H,)``.

    References
    ----------
    Elman, J. L. (1990). Finding structure in time. Cognitive Science 14(2).
    """

    choices = MappingProxyType({"nonlinearity": tuple(_NONLINEARITIES)})
    weight_ih: Tensor
    weight_hh: Tensor
    bias_ih: Tensor
    bias_hh: Tensor

    def __init__(self, input_size: int, hidden_size: int, *, nonlinearity: str = "tanh") -> None:
        super().__init__(input_size, hidden_size)
        self.nonlinearity = one_of("nonlinearity", nonlinearity, _NONLINEARITIES)
        h = ("h",)
        self.make(weight_ih=(h, ("x",)), weight_hh=(h, h), bias_ih=(h,), bias_hh=(h,))

    def extra_repr(self) -> str:
        """Say sizes and nonlinearity."""
        return f"{self.input_size}, {self.hidden_size}, nonlinearity={self.nonlinearity!r}"

    def project(self, x: Tensor) -> Tensor:
        r"""Map inputs ``(..., I)`` to :math:`W x + b_{ih} + b_{hh}`, ``(..., H)``."""
        return linear(x, self.weight_ih, self.bias_ih + self.bias_hh)

    def weights(self) -> tuple[Tensor, ...]:
        """Return :math:`U`."""
        return (self.weight_hh,)

    def equations(self, p: Tensor, state: State, *weights: Tensor) -> dict[str, Tensor]:
        r"""Return :math:`h_t = \varphi(p_t + U h_{t-1})`."""
        (h,), (U,) = state, weights
        return {"h": _NONLINEARITIES[self.nonlinearity](torch.addmm(p, h, U.T))}

    def step_backward(
        self,
        grad: State,
        before: State,
        after: State,
        saved: tuple[Tensor, ...],
        *weights: Tensor,
    ) -> tuple[Tensor, State]:
        r"""Return :math:`\delta_t` and :math:`U^\top \delta_t`."""
        (dh,), (h,), (U,) = grad, after, weights
        if self.nonlinearity == "tanh":
            delta = torch.addcmul(dh, dh, h * h, value=-1)  # dh * (1 - h²), one kernel less
        else:
            delta = torch.where(h <= 0, 0, dh)
        return delta, (delta @ U,)

    def weight_backward(
        self, grad: Tensor, states: State, saved: Sequence[tuple[Tensor, ...]]
    ) -> tuple[Tensor, ...]:
        r"""Return :math:`\sum_t \delta_t h_{t-1}^\top`."""
        H = self.hidden_size
        return (grad.reshape(-1, H).T @ states[0][:-1].reshape(-1, H),)
