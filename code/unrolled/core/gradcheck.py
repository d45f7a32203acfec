"""The three-way gate: a gradient is right if three ways to get it agree."""

from __future__ import annotations

import copy
from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.func import functional_call

from unrolled.core.kinds import flag, instance
from unrolled.core.recurrent import Recurrent, State
from unrolled.core.validate import random_seed


class Disagreement(NamedTuple):
    """Largest differences of a layer's gradient from two others, relative to each tensor's largest.

    Attributes
    ----------
    autograd
        From autograd's, over the same loop. Rounding: below 1e-10 in float64.
    difference
        From finite differences. Complex step: below 1e-10; central: below 1e-5.
    """

    autograd: float
    difference: float


def check_gradients(
    layer: Recurrent,
    x: Tensor,
    state: State | None = None,
    lengths: Tensor | Sequence[int] | None = None,
    *,
    complex_step: bool = True,
    seed: int = 0,
) -> Disagreement:
    r"""Compare a layer's gradient with autograd's and with finite differences.

    The loss is :math:`E = \langle R, y \rangle + \sum_k \langle R_k, s_{T,k} \rangle` with
    random :math:`R`, the derivative is by ``x``, by every part of ``state`` and by every parameter.
    With a step :math:`\varepsilon` in one number :math:`\theta`,

    .. math:: \frac{\partial E}{\partial \theta} \approx
        \frac{\operatorname{Im} E(\theta + i\varepsilon)}{\varepsilon}
        \qquad\text{or}\qquad
        \frac{E(\theta + \varepsilon) - E(\theta - \varepsilon)}{2\varepsilon}

    The first subtracts nothing, so nothing cancels: it is exact to rounding for
    :math:`\varepsilon = 10^{-100}`.

    Parameters
    ----------
    layer
        In float64, and in ``eval()`` if a weight changes with each call. It runs once or twice for
        every number: keep sizes small.
    x, state, lengths
        What the layer takes, in float64.
    complex_step
        Needs a cell of analytic functions, so no rectifier; False takes central differences.
    seed
        Seed of :math:`R`.

    Raises
    ------
    TypeError, ValueError
        If ``x`` is not float64 or not finite, or the layer refuses an argument.

    References
    ----------
    Squire, W. & Trapp, G. (1998). Using complex variables to estimate derivatives of real
    functions. SIAM Review 40(1).
    """
    instance("layer", layer, Recurrent)
    flag("complex_step", complex_step)
    seed = random_seed("seed", seed)
    if instance("x", x, Tensor).dtype != torch.float64:
        raise ValueError(f"x must be torch.float64, got {x.dtype}")
    if x.is_meta or x.layout is not torch.strided or not x.isfinite().all():
        raise ValueError("x must be a dense tensor of finite numbers, got another")
    with torch.no_grad():  # which looks at the rest
        layer(x, state, lengths)
    names = [name for name, _ in layer.named_parameters()]
    inputs = [x, *(state or ())]
    point = [
        tensor.detach().clone(memory_format=torch.contiguous_format)
        for tensor in (*inputs, *layer.parameters())
    ]

    def outputs(unrolled: Recurrent, at: list[Tensor]) -> list[Tensor]:
        first, *rest = at[: len(inputs)]
        weights = dict(zip(names, at[len(inputs) :], strict=True))
        output, last = functional_call(unrolled, weights, (first, tuple(rest) or None, lengths))
        return [output, *last]

    generator = torch.Generator("cpu").manual_seed(seed)
    with torch.no_grad():
        shapes = [y.shape for y in outputs(layer, point)]
    drawn = [torch.randn(s, generator=generator, dtype=x.dtype, device="cpu") for s in shapes]
    R = [each.to(x.device) for each in drawn]

    def loss(at: list[Tensor]) -> Tensor:
        return torch.stack(
            [(r * y).sum() for r, y in zip(R, outputs(layer, at), strict=True)]
        ).sum()

    def gradient(unrolled: Recurrent) -> tuple[Tensor, ...]:
        at = [tensor.clone().requires_grad_() for tensor in point]
        return torch.autograd.grad(outputs(unrolled, at), at, R, materialize_grads=True)

    taped = copy.copy(layer)  # with its hooks
    taped.autograd = True
    ours = gradient(layer)
    differences = _differences(loss, point, complex_step=complex_step)
    return Disagreement(_largest(ours, gradient(taped)), _largest(ours, differences))


@torch.no_grad()
def _differences(
    loss: Callable[[list[Tensor]], Tensor], point: list[Tensor], *, complex_step: bool
) -> list[Tensor]:
    """Return the slope of the loss in every number of every tensor."""
    at = [tensor.to(torch.complex128 if complex_step else tensor.dtype) for tensor in point]

    def shifted(flat: Tensor, i: int, step: complex) -> Any:
        here = flat[i].item()
        flat[i] = here + step  # type: ignore[assignment]
        value = loss(at).item()
        flat[i] = here
        return value

    def slope(flat: Tensor, i: int) -> float:
        if complex_step:
            return float(shifted(flat, i, 1e-100j).imag / 1e-100)
        return float(shifted(flat, i, 1e-6) - shifted(flat, i, -1e-6)) / 2e-6

    return [
        point[k].new_tensor([slope(part.view(-1), i) for i in range(part.numel())]).view_as(part)
        for k, part in enumerate(at)
    ]


def _largest(ours: Sequence[Tensor], theirs: Sequence[Tensor]) -> float:
    """Return the largest difference, each relative to the largest number of its tensor."""
    pairs = zip(ours, theirs, strict=True)
    gaps = [(a - b).abs().max() / (b.abs().max() or 1) for a, b in pairs]
    return torch.stack(gaps).max().item()  # NaN, if there is one
