r"""Backpropagation through time in NumPy: the forms that the chapter derives.

Elman's network with a linear readout,

.. math:: h_t = \tanh(W x_t + U h_{t-1} + b), \qquad \hat y_t = V h_t + c,

and the gradient of a loss :math:`E(\hat y_1, \dots, \hat y_T)` by five ways:
:func:`backward`, exact; :func:`truncated` and :func:`chunked`, cut short and biased;
:func:`randomised`, cut short, unbiased and noisy; :func:`rtrl`, exact and forward in time.
Each takes ``dy``, the derivative of the loss with respect to the outputs; those that take ``h``
need the states kept, those that take ``h0`` do not.

All are real-analytic and take complex arrays too, so a complex step gives their derivatives to the
last digits: :math:`f'(x) = \operatorname{Im} f(x + i\epsilon)/\epsilon`.
"""

from __future__ import annotations

import functools
import itertools
from collections.abc import Iterable
from typing import Any, NamedTuple, TypeAlias

import numpy as np
from numpy.typing import ArrayLike, NDArray

from unrolled.core.validate import floating, random_seed, real, whole

Array: TypeAlias = NDArray[Any]
"""Floating-point numbers, or complex ones in a complex step."""


class RNN(NamedTuple):
    """Parameters of Elman's network, or the derivatives of a loss with respect to them.

    Attributes
    ----------
    W
        ``(H, I)`` input weights.
    U
        ``(H, H)`` recurrent weights.
    b
        ``(H,)`` bias.
    V
        ``(O, H)`` weights of the readout.
    c
        ``(O,)`` bias of the readout.
    """

    W: Array
    U: Array
    b: Array
    V: Array
    c: Array


def forward(parameters: RNN, x: Array, h0: Array) -> tuple[Array, Array]:
    r"""Run the network over a batch of sequences.

    .. math:: h_t = \tanh(W x_t + U h_{t-1} + b), \qquad \hat y_t = V h_t + c

    Parameters
    ----------
    parameters
        The network.
    x
        ``(T, B, I)`` inputs.
    h0
        ``(B, H)`` initial state :math:`h_0`.

    Returns
    -------
    h, y
        ``(T + 1, B, H)`` states, ``h[t]`` is :math:`h_t`; ``(T, B, O)`` outputs.

    Raises
    ------
    TypeError
        If an argument is not an array of floating-point or complex numbers.
    ValueError
        If a number is not finite, or the shapes do not fit. Both hold for every function here that
        takes a network.
    """
    _demand(parameters, x=x, h0=h0)
    W, U, b, V, c = parameters
    states = [h0]
    for x_t in x:
        states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
    h = np.stack(states)
    return h, h[1:] @ V.T + c


def backward(parameters: RNN, x: Array, h: Array, dy: Array) -> tuple[RNN, Array]:
    r"""Return the gradient of a loss: backpropagation through time.

    With :math:`\delta_t` the derivative of the loss with respect to
    :math:`a_t = W x_t + U h_{t-1} + b`,

    .. math:: \delta_t = (1 - h_t^2) \odot
        \Big(V^\top \frac{\partial E}{\partial\hat y_t} + U^\top \delta_{t+1}\Big),
        \qquad \delta_{T+1} = 0,

    .. math:: \frac{\partial E}{\partial W} = \sum_t \delta_t x_t^\top, \quad
        \frac{\partial E}{\partial U} = \sum_t \delta_t h_{t-1}^\top, \quad
        \frac{\partial E}{\partial b} = \sum_t \delta_t, \quad
        \frac{\partial E}{\partial h_0} = U^\top \delta_1.

    Time O(T H²), memory O(T H) for the states, per sequence and for :math:`I, O \le H`.
    Werbos 1990.

    Parameters
    ----------
    parameters, x
        As in :func:`forward`.
    h
        ``(T + 1, B, H)`` the states it returned.
    dy
        ``(T, B, O)`` derivatives of the loss with respect to the outputs.

    Returns
    -------
    gradient, dh0
        Derivatives with respect to the parameters, in their shapes; ``(B, H)`` with respect
        to the initial state.
    """
    _demand(parameters, x=x, h=h, dy=dy)
    U, V = parameters.U, parameters.V
    number = np.result_type(x, h, V, dy)
    dW, dU, db, dV, dc = (np.zeros(each.shape, number) for each in parameters)
    dh = np.zeros(h[0].shape, number)  # what the future says of h_t
    for t in range(len(x), 0, -1):  # x_t is x[t - 1], but h_t is h[t]
        dV += dy[t - 1].T @ h[t]
        dc += dy[t - 1].sum(axis=0)
        da = (1 - h[t] ** 2) * (dy[t - 1] @ V + dh)
        dW += da.T @ x[t - 1]  # the same W at every step: the sum over time
        dU += da.T @ h[t - 1]
        db += da.sum(axis=0)
        dh = da @ U
    return RNN(dW, dU, db, dV, dc), dh


