"""A search needs neither other processes nor a file, and survives what an objective does."""

import os
import sys
from functools import partial
from inspect import signature
from itertools import count

import numpy as np
import pytest
import torch

from unrolled import cells
from unrolled.search import (
    Range,
    build,
    evolve,
    mutate,
    random_settings,
    results,
    run,
    structures,
)
from unrolled.search.workers import evaluate

PLAN = [{"x": x} for x in range(4)]


def square(x, plus=0):
    return {"y": x * x + plus, "third": x / 3}


def distance(cell, **options):
    return {"loss": (cell != "LSTM") * 9 - sum(value is True for value in options.values())}


# --- Here, and nowhere kept ----------------------------------------------------------------------


def without_seconds(trials):
    return [(t.number, t.settings, t.status, t.result, t.error) for t in trials]


def test_it_finds_the_same_here_in_a_file_and_in_other_processes(tmp_path):
    here = run(square, PLAN, None, workers=0)
    assert [trial.result for trial in here] == [square(x) for x in range(4)]
    assert all(trial.seconds >= 0 for trial in here)
    assert list(tmp_path.iterdir()) == []
    for workers in (0, 1):
        kept = run(square, PLAN, tmp_path / f"{workers}.db", workers=workers)
        assert without_seconds(kept) == without_seconds(here)
    assert without_seconds(run(square, PLAN, None, workers=1)) == without_seconds(here)


def test_here_the_trials_run_in_order_and_anything_can_be_called():
    seen = []
    trials = run(lambda x: seen.append(x), PLAN, None, workers=0)
    assert seen == [0, 1, 2, 3]
    assert {(trial.status, trial.result) for trial in trials} == {("done", None)}
    assert run(seen.append, [], None, workers=0) == []


def test_here_no_library_for_clusters_is_imported(monkeypatch):
    for name in ("distributed", "sqlite3.dbapi2"):
        monkeypatch.setitem(sys.modules, name, None)
    assert len(run(square, PLAN, None, workers=0)) == 4


def test_evolution_is_the_same_here_and_in_a_file_and_tells_each_generation(tmp_path):
    def search(path):
        told = []
        rows = evolve(
            distance,
            [{"cell": "Elman"}],
            path,
            target="loss",
            seed=1,
            generations=3,
            children=4,
            keep=2,
            workers=0,
            after_generation=lambda rows: told.append(len(rows)),
        )
        return without_seconds(rows), told

    here, told = search(None)
    assert search(tmp_path / "a.db") == (here, told) == search(tmp_path / "a.db")
    assert told == [1, 5, 8, 12]
    assert len({str(settings) for _, settings, *_ in here}) == 12


def test_evolution_measures_nothing_twice_here():
    seen = []

    def noted(**structure):
        seen.append(structure)
        return distance(**structure)

    options = {"target": "loss", "seed": 0, "generations": 4, "children": 3}
    rows = evolve(noted, [{"cell": "GRU"}], None, workers=0, **options)
    assert seen == [trial.settings for trial in rows]


# --- What an objective returns, and raises -------------------------------------------------------

SCALARS = [
    (np.float32(0.25), 0.25),
    (np.float64(0.1), 0.1),
    (np.int64(-3), -3),
    (np.bool_(True), True),
    (np.str_("a"), "a"),
]


@pytest.mark.parametrize(("given", "kept"), SCALARS, ids=lambda value: type(value).__name__)
def test_numbers_of_numpy_are_numbers_in_results_and_in_settings(given, kept):
    (trial,) = run(lambda x: {"back": x, "own": given}, [{"x": given}], None, workers=0)
    assert trial.settings == {"x": kept}
    assert trial.result == {"back": kept, "own": kept}
    assert {type(value) for value in trial.result.values()} == {type(kept)}
    (drawn,) = random_settings({"x": [given]}, 1, 0)
    assert type(drawn["x"]) is type(kept)


@pytest.mark.parametrize(("given", "kept"), SCALARS, ids=lambda value: type(value).__name__)
def test_numbers_of_numpy_can_be_the_keys_of_a_result(given, kept):
    (trial,) = run(lambda: {"deep": [{given: given}]}, [{}], None, workers=0)
    (plain,) = run(lambda: {"deep": [{kept: kept}]}, [{}], None, workers=0)
    assert (trial.status, trial.result) == ("done", plain.result)


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        (np.arange(3), [0, 1, 2]),
        (np.longdouble(0.5), 0.5),
        (np.array([0.5], dtype=np.longdouble), [0.5]),
        (torch.tensor(2.0), 2.0),
        (torch.ones(1, 2), [[1.0, 1.0]]),
        ((1, (2,)), [1, [2]]),
    ],
    ids=lambda value: type(value).__name__,
)
def test_arrays_come_back_as_lists(given, kept):
    (trial,) = run(lambda: given, [{}], None, workers=0)
    assert (trial.status, trial.result) == ("done", kept)


