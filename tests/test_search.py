"""A search is decided by its seed, and loses and doubles nothing, whoever is killed."""

import os
import random
import signal
import sqlite3
import subprocess
import sys
import time
from collections import Counter
from contextlib import closing
from dataclasses import replace

import numpy as np
import psutil
import pytest
import torch

from unrolled.core.recurrent import Cell
from unrolled.search import (
    Range,
    Trial,
    build,
    evolve,
    importance,
    mutate,
    random_settings,
    results,
    run,
    running,
    structures,
)
from unrolled.search.store import locked
from unrolled.search.workers import Crew, _Dask, outcomes

SPACE = {
    "lr": Range(1e-4, 1e-1, log=True),
    "hidden": Range(8, 128, log=True, whole=True),
    "momentum": Range(0.0, 0.99),
    "cell": ["LSTM", "GRU", "Elman"],
}


# --- What is drawn -------------------------------------------------------------------------------


def test_a_trial_of_a_seed_is_the_same_however_many_are_drawn():
    long = random_settings(SPACE, 50, 3)
    assert random_settings(SPACE, 20, 3) == long[:20]
    assert random_settings(SPACE, 20, 4) != long[:20]
    assert [type(value) for value in long[0].values()] == [float, int, float, str]


def test_settings_are_drawn_as_their_range_says():
    drawn = random_settings(SPACE, 2000, 0)
    for name, values in SPACE.items():
        got = [settings[name] for settings in drawn]
        if not isinstance(values, Range):
            assert min(Counter(got).values()) > 2000 / 3 - 100  # five standard deviations
            continue
        assert values.low <= min(got) <= max(got) <= values.high
        middle = (values.low * values.high) ** 0.5 if values.log else values.high / 2
        assert np.mean(np.array(got) < middle) == pytest.approx(0.5, abs=0.06)
        assert all(value == float(f"{value:.6g}") for value in got)


def test_a_small_space_is_drawn_to_its_end_and_nothing_twice():
    space = {"n": Range(2, 4, whole=True), "b": [False, True], "c": [[1, 2], None]}
    drawn = random_settings(space, 12, 0)
    assert {(s["n"], s["b"], str(s["c"])) for s in drawn} == {
        (n, b, c) for n in (2, 3, 4) for b in (False, True) for c in ("[1, 2]", "None")
    }
    with pytest.raises(ValueError, match=r"n must be at most 12, .*, got 13"):
        random_settings(space, 13, 0)


@pytest.mark.parametrize(
    ("wrong", "error", "words"),
    [
        (lambda: Range(1, 1), ValueError, "high must be greater than 1, got 1"),
        (lambda: Range(0, 1, log=True), ValueError, "low must be greater than 0, got 0"),
        (lambda: Range("a", 1), TypeError, "low must be a number, got 'a'"),
        (lambda: Range(0.5, 2, whole=True), TypeError, "needs whole ends, got 0.5 and 2"),
        (lambda: random_settings(SPACE, 0, 0), ValueError, "n must be from 1 to 100000, got 0"),
        (lambda: random_settings(SPACE, 1, -1), ValueError, "seed must be at least 0, got -1"),
        (lambda: random_settings({"a": "bc"}, 1, 0), TypeError, r"space\['a'\] must be a list"),
        (lambda: random_settings({"a": []}, 1, 0), ValueError, "must hold different choices"),
        (lambda: random_settings({"a": [1, 1]}, 1, 0), ValueError, "must hold different choices"),
        (lambda: random_settings({"a": [(1,)]}, 1, 0), TypeError, "must be plain data"),
        (
            lambda: random_settings({"a": Range(1.0, 1.000001)}, 5, 0),
            ValueError,
            "n must be at most .* found only 1 different settings in space, got 5",
        ),
        (lambda: build({"cell": "TSTM"}, 1, 1), ValueError, "cell must be one of .*'TSTM'"),
        (lambda: mutate({}, seed=0), ValueError, "cell must be one of choices, Elman, .*, got ''"),
        (
            lambda: mutate({"cell": "GRU", "reset": "never"}, seed=0),
            ValueError,
            "reset='never' of GRU must be among choices",
        ),
        (
            lambda: mutate({"cell": "GRU", "coupled": True}, seed=0),
            ValueError,
            "coupled=True of GRU must be among choices",
        ),
        (
            lambda: mutate({"cell": "MUT1"}, {"MUT1": {}}, seed=0),
            ValueError,
            "structure must have a valid change among choices, got {'cell': 'MUT1'}",
        ),
    ],
)
def test_what_cannot_be_drawn_is_refused(wrong, error, words):
    with pytest.raises(error, match=words):
        wrong()


