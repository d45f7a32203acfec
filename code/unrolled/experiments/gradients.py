"""What the chapter ``gradients`` claims, measured."""

from __future__ import annotations

import copy
from collections.abc import Iterator, Sequence
from functools import partial
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor, nn
from torch.nn.functional import cross_entropy, mse_loss

from unrolled._validate import Array, numbers, whole
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
        for name, predicted in (("linear", radius), ("tanh", exponent)):
            norms = norms_of(tanh=name == "tanh")
            first, half = steps // 5, 3 * steps // 5
            fitted = _rate(norms, first, steps)
            for key, value in (
                ("fitted", fitted),
                ("predicted", predicted),
                ("ratio", fitted / predicted),
                ("bend", _rate(norms, half, steps) / _rate(norms, first, half)),
            ):
                found.setdefault(f"{name} {key}", []).append(value)
        found.setdefault("tanh over radius", []).append(fitted / radius)
    return found


def _rate(log_norms: Array, first: int, last: int) -> float:
    """Return the factor per step of a straight line through logarithms of norms."""
    distance = np.arange(first, last + 1)
    return float(np.exp(np.polyfit(distance, log_norms[first : last + 1], 1)[0]))


def _exponent(U: Tensor, *, steps: int, sequences: int, drive: float, seed: int) -> float:
    """Return e to the largest Lyapunov exponent of a tanh network that runs on noise."""
    with torch.no_grad():
        states, _ = states_of(U, steps=steps, sequences=sequences, seed=seed, drive=drive)
    jacobians = (1 - torch.stack(states[1:]) ** 2)[..., None] * U
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

    .. math:: a_t = w \tanh a_{t-1} + u_t, \qquad a_0 = 0

    For the first ``inputs`` steps :math:`u_t` is a number for each of two classes, which is learned
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
        ``(N,)`` standard deviation of the noise and first :math:`w`, for each of N units.
    inputs
        Steps whose :math:`u_t` is learned. They start normal, with standard deviation 0.1.
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
    last = _latch(w, u, noise, length, 100, rng)[-1]
    right: NDArray[np.bool_] = (last * target[:, None] > 0).mean((0, 1)) > 0.95
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
    """Train ``units`` units from each first weight; see ``latch_successes``.

    Returns
    -------
    ``success``: the fraction that succeeds, for each of ``weights``; ``below 1`` those of first
    weights below 1, ``at 1.25`` that of 1.25.
    """
    first = np.repeat(weights, units)
    success = latch_successes(
        seed, length=length, noise=np.full(len(first), noise), weight=first, updates=updates
    ).reshape(len(weights), units)
    by_weight = dict(zip(weights, success.mean(1).tolist(), strict=True))
    return {
        "success": list(by_weight.values()),
        "below 1": [share for w, share in by_weight.items() if w < 1],
        "at 1.25": [by_weight[1.25]],
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
    logarithm per step at each of ``quantiles``, means over sequences.
    """
    found: dict[str, list[float]] = {}
    for start in starts:
        model = seeded(seed, partial(_starting, start, hidden, seed))
        measured = {"before": _carrying(model, length, seed, floor)}
        accuracy = _learn_by_adam(model, length, updates, rate, seed)
        measured["after"] = _carrying(model, length, seed, floor)
        found.setdefault("accuracy", []).append(accuracy)
        for when, (exponent, spectrum) in measured.items():
            found.setdefault(f"exponent {when}", []).append(exponent)
            found.setdefault(f"median {when}", []).append(float(np.median(spectrum)))
            found[f"spectrum {when}, {start}"] = np.quantile(spectrum, quantiles).tolist()
    return found


def _starting(start: str, hidden: int, seed: int) -> Answer:
    kind, _, gain = start.partition(" ")
    if kind == "identity":
        return _irnn(6, hidden, 4)
    if kind == "orthogonal":
        U = orthogonal(hidden, seed=seed + 4_000_000)
    elif kind == "gaussian":
        U = gaussian(hidden, std=float(gain) / hidden**0.5, seed=seed + 4_000_000)
    else:
        raise ValueError(f"starts must be 'gaussian g', 'orthogonal' or 'identity', got {start!r}")
    return _tanh(hidden, U, inputs=6, outputs=4)


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
    ``(T, B, H, H)``.
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


_RANDOM = {"hidden": 32, "gains": [0.5, 1.0, 1.5, 3.0], "steps": 500, "drive": 0.5}
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
        seeds={"quick": range(10, 12), "book": range(5, 10)},
        settings={
            "quick": {**_RANDOM, "sequences": 20},
            "book": {**_RANDOM, "sequences": 40},
        },
        strips=[
            Strip(
                axis="Fitted factor per step, predicted = 1",
                rows=[
                    Row("linear ratio", "linear, gain {}: by spectral radius", over="gains"),
                    Row("tanh ratio", "tanh, gain {}: by Lyapunov exponent", over="gains"),
                ],
                lines={"as predicted": 1.0},
                limits=(0.95, 1.05),
            ),
            Strip(
                axis="Fitted factor per step of tanh, spectral radius = 1",
                rows=[Row("tanh over radius", "tanh, gain {}", over="gains")],
                lines={"spectral radius": 1.0},
                limits=(0.0, 1.0),
            ),
        ],
        deviations=[
            "No paper states it so: the first is linear algebra, the second the definition of the "
            "exponent. It is measured on other inputs than the gradients are.",
            "The tolerance of 3 % was set after trial runs with other seeds.",
            "A first record, with weaker inputs, 10 sequences and a largest gain of 2, failed: at "
            "that gain the two halves differed by up to 10 % in two runs of five, for the states "
            "were still settling. The seeds are new.",
        ],
    ),
    Claim(
        id="gradients.latch",
        paper="bengio1994learning",
        sentence=(
            "Gradient descent teaches one unit to keep a bit ever more rarely as the bit must be "
            "kept for longer, at every noise level."
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
                axis=f"Units that succeed, of 40, as a fraction; noise {noise}",
                rows=[Row(f"noise {noise}", "T = {}", over="lengths")],
                limits=(0.0, 1.0),
            )
            for noise in (0.1, 0.3, 0.6)
        ],
        deviations=[
            "The equation and the learned inputs are the paper's. The targets of ±0.8 we have from "
            "a later description of the task (people.idsia.ch/~juergen/guessing2001).",
            "Lengths, noise levels, learning rate and updates are ours, and so is the test: the "
            "sign is right for more than 95 % of fresh sequences.",
            "Four sequences of each class in an update were chosen after one trial run with "
            "another seed, from one and four.",
        ],
    ),
    Claim(
        id="gradients.latch_weight",
        paper="bengio1994learning",
        sentence=(
            "A unit learns to keep a bit if its first recurrent weight is above 1, and hardly ever "
            "if it is below."
        ),
        experiment=latch_by_weight,
        criterion=(
            "Averaged over the runs, fewer than 0.2 of the units succeed from each first weight "
            "below 1, and more than 0.5 from 1.25."
        ),
        holds=lambda runs: bool(
            (_over(runs, "below 1").mean(axis=0) < 0.2).all()
            and _over(runs, "at 1.25").mean() > 0.5
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
                axis="Units that succeed, of 40, as a fraction",
                rows=[Row("success", "first weight {}", over="weights")],
                limits=(0.0, 1.0),
            )
        ],
        deviations=[
            "As for the claim on length: the task is the paper's, the settings are ours.",
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
                axis="Best accuracy on 1,000 fresh sequences",
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
        ],
    ),
    Claim(
        id="gradients.clipping_at_30",
        paper="pascanu2013difficulty",
        sentence=(
            "On temporal order over 30 steps, gradient descent fails, and solves the task when the "
            "gradient's norm is clipped."
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
                axis="Best accuracy on 1,000 fresh sequences",
                rows=[
                    Row("clipped", "clipped at norm 1, T = {}", over="lengths"),
                    Row("as it comes", "not clipped, T = {}", over="lengths"),
                ],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            ),
            Strip(
                axis="Longest gradient met before clipping",
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
        ],
    ),
    Claim(
        id="gradients.regularizer",
        paper="pascanu2013difficulty",
        sentence=(
            "With a regulariser that keeps the gradient's length on its way back, temporal order "
            "over 60 steps is solved; with clipping alone it is not."
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
                axis="Best accuracy on 1,000 fresh sequences",
                rows=[Row("best", "clipped, regulariser's weight {}", over="weights")],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            )
        ],
        deviations=[
            "The paper's weight of 4 belongs to the authors' program, which averages "
            "$(r^2 - 1)^2$ over the steps, with $r$ the ratio of lengths. The paper's formula has "
            "$(r - 1)^2$, a quarter of that near $r = 1$. We average the formula, and its weight "
            "is 16.",
            "With weight 4 two trial runs, with other seeds, reached only 0.36 and 0.61 accuracy; "
            "with 16, both solved the task. The criterion was written before any of them.",
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
        seeds={"quick": range(10, 11), "book": range(5)},
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
                axis="Squared error, variance of the targets = 1",
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
            "and the modern LSTM: forget gate with bias 1, the whole gradient, Adam.",
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
        seeds={"quick": range(10, 11), "book": range(5)},
        settings={
            "quick": {"length": 50, "hidden": 100, "updates": 1200, "rate": 1e-3},
            "book": {"length": 100, "hidden": 100, "updates": 6000, "rate": 1e-3},
        },
        strips=[
            Strip(
                axis="Squared error, variance of the targets = 1",
                rows=[Row("error", "IRNN with 100 units")],
                lines={"the mean": 1.0},
                limits=(0.0, 1.1),
            ),
            Strip(axis="Updates", rows=[Row("updates", "IRNN with 100 units")], limits=(0, 6000)),
        ],
        deviations=[
            "The paper's shortest sequences have 150 steps, ours 100. We train by Adam with "
            "clipping, and start the input weights as torch does.",
            "The criterion is that of the claim on the LSTM. One trial run, with another seed, "
            "had met it.",
        ],
    ),
    Claim(
        id="gradients.spectra",
        sentence=(
            "Orthogonal first weights carry a gradient almost evenly in all directions; Gaussian "
            "ones lose most of them. What training on a memory task does to tanh networks is to "
            "keep a few: the largest exponent comes to about 0, and the rest of the spectrum falls."
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
                axis="Median logarithm of the singular values, per step",
                rows=[
                    Row("median before", "{}, before", over="starts"),
                    Row("median after", "{}, after", over="starts"),
                ],
                lines={"norm is kept": 0.0},
            ),
            Strip(
                axis="Accuracy after training, 1,000 fresh sequences",
                rows=[Row("accuracy", "{}", over="starts")],
                lines={"chance": 0.25},
                limits=(0.2, 1.0),
            ),
        ],
        deviations=[
            "No paper states it so. The criterion was written after three trial runs with other "
            "seeds, in one of which the start of gain 0.5 did not learn.",
            "A first record asked that gain 1.5 learn the task too, and failed: in one run of five "
            "it did not. All that had learned met the rest. The seeds are new.",
            "Logarithms below −5 a step, such as those of dead rectifiers, count as −5.",
        ],
    ),
)
