"""What holds for every exercise of the book; the engine itself is tested in test_grading.py."""

import ast
import builtins
import dataclasses
import dis
import inspect
import json
import re
import subprocess
import sys
import types
from pathlib import Path

import numpy as np
import pytest
from mutants import mutants

from unrolled import exercises
from unrolled.core.book import chapters
from unrolled.exercises import case, check, find, of_chapter
from unrolled.exercises.grading import NOT_WRITTEN, WRONG, Exercise, grade
from unrolled.exercises.grading.answers import cell, starter

ROOT = Path(__file__).parents[1]
ALL = [exercise for stem in chapters() for exercise in of_chapter(stem)]

every_exercise = pytest.mark.parametrize("exercise", ALL, ids=lambda exercise: exercise.id)


def wrong_answers():
    """Parametrize over every way in which every known mistake of the book is written."""
    return pytest.mark.parametrize(
        ("exercise", "mistake", "answer"),
        [
            pytest.param(exercise, name, answer, id=f"{exercise.id}-{name}-{k}")
            for exercise in ALL
            for name, mistake in exercise.mistakes.items()
            for k, answer in enumerate(mistake.functions(exercise.solution))
        ],
    )


def fits_a_screen(verdict):
    """Whether a verdict has at most fifteen lines, of 80 columns at most."""
    lines = repr(verdict).splitlines()
    return len(lines) <= 15 and max(map(len, lines)) <= 80


@every_exercise
def test_the_solution_passes(exercise):
    verdict = check(exercise.id, exercise.solution)
    assert verdict.passed
    assert fits_a_screen(verdict), verdict
    assert verdict.message.startswith(("Another right answer:", "Other right answers:"))


@pytest.mark.parametrize(
    ("exercise", "function"),
    [
        pytest.param(exercise, function, id=f"{exercise.id}-{function.__name__}")
        for exercise in ALL
        for function in exercise.alternatives
    ],
)
def test_other_right_answers_pass(exercise, function):
    verdict = check(exercise.id, function)
    assert verdict.passed, verdict
    assert fits_a_screen(verdict), verdict


@every_exercise
def test_alternatives_are_of_every_kind(exercise):
    sources = " ".join(inspect.getsource(function) for function in exercise.alternatives)
    assert "import torch" in sources or "from torch import" in sources
    assert "for " in sources


def in_float32(value):
    """Round every real number to float32: in arrays, and on the way into and out of functions.

    Whole numbers stay what they are.
    """
    if callable(value):
        return lambda *args: in_float32(value(*map(in_float32, args)))
    if isinstance(value, tuple):
        return tuple(map(in_float32, value))
    if isinstance(value, float) or getattr(value, "dtype", np.dtype(int)).kind == "f":
        return np.float32(value)
    return value


@every_exercise
def test_an_answer_in_float32_passes(exercise):
    verdict = check(exercise.id, in_float32(exercise.solution))
    assert verdict.passed, verdict


@wrong_answers()
def test_a_known_mistake_fails_with_its_own_diagnosis_and_with_evidence(exercise, mistake, answer):
    verdict = check(exercise.id, answer)
    assert verdict.status == WRONG
    assert verdict.mistake == mistake, verdict
    assert fits_a_screen(verdict), verdict
    said = " ".join(verdict.message.split())
    diagnosis = " ".join(exercise.mistakes[mistake].diagnosis.split())
    assert diagnosis in said
    assert len(diagnosis) > 40
    assert len(said.split()) > len(diagnosis.split()) + 5


def undiagnosed(exercise, **changes):
    """Leave out the search for a known mistake, which takes longer than all else."""
    return dataclasses.replace(exercise, mistakes={}, **changes)


@wrong_answers()
def test_a_known_mistake_shows_on_a_case_that_can_be_read(exercise, mistake, answer):
    """It is told by that case, the first. The cases of a hunt are implementations, all alike."""
    if exercise.judge:
        return
    alone = (undiagnosed(exercise, cases=[case]) for case in exercise.cases)
    told_by = next(one.cases[0] for one in alone if grade(one, answer).status == WRONG)
    assert all(np.size(value) <= 12 for value in told_by)


def names_read(code):
    """Yield the global names that a function reads, and those inside it."""
    for instruction in dis.get_instructions(code):
        if instruction.opname == "LOAD_GLOBAL":
            yield instruction.argval
    for inner in code.co_consts:
        if isinstance(inner, types.CodeType):
            yield from names_read(inner)


@wrong_answers()
def test_a_known_mistake_misspells_no_name(exercise, mistake, answer):
    """Else whoever misspells a name is told that he makes it."""
    known = {*answer.__globals__, *dir(builtins)}
    assert set(names_read(answer.__code__)) <= known


@every_exercise
def test_every_machine_made_mutant_fails(exercise):
    bare = undiagnosed(exercise)
    survivors = {
        label
        for label, mutant in mutants(exercise.solution)
        if grade(bare, mutant, seconds=2.0).status != WRONG
    }
    assert survivors == set(exercise.equivalent)
    assert all(len(reason) > 10 for reason in exercise.equivalent.values())


