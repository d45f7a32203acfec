import os
import sys
import time

import pytest

from unrolled.exercises import find
from unrolled.exercises.grading import BROKEN, NOT_WRITTEN, PASSED, WRONG, child
from unrolled.exercises.grading.answers import check_file, check_kept, path_of, start, starter

EXERCISE = find("windows.parameters")
RIGHT = "def parameters(window, hidden):\n    return (window + 2) * hidden + 1\n"


@pytest.fixture
def judge(tmp_path):
    """Return a function that checks a file of the given text."""

    def judge(text, seconds=5.0):
        path = tmp_path / "mine.py"
        path.write_text(text, encoding="utf-8")
        return check_file(EXERCISE, path, seconds)

    return judge


def said(verdict):
    assert verdict.status == WRONG
    return " ".join(verdict.message.split())


def test_a_right_file_passes(judge):
    verdict = judge(RIGHT)
    assert verdict.status == PASSED
    assert verdict.message.startswith("Other right answers:")


def test_a_wrong_file_gets_the_same_verdict_as_in_a_notebook(judge):
    verdict = judge("def parameters(window, hidden):\n    return window * hidden\n")
    assert verdict.mistake == "first_layer_only"


@pytest.mark.parametrize(
    ("text", "words"),
    [
        (
            "def parameters(window hidden):\n    pass\n",
            "Python cannot read the file: invalid syntax, line 1.",
        ),
        ("x = 1 / 0\n" + RIGHT, "ZeroDivisionError: division by zero. It stopped at line 1"),
        ("", "must define a function named `parameters`. It defines none."),
        (
            "def params(window, hidden):\n    return 1\n",
            "must define a function named `parameters`. It defines `params`.",
        ),
        (
            "def parameters(window, hidden):\n    return window[0]\n",
            "It stopped at line 2: `return window[0]`, with TypeError",
        ),
        (
            "import os\ndef parameters(window, hidden):\n    os._exit(0)\n",
            "This code ended the Python process",
        ),
        (
            "import os, signal\n"
            "def parameters(window, hidden):\n    os.kill(os.getpid(), signal.SIGSEGV)\n",
            "Python itself was brought down (SIGSEGV)",
        ),
        ("import sys\nsys.exit()\n" + RIGHT, "The file does not run: SystemExit"),
    ],
)
def test_files_that_fail(judge, text, words):
    assert words in said(judge(text))


def test_the_file_is_not_run_as_a_program(judge):
    assert judge(RIGHT + "if __name__ == '__main__':\n    raise SystemExit\n").passed


def test_a_loop_in_python_ends(judge):
    text = "def parameters(window, hidden):\n    while True:\n        pass\n"
    assert "did not finish in 0.5 seconds" in said(judge(text, seconds=0.5))


def test_a_loop_at_the_top_of_the_file_ends(judge):
    assert "not finished in 0.5 seconds" in said(judge("while True: pass\n", seconds=0.5))


def test_a_loop_in_c_is_killed_and_its_line_named(judge):
    text = "def parameters(window, hidden):\n    return 10 ** 10 ** 10\n"
    began = time.monotonic()
    verdict = judge(text, seconds=0.5)
    assert "had to be killed" in said(verdict)
    assert "It was at line 2." in said(verdict)
    assert time.monotonic() - began < 10


def test_an_import_may_take_longer_than_a_call(judge, tmp_path):
    seconds = 0.5
    nap = seconds + child.GRACE + 0.5
    (tmp_path / "slow_to_import.py").write_text(f"import time\ntime.sleep({nap})\n")
    begin = f"import sys\nsys.path.insert(0, {str(tmp_path)!r})\nimport slow_to_import\n"
    assert judge(begin + RIGHT, seconds).passed


def test_torch_can_be_imported(judge):
    assert judge("import torch\n" + RIGHT.replace("return", "return torch.ones(1).item() *")).passed