@pytest.mark.parametrize("name", structures())
def test_every_cell_and_every_single_change_of_it_can_be_built(name):
    first = {option: values[0] for option, values in structures()[name].items()}
    assert isinstance(build({"cell": name, **first}, 3, 2), Cell)
    for option, values in structures()[name].items():
        for value in values:
            alone = {"coupled": False, option: value} if name == "LSTM" else {option: value}
            assert isinstance(build({"cell": name, **alone}, 3, 2), Cell)


def test_a_mutation_changes_one_thing_and_follows_from_its_seed():
    structure = {"cell": "LSTM"}
    filled = {
        "cell": "LSTM",
        **{option: values[0] for option, values in structures()["LSTM"].items()},
    }
    changes = set()
    for seed in range(150):
        mutant = mutate(structure, seed=seed)
        assert mutant == mutate(structure, seed=seed)
        if mutant["cell"] == "LSTM":
            (changed,) = [name for name in filled if mutant[name] != filled[name]]
        else:
            changed = mutant["cell"]
            first = {option: values[0] for option, values in structures()[changed].items()}
            assert mutant == {"cell": changed, **first}
        changes.add(changed)
    assert changes == (set(structures()) | set(structures()["LSTM"])) - {"LSTM"}


def test_a_walk_of_mutations_meets_valid_cells_only_and_draws_nothing_from_torch():
    state = torch.get_rng_state()
    structure = {"cell": "LSTM", "coupled": True}
    lstm = {"LSTM": structures()["LSTM"]}
    for seed in range(150):
        structure = mutate(structure, lstm, seed=seed)
        build(structure, 1, 1)  # raises where options exclude each other
        if structure["coupled"]:
            assert structure["input_gate"]
            assert structure["forget_gate"]
        torch.set_rng_state(state)
    mutate(structure, lstm, seed=0)
    assert torch.equal(torch.get_rng_state(), state)


# --- What is run ---------------------------------------------------------------------------------

TOY = '''
"""An objective that notes when it starts and ends, and does what files beside it say."""
import os
import signal
import time
from pathlib import Path

FOLDER = Path(__file__).parent

def note(*words):
    log = os.open(FOLDER / "log", os.O_APPEND | os.O_CREAT | os.O_WRONLY)
    os.write(log, (" ".join(map(str, words)) + "\\n").encode())
    os.close(log)

def held(x):
    """Say whether to wait: for this trial, or for all once three have ended."""
    ended = (FOLDER / "log").read_text().count("end")
    return (FOLDER / f"hold-{x}").exists() or (ended >= 3 and (FOLDER / "gate").exists())

def square(x):
    note("start", x, os.getpid())
    if (FOLDER / f"fail-{x}").exists():
        raise ArithmeticError(f"{x} is unlucky")
    for name in (f"kill-{x}", f"kill-once-{x}"):
        if (FOLDER / name).exists():
            if "once" in name:
                (FOLDER / name).unlink()
            os.kill(os.getpid(), signal.SIGKILL)
    deadline = time.monotonic() + 90
    while held(x) and time.monotonic() < deadline:
        time.sleep(0.02)
    if (FOLDER / "slow").exists():
        time.sleep(0.05)
    note("end", x)
    return {"y": x * x, "z": float("nan")}

def cube(x):
    return x**3

def threads(x):
    return os.environ["OMP_NUM_THREADS"]

def distance(cell, **options):
    note("start", cell)
    return {"loss": (cell != "LSTM") * 9 - sum(value is True for value in options.values())}
'''

DRIVER = """
import sys
from toy import square
from unrolled.search import run

if __name__ == "__main__":
    plan = [{"x": x} for x in range(int(sys.argv[1]))]
    run(square, plan, "store.db", scheduler=sys.argv[2] if len(sys.argv) > 2 else None)
"""

