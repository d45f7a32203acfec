"""Which settings matter: a random search, and a forest that learns its errors."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any

import numpy as np

from unrolled.experiments.arguments import look_up
from unrolled.experiments.ledger import Claim, Measurement, Paper, Row, Strip, Trials
from unrolled.experiments.runs import stack
from unrolled.experiments.statistics import Rate
from unrolled.experiments.variants._budget import learn, scores
from unrolled.experiments.variants._competition import ENTRANTS, all_done
from unrolled.experiments.variants._tasks import TASKS, VALIDATION, mixed_seed
from unrolled.search import Range, importance, random_settings, run

SPACE: Mapping[str, Range] = MappingProxyType(
    {
        "learning rate": Range(1e-4, 1.0, log=True),
        "units": Range(2, 20, log=True, whole=True),
        "clipping": Range(0.1, 10.0, log=True),
        "batch size": Range(4, 40, log=True, whole=True),
    }
)
"""The settings whose importance is measured, and where they are drawn."""


def setting_importances(
    seed: int, *, names: Sequence[str], cell: str, task: str, trials: int, updates: int
) -> dict[str, float | list[float]]:
    """Measure which settings matter: a random search, and a forest that learns its errors.

    Parameters
    ----------
    seed
        Varies all: the draws, the networks, the data, the forest.
    names
        All of ``SPACE``.
    cell, task
        One of ``ENTRANTS``, and one of ``TASKS``.
    trials
        Settings that are drawn, one network each.
    updates
        Updates of each network.

    Returns
    -------
    ``importance``
        For each of ``names`` the fall of R² when its values are shuffled, see
        ``search.importance``.
    ``share``
        The same as a share of the sum; what is below 0 counts as 0.
    ``explained``
        R² of the forest on trials that it has not seen.
    """
    objective = partial(
        one_network, cell=cell, task=task, updates=updates, seed=mixed_seed(seed, 1)
    )
    space = {name: SPACE[name] for name in names}
    drawn = random_settings(space, trials, mixed_seed(seed, 0))
    rows = all_done(run(objective, drawn, None, workers=0))
    found = importance(rows, space, "error", seed=mixed_seed(seed, 2))
    falls = np.array([found.settings[name][0] for name in names])
    above = np.maximum(falls, 0)
    return {
        "importance": falls.tolist(),
        "share": (above / max(above.sum(), 1e-12)).tolist(),
        "explained": found.explained,
    }


def one_network(*, cell: str, task: str, updates: int, seed: int, **drawn: Any) -> dict[str, float]:
    """Train one network with settings of ``SPACE``: an objective for ``search.run``.

    Returns
    -------
    ``error``: on validation data.
    """
    of = look_up("task", task, TASKS)
    networks, alive = learn(
        look_up("cell", cell, ENTRANTS),
        of,
        [drawn["units"]],
        [drawn["learning rate"]],
        seed=seed,
        updates=updates,
        batch=drawn["batch size"],
        clip=drawn["clipping"],
    )
    return {"error": scores(networks, alive, of, part=VALIDATION, seed=seed)["error"][0]}


def _learning_rate_matters_most(runs: Sequence[Measurement]) -> bool:
    shares = stack(runs, "share")
    explained = stack(runs, "explained")
    return bool((shares[:, 0] > 0.5).all() and (explained > 0.5).all())


_SETTINGS = {"names": list(SPACE), "cell": "LSTM", "task": "text"}

CLAIM = Claim(
    paper=Paper(
        key="greff2017lstm",
        says="The learning rate is the most important setting, and its best value nearly "
        "independent of the network's size.",
        untested="They measure it by functional ANOVA, for the LSTM and eight variants on "
        "speech, handwriting and music, with momentum and input noise in place of clipping "
        "and batch size.",
    ),
    sentence=(
        "Of learning rate, width, clipping and batch size, drawn over wide ranges, the learning "
        "rate says most about how well an LSTM does."
    ),
    experiment=setting_importances,
    criterion=(
        "In every run the learning rate has more than half of the sum of all importances, and "
        "the forest explains more than half of the variance on trials that it has not seen."
    ),
    holds=_learning_rate_matters_most,
    seeds={"quick": range(10, 11), "book": range(5), "confirm": range(7000, 7005)},
    settings={
        "quick": {**_SETTINGS, "trials": 10, "updates": 10},
        "book": {**_SETTINGS, "trials": 48, "updates": 100},
    },
    strips=[
        Strip(
            axis="Share of the importance",
            rows=[Row("share", "{}", over="names")],
            lines={"half": 0.5},
            limits=(0.0, 1.0),
        ),
        Strip(
            axis="R² of the forest on unseen trials",
            rows=[Row("explained", "the forest")],
            lines={"asked for": 0.5},
            limits=(0.0, 1.0),
        ),
    ],
    compared=[
        Rate(
            label="learning rate has at least half of the importance",
            quantity=("share", 0),
            at_least=0.5,
        ),
        Rate(
            label="forest explains at least half of the variance",
            quantity="explained",
            at_least=0.5,
        ),
    ],
    trials=Trials(
        count=2,
        where="seeds 100 and 101, of 64 trials and 150 or 100 updates: the learning rate had "
        "shares of 0.92 and 0.96",
    ),
    deviations=[
        "Importance is the fall of R² when a setting is permuted, for one LSTM on English.",
        "What matters depends on where it is drawn: the learning rate from 0.0001 to 1, "
        "width from 2 to 20, clipping from 0.1 to 10, batch size from 4 to 40, all by their "
        "logarithms. A narrower range of learning rates would leave more to the others.",
        "Each network has 100 updates, of Adam.",
        "A seed varies draws, networks, data and forest.",
    ],
)
