"""Losses and gradients, right and wrong, for ``catches_wrong_gradient``; ways to compare them."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np

from unrolled.core.validate import Array
from unrolled.exercises.bptt._elman import states_of
from unrolled.exercises.grading import edited

LossAndGradient = Callable[[Array, Array, Array, Array], tuple[Any, Any, Any, Any]]


def plain(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps once from the last step to the first, and sums over steps and sequences."""
    h = states_of(x, np.zeros((x.shape[1], len(b))), W, U, b)
    E = (h**2).sum() / 2
    dW, dU, db = 0 * W, 0 * U, 0 * b
    later = np.zeros(h[0].shape)
    for t in range(len(x), 0, -1):
        da = (h[t] + later) * (1 - h[t] ** 2)
        dW = dW + da.T @ x[t - 1]
        dU = dU + da.T @ h[t - 1]
        db = db + da.sum(axis=0)
        later = da @ U
    return E, dW, dU, db


def sums_after_the_sweep(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Sweeps first, then sums over all steps at once: the same up to rounding, in views."""
    h = states_of(x, np.zeros((x.shape[1], len(b))), W, U, b)
    rows = [h[-1] * (1 - h[-1] ** 2)]
    for state in h[-2:0:-1]:
        rows.append((state + rows[-1] @ U) * (1 - state**2))
    da = np.concatenate(rows[::-1])
    before, inputs = h[:-1].reshape(da.shape), x.reshape(len(da), -1)
    E = sum((state**2).sum() for state in h) / 2
    return [E, (inputs.T @ da).T, (before.T @ da).T, np.ones(len(da)) @ da]


def _bug(says: str, edits: dict[str, str]) -> LossAndGradient:
    return edited(plain, edits, says)


def _spoils(says: str, line: str) -> LossAndGradient:
    """Spoil the right derivatives just before they are returned."""
    return _bug(says, {"    return": f"    {line}\n    return"})


def _three_steps_back(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Carries an error back through three steps at most, its own included."""
    h = states_of(x, np.zeros((x.shape[1], len(b))), W, U, b)
    slope = 1 - h[1:] ** 2
    part = h[1:] * slope
    da = part.copy()
    for lag in (1, 2):
        part = (part[1:] @ U) * slope[:-lag]
        da[: len(part)] += part
    product = "tbi,tbj->ij"
    dW, dU = np.einsum(product, da, x), np.einsum(product, da, h[:-1])
    return (h**2).sum() / 2, dW, dU, da.sum(axis=(0, 1))


BUGGY = [
    _bug("Carries nothing back from a step to the step before it.", {"(h[t] + later)": "h[t]"}),
    _bug(
        "Writes = where += belongs, so that only the first step's part is left.",
        {"= dW + da": "= da", "= dU + da": "= da", "= db + da": "= da"},
    ),
    _bug(
        "Goes back from step to step through the transpose of what is right.",
        {"da @ U": "da @ U.T"},
    ),
    _bug(
        "Takes the slope of tanh at the state before the step, 1 - h_{t-1}**2.",
        {"(1 - h[t] ** 2)": "(1 - h[t - 1] ** 2)"},
    ),
    _bug("Adds to what it carries back, with += where = belongs.", {"later = da": "later += da"}),
    _spoils(
        "Divides the derivatives by the number of sequences, though the loss is a sum.",
        "dW, dU, db = (each / x.shape[1] for each in (dW, dU, db))",
    ),
    _bug("Returns dU transposed.", {"return E, dW, dU": "return E, dW, dU.T"}),
    _bug(
        "Makes dU from the state after the step; dW and db are right.",
        {"da.T @ h[t - 1]": "da.T @ h[t]"},
    ),
    _bug(
        "Makes dW from the input of the step before; dU and db are right.",
        {"x[t - 1]": "x[t - 2]"},
    ),
    _bug(
        "Makes db from the last step alone; dW and dU are right.",
        {"db = db + da.sum(axis=0)": "db = da.sum(axis=0) if t == len(x) else db"},
    ),
    _bug(
        "Returns a row of db for each sequence, without the sum over the batch.",
        {"da.sum(axis=0)": "da"},
    ),
    _three_steps_back,
    _spoils("Returns minus the gradient.", "dW, dU, db = -dW, -dU, -db"),
    _spoils(
        "Returns twice the gradient: it forgets the half in E.",
        "dW, dU, db = 2 * dW, 2 * dU, 2 * db",
    ),
    _spoils("Leaves out the diagonal of dU.", "np.fill_diagonal(dU, 0)"),
    _bug(
        "Counts the first sequence once for each of the sequences.",
        {"    dW, dU": "    x, h = x[:, [0] * x.shape[1]], h[:, [0] * x.shape[1]]\n    dW, dU"},
    ),
    _bug(
        "Leaves b out when it runs forward again for the way back; E is right.",
        {"    dW, dU": "    h = states_of(x, h[0], W, U, 0 * b)\n    dW, dU"},
    ),
    _spoils(
        "Numbers the units from the last to the first in dW, dU and db.",
        "dW, dU, db = dW[::-1], dU[::-1, ::-1], db[::-1]",
    ),
    _spoils("Loses the signs of the derivatives.", "dW, dU, db = map(np.abs, (dW, dU, db))"),
    *(
        _spoils(f"Leaves out {words}: zeros stand there.", f"{place} = 0")
        for place, words in {
            "dW[0]": "the first row of dW",
            "dW[-1]": "the last row of dW",
            "dW[:, 0]": "the first column of dW",
            "dW[:, -1]": "the last column of dW",
            "dU[np.triu_indices(len(dU), 1)]": "what stands above the diagonal of dU",
            "dU[np.tril_indices(len(dU), -1)]": "what stands below the diagonal of dU",
            "dU[-1]": "the last row of dU",
            "dU[:, -1]": "the last column of dU",
            "db[0]": "the first number of db",
            "db[-1]": "the last number of db",
        }.items()
    ),
]


def plain_sum(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Takes the sum of all parameters for the loss, of which all derivatives are 1."""
    return sum(each.sum() for each in (W, U, b)), *(np.ones(np.shape(each)) for each in (W, U, b))


def sum_of_squares(x: Array, W: Array, U: Array, b: Array) -> Any:
    """Takes half the sum of the squares of all parameters for the loss."""
    return sum((each**2).sum() for each in (W, U, b)) / 2, W.copy(), U.copy(), b.copy()


def point(T: int = 6, B: int = 2, I: int = 3, H: int = 4) -> list[Array]:  # noqa: E741
    """Draw x, W, U and b at which a test looks."""
    draw = np.random.default_rng(3).normal
    return [draw(size=shape) for shape in ((T, B, I), (H, I), (H, H), (H,))]


def compare(
    implementation: LossAndGradient,
    here: Sequence[Array],
    names: str = "WUb",
    *,
    one_sided: bool = False,
    step: float = 1e-4,
) -> None:
    """Compare derivatives with differences, along one direction in each parameter named."""
    rng = np.random.default_rng(2)
    x, *weights = here
    E, *gradient = implementation(x, *weights)
    for k in map("WUb".index, names):
        direction = rng.normal(size=weights[k].shape)

        def loss(by: float, k: int = k, direction: Array = direction) -> Any:
            moved = [w + by * direction if i == k else w for i, w in enumerate(weights)]
            return implementation(x, *moved)[0]

        up, down = loss(step), E if one_sided else loss(-step)
        slope = (up - down) / (step if one_sided else 2 * step)
        assert np.isclose(np.vdot(gradient[k], direction), slope, rtol=1e-5, atol=1e-6)


def pairs(implementation: LossAndGradient) -> Iterator[tuple[Array, Array]]:
    """Yield dW, dU and db beside the true ones, by complex steps."""
    x, *weights = point(T=5, I=2, H=3)
    for k, derivative in enumerate(implementation(x, *weights)[1:]):
        slopes = np.zeros(weights[k].shape)
        for index in np.ndindex(slopes.shape):
            moved = [each.astype(complex) for each in weights]
            moved[k][index] += 1e-30j
            slopes[index] = implementation(x, *moved)[0].imag / 1e-30
        yield derivative, slopes
