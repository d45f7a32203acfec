"""The training loop of every chapter."""

from __future__ import annotations

import copy
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler, ReduceLROnPlateau

from unrolled.core.validate import real, whole
from unrolled.data.batching import Batches
from unrolled.training.checkpoint import load, save
from unrolled.training.progress_bar import progress


@dataclass
class History:
    """What happened in a run.

    Attributes
    ----------
    loss
        Training loss of every update.
    norm
        Norm of the whole gradient at every update, before clipping.
    validation
        Validation score after every epoch; empty without ``validate``.
    best_epoch
        Epoch with the lowest validation score, whose weights were kept; -1 without ``validate``.
    """

    loss: list[float] = field(default_factory=list)
    norm: list[float] = field(default_factory=list)
    validation: list[float] = field(default_factory=list)
    best_epoch: int = -1


def fit(
    model: nn.Module,
    batches: Batches,
    loss: Callable[..., Tensor],
    *,
    epochs: int,
    optimizer: Optimizer,
    clip: float | None = None,
    schedule: LRScheduler | None = None,
    validate: Callable[[nn.Module], float] | None = None,
    patience: int | None = None,
    checkpoint: str | os.PathLike[str] | None = None,
    save_every: int | None = None,
) -> History:
    r"""Train ``model`` in place and return what happened.

    Each update computes ``loss(model, *batch)``, its gradient :math:`g`, and, with ``clip``,
    scales it to :math:`g \min(1, c / \lVert g \rVert)` over all parameters together (torch adds
    1e-6 to the norm).

    Parameters
    ----------
    model
        Stays on its device; batches are moved to it.
    batches
        The training examples.
    loss
        Returns a scalar tensor.
    epochs
        Passes over the examples, at least 1.
    optimizer
        Made for the model's parameters.
    clip
        Largest norm :math:`c` of the gradient, greater than 0.
    schedule
        Steps once an epoch, by itself: not one that waits for a score.
    validate
        Scores the model after every epoch, lower is better; the best weights are put back at the
        end.
    patience
        Stop after this many epochs without a better score. Needs ``validate``.
    checkpoint
        File that the run is saved to after every epoch, and resumed from if it is there. The
        resumed run ends with the very weights the unbroken run would have, if what is random in
        it is torch's.
    save_every
        Save after this many updates too. Needs ``checkpoint``.

    Raises
    ------
    ValueError
        If an argument is out of range, or the checkpoint is of another run.
    FloatingPointError
        If the loss, the gradient or the score is no longer finite.
    """
    epochs = whole("epochs", epochs)
    clip = math.inf if clip is None else real("clip", clip, above=0)
    if patience is not None and whole("patience", patience) and validate is None:
        raise ValueError(f"patience needs validate, got patience={patience} and none")
    if save_every is not None and whole("save_every", save_every) and checkpoint is None:
        raise ValueError(f"save_every needs checkpoint, got save_every={save_every} and none")

    if isinstance(schedule, ReduceLROnPlateau):
        raise ValueError("schedule must step without a score, got ReduceLROnPlateau")

    run = _Run(model, optimizer, schedule, batches, validates=validate is not None)
    if checkpoint is not None and Path(checkpoint).exists():
        run.restore(load(checkpoint), Path(checkpoint))
    for epoch in progress(range(run.epoch, epochs), "epochs"):
        if run.exhausted(patience):
            break
        model.train()
        for batch in batches.epoch(epoch, start=run.batch):
            run.update(loss, batch, clip)
            if save_every is not None and len(run.history.loss) % save_every == 0:
                save(checkpoint, run.state())  # type: ignore[arg-type]
        run.finish_epoch(validate)
        if checkpoint is not None:
            save(checkpoint, run.state())
    run.keep_best()
    return run.history


class _Run:
    """All that a run must remember to go on where it stopped."""

    def __init__(
        self,
        model: nn.Module,
        optimizer: Optimizer,
        schedule: LRScheduler | None,
        batches: Batches,
        *,
        validates: bool,
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.device = next(model.parameters()).device
        self.setting = {
            "model": type(model).__name__,
            "optimizer": type(optimizer).__name__,
            "schedule": type(schedule).__name__,
            "validates": validates,
            "examples": batches.examples,
            "size": batches.size,
            "seed": batches.seed,
            "shuffle": batches.shuffle,
        }
        self.epoch = self.batch = 0
        self.history = History()
        self.best: dict[str, Any] | None = None

    def update(self, loss: Callable[..., Tensor], batch: Any, clip: float) -> None:
        self.optimizer.zero_grad()
        value = loss(self.model, *(torch.as_tensor(part).to(self.device) for part in batch))
        value.backward()  # type: ignore[no-untyped-call]
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        # one copy from the device for both numbers
        loss_value, norm_value = torch.stack([value.detach(), norm]).tolist()
        if not math.isfinite(loss_value + norm_value):
            raise FloatingPointError(
                f"training broke at update {len(self.history.loss)}: loss {loss_value:g}, "
                f"gradient norm {norm_value:g}; try a smaller learning rate, or clip"
            )
        self.optimizer.step()
        self.history.loss.append(loss_value)
        self.history.norm.append(norm_value)
        self.batch += 1

    def finish_epoch(self, validate: Callable[[nn.Module], float] | None) -> None:
        if validate is not None:
            self.score(validate)
        if self.schedule is not None:
            self.schedule.step()
        self.epoch, self.batch = self.epoch + 1, 0

    def score(self, validate: Callable[[nn.Module], float]) -> None:
        self.model.eval()
        with torch.no_grad():
            score = float(validate(self.model))
        if not math.isfinite(score):
            raise FloatingPointError(f"validate must be finite, got {score} in epoch {self.epoch}")
        scores = self.history.validation
        if self.best is None or score < scores[self.history.best_epoch]:
            self.best = copy.deepcopy(self.model.state_dict())
            self.history.best_epoch = self.epoch
        scores.append(score)

    def exhausted(self, patience: int | None) -> bool:
        return patience is not None and self.epoch - 1 - self.history.best_epoch >= patience

    def keep_best(self) -> None:
        if self.best is not None:
            self.model.load_state_dict(self.best)
        self.model.eval()

    def state(self) -> dict[str, Any]:
        gpu = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        return {
            "setting": self.setting,
            "model": self.model.state_dict(),
            "optimizer": self.optimizer.state_dict(),
            "schedule": self.schedule and self.schedule.state_dict(),
            "epoch": self.epoch,
            "batch": self.batch,
            "history": asdict(self.history),
            "best": self.best,
            "random": torch.get_rng_state(),
            "random_gpu": gpu,
        }

    def restore(self, state: dict[str, Any], path: Path) -> None:
        if state.get("setting") != self.setting:
            raise ValueError(
                f"checkpoint must be of the same run, {path} is not: "
                f"got {state.get('setting')}, expected {self.setting}"
            )
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.epoch, self.batch, self.best = state["epoch"], state["batch"], state["best"]
        self.history = History(**state["history"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["random_gpu"] is not None:
            torch.cuda.set_rng_state(state["random_gpu"], self.device)
