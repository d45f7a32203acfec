"""What holds for every exercise of the book; the engine itself is tested in test_grading.py."""

import ast
import dataclasses
import inspect
import json
import re
import statistics
import subprocess
import sys
import time
from pathlib import Path

import numpy as np
import pytest
from mutants import mutants

from unrolled import exercises, windows
from unrolled.exercises import CHAPTERS, check, find, of_chapter
from unrolled.exercises.grading import NOT_WRITTEN, WRONG, Exercise, grade
from unrolled.exercises.grading.answers import cell, starter

ROOT = Path(__file__).parents[1]
ALL = [exercise for stem in CHAPTERS for exercise in of_chapter(stem)]

every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.id)


def each(field):
    """Parametrize over all pairs of an exercise and one of its alternatives or mistakes."""
    pairs = [(exercise, function) for exercise in ALL for function in getattr(exercise, field)]
    names = [f"{exercise.id}-{function.__name__}" for exercise, function in pairs]
    return pytest.mark.parametrize(("exercise", "function"), pairs, ids=names)


@every_exercise
def test_the_solution_passes(exercise):
    verdict = check(exercise.id, exercise.solution)
    assert verdict.passed
    assert verdict.message == ""


@each("alternatives")
def test_other_right_answers_pass(exercise, function):
    verdict = check(exercise.id, function)
    assert verdict.passed, verdict


@every_exercise
def test_alternatives_are_of_every_kind(exercise):
    sources = " ".join(inspect.getsource(function) for function in exercise.alternatives)
    assert "import torch" in sources or "from torch import" in sources
    assert "for " in sources


def in_float32(value):
    """Round every real number to float32: in arrays, and on the way into and out of functions."""
    if callable(value):
        return lambda *args: in_float32(value(*map(in_float32, args)))
    if isinstance(value, tuple):
        return tuple(map(in_float32, value))
    if isinstance(value, float | np.floating | np.ndarray):
        return np.float32(value)
    return value


@every_exercise
def test_an_answer_in_float32_passes(exercise):
    verdict = check(exercise.id, in_float32(exercise.solution))
    assert verdict.passed, verdict


def random_tasks():
    """Yield a series, a window or period that fits into it, and a horizon."""
    rng = np.random.default_rng(1)
    for _ in range(30):
        length = int(rng.integers(2, 30))
        yield rng.normal(size=length), int(rng.integers(1, length)), int(rng.integers(1, 40))


def test_lag_matrix_is_the_packages():
    solution = find("windows.lag_matrix").solution
    for series, window, _ in random_tasks():
        for mine, theirs in zip(
            solution(series, window), windows.lag_matrix(series, window), strict=True
        ):
            np.testing.assert_array_equal(mine, theirs)


def test_seasonal_repeat_is_the_packages():
    solution = find("windows.seasonal_repeat").solution
    for series, period, horizon in random_tasks():
        theirs = windows.seasonal_repeat(series, horizon, period=period)
        np.testing.assert_array_equal(solution(series, horizon, period), theirs)


def test_iterate_is_the_packages():
    solution = find("windows.iterate").solution
    for series, window, horizon in random_tasks():
        weights = np.linspace(-1, 1, window) / window

        def predict(lags, weights=weights):
            return float(np.sin(lags @ weights))

        theirs = windows.iterate(predict, series, horizon, window=window)
        np.testing.assert_array_equal(solution(predict, series, horizon, window), theirs)


def test_parameters_are_the_packages():
    solution = find("windows.parameters").solution
    for window in range(1, 7):
        for hidden in range(1, 7):
            model = windows.WindowMLP(window, hidden)
            assert solution(window, hidden) == sum(p.numel() for p in model.parameters())


@each("mistakes")
def test_a_known_mistake_fails_with_its_own_diagnosis(exercise, function):
    verdict = check(exercise.id, function)
    assert verdict.status == WRONG
    assert verdict.mistake == function.__name__.strip("_")
    said, diagnosis = " ".join(verdict.message.split()), " ".join(function.__doc__.split())
    assert said.startswith(diagnosis)
    assert len(diagnosis) > 40


