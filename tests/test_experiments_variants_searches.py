"""The searches of the chapter: a tournament of cells, one for cells, one for settings."""

from functools import partial

import numpy as np
import pytest

from unrolled.experiments.variants import _competition
from unrolled.experiments.variants import settings as importances
from unrolled.experiments.variants import structures as search
from unrolled.experiments.variants import tournament as contest
from unrolled.experiments.variants._budget import learn, scores
from unrolled.experiments.variants._competition import ENTRANTS, all_done, compete
from unrolled.experiments.variants._structures import (
    STRUCTURES,
    structure_as_numbers,
    structure_from_numbers,
    structures,
)
from unrolled.experiments.variants._tasks import TASKS, TEST, VALIDATION
from unrolled.experiments.variants.settings import SPACE, one_network, setting_importances
from unrolled.experiments.variants.tournament import tournament
from unrolled.search import Trial, build, importance

# --- The searches --------------------------------------------------------------------------------

TINY = {"updates": {"adding": 3}, "draws": 2, "networks": 2, "batch": 4}


def test_a_tournament_says_what_it_chose_and_how_that_did():
    cells = ["LSTM", "tanh"]
    found = tournament(0, cells=cells, **TINY)
    assert list(found) == ["adding", "adding rate", "adding share"]
    assert all(len(values) == 2 for values in found.values())
    assert all(0.5 <= share <= 1 for share in found["adding share"])
    assert found == tournament(0, cells=cells, **TINY)
    other = tournament(1, cells=cells, **TINY)
    assert other["adding rate"] != found["adding rate"]


def test_the_least_loss_on_validation_data_is_chosen_and_judged_afresh_on_test_data(monkeypatch):
    seen = []

    def trial(structure, task, shares, rates, part, seed, updates, batch):
        seen.append((part, seed, rates, shares))
        if part == VALIDATION:
            return {"error": [0.0] * 5, "loss": rates}
        return {"error": [3.0, 1.0, 2.0], "loss": [0.0] * 3}

    trial.__module__, trial.__qualname__ = _competition.__name__, "trial"
    monkeypatch.setattr(_competition, "trial", trial)
    options = {**TINY, "networks": 3, "draws": 5}
    found = tournament(0, cells=["GRU"], **options)
    (part, seed, rates, shares), (last, fresh, again, _) = seen
    assert (part, last) == (VALIDATION, TEST)
    assert seed != fresh
    assert len(set(rates)) == 5
    assert again == [min(rates)] * 3
    assert found == {
        "adding": [2.0],
        "adding rate": [min(rates)],
        "adding share": [shares[rates.index(min(rates))]],
    }


def test_a_cell_that_comes_twice_is_played_once():
    gru = dict(ENTRANTS["GRU"])
    chosen, medians = compete([(gru, "adding")] * 2, 0, **TINY)
    assert chosen[0] == chosen[1]
    assert medians[0] == medians[1]


SEARCH = {
    "task": "adding",
    "rivals": ["LSTM", "GRU", "tanh"],
    "rates": [0.03, 0.1],
    "generations": 2,
    "children": 2,
    "keep": 2,
    "updates": 3,
    "draws": 2,
    "networks": 1,
    "batch": 4,
}


def test_a_search_for_structures_keeps_the_best_and_plays_it():
    found = structures(0, **SEARCH)
    assert found == structures(0, **SEARCH)
    assert found["tested"] == 5
    assert len(found["best"]) == 3
    assert found["best"] == sorted(found["best"], reverse=True)
    assert found["promised"] == found["best"][-1]
    assert len(found["rivals"]) == 3
    cell = structure_from_numbers(found["structure"])
    assert found["gated"] == (cell["cell"] != "Elman")
    build(cell, 2, 3)


@pytest.mark.parametrize("cell", STRUCTURES)
def test_a_structure_survives_being_written_as_numbers(cell):
    for which in (0, -1):
        options = STRUCTURES[cell].items()
        structure = {"cell": cell, **{option: values[which] for option, values in options}}
        assert structure_from_numbers(structure_as_numbers(structure)) == structure


