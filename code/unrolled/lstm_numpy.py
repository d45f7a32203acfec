r"""Long short-term memory in NumPy, forward and backward: the form that the chapter derives.

A layer with a forget gate and no peepholes, the one that ``torch.nn.LSTM`` computes:

.. math:: a_t = W x_t + U h_{t-1} + b, \qquad
    i_t = \sigma(a^i_t), \quad f_t = \sigma(a^f_t), \quad
    g_t = \tanh(a^g_t), \quad o_t = \sigma(a^o_t),

.. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t),

where :math:`a_t` is :math:`a^i_t, a^f_t, a^g_t, a^o_t` stacked: gate order i, f, g, o.
:func:`step` and :func:`forward` compute it, :func:`step_backward` and :func:`backward` the
gradient, exact and not truncated; :func:`carousel` and :func:`cell_gradient` say how much of
a cell's past is left in it, along the cell alone and by every way.

A gate can be forced: ``force={"f": 1.0}`` holds f at 1. It then depends on nothing, and nothing
goes back through it. With f forced to 1 the cell has no forget gate, as that of 1997 had none.

All are real-analytic and take complex arrays too, as :mod:`unrolled.bptt` does. The logistic
function is exact to about 1e-16, absolutely: a gate that is nearer to 0 is shut.

Hochreiter and Schmidhuber 1997; the forget gate: Gers, Schmidhuber and Cummins 2000.
"""

from __future__ import annotations

from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

import numpy as np

from unrolled.bptt import Array
from unrolled.core.kinds import instance, mapping
from unrolled.core.validate import floating, real


class Weights(NamedTuple):
    """Parameters of the layer, or the derivatives of a loss with respect to them.

    Attributes
    ----------
    W
        ``(4H, I)`` input weights; the rows of the gates i, f, g, o, in this order.
    U
        ``(4H, H)`` recurrent weights, likewise.
    b
        ``(4H,)`` bias, likewise: the sum of the two that ``torch.nn.LSTM`` has.
    """

    W: Array
    U: Array
    b: Array


class Gates(NamedTuple):
    """Values of the gates, each ``(B, H)`` for one step, ``(T, B, H)`` for all.

    Attributes
    ----------
    i
        Input gate, in (0, 1).
    f
        Forget gate, in (0, 1): 1 keeps.
    g
        Candidate, in (-1, 1); not a gate, though it is stacked among them.
    o
        Output gate, in (0, 1).
    """

    i: Array
    f: Array
    g: Array
    o: Array


NOTHING: Mapping[str, float] = MappingProxyType({})
"""No gate is forced."""


class Trace(NamedTuple):
    """What a run leaves behind for the sweep back.

    Attributes
    ----------
    h, c
        ``(T + 1, B, H)`` hidden and cell states, ``h[t]`` is :math:`h_t`.
    gates
        ``(T, B, H)`` each; step t is at ``t - 1``, as in ``x``.
    force
        The gates that were forced, and at what.
    """

    h: Array
    c: Array
    gates: Gates
    force: Mapping[str, float]


def step(
    x: Array, h: Array, c: Array, weights: Weights, *, force: Mapping[str, float] = NOTHING
) -> tuple[Array, Array, Gates]:
    r"""Take one step.

    .. math:: c_t = f_t \odot c_{t-1} + i_t \odot g_t, \qquad h_t = o_t \odot \tanh(c_t)

    Parameters
    ----------
    x
        ``(B, I)`` input :math:`x_t`.
    h, c
        ``(B, H)`` hidden and cell state before the step, :math:`h_{t-1}` and :math:`c_{t-1}`.
    weights
        The layer.
    force
        Constants that replace gates: by name, ``i``, ``f`` and ``o`` from 0 to 1, ``g`` from
        -1 to 1.

    Returns
    -------
    h, c, gates
        ``(B, H)`` each: the states after the step, and the gates.

    Raises
    ------
    TypeError
        If an argument is not an array of floating-point or complex numbers.
    ValueError
        If a number is not finite, shapes do not fit, or ``force`` names no gate or a value that a
        gate cannot take. Both hold for every function here.
    """
    _demand(weights, x=("B I", x), h=("B H", h), c=("B H", c))
    _demand_force(force)
    W, U, b = weights
    i, f, g, o = np.split(x @ W.T + h @ U.T + b, 4, axis=1)
    gates = Gates(_logistic(i), _logistic(f), np.tanh(g), _logistic(o))
    gates = gates._replace(**{name: np.full_like(i, value) for name, value in force.items()})
    c = gates.f * c + gates.i * gates.g
    return gates.o * np.tanh(c), c, gates