def truncated(parameters: RNN, x: Array, h: Array, dy: Array, *, back: int, every: int = 1) -> RNN:
    r"""Return the gradient by BPTT(k; k'): every k' steps, k steps back.

    At the steps :math:`k', 2k', \dots` and at the end, the errors of the steps since the last
    time are carried back through the latest k steps, and the gradients are added up. So an error
    reaches between :math:`k - k' + 1` and k steps, its own included, as far as the sequence has
    them; k' = 1 is BPTT(k), where each reaches k, and BPTT(1) is how Elman trained. With k at
    least T the gradient is exact.

    Time O(T H² k/k'). Learning online needs the latest k states only; there the parameters move
    between the gradients, here they stand still. Williams and Peng 1990, who write h and h'.

    Parameters
    ----------
    parameters, x, h, dy
        As in :func:`backward`.
    back
        Steps back k, at least ``every``: no error is left out.
    every
        Steps from one backward pass to the next k', at least 1.
    """
    _demand(parameters, x=x, h=h, dy=dy)
    every = whole("every", every)
    back = whole("back", back, least=every)
    gradients = []
    for new in range(0, len(x), every):
        end = min(new + every, len(x))
        start = max(end - back, 0)
        errors = dy[start:end].copy()
        errors[: new - start] = 0  # these had their turn
        gradients.append(backward(parameters, x[start:end], h[start : end + 1], errors)[0])
    return _total(gradients)


def chunked(parameters: RNN, x: Array, h0: Array, dy: Array, *, length: int) -> RNN:
    r"""Return the gradient by chunks: the state is carried on, its derivative is not.

    What a training loop computes that cuts a sequence into chunks and detaches the state between
    them: BPTT(k; k) where ``length`` k divides T. An error reaches from 1 to ``length`` steps back,
    by where in its chunk it stands. Time O(T H²), memory O(length · H).

    Parameters
    ----------
    parameters, x, h0
        As in :func:`forward`.
    dy
        ``(T, B, O)`` derivatives of the loss with respect to the outputs.
    length
        Steps in a chunk, at least 1; the last chunk may be shorter.
    """
    _demand(parameters, x=x, h0=h0, dy=dy)
    length = whole("length", length)
    gradients = []
    for start in range(0, len(x), length):
        chunk = slice(start, start + length)
        h, _ = forward(parameters, x[chunk], h0)
        gradient, _ = backward(parameters, x[chunk], h, dy[chunk])  # dh0 is dropped: the detach
        gradients.append(gradient)
        h0 = h[-1]
    return _total(gradients)