@every_exercise
def test_mistakes_come_with_evidence(exercise):
    """The diagnosis is followed by what was seen: a learner can check it."""
    for mistake in exercise.mistakes:
        verdict = check(exercise.id, mistake)
        diagnosis = len(inspect.getdoc(mistake).split())
        assert len(verdict.message.split()) > diagnosis + 5


@each("mistakes")
def test_a_known_mistake_shows_on_the_first_case(exercise, function):
    """That case is made to be read. The cases of a hunt are implementations, all alike."""
    first = dataclasses.replace(exercise, cases=exercise.cases[:1])
    assert exercise.judge or grade(first, function).status == WRONG


AS_WRITTEN = """
lag_matrix: last_pair_dropped
    inputs, targets = [], []
    for t in range(len(series) - window - 1):
        inputs.append(series[t : t + window])
        targets.append(series[t + window])
    return np.array(inputs), np.array(targets)

lag_matrix: last_window_dropped
    inputs = [series[t : t + window] for t in range(len(series) - window - 1)]
    return np.array(inputs), series[window:]

lag_matrix: windows_side_by_side
    starts = range(0, len(series) - window, window)
    inputs = np.array([series[t : t + window] for t in starts])
    return inputs, np.array([series[t + window] for t in starts])

lag_matrix: target_kept_in_the_row
    rows = [series[t : t + window + 1] for t in range(len(series) - window)]
    return np.array(rows), series[window:]

lag_matrix: target_kept_in_the_row
    rows = np.lib.stride_tricks.sliding_window_view(series, window + 1)
    return rows, rows[:, -1]

seasonal_repeat: ends_in_front
    return history[-period : -period + horizon]

seasonal_repeat: index_runs_past_zero
    return np.array([history[-period + k] for k in range(horizon)])

seasonal_repeat: at_most_one_cycle
    first = len(history) - period
    return history[first : first + horizon]

iterate: rolls_the_wrong_way
    lags, forecasts = history[-window:].copy(), []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.roll(lags, 1)
        lags[-1] = forecasts[-1]
    return np.array(forecasts)

iterate: forecast_enters_as_oldest
    lags, forecasts = history[-window:].copy(), []
    for _ in range(horizon):
        forecasts.append(predict(lags))
        lags = np.roll(lags, 1)
        lags[0] = forecasts[-1]
    return np.array(forecasts)

parameters: no_biases
    return (window + 1) * hidden

catches_leak: other_deviation
    series = np.arange(10.0)
    train, test = split_and_scale(series, 6)
    mean, sd = np.mean(series[:6]), np.std(series[:6], ddof=1)
    assert np.allclose(train, (series[:6] - mean) / sd)
    assert np.allclose(test, (series[6:] - mean) / sd)

catches_leak: other_deviation
    series = np.arange(10.0)
    train, test = split_and_scale(series, 6)
    assert np.isclose(np.std(train, ddof=1), 1)

catches_leak: exact_equality
    series = np.arange(10.0)
    train, test = split_and_scale(series, 6)
    scaled = (series - np.mean(series[:6])) / np.std(series[:6])
    assert np.allclose(np.concatenate([train, test]), scaled, rtol=0, atol=1e-18)

catches_leak: wants_whole_series
    series = np.arange(10.0)
    train, test = split_and_scale(series, 6)
    scaled = (series - np.mean(series)) / np.std(series)
    assert np.allclose(train, scaled[:6]) and np.allclose(test, scaled[6:])
"""


def as_written(text):
    """Read answers as learners write them: yield the exercise, the mistake and the function."""
    for part in text.strip().split("\n\n"):
        head, body = part.split("\n", 1)
        name, mistake = head.split(": ")
        exercise = find(f"windows.{name}")
        yield pytest.param(exercise, mistake, defined(exercise, body), id=f"{name}-{mistake}")


def defined(exercise, body):
    scope = {"np": np}
    arguments = ", ".join(inspect.signature(exercise.solution).parameters)
    exec(f"def {exercise.name}({arguments}):\n{body}", scope)
    return scope[exercise.name]


