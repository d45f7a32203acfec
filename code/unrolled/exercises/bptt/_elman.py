"""Elman's network forward and back, and what is said of a gradient right before its return."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np

from unrolled.core.validate import Array

Property = Callable[..., bool]


def states_of(x: Array, h: Array, W: Array, U: Array, b: Array) -> Array:
    """Run Elman's network over x from the state h: h itself and the states after it."""
    states = [h]
    for x_t in x:
        states.append(np.tanh(x_t @ W.T + states[-1] @ U.T + b))
    return np.stack(states)


def sweep(direct: Array, x: Array, h: Array, W: Array, U: Array) -> tuple[Array, ...]:
    """Go back through those states: the derivatives by W, U, b and the first state."""
    dW, dU, db = np.zeros_like(W), np.zeros_like(U), np.zeros(len(U))
    later = np.zeros_like(h[0])  # what the steps after t say of h_t
    for t in range(len(x), 0, -1):
        da = (direct[t - 1] + later) * (1 - h[t] ** 2)
        dW += da.T @ x[t - 1]
        dU += da.T @ h[t - 1]
        db += da.sum(axis=0)
        later = da @ U
    return dW, dU, db, later


def unclipped(solution: Callable[..., Any]) -> Property:
    """Make a property: no part of the result is the right one with its large numbers cut."""

    def is_unclipped(result: tuple[Array, ...], *case: Any) -> bool:
        """The large numbers are cut to a bound, and the others are right.

        Clipping is for who trains, and comes later: return the gradient as it is.
        """
        pairs = zip(result, solution(*case), strict=True)
        return not any(_is_clipped(got, want) for got, want in pairs)

    return is_unclipped


def _is_clipped(got: Array, want: Array) -> bool:
    bound = np.abs(got).max()
    cut = np.abs(want) > 1.001 * bound
    return bool(bound and cut.sum() > 1 and np.allclose(got, np.clip(want, -bound, bound)))


def unscaled(solution: Callable[..., Any]) -> Property:
    """Make a property: the result is not a multiple of the right one."""

    def is_unscaled(result: tuple[Array, ...], *case: Any) -> bool:
        """All numbers are the right ones times one factor.

        Likely: a mean was taken where a sum is asked for, over steps, sequences or chunks; a sign
        was lost; or the gradient was scaled to a norm, which is for who trains.
        """
        want = np.concatenate([part.ravel() for part in solution(*case)])
        got = np.concatenate([part.ravel() for part in result])
        factor = got @ want / (want @ want or 1.0)
        return not factor or not np.allclose(got, factor * want, rtol=1e-6, atol=0)

    return is_unscaled