def randomised(parameters: RNN, x: Array, h: Array, dy: Array, *, cut: float, seed: int) -> RNN:
    r"""Return an unbiased gradient by cutting at random and making up for it.

    Between two steps the way back is cut with probability p, and where it is open what passes is
    divided by 1 − p:

    .. math:: \tilde\delta_t = (1 - h_t^2) \odot
        \Big(V^\top \frac{\partial E}{\partial\hat y_t}
        + \frac{\xi_t}{1 - p} U^\top \tilde\delta_{t+1}\Big),
        \qquad \xi_t \sim \text{Bernoulli}(1 - p)

    The factor along m open steps is :math:`(1 - p)^{-m}`, the probability that they are open its
    inverse, so the mean over draws is the exact gradient. The price is variance: the factor's mean
    square is :math:`(1 - p)^{-m}`. One draw serves the whole batch. This is ARTBP with a constant
    probability. Tallec and Ollivier 2017.

    Parameters
    ----------
    parameters, x, h, dy
        As in :func:`backward`.
    cut
        Probability of a cut p, in [0, 1); the mean run is about 1/p steps.
    seed
        Seed of the draw.
    """
    _demand(parameters, x=x, h=h, dy=dy)
    cut = real("cut", cut, least=0)
    if cut >= 1:
        raise ValueError(f"cut must be less than 1, got {cut:g}")
    draws = np.random.default_rng(random_seed("seed", seed)).random(len(x) - 1)
    bounds = [0, *(np.flatnonzero(draws < cut) + 1), len(x)]
    # backward uses U for the way back only: the states are those of the network itself
    raised = parameters._replace(U=parameters.U / (1 - cut))
    return _total(
        backward(raised, x[start:end], h[start : end + 1], dy[start:end])[0]
        for start, end in itertools.pairwise(bounds)
    )


def rtrl(parameters: RNN, x: Array, h0: Array, dy: Array) -> RNN:
    r"""Return the gradient by real-time recurrent learning: forward in time, exact.

    The sensitivities :math:`S_t = \partial h_t / \partial \theta` of the state to the recurrent
    parameters :math:`\theta = [W\ U\ b]` go along with it:

    .. math:: S_t = \operatorname{diag}(1 - h_t^2) \Big(U S_{t-1}
        + \frac{\partial a_t}{\partial\theta}\Big|_{h_{t-1}}\Big), \qquad S_0 = 0,
        \qquad \frac{\partial E}{\partial \theta} =
        \sum_t \Big(V^\top \frac{\partial E}{\partial\hat y_t}\Big)^\top S_t

    No state is kept and no step waits for a later one, but a step costs O(H⁴) and the
    sensitivities take O(H³), per sequence and for :math:`I \le H`, where BPTT needs O(H²) a step.
    Williams and Zipser 1989.

    Parameters
    ----------
    parameters, x, h0
        As in :func:`forward`.
    dy
        ``(T, B, O)`` derivatives of the loss with respect to the outputs.
    """
    _demand(parameters, x=x, h0=h0, dy=dy)
    W, U, b, V, _ = parameters
    theta = np.column_stack([W, U, b])
    h, S = h0, np.zeros((len(h0), len(U), theta.size))
    dtheta, dV, dc = np.zeros(theta.size), np.zeros(V.shape), np.zeros(len(V))
    for x_t, dy_t in zip(x, dy, strict=True):
        z = np.column_stack([x_t, h, np.ones(len(h))])  # a_t = θ z_t
        h = np.tanh(z @ theta.T)
        direct = np.kron(np.eye(len(U))[None], z[:, None])  # row k of θ moves a_k alone, by z
        S = (1 - h**2)[:, :, None] * (U @ S + direct)
        dtheta = dtheta + np.einsum("bk,bkn->n", dy_t @ V, S)
        dV = dV + dy_t.T @ h
        dc = dc + dy_t.sum(axis=0)
    dW, dU, db = np.split(dtheta.reshape(theta.shape), [W.shape[1], theta.shape[1] - 1], axis=1)
    return RNN(dW, dU, db[:, 0], dV, dc)


