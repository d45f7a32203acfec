"""Temporal order learned by plain gradient descent, as Pascanu et al. (2013) do."""

from __future__ import annotations

from collections.abc import Sequence

import torch
from torch import Tensor, nn
from torch.nn.functional import cross_entropy

from unrolled.cells import Elman
from unrolled.core.recurrent import Recurrent
from unrolled.experiments.last_step import LastStepReadout
from unrolled.experiments.temporal_order import class_accuracy, order_batches, order_sequences
from unrolled.gradients import clip_by_norm, omega, sparse
from unrolled.training import seeded


def learn_order(
    seed: int,
    *,
    length: int,
    clip: float | None,
    cut: float | None = None,
    weight: float = 0.0,
    hidden: int = 50,
    rate: float = 0.1,
    batch: int = 20,
    updates: int = 3000,
    every: int = 250,
) -> dict[str, float]:
    r"""Train a tanh network on temporal order by plain gradient descent, as Pascanu et al. 2013 do.

    It starts as their "smart tanh": sparse recurrent weights of spectral radius 0.95, all others
    normal with standard deviation 0.01, biases 0. It stops when it is right on more than 99 % of
    1,000 fresh sequences.

    Parameters
    ----------
    seed
        Seed of first weights and of sequences.
    length
        Steps in a sequence, at least 10.
    clip
        Largest norm of the gradient, all parameters together; None: as it comes.
    cut
        Largest size of any of its elements; None: as they come.
    weight
        Weight of the regulariser, averaged over the steps: what multiplies the gradient of
        ``omega`` is ``weight / (length - 1)``.
    hidden, rate, batch
        Units, learning rate, sequences in an update.
    updates, every
        Most updates, and updates between tests.

    Returns
    -------
    ``best`` accuracy at any test, ``solved`` (1 or 0), ``updates`` made, and ``norm``: the longest
    gradient met, before clipping. A run ends when that reaches 1e30.
    """
    model = seeded(seed, lambda: _smart_tanh(hidden, seed))
    cell = model.layer.cell
    parameters = list(model.parameters())
    x_test, y_test = order_sequences(1000, length, seed + 1_000_000)
    best, longest, done = 0.0, 0.0, 0
    for x, y in order_batches(updates, batch, length, seed):
        gradients = _order_gradients(model, cell, parameters, x, y, weight / (length - 1))
        norm = float(torch.stack([each.norm() for each in gradients]).norm())
        if not norm < 1e30:  # not a number, either
            longest = 1e30
            break
        longest = max(longest, norm)
        if clip is not None:
            gradients, _ = clip_by_norm(gradients, clip)
        if cut is not None:
            gradients = [each.clamp(-cut, cut) for each in gradients]
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=rate)
        done += 1
        if done % every == 0:
            accuracy = class_accuracy(model, x_test, y_test)
            best = max(best, accuracy)
            if best > 0.99:
                break
    return {"best": best, "solved": float(best > 0.99), "updates": done, "norm": longest}


def order_with_clipping(
    seed: int, *, lengths: Sequence[int], clip: float, updates: int
) -> dict[str, list[float]]:
    """Train on temporal order of each length, with and without clipping; see ``learn_order``.

    Returns
    -------
    For each of ``lengths``: the best accuracy (``clipped``, ``as it comes``), the updates made
    (``clipped updates``, ``as it comes updates``), and the longest gradient met (``clipped norm``,
    ``as it comes norm``).
    """
    found: dict[str, list[float]] = {}
    for name, threshold in (("clipped", clip), ("as it comes", None)):
        for length in lengths:
            run = learn_order(seed, length=length, clip=threshold, updates=updates)
            found.setdefault(name, []).append(run["best"])
            found.setdefault(f"{name} updates", []).append(run["updates"])
            found.setdefault(f"{name} norm", []).append(run["norm"])
    return found


class _Watched(Elman):
    """Elman's cell; keeps the projection, whose gradient is that of the pre-activations."""

    def project(self, x: Tensor) -> Tensor:
        self.projected = super().project(x)
        return self.projected


def _smart_tanh(hidden: int, seed: int) -> LastStepReadout:
    model = LastStepReadout(Recurrent(_Watched(6, hidden)), hidden, 4)
    for name, parameter in model.named_parameters():
        if "weight" in name:
            nn.init.normal_(parameter, std=0.01)
        else:
            nn.init.zeros_(parameter)
    with torch.no_grad():
        U = sparse(hidden, seed=seed + 4_000_000, fan_in=min(15, hidden))
        model.layer.cell.weight_hh.copy_(U)
    return model


def _order_gradients(
    model: LastStepReadout,
    cell: _Watched,
    parameters: list[nn.Parameter],
    x: Tensor,
    y: Tensor,
    per: float,
) -> list[Tensor]:
    """Return the gradient of the loss; with ``per`` above 0, of ``loss + per * omega``."""
    if not per:
        return list(torch.autograd.grad(cross_entropy(model(x), y), parameters))
    states = model.layer(x)[0]
    last = states[-1]
    loss = cross_entropy(model.read(last), y)
    *gradients, delta, at_end = torch.autograd.grad(loss, [*parameters, cell.projected, last])
    U = cell.weight_hh.detach()
    # dE/dh of each step: from the step after it; at the last, from the loss itself.
    errors = torch.cat([delta[1:] @ U, at_end[None]])
    index = next(i for i, each in enumerate(parameters) if each is cell.weight_hh)
    gradients[index] = gradients[index] + per * omega(U, states, errors)[1]
    return gradients