CLUSTER = """
import sys
from pathlib import Path
from distributed import LocalCluster

if __name__ == "__main__":
    with LocalCluster(
        n_workers=2,
        threads_per_worker=1,
        host="127.0.0.1",
        dashboard_address="127.0.0.1:0",
        scheduler_kwargs={"dashboard": False},
    ) as cluster:
        Path("address.part").write_text(cluster.scheduler_address)
        Path("address.part").rename("address")
        sys.stdin.read()  # until the tests end
"""


class Lab:
    def __init__(self, folder):
        self.folder = folder
        self.store = folder / "store.db"
        for name, text in (("toy", TOY), ("driver", DRIVER), ("cluster", CLUSTER)):
            (folder / f"{name}.py").write_text(text)
        self.started = []
        self.mark("log")

    def mark(self, *names):
        for name in names:
            (self.folder / name).touch()

    def unmark(self, name):
        (self.folder / name).unlink()

    def log(self, word):
        """Return what was noted with a word, in order."""
        lines = map(str.split, (self.folder / "log").read_text().splitlines())
        return [rest for first, *rest in lines if first == word]

    def starts(self):
        return [int(x) for x, _ in self.log("start")]

    def done(self):
        """Return the numbers of the trials that have a result."""
        return {trial.number for trial in self.trials() if trial.status == "done"}

    def trials(self):
        try:
            return results(self.store)
        except (FileNotFoundError, ValueError):  # the driver has not come so far
            return []

    def start(self, script, *arguments):
        """Start a script in a session of its own."""
        process = subprocess.Popen(
            [sys.executable, f"{script}.py", *map(str, arguments)],
            cwd=self.folder,
            stdin=subprocess.PIPE,
            stderr=subprocess.DEVNULL if script == "cluster" else None,
            start_new_session=True,
        )
        self.started.append(process)
        return process

    def close(self):
        for process in self.started:
            if process.poll() is None:
                os.killpg(process.pid, signal.SIGKILL)  # a cluster and its workers
            process.stdin.close()
            process.wait()


@pytest.fixture
def lab(tmp_path, monkeypatch):
    """Return a laboratory whose objective this process, and those it starts, can import."""
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setenv("PYTHONPATH", str(tmp_path), prepend=os.pathsep)
    monkeypatch.setenv("DASK_TEMPORARY_DIRECTORY", str(tmp_path))
    lab = Lab(tmp_path)
    yield lab
    lab.close()
    sys.modules.pop("toy", None)


@pytest.fixture
def toy(lab):
    import toy

    return toy


def plan(n):
    return [{"x": x} for x in range(n)]


def wait_until(condition, *processes):
    """Wait for what processes bring about as long as they live."""
    deadline = time.monotonic() + 90
    while not (found := condition()):
        assert time.monotonic() < deadline
        assert all(process.poll() is None for process in processes)
        time.sleep(0.02)
    return found


def kill(process):
    process.send_signal(signal.SIGKILL)
    process.wait()


def is_gone(pid):
    try:
        return psutil.Process(pid).status() == psutil.STATUS_ZOMBIE
    except psutil.NoSuchProcess:
        return True


def test_every_trial_is_run_once_and_recorded(lab, toy):
    lab.mark("fail-2")
    first = run(toy.square, plan(4), lab.store)
    assert first == results(lab.store)
    assert [trial.number for trial in first] == [0, 1, 2, 3]
    assert [trial.settings for trial in first] == plan(4)
    assert [trial.status for trial in first] == ["done", "done", "failed", "done"]
    assert first[3].result["y"] == 9
    assert np.isnan(first[3].result["z"])
    assert first[3].seconds >= 0
    assert first[2].result is None
    assert "ArithmeticError: 2 is unlucky" in first[2].error
    assert sorted(lab.starts()) == [0, 1, 2, 3]

    lab.unmark("fail-2")
    assert str(run(toy.square, plan(4), lab.store)) == str(first)  # str: NaN is not itself
    assert str(run(toy.square, plan(2), lab.store)) == str(first[:2])
    assert len(lab.starts()) == 4
    longer = run(toy.square, plan(5), lab.store, workers=1)
    assert str(longer[:4]) == str(first)
    assert lab.starts()[4:] == [4]

    again = run(toy.square, plan(5), lab.store, workers=1, retry_failed=True)
    assert [trial.status for trial in again] == ["done"] * 5
    assert again[2].error is None
    assert lab.starts()[5:] == [2]


