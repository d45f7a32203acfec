"""Step Jacobians of recurrent networks: from states, on noise, of Elman layers."""

from __future__ import annotations

from collections.abc import Callable

import torch
from torch import Tensor

from unrolled.core.recurrent import Recurrent
from unrolled.core.validate import random_seed
from unrolled.gradients import step_jacobians


def tanh_jacobians(after: Tensor, U: Tensor) -> Tensor:
    r"""Return :math:`\mathrm{diag}(1 - h_t^2)\, U` of tanh networks, from the states alone.

    Parameters
    ----------
    after
        ``(..., H)`` states :math:`h_t` that the steps lead to.
    U
        ``(H, H)`` recurrent weights.

    Returns
    -------
    ``(..., H, H)``.
    """
    return (1 - after**2)[..., None] * U


def jacobians_on_noise(
    U: Tensor, phi: Callable[[Tensor], Tensor], *, steps: int, drive: float, seed: int
) -> Tensor:
    r"""Return the step Jacobians of :math:`h_t = \varphi(U h_{t-1} + x_t)` on noise.

    Parameters
    ----------
    U
        ``(H, H)`` recurrent weights.
    phi
        The nonlinearity, as ``torch.tanh``.
    steps
        Steps T.
    drive
        Standard deviation of each component of :math:`x_t`, which is normal.
    seed
        Seed of the noise.

    Returns
    -------
    ``(T, H, H)``.
    """
    generator = torch.Generator().manual_seed(random_seed("seed", seed))
    x = drive * torch.randn(steps, len(U), generator=generator, dtype=U.dtype)
    states = [torch.zeros(len(U), dtype=U.dtype)]
    for x_t in x:
        states.append(phi(U @ states[-1] + x_t))
    return step_jacobians(lambda h, x: phi(U @ h + x), torch.stack(states[:-1]), x)


def growth_on_noise(
    U: Tensor, *, drive: float, seed: int, steps: int = 300, runs: int = 5
) -> float:
    r"""Return :math:`e^{\lambda_1}` of a tanh network on noise: its factor per step.

    A small change of the state is carried along and shortened to length 1 after every step; the
    factor is the geometric mean of its growth over the last two thirds of the steps. It starts from
    normal states, so that a network without noise does not stay at 0.

    Parameters
    ----------
    U
        ``(H, H)`` recurrent weights.
    drive
        Standard deviation of each component of the noise; 0: none.
    seed
        Seed of states, changes and noise.
    steps, runs
        Steps, and sequences side by side.
    """
    generator = torch.Generator().manual_seed(random_seed("seed", seed))
    h, v = torch.randn(2, runs, len(U), generator=generator, dtype=U.dtype)
    growth = []
    for x in drive * torch.randn(steps, runs, len(U), generator=generator, dtype=U.dtype):
        h = torch.tanh(h @ U.T + x)
        v = v @ U.T * (1 - h**2)
        growth.append(v.norm(dim=-1, keepdim=True))
        v = v / growth[-1]
    return float(torch.stack(growth[steps // 3 :]).log().mean().exp())


def elman_jacobians(layer: Recurrent, x: Tensor) -> Tensor:
    r"""Return :math:`\partial h_t/\partial h_{t-1}` of an Elman layer that reads sequences.

    Parameters
    ----------
    layer
        ``Recurrent`` over an ``Elman``.
    x
        ``(T, B, I)`` sequences.

    Returns
    -------
    ``(T, B, H, H)``. For tanh they equal ``tanh_jacobians``; this serves rectifiers too.
    """
    cell = layer.cell
    with torch.no_grad():
        states = layer(x)[0]
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        projected = cell.project(x)

    def step(h: Tensor, p: Tensor) -> Tensor:
        after: Tensor = cell.step(p[None], (h[None],), *cell.weights())[0][0]
        return after

    return step_jacobians(step, before, projected)