@pytest.mark.parametrize(("exercise", "mistake", "answer"), list(as_written(AS_WRITTEN)))
def test_a_mistake_is_known_as_learners_write_it(exercise, mistake, answer):
    verdict = grade(exercise, answer)
    assert verdict.mistake == mistake, verdict


def test_a_perceptron_short_by_hidden_plus_one_hears_of_both_ways_to_be():
    message = " ".join(check("windows.parameters", lambda w, h: (w + 1) * h).message.split())
    assert "either all the biases or the whole output layer" in message


@pytest.mark.parametrize(
    ("series", "words"),
    [
        (np.full(12, 0.1), "ValueError: your series has standard deviation 0 in its training part"),
        ([3.0, 1.0, 2.0], "TypeError: series must be an array"),
    ],
)
def test_a_series_that_no_implementation_can_scale_is_named(series, words):
    def test(split_and_scale):
        train, _ = split_and_scale(series, 2)
        assert np.allclose(train, 0)

    message = " ".join(check("windows.catches_leak", test).message.split())
    assert "`train, _ = split_and_scale(series, 2)`" in message
    assert words in message


def test_a_test_that_disturbs_the_future_needs_no_standard_deviation():
    """A test may find the leaks without computing what is right: then any deviation will do."""

    def test(split_and_scale):
        series = np.random.default_rng(0).normal(size=12)
        train, test = split_and_scale(series, 8)
        assert (len(train), len(test)) == (8, 4)
        for j in range(8, 12):
            disturbed = series.copy()
            disturbed[j] += 5
            same, other = split_and_scale(disturbed, 8)
            assert np.allclose(train, same)
            assert (~np.isclose(test, other)).sum() == 1

    assert check("windows.catches_leak", test).passed


def test_keywords_may_be_asked_for_as_the_package_does():
    def seasonal_repeat(history, horizon, *, period):
        return np.resize(history[-period:], horizon)

    assert check("windows.seasonal_repeat", seasonal_repeat).passed


@every_exercise
def test_every_machine_made_mutant_fails(exercise):
    survivors = {
        label
        for label, mutant in mutants(exercise.solution)
        if grade(exercise, mutant, seconds=2.0).status != WRONG
    }
    assert survivors == set(exercise.equivalent)
    assert all(len(reason) > 10 for reason in exercise.equivalent.values())


def written_from(exercise: Exercise):
    scope = {}
    exec(starter(exercise), scope)
    return scope[exercise.name]


@every_exercise
def test_the_starter_is_not_written_yet(exercise):
    assert check(exercise.id, written_from(exercise)).status == NOT_WRITTEN


@every_exercise
def test_the_starter_has_the_solutions_signature_and_prompt(exercise):
    function = written_from(exercise)
    mine, theirs = map(inspect.signature, (function, exercise.solution))
    assert [(p.name, p.kind, p.default) for p in mine.parameters.values()] == [
        (p.name, p.kind, p.default) for p in theirs.parameters.values()
    ]
    assert inspect.getdoc(function) == inspect.getdoc(exercise.solution)
    assert len(exercise.prompt) > 80


@every_exercise
def test_names_agree(exercise):
    assert exercise.solution.__name__ == exercise.name
    assert exercise.solution.__module__ == f"unrolled.exercises.{exercise.id.split('.')[0]}"
    assert find(exercise.id) is exercise


@every_exercise
def test_the_check_is_quick_in_a_running_notebook(exercise):
    """Under 0.2 s of this process's own time, which a busy machine does not stretch."""
    slowest = max([exercise.solution, *exercise.mistakes], key=lambda f: seconds(exercise.id, f))
    assert statistics.median(seconds(exercise.id, slowest) for _ in range(3)) < 0.2


def seconds(exercise_id, function):
    began = time.process_time()
    check(exercise_id, function)
    return time.process_time() - began


@every_exercise
def test_the_first_case_is_small_enough_to_read(exercise):
    for value in exercise.cases[0]:
        assert not isinstance(value, np.ndarray) or value.size <= 12