def test_a_dead_workers_trial_is_retried_and_no_other(lab, toy):
    lab.mark("kill-once-1", "kill-3")
    trials = run(toy.square, plan(6), lab.store, retries=2)
    assert [trial.status for trial in trials] == ["done"] * 3 + ["lost"] + ["done"] * 2
    assert trials[3].error == "its worker died in each of 3 attempts"
    assert Counter(lab.starts()) == {0: 1, 1: 2, 2: 1, 3: 3, 4: 1, 5: 1}


def test_a_search_that_fails_leaves_no_worker_behind(lab, toy, monkeypatch):
    lab.mark("hold-1")

    def full(*result):
        wait_until(lambda: 1 in lab.starts())
        raise OSError("disk full")

    monkeypatch.setattr(running, "record", full)
    with pytest.raises(OSError, match="disk full"):
        run(toy.square, plan(2), lab.store)
    assert all(is_gone(int(pid)) for _, pid in lab.log("start"))
    assert {trial.status for trial in lab.trials()} == {"planned"}


def test_killed_three_times_at_any_moment_it_loses_and_doubles_nothing(lab):
    lab.mark("slow")
    moment = random.Random(0)
    for _ in range(3):
        before = len(lab.starts())
        driver = lab.start("driver", 24)
        enough = before + moment.randint(1, 5)
        wait_until(lambda least=enough: len(lab.starts()) >= least, driver)
        time.sleep(moment.random() * 0.05)
        kill(driver)
        wait_until(lambda: all(is_gone(int(pid)) for _, pid in lab.log("start")))
        finished, counts = lab.done(), Counter(lab.starts())
    assert lab.start("driver", 24).wait(timeout=90) == 0

    trials = results(lab.store)
    assert [trial.settings for trial in trials] == plan(24)
    assert [trial.result["y"] for trial in trials] == [x * x for x in range(24)]
    assert finished
    for x in finished:
        assert Counter(lab.starts())[x] == counts[x]
    assert len(lab.starts()) <= 24 + 3 * 2  # no more than was running at each kill


def test_on_a_cluster_neither_a_killed_worker_nor_a_killed_driver_loses_or_doubles(lab):
    lab.mark("gate")  # shut once three trials have ended
    cluster = lab.start("cluster")
    wait_until(lambda: (lab.folder / "address").exists(), cluster)
    address = (lab.folder / "address").read_text()
    driver = lab.start("driver", 10, address)

    def all_recorded_and_two_held():
        ended = {int(x) for (x,) in lab.log("end")}
        return len(ended) >= 3 and lab.done() == ended and len(lab.starts()) == len(ended) + 2

    wait_until(all_recorded_and_two_held, cluster, driver)
    lost, pid = map(int, lab.log("start")[-1])
    os.kill(pid, signal.SIGKILL)
    last = max(set(range(10)) - {lost} - lab.done())
    lab.mark(f"hold-{last}")
    lab.unmark("gate")
    wait_until(lambda: lab.done() == set(range(10)) - {last}, cluster, driver)
    assert lab.starts().count(lost) == 2

    wait_until(lambda: last in lab.starts(), cluster, driver)
    kill(driver)
    begun = len(lab.starts())
    lab.unmark(f"hold-{last}")
    assert lab.start("driver", 10, address).wait(timeout=90) == 0
    assert lab.starts()[begun:] == [last]

    trials = results(lab.store)
    assert [trial.settings for trial in trials] == plan(10)
    assert [trial.result["y"] for trial in trials] == [x * x for x in range(10)]


class Deadly:
    """A Dask client, and a task of it, whose every worker dies."""

    def __init__(self):
        self.released = 0

    def submit(self, function, *arguments, pure):
        assert not pure
        return self

    def add_done_callback(self, function):
        function(self)

    def result(self):
        raise ChildProcessError

    def release(self):
        self.released += 1