def forward(
    x: Array, h0: Array, c0: Array, weights: Weights, *, force: Mapping[str, float] = NOTHING
) -> Trace:
    """Run the layer over a batch of sequences: :func:`step` T times.

    Parameters
    ----------
    x
        ``(T, B, I)`` inputs.
    h0, c0
        ``(B, H)`` initial states.
    weights, force
        As in :func:`step`; a gate is forced at every step.

    Returns
    -------
    States and gates. The outputs are ``h[1:]``, the last state is ``h[-1], c[-1]``.
    """
    _demand(weights, x=("T B I", x), h0=("B H", h0), c0=("B H", c0))
    hs, cs, gates = [h0], [c0], []
    for x_t in x:
        h, c, gates_t = step(x_t, hs[-1], cs[-1], weights, force=force)
        hs.append(h)
        cs.append(c)
        gates.append(gates_t)
    each = Gates(*map(np.stack, zip(*gates, strict=True)))
    return Trace(np.stack(hs), np.stack(cs), each, dict(force))


def step_backward(
    dh: Array,
    dc: Array,
    before: Array,
    after: Array,
    gates: Gates,
    weights: Weights,
    *,
    force: Mapping[str, float] = NOTHING,
) -> tuple[Array, Array, Array]:
    r"""Take one step back.

    With :math:`\delta h_t` all that the loss says of :math:`h_t`, and :math:`\delta c_t` all that
    it says of :math:`c_t`, which is ``dc`` and what comes through :math:`h_t`:

    .. math:: \delta c_t = \mathtt{dc} + o_t \odot (1 - \tanh^2 c_t) \odot \delta h_t,

    .. math::
        \delta a^i_t &= i_t (1 - i_t) \odot g_t \odot \delta c_t, &\qquad
        \delta a^f_t &= f_t (1 - f_t) \odot c_{t-1} \odot \delta c_t, \\
        \delta a^g_t &= (1 - g_t^2) \odot i_t \odot \delta c_t, &
        \delta a^o_t &= o_t (1 - o_t) \odot \tanh(c_t) \odot \delta h_t,

    and 0 for a forced gate. Before the step the loss says :math:`U^\top \delta a_t` of
    :math:`h_{t-1}` and, past it, :math:`f_t \odot \delta c_t` of :math:`c_{t-1}`.

    Parameters
    ----------
    dh
        ``(B, H)`` :math:`\delta h_t`.
    dc
        ``(B, H)`` what the loss says of :math:`c_t` other than through :math:`h_t`.
    before, after
        ``(B, H)`` cell state before and after the step, :math:`c_{t-1}` and :math:`c_t`.
    gates
        ``(B, H)`` each, of this step.
    weights, force
        As in :func:`step`.

    Returns
    -------
    da, dh, dc
        ``(B, 4H)`` :math:`\delta a_t`; ``(B, H)`` each, what the next step back takes: ``dh``
        still lacks what the loss says of the output :math:`h_{t-1}` itself.
    """
    states = {"dh": dh, "dc": dc, "before": before, "after": after} | _named("gates", gates)
    _demand(weights, **{name: ("B H", each) for name, each in states.items()})
    _demand_force(force)
    i, f, g, o = gates
    s = np.tanh(after)
    dc = dc + dh * o * (1 - s**2)
    da = Gates(
        i=dc * g * i * (1 - i),
        f=dc * before * f * (1 - f),
        g=dc * i * (1 - g**2),
        o=dh * s * o * (1 - o),
    )
    da = da._replace(**{name: np.zeros_like(dc) for name in force})
    stacked = np.concatenate(da, axis=1)
    return stacked, stacked @ weights.U, dc * f


