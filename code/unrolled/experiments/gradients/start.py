"""What of a better start helps to recall a bit: its spectral radius, its evenness, its biases."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import torch
from torch import Tensor
from torch.nn.functional import binary_cross_entropy_with_logits

from unrolled.data import Batches, cue
from unrolled.experiments.gradients._recall import recall_network
from unrolled.experiments.gradients.opening import _first, solved
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip, Trials
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference, Rate
from unrolled.gradients import gaussian, orthogonal, spectral_radius
from unrolled.training import device


def recall_by_start(
    seed: int, *, lag: int, starts: Sequence[str], rate: float, updates: int
) -> dict[str, list[float]]:
    """Train tanh networks to recall a bit, from several starts of the recurrent weights.

    The networks of one seed share all first weights but the recurrent ones, and see the same
    sequences. Each start serves twice: with torch's biases, and with biases of the layer at 0.

    Returns
    -------
    For each of ``starts`` and either kind of biases (``torch`` and ``zero``): whether the network
    learned, and the updates until the mean of ten losses was below 0.1 bits, or all of them
    (``updates, torch`` and ``updates, zero``). ``radius``: the spectral radius of each start.
    """
    weights = [first_weights(start, seed) for start in starts]
    losses = learn_side_by_side(
        weights * 2,
        [False] * len(starts) + [True] * len(starts),
        lag=lag,
        rate=rate,
        seed=seed,
        updates=updates,
    )
    found: dict[str, list[float]] = {"radius": [float(spectral_radius(U)) for U in weights]}
    for name, part in (("torch", losses[: len(starts)]), ("zero", losses[len(starts) :])):
        found[name] = [solved(each) for each in part]
        found[f"updates, {name}"] = [float(_first(each)) for each in part]
    return found


def first_weights(start: str, seed: int, hidden: int = 32) -> Tensor:
    """Return recurrent weights by the name of a start; see ``CLAIM``."""
    if start.endswith("orthogonal"):
        scale = float(start.removesuffix("orthogonal").strip(" ×") or 1)
        return scale * orthogonal(hidden, seed=seed + 4_000_000)
    if start == "Gaussian":
        return gaussian(hidden, std=hidden**-0.5, seed=seed + 4_000_000)
    U: Tensor = recall_network(seed, hidden=hidden).layer.cell.weight_hh.detach().cpu()
    if start == "usual":
        return U
    if start == "usual, radius 1":
        return U / spectral_radius(U)
    raise ValueError(f"start must be one of the claim's, got {start!r}")


def learn_side_by_side(
    weights: Sequence[Tensor],
    silent: Sequence[bool],
    *,
    lag: int,
    rate: float,
    seed: int,
    updates: int,
) -> list[list[float]]:
    """Do what ``learn_recall`` does to several networks at once, and return their losses in bits.

    Parameters
    ----------
    weights
        Recurrent weights, ``(H, H)``, of each network. All else is that of ``recall_network``.
    silent
        For each network, whether its layer's biases are set to 0.
    lag, rate, seed, updates
        As for ``learn_recall``.
    """
    cell, read = _parts(seed)
    many = len(weights)
    heard = torch.tensor([0.0 if each else 1.0 for each in silent])[:, None, None]
    W, b, c = (_copies(part, many) for part in (cell.weight_ih.mT, cell.bias_ih, cell.bias_hh))
    V, v = _copies(read.weight.mT, many), _copies(read.bias, many)
    U = torch.stack([each.mT for each in weights])
    parameters = [part.to(device()).requires_grad_() for part in (W, U, b * heard, c * heard, V, v)]
    W, U, b, c, V, v = parameters
    optimizer = torch.optim.Adam(parameters, lr=rate)
    bits = cue(64 * updates, lag=lag, length=lag + 1, seed=seed)
    losses = []
    for x, y in Batches(*bits, size=64, seed=seed).epoch(0):
        x, y = (torch.as_tensor(part).to(device()) for part in (x, y))
        steps = (x.transpose(0, 1).flatten(0, 1) @ W + b + c).reshape(many, lag + 1, len(y), -1)
        h = x.new_zeros(many, len(y), U.shape[-1])
        for driven in steps.unbind(1):
            h = torch.tanh(torch.baddbmm(driven, h, U))
        logits = (h @ V + v)[..., 0]
        E = binary_cross_entropy_with_logits(logits, y.expand_as(logits), reduction="none").mean(1)
        optimizer.zero_grad()
        E.sum().backward()  # type: ignore[no-untyped-call]
        optimizer.step()
        losses.append(E.detach().cpu().double() / float(np.log(2)))
    found: list[list[float]] = torch.stack(losses, 1).tolist()
    return found


def _parts(seed: int) -> tuple[Any, Any]:
    """Return the cell and the readout whose first weights the networks of a seed share."""
    model = recall_network(seed).cpu()
    return model.layer.cell, model.read


def _copies(part: Tensor, many: int) -> Tensor:
    """Return copies of a matrix ``(n, m)``, or of a vector as ``(1, m)``, for many networks."""
    matrix = part.detach() if part.ndim == 2 else part.detach()[None]
    return matrix.repeat(many, 1, 1)


def _by_radius_and_biases(runs: list[Measurement]) -> bool:
    """Whether the radius decides with either kind of biases, and zeros help if orthogonal."""
    shares = [stack(runs, biases).mean(axis=0) for biases in ("torch", "zero")]
    by_radius = all(
        max(usual, small) <= 0.3 and min(scaled, normal, even) >= 0.5
        for usual, scaled, normal, even, small in shares
    )
    drawn, zero = (share[_STARTS.index("orthogonal")] for share in shares)
    return bool(by_radius and zero >= 0.9 and round(zero - drawn, 9) >= 0.2)


_STARTS = ["usual", "usual, radius 1", "Gaussian", "orthogonal", "0.6 × orthogonal"]

CLAIM = Claim(
    sentence=(
        "At a rate of 0.003, tanh networks mostly learn to recall a bit over 40 steps from "
        "recurrent weights whose spectral radius is about 1, and seldom from a radius of about "
        "0.6, orthogonal up to that factor or not. Beside orthogonal weights, biases of 0 help."
    ),
    experiment=recall_by_start,
    criterion=(
        "With torch's biases and with biases of 0, each on its own: from torch's usual start and "
        "from 0.6 times an orthogonal one at most three in ten learn; from the usual start divided "
        "by its spectral radius, from a Gaussian one of gain 1 and from an orthogonal one at least "
        "half. And from an orthogonal one with biases of 0 at least nine in ten, which are at "
        "least two in ten more than with torch's. Learned: a loss below 0.1 bits over the last 20 "
        "of 600 updates."
    ),
    holds=_by_radius_and_biases,
    seeds={"quick": range(10, 11), "book": range(48, 58), "confirm": range(7108, 7118)},
    settings={
        "quick": {"lag": 10, "starts": _STARTS, "rate": 0.003, "updates": 40},
        "book": {"lag": 40, "starts": _STARTS, "rate": 0.003, "updates": 600},
    },
    strips=[
        Strip(
            axis="Updates until it learned, 600: not",
            rows=[
                Row("updates, torch", "{}, torch's biases", over="starts"),
                Row("updates, zero", "{}, biases 0", over="starts"),
            ],
            limits=(0, 600),
        )
    ],
    compared=[
        Difference(
            label="learned with biases 0, radius 1 against usual",
            first=Rate(label="usual, radius 1", quantity=("zero", 1)),
            second=Rate(label="usual", quantity=("zero", 0)),
        ),
        Difference(
            label="learned with biases 0, orthogonal against radius 1",
            first=Rate(label="orthogonal", quantity=("zero", 3)),
            second=Rate(label="usual, radius 1", quantity=("zero", 1)),
        ),
        Difference(
            label="learned from orthogonal weights, biases 0 against torch's",
            first=Rate(label="biases 0", quantity=("zero", 3)),
            second=Rate(label="torch's biases", quantity=("torch", 3)),
        ),
        Difference(
            label="learned from radius 1, biases 0 against torch's",
            first=Rate(label="biases 0", quantity=("zero", 1)),
            second=Rate(label="torch's biases", quantity=("torch", 1)),
        ),
    ],
    trials=Trials(
        60,
        where="a reader's program, with nn.RNN and other sequences, five runs with biases 0 and "
        "five with torch's: usual none and one learned, at radius 1 four and four, Gaussian three "
        "and five, Gaussian scaled to radius 1 four and three, orthogonal five and five, "
        "0.6 times orthogonal one and one",
    ),
    deviations=[
        "A first record of 16 runs asked nine in ten of the orthogonal start, over both kinds of "
        "biases, and fell when confirmed: it learned in all 16 runs with biases of 0 and in 11 "
        "with torch's. So the biases were asked about on their own, at other seeds.",
        "No paper states it so. One size, one length, one optimiser, one rate, no clipping.",
        "The networks of a seed share their sequences and all other first weights.",
    ],
)