def test_a_trial_that_kills_every_worker_of_a_cluster_is_given_up():
    client, checks = Deadly(), []
    crew = Crew(_Dask(client), 9, (ChildProcessError,), lambda: checks.append("checked"))
    ended = list(outcomes(crew, abs, [Trial(0, {}), Trial(1, {})], retries=2))
    assert [(trial.number, outcome.status) for trial, outcome in ended] == [
        (0, "lost"),
        (1, "lost"),
    ]
    assert client.released == len(checks) == 6


def test_a_scheduler_that_goes_away_is_an_error_and_loses_nothing(lab):
    lab.mark("gate")
    cluster = lab.start("cluster")
    wait_until(lambda: (lab.folder / "address").exists(), cluster)
    driver = lab.start("driver", 8, (lab.folder / "address").read_text())
    wait_until(lambda: len(lab.done()) >= 3, cluster, driver)
    os.killpg(cluster.pid, signal.SIGKILL)
    assert driver.wait(timeout=90) == 1
    assert {trial.status for trial in lab.trials()} == {"done", "planned"}


# --- What is refused -----------------------------------------------------------------------------


def test_workers_do_not_fight_for_the_processors(lab, toy, monkeypatch):
    monkeypatch.delenv("OMP_NUM_THREADS", raising=False)
    assert [trial.result for trial in run(toy.threads, plan(2), lab.store)] == ["1", "1"]
    assert "OMP_NUM_THREADS" not in os.environ
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    assert run(toy.threads, plan(1), lab.folder / "other.db")[0].result == "3"


def test_a_store_belongs_to_one_search_at_a_time(lab, toy):
    with (
        locked(lab.store),
        pytest.raises(RuntimeError, match=r"another search is running on .*store\.db"),
    ):
        run(toy.square, plan(1), lab.store)
    assert lab.starts() == []


def test_a_store_of_another_search_is_refused(lab, toy):
    run(toy.square, plan(2), lab.store, workers=1)
    with pytest.raises(ValueError, match=r"holds trials of objective toy\.square, got toy\.cube"):
        run(toy.cube, plan(2), lab.store)
    with pytest.raises(ValueError, match=r'its trial 1 is {"x": 1}, got {"x": 7}'):
        run(toy.square, [{"x": 0}, {"x": 7}], lab.store)
    assert len(results(lab.store)) == 2


def test_a_file_that_is_no_store_is_refused(lab, toy):
    with pytest.raises(FileNotFoundError, match=r"got no file .*store\.db"):
        results(lab.store)
    lab.store.write_text("Dear diary, today I searched for a good learning rate.\n" * 50)
    with pytest.raises(ValueError, match=r"store\.db is no store of a search"):
        results(lab.store)
    with pytest.raises(ValueError, match=r"store\.db is no store of a search"):
        run(toy.square, plan(1), lab.store)
    other = lab.folder / "other.db"
    with closing(sqlite3.connect(other)) as connection:
        connection.execute("CREATE TABLE trials (jury)")
    with pytest.raises(ValueError, match=r"other\.db is no store of a search"):
        run(toy.square, plan(1), other)


@pytest.mark.parametrize(
    ("trials", "error", "words"),
    [
        ([{"x": 1}, {"x": 1}], ValueError, "trials must be different, got {'x': 1} as 0 and 1"),
        ([{"x": {1}}], TypeError, r"settings must be plain data .* got \{'x': \{1\}\}"),
        ([{"x": (1, 2)}], TypeError, "settings must be plain data"),
        ([{"x": float("nan")}], TypeError, "settings must be plain data"),
        ([{"x": np.float32("nan")}], TypeError, "settings must be plain data"),
        ([{"x": np.ones(2)}], TypeError, "settings must be plain data"),
        ({"x": 1}, TypeError, "trials must be a list, got dict"),
        (iter([{"x": 1}]), TypeError, "trials must be a list, got list_iterator"),
    ],
)
def test_a_plan_that_cannot_be_kept_is_refused(lab, toy, trials, error, words):
    with pytest.raises(error, match=words):
        run(toy.square, trials, lab.store)
    assert not lab.store.exists()


def test_an_objective_that_no_other_process_can_find_is_refused(lab, toy, monkeypatch):
    with pytest.raises(TypeError, match="objective must be a function at the top of a module"):
        run(lambda x: x, plan(1), lab.store)
    with pytest.raises(TypeError, match="objective must be a function at the top of a module"):
        run("square", plan(1), lab.store)
    monkeypatch.setattr(toy.cube, "__module__", "__main__")
    monkeypatch.delattr(sys.modules["__main__"], "__file__", raising=False)  # xdist has none
    with pytest.raises(TypeError, match=r"must stand in a file.*got __main__\.cube of a notebook"):
        run(toy.cube, plan(1), lab.store)


