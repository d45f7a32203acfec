import json
import os
import subprocess
import sys
import types
from pathlib import Path

import pytest

from unrolled.__main__ import main
from unrolled.core.book import chapters
from unrolled.exercises import of_chapter
from unrolled.exercises.grading import BROKEN, PASSED, Verdict

RIGHT = "def parameters(window, hidden):\n    return (window + 2) * hidden + 1\n"
WRONG = "def parameters(window, hidden):\n    return window * hidden\n"


@pytest.fixture(autouse=True)
def _in_an_empty_folder(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)


@pytest.mark.parametrize(
    ("text", "status", "said"),
    [
        (RIGHT, 0, "windows.parameters: passed"),
        (WRONG, 1, "weights of the first layer only"),
        ("def parameters(w, h):\n    raise NotImplementedError\n", 2, "not written yet"),
    ],
)
def test_check_a_file(tmp_path, capsys, text, status, said):
    (tmp_path / "mine.py").write_text(text)
    assert main(["check", "windows.parameters", "mine.py"]) == status
    assert said in capsys.readouterr().out


def test_start_then_check_a_chapter(tmp_path, capsys):
    assert main(["start", "windows"]) == 0
    assert capsys.readouterr().out.count("written") == len(of_chapter("windows"))
    assert main(["start", "windows.parameters"]) == 0
    assert "already there, left as it is" in capsys.readouterr().out

    assert main(["check", "windows"]) == 2
    (tmp_path / "work/windows/parameters.py").write_text(RIGHT)
    assert main(["check", "windows.parameters"]) == 0
    (tmp_path / "work/windows/iterate.py").write_text("iterate = 3")
    capsys.readouterr()
    assert main(["check", "windows"]) == 1
    headlines = [line for line in capsys.readouterr().out.splitlines() if line[:1].strip()]
    assert len(headlines) == len(of_chapter("windows"))
    assert "windows.parameters: passed" in headlines


def test_progress(tmp_path, capsys):
    main(["start", "windows.parameters", "--work", "here"])
    (tmp_path / "here/windows/iterate.py").write_text("def iterate(): pass")
    (tmp_path / "here/windows/parameters.py").write_text(RIGHT)
    capsys.readouterr()
    assert main(["exercises", "--work", "here"]) == 0
    lines = capsys.readouterr().out.splitlines()
    total = len(of_chapter("windows"))
    assert lines[0].startswith("windows  [###")
    assert lines[0].endswith(f"  1 of {total}")
    status = dict(line.split(maxsplit=1) for line in lines[1:])
    assert status["windows.parameters"] == "passed"
    assert status["windows.iterate"] == "not right yet"
    assert status["windows.lag_matrix"] == "not started"
    assert {path.name for path in tmp_path.rglob("*") if path.is_file()} == {
        "iterate.py",
        "parameters.py",
    }


def test_progress_stands_in_columns(capsys):
    assert main(["exercises"]) == 0
    begins = {}
    for line in capsys.readouterr().out.splitlines():
        if line.startswith("  "):
            name = line.split()[0]
            begins.setdefault(name.split(".")[0], set()).add(line.index(" not started"))
    assert begins.keys() == set(filter(of_chapter, chapters()))
    assert all(len(columns) == 1 for columns in begins.values())


def test_a_chapter_may_have_no_exercises_yet(monkeypatch, capsys):
    monkeypatch.setattr(
        "unrolled.__main__.of_chapter", lambda stem: () if stem == "rnn" else of_chapter(stem)
    )
    for command in ("start", "check"):
        assert main([command, "rnn"]) == 3
        assert "the chapter rnn has none yet" in capsys.readouterr().err
    assert main(["exercises"]) == 0
    assert "rnn" not in capsys.readouterr().out


@pytest.mark.parametrize(
    ("kind", "fence"),
    [("exercise", "```{code-cell} ipython3\ndef half_life("), ("claim", "```{evidence} lstm.half")],
)
def test_new_prints_what_to_paste_into_the_chapter(monkeypatch, capsys, kind, fence):
    monkeypatch.setattr("unrolled.authoring.new", lambda kind, name: Path("there.py"))
    assert main(["new", kind, "lstm.half_life"]) == 0
    said = capsys.readouterr().out
    assert said.startswith("there.py: written")
    assert fence in said
    assert said.count("```") % 2 == 0


def test_new_says_why_it_wrote_nothing(capsys):
    assert main(["new", "exercise", "lstm.half_life"]) == 3
    assert "name must be new, got 'lstm.half_life'" in capsys.readouterr().err


def test_json_for_teachers(tmp_path, capsys):
    (tmp_path / "mine.py").write_text(WRONG)
    assert main(["check", "windows.parameters", "mine.py", "--json"]) == 1
    (verdict,) = json.loads(capsys.readouterr().out)
    assert verdict["exercise"] == "windows.parameters"
    assert verdict["status"] == "wrong"
    assert verdict["mistake"] == "first_layer_only"

    assert main(["exercises", "--json"]) == 0
    verdicts = json.loads(capsys.readouterr().out)
    assert [v["exercise"] for v in verdicts] == [e.id for c in chapters() for e in of_chapter(c)]