def backward(
    dh: Array, dc: Array, x: Array, trace: Trace, weights: Weights
) -> tuple[Weights, Array, Array, Array]:
    r"""Return the gradient of a loss: backpropagation through time, :func:`step_backward` T times.

    .. math:: \frac{\partial E}{\partial W} = \sum_t \delta a_t x_t^\top, \quad
        \frac{\partial E}{\partial U} = \sum_t \delta a_t h_{t-1}^\top, \quad
        \frac{\partial E}{\partial b} = \sum_t \delta a_t, \quad
        \frac{\partial E}{\partial x_t} = W^\top \delta a_t

    Parameters
    ----------
    dh
        ``(T, B, H)`` derivatives of the loss with respect to the outputs :math:`h_1 \dots h_T`,
        each by itself. The last is the last hidden state too: what the loss says of either adds up.
    dc
        ``(B, H)`` derivative with respect to the last cell state :math:`c_T`; zeros where the loss
        does not look at it.
    x
        As in :func:`forward`.
    trace
        What it returned.
    weights
        The layer.

    Returns
    -------
    gradient, dx, dh0, dc0
        Derivatives with respect to the weights, in their shapes; ``(T, B, I)`` with respect to
        the inputs; ``(B, H)`` each with respect to the initial states.
    """
    _demand_trace(trace, weights, x=("T B I", x), dh=("T B H", dh), dc=("B H", dc))
    carried, stacked = np.zeros_like(dc), []  # what the future says of h_t, then every δa
    for t in range(len(x), 0, -1):  # step t: x[t - 1] and the gates, but h[t] and c[t]
        gates = Gates(*(each[t - 1] for each in trace.gates))
        da, carried, dc = step_backward(
            dh[t - 1] + carried, dc, trace.c[t - 1], trace.c[t], gates, weights, force=trace.force
        )
        stacked.append(da)
    das = np.stack(stacked[::-1])
    dW = np.einsum("tba,tbi->ai", das, x)  # the same W at every step: the sum over time
    dU = np.einsum("tba,tbh->ah", das, trace.h[:-1])
    return Weights(dW, dU, das.sum(axis=(0, 1))), das @ weights.W, carried, dc


def carousel(f: Array) -> Array:
    r"""Return how much of each cell state is left in the last one along the cell alone.

    .. math:: \left.\frac{\partial c_T}{\partial c_k}\right|_{\text{gates held}}
        = \operatorname{diag} \prod_{t=k+1}^{T} f_t

    The path from :math:`c_t` to :math:`c_{t+1}` that meets no weight and no nonlinearity: with f
    at 1 the factor is 1 over any number of steps, the constant error carousel of Hochreiter and
    Schmidhuber 1997. It is the whole gradient where U is 0.

    Parameters
    ----------
    f
        ``(T, B, H)`` forget gates, ``trace.gates.f``; ``trace.gates.f[:t]`` gives how much is left
        in :math:`c_t`.

    Returns
    -------
    ``(T + 1, B, H)`` the factor of :math:`c_k` at ``k``, for the unit's own earlier state; units do
    not mix. At ``T`` it is 1.
    """
    _demand_shapes(f=("T B H", f))
    back = np.concatenate([np.ones_like(f[:1]), f[::-1]])
    return np.cumprod(back, axis=0)[::-1]