def test_objectives_of_different_scripts_are_different(lab, toy, monkeypatch):
    main, names = sys.modules["__main__"], []
    monkeypatch.setattr(toy.cube, "__module__", "__main__")
    for script in ("one.py", "two.py"):
        monkeypatch.setattr(main, "__file__", str(lab.folder / script), raising=False)
        names.append(running._name(toy.cube, local=True))
    assert names == ["one.cube", "two.cube"]


def test_a_folder_that_is_missing_is_named(lab, toy):
    with pytest.raises(FileNotFoundError, match=r"path must be in a folder that exists, got .*no"):
        run(toy.square, plan(1), lab.folder / "no" / "store.db")


def test_numbers_out_of_range_are_refused(lab, toy):
    with pytest.raises(ValueError, match="workers must be from 0 to 1000, got -1"):
        run(toy.square, plan(1), lab.store, workers=-1)
    with pytest.raises(ValueError, match="retries must be from 0 to 1000, got -1"):
        run(toy.square, plan(1), lab.store, retries=-1)


# --- What is found -------------------------------------------------------------------------------


def is_one_step(parent, child):
    if parent["cell"] != child["cell"]:
        return True
    return sum(parent[option] != child[option] for option in parent) == 1


def test_evolution_keeps_the_best_resumes_and_tests_nothing_twice(lab, toy):
    def search(path, generations):
        return evolve(
            toy.distance,
            [{"cell": "Elman"}, {"cell": "LSTM", "output_gate": False}],
            path,
            target="loss",
            seed=1,
            generations=generations,
            children=4,
            keep=2,
            workers=1,
        )

    short = search(lab.store, 1)
    begun = len(lab.log("start"))
    trials = search(lab.store, 3)
    assert trials[: len(short)] == short
    assert len(lab.log("start")) == len(trials) == begun + 8 == 14
    losses = [trial.result["loss"] for trial in trials]
    for begin in (2, 6, 10):
        best = sorted(range(begin), key=losses.__getitem__)[:2]
        for child in trials[begin : begin + 4]:
            assert any(is_one_step(trials[k].settings, child.settings) for k in best)
    assert min(losses) < min(losses[:2])
    assert len({str(sorted(trial.settings.items(), key=str)) for trial in trials}) == 14
    assert trials[1].settings["input_gate"] is True  # what was not given is filled in

    again = search(lab.folder / "again.db", 3)
    assert [trial.settings for trial in again] == [trial.settings for trial in trials]


def test_evolution_ends_where_nothing_is_left_and_wants_a_target_that_exists(lab, toy):
    two = {"Elman": {"nonlinearity": ("tanh", "relu")}}
    options = {"seed": 0, "generations": 2, "children": 3, "choices": two, "workers": 1}
    trials = evolve(toy.distance, [{"cell": "Elman"}], lab.store, target="loss", **options)
    assert [trial.settings["nonlinearity"] for trial in trials] == ["tanh", "relu"]
    with pytest.raises(ValueError, match="target must name a number, got 'lost' of result"):
        evolve(toy.distance, [{"cell": "Elman"}], lab.store, target="lost", **options)


def test_evolution_refuses_cells_that_it_cannot_build(lab, toy):
    choices = {"LSTM": {}, "Mine": {"size": (1, 2)}}
    options = {"seed": 0, "generations": 1, "children": 1, "target": "loss", "choices": choices}
    with pytest.raises(ValueError, match=r"choices must be of Elman, .*, got 'Mine'"):
        evolve(toy.distance, [{"cell": "LSTM"}], lab.store, **options)
    assert not lab.store.exists()


def planted(n, seed=0):
    """Return trials whose loss follows from the learning rate's logarithm and from the cell."""
    noise = np.random.default_rng(seed).normal(size=n) / 10
    return [
        Trial(
            number,
            settings,
            "done",
            {
                "loss": abs(np.log10(settings["lr"]) + 2.5) * 2
                + (settings["cell"] == "GRU")
                + noise[number]
            },
        )
        for number, settings in enumerate(random_settings(SPACE, n, seed))
    ]


