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
    assert {"rnn.Elman.step", "lstm.LSTM.step_backward", "lstm._ACTIVATIONS"} <= places
    assert {"variants.MUT3._gates_backward", "bptt.rtrl", "lstm_numpy.carousel"} <= places
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
    monkeypatch.setitem(mutate.TESTS, "bptt", ["test_rnn.py"])
    assert mutate.Record.read("bptt", tmp_path).fates == {}


def test_a_mutant_whose_tests_were_ended_from_outside_is_not_known(tmp_path):
    record = mutate.Record.read("rnn", tmp_path)
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
from unrolled.lstm import _ACTIVATIONS, LSTM
def put(module, name, change):
    (found,) = (m for m in mutate.mutants(module) if m.name == name and m.change == change)
    mutate.put_in(found)
put("bptt", "_logistic", "return (1 + np.tanh(a / 2)) / 2 -> return (1 + np.tanh(a / 3)) / 2")
print(held(numpy.array(3.0)) == (1 + numpy.tanh(1.0)) / 2)
put("lstm", "_peepholes", [m.change for m in mutate.mutants("lstm") if m.name == "_peepholes"][0])
print(LSTM._peepholes.__code__.co_filename)
""")
    assert said.split() == ["True", "lstm.LSTM._peepholes"]


def test_a_sample_of_mutants_dies_and_is_not_tried_again(tmp_path, monkeypatch):
    options = ["rnn", "--every", "9", "--records", str(tmp_path)]
    command = [sys.executable, "tools/mutate.py", *options]
    ran = subprocess.run(command, cwd=mutate.ROOT, capture_output=True, text=True, check=False)
    assert ran.returncode == 0, ran.stdout + ran.stderr
    assert "rnn: 9 made, 9 killed, 0 equivalent, 0 not tried, 0 survived" in ran.stdout
    report = json.loads((tmp_path / "rnn.json").read_text(encoding="utf-8"))
    assert (report["made"], report["killed"], report["not tried"]) == (81, 9, 72)
    monkeypatch.setattr(mutate, "_try", lambda *_: pytest.fail("tried again"))
    assert mutate.examine("rnn", 9, tmp_path)
