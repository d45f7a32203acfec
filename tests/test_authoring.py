"""What `python -m unrolled new` writes runs as it is, and passes every test of its kind."""

import importlib.util
import shutil
import sys

import pytest

from unrolled import authoring
from unrolled.exercises.grading import NOT_WRITTEN, PASSED, grade
from unrolled.exercises.grading.answers import cell, starter


@pytest.fixture
def package(tmp_path):
    """A copy of the folders that `new` writes into."""
    for room in ("exercises", "experiments"):
        (tmp_path / room / "lstm").mkdir(parents=True)
    shutil.copy(authoring.PACKAGE / "exercises/lstm/__init__.py", tmp_path / "exercises/lstm")
    return tmp_path


def load(path, name):
    spec = importlib.util.spec_from_file_location(name, path)
    module = importlib.util.module_from_spec(spec)
    sys.modules[name] = module
    spec.loader.exec_module(module)
    return module


def test_a_new_exercise_runs_and_tells_its_mistakes(package):
    path = authoring.new("exercise", "lstm.toy", package)
    exercise = load(path, "unrolled.exercises.lstm.toy").EXERCISE
    assert exercise.id == "lstm.toy"
    for answer in (exercise.solution, *exercise.alternatives):
        assert grade(exercise, answer).status == PASSED
    for name, mistake in exercise.mistakes.items():
        for answer in mistake.functions(exercise.solution):
            assert grade(exercise, answer).mistake == name
    scope = {}
    exec(starter(exercise), scope)
    assert grade(exercise, scope["toy"]).status == NOT_WRITTEN
    assert max(map(len, cell(exercise).splitlines())) <= 88  # as every cell of a page


def test_it_comes_last_in_its_chapters_order(package):
    init = package / "exercises/lstm/__init__.py"
    before = load(init, "before").ORDER
    authoring.new("exercise", "lstm.toy", package)
    assert (*before, "toy") == load(init, "after").ORDER


def test_the_first_exercise_of_a_chapter_begins_its_order(package):
    authoring.new("exercise", "rnn.toy", package)
    assert load(package / "exercises/rnn/__init__.py", "first").ORDER == ("toy",)


def test_a_new_claim_can_be_measured(package):
    path = authoring.new("claim", "lstm.coin", package)
    claim = load(path, "unrolled.experiments.lstm.coin").CLAIM
    assert claim.id == "lstm.coin"
    runs = [claim.experiment(seed, **claim.settings["quick"]) for seed in claim.seeds["quick"]]
    assert claim.holds(runs)


@pytest.mark.parametrize("kind", ["exercise", "claim"])
def test_nothing_is_overwritten(package, kind):
    path = authoring.new(kind, "lstm.toy", package)
    with pytest.raises(FileExistsError, match=r"lstm\.toy"):
        authoring.new(kind, "lstm.toy", package)
    assert authoring.BLANK in path.read_text()


@pytest.mark.parametrize("kind", ["exercise", "claim"])
@pytest.mark.parametrize(
    "name", ["toy", "lstm.", "lstm.Toy", "nowhere.toy", "lstm._toy", "lstm/x", "lstm.class"]
)
def test_a_name_that_is_none_is_refused(package, kind, name):
    refused(package, kind, name)


@pytest.mark.parametrize("name", ["np", "numbers", "copy"])
def test_an_exercise_that_would_hide_a_module_is_refused(package, name):
    refused(package, "exercise", f"lstm.{name}")
    assert authoring.new("claim", f"lstm.{name}", package).is_file()


def refused(package, kind, name):
    before = {path: path.read_bytes() for path in package.rglob("*.py")}
    with pytest.raises(ValueError, match="name must"):
        authoring.new(kind, name, package)
    assert {path: path.read_bytes() for path in package.rglob("*.py")} == before


def test_every_blank_of_the_book_is_filled_in():
    for room in ("exercises", "experiments"):
        for path in (authoring.PACKAGE / room).rglob("*.py"):
            assert authoring.BLANK not in path.read_text(encoding="utf-8"), path