def test_the_ends_of_a_range_may_be_numpys():
    given = Range(np.float32(0.5), np.int64(2)), Range(np.int64(2), np.int8(4), whole=True)
    assert given == (Range(0.5, 2), Range(2, 4, whole=True))
    assert [type(end) for each in given for end in (each.low, each.high)] == [float, int, int, int]


class MuteError(Exception):
    def __str__(self):
        raise RuntimeError("no words")

    __repr__ = __str__


class Stop(BaseException):
    pass


def chain():
    try:
        raise MuteError
    except MuteError as error:
        raise ExceptionGroup("both", [ValueError("\udce9"), error]) from error


def raised(error):
    raise error


@pytest.mark.parametrize(
    ("objective", "words"),
    [
        (lambda: raised(FileNotFoundError(os.fsdecode(b"data/na\xefve.txt"))), r"na\udcefve.txt"),
        (lambda: raised(ValueError("\ud800 \x00 \U0001f600")), "\\ud800 \x00 \U0001f600"),
        (lambda: raised(ValueError("long " * 10**6 + "end")), "long end"),
        (lambda: raised(MuteError()), "MuteError"),
        (chain, r"ValueError: \udce9"),
        (lambda: raised(Stop("now")), "Stop: now"),
        (lambda: raised(SystemExit(3)), "SystemExit: 3"),
        (lambda: raised(GeneratorExit()), "GeneratorExit"),
        (lambda: 1j, "objective must return what JSON can hold, got a complex"),
        (lambda: object(), "got a object"),
        (lambda: 10**5000, "Exceeds the limit"),
        (lambda: {1j: 0}, "keys must be str"),
        (lambda x: 0, "missing 1 required positional argument: 'x'"),
        (lambda: (f := lambda: f())(), "RecursionError"),
    ],
)
def test_whatever_an_objective_raises_is_its_trials_outcome(objective, words, tmp_path):
    outcome = evaluate(objective, {})
    assert outcome.status == "failed"
    assert words in outcome.text
    assert len(outcome.text) < 21_000
    objective.__module__, objective.__qualname__ = __name__, "objective"
    (trial,) = run(objective, [{}], tmp_path / "a.db", workers=0)
    assert results(tmp_path / "a.db") == [trial]
    assert words in trial.error


def test_the_search_goes_on_in_processes_after_a_text_that_no_file_holds(tmp_path):
    trials = run(bad_name, PLAN[:3], tmp_path / "a.db", workers=1)
    assert [trial.status for trial in trials] == ["failed", "done", "failed"]
    assert results(tmp_path / "a.db") == trials


def bad_name(x):
    if x != 1:
        raise FileNotFoundError(os.fsdecode(b"data/na\xefve.txt"))
    return np.float32(0.25)


def test_ctrl_c_ends_a_search_here():
    with pytest.raises(KeyboardInterrupt):
        run(lambda: raised(KeyboardInterrupt()), [{}], None, workers=0)


def test_text_that_is_half_a_character_can_be_a_setting(tmp_path):
    settings = {"x": "\ud800 é"}
    (trial,) = run(same, [settings], tmp_path / "a.db", workers=0)
    assert trial.settings == settings
    assert trial.result == settings["x"]


def same(x):
    return x


# --- What decides a result is compared ------------------------------------------------------------


def test_the_arguments_of_a_partial_belong_to_the_search(tmp_path):
    store = tmp_path / "a.db"
    trials = run(partial(square, plus=1), PLAN, store, workers=0)
    assert [trial.result["y"] for trial in trials] == [1, 2, 5, 10]
    assert run(partial(square, plus=1), PLAN, store, workers=0) == trials
    for other in (partial(square, plus=2), square):
        with pytest.raises(ValueError, match=r'square with {"plus": 1}, got .*square'):
            run(other, PLAN, store, workers=0)
    with pytest.raises(TypeError, match="settings must be plain data"):
        run(partial(square, plus={1}), PLAN, store, workers=0)
    with pytest.raises(TypeError, match="objective must be a function at the top of a module"):
        run(partial(square, 1), PLAN, store, workers=0)