def cell_gradient(trace: Trace, weights: Weights) -> Array:
    r"""Return the derivative of the last cell state with respect to each, by every way.

    :math:`\partial c_T / \partial c_k` of the sequence as it runs: along the cell, and out through
    :math:`h_k = o_k \odot \tanh(c_k)` and back in at the gates of later steps. :math:`h_0` is
    given and does not follow :math:`c_0`, so for k = 0 the way out is from step 1 on. What
    :func:`carousel` leaves out is the difference to its diagonal matrix.

    By one sweep back for all H rows, each a sequence of a larger batch. Time O(T H³) and memory
    O(T H²) per sequence.

    Parameters
    ----------
    trace
        What :func:`forward` returned.
    weights
        The layer.

    Returns
    -------
    ``(T + 1, B, H, H)``; row: unit of :math:`c_T`, column: of :math:`c_k`, at ``k``.
    """
    _demand_trace(trace, weights)
    last, B, H = trace.c.shape
    c, *gates = (np.tile(each, (1, H, 1)) for each in (trace.c, *trace.gates))
    dc = np.repeat(np.eye(H, dtype=c.dtype), B, axis=0)
    dh, gradients = np.zeros_like(dc), []
    for t in range(last - 1, 0, -1):
        now = Gates(*(each[t - 1] for each in gates))
        gradients.append(dc + dh * now.o * (1 - np.tanh(c[t]) ** 2))
        _, dh, dc = step_backward(dh, dc, c[t - 1], c[t], now, weights, force=trace.force)
    gradients.append(dc)
    return np.stack(gradients[::-1]).reshape(last, H, B, H).swapaxes(1, 2)


def _logistic(a: Array) -> Array:
    return (1 + np.tanh(a / 2)) / 2  # no exponential to overflow


def _demand_force(force: Mapping[str, float]) -> None:
    for name, value in mapping("force", force).items():
        if name not in Gates._fields:
            raise ValueError(
                f"force must name gates among {', '.join(Gates._fields)}, got {name!r}"
            )
        least = -1 if name == "g" else 0
        if not least <= real(f"force[{name!r}]", value) <= 1:
            raise ValueError(f"force[{name!r}] must be from {least} to 1, got {value:g}")


def _demand_trace(trace: Trace, weights: Weights, **arrays: tuple[str, Array]) -> None:
    for name, each in _named("trace.gates", instance("trace", trace, Trace).gates).items():
        arrays[name] = ("T B H", each)
    states = {"trace.h": ("T+1 B H", trace.h), "trace.c": ("T+1 B H", trace.c)}
    _demand(weights, **arrays, **states)


def _named(name: str, gates: Gates) -> dict[str, Array]:
    return {
        f"{name}.{field}": each for field, each in instance(name, gates, Gates)._asdict().items()
    }


def _demand(weights: Weights, **arrays: tuple[str, Array]) -> None:
    """Raise unless every array has the shape that the weights and those before ask of it."""
    W, U, b = instance("weights", weights, Weights)
    _demand_shapes(U=("4H H", U), W=("4H I", W), b=("4H", b), **arrays)


def _demand_shapes(**arrays: tuple[str, Array]) -> None:
    """Raise unless every array has the shape that those before ask of it."""
    sizes: dict[str, int] = {}
    for name, (shape, array) in arrays.items():
        floating(name, array)
        letters = shape.split()
        if array.ndim == len(letters):
            for letter, size in zip(letters, array.shape, strict=True):
                sizes.setdefault(letter, size)
            sizes |= {"4H": 4 * sizes["H"]} if "H" in sizes else {}
            sizes |= {"T+1": sizes["T"] + 1} if "T" in sizes else {}
        allowed = tuple(sizes.get(letter, letter) for letter in letters)
        if array.shape != allowed or 0 in array.shape:
            raise ValueError(
                f"{name} must have shape ({', '.join(letters)}) = "
                f"({', '.join(map(str, allowed))}), each at least 1, got {array.shape}"
            )