@pytest.mark.parametrize(
    ("argv", "said"),
    [
        (["check", "windows.lag_matrx"], "did you mean windows.lag_matrix?"),
        (["check", "windows.parameters", "no.py"], "there is no file no.py"),
        (["check", "windows", "mine.py"], "target must be one exercise when a file is given"),
        (["start", "doors"], "there is no exercise 'doors'"),
    ],
)
def test_bad_usage_is_explained(tmp_path, capsys, argv, said):
    (tmp_path / "mine.py").write_text(RIGHT)
    assert main(argv) == 3
    captured = capsys.readouterr()
    assert said in captured.err
    assert captured.out == ""


@pytest.mark.parametrize("argv", [[], ["verify", "windows"], ["exercises", "--jsn"], ["check"]])
def test_argparse_refuses(argv, capsys):
    with pytest.raises(SystemExit) as stopped:
        main(argv)
    assert stopped.value.code == 3
    assert "usage: python -m unrolled" in capsys.readouterr().err


def test_help_lists_what_check_returns(capsys):
    with pytest.raises(SystemExit) as stopped:
        main(["--help"])
    assert stopped.value.code == 0
    said = " ".join(capsys.readouterr().out.split())
    listed = "0 passed, 1 wrong, 2 not written yet, 3 bad usage, 4 the check itself failed"
    assert f"{listed}; of evidence: 0 done, 1 an experiment crashed, 3 as above" in said


def test_a_folder_that_cannot_be_written_is_named(tmp_path, capsys):
    (tmp_path / "taken").write_text("")
    assert main(["start", "windows.parameters", "--work", "taken"]) == 3
    said = capsys.readouterr().err
    assert said.startswith(f"--work: cannot write {Path('taken/windows/parameters.py')}: ")
    assert "[Errno" not in said


@pytest.mark.parametrize("error", [ValueError, OSError])
def test_a_bug_of_ours_shows_its_traceback(monkeypatch, error):
    def check_kept(exercise, work):
        raise error("ours")

    monkeypatch.setattr("unrolled.__main__.check_kept", check_kept)
    with pytest.raises(error, match="ours"):
        main(["check", "windows.parameters"])


def test_a_check_that_failed_has_a_status_of_its_own(monkeypatch, capsys):
    statuses = {"windows.parameters": BROKEN, "windows.iterate": "wrong"}

    def check_kept(exercise, work):
        return Verdict(exercise.id, statuses.get(exercise.id, PASSED))

    monkeypatch.setattr("unrolled.__main__.check_kept", check_kept)
    assert main(["check", "windows"]) == 4
    assert "windows.parameters: the check itself failed" in capsys.readouterr().out
    assert main(["exercises"]) == 0


def test_evidence_is_handed_on(monkeypatch):
    seen = []
    ledger = types.ModuleType("unrolled.experiments.ledger")
    ledger.main = lambda argv: seen.append(argv) or 7
    monkeypatch.setitem(sys.modules, "unrolled.experiments.ledger", ledger)
    monkeypatch.setattr("unrolled.experiments.ledger", ledger, raising=False)
    assert main(["evidence", "windows.wall", "--scale", "quick", "--force"]) == 7
    assert seen == [["windows.wall", "--scale", "quick", "--force"]]


def _python(*arguments):
    run = subprocess.run([sys.executable, *arguments], capture_output=True, text=True)
    return run.returncode, run.stdout, run.stderr


def test_files_named_as_pythons_modules_stop_no_command(tmp_path):
    """All but those that Python imports on its way to any module that is started with -m."""
    (tmp_path / "bare.py").write_text("import sys\nprint(*sys.modules)\n")
    imported = _python("-m", "bare")[1].split()
    names = {*sys.stdlib_module_names, "numpy", "torch", "tqdm"} - {*imported}
    assert {"typing", "re", "enum", "random", "__future__", "argparse"} <= names
    for name in names:
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "mine.py").write_text(RIGHT)
    status, out, err = _python("-m", "unrolled", "check", "windows.parameters", "mine.py")
    assert (status, err) == (0, "")
    assert "hides Python's module" in out
    status, out, err = _python("-m", "unrolled", "--help")
    assert (status, err) == (0, "")


def test_nothing_is_hidden_where_python_is_started_safely(tmp_path):
    (tmp_path / "types.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "mine.py").write_text(RIGHT)
    status, out, _ = _python("-P", "-m", "unrolled", "check", "windows.parameters", "mine.py")
    assert status == 0
    assert "Your file types.py hides Python's module types" in " ".join(out.split())


@pytest.mark.skipif(not hasattr(os, "wait4"), reason="a child's processor time is read by wait4")
def test_the_shell_answers_within_two_seconds(tmp_path):
    """Two seconds of processor time, the grading process included: a busy machine is no excuse."""
    (tmp_path / "mine.py").write_text(WRONG)
    command = [sys.executable, "-m", "unrolled", "check", "windows.parameters", "mine.py"]
    child = subprocess.Popen(command, stdout=subprocess.PIPE)
    assert b"first layer" in child.stdout.read()
    child.stdout.close()
    _, _, used = os.wait4(child.pid, 0)
    child.returncode = 1  # it has been waited for
    assert used.ru_utime + used.ru_stime < 2.0