@pytest.mark.parametrize(
    "change",
    [
        {"seed": 2},
        {"keep": 1},
        {"choices": {name: structures()[name] for name in ("Elman", "GRU", "LSTM")}},
    ],
)
def test_an_evolution_of_another_seed_or_space_is_refused(change, tmp_path):
    given = {"target": "loss", "seed": 1, "generations": 3, "children": 3, "keep": 3, "workers": 0}
    start = [{"cell": "LSTM"}, {"cell": "GRU"}, {"cell": "Elman"}]
    evolve(distance, start, tmp_path / "a.db", **given)
    with pytest.raises(ValueError, match="holds another plan: its trial"):
        evolve(distance, start, tmp_path / "a.db", **(given | change))


# --- Nothing hangs --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("absurd", "error", "words"),
    [
        (lambda: random_settings({"a": Range(0, 1)}, 10**12, 0), ValueError, "n must be from 1 to"),
        (lambda: random_settings({"a": range(2**40)}, 1, 0), ValueError, "at most 10000 choices"),
        (lambda: random_settings({"a": range(10**30)}, 1, 0), ValueError, "at most 10000 choices"),
        (lambda: random_settings({"a": count()}, 1, 0), TypeError, "must be a list of choices"),
        (lambda: random_settings([], 1, 0), TypeError, r"space must be a mapping, got list"),
        (lambda: Range(0, 10**400), ValueError, "high must be finite"),
        (lambda: Range(-1e308, 1e308), ValueError, "high - low must be finite"),
        (lambda: Range(0, 2**60, whole=True), ValueError, r"from -2\*\*53 to 2\*\*53, got 0 and"),
        (lambda: build({"cell": []}, 1, 1), ValueError, r"cell must be one of .*, got list"),
        (lambda: build("LSTM", 1, 1), TypeError, "structure must be a mapping, got 'LSTM'"),
        (lambda: mutate(None, seed=0), TypeError, "structure must be a mapping, got None"),
        (lambda: mutate({"cell": []}, seed=0), ValueError, "cell must be one of"),
        (lambda: mutate({"cell": "GRU"}, [], seed=0), TypeError, "choices must be a mapping"),
        (lambda: run(square, PLAN, None, workers=10**9), ValueError, "workers must be from 0 to"),
        (lambda: run(square, PLAN, None, retries=10**9), ValueError, "retries must be from 0 to"),
        (lambda: run(square, count(), None), TypeError, "trials must be a list, got count"),
        (lambda: run(square, [5], None), TypeError, r"trials\[0\] must be a Mapping, got 5"),
        (lambda: run(square, PLAN, "\ud800"), ValueError, "path must be a name that a file can"),
        (lambda: run(square, PLAN, 5), TypeError, "path must be a path, got 5"),
        (lambda: run(square, PLAN, "a\0b"), ValueError, r"path must be a path, .* got 'a\\x00b'"),
    ],
)  # fmt: skip
def test_what_is_absurd_is_refused_before_any_work(absurd, error, words):
    with pytest.raises(error, match=words):
        absurd()


def test_settings_as_deep_as_no_file_holds_are_refused():
    deep = []
    for _ in range(100_000):
        deep = [deep]
    with pytest.raises(TypeError, match="settings must be plain data"):
        run(square, [{"x": deep}], None, workers=0)


def test_evolution_ends_when_nothing_is_left_however_many_generations_are_asked_for():
    two = {"Elman": {"nonlinearity": ("tanh", "relu")}}
    options = {"target": "loss", "seed": 0, "workers": 0, "choices": two}
    rows = evolve(distance, [{"cell": "Elman"}], None, generations=10**9, children=10**9, **options)
    assert len(rows) == 2
    with pytest.raises(ValueError, match="start must hold at least one structure"):
        evolve(distance, [], None, generations=1, children=1, **options)


# --- The table of cells ---------------------------------------------------------------------------

NOT_SEARCHED = {"update", "truncated"}  # what z is called; what the gradient leaves out


def test_a_search_chooses_among_the_cells_of_the_table_and_their_options():
    kinds = {row.kind for row in cells.CELLS.values()}
    searched = {type(build({"cell": name}, 1, 1)): structures()[name] for name in structures()}
    assert set(searched) == kinds - {cells.LSTM}  # which `LSTMVariant` is by default
    for kind, choices in searched.items():
        usual = {name: each.default for name, each in signature(kind).parameters.items()}
        assert {option: values[0] for option, values in choices.items()}.items() <= usual.items()
    for row in cells.CELLS.values():
        assert row.options.keys() - NOT_SEARCHED <= searched.get(row.kind, {}).keys()