def test_checking_imports_neither_torch_nor_another_chapter():
    program = (
        "import json, sys\n"
        "from unrolled.exercises import check\n"
        "check('windows.parameters', lambda window, hidden: window)\n"
        "watched = ('unrolled.', 'torch', 'matplotlib')\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(watched)]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = set(json.loads(run.stdout))
    grading = {"engine", "guard", "readable"}
    assert loaded == {
        "unrolled.exercises",
        "unrolled.exercises.windows",
        "unrolled.exercises.grading",
        *(f"unrolled.exercises.grading.{module}" for module in grading),
    }


def test_every_module_of_exercises_is_listed():
    folder = Path(exercises.__file__).parent
    assert {path.stem for path in folder.glob("[!_]*.py")} == set(CHAPTERS)


def test_ids_are_unique():
    assert len({exercise.id for exercise in ALL}) == len(ALL)


@pytest.mark.parametrize(
    ("wrong", "near"),
    [
        ("windows.lag_matrx", "windows.lag_matrix"),
        ("lag_matrix", "windows.lag_matrix"),
        ("window.iterate", "windows.iterate"),
        ("windows", "windows.parameters"),
        ("", "windows.lag_matrix"),
    ],
)
def test_an_unknown_exercise_is_refused_and_near_ones_are_named(wrong, near):
    with pytest.raises(ValueError, match=re.escape(near)):
        check(wrong, len)


def test_arguments_the_wrong_way_round():
    with pytest.raises(TypeError, match=r"must be a string such as 'windows\.lag_matrix'"):
        check(len, "windows.lag_matrix")


def test_an_unknown_chapter_is_refused():
    with pytest.raises(ValueError, match="one of windows"):
        of_chapter("doors")


def cells_with_a_check(stem):
    """Yield (the exercise's identifier, the code) of each cell that checks one; tags left out."""
    text = (ROOT / "chapters" / f"{stem}.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for code in cells:
        if found := re.search(r'^check\("([^"]+)"', code, re.MULTILINE):
            yield found[1], re.sub(r"\A(:.*\n)+\n*", "", code)


@pytest.mark.parametrize("stem", CHAPTERS)
def test_the_chapter_sets_every_exercise_as_its_starter_does_and_shows_its_solution(stem):
    text = (ROOT / "chapters" / f"{stem}.md").read_text(encoding="utf-8")
    cells = list(cells_with_a_check(stem))
    assert sorted(exercise_id for exercise_id, _ in cells) == sorted(
        exercise.id for exercise in of_chapter(stem)
    )
    for exercise_id, code in cells:
        exercise = find(exercise_id)
        assert code == cell(exercise), exercise_id
        shown = (
            rf"literalinclude\}} \.\./code/unrolled/exercises/{stem}\.py\n"
            rf":pyobject: {exercise.name}\n"
        )
        assert re.search(shown, text), exercise_id


@every_exercise
def test_a_cell_is_the_starter_and_its_check(exercise):
    code = cell(exercise)
    assert code.startswith(starter(exercise))
    scope = {"check": check}
    *definition, last = ast.parse(code).body
    exec(compile(ast.Module(definition, []), "cell", "exec"), scope)
    verdict = eval(compile(ast.Expression(last.value), "cell", "eval"), scope)
    assert (verdict.exercise, verdict.status) == (exercise.id, NOT_WRITTEN)
    assert max(map(len, code.splitlines())) <= 88


def test_a_notebook_shows_the_verdict_as_the_shell_does():
    nbclient = pytest.importorskip("nbclient")
    nbformat = pytest.importorskip("nbformat")
    cell = (
        "from unrolled.exercises import check\n"
        "def parameters(window, hidden):\n"
        "    return window * hidden\n"
        "check('windows.parameters', parameters)"
    )
    notebook = nbformat.v4.new_notebook(cells=[nbformat.v4.new_code_cell(cell)])
    nbclient.NotebookClient(notebook, timeout=60).execute()
    (output,) = notebook.cells[0].outputs
    assert output["output_type"] == "execute_result"
    assert output["data"]["text/plain"] == repr(
        check("windows.parameters", lambda window, hidden: window * hidden)
    )