def test_importance_finds_what_was_planted():
    rows = planted(200)
    found = importance(rows, SPACE, "loss", seed=0, shuffles=8)
    assert list(found.settings) == list(SPACE)
    assert 0.7 < found.explained <= 1
    mean = {name: mean for name, (mean, _) in found.settings.items()}
    assert mean["lr"] > 2 * mean["cell"] > 0.1
    assert abs(mean["hidden"]) < 0.05 > abs(mean["momentum"])
    assert all(std >= 0 for _, std in found.settings.values())
    assert importance(rows, SPACE, "loss", seed=0, shuffles=8) == found


@pytest.mark.parametrize(
    ("unit", "zero"), [(1e-12, 0), (1e-8, 3e-8), (1e160, 0), (1e307, -1e307), (1.0, 1e9), (7.0, 1)]
)
@pytest.mark.parametrize("of", ["target", "setting"])
def test_importance_knows_no_units(of, unit, zero):
    rows = planted(40)
    space = {**SPACE, "momentum": Range(0.0, 1.0)}
    expected = importance(rows, space, "loss", seed=0, shuffles=2)
    if of == "target":
        turned = [replace(row, result={"loss": unit * row.result["loss"] + zero}) for row in rows]
    else:
        space["momentum"] = Range(zero, unit + zero)
        turned = [
            replace(row, settings={**row.settings, "momentum": unit * momentum + zero})
            for row in rows
            for momentum in [row.settings["momentum"]]
        ]
    found = importance(turned, space, "loss", seed=0, shuffles=2)
    assert found.explained == pytest.approx(expected.explained, rel=1e-4)
    for name, both in found.settings.items():
        assert both == pytest.approx(expected.settings[name], rel=1e-4, abs=1e-6)


def test_importance_knows_no_unit_of_a_logarithm():
    rows = planted(40)
    space = {
        **SPACE,
        "lr": Range(SPACE["lr"].low * 2.0**-900, SPACE["lr"].high * 2.0**-900, log=True),
    }
    turned = [
        replace(row, settings={**row.settings, "lr": row.settings["lr"] * 2.0**-900})
        for row in rows
    ]
    found, expected = (
        importance(each, among, "loss", seed=0, shuffles=2)
        for each, among in ((turned, space), (rows, SPACE))
    )
    assert found.explained == pytest.approx(expected.explained, rel=1e-4)


def test_importance_of_noise_is_not_believed():
    noise = np.random.default_rng(1).normal(size=100)
    rows = [
        Trial(k, settings, "done", {"loss": noise[k]})
        for k, settings in enumerate(random_settings(SPACE, 100, 0))
    ]
    assert importance(rows, SPACE, "loss", seed=0, shuffles=2).explained < 0.2


@pytest.mark.parametrize(
    ("changes", "words"),
    [
        ({"rows": planted(7)}, "rows must be at least 8 trials, got 7"),
        ({"target": "gain"}, r"trial 0 \(done\) has no finite 'gain', got None: leave it out"),
        ({"rows": [*planted(9), Trial(9, {}, "failed")]}, "trial 9 has no 'lr'"),
        ({"space": {"lr": Range(1e-9, 1e-8)}}, "lr of trial 0 must be in Range"),
        ({"space": {"cell": ["Elman"]}}, r"cell of trial \d must be one of \['Elman'\], got"),
        ({"rows": [*planted(9), Trial(9, {"lr": "a"}, "done")]}, "trial 9 must be in .*, got 'a'"),
        ({"held_out": 1}, "held_out must be less than 1, got 1"),
        ({"held_out": 0.1}, "held_out must leave at least 2 trials to each, got 0.1 of 9 trials"),
        ({"held_out": 0.95}, "held_out must leave at least 2 trials to each, got 0.95 of 9 trials"),
        ({"shuffles": 1}, "shuffles must be from 2 to 1000, got 1"),
    ],
)
def test_importance_refuses_what_it_cannot_use(changes, words):
    given = {"rows": planted(9), "space": SPACE, "target": "loss", "seed": 0, **changes}
    with pytest.raises(ValueError, match=words):
        importance(**given)
