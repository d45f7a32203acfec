"""The training loop of every chapter."""

from __future__ import annotations

import contextlib
import copy
import functools
import math
import os
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.optim import Optimizer
from torch.optim.lr_scheduler import LRScheduler

from unrolled.core import kinds
from unrolled.core.validate import real, whole
from unrolled.data.batching import Batches
from unrolled.training.arguments import (
    check_function,
    check_gradient,
    check_loss,
    check_loss_function,
    check_model,
    check_optimizer,
    check_schedule,
    check_score,
    check_sizes,
)
from unrolled.training.checkpoint import load, save
from unrolled.training.progress_bar import progress
from unrolled.training.reading import Told, read_by
from unrolled.training.setting import changes, differences, setting


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
        Returns a real tensor of shape ``()``; the gradients it leaves are dense.
    epochs
        Passes over the examples, at least 1.
    optimizer
        Made for the model's parameters, for all that are not frozen; steps without a closure.
    clip
        Largest norm :math:`c` of the gradient, greater than 0.
    schedule
        Made for the optimizer. Steps once an epoch, by itself: not one that waits for a score.
    validate
        Scores the model after every epoch, lower is better; the best weights are put back at the
        end.
    patience
        Stop after this many epochs without a better score. Needs ``validate``.
    checkpoint
        File that the run is saved to, at once and after every epoch, and resumed from if it is
        there. The resumed run ends with the very weights the unbroken run would have, if what is
        random in it is torch's. What decides the result must be as it was: classes, sizes,
        options and frozen weights of the model, the examples, options of optimizer, schedule and
        batches, ``clip``, ``loss`` and ``validate``; ``epochs`` and ``patience`` may be more. First
        weights and the random state come from the file.

        Of a function, its code is compared and what it reads from outside: numbers, words, tensors,
        arrays, lists and dicts of them, other functions, modules with their weights, and of other
        objects the attributes that the code names; of the model, the attributes of its modules and
        buffers that are in no ``state_dict``. Not compared are the code of packages and of a
        module's ``forward``, hooks, files, and whatever changes during the run, as a list does that
        a loss appends to.
    save_every
        Save after this many updates too. Needs ``checkpoint``.

    Raises
    ------
    TypeError
        If an argument is of another kind, ``loss`` or ``validate`` returns no such thing, or the
        run holds what no checkpoint can.
    ValueError
        If an argument is out of range, or of another model, or the checkpoint is of another run.
    OSError
        If the checkpoint cannot be written.
    FloatingPointError
        If the loss, the gradient or the score is no longer finite.
    """
    epochs = whole("epochs", epochs)
    clip = math.inf if clip is None else real("clip", clip, above=0)
    if patience is not None and whole("patience", patience) and validate is None:
        raise ValueError(f"patience needs validate, got patience={patience} and none")
    if save_every is not None and whole("save_every", save_every) and checkpoint is None:
        raise ValueError(f"save_every needs checkpoint, got save_every={save_every} and none")
    check_model(model)
    kinds.instance("batches", batches, Batches)
    check_loss_function(loss, model, batches.arrays)
    check_optimizer(optimizer, model)
    if schedule is not None:
        check_schedule(schedule, optimizer, epochs)
    if validate is not None:
        check_function("validate", validate, model, of="the model")

    run = _Run(model, optimizer, schedule)
    keep: Callable[[], None] | None = None
    if checkpoint is not None:
        file = kinds.path("checkpoint", checkpoint)
        check_sizes(model)
        run.setting = setting(model, batches, optimizer=optimizer, schedule=schedule, clip=clip)
        run.watch = functools.partial(read_by, model, {"loss": loss, "validate": validate})
        run.watched = run.watch()
        keep = functools.partial(run.keep, file)
        if not file.exists() or not run.resume(load(file), file, epochs, patience):
            keep()  # what cannot be saved is said before any work
    try:
        for epoch in progress(range(run.epoch, epochs), "epochs"):
            if run.exhausted(patience):
                break
            model.train()
            for batch in batches.epoch(epoch, start=run.batch):
                run.update(loss, batch, clip)
                if keep and save_every and len(run.history.loss) % save_every == 0:
                    keep()
            run.finish_epoch(validate)
            if keep:
                keep()
    except BaseException:  # this process may resume it, with lists that have grown since
        if checkpoint is not None:
            run.keep_changes(file)
        raise
    run.take_best()
    return run.history


class _Run:
    """All that a run must remember to go on where it stopped."""

    def __init__(
        self, model: nn.Module, optimizer: Optimizer, schedule: LRScheduler | None
    ) -> None:
        self.model, self.optimizer, self.schedule = model, optimizer, schedule
        self.device = next(model.parameters()).device
        self.setting: Told = {}
        self.watched: Told = {}
        self.watch: Callable[[], Told] = dict
        self.changed: set[str] = set()
        self.epoch = self.batch = 0
        self.history = History()
        self.best: dict[str, Any] | None = None
        self.begun = False

    def update(self, loss: Callable[..., Tensor], batch: Any, clip: float) -> None:
        self.optimizer.zero_grad()
        waits = self.device.type == "cpu"  # a copy to a GPU need not wait for it
        there = (torch.as_tensor(part).to(self.device, non_blocking=not waits) for part in batch)
        value = loss(self.model, *there)
        check_loss(value)
        value.backward()  # type: ignore[no-untyped-call]
        if not self.begun:
            check_gradient(self.model)
            self.begun = True
        norm = nn.utils.clip_grad_norm_(self.model.parameters(), clip)
        # one copy from the device for both numbers
        loss_value, norm_value = torch.stack([value.detach().to(norm.device), norm]).tolist()
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
            score = check_score(validate(self.model))
        if not math.isfinite(score):
            raise FloatingPointError(f"validate must be finite, got {score} in epoch {self.epoch}")
        scores = self.history.validation
        if self.best is None or score < scores[self.history.best_epoch]:
            self.best = copy.deepcopy(self.model.state_dict())
            self.history.best_epoch = self.epoch
        scores.append(score)

    def exhausted(self, patience: int | None) -> bool:
        return patience is not None and self.epoch - 1 - self.history.best_epoch >= patience

    def take_best(self) -> None:
        if self.best is not None:
            self.model.load_state_dict(self.best)
        self.model.eval()

    def keep(self, path: Path) -> None:
        self.changed |= changes(self.watched, self.watch())
        gpu = torch.cuda.get_rng_state(self.device) if self.device.type == "cuda" else None
        state = {
            "setting": {**self.watched, **self.setting},
            "changed": sorted(self.changed),
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
        save(path, state)

    def keep_changes(self, path: Path) -> None:
        """Note in the file what has changed since it was saved."""
        with contextlib.suppress(Exception):  # what ended the run is to be told
            if changed := changes(self.watched, self.watch()) - self.changed:
                self.changed |= changed
                save(path, load(path) | {"changed": sorted(self.changed)})

    def resume(self, state: dict[str, Any], path: Path, epochs: int, patience: int | None) -> bool:
        """Go on where a file's run stopped; False if that is before its first update."""
        if not _is_of_fit(state):
            words = f"got a dict of {', '.join(map(str, state))}, expected what fit saves"
            raise ValueError(f"checkpoint must be of the same run, {path} is not: {words}")
        if not state["history"]["loss"]:
            return False
        self.changed = set(state["changed"])
        now = {**self.watched, **self.setting}
        got, expected = differences(state["setting"], now, but=self.changed)
        if got != expected:
            words = f"got {got}, expected {expected}"
            raise ValueError(f"checkpoint must be of the same run, {path} is not: {words}")
        self._check_reach(state, path, epochs, patience)
        self.model.load_state_dict(state["model"])
        self.optimizer.load_state_dict(state["optimizer"])
        if self.schedule is not None:
            self.schedule.load_state_dict(state["schedule"])
        self.epoch, self.batch, self.best = state["epoch"], state["batch"], state["best"]
        self.history = History(**state["history"])
        torch.set_rng_state(state["random"])
        if self.device.type == "cuda" and state["random_gpu"] is not None:
            torch.cuda.set_rng_state(state["random_gpu"], self.device)
        return True

    def _check_reach(
        self, state: dict[str, Any], path: Path, epochs: int, patience: int | None
    ) -> None:
        """Raise if the file's run went on for longer than it would have been let."""
        reached = state["epoch"], state["batch"]
        if reached > (epochs, 0):
            begun = state["epoch"] + (state["batch"] > 0)
            raise ValueError(f"epochs must be at least {begun}, begun in {path}, got {epochs}")
        end = None if patience is None else _ends(state["history"]["validation"], patience)
        if end is not None and reached > (end, 0):
            raise ValueError(
                f"patience must be that of {path} or more, got {patience}: "
                f"the run would have ended after epoch {end}, and has gone on"
            )


def _is_of_fit(state: dict[str, Any]) -> bool:
    """Say whether a file's content is what a run keeps, each part of its kind."""
    kinds_of = {
        "setting": dict, "changed": list, "model": dict, "optimizer": dict, "epoch": int,
        "batch": int, "history": dict, "random": Tensor,
    }  # fmt: skip
    others = {"schedule", "best", "random_gpu"}
    return (
        state.keys() == kinds_of.keys() | others
        and all(isinstance(state[name], kind) for name, kind in kinds_of.items())
        and state["history"].keys() == asdict(History()).keys()
    )


def _ends(validation: list[float], patience: int) -> int | None:
    """Return after how many epochs a run ends for want of a better score, None if it does not."""
    best = 0
    for epoch, score in enumerate(validation):
        if score < validation[best]:
            best = epoch
        if epoch - best >= patience:
            return epoch + 1
    return None
