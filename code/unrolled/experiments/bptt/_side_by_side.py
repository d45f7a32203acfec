"""Many networks trained side by side, one for each seed, rate and clip."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled.bptt import RNN, Array
from unrolled.data import cue, delay
from unrolled.experiments.arguments import look_up
from unrolled.experiments.bptt._learning import SGD, Adam, along_networks, initial, logistic_loss
from unrolled.experiments.bptt._slips import slipped


def loss_curves(
    slip: str,
    *,
    task: str,
    lag: int,
    optimiser: str,
    seeds: Sequence[int],
    rates: Sequence[float],
    clips: Sequence[float] | NDArray[np.float64],
    hidden: int,
    sequences: int,
    updates: int,
    back: NDArray[np.float64] | None = None,
) -> NDArray[np.float64]:
    """Train networks side by side, one for each seed, rate and clip; return their losses.

    First weights as torch draws them; fresh sequences at every update, so the loss is that on
    sequences not seen before; cross-entropy.

    Parameters
    ----------
    slip
        One of ``SLIPS``; none, for the right gradient.
    task
        ``"cue"``: the answer is due at the last step, the cue stands ``lag`` steps before it, at
        the first. ``"delay"``: from step ``lag`` on, the bit ``lag`` steps ago, 2 ``lag`` times.
    optimiser
        ``"Adam"`` or ``"SGD"``.
    seeds, rates, clips
        ``(N,)`` each; a clip is the largest norm of a network's gradient.
    hidden, sequences, updates
        Units, sequences in a batch, updates; at least 1.
    back
        ``(updates, hidden, hidden)``, by which an error is multiplied a step back at each update,
        in place of the network's own way, ``slip`` or not.

    Returns
    -------
    ``(updates, N)`` losses before each update, no more than ``WORST``.
    """
    look_up("task", task, TASKS)
    look_up("optimiser", optimiser, OPTIMISERS)
    sizes = len(seeds), len(rates), len(clips)
    if len(set(sizes)) > 1 or not seeds:
        raise ValueError(f"seeds, rates and clips must be equally many, at least 1, got {sizes}")
    draw = TASKS[task]
    different = {each: draw(updates * sequences, lag, each) for each in seeds}
    T, _, I = next(iter(different.values()))[0].shape  # noqa: E741
    shape = (T, len(seeds), updates, sequences, -1)
    x, targets = (
        np.stack([different[each][part] for each in seeds], axis=1).reshape(shape)
        for part in (0, 1)
    )
    asked = np.arange(T) >= (lag if task == "delay" else T - 1)
    drawn = [initial(each, I, hidden, 1) for each in seeds]
    parameters = RNN(*(np.stack(each).astype(np.float32) for each in zip(*drawn, strict=True)))
    learn = OPTIMISERS[optimiser](np.array(rates, np.float32))
    most = np.array(clips, np.float32)
    losses = np.full((updates, len(seeds)), WORST)
    with np.errstate(over="ignore", invalid="ignore"):  # where a rate is too high
        for update in range(updates):
            inputs = x[:, :, update]
            h, y = _forward(parameters, inputs)
            loss, dy = logistic_loss(y, targets[:, :, update])
            losses[update] = loss[asked].mean(axis=(0, 2, 3))
            dy = dy * asked[:, None, None, None].astype(np.float32) / (asked.sum() * sequences)
            way = None if back is None else back[update].astype(np.float32)
            gradient = slipped(parameters, inputs, h, dy, slip=slip, back=way)
            parameters = learn.step(parameters, _clipped(gradient, most))
    losses[~(losses < WORST)] = WORST  # NaN too: a network that is lost
    return losses


WORST = 10.0


def cue_sequences(n: int, lag: int, seed: int) -> tuple[Array, Array]:
    inputs, targets = cue(n, lag=lag, length=lag + 1, seed=seed)
    x = inputs.swapaxes(0, 1)
    return x, np.broadcast_to(targets[:, None], (*x.shape[:2], 1))


def _delay(n: int, lag: int, seed: int) -> tuple[Array, Array]:
    return delay(3 * lag, lag=lag, streams=n, seed=seed)


TASKS = {"cue": cue_sequences, "delay": _delay}

OPTIMISERS: Mapping[str, type[Adam | SGD]] = {"Adam": Adam, "SGD": SGD}


def _forward(parameters: RNN, x: Array) -> tuple[Array, Array]:
    """Do what :func:`unrolled.bptt.forward` does, for N networks at once and from a zero state."""
    W, U, b, V, c = parameters
    h = np.zeros((len(x) + 1, *x.shape[1:3], U.shape[-1]), x.dtype)
    for t in range(len(x)):
        h[t + 1] = np.tanh(x[t] @ W.mT + h[t] @ U.mT + b[:, None])
    return h, h[1:] @ V.mT + c[:, None]


def _clipped(gradient: RNN, most: Array) -> RNN:
    """Scale each network's gradient to at most its norm ``(N,)``, over all its parameters."""
    squares = sum((each**2).reshape(len(each), -1).sum(axis=1) for each in gradient)
    scale = np.minimum(1, most / np.maximum(np.sqrt(squares), 1e-12))
    return RNN(*(along_networks(scale, each) * each for each in gradient))