def surface(
    u: ArrayLike, b: ArrayLike, *, steps: int = 50, h0: float = 0.5, target: float = 0.7
) -> tuple[Array, Array, Array]:
    r"""Return the loss of a network with two parameters, and its derivatives, at many points.

    .. math:: h_t = u\,\sigma(h_{t-1}) + b, \qquad E = (\sigma(h_T) - y)^2

    with :math:`\sigma` the logistic function. The derivatives are carried forward:
    :math:`\partial h_t/\partial u = \sigma(h_{t-1})
    + u\,\sigma'(h_{t-1})\,\partial h_{t-1}/\partial u`, and with 1 in place of the first term for
    b. Pascanu, Mikolov and Bengio 2013, whose :math:`w` is :math:`u` here.

    The wall: on the line :math:`b = h_0 - u\,\sigma(h_0)` the state stays at :math:`h_0`, and where
    :math:`\lambda = u\,\sigma'(h_0) > 1` it leaves in opposite directions on either side. On the
    line the derivatives of :math:`h_T` grow like :math:`\lambda^T`.

    Parameters
    ----------
    u, b
        Recurrent weight and bias: numbers or arrays that broadcast, as ``u[:, None]`` and ``b``
        for a grid.
    steps
        Steps T, at least 1.
    h0
        Initial state.
    target
        What the last output should be, y.

    Returns
    -------
    loss, du, db
        In the shape that ``u`` and ``b`` broadcast to.
    """
    steps, h, target = whole("steps", steps), real("h0", h0), real("target", target)
    u, b = _numbers("u", u), _numbers("b", b)
    try:
        u, b = np.broadcast_arrays(u, b)
    except ValueError:
        raise ValueError(f"u and b must broadcast, got shapes {u.shape} and {b.shape}") from None
    h_u = h_b = np.zeros(u.shape)  # ∂h/∂u, ∂h/∂b
    state = np.full(u.shape, h)
    for _ in range(steps):
        s = _logistic(state)
        slope = s * (1 - s)
        h_u = s + u * slope * h_u
        h_b = 1 + u * slope * h_b
        state = u * s + b
    y = _logistic(state)
    dh = 2 * (y - target) * y * (1 - y)
    return (y - target) ** 2, dh * h_u, dh * h_b


def _logistic(a: Array) -> Array:
    return (1 + np.tanh(a / 2)) / 2  # no exponential to overflow


def _numbers(name: str, values: ArrayLike) -> Array:
    try:
        array = np.asarray(values)
    except (TypeError, ValueError, RuntimeError):
        array = np.asarray(None)
    if array.dtype.kind not in "iufc" or isinstance(values, np.ma.MaskedArray):
        kind = type(values).__name__ if array.dtype.kind == "O" else array.dtype
        raise TypeError(f"{name} must hold numbers, got {kind}")
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    return array


def _total(gradients: Iterable[RNN]) -> RNN:
    return functools.reduce(lambda one, other: RNN(*map(np.add, one, other)), gradients)


_SHAPES = {
    "W": ("H", "I"),
    "U": ("H", "H"),
    "b": ("H",),
    "V": ("O", "H"),
    "c": ("O",),
    "x": ("T", "B", "I"),
    "h0": ("B", "H"),
    "h": ("T + 1", "B", "H"),
    "dy": ("T", "B", "O"),
}


def _demand(parameters: RNN, **arrays: Array) -> None:
    """Raise unless every array has the shape that ``W``, ``V`` and ``x`` ask of it."""
    if not isinstance(parameters, RNN):
        raise TypeError(f"parameters must be an RNN, got {type(parameters).__name__}")
    sizes: dict[str, int] = {}
    for name, array in {**parameters._asdict(), **arrays}.items():
        floating(name, array)
        letters = _SHAPES[name]
        if array.ndim == len(letters):
            for letter, size in zip(letters, array.shape, strict=True):
                sizes.setdefault(letter, size)
            if "T" in sizes:
                sizes["T + 1"] = sizes["T"] + 1
        allowed = tuple(sizes.get(letter, letter) for letter in letters)
        if array.shape != allowed or 0 in array.shape:
            raise ValueError(
                f"{name} must have shape ({', '.join(letters)}) = "
                f"({', '.join(map(str, allowed))}), each at least 1, got {array.shape}"
            )
