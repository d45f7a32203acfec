"""Mutants of the package's equations: they are put in where the right ones were, and die."""

import ast
import json
import signal
import subprocess
import sys

import pytest
from mutants import changes

import mutate


@pytest.fixture(scope="module")
def all_mutants():
    return {module: list(mutate.mutants(module)) for module in mutate.TESTS}


def test_every_module_with_equations_is_changed_in_many_places(all_mutants):
    places = {mutant.place for mutants in all_mutants.values() for mutant in mutants}
    assert {"cells.lstm.LSTM.step_backward", "cells.mut.MUT3.equations"} <= places
    assert {"core.recurrent.mask", "bptt.rtrl", "lstm_numpy.carousel"} <= places
    assert all(len(mutants) > 50 for mutants in all_mutants.values())


def test_what_is_said_to_compute_the_same_exists_and_has_a_reason(all_mutants):
    made = {(each.place, each.change) for mutants in all_mutants.values() for each in mutants}
    known = json.loads(mutate.EQUIVALENT.read_text(encoding="utf-8"))
    assert {(place, change) for place in known for change in known[place]} <= made
    assert all(len(why) > 10 for changes in known.values() for why in changes.values())


def test_what_only_refuses_arguments_is_left_alone_if_asked():
    def labels(**options):
        source = "def f(x):\n    if x < 0:\n        raise ValueError(x)\n    return x + 1"
        return {label for label, _ in changes(ast.parse(source).body[0], **options)}

    with_guards, without = labels(), labels(guards=False)
    assert without < with_guards
    assert without == {label for label in with_guards if label.startswith("return")}


def test_a_record_says_what_is_amiss_and_holds_for_its_sources_only(tmp_path, monkeypatch):
    record = mutate.Record.read("bptt", tmp_path)
    known = json.loads(mutate.EQUIVALENT.read_text(encoding="utf-8"))
    same = [each for each in record.made if each.change in known.get(each.place, {})]
    other = [each for each in record.made if each not in same]
    record.keep(same[0], "survived")
    record.keep(same[1], "killed")
    record.keep(other[0], "survived")
    record.keep(other[1], "killed")
    again = mutate.Record.read("bptt", tmp_path)
    assert again.fates == record.fates
    assert again.report([*same[:2], *other[:3]]) == {
        "made": 5,
        "killed": 2,
        "equivalent": 1,
        "not tried": 1,
        "survived": [other[0].label],
        "wrongly explained": [same[1].label],
    }
    monkeypatch.setitem(mutate.TESTS, "bptt", ["test_cells_mut.py"])
    assert mutate.Record.read("bptt", tmp_path).fates == {}


def test_a_mutant_whose_tests_were_ended_from_outside_is_not_known(tmp_path):
    record = mutate.Record.read("cells.mut", tmp_path)
    ended, endless, *_ = record.made
    trial = mutate.Trial(record, record.made)
    trial.ended(ended, -signal.SIGTERM)
    trial.ended(endless, -signal.SIGPROF)
    assert record.fates == {endless.label: "killed"}


def computed(code):
    """Run code in a process of its own, which a mutant may spoil; return what it printed."""
    code = f"import sys; sys.path.insert(0, 'tools'); import mutate, numpy, torch\n{code}"
    options = {"cwd": mutate.ROOT, "capture_output": True, "text": True, "check": True}
    return subprocess.run([sys.executable, "-c", code], **options).stdout


def test_a_mutant_is_what_all_who_hold_the_function_call():
    said = computed("""
from unrolled.bptt import _logistic as held
from unrolled.cells import MUT1
def put(module, name, change):
    found = (m for m in mutate.mutants(module) if m.name == name and m.change == change)
    mutate.put_in(next(found))
put("bptt", "_logistic", "return (1 + np.tanh(a / 2)) / 2 -> return (1 + np.tanh(a / 3)) / 2")
print(held(numpy.array(3.0)) == (1 + numpy.tanh(1.0)) / 2)
put("cells.mut", "weights", next(m.change for m in mutate.mutants("cells.mut")
                                 if m.name == "weights"))
print(MUT1.weights.__code__.co_filename)
""")
    assert said.split() == ["True", "cells.mut.MUT1.weights"]


def test_a_sample_of_mutants_dies_and_is_not_tried_again(tmp_path, monkeypatch):
    module, every = "cells.elman", 15
    made = len(list(mutate.mutants(module)))
    tried = len(range(0, made, every))
    options = [module, "--every", str(every), "--records", str(tmp_path)]
    command = [sys.executable, "tools/mutate.py", *options]
    ran = subprocess.run(command, cwd=mutate.ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    counts = f"{tried} made, {tried} killed, 0 equivalent, 0 not tried, 0 survived"
    assert f"{module}: {counts}" in ran.stdout
    report = json.loads((tmp_path / f"{module}.json").read_text(encoding="utf-8"))
    assert (report["made"], report["killed"], report["not tried"]) == (made, tried, made - tried)
    monkeypatch.setattr(mutate, "_try", lambda *_: pytest.fail("tried again"))
    assert mutate.examine(module, every, tmp_path)
