"""The searches of the chapter: a tournament of cells, one for cells, one for settings."""

from functools import partial

import numpy as np
import pytest

from unrolled.experiments.variants import _competition
from unrolled.experiments.variants import settings as importances
from unrolled.experiments.variants import structures as search
from unrolled.experiments.variants import structures_by_nine as by_nine
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

TINY = {"updates": {"adding": 3}, "networks": 2, "batch": 4}
RATES = [0.01, 0.1, 1.0]


def test_a_tournament_says_what_it_chose_and_how_that_did():
    cells = ["LSTM", "tanh"]
    found = tournament(0, cells=cells, rates=RATES, **TINY)
    assert list(found) == ["adding", "adding rate"]
    assert all(len(values) == 2 for values in found.values())
    assert set(found["adding rate"]) <= set(RATES)
    assert found == tournament(0, cells=cells, rates=RATES, **TINY)
    assert tournament(1, cells=cells, rates=RATES, **TINY)["adding"] != found["adding"]


def test_the_least_loss_on_validation_data_is_chosen_and_judged_afresh_on_test_data(monkeypatch):
    seen = []

    def trial(structure, task, shares, rates, part, seed, updates, batch):
        seen.append((part, seed, rates, shares))
        if part == VALIDATION:
            return {"error": [0.0] * 3, "loss": [3.0, 1.0, 2.0]}
        return {"error": [3.0, 1.0, 2.0], "loss": [0.0] * 3}

    monkeypatch.setattr(contest, "trial", trial)
    found = tournament(0, cells=["GRU"], rates=RATES, **{**TINY, "networks": 3})
    (part, seed, rates, shares), (last, fresh, again, _) = seen
    assert (part, last) == (VALIDATION, TEST)
    assert seed != fresh
    assert list(rates) == RATES
    assert again == [RATES[1]] * 3
    assert shares == [1.0] * 3
    assert found == {"adding": [2.0], "adding rate": [RATES[1]]}


def test_four_steps_lead_from_the_lstm_to_a_gru():
    names = ("LSTM", "no output tanh", "h = c", "one gate")
    cells = [build(contest.COMPETITORS[name], 3, 4) for name in names]
    assert [cell.gates for cell in cells] == [
        ("i", "f", "g", "o"), ("i", "f", "g", "o"), ("i", "f", "g"), ("i", "g"),
    ]  # fmt: skip
    assert [cell.output_activation for cell in cells] == ["tanh"] + ["identity"] * 3
    assert build(contest.COMPETITORS["GRU, reset before"], 3, 4).reset == "before"


PLAYED = {"draws": 2, **TINY}


def test_a_competition_gives_the_setting_with_the_least_loss_to_fresh_networks(monkeypatch):
    seen = []

    def trial(structure, task, shares, rates, part, seed, updates, batch):
        seen.append((part, seed, rates, shares))
        if part == VALIDATION:
            return {"error": [0.0] * 5, "loss": rates}
        return {"error": [3.0, 1.0, 2.0], "loss": [0.0] * 3}

    trial.__module__, trial.__qualname__ = _competition.__name__, "trial"
    monkeypatch.setattr(_competition, "trial", trial)
    options = {**PLAYED, "networks": 3, "draws": 5}
    chosen, medians = compete([(dict(ENTRANTS["GRU"]), "adding")], 0, **options)
    (part, seed, rates, shares), (last, fresh, again, _) = seen
    assert (part, last) == (VALIDATION, TEST)
    assert seed != fresh
    assert len(set(rates)) == 5
    assert all(0.5 <= share <= 1 for share in shares)
    assert again == [min(rates)] * 3
    assert chosen == [{"rate": min(rates), "share": shares[rates.index(min(rates))]}]
    assert medians == [2.0]


def test_a_cell_that_comes_twice_is_played_once():
    gru = dict(ENTRANTS["GRU"])
    chosen, medians = compete([(gru, "adding")] * 2, 0, **PLAYED)
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


@pytest.mark.parametrize(
    ("behind", "cell", "task", "holds"),
    [
        (0, "GRU", "order", True),
        (2, "GRU", "order", True),
        (3, "GRU", "order", False),
        (3, "no output tanh", "text", False),
        (10, "no output tanh", "order", True),  # of which the criterion says nothing
        (10, "MUT1", "text", True),
    ],
)
def test_the_criterion_of_the_tournament(behind, cell, task, holds):
    """Ten runs, in some of which one cell is no better than the LSTM on one task."""
    better = [0.5] + [0.4] * (len(contest.CELLS) - 1)
    runs = [{name: list(better) for name in TASKS} for _ in range(10)]
    for run in runs[:behind]:
        run[task][contest.CELLS.index(cell)] = 0.5
    assert contest.CLAIM.holds(runs) is holds


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


def test_nine_judges_want_the_find_to_be_better_in_eight_runs_of_ten():
    good = {"found": 0.4, "promised": 0.3, "rivals": [0.5, 0.5, 0.45], "best": [0.38, 0.3]}
    bad = good | {"found": 0.45}
    assert by_nine.CLAIM.holds([good] * 8 + [bad] * 2)
    assert not by_nine.CLAIM.holds([good] * 7 + [bad] * 3)


def test_nine_judges_promise_nothing_of_what_choosing_costs():
    kept = {"found": 0.3, "promised": 0.3, "rivals": [0.5, 0.5, 0.45], "best": [0.38, 0.3]}
    assert by_nine.CLAIM.holds([kept] * 10)