@pytest.mark.skipif(not hasattr(os, "killpg"), reason="only a group is killed with its children")
def test_a_process_that_it_leaves_behind_is_killed_and_not_waited_for(judge, tmp_path):
    beats = tmp_path / "beats"
    program = (
        "import time\n"
        "for _ in range(600):\n"
        f"    open({str(beats)!r}, 'a').write('.')\n"
        "    time.sleep(0.05)\n"
    )
    text = (
        "import pathlib, subprocess, sys, time\n"
        f"subprocess.Popen([sys.executable, '-c', {program!r}])\n"
        f"while not pathlib.Path({str(beats)!r}).exists():\n    time.sleep(0.01)\n"
    )
    began = time.monotonic()
    assert judge(text + RIGHT).passed
    assert time.monotonic() - began < 20
    counted = beats.stat().st_size
    time.sleep(0.5)
    assert beats.stat().st_size == counted


@pytest.mark.skipif(not hasattr(os, "fork"), reason="there is no fork")
def test_a_fork_that_it_leaves_behind_is_not_waited_for(judge):
    text = "import os, time\nif not os.fork():\n    time.sleep(30)\n    os._exit(0)\n"
    began = time.monotonic()
    assert judge(text + RIGHT).passed
    assert time.monotonic() - began < 20


GROWS = "while True:\n{0}    kept.append(np.empty(2**25))\n"  # 256 MiB, never touched


@pytest.mark.skipif(not sys.platform.startswith("linux"), reason="only Linux keeps to the limit")
@pytest.mark.parametrize(
    "text",
    [
        "import numpy as np\nkept = []\n" + GROWS.format("") + RIGHT,
        "import numpy as np\ndef parameters(window, hidden):\n    kept = []\n    "
        + GROWS.format("    "),
        "import numpy as np\nkept = []\ndef parameters(window, hidden):\n    "
        + GROWS.format("    "),
    ],
    ids=["at the top", "in the call", "kept after the call"],
)
def test_a_list_that_grows_without_end_stops_before_the_machine_does(judge, text):
    message = said(judge(text))
    assert message.startswith("It ran out of memory at line ")
    assert "kept.append" in message


def test_a_checker_that_fails_does_not_blame_the_answer(judge):
    text = "import sys\ndel sys.modules['__main__'].grade\n" + RIGHT
    verdict = judge(text)
    assert verdict.status == BROKEN
    assert "says nothing about your answer" in verdict.message
    assert "NameError" in verdict.message


def test_a_file_that_cannot_be_read(tmp_path):
    path_of(EXERCISE, tmp_path).mkdir(parents=True)
    assert "cannot be read: it is no file" in said(check_kept(EXERCISE, tmp_path))


def test_what_it_prints_never_reaches_the_verdict(judge):
    text = "import os\nos.write(1, b'{}')\nprint('x')\n" + RIGHT
    assert judge(text).passed


def test_it_may_not_ask_questions(judge):
    text = "def parameters(window, hidden):\n    return int(input())\n"
    assert "EOFError" in said(judge(text))


def test_dataclasses_work(judge):
    text = (
        "from __future__ import annotations\nfrom dataclasses import dataclass\n"
        "@dataclass\nclass Layer:\n    inputs: int\n    units: int\n"
    )
    assert judge(text + RIGHT).passed


def test_start_writes_a_starter_once(tmp_path):
    path, written = start(EXERCISE, tmp_path)
    assert written
    assert path == path_of(EXERCISE, tmp_path) == tmp_path / "windows" / "parameters.py"
    assert path.read_text(encoding="utf-8") == f"import numpy as np\n\n\n{starter(EXERCISE)}"
    path.write_text("mine")
    assert start(EXERCISE, tmp_path) == (path, False)
    assert path.read_text() == "mine"


def test_an_untouched_starter_needs_no_process(tmp_path, monkeypatch):
    start(EXERCISE, tmp_path)
    monkeypatch.delattr("subprocess.Popen")
    assert check_kept(EXERCISE, tmp_path).status == NOT_WRITTEN


def test_a_starter_with_notes_is_not_written_either(tmp_path):
    path, _ = start(EXERCISE, tmp_path)
    path.write_text("# my notes\n" + path.read_text(encoding="utf-8"), encoding="utf-8")
    assert check_kept(EXERCISE, tmp_path).status == NOT_WRITTEN


def test_an_absent_answer_is_not_written_and_says_how_to_begin(tmp_path):
    verdict = check_kept(EXERCISE, tmp_path)
    assert verdict.status == NOT_WRITTEN
    assert "python -m unrolled start windows.parameters" in verdict.message
