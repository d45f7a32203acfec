r"""Instruments for gradients that vanish or explode, and remedies.

Backpropagation through time multiplies Jacobians,

.. math:: \frac{\partial h_T}{\partial h_t} = J_T J_{T-1} \cdots J_{t+1}, \qquad
    J_k = \frac{\partial h_k}{\partial h_{k-1}},

and a product of many matrices tends to shrink or to grow geometrically. What decides which is not
the same for a linear and for a nonlinear network, and no condition here is "if and only if":

=========================== ================================ ==============================
network                     sufficient for vanishing         necessary for exploding
=========================== ================================ ==============================
linear                      spectral radius of U below 1     spectral radius of U above 1
:math:`|\phi'| \le \gamma`  largest singular value of U      largest singular value of U
                            below :math:`1/\gamma`           above :math:`1/\gamma`
=========================== ================================ ==============================

(Pascanu, Mikolov & Bengio 2013.) :math:`\gamma` is 1 for ``tanh`` and 1/4 for the logistic
function. For a linear network both hold in the limit of long products; a short product can grow
first. To explode is to grow geometrically: where the radius is exactly 1, a product can still grow
like a power of its length.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Sequence
from itertools import pairwise, starmap

import torch
from torch import Tensor

from unrolled.core.kinds import function, instance, several
from unrolled.core.validate import random_seed, real, whole


def step_jacobians(step: Callable[..., Tensor], states: Tensor, *inputs: Tensor) -> Tensor:
    r"""Return the Jacobian of every step along a trajectory: :math:`\partial h_{t+1}/\partial h_t`.

    Parameters
    ----------
    step
        Maps one state ``(H,)``, and what ``inputs`` holds for that step, to the next state. It
        is differentiated by ``torch.func``, so it may not change its arguments in place. A cell
        with several state vectors takes and returns them joined.
    states
        ``(T, H)`` or ``(T, B, H)`` the states that the steps start from, :math:`h_0 \dots h_{T-1}`.
    inputs
        ``(T, ...)`` or ``(T, B, ...)`` what else each step takes.

    Returns
    -------
    ``(T, H, H)`` or ``(T, B, H, H)``; row: component of the new state, column: of the old one.
    """
    function("step", step)
    _tensor("states", states, "(T, H) or (T, B, H)", ranks=(2, 3))
    lead = states.shape[:-1]
    for each in inputs:
        _numbers("inputs", each)
        if each.shape[: len(lead)] != lead:
            raise ValueError(
                f"inputs must begin with the sizes of states, {tuple(lead)}, "
                f"got shape {tuple(each.shape)}"
            )
    rows = [each.detach().flatten(0, len(lead) - 1) for each in (states, *inputs)]
    with torch.no_grad():  # keeps no graph of the parameters; jacrev makes its own
        jacobians: Tensor = torch.func.vmap(torch.func.jacrev(step))(*rows)
    square = (len(rows[0]), states.shape[-1], states.shape[-1])
    if not isinstance(jacobians, Tensor) or jacobians.shape != square:
        kind = tuple(getattr(jacobians, "shape", ())[1:]) or type(jacobians).__name__
        raise ValueError(
            f"step must map a state ({square[-1]},) to one tensor of that size, "
            f"got Jacobians {kind}"
        )
    return jacobians.reshape(*lead, *square[1:])


def products(jacobians: Tensor) -> Tensor:
    r"""Multiply the Jacobians of a trajectory: :math:`\partial h_T/\partial h_t` for every t < T.

    Rate to the power of length is what a product's entries are like, so it leaves the range of
    float32 when :math:`(T - t) |\log_{10} r|` passes 38, and of float64 at 308. What underflows
    becomes 0. ``singular_spectrum`` has no such limit.

    Parameters
    ----------
    jacobians
        ``(T, H, H)`` or ``(T, B, H, H)``: :math:`\partial h_{t+1}/\partial h_t`, t from 0.

    Returns
    -------
    As many matrices, t from 0; the last is the last Jacobian.

    Raises
    ------
    FloatingPointError
        If a product overflows.
    """
    _jacobians(jacobians)
    found = [jacobians[-1]]
    for J in jacobians[:-1].flip(0).unbind():
        found.append(found[-1] @ J)
    result = torch.stack(found[::-1])
    if not result.isfinite().all():
        raise FloatingPointError(
            f"the product of {len(jacobians)} Jacobians overflows {jacobians.dtype}; "
            "singular_spectrum works with logarithms"
        )
    return result


def singular_spectrum(jacobians: Tensor) -> Tensor:
    r"""Return the logarithms of the singular values of :math:`\partial h_T/\partial h_t`, t < T.

    The transposed product is kept as :math:`Q\,\mathrm{diag}(e^{\ell}) N`: :math:`Q` orthogonal,
    the rows of :math:`N` of length 1, the sizes :math:`\ell` as logarithms. Each step backwards
    factors :math:`J^\top Q` by QR and sorts :math:`\ell`, largest first. So nothing overflows, and
    the small singular values survive beside the large ones, which they do not in the product
    itself.

    Parameters
    ----------
    jacobians
        ``(T, H, H)`` or ``(T, B, H, H)``: :math:`\partial h_{t+1}/\partial h_t`, t from 0.

    Returns
    -------
    ``(T, H)`` or ``(T, B, H)`` natural logarithms, largest first, float64 on the CPU. A singular
    value of 0, or more than :math:`e^{700}` times smaller than the largest, gives ``-inf``.
    """
    _jacobians(jacobians)
    jacobians = jacobians.detach().cpu().double()
    Q = N = _eye(jacobians.shape[-1]).expand_as(jacobians[0])
    size = jacobians.new_zeros(jacobians.shape[1:-1])
    spectra = []
    for J in jacobians.flip(0).unbind():
        Q, R = torch.linalg.qr(J.mT @ Q)
        # Row i of R diag(e^size) N, its largest coefficient set to 1 and remembered in `size`.
        coefficients = _log(R.abs()) + size[..., None, :]
        size = coefficients.amax(-1)
        lengths, N = _polar(R.sign() * (coefficients - size[..., None]).exp() @ N)
        size, order = (size + _log(lengths)).sort(-1, descending=True)
        Q = Q.take_along_dim(order[..., None, :], -1)
        N = N.take_along_dim(order[..., :, None], -2)
        largest = size[..., :1]
        L = torch.linalg.qr(N.mT).R.mT  # N = L V: V has no part in the singular values
        graded = (size - largest).exp()[..., None] * L
        spectra.append(torch.linalg.svdvals(graded).log() + largest)
    return torch.stack(spectra[::-1])


def lyapunov_exponents(jacobians: Tensor) -> Tensor:
    r"""Return the Lyapunov exponents of a trajectory: mean logarithmic growth per step.

    An orthogonal frame is carried along and made orthogonal again after every step (Benettin et
    al. 1980):

    .. math:: J_t Q_{t-1} = Q_t R_t, \quad Q_0 = I, \qquad
        \lambda_i = \frac1T \sum_{t=1}^{T} \log |R_t|_{ii}

    Their sum is the mean of :math:`\log|\det J_t|` exactly; each alone is the exponent up to an
    error of order :math:`1/T`, for the frame must first turn. Positive: near states part
    (chaos); negative: they meet, and the gradient vanishes at that rate.

    Parameters
    ----------
    jacobians
        ``(T, H, H)`` or ``(T, B, H, H)``: :math:`\partial h_{t+1}/\partial h_t`, t from 0.

    Returns
    -------
    ``(H,)`` or ``(B, H)``, largest first, float64 on the CPU; ``-inf`` where a direction is lost.
    """
    _jacobians(jacobians)
    jacobians = jacobians.detach().cpu().double()
    Q = _eye(jacobians.shape[-1]).expand_as(jacobians[0])
    growth = jacobians.new_zeros(jacobians.shape[1:-1])
    for J in jacobians.unbind():
        Q, R = torch.linalg.qr(J @ Q)
        growth += R.diagonal(dim1=-2, dim2=-1).abs().log()
    return (growth / len(jacobians)).sort(-1, descending=True).values


def gradient_norms(loss: Tensor, states: Sequence[Tensor]) -> Tensor:
    r"""Return :math:`\lVert \partial E / \partial h_t \rVert_2` for every step.

    The derivative is the whole one: through all later states too. Read backwards,
    ``norms.flip(0)``, it is the norm by distance from the end.

    Parameters
    ----------
    loss
        Scalar :math:`E` computed from the states. Its graph is kept.
    states
        ``(H,)`` or ``(B, H)`` each: the states of a loop, every one computed from the one before.
        A stack of them, or its slices, will not do: no later state is computed from those.

    Returns
    -------
    ``(T,)`` or ``(T, B)``, in the order of time, float64; 0 where the loss does not depend on the
    state, as before a truncation.

    Raises
    ------
    ValueError
        If the loss has no gradient, or no state depends on the one before it.
    """
    _dense("loss", loss)
    if not isinstance(states, Sequence) or not all(isinstance(each, Tensor) for each in states):
        raise TypeError(
            "states must be a sequence of tensors, one for each step as the loop made it, "
            f"got {type(states).__name__}"
        )
    if not states or not all(each.requires_grad for each in states):
        raise ValueError("states must be at least one tensor, all of which require gradients")
    if loss.numel() != 1 or not loss.requires_grad or loss.is_complex():
        raise ValueError(
            "loss must be one number that requires gradients, "
            f"got shape {tuple(loss.shape)} and requires_grad={loss.requires_grad}"
        )
    if len(states) > 1 and not any(starmap(_depends, pairwise(states))):
        raise ValueError("states must each be computed from the one before; here none is")
    gradients = torch.autograd.grad(
        loss, list(states), retain_graph=True, allow_unused=True, materialize_grads=True
    )
    return _polar(torch.stack(gradients).double())[0]


def spectral_radius(U: Tensor) -> Tensor:
    r"""Return the largest absolute eigenvalue :math:`\rho(U) = \max_i |\mu_i|`.

    For a *linear* network :math:`h_t = U h_{t-1} + W x_t`, where every Jacobian is :math:`U`:
    :math:`\rho < 1` is sufficient for the gradient to vanish as :math:`T - t \to \infty`, and
    :math:`\rho > 1` is necessary for it to explode (Pascanu et al. 2013). It says nothing of short
    products: these can grow first, by as much as ``spectral_norm`` allows. And it is no condition
    for a nonlinear network, whose Jacobians differ from step to step: its gradient can explode at
    :math:`\rho = 0`.

    Parameters
    ----------
    U
        ``(..., H, H)``.

    Returns
    -------
    ``(...)``, at least 0.
    """
    _square("U", U)
    radius: Tensor = torch.linalg.eigvals(U).abs().amax(-1)
    return radius


def spectral_norm(U: Tensor) -> Tensor:
    r"""Return the largest singular value :math:`\sigma(U) = \max_{|v|=1} \lVert Uv \rVert`.

    For a *nonlinear* network :math:`h_t = \phi(U h_{t-1} + W x_t + b)` with
    :math:`|\phi'| \le \gamma`: :math:`\sigma < 1/\gamma` is sufficient for the gradient to vanish,
    since :math:`\lVert\partial h_T/\partial h_t\rVert \le (\gamma\sigma)^{T-t}`, and
    :math:`\sigma > 1/\gamma` is necessary for it to explode (Pascanu et al. 2013).
    :math:`\gamma` is 1 for ``tanh`` and the rectifier, 1/4 for the logistic function.

    Parameters
    ----------
    U
        ``(..., H, H)``.

    Returns
    -------
    ``(...)``, at least ``spectral_radius(U)``.
    """
    _square("U", U)
    norm: Tensor = torch.linalg.matrix_norm(U, ord=2)
    return norm


def gaussian(hidden: int, *, std: float, seed: int, dtype: torch.dtype | None = None) -> Tensor:
    r"""Draw recurrent weights :math:`U_{ij} \sim \mathcal N(0, s^2)`.

    With :math:`s = g/\sqrt H` the spectral radius tends to :math:`g` and the largest singular value
    to :math:`2g` as :math:`H` grows.

    Parameters
    ----------
    hidden
        Hidden units :math:`H`, at least 1.
    std
        Standard deviation :math:`s`, at least 0.
    seed
        Seed of the draw.
    dtype
        torch's default if not given.

    Returns
    -------
    ``(H, H)`` on the CPU.
    """
    std = real("std", std, least=0)
    return (std * _normal(hidden, _seeded(seed))).to(_floating(dtype))


def orthogonal(
    hidden: int, *, seed: int, gain: float = 1.0, dtype: torch.dtype | None = None
) -> Tensor:
    r"""Draw recurrent weights :math:`U = gQ` with :math:`Q^\top Q = I`, uniform over all such Q.

    QR of a Gaussian matrix, with the signs that make the diagonal of R positive; without them
    the draw is not uniform (Mezzadri 2007). All singular values and all absolute eigenvalues are
    :math:`g` (Saxe et al. 2014). ``torch.nn.init.orthogonal_`` is the same.

    Parameters
    ----------
    hidden
        Hidden units :math:`H`, at least 1.
    seed
        Seed of the draw.
    gain
        :math:`g`, at least 0.
    dtype
        torch's default if not given.

    Returns
    -------
    ``(H, H)`` on the CPU.
    """
    gain = real("gain", gain, least=0)
    Q, R = torch.linalg.qr(_normal(hidden, _seeded(seed)))
    U: Tensor = gain * Q * R.diagonal().sign()
    return U.to(_floating(dtype))


def identity(hidden: int, *, scale: float = 1.0, dtype: torch.dtype | None = None) -> Tensor:
    r"""Return recurrent weights :math:`U = sI`: with rectifiers and no bias, the IRNN.

    A unit then keeps its value while it is positive and no input comes (Le, Jaitly & Hinton 2015).

    Parameters
    ----------
    hidden
        Hidden units :math:`H`, at least 1.
    scale
        :math:`s`; below 1 it forgets.
    dtype
        torch's default if not given.

    Returns
    -------
    ``(H, H)`` on the CPU.
    """
    eye = _eye(whole("hidden", hidden)).to(_floating(dtype))
    return eye.mul(real("scale", scale))


def sparse(
    hidden: int,
    *,
    seed: int,
    fan_in: int = 15,
    radius: float = 0.95,
    dtype: torch.dtype | None = None,
) -> Tensor:
    """Draw sparse Gaussian recurrent weights, scaled to a spectral radius.

    The defaults are the "smart tanh" of Pascanu et al. 2013.

    Parameters
    ----------
    hidden
        Hidden units ``H``, at least 1.
    seed
        Seed of the draw.
    fan_in
        Units that each unit receives from, from 1 to ``H``: nonzero weights in a row.
    radius
        Spectral radius, at least 0.
    dtype
        torch's default if not given.

    Returns
    -------
    ``(H, H)`` on the CPU.
    """
    fan_in = whole("fan_in", fan_in, most=whole("hidden", hidden))
    radius = real("radius", radius, least=0)
    generator = _seeded(seed)
    U = _normal(hidden, generator)
    U *= _normal(hidden, generator).argsort(-1) < fan_in  # each row a random order of 0 .. H-1
    return (U * (radius / spectral_radius(U))).to(_floating(dtype))


def clip_by_norm(gradients: Iterable[Tensor], threshold: float) -> tuple[list[Tensor], float]:
    r"""Shorten a gradient that is longer than a threshold, keeping its direction.

    .. math:: g \leftarrow g \min(1, \theta / \lVert g \rVert_2)

    with one norm over all tensors together (Pascanu et al. 2013).
    ``torch.nn.utils.clip_grad_norm_`` is the same in place, except that it divides by
    :math:`\lVert g \rVert + 10^{-6}`. ``clip_grad_value_`` is another thing: it cuts each element,
    and so turns the gradient.

    Parameters
    ----------
    gradients
        Tensors of any shapes on one device.
    threshold
        Largest norm :math:`\theta`, greater than 0.

    Returns
    -------
    clipped, norm
        New tensors, and the norm before.

    Raises
    ------
    ValueError
        If the norm is not finite: there is no direction to keep.
    """
    threshold = real("threshold", threshold, above=0)
    if isinstance(gradients, Tensor):
        raise TypeError("gradients must be several tensors, got one; put it in a list")
    gradients = several("gradients", gradients, of=Tensor)
    for each in gradients:
        _dense("gradients", each)
    if not gradients:
        raise ValueError("gradients must hold at least one tensor, got none")
    norm_of = torch.linalg.vector_norm
    norm = float(norm_of(torch.stack([norm_of(each.detach()) for each in gradients])))
    norm = real("norm of gradients", norm)
    scale = threshold / norm if norm > threshold else 1.0
    return [scale * each for each in gradients], norm


def omega(U: Tensor, states: Tensor, errors: Tensor) -> tuple[Tensor, Tensor]:
    r"""Return Pascanu's regulariser for a ``tanh`` network, and its gradient by :math:`U`.

    With :math:`x_k` the pre-activation, :math:`h_k = \tanh x_k`, as in the paper:

    .. math:: \Omega = \sum_k \left( \frac{\lVert \delta_{k+1}\, \partial x_{k+1}/\partial x_k
        \rVert}{\lVert \delta_{k+1} \rVert} - 1 \right)^2, \quad
        \delta_k = \frac{\partial E}{\partial x_k} = \frac{\partial E}{\partial h_k}(1 - h_k^2),
        \quad \frac{\partial x_{k+1}}{\partial x_k} = U\,\mathrm{diag}(1 - h_k^2)

    Each term asks that a step back keeps the error's length. The gradient is the immediate one:
    :math:`x_k` and :math:`\delta_{k+1}` are held constant, only the :math:`U` written above varies.
    Terms whose error is 0 are left out. The sum is over steps, the mean over sequences.

    This is the paper's definition, its equation (9). Its equation (10), the gradient used, belongs
    to :math:`(r^2 - 1)^2`, with r the ratio of lengths: four times as large near r = 1. The
    authors' published program has that form too, of :math:`h` in place of :math:`x`, and averages
    over the steps with an error; the coefficient 4 that they report multiplies that average.

    Parameters
    ----------
    U
        ``(H, H)`` recurrent weights.
    states
        ``(T, H)`` or ``(T, B, H)`` consecutive states :math:`h_k`, in [-1, 1], at least two.
    errors
        As ``states``: :math:`\partial E/\partial h_k`, the whole derivative, through later steps
        too. Only its direction at each step matters.

    Returns
    -------
    omega, gradient
        A number, at least 0, and ``(H, H)``; neither carries a graph.

    Raises
    ------
    ValueError
        If the shapes do not fit or a state lies outside [-1, 1].
    """
    _square("U", U, rank=2)
    _tensor("states", states, "(T, H) or (T, B, H)", ranks=(2, 3))
    _tensor("errors", errors, "(T, H) or (T, B, H)", ranks=(2, 3))
    if len(states) < 2:
        raise ValueError(f"states must hold at least 2 steps, got {len(states)}")
    if errors.shape != states.shape or states.shape[-1] != len(U):
        raise ValueError(
            "states and errors must have the same shape (T, ..., H) and U (H, H), "
            f"got {tuple(states.shape)}, {tuple(errors.shape)} and {tuple(U.shape)}"
        )
    if states.abs().max() > 1:
        raise ValueError(f"states must lie in [-1, 1], got {states.abs().max():g} in size")
    U, states, errors = U.detach(), states.detach(), errors.detach()
    slope = 1 - states**2
    size, delta = _polar((errors * slope)[1:])
    ratio, direction = _polar(delta @ U * slope[:-1])
    excess = torch.where(size > 0, ratio - 1, 0)
    sequences = excess[0].numel()
    value = (excess**2).sum() / sequences
    by_row, by_column = 2 * excess[..., None] * delta, direction * slope[:-1]
    gradient = by_row.flatten(0, -2).T @ by_column.flatten(0, -2) / sequences
    return value, gradient


def _polar(rows: Tensor) -> tuple[Tensor, Tensor]:
    """Return the lengths and directions of rows; squares neither overflow nor underflow."""
    largest = rows.abs().amax(-1, keepdim=True)
    scaled = rows / torch.where(largest > 0, largest, 1)
    lengths = torch.linalg.vector_norm(scaled, dim=-1, keepdim=True)  # 0, or at least 1
    return (largest * lengths).squeeze(-1), scaled / lengths.clamp(min=1)


def _log(x: Tensor) -> Tensor:
    """Return the logarithm, with -1e9 for that of 0: differences of it stay numbers."""
    return x.log().clamp(min=-1e9)


def _depends(earlier: Tensor, later: Tensor) -> bool:
    (gradient,) = torch.autograd.grad(later.sum(), earlier, retain_graph=True, allow_unused=True)
    return gradient is not None


def _normal(hidden: int, generator: torch.Generator) -> Tensor:
    hidden = whole("hidden", hidden)
    return torch.randn(hidden, hidden, generator=generator, dtype=torch.float64, device="cpu")


def _eye(hidden: int) -> Tensor:
    return torch.eye(hidden, dtype=torch.float64, device="cpu")


def _seeded(seed: int) -> torch.Generator:
    return torch.Generator("cpu").manual_seed(random_seed("seed", seed))


def _jacobians(jacobians: Tensor) -> None:
    _tensor("jacobians", jacobians, "(T, H, H) or (T, B, H, H)", ranks=(3, 4))
    _square("jacobians", jacobians)


def _square(name: str, matrices: Tensor, *, rank: int | None = None) -> None:
    shape = "(..., H, H)" if rank is None else "(H, H)"
    _tensor(name, matrices, shape, ranks=range(2, 9) if rank is None else (rank,))
    if matrices.shape[-1] != matrices.shape[-2]:
        raise ValueError(f"{name} must be square, {shape}, got shape {tuple(matrices.shape)}")


def _tensor(name: str, value: Tensor, shape: str, *, ranks: Sequence[int]) -> None:
    if not isinstance(value, Tensor) or not value.is_floating_point():
        kind = value.dtype if isinstance(value, Tensor) else type(value).__name__
        raise TypeError(f"{name} must be a floating-point tensor {shape}, got {kind}")
    if value.dtype not in (torch.float32, torch.float64):
        raise TypeError(f"{name} must be torch.float32 or torch.float64, got {value.dtype}")
    if value.ndim not in ranks or value.numel() == 0:
        raise ValueError(f"{name} must have shape {shape}, none 0, got {tuple(value.shape)}")
    _numbers(name, value)


def _numbers(name: str, value: Tensor) -> None:
    _dense(name, value)
    if not value.isfinite().all():
        raise ValueError(f"{name} must be finite, got NaN or infinity")


def _dense(name: str, value: Tensor) -> None:
    instance(name, value, Tensor)
    if value.layout is not torch.strided or value.is_meta:
        kind = "one on meta" if value.is_meta else f"layout {value.layout}"
        raise ValueError(f"{name} must be a dense tensor that holds numbers, got {kind}")


def _floating(dtype: torch.dtype | None) -> torch.dtype:
    """Return a type of real numbers, torch's default if none is given."""
    if dtype is None:
        return torch.get_default_dtype()
    if not instance("dtype", dtype, torch.dtype).is_floating_point:
        raise ValueError(f"dtype must be one of floating-point numbers, got {dtype}")
    return dtype
