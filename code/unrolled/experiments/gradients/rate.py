"""The factor per step by which a gradient's norm falls or grows, and what predicts it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from torch import Tensor

from unrolled.core.validate import Array, random_seed
from unrolled.experiments.gradients._jacobians import tanh_jacobians
from unrolled.experiments.ledger import Claim, Row, Strip, Trials, Tuned
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.gradients import gaussian, gradient_norms, lyapunov_exponents, spectral_radius


def gradient_rates(
    seed: int,
    *,
    hidden: int,
    gains: Sequence[float],
    steps: int,
    sequences: int,
    drive: float,
) -> dict[str, list[float]]:
    """Fit the rate at which a gradient's norm falls or grows with distance; predict it.

    Networks of one random matrix, scaled to each of ``gains``, once linear and once with tanh.
    The rate is fitted by least squares to the logarithm of the norm over the distances from a fifth
    of ``steps`` on. The prediction for tanh, the largest Lyapunov exponent, is measured on other
    inputs than the norms are.

    Returns
    -------
    For each of ``gains``: the fitted factor per step (``linear fitted``, ``tanh fitted``), the
    predicted (``linear predicted``: the spectral radius; ``tanh predicted``), their ratio
    (``linear ratio``, ``tanh ratio``), the ratio of the factors fitted to the far and the near half
    of the distances (``linear bend``, ``tanh bend``), and ``tanh over radius``: the fitted factor
    of the tanh network relative to the spectral radius.
    """
    found: dict[str, list[float]] = {}
    for gain in gains:
        U = gaussian(hidden, std=gain / hidden**0.5, seed=seed, dtype=torch.float64)
        norms_of = partial(
            norms_by_distance,
            U,
            steps=steps,
            sequences=sequences,
            seed=seed + 3_000_000,
            drive=drive,
        )
        radius = float(spectral_radius(U))
        exponent = _exponent(
            U, steps=steps, sequences=sequences, drive=drive, seed=seed + 2_000_000
        )
        first, half = steps // 5, 3 * steps // 5
        for name, predicted in (("linear", radius), ("tanh", exponent)):
            norms = norms_of(tanh=name == "tanh")
            fitted = _rate(norms, first, steps)
            for key, value in (
                ("fitted", fitted),
                ("predicted", predicted),
                ("ratio", fitted / predicted),
                ("bend", _rate(norms, half, steps) / _rate(norms, first, half)),
            ):
                found.setdefault(f"{name} {key}", []).append(value)
        found.setdefault("tanh over radius", []).append(found["tanh fitted"][-1] / radius)
    return found


def norms_by_distance(
    U: Tensor, *, steps: int, sequences: int, seed: int, tanh: bool = True, drive: float = 1.0
) -> Array:
    r"""Measure how the gradient's norm depends on the distance it has come.

    The error is a random direction at the last step, :math:`E = v^\top h_T`; the network runs on
    noise, see ``states_of``.

    Returns
    -------
    ``(steps + 1,)`` mean over sequences of
    :math:`\log \lVert \partial E/\partial h_{T-d} \rVert`, for d = 0 to ``steps``.
    """
    states, _ = states_of(
        U.double(), steps=steps, sequences=sequences, seed=seed, tanh=tanh, drive=drive
    )
    generator = torch.Generator().manual_seed(seed + 1_000_000)
    v = torch.randn(states[-1].shape, generator=generator, dtype=torch.float64)
    norms = gradient_norms((v * states[-1]).sum(), states)
    log_norms: Array = norms.log().mean(1).flip(0).numpy()
    return log_norms


def states_of(
    U: Tensor, *, steps: int, sequences: int, seed: int, tanh: bool = True, drive: float = 1.0
) -> tuple[list[Tensor], Tensor]:
    r"""Run a network on noise: :math:`h_t = \varphi(U h_{t-1} + x_t)`, :math:`x_t` normal.

    Parameters
    ----------
    U
        ``(H, H)`` recurrent weights.
    steps, sequences
        Steps in a sequence, and sequences.
    seed
        Seed of the noise.
    tanh
        :math:`\varphi` is tanh; else the network is linear.
    drive
        Standard deviation of each component of :math:`x_t`.

    Returns
    -------
    states, inputs
        ``steps + 1`` states ``(sequences, H)`` as the loop made them, float64, and the inputs
        ``(steps, sequences, H)``.
    """
    H = len(U)
    generator = torch.Generator().manual_seed(random_seed("seed", seed))
    x = drive * torch.randn(steps, sequences, H, generator=generator, dtype=torch.float64)
    states = [torch.zeros(sequences, H, dtype=torch.float64, requires_grad=True)]
    for each in x:
        a = states[-1] @ U.T + each
        states.append(a.tanh() if tanh else a)
    return states, x


def _rate(log_norms: Array, first: int, last: int) -> float:
    """Return the factor per step of a straight line through logarithms of norms."""
    distance = np.arange(first, last + 1)
    return float(np.exp(np.polyfit(distance, log_norms[first : last + 1], 1)[0]))


def _exponent(U: Tensor, *, steps: int, sequences: int, drive: float, seed: int) -> float:
    """Return e to the largest Lyapunov exponent of a tanh network that runs on noise."""
    with torch.no_grad():
        states, _ = states_of(U, steps=steps, sequences=sequences, seed=seed, drive=drive)
    jacobians = tanh_jacobians(torch.stack(states[1:]), U)
    return float(lyapunov_exponents(jacobians)[:, 0].mean().exp())


def _farthest_off(measured: Mapping[str, Any]) -> float:
    """Return the largest deviation of a factor from the predicted one."""
    ratios = [*measured["linear ratio"], *measured["tanh ratio"]]
    return float(max(abs(ratio - 1) for ratio in ratios))


_RANDOM = {"hidden": 32, "gains": [0.5, 1.0, 1.5, 2.0, 3.0], "steps": 500, "drive": 0.5}

CLAIM = Claim(
    sentence=(
        "In random networks driven by noise, a gradient's norm changes geometrically with the "
        "distance it has come. Its factor per step is the spectral radius of $U$ in a linear "
        "network, and $e^\\lambda$ in a tanh network, with $\\lambda$ the largest Lyapunov "
        "exponent on such noise."
    ),
    experiment=gradient_rates,
    criterion=(
        "In every run and at every gain, the fitted factor per step is within 3 % of the "
        "predicted one, and the factors of the near and the far half of the distances are "
        "within 3 % of each other."
    ),
    holds=lambda runs: bool(
        (
            abs(stack(runs, "linear ratio", "tanh ratio", "linear bend", "tanh bend") - 1) <= 0.03
        ).all()
    ),
    seeds={"quick": range(10, 11), "book": range(30, 35), "confirm": range(7000, 7005)},
    settings={
        "quick": {**_RANDOM, "steps": 300, "sequences": 20},
        "book": {**_RANDOM, "sequences": 40},
    },
    strips=[
        Strip(
            axis="Factor per step, predicted = 1",
            rows=[
                Row("linear ratio", "linear, gain {}", over="gains"),
                Row("tanh ratio", "tanh, gain {}", over="gains"),
            ],
            lines={"as predicted": 1.0},
            limits=(0.95, 1.05),
        ),
        Strip(
            axis="tanh factor per step, radius = 1",
            rows=[Row("tanh over radius", "tanh, gain {}", over="gains")],
            lines={"spectral radius": 1.0},
            limits=(0.0, 1.0),
        ),
    ],
    compared=[
        Rate(
            label="every factor within 3 % of the predicted one",
            quantity=_farthest_off,
            at_most=0.03,
        )
    ],
    tuned=[
        Tuned(
            arm="every network",
            setting="standard deviation of the inputs",
            tried=(0.3, 0.5),
            chosen=0.5,
        ),
        Tuned(arm="every network", setting="sequences", tried=(10, 40), chosen=40),
    ],
    trials=Trials(where="other seeds, for the tolerance of 3 %"),
    deviations=[
        "No paper states it so: the first is linear algebra, the second the definition of the "
        "exponent. It is measured on other inputs than the gradients are.",
        "One size, 32 units, and one strength of the inputs; of others nothing is claimed.",
        "A first record failed: at gain 2 the factors of the two halves differed by up to 10 % in "
        "two runs of five. A second, with stronger inputs, more sequences and gain 3 in place of "
        "2, held. This is the third: gain 2 is back, and the seeds are new. "
        "Of the first no record was kept.",
    ],
)