def test_settings_are_shares_of_what_matters(monkeypatch):
    def one(*, cell, task, updates, seed, **chosen):
        assert (cell, task, updates) == ("LSTM", "adding", 2)
        return {"error": float(np.log(chosen["units"]))}

    one.__module__, one.__qualname__ = importances.__name__, "one_network"
    monkeypatch.setattr(importances, "one_network", one)
    monkeypatch.setattr(importances, "importance", partial(importance, shuffles=3))
    found = setting_importances(
        0, names=list(SPACE), cell="LSTM", task="adding", trials=24, updates=2
    )
    assert set(found) == {"importance", "share", "explained"}
    falls = np.maximum(found["importance"], 0)
    np.testing.assert_allclose(found["share"], falls / falls.sum())
    share = dict(zip(SPACE, found["share"], strict=True))
    assert share["units"] > 0.9
    assert found["explained"] > 0.5


def test_the_settings_of_a_trial_are_those_of_its_network():
    of, chosen = TASKS["adding"], {"learning rate": 0.02, "units": 3}
    error = one_network(
        cell="GRU", task="adding", updates=2, seed=5, clipping=0.5, **{"batch size": 4}, **chosen
    )
    made = learn(ENTRANTS["GRU"], of, [3], [0.02], seed=5, updates=2, batch=4, clip=0.5)
    assert error == {"error": scores(*made, of, part=VALIDATION, seed=5)["error"][0]}


def test_a_trial_that_fails_ends_the_experiment():
    with pytest.raises(RuntimeError, match=r"trial {'x': 1} failed: no memory"):
        all_done([Trial(0, {"x": 1}, "failed", error="no memory")])


# --- Criteria ------------------------------------------------------------------------------------


def tournament_run(**changes):
    """Return what a tournament of LSTM, GRU and tanh may have measured."""
    run = {name: [0.2, 0.1, 0.6] for name in TASKS} | {"order": [0.0, 0.0, 0.6]}
    return run | changes


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),  # the GRU wins on three tasks, and not on the fourth
        ({"order": [0.1, 0.0, 0.6]}, False),  # it wins on all
        ({"text": [3.0, 3.1, 2.9], "arithmetic": [0.3, 0.3, 0.2]}, True),  # tanh may win there
        ({"adding": [0.2, 0.31, 0.6]}, False),  # a gated cell that forgets
        ({"order": [0.3, 0.0, 0.6]}, False),  # and the LSTM is one too
    ],
)
def test_the_criterion_of_the_tournament(changes, holds):
    judge = contest.CLAIM.holds
    assert judge([tournament_run(**changes)] * 2) == holds
    assert judge([tournament_run(**changes), tournament_run(), tournament_run()])  # once only


@pytest.mark.parametrize(
    ("share", "explained", "holds"),
    [
        ([0.6, 0.3, 0.1, 0.0], 0.8, True),
        ([0.5, 0.3, 0.1, 0.1], 0.8, False),
        ([0.3, 0.6, 0.1, 0.0], 0.8, False),
        ([0.9, 0.1, 0.0, 0.0], 0.4, False),
    ],
)
def test_the_criterion_of_the_settings(share, explained, holds):
    run = {"share": share, "explained": explained}
    assert importances.CLAIM.holds([run]) == holds
    good = {"share": [0.9, 0.1, 0.0, 0.0], "explained": 0.9}
    assert importances.CLAIM.holds([good, run]) == holds


@pytest.mark.parametrize(
    ("changes", "holds"),
    [
        ({}, True),
        ({"found": 0.5}, False),
        ({"found": 0.2, "promised": 0.1}, False),
        ({"promised": 0.36}, False),
    ],
)
def test_the_criterion_of_the_structures(changes, holds):
    run = {"found": 0.3, "promised": 0.25, "rivals": [0.4, 0.28, 0.45]}
    judge = search.CLAIM.holds
    assert judge([run | changes] * 2) == holds
    assert judge([run | changes, run]) == (holds or ("promised" in changes and "found" in changes))
