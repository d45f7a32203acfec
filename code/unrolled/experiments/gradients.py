"""What the chapter ``gradients`` claims, measured."""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from unrolled._validate import Array, numbers, whole
from unrolled.bptt import surface
from unrolled.data import adding, order
from unrolled.experiments.ledger import Claim, Measurement, Row, Strip
from unrolled.gradients import (
    clip_by_norm,
    gaussian,
    gradient_norms,
    identity,
    lyapunov_exponents,
    omega,
    orthogonal,
    singular_spectrum,
    sparse,
    spectral_radius,
    step_jacobians,
)
from unrolled.recurrent import Recurrent
from unrolled.rnn import Elman
from unrolled.training import device, seeded


class Answer(nn.Module):
    """A recurrent layer that answers after the last step, through one linear map.

    Parameters
    ----------
    layer
        Maps ``(T, B, I)`` to a pair whose first is ``(T, B, H)``: a ``Recurrent``, a torch layer.
    hidden
        Units of the layer.
    outputs
        Numbers in an answer.
    """

    def __init__(self, layer: nn.Module, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layer: Any = layer
        self.read = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences ``(T, B, I)`` to answers ``(B, outputs)``."""
        y: Tensor = self.read(self.layer(x)[0][-1])
        return y

    def states(self, x: Tensor) -> list[Tensor]:
        """Return the T + 1 states ``(B, H)`` of an ``Elman`` layer as the loop makes them.

        The first, of zeros, requires a gradient: so an error can be followed back to each.
        """
        start = x.new_zeros(x.shape[1], self.read.in_features, requires_grad=True)
        found = [start]
        for x_t in x:
            found.append(self.layer.cell(x_t, (found[-1],))[0])
        return found


def tanh_jacobians(after: Tensor, U: Tensor) -> Tensor:
    r"""Return :math:`\mathrm{diag}(1 - h_t^2)\, U` of tanh networks, from the states alone.

    Parameters
    ----------
    after
        ``(..., H)`` states :math:`h_t` that the steps lead to.
    U
        ``(H, H)`` recurrent weights.

    Returns
    -------
    ``(..., H, H)``.
    """
    return (1 - after**2)[..., None] * U


def descend(u: Array, b: Array, *, clip: float, rate: float, steps: int) -> tuple[Array, Array]:
    """Descend the loss surface of the two-parameter network, see ``bptt.surface``.

    Parameters
    ----------
    u, b
        ``(n,)`` recurrent weights and biases to start from.
    clip
        Largest norm of the gradient; infinity: as it comes.
    rate, steps
        Learning rate and steps of gradient descent.

    Returns
    -------
    path, longest
        ``(steps + 1, n, 2)`` pairs u, b on the way, and the longest gradient met ``(n,)``.
    """
    path, longest = [np.stack([u, b], axis=1)], np.zeros(len(u))
    for _ in range(whole("steps", steps)):
        _, *gradient = surface(*path[-1].T)
        g = np.stack(gradient, axis=1)
        norm = np.linalg.norm(g, axis=1)
        with np.errstate(divide="ignore"):
            scale = np.minimum(1, clip / norm)
        path.append(path[-1] - rate * scale[:, None] * g)
        longest = np.maximum(longest, norm)
    return np.array(path), longest


def jacobians_on_noise(
    U: Tensor, phi: Callable[[Tensor], Tensor], *, steps: int, drive: float, seed: int
) -> Tensor:
    r"""Return the step Jacobians of :math:`h_t = \varphi(U h_{t-1} + x_t)` on noise.

    Parameters
    ----------
    U
        ``(H, H)`` recurrent weights.
    phi
        The nonlinearity, as ``torch.tanh``.
    steps
        Steps T.
    drive
        Standard deviation of each component of :math:`x_t`, which is normal.
    seed
        Seed of the noise.

    Returns
    -------
    ``(T, H, H)``.
    """
    generator = torch.Generator().manual_seed(whole("seed", seed, least=0))
    x = drive * torch.randn(steps, len(U), generator=generator, dtype=U.dtype)
    states = [torch.zeros(len(U), dtype=U.dtype)]
    for x_t in x:
        states.append(phi(U @ states[-1] + x_t))
    return step_jacobians(lambda h, x: phi(U @ h + x), torch.stack(states[:-1]), x)


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
    generator = torch.Generator().manual_seed(whole("seed", seed, least=0))
    x = drive * torch.randn(steps, sequences, H, generator=generator, dtype=torch.float64)
    states = [torch.zeros(sequences, H, dtype=torch.float64, requires_grad=True)]
    for each in x:
        a = states[-1] @ U.T + each
        states.append(a.tanh() if tanh else a)
    return states, x


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


def latch_successes(
    seed: int,
    *,
    length: int,
    noise: Array,
    weight: Array,
    inputs: int = 3,
    updates: int = 1000,
    rate: float = 0.05,
    batch: int = 4,
) -> NDArray[np.bool_]:
    r"""Train single units to keep one bit, many of them side by side; say which succeed.

    .. math:: a_t = w \tanh a_{t-1} + x_t, \qquad a_0 = 0

    For the first ``inputs`` steps :math:`x_t` is a number for each of two classes, which is learned
    as :math:`w` is; then it is noise. The error is
    :math:`\frac12 (\tanh a_T \mp 0.8)^2`, summed over the classes (Bengio, Simard & Frasconi
    1994). Gradients by hand: the whole derivative, backwards through all steps.

    Parameters
    ----------
    seed
        Seed of first inputs and noise.
    length
        Steps :math:`T`, more than ``inputs``.
    noise, weight
        ``(N,)`` standard deviation of the noise and initial :math:`w`, for each of N units.
    inputs
        Steps whose :math:`x_t` is learned. They start normal, with standard deviation 0.1.
    updates
        Steps of gradient descent.
    rate
        Learning rate.
    batch
        Sequences of each class in an update.

    Returns
    -------
    ``(N,)`` whether the unit's sign at the end is right for more than 95 % of 200 fresh sequences.
    """
    inputs = whole("inputs", inputs)
    length = whole("length", length, least=inputs + 1)
    noise, w = numbers("noise", noise), numbers("weight", weight)
    if noise.ndim != 1 or noise.shape != w.shape:
        raise ValueError(
            f"noise and weight must have one shape (N,), got {noise.shape} and {w.shape}"
        )
    rng = np.random.default_rng([whole("seed", seed, least=0), length])
    target = np.array([0.8, -0.8])
    u = rng.normal(0, 0.1, size=(inputs, 1, 2, len(w)))
    for _ in range(updates):
        h = _latch(w, u, noise, length, batch, rng)
        delta = np.empty((length, *h.shape[1:]))
        back = h[-1] - target[:, None]
        slope = 1 - h * h
        for t in range(length - 1, -1, -1):
            delta[t] = back * slope[t]
            back = w * delta[t]
        w = w - rate * np.einsum("tbcn,tbcn->n", delta[1:], h[:-1]) / batch
        u = u - rate * delta[:inputs].mean(1, keepdims=True)
    return _keeps(w, u, noise, length, rng)


def guessed_latches(
    seed: int, *, guesses: int, length: int, noise: float, inputs: int = 3, width: float = 5.0
) -> NDArray[np.bool_]:
    r"""Guess what ``latch_successes`` learns, and put each guess to the same test.

    :math:`w` and, for each class, the first inputs are drawn on their own, uniformly between
    minus and plus ``width``. Nothing is trained.

    Returns
    -------
    ``(guesses,)`` whether the unit's sign at the end is right for more than 95 % of 200 sequences.
    """
    inputs = whole("inputs", inputs)
    length = whole("length", length, least=inputs + 1)
    rng = np.random.default_rng([whole("seed", seed, least=0), length])
    w = rng.uniform(-width, width, size=whole("guesses", guesses))
    first = rng.uniform(-width, width, size=(inputs, 1, 2, len(w)))
    return _keeps(w, first, np.full(len(w), float(noise)), length, rng)


def _keeps(
    w: Array, u: Array, noise: Array, length: int, rng: np.random.Generator
) -> NDArray[np.bool_]:
    """Say which units end with the sign of their class on more than 95 % of 200 sequences."""
    sign = np.array([[1.0], [-1.0]])
    last = _latch(w, u, noise, length, 100, rng)[-1]
    right: NDArray[np.bool_] = (last * sign > 0).mean((0, 1)) > 0.95
    return right


def _latch(
    w: Array, u: Array, noise: Array, length: int, batch: int, rng: np.random.Generator
) -> Array:
    """Return tanh of the activations: ``(length, batch, 2, N)``."""
    h = np.empty((length, batch, 2, len(w)))
    rng.standard_normal(out=h)
    h *= noise
    h[: len(u)] = u
    np.tanh(h[0], out=h[0])
    for t in range(1, length):
        h[t] += w * h[t - 1]
        np.tanh(h[t], out=h[t])
    return h


def latch_by_length(
    seed: int,
    *,
    lengths: Sequence[int],
    noises: Sequence[float],
    weight: float,
    units: int,
    updates: int,
) -> dict[str, list[float]]:
    """Train ``units`` units for each length and noise; see ``latch_successes``.

    Returns
    -------
    ``noise s``: the fraction that succeeds, for each of ``lengths``.
    """
    noise = np.repeat(noises, units)
    table = np.array(
        [
            latch_successes(
                seed,
                length=length,
                noise=noise,
                weight=np.full(len(noise), weight),
                updates=updates,
            )
            .reshape(len(noises), units)
            .mean(1)
            for length in lengths
        ]
    )
    return {f"noise {s}": table[:, i].tolist() for i, s in enumerate(noises)}


def latch_by_weight(
    seed: int, *, length: int, noise: float, weights: Sequence[float], units: int, updates: int
) -> dict[str, list[float]]:
    """Train ``units`` units from each initial weight; see ``latch_successes``.

    Returns
    -------
    ``success``: the fraction that succeeds, for each of ``weights``; ``below 1`` and ``above 1``:
    those of initial weights below and above 1.
    """
    first = np.repeat(weights, units)
    success = latch_successes(
        seed, length=length, noise=np.full(len(first), noise), weight=first, updates=updates
    ).reshape(len(weights), units)
    shares = success.mean(1).tolist()
    return {
        "success": shares,
        "below 1": [share for w, share in zip(weights, shares, strict=True) if w < 1],
        "above 1": [share for w, share in zip(weights, shares, strict=True) if w > 1],
    }


class _Watched(Elman):
    """Elman's cell; keeps the projection, whose gradient is that of the pre-activations."""

    def project(self, x: Tensor) -> Tensor:
        self.projected = super().project(x)
        return self.projected


def learn_order(
    seed: int,
    *,
    length: int,
    clip: float | None,
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
    x_test, y_test = _sequences(1000, length, seed + 1_000_000)
    best, longest, done = 0.0, 0.0, 0
    for x, y in _batches(updates, batch, length, seed):
        gradients = _order_gradients(model, cell, parameters, x, y, weight / (length - 1))
        norm = float(torch.stack([each.norm() for each in gradients]).norm())
        if not norm < 1e30:  # not a number, either
            longest = 1e30
            break
        longest = max(longest, norm)
        if clip is not None:
            gradients, _ = clip_by_norm(gradients, clip)
        with torch.no_grad():
            for parameter, gradient in zip(parameters, gradients, strict=True):
                parameter.sub_(gradient, alpha=rate)
        done += 1
        if done % every == 0:
            accuracy = _accuracy(model, x_test, y_test)
            best = max(best, accuracy)
            if best > 0.99:
                break
    return {"best": best, "solved": float(best > 0.99), "updates": done, "norm": longest}


def _smart_tanh(hidden: int, seed: int) -> Answer:
    model = Answer(Recurrent(_Watched(6, hidden)), hidden, 4)
    for name, parameter in model.named_parameters():
        if "weight" in name:
            nn.init.normal_(parameter, std=0.01)
        else:
            nn.init.zeros_(parameter)
    with torch.no_grad():
        U = sparse(hidden, seed=seed + 4_000_000, fan_in=min(15, hidden))
        model.layer.cell.weight_hh.copy_(U)
    return model


def _sequences(n: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    x, y = order(n, length=length, seed=seed)
    return torch.from_numpy(x).to(device()), torch.from_numpy(y).to(device())


def _batches(updates: int, batch: int, length: int, seed: int) -> Iterator[tuple[Tensor, Tensor]]:
    """Yield fresh batches of temporal order; draw them a hundred at a time."""
    for start in range(0, updates, 100):
        n = min(100, updates - start)
        x, y = _sequences(n * batch, length, 10_000 * seed + start // 100)
        yield from zip(torch.split(x, batch, 1), torch.split(y, batch), strict=True)


def _order_gradients(
    model: Answer, cell: _Watched, parameters: list[nn.Parameter], x: Tensor, y: Tensor, per: float
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


def order_by_rate(
    seed: int, *, lengths: Sequence[int], rates: Sequence[float], clip: float, updates: int
) -> dict[str, list[float]]:
    """Train on temporal order at several learning rates, with and without clipping.

    Returns
    -------
    For each length T, over ``rates``: the best accuracy (``clipped, T = 30`` and
    ``as it comes, T = 30``), and under the same names with ``updates`` and ``norm`` those of
    ``learn_order``.
    """
    found: dict[str, list[float]] = {}
    for name, threshold in (("clipped", clip), ("as it comes", None)):
        for length in lengths:
            for rate in rates:
                run = learn_order(seed, length=length, clip=threshold, rate=rate, updates=updates)
                for quantity, key in (("best", ""), ("updates", " updates"), ("norm", " norm")):
                    found.setdefault(f"{name}, T = {length}{key}", []).append(run[quantity])
    return found


def order_with_omega(
    seed: int, *, length: int, weights: Sequence[float], clip: float, updates: int
) -> dict[str, list[float]]:
    """Train on temporal order with each weight of Pascanu's regulariser, see ``learn_order``.

    Returns
    -------
    For each of ``weights``: the ``best`` accuracy and the ``updates`` made.
    """
    runs = [
        learn_order(seed, length=length, clip=clip, weight=weight, updates=updates)
        for weight in weights
    ]
    return {name: [run[name] for run in runs] for name in ("best", "updates")}


def learn_adding(
    model: Answer,
    *,
    length: int,
    rate: float,
    updates: int,
    seed: int,
    batch: int = 32,
    clip: float = 1.0,
    every: int = 200,
    enough: float = 0.05,
) -> dict[str, float]:
    """Train a model on the adding problem by Adam, with clipping, on fresh sequences.

    It stops when its error on 1,000 other sequences is below ``enough``, and is then tested on
    1,000 more.

    Parameters
    ----------
    model
        Answers one number. It is trained in place.
    length
        Steps in a sequence.
    rate, batch, clip
        Learning rate, sequences in an update, largest norm of the gradient.
    updates, every
        Most updates, and updates between tests.
    seed
        Seed of the sequences.
    enough
        As the result ``error``.

    Returns
    -------
    ``error``: mean squared error on the test, divided by the variance of its targets: 1 for who
    always answers their mean. And ``updates`` made.
    """
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    check = _sums(1000, length, seed + 1_000_000)
    done = 0
    while done < updates:
        n = min(every, updates - done)
        x, y = _sums(n * batch, length, 10_000 * seed + done // every)
        for inputs, targets in zip(torch.split(x, batch, 1), torch.split(y, batch), strict=True):
            optimizer.zero_grad()
            mse_loss(model(inputs)[:, 0], targets).backward()  # type: ignore[no-untyped-call]
            nn.utils.clip_grad_norm_(model.parameters(), clip)
            optimizer.step()
        done += n
        if _unexplained(model, *check) < enough:
            break
    return {"error": _unexplained(model, *_sums(1000, length, seed + 2_000_000)), "updates": done}


def _sums(n: int, length: int, seed: int) -> tuple[Tensor, Tensor]:
    x, y = adding(n, length=length, seed=seed)
    return torch.from_numpy(x).to(device()), torch.from_numpy(y).to(device())


def _unexplained(model: Answer, x: Tensor, y: Tensor) -> float:
    """Return the fraction of the targets' variance that the model leaves unexplained."""
    with torch.no_grad():
        return float(mse_loss(model(x)[:, 0], y) / y.var(correction=0))


def adding_errors(
    seed: int, *, length: int, hidden: int, updates: int, rates: Sequence[float]
) -> dict[str, float | list[float]]:
    """Train an LSTM and tanh networks on the adding problem, see ``learn_adding``.

    Returns
    -------
    Errors on the test, in variances: ``lstm`` (Adam at 0.01, forget bias 1), ``tanh`` for each of
    ``rates``, ``orthogonal`` (tanh, orthogonal recurrent weights, at 0.001). And the updates that
    the LSTM took, ``lstm updates``.
    """
    run = partial(learn_adding, length=length, updates=updates, seed=seed)
    lstm = run(seeded(seed, lambda: _lstm(hidden)), rate=1e-2)
    tanh = [run(seeded(seed, lambda: _tanh(hidden)), rate=rate)["error"] for rate in rates]
    kept = seeded(seed, lambda: _tanh(hidden, orthogonal(hidden, seed=seed + 4_000_000)))
    return {
        "lstm": lstm["error"],
        "lstm updates": lstm["updates"],
        "tanh": tanh,
        "orthogonal": run(kept, rate=1e-3)["error"],
    }


def irnn_errors(
    seed: int, *, length: int, hidden: int, updates: int, rate: float
) -> dict[str, float]:
    """Train an IRNN on the adding problem: rectifiers that start with the identity.

    Returns
    -------
    Its ``error`` on the test, in variances, and the ``updates`` it took; see ``learn_adding``.
    """
    model = seeded(seed, lambda: _irnn(2, hidden, 1))
    return learn_adding(model, length=length, rate=rate, updates=updates, seed=seed)


def _lstm(hidden: int) -> Answer:
    layer = nn.LSTM(2, hidden)
    weights = layer.state_dict()  # gates i, f, g, o; torch adds two biases
    weights["bias_ih_l0"][hidden : 2 * hidden] = 1
    weights["bias_hh_l0"][hidden : 2 * hidden] = 0
    return Answer(layer, hidden, 1)


def _tanh(hidden: int, U: Tensor | None = None, *, inputs: int = 2, outputs: int = 1) -> Answer:
    """Return a tanh network, with recurrent weights ``U`` if given, else torch's usual ones."""
    cell = Elman(inputs, hidden)
    if U is not None:
        _start(cell, U)
    return Answer(Recurrent(cell), hidden, outputs)


def _irnn(inputs: int, hidden: int, outputs: int) -> Answer:
    cell = Elman(inputs, hidden, nonlinearity="relu")
    _start(cell, identity(hidden))
    return Answer(Recurrent(cell), hidden, outputs)


def _start(cell: Elman, U: Tensor) -> None:
    """Give a cell its first recurrent weights, and biases of 0."""
    with torch.no_grad():
        cell.weight_hh.copy_(U)
        cell.bias_ih.zero_()
        cell.bias_hh.zero_()


def spectra(
    seed: int,
    *,
    starts: Sequence[str],
    hidden: int,
    length: int,
    updates: int,
    rate: float,
    quantiles: Sequence[float],
    floor: float,
) -> dict[str, list[float]]:
    r"""Measure how networks carry gradients, before and after they learn temporal order.

    Parameters
    ----------
    seed
        Seed of first weights and sequences.
    starts
        First recurrent weights: ``"gaussian g"`` with gain g, ``"orthogonal"``, both with tanh, or
        ``"identity"`` with rectifiers.
    hidden, length
        Units, and steps in a sequence.
    updates, rate
        Updates of Adam on 20 sequences each, with clipping at 1, and its learning rate.
    quantiles
        Which of the sorted singular values to return: 0 the smallest, 0.5 the median, 1 the
        largest.
    floor
        Least logarithm per step that is told from 0.

    Returns
    -------
    For each of ``starts``, before and after: the largest Lyapunov exponent along sequences joined
    end to end (``exponent before``, ``exponent after``), the median over all of
    :math:`\frac1T \log \sigma_i(\partial h_T/\partial h_0)` (``median before``, ``median after``),
    and the ``accuracy`` after. ``spectrum before, START`` and ``spectrum after, START`` hold that
    logarithm per step at each of ``quantiles``, means over sequences; ``kept before`` and
    ``kept after`` count the singular values for which it is above -0.1.
    """
    found: dict[str, list[float]] = {}
    for start in starts:
        model = seeded(seed, partial(starting, start, 6, hidden, 4, seed=seed))
        measured = {"before": _carrying(model, length, seed, floor)}
        accuracy = _learn_by_adam(model, length, updates, rate, seed)
        measured["after"] = _carrying(model, length, seed, floor)
        found.setdefault("accuracy", []).append(accuracy)
        for when, (exponent, spectrum) in measured.items():
            found.setdefault(f"exponent {when}", []).append(exponent)
            found.setdefault(f"median {when}", []).append(float(np.median(spectrum)))
            found.setdefault(f"kept {when}", []).append(float((spectrum > -0.1).sum()))
            found[f"spectrum {when}, {start}"] = np.quantile(spectrum, quantiles).tolist()
    return found


def starting(start: str, inputs: int, hidden: int, outputs: int, *, seed: int) -> Answer:
    r"""Return a network whose recurrent weights start in a given way, all biases of its layer 0.

    Parameters
    ----------
    start
        ``"gaussian g"``: normal entries of standard deviation :math:`g/\sqrt H`, g the gain;
        ``"orthogonal"``; both with tanh. Or ``"identity"``, with rectifiers.
    inputs, hidden, outputs
        Sizes.
    seed
        Seed of the recurrent weights; all others come from torch's generator.
    """
    kind, _, gain = start.partition(" ")
    if kind == "identity":
        return _irnn(inputs, hidden, outputs)
    if kind == "orthogonal":
        U = orthogonal(hidden, seed=seed + 4_000_000)
    elif kind == "gaussian":
        U = gaussian(hidden, std=float(gain) / hidden**0.5, seed=seed + 4_000_000)
    else:
        raise ValueError(f"start must be 'gaussian g', 'orthogonal' or 'identity', got {start!r}")
    return _tanh(hidden, U, inputs=inputs, outputs=outputs)


def _learn_by_adam(model: Answer, length: int, updates: int, rate: float, seed: int) -> float:
    """Train on temporal order; return the accuracy on 1,000 fresh sequences."""
    optimizer = torch.optim.Adam(model.parameters(), lr=rate)
    for x, y in _batches(updates, 20, length, seed):
        optimizer.zero_grad()
        cross_entropy(model(x), y).backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(model.parameters(), 1.0)
        optimizer.step()
    return _accuracy(model, *_sequences(1000, length, seed + 1_000_000))


def _accuracy(model: Answer, x: Tensor, y: Tensor) -> float:
    with torch.no_grad():
        return float((model(x).argmax(-1) == y).double().mean())  # double: 0.99 is not above 0.99


def _carrying(model: Answer, length: int, seed: int, floor: float) -> tuple[float, Array]:
    """Return the largest Lyapunov exponent and the sorted spectrum of a product, per step."""
    x, _ = _sequences(100, length, seed + 3_000_000)
    x, layer = x.double(), copy.deepcopy(model.layer).double()  # rectifiers can outgrow float32
    joined = torch.cat(torch.split(x, 10, 1))  # ten streams of ten sequences
    exponents = lyapunov_exponents(elman_jacobians(layer, joined))[:, 0]
    spectrum = singular_spectrum(elman_jacobians(layer, x[:, :20]))[0] / length
    return float(exponents.clamp(min=floor).mean()), spectrum.clamp(min=floor).mean(0).numpy()


def elman_jacobians(layer: Recurrent, x: Tensor) -> Tensor:
    r"""Return :math:`\partial h_t/\partial h_{t-1}` of an Elman layer that reads sequences.

    Parameters
    ----------
    layer
        ``Recurrent`` over an ``Elman``.
    x
        ``(T, B, I)`` sequences.

    Returns
    -------
    ``(T, B, H, H)``. For tanh they equal ``tanh_jacobians``; this serves rectifiers too.
    """
    cell = layer.cell
    with torch.no_grad():
        states = layer(x)[0]
        before = torch.cat([torch.zeros_like(states[:1]), states[:-1]])
        projected = cell.project(x)

    def step(h: Tensor, p: Tensor) -> Tensor:
        after: Tensor = cell.step(p[None], (h[None],), *cell.weights())[0][0]
        return after

    return step_jacobians(step, before, projected)


def _over(runs: list[Measurement], *names: str) -> Array:
    """Stack what the runs measured under these names: ``(runs, numbers)``."""
    return np.array([np.concatenate([np.atleast_1d(run[name]) for name in names]) for run in runs])


def _rank_correlation(x: Array, y: Array) -> float:
    """Return Spearman's rank correlation; equal values share their mean rank."""
    ranks = [(v[:, None] > v).sum(1) + (v[:, None] >= v).sum(1) for v in (x, y)]
    return float(np.corrcoef(*ranks)[0, 1])


def _falls(success: Array) -> bool:
    """Whether success falls with length, as far as the first length at which there is none."""
    none = np.flatnonzero(success == 0)
    seen = success[: none[0] + 1] if len(none) else success
    return _rank_correlation(np.arange(len(seen), dtype=float), seen) < -0.9


def _clipping_wins(runs: list[Measurement]) -> bool:
    """Whether clipping solves more runs at 30 steps, each arm at its best learning rate."""
    clipped, free = (
        (_over(runs, f"{name}, T = 30") > 0.99).sum(axis=0).max()
        for name in ("clipped", "as it comes")
    )
    return bool(clipped > free)


def _few_directions_kept(runs: list[Measurement]) -> bool:
    """Whether orthogonal starts are even, and training keeps few directions; tanh starts only."""
    before, after, exponent, accuracy = (
        _over(runs, name)[:, : _STARTS.index("orthogonal") + 1]
        for name in ("median before", "median after", "exponent after", "accuracy")
    )
    even = abs(before[:, -1:]) < abs(before[:, :-1])
    learned = accuracy > 0.95
    few = (after < before) & (abs(exponent) < 0.1)
    return bool(
        even.all()
        and learned[:, _STARTS.index("gaussian 1.0")].all()
        and learned[:, -1].all()
        and few[learned].all()
    )


_RANDOM = {"hidden": 32, "gains": [0.5, 1.0, 1.5, 2.0, 3.0], "steps": 500, "drive": 0.5}
_LATCH = {"noises": [0.1, 0.3, 0.6], "weight": 1.25, "units": 40, "updates": 1000}
_STARTS = ["gaussian 0.5", "gaussian 1.0", "gaussian 1.5", "orthogonal", "identity"]
_SPECTRA = {
    "hidden": 32,
    "length": 30,
    "updates": 1500,
    "rate": 3e-3,
    "quantiles": [0.0, 0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9, 1.0],
    "floor": -5.0,
}

CLAIMS = (
    Claim(
        id="gradients.rate",
        sentence=(
            "A gradient's norm changes geometrically with the distance it has come. Its factor "
            "per step is the spectral radius of $U$ in a linear network, and $e^\\lambda$ in a "
            "tanh network, with $\\lambda$ the largest Lyapunov exponent."
        ),
        experiment=gradient_rates,
        criterion=(
            "In every run and at every gain, the fitted factor per step is within 3 % of the "
            "predicted one, and the factors of the near and the far half of the distances are "
            "within 3 % of each other."
        ),
        holds=lambda runs: bool(
            (
                abs(_over(runs, "linear ratio", "tanh ratio", "linear bend", "tanh bend") - 1)
                <= 0.03
            ).all()
        ),
        seeds={"quick": range(10, 12), "book": range(30, 35)},
        settings={
            "quick": {**_RANDOM, "sequences": 20},
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
        deviations=[
            "No paper states it so: the first is linear algebra, the second the definition of the "
            "exponent. It is measured on other inputs than the gradients are.",
            "The tolerance of 3 % was set after trial runs with other seeds.",
            "A first record failed: gains 0.5, 1, 1.5 and 2, inputs of standard deviation 0.3, 10 "
            "sequences. At gain 2 the factors of the two halves differed by up to 10 % in two runs "
            "of five. For a second, which held, we raised the inputs to 0.5 and the sequences to "
            "40, and put gain 3 in place of 2. This is the third: gain 2 is back, the rest is as "
            "in the second, the seeds are new.",
        ],
    ),
    Claim(
        id="gradients.latch",
        paper="bengio1994learning",
        sentence=(
            "Gradient descent teaches one unit to keep a bit ever more rarely as the bit must be "
            "kept for longer, at each of three noise levels."
        ),
        experiment=latch_by_length,
        criterion=(
            "At each noise level, the fraction of units that succeed, averaged over the runs, has "
            "a rank correlation below −0.9 with the length $T$. Lengths after the first at which "
            "no unit succeeds say nothing more, and are left out."
        ),
        holds=lambda runs: all(
            _falls(_over(runs, f"noise {noise}").mean(axis=0)) for noise in (0.1, 0.3, 0.6)
        ),
        seeds={"quick": range(10, 11), "book": range(5)},
        settings={
            "quick": {**_LATCH, "lengths": [5, 20, 80]},
            "book": {**_LATCH, "lengths": [5, 10, 20, 40, 80]},
        },
        strips=[
            Strip(
                axis=f"Share of 40 units, noise {noise}",
                rows=[Row(f"noise {noise}", "T = {}", over="lengths")],
                limits=(0.0, 1.0),
            )
            for noise in (0.1, 0.3, 0.6)
        ],
        deviations=[
            "The equation and the learned inputs are the paper's. The targets of ±0.8 we have from "
            "a later description of the task (people.idsia.ch/~juergen/guessing2001).",
            "Lengths, noise levels, learning rate and updates are ours, and so is the test: the "
            "sign is right for more than 95 % of fresh sequences. The initial weight is 1.25.",
            "Criterion, lengths and noise levels come from an earlier program of ours, whose table "
            "(success falls from 0.98 at 5 steps to 0.17, 0 and 0 at 80) was known.",
            "Four sequences of each class in an update were chosen after one trial run with "
            "another seed, from one and four.",
        ],
    ),
    Claim(
        id="gradients.latch_weight",
        paper="bengio1994learning",
        sentence=(
            "A unit mostly learns to keep a bit for 20 steps from an initial recurrent weight of "
            "1.25, and hardly ever from one below 1."
        ),
        experiment=latch_by_weight,
        criterion=(
            "Averaged over the runs, fewer than 0.2 of the units succeed from each initial weight "
            "below 1, and more than 0.5 from 1.25."
        ),
        holds=lambda runs: bool(
            (_over(runs, "below 1").mean(axis=0) < 0.2).all()
            and _over(runs, "above 1").mean(axis=0)[0] > 0.5
        ),
        seeds={"quick": range(10, 12), "book": range(5)},
        settings={
            scale: {
                "length": 20,
                "noise": 0.2,
                "weights": [0.1, 0.5, 0.9, 1.25, 2.0, 3.0],
                "units": 40,
                "updates": 1000,
            }
            for scale in ("quick", "book")
        },
        strips=[
            Strip(
                axis="Share of 40 units that succeed",
                rows=[Row("success", "initial weight {}", over="weights")],
                limits=(0.0, 1.0),
            )
        ],
        deviations=[
            "As for the claim on length: the task is the paper's, the settings are ours, noise 0.2 "
            "among them, and an earlier program had given 0, 0.03, 0.12, 0.73, 0.62 and 0.50.",
        ],
    ),
    Claim(
        id="gradients.clipping",
        paper="pascanu2013difficulty",
        sentence=(
            "On temporal order, clipping the gradient's norm turns failure into success: gradient "
            "descent alone already fails at 15 steps, with clipping it solves 30."
        ),
        experiment=order_with_clipping,
        criterion=(
            "In every run, training with clipping passes 0.99 accuracy at every length; without, "
            "it does so at 10 steps and at none of 15, 20, 30."
        ),
        holds=lambda runs: bool(
            (_over(runs, "clipped") > 0.99).all()
            and ((_over(runs, "as it comes") > 0.99) == [True, False, False, False]).all()
        ),
        seeds={"quick": range(10, 11), "book": range(5)},
        settings={
            "quick": {"lengths": [10, 15, 20, 30], "clip": 1.0, "updates": 750},
            "book": {"lengths": [10, 15, 20, 30], "clip": 1.0, "updates": 3000},
        },
        strips=[
            Strip(
                axis="Best accuracy on 1,000 sequences",
                rows=[
                    Row("clipped", "clipped at norm 1, T = {}", over="lengths"),
                    Row("as it comes", "not clipped, T = {}", over="lengths"),
                ],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            )
        ],
        deviations=[
            "The paper trains with a learning rate of 0.01 for up to 5 million updates; we train "
            "with 0.1 for 3,000. Its success is 99 % of 10,000 sequences, ours of 1,000.",
            "The lengths in the criterion come from an earlier program of ours, in which gradient "
            "descent failed from 15 steps on. Trial runs of this one, with other seeds, solved 15 "
            "without clipping. The criterion was left as it stood.",
            "One learning rate, 0.1. At smaller ones runs without clipping solve 20 steps, and "
            "sometimes 30: see the claim on learning rates.",
        ],
    ),
    Claim(
        id="gradients.clipping_at_30",
        paper="pascanu2013difficulty",
        sentence=(
            "On temporal order over 30 steps, gradient descent at a learning rate of 0.1 fails, "
            "and solves the task when the gradient's norm is clipped."
        ),
        experiment=order_with_clipping,
        criterion=(
            "In every run, training with clipping passes 0.99 accuracy, and without it does not."
        ),
        holds=lambda runs: bool(
            (_over(runs, "clipped") > 0.99).all() and (_over(runs, "as it comes") < 0.99).all()
        ),
        seeds={"quick": range(20, 21), "book": range(20, 25)},
        settings={
            scale: {"lengths": [30], "clip": 1.0, "updates": 3000} for scale in ("quick", "book")
        },
        strips=[
            Strip(
                axis="Best accuracy on 1,000 sequences",
                rows=[
                    Row("clipped", "clipped at norm 1, T = {}", over="lengths"),
                    Row("as it comes", "not clipped, T = {}", over="lengths"),
                ],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            ),
            Strip(
                axis="Longest gradient, before clipping",
                rows=[
                    Row("clipped norm", "clipped at norm 1, T = {}", over="lengths"),
                    Row("as it comes norm", "not clipped, T = {}", over="lengths"),
                ],
            ),
        ],
        deviations=[
            "The paper trains with a learning rate of 0.01 for up to 5 million updates; we train "
            "with 0.1 for 3,000.",
            "This narrower claim was written after trial runs, with other seeds, in which 15 steps "
            "were solved without clipping.",
            "One learning rate. At smaller ones runs without clipping sometimes solve 30 steps: "
            "see the claim on learning rates.",
        ],
    ),
    Claim(
        id="gradients.clipping_rates",
        paper="pascanu2013difficulty",
        sentence=(
            "On temporal order over 30 steps clipping solves more runs than plain gradient "
            "descent, each at the best of three learning rates."
        ),
        experiment=order_by_rate,
        criterion=(
            "At each arm's best learning rate, the one at which most runs pass 0.99 accuracy, "
            "clipping solves more of the runs at 30 steps."
        ),
        holds=_clipping_wins,
        seeds={"quick": range(20, 21), "book": range(40, 45)},
        settings={
            "quick": {"lengths": [30], "rates": [0.1], "clip": 1.0, "updates": 3000},
            "book": {"lengths": [20, 30], "rates": [0.01, 0.03, 0.1], "clip": 1.0, "updates": 3000},
        },
        strips=[
            Strip(
                axis="Best accuracy at 30 steps",
                rows=[
                    Row("clipped, T = 30", "clipped, rate {}", over="rates"),
                    Row("as it comes, T = 30", "not clipped, rate {}", over="rates"),
                ],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            ),
        ],
        deviations=[
            "The paper's learning rate is 0.01, for up to 5 million updates; we train for 3,000.",
            "Written after runs with other seeds, not clipped, at rate 0.01: three of five solved "
            "20 steps within 3,000 updates, and one of two solved 30 within 10,000.",
        ],
    ),
    Claim(
        id="gradients.regularizer",
        paper="pascanu2013difficulty",
        sentence=(
            "With a regulariser that keeps the gradient's length on its way back, networks reach "
            "a mean accuracy above 0.9 on temporal order over 60 steps; with clipping alone they "
            "stay near chance."
        ),
        experiment=order_with_omega,
        criterion=(
            "The best accuracy, averaged over the runs, is above 0.9 with the regulariser and "
            "below 0.35 without."
        ),
        holds=lambda runs: bool(
            _over(runs, "best").mean(axis=0)[0] < 0.35 and _over(runs, "best").mean(axis=0)[1] > 0.9
        ),
        seeds={"quick": range(10, 11), "book": range(5)},
        settings={
            "quick": {"length": 50, "weights": [0.0, 16.0], "clip": 1.0, "updates": 1250},
            "book": {"length": 60, "weights": [0.0, 16.0], "clip": 1.0, "updates": 5000},
        },
        strips=[
            Strip(
                axis="Best accuracy on 1,000 sequences",
                rows=[Row("best", "clipped, coefficient {}", over="weights")],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            )
        ],
        deviations=[
            "The paper defines the regulariser with $(r - 1)^2$, $r$ the ratio of lengths, and "
            "gives its gradient for $(r^2 - 1)^2$, four times as large near $r = 1$; the authors' "
            "program averages the latter over the steps, and its coefficient is 4. We average "
            "$(r - 1)^2$, with coefficient 16.",
            "The criterion comes from an earlier program of ours that averaged $(r - 1)^2$ with "
            "coefficient 4: two of three runs solved the task, the third reached 0.94. Here 4 was "
            "tried first, and two trial runs with other seeds reached 0.36 and 0.61; then 16, "
            "with which both solved it.",
            "A learning rate of 0.1 and 5,000 updates in place of 0.01 and up to 5 million.",
        ],
    ),
    Claim(
        id="gradients.adding",
        paper="hochreiter1997long",
        sentence=(
            "On the adding problem over 100 steps an LSTM finds the sum, and a tanh network, at "
            "any of four learning rates, no more than the mean."
        ),
        experiment=adding_errors,
        criterion=(
            "In every run and within 2,500 updates, the squared error in variances of the targets "
            "is below 0.06 for the LSTM, and above 0.90 for the tanh network at every learning "
            "rate. The tanh network with orthogonal weights is measured too, and promised nothing."
        ),
        holds=lambda runs: bool(
            _over(runs, "lstm").max() < 0.06 and _over(runs, "tanh").min() > 0.90
        ),
        seeds={"quick": range(10, 11), "book": range(30, 35)},
        settings={
            "quick": {"length": 50, "hidden": 32, "updates": 800, "rates": [1e-3]},
            "book": {
                "length": 100,
                "hidden": 32,
                "updates": 2500,
                "rates": [1e-4, 1e-3, 3e-3, 1e-2],
            },
        },
        strips=[
            Strip(
                axis="Error, variance of targets = 1",
                rows=[
                    Row("lstm", "LSTM"),
                    Row("orthogonal", "tanh, orthogonal weights"),
                    Row("tanh", "tanh, learning rate {}", over="rates"),
                ],
                lines={"the mean": 1.0},
                limits=(0.0, 1.1),
            ),
        ],
        deviations=[
            "The modern form of the problem (numbers from 0 to 1, plain sum), not that of 1997, "
            "and the modern LSTM: forget gate with bias 1, the whole gradient, Adam. The tanh "
            "networks are ours.",
            "32 units each. The LSTM has one learning rate, 0.01, and so has the tanh network with "
            "orthogonal weights, 0.001.",
            "That the LSTM solves this and the tanh network does not was known from an earlier "
            "program of ours, and from a first record with other seeds.",
        ],
    ),
    Claim(
        id="gradients.irnn",
        paper="le2015simple",
        sentence=(
            "Rectifiers whose recurrent weights start as the identity solve the adding problem "
            "over 100 steps, as an LSTM does."
        ),
        experiment=irnn_errors,
        criterion=(
            "In every run and within 6,000 updates, the squared error is below 0.06 of the "
            "variance of the targets: what is asked of the LSTM."
        ),
        holds=lambda runs: bool(_over(runs, "error").max() < 0.06),
        seeds={"quick": range(10, 11), "book": range(30, 35)},
        settings={
            "quick": {"length": 50, "hidden": 100, "updates": 1200, "rate": 1e-3},
            "book": {"length": 100, "hidden": 100, "updates": 6000, "rate": 1e-3},
        },
        strips=[
            Strip(
                axis="Error, variance of targets = 1",
                rows=[Row("error", "IRNN with 100 units")],
                lines={"the mean": 1.0},
                limits=(0.0, 1.1),
            ),
            Strip(axis="Updates", rows=[Row("updates", "IRNN with 100 units")], limits=(0, 6000)),
        ],
        deviations=[
            "The paper's shortest sequences have 150 steps, ours 100. We train by Adam with "
            "clipping, and start the input weights as torch does.",
            "100 units and up to 6,000 updates; the LSTM of the other claim has 32 and 2,500.",
            "The criterion is that of the claim on the LSTM. An earlier program of ours, "
            "one trial run and a first record, all with other seeds, had met it.",
        ],
    ),
    Claim(
        id="gradients.spectra",
        sentence=(
            "Orthogonal initial weights carry a gradient more evenly than Gaussian ones do. "
            "Training tanh networks on a memory task keeps a few directions: the largest exponent "
            "stays at about 0, or comes there from gain 0.5, and the rest of the spectrum falls."
        ),
        experiment=spectra,
        criterion=(
            "In every run: before training, the median logarithm per step of the singular values "
            "of $\\partial h_T/\\partial h_0$ is nearer to 0 for orthogonal weights than for each "
            "Gaussian start; the orthogonal start and that of gain 1 learn the task (accuracy "
            "above 0.95); and for each tanh start that does, the median is then lower than before "
            "and the largest Lyapunov exponent within 0.1 of 0. Rectifiers are measured too, and "
            "promised nothing."
        ),
        holds=lambda runs: _few_directions_kept(runs),
        seeds={"quick": range(10, 11), "book": range(5, 10)},
        settings={
            "quick": {**_SPECTRA, "starts": _STARTS[:4], "length": 20, "updates": 600},
            "book": {**_SPECTRA, "starts": _STARTS},
        },
        strips=[
            Strip(
                axis="Largest Lyapunov exponent, per step",
                rows=[
                    Row("exponent before", "{}, before", over="starts"),
                    Row("exponent after", "{}, after", over="starts"),
                ],
                lines={"norm is kept": 0.0},
            ),
            Strip(
                axis="Median log singular value, per step",
                rows=[
                    Row("median before", "{}, before", over="starts"),
                    Row("median after", "{}, after", over="starts"),
                ],
                lines={"norm is kept": 0.0},
            ),
            Strip(
                axis="Accuracy after training",
                rows=[Row("accuracy", "{}", over="starts")],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            ),
        ],
        deviations=[
            "No paper states it so. The criterion was written after three trial runs with other "
            "seeds, in one of which the start of gain 0.5 did not learn.",
            "A first record, of tanh networks, asked that gain 1.5 learn the task too, and failed: "
            "in one run of five it did not. All that had learned met the rest. The criterion was "
            "relaxed, rectifiers added, and new seeds taken; that run broke off, for the trained "
            "rectifiers outgrew float32. This record, on other seeds again, measures in float64.",
            "That the largest exponent is within 0.1 of 0 says little of the starts other than "
            "gain 0.5: most of them have it before training.",
            "Logarithms below −5 a step, such as those of dead rectifiers, count as −5.",
        ],
    ),
)
