"""A search that is killed at any moment goes on where it was."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.core.validate import whole
from unrolled.search.space import (
    CELLS,
    Settings,
    Structures,
    as_text,
    check_buildable,
    filled,
    is_cell,
    mutate,
)
from unrolled.search.store import DONE, FAILED, LOST, PLANNED, Trial, locked, plan, record, results
from unrolled.search.workers import Objective, dask_crew, local_crew, outcomes


def run(
    objective: Objective,
    trials: Sequence[Settings],
    path: str | Path,
    *,
    scheduler: str | None = None,
    workers: int = 2,
    retries: int = 3,
    retry_failed: bool = False,
) -> list[Trial]:
    """Run the trials of a plan that have no result yet, and return all of its trials.

    Each result is one transaction of the store at ``path``. Killed at any moment and called again,
    the search runs what has no result; what was running when it was killed starts anew, and
    nothing that has a result is run again. The plan may have become longer. The store knows the
    objective by its name only: when its code changes, take another file.

    Parameters
    ----------
    objective
        A function at the top of a module, called with a trial's settings by name. It returns what
        JSON can hold, for example ``{"loss": 0.1}``; NaN and infinity too. An error that it raises
        is the trial's outcome, ``"failed"``, and is not tried again.
    trials
        The plan: different settings, plain data.
    path
        The store, one SQLite file.
    scheduler
        Address of a Dask scheduler, for example ``"tcp://127.0.0.1:8786"``. Its workers must be
        able to import the objective. Not given: processes of this machine.
    workers
        How many processes of this machine, at least 1. They end with the one that calls this.
    retries
        How often a trial is tried again after its worker died; then it is ``"lost"``. A Dask
        scheduler has tried several times by itself before it gives a trial back
        (``distributed.scheduler.allowed-failures``).
    retry_failed
        Run also what failed or was lost before.

    Raises
    ------
    TypeError
        If the objective is not a function at the top of a module, or settings are not plain data.
    ValueError
        If settings are repeated, or the store belongs to another objective or plan.
    RuntimeError
        If another search is running on the store.
    FileNotFoundError
        If the store's folder does not exist.
    ConnectionError
        If the scheduler goes away.
    """
    name = _name(objective, local=scheduler is None)
    workers, retries = whole("workers", workers), whole("retries", retries, least=0)
    _check_different(trials)
    wanted = {PLANNED, FAILED, LOST} if retry_failed else {PLANNED}
    with locked(path):
        planned = plan(path, name, trials)
        missing = [trial for trial in planned if trial.status in wanted]
        if missing:
            _complete(objective, missing, path, scheduler, workers, retries)
        return results(path)[: len(trials)]


def evolve(
    objective: Objective,
    start: Sequence[Settings],
    path: str | Path,
    *,
    target: str,
    seed: int,
    generations: int,
    children: int,
    keep: int = 1,
    choices: Structures = CELLS,
    scheduler: str | None = None,
    workers: int = 2,
    retries: int = 3,
) -> list[Trial]:
    """Mutate the best cells so far, test what comes out, and keep the best of all.

    Each generation is a plan's next part, and follows from the seed and the results before it.
    So it resumes as :func:`run` does. No structure is tested twice.

    Parameters
    ----------
    objective
        As for :func:`run`. It is called with a structure: ``cell=...`` and the cell's options.
    start
        The first generation, structures as for :func:`mutate`.
    path
        The store.
    target
        Name of what to minimise in what the objective returns. A trial that has no finite one
        comes last.
    seed
        At least 0.
    generations
        How many follow the first.
    children
        New structures of a generation; fewer where all mutants have been tested.
    keep
        How many of the best are mutated, each equally likely.
    choices
        As for :func:`mutate`.
    scheduler, workers, retries
        As for :func:`run`.

    Raises
    ------
    TypeError, ValueError, RuntimeError, ConnectionError
        As :func:`run` and :func:`mutate`.
    """
    check_buildable(choices)
    whole("generations", generations, least=0)
    whole("children", children), whole("keep", keep), whole("seed", seed, least=0)
    where: dict[str, Any] = {"scheduler": scheduler, "workers": workers, "retries": retries}
    grown = [filled(structure, choices) for structure in start]
    rows = run(objective, grown, path, **where)
    for generation in range(1, generations + 1):
        best = sorted(rows, key=lambda trial: (_score(trial, target), trial.number))[:keep]
        rng = np.random.default_rng((seed, generation))
        grown += _children([trial.settings for trial in best], grown, children, choices, rng)
        rows = run(objective, grown, path, **where)
    return rows


def _complete(
    objective: Objective,
    missing: Sequence[Trial],
    path: str | Path,
    scheduler: str | None,
    workers: int,
    retries: int,
) -> None:
    """Run trials and record each as it ends."""
    from unrolled.training.progress_bar import progress  # brings torch, which a worker may not need

    crew = local_crew(workers) if scheduler is None else dask_crew(scheduler)
    with crew as hands:
        ended = outcomes(hands, objective, missing, retries)
        for trial, outcome in progress(ended, "trials", total=len(missing)):
            record(path, trial.number, *outcome)


def _name(objective: Objective, *, local: bool) -> str:
    """Return the objective's full name; refuse what another process could not import."""
    module = getattr(objective, "__module__", None)
    name = f"{module}.{getattr(objective, '__qualname__', '<unnamed>')}"
    if not callable(objective) or "<" in name:
        raise TypeError(f"objective must be a function at the top of a module, got {objective!r}")
    if module != "__main__":
        return name
    script = getattr(sys.modules["__main__"], "__file__", None)
    if local and script is None:
        raise TypeError(
            f"objective must stand in a file, where other processes can find it, got {name} of a "
            "notebook or a shell"
        )
    return name if script is None else name.replace("__main__", Path(script).stem, 1)


def _check_different(trials: Sequence[Settings]) -> None:
    first: dict[str, int] = {}
    for number, settings in enumerate(trials):
        earlier = first.setdefault(as_text(settings), number)
        if earlier != number:
            raise ValueError(
                f"trials must be different, got {dict(settings)} as {earlier} and {number}"
            )


def _score(trial: Trial, target: str) -> float:
    """Return what is to be minimised, infinity where there is none."""
    if trial.status != DONE:
        return inf
    value = trial.result.get(target) if isinstance(trial.result, dict) else None
    if not isinstance(value, int | float):
        raise ValueError(f"target must name a number, got {target!r} of result {trial.result}")
    return value if isfinite(value) else inf


def _children(
    parents: Sequence[Settings],
    tested: Sequence[Settings],
    count: int,
    choices: Structures,
    rng: np.random.Generator,
) -> list[Settings]:
    """Return new structures, each a mutant of a parent drawn at random."""
    children: list[Settings] = []
    fertile = list(parents)
    while fertile and len(children) < count:
        parent = fertile[int(rng.integers(len(fertile)))]
        try:
            child = mutate(
                parent,
                choices,
                seed=int(rng.integers(2**32)),
                valid=lambda s: s not in tested and s not in children and is_cell(s),
            )
        except ValueError:  # all its mutants have been tested
            fertile.remove(parent)
            continue
        children.append(child)
    return children