def written_from(exercise: Exercise):
    scope = {}
    exec(starter(exercise), scope)
    return scope[exercise.name]


@every_exercise
def test_a_test_that_asserts_nothing_is_named(exercise):
    if exercise.judge:
        mistake = check(exercise.id, lambda implementation: None).mistake
        assert mistake in ("accepts_everything", "lets_everything_through")


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
    assert exercise.solution.__module__ == f"unrolled.exercises.{exercise.id}"
    assert find(exercise.id) is exercise


@every_exercise
def test_the_first_case_is_small_enough_to_read(exercise):
    for value in exercise.cases[0]:
        assert not isinstance(value, np.ndarray) or value.size <= 12


def test_checking_one_imports_neither_torch_nor_another():
    program = (
        "import json, sys\n"
        "from unrolled.exercises import check\n"
        "check('windows.parameters', lambda window, hidden: window)\n"
        "watched = ('unrolled.exercises.', 'unrolled.windows', 'torch', 'matplotlib')\n"
        "print(json.dumps([name for name in sys.modules if name.startswith(watched)]))"
    )
    run = subprocess.run([sys.executable, "-c", program], capture_output=True, check=True)
    loaded = {name for name in json.loads(run.stdout) if ".grading" not in name}
    assert loaded - {"unrolled.exercises._drawing"} == {
        "unrolled.exercises.windows",
        "unrolled.exercises.windows.parameters",
    }


def test_an_unknown_id_imports_nothing():
    program = (
        "import sys\n"
        "from unrolled.exercises import UnknownExercise, find\n"
        "before = set(sys.modules)\n"
        "for wrong in ('windows.lag_matrx', 'grading.engine', 'os.path', 'lstm._counter', '..x'):\n"
        "    try:\n"
        "        find(wrong)\n"
        "    except UnknownExercise:\n"
        "        continue\n"
        "    raise SystemExit(wrong)\n"
        "sys.exit(str(set(sys.modules) - before) if set(sys.modules) - before else 0)"
    )
    subprocess.run([sys.executable, "-c", program], check=True)


ROOM = Path(exercises.__file__).parent


@pytest.mark.parametrize("stem", chapters())
def test_every_file_is_in_its_chapters_order(stem):
    """No exercise is left out, and what is shared begins with an underscore."""
    files = {path.stem for path in (ROOM / stem).glob("[a-z]*.py")}
    assert sorted(files) == sorted(exercise.name for exercise in of_chapter(stem))


@pytest.mark.parametrize("path", sorted(ROOM.glob("*/*.py")), ids=lambda path: path.stem)
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= 400


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


@every_exercise
def test_a_case_can_be_called_as_the_check_does(exercise):
    for number, given in enumerate(exercise.cases, 1):
        copy = case(exercise.id, number)
        np.testing.assert_equal([*copy], [*given])
        arrays = [value for value in given if isinstance(value, np.ndarray)]
        assert not any(np.shares_memory(one, other) for one in arrays for other in copy)


@pytest.mark.parametrize("number", [0, 100, -1, "1", None])
def test_a_case_that_there_is_not_is_refused(number):
    last = len(find("lstm.step").cases)
    with pytest.raises(ValueError, match=f"number must be from 1 to {last}, got {number!r}"):
        case("lstm.step", number)


def test_a_case_that_is_too_long_to_be_shown_can_be_called_again():
    wrong = find("lstm.step").solution

    def only_long_batches(x, h, c, W, U, b, running):
        h, c = wrong(x, h, c, W, U, b, running)
        return h, c + (len(x) > 30)

    message = check("lstm.step", only_long_batches).message
    (program,) = re.findall(r"to repeat += (from .*)\n +(step\(.*\))\n", message)
    scope = {"step": only_long_batches}
    exec("\n".join(program).replace("step(*", "seen = step(*"), scope)
    at, got = re.search(r"at index (\(.*?\)): got (\S+),", " ".join(message.split())).groups()
    assert scope["seen"][1][eval(at)] == pytest.approx(float(got))


def cells_with_a_check(stem):
    """Yield (the exercise's identifier, the code) of each cell that checks one; tags left out."""
    text = (ROOT / "chapters" / f"{stem}.md").read_text(encoding="utf-8")
    cells = re.findall(r"^```\{code-cell\}[^\n]*\n(.*?)^```", text, re.DOTALL | re.MULTILINE)
    for code in cells:
        if found := re.search(r'^check\("([^"]+)"', code, re.MULTILINE):
            yield found[1], re.sub(r"\A(:.*\n)+\n*", "", code)


@pytest.mark.parametrize("stem", chapters())
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
            rf"literalinclude\}} \.\./code/unrolled/exercises/{stem}/{exercise.name}\.py\n"
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
