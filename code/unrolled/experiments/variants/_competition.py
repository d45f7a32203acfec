"""Who competes, and how: settings are searched, fresh networks are judged.

The searches for settings and for structures are searches of ``unrolled.search``, run here and kept
nowhere, for the ledger keeps what was measured at each seed. The tournament shares ``trial``.
A seed varies all of it: the settings that are drawn, the networks and data of the search, and those
on which the winner is judged.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from types import MappingProxyType
from typing import Any

import numpy as np

from unrolled.experiments.arguments import look_up
from unrolled.experiments.variants._budget import learn, scores, width
from unrolled.experiments.variants._tasks import TASKS, TEST, VALIDATION, mixed_seed
from unrolled.search import Range, Trial, random_settings, run
from unrolled.search.space import Settings

ENTRANTS: Mapping[str, Mapping[str, Any]] = MappingProxyType(
    {
        "LSTM": {"cell": "LSTM", "forget_bias": 1.0},
        "peepholes": {"cell": "LSTM", "peepholes": True, "forget_bias": 1.0},
        "coupled": {"cell": "LSTM", "coupled": True, "forget_bias": 1.0},
        "GRU": {"cell": "GRU"},
        "GRU, reset before": {"cell": "GRU", "reset": "before"},
        "MUT1": {"cell": "MUT1"},
        "MUT2": {"cell": "MUT2"},
        "MUT3": {"cell": "MUT3"},
        "tanh": {"cell": "Elman"},
    }
)
"""Who takes part in the searches, as structures of :func:`unrolled.search.build`. The forget
bias of the LSTMs is 1; for the coupled gates, where 1 - i forgets, that is a bias of -1 for i."""

DRAWN = {"rate": Range(3e-3, 0.1, log=True), "share": Range(0.5, 1.0, log=True)}


def compete(
    pairs: Sequence[tuple[Settings, str]],
    seed: int,
    *,
    updates: Mapping[str, int],
    draws: int,
    networks: int,
    batch: int,
) -> tuple[list[Settings], list[float]]:
    """Choose settings for each structure on a task by validation; judge fresh networks by test.

    Returns
    -------
    The settings that were chosen, and the median error of the fresh networks.
    """
    drawn = random_settings(DRAWN, draws, mixed_seed(seed, 0))

    def planned(pair: tuple[Settings, str], tried: Sequence[Settings], part: int) -> Settings:
        structure, task = pair
        return {
            "structure": structure,
            "task": task,
            "shares": [each["share"] for each in tried],
            "rates": [each["rate"] for each in tried],
            "part": part,
            "seed": mixed_seed(seed, part),
            "updates": updates[task],
            "batch": batch,
        }

    # a structure that comes twice is played once: trials of a plan are different
    distinct = [pair for k, pair in enumerate(pairs) if pair not in pairs[:k]]
    search = [planned(pair, drawn, VALIDATION) for pair in distinct]
    rows = all_done(run(trial, search, None, workers=0))
    chosen = [drawn[int(np.argmin(row.result["loss"]))] for row in rows]
    final = [
        planned(pair, [settings] * networks, TEST)
        for pair, settings in zip(distinct, chosen, strict=True)
    ]
    rows = all_done(run(trial, final, None, workers=0))
    medians = [float(np.median(row.result["error"])) for row in rows]
    places = [distinct.index(pair) for pair in pairs]
    return [chosen[k] for k in places], [medians[k] for k in places]


def trial(
    structure: Mapping[str, Any],
    task: str,
    shares: Sequence[float],
    rates: Sequence[float],
    part: int,
    seed: int,
    updates: int,
    batch: int,
) -> dict[str, list[float]]:
    """Train networks of one cell on one task: an objective for ``search.run``.

    Returns
    -------
    ``error`` and ``loss``: on a part of the data, of a network for each of ``shares`` of the budget
    and ``rates``.
    """
    of = look_up("task", task, TASKS)
    widths = [width(structure, of, share * of.budget) for share in shares]
    networks, alive = learn(structure, of, widths, rates, seed=seed, updates=updates, batch=batch)
    return scores(networks, alive, of, part=part, seed=seed)


def all_done(trials: Sequence[Trial]) -> Sequence[Trial]:
    """Return trials if all have a result."""
    for each in trials:
        if each.status != "done":
            raise RuntimeError(f"trial {each.settings} {each.status}: {each.error}")
    return trials
