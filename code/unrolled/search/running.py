"""A search that is killed at any moment goes on where it was."""

from __future__ import annotations

import json
import sys
from collections.abc import Callable, Mapping, Sequence
from contextlib import AbstractContextManager
from dataclasses import replace
from functools import partial
from math import inf, isfinite
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.core.kinds import flag, function, several, string, told
from unrolled.core.validate import random_seed, whole
from unrolled.search.space import (
    MOST_SETTINGS,
    Settings,
    Structures,
    as_text,
    check_buildable,
    filled,
    is_cell,
    mutate,
    structures,
)
from unrolled.search.store import DONE, FAILED, LOST, PLANNED, Trial, locked, plan, record, results
from unrolled.search.workers import (
    Crew,
    Objective,
    Outcome,
    dask_crew,
    inline_crew,
    local_crew,
    outcomes,
)

_MOST = 1000  # workers, and retries


def run(
    objective: Objective,
    trials: Sequence[Settings],
    path: str | Path | None,
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
    objective by its name and the arguments of a ``partial`` only: when its code changes, take
    another file. With ``path=None`` and ``workers=0`` all happens here and nothing is kept.

    Parameters
    ----------
    objective
        A function at the top of a module, or a ``partial`` of one with plain data by name, called
        with a trial's settings by name. It returns what JSON can hold, for example
        ``{"loss": 0.1}``; NaN and infinity too, and numbers of NumPy. An error that it raises is
        the trial's outcome, ``"failed"``, and is not tried again. With neither store nor other
        processes it can be anything that can be called.
    trials
        The plan: a list of different settings, plain data, at most 100,000.
    path
        The store, one SQLite file; the same by a link to it. None: the results are returned only.
    scheduler
        Address of a Dask scheduler, for example ``"tcp://127.0.0.1:8786"``. Its workers must be
        able to import the objective. Not given: processes of this machine.
    workers
        How many processes of this machine, at most 1000. They end with the one that calls this.
        0: none; the trials run in this one, one after the other.
    retries
        How often a trial is tried again after its worker died, at most 1000; then it is
        ``"lost"``. A Dask
        scheduler has tried several times by itself before it gives a trial back
        (``distributed.scheduler.allowed-failures``).
    retry_failed
        Run also what failed or was lost before.

    Raises
    ------
    TypeError
        If the objective is not a function at the top of a module, or settings are not plain data.
    ValueError
        If settings are repeated, the store belongs to another objective or plan, or the file is
        damaged or no store.
    RuntimeError
        If another search is running on the store.
    FileNotFoundError
        If the store's folder does not exist.
    OSError
        If the store cannot be written, for example on a full disk; what it holds stays.
    ConnectionError
        If the scheduler goes away.
    """
    workers = whole("workers", workers, least=0, most=_MOST)
    retries = whole("retries", retries, least=0, most=_MOST)
    if scheduler is not None and "://" not in string("scheduler", scheduler):
        raise ValueError(f"scheduler must be an address such as 'tcp://…:8786', got {scheduler!r}")
    flag("retry_failed", retry_failed)
    inline = scheduler is None and workers == 0
    name = _name(objective, local=scheduler is None, alone=inline and path is None)
    _check_different(trials)
    crew = _crew(scheduler, workers)
    if path is None:
        return _in_memory(objective, trials, [], crew, retries)
    wanted = {PLANNED, FAILED, LOST} if retry_failed else {PLANNED}
    with locked(path):
        missing = [trial for trial in plan(path, name, trials) if trial.status in wanted]
        _complete(objective, missing, crew, retries, lambda t, how: record(path, t.number, *how))
        return results(path)[: len(trials)]


def evolve(
    objective: Objective,
    start: Sequence[Settings],
    path: str | Path | None,
    *,
    target: str,
    seed: int,
    generations: int,
    children: int,
    keep: int = 1,
    choices: Structures | None = None,
    scheduler: str | None = None,
    workers: int = 2,
    retries: int = 3,
    after_generation: Callable[[list[Trial]], None] | None = None,
) -> list[Trial]:
    """Mutate the best cells so far, test what comes out, and keep the best of all.

    Each generation is a plan's next part, and follows from the seed and the results before it.
    So it resumes as :func:`run` does. No structure is tested twice. It ends where no new mutant
    is left.

    Parameters
    ----------
    objective
        As for :func:`run`. It is called with a structure: ``cell=...`` and the cell's options.
    start
        The first generation, at least one structure as for :func:`mutate`.
    path
        The store, or None, as for :func:`run`.
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
    after_generation
        Called with all trials so far after each generation, the first included.

    Raises
    ------
    TypeError, ValueError, RuntimeError, OSError
        As :func:`run` and :func:`mutate`.
    """
    choices = structures() if choices is None else choices
    check_buildable(choices)
    generations = whole("generations", generations, least=0)
    children, keep = whole("children", children), whole("keep", keep)
    seed = random_seed("seed", seed)
    string("target", target)
    if after_generation is not None:
        function("after_generation", after_generation)
    _check_list("start", start)
    several("start", start, of=Mapping)
    grown = [filled(structure, choices) for structure in start]
    if not grown:
        raise ValueError("start must hold at least one structure, got none")
    where: dict[str, Any] = {"scheduler": scheduler, "workers": workers, "retries": retries}
    rows = run(objective, grown, path, **where)
    told = after_generation or (lambda rows: None)
    told(rows)
    for generation in range(1, generations + 1):
        best = sorted(rows, key=lambda trial: (_score(trial, target), trial.number))[:keep]
        rng = np.random.default_rng((seed, generation))
        born = _children([trial.settings for trial in best], grown, children, choices, rng)
        if not born:
            break
        grown += born
        if path is None:
            rows = _in_memory(objective, grown, rows, _crew(scheduler, workers), retries)
        else:
            rows = run(objective, grown, path, **where)
        told(rows)
    return rows


def _crew(scheduler: str | None, workers: int) -> AbstractContextManager[Crew]:
    """Return who is asked for: a cluster, processes of this machine, or this one alone."""
    if scheduler is not None:
        return dask_crew(scheduler)
    return local_crew(workers) if workers else inline_crew()


def _in_memory(
    objective: Objective,
    trials: Sequence[Settings],
    known: Sequence[Trial],
    crew: AbstractContextManager[Crew],
    retries: int,
) -> list[Trial]:
    """Run what follows the trials that are known; return all."""
    rows = [*known]
    for number in range(len(known), len(trials)):
        rows.append(Trial(number, json.loads(as_text(trials[number]))))

    def keep(trial: Trial, outcome: Outcome) -> None:
        rows[trial.number] = _with(trial, outcome)

    _complete(objective, rows[len(known) :], crew, retries, keep)
    return rows


def _complete(
    objective: Objective,
    missing: Sequence[Trial],
    crew: AbstractContextManager[Crew],
    retries: int,
    keep: Callable[[Trial, Outcome], None],
) -> None:
    """Run trials and keep each as it ends."""
    if not missing:
        return
    from unrolled.training.progress_bar import progress  # brings torch, which a worker may not need

    with crew as hands:
        ended = outcomes(hands, objective, missing, retries)
        for trial, outcome in progress(ended, "trials", total=len(missing)):
            keep(trial, outcome)


def _with(trial: Trial, outcome: Outcome) -> Trial:
    """Return a trial as a store would keep it."""
    status, text, seconds = outcome
    if status == DONE:
        return replace(trial, status=status, result=json.loads(text), seconds=seconds)
    return replace(trial, status=status, error=text, seconds=seconds)


def _name(objective: Objective, *, local: bool, alone: bool = False) -> str:
    """Return the objective's full name; refuse what another process could not import."""
    if alone and callable(objective):
        return ""
    if isinstance(objective, partial) and not objective.args:
        return f"{_name(objective.func, local=local)} with {as_text(objective.keywords)}"
    module = getattr(objective, "__module__", None)
    name = f"{module}.{getattr(objective, '__qualname__', '<unnamed>')}"
    if not callable(objective) or "<" in name:
        said = getattr(objective, "__qualname__", told(objective))
        raise TypeError(f"objective must be a function at the top of a module, got {said}")
    if module != "__main__":
        return name
    script = getattr(sys.modules["__main__"], "__file__", None)
    if local and script is None:
        raise TypeError(
            f"objective must stand in a file, where other processes can find it, got {name} of a "
            "notebook or a shell"
        )
    return name if script is None else name.replace("__main__", Path(script).stem, 1)


def _check_list(name: str, value: Any) -> None:
    if not isinstance(value, list | tuple):
        raise TypeError(f"{name} must be a list, got {told(value)}")


def _check_different(trials: Sequence[Settings]) -> None:
    _check_list("trials", trials)
    several("trials", trials, of=Mapping)
    if len(trials) > MOST_SETTINGS:
        raise ValueError(f"trials must be at most {MOST_SETTINGS}, got {len(trials)}")
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
