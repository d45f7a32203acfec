"""How gradients are compared: with central differences, by gaps, angles, slopes."""

from __future__ import annotations

from collections.abc import Callable, Sequence

import numpy as np

from unrolled.bptt import RNN, Array


def normal_network(random: np.random.Generator, I: int, H: int, O: int) -> RNN:  # noqa: E741
    draw = random.standard_normal
    return RNN(draw((H, I)), draw((H, H)), draw(H), draw((O, H)), draw(O))


def central_differences(
    loss: Callable[..., float], at: Sequence[Array], step: float = 1e-5
) -> list[Array]:
    """Return central differences of a loss in every number of every array."""
    gradients = []
    for which, array in enumerate(at):
        gradient = np.empty(array.shape)
        for index in np.ndindex(array.shape):
            sides = []
            for sign in (1, -1):
                moved = array.copy()
                moved[index] += sign * step
                sides.append(loss(*at[:which], moved, *at[which + 1 :]))
            gradient[index] = (sides[0] - sides[1]) / (2 * step)
        gradients.append(gradient)
    return gradients


def largest_gap(ours: Sequence[Array], theirs: Sequence[Array]) -> float:
    """Return the largest difference, each relative to the largest number of its tensor."""
    return max(
        float(np.abs(one - other).max() / (np.abs(other).max() or 1.0))
        for one, other in zip(ours, theirs, strict=True)
    )


def recurrent_part(gradient: RNN) -> Array:
    """Return the derivatives by W and U as one vector."""
    return np.concatenate([gradient.W.ravel(), gradient.U.ravel()])


def angle_between(one: Array, other: Array) -> float:
    """Return the angle between two vectors in degrees."""
    cosine = one @ other / (np.linalg.norm(one) * np.linalg.norm(other))
    return float(np.degrees(np.arccos(np.clip(cosine, -1, 1))))


def log_log_slope(x: Sequence[float], y: Sequence[float]) -> float:
    """Return the slope of log y against log x."""
    return float(np.polyfit(np.log(x), np.log(y), 1)[0])
