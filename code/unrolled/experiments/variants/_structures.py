"""A search for cells by mutation: what two claims on it share."""

from __future__ import annotations

from collections.abc import Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

from unrolled.cells import GRU, Elman, LSTMVariant
from unrolled.experiments.arguments import look_up
from unrolled.experiments.ledger import Measurement
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Difference
from unrolled.experiments.variants._competition import (
    ENTRANTS,
    all_done,
    compete,
    trial,
)
from unrolled.experiments.variants._tasks import VALIDATION, mixed_seed
from unrolled.search import Trial, evolve
from unrolled.search.space import Settings, Structures


def structures(
    seed: int,
    *,
    task: str,
    rivals: Sequence[str],
    rates: Sequence[float],
    generations: int,
    children: int,
    keep: int,
    updates: int,
    draws: int,
    networks: int,
    batch: int,
) -> dict[str, float | list[float]]:
    """Search for a cell by mutation, from the tanh cell on; then let it compete with others.

    Parameters
    ----------
    seed
        Varies all: mutations, networks, data. What judges the cell shares no draw with the search.
    task
        One of ``TASKS``, for the search and for the competition.
    rivals
        Names of ``ENTRANTS`` that compete with the cell.
    rates
        In the search a structure is trained once with each of these learning rates, with all of
        the budget, and its best counts.
    generations, children, keep
        As for ``search.evolve``.
    updates, batch
        Updates, and sequences in each.
    draws, networks
        As for ``tournament``.

    Returns
    -------
    ``found``, ``rivals``
        The median error on test data of fresh networks of the cell, and of each rival.
    ``promised``
        The error for which the search chose the cell.
    ``best``
        The least error after each generation, the first, of the tanh cell alone, included.
    ``tested``
        How many structures the search tested.
    ``gated``
        1 if the cell has gates, else 0.
    ``structure``
        The cell as numbers, which ``structure_from_numbers`` reads.
    """
    others = [dict(look_up("rivals", name, ENTRANTS)) for name in rivals]
    same = {"updates": updates, "batch": batch}
    objective = partial(fitness, task=task, rates=rates, seed=mixed_seed(seed, 1), **same)
    best: list[Trial] = []

    def note(tested: Sequence[Trial]) -> None:
        best.append(min(all_done(tested), key=lambda row: float(row.result["error"])))

    tested = evolve(
        objective,
        [{"cell": "Elman"}],
        None,
        target="error",
        seed=mixed_seed(seed, 2),
        generations=generations,
        children=children,
        keep=keep,
        choices=STRUCTURES,
        workers=0,
        after_generation=note,
    )
    best += best[-1:] * (generations + 1 - len(best))  # where nothing was left to test
    cell = best[-1].settings
    pairs = [(structure, task) for structure in (cell, *others)]
    _, medians = compete(
        pairs,
        mixed_seed(seed, 3),
        updates={task: updates},
        draws=draws,
        networks=networks,
        batch=batch,
    )
    return {
        "found": medians[0],
        "rivals": medians[1:],
        "promised": best[-1].result["error"],
        "best": [row.result["error"] for row in best],
        "tested": len(tested),
        "gated": float(cell["cell"] != "Elman"),
        "structure": structure_as_numbers(cell),
    }


STRUCTURES: Structures = MappingProxyType(
    {
        "LSTM": MappingProxyType(
            {
                option: values
                for option, values in LSTMVariant.choices.items()
                if option not in ("layer_norm", "gate_recurrence")
            }
        ),
        "GRU": GRU.choices,
        "Elman": Elman.choices,
    }
)
"""What the search for structures chooses from: ``search.structures()`` less MUT1 to MUT3, which
such a search has found, and less two options with which networks cannot be trained side by side
here."""


def fitness(
    *, task: str, rates: Sequence[float], seed: int, updates: int, batch: int, **structure: Any
) -> dict[str, float]:
    """Say how good a structure is: an objective for ``search.evolve``.

    Returns
    -------
    ``error``: on validation data, the least of a network for each of ``rates``.
    """
    shares = [1.0] * len(rates)
    tried = trial(structure, task, shares, rates, VALIDATION, seed, updates, batch)
    return {"error": min(tried["error"])}


def structure_from_numbers(structure: Sequence[float]) -> Settings:
    """Return the structure that ``structures`` measured as numbers."""
    cell, *places = (int(number) for number in structure)
    name = list(STRUCTURES)[cell]
    options = zip(STRUCTURES[name].items(), places, strict=True)
    return {"cell": name, **{option: values[place] for (option, values), place in options}}


def structure_as_numbers(structure: Settings) -> list[float]:
    """Return a structure as numbers: the place of its cell, and of each option's value."""
    name = structure["cell"]
    options = STRUCTURES[name].items()
    places = [values.index(structure[option]) for option, values in options]
    return [float(place) for place in (list(STRUCTURES).index(name), *places)]


def found_is_not_always_best(runs: Sequence[Measurement]) -> bool:
    """Judge a search whose rivals are the LSTM, the GRU and the tanh cell."""
    found, promised = stack(runs, "found", "promised").T
    lstm, gru, tanh = stack(runs, "rivals").T
    beats_both = (found < lstm) & (found < gru)
    return bool((found < tanh).all() and not beats_both.all() and found.mean() > promised.mean())


SEARCH = {"rivals": ["LSTM", "GRU", "tanh"], "keep": 4, "batch": 32}

SEARCH_COMPARED = [
    Difference(label=f"error of the cell found against {said}", first="found", second=second)
    for said, second in (
        ("the tanh cell's", ("rivals", 2)),
        ("the GRU's", ("rivals", 1)),
        ("the LSTM's", ("rivals", 0)),
        ("what the search promised", "promised"),
    )
]
