import json
import os
import sys
import time

import pytest

from unrolled.exercises import find
from unrolled.exercises.grading import BROKEN, NOT_WRITTEN, PASSED, WRONG, child
from unrolled.exercises.grading.answers import check_file, check_kept, path_of, start, starter

EXERCISE = find("windows.parameters")
HUNT = find("windows.catches_leak")
RIGHT = "def parameters(window, hidden):\n    return (window + 2) * hidden + 1\n"
WRONG_ONE = "def parameters(window, hidden):\n    return window * hidden\n"


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
    assert max(map(len, repr(verdict).splitlines())) <= 80, verdict
    return " ".join(verdict.message.split())


def test_a_right_file_passes(judge):
    verdict = judge(RIGHT)
    assert verdict.status == PASSED
    assert verdict.message.startswith("Other right answers:")


def test_a_wrong_file_gets_the_same_verdict_as_in_a_notebook(judge):
    verdict = judge(WRONG_ONE)
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


@pytest.mark.parametrize(
    "function",
    [
        "import sys\n    sys.setrecursionlimit(10**9)\n    return parameters(window, hidden)",
        "import os\n    while True:\n        os.write(2, b'x' * 10**5)",
        "import os\n    while True:\n        os.write(1, b'x' * 10**5)",
        "return Endless()",
        "raise EndlessError",
    ],
    ids=["recursion", "descriptor 2", "descriptor 1", "iteration", "message"],
)
def test_what_never_ends_is_stopped_soon(judge, function):
    text = (
        "class Endless:\n    def __array__(self, *_):\n        while True: pass\n"
        "class EndlessError(Exception):\n    def __str__(self):\n        while True: pass\n"
        f"def parameters(window, hidden):\n    {function}\n"
    )
    began = time.monotonic()
    message = said(judge(text, seconds=1.0))
    assert "did not finish" in message or "too deep" in message
    assert time.monotonic() - began < 20


def test_a_flood_into_the_checkers_own_files_is_stopped_soon(judge):
    """Even one that holds on to Python's lock, into whatever the process has open."""
    text = (
        "import os\n"
        "def parameters(window, hidden):\n"
        "    while True:\n"
        "        for file in range(3, 20):\n"
        "            try:\n                os.write(file, b'x' * 10**5)\n"
        "            except BaseException:\n                pass\n"
    )
    assert "more than a million bytes" in said(judge(text, seconds=4.0))


def test_a_neighbour_can_be_imported_from_wherever_it_is_checked(judge, tmp_path, monkeypatch):
    (tmp_path / "elsewhere").mkdir()
    (tmp_path / "neighbour.py").write_text("def count(w, h):\n    return (w + 2) * h + 1\n")
    monkeypatch.chdir(tmp_path / "elsewhere")
    text = "from neighbour import count\ndef parameters(w, h):\n    return count(w, h)\n"
    assert judge(text).passed


def test_a_neighbour_that_is_not_written_is_named(judge, tmp_path):
    starter = "def step(x):\n    raise NotImplementedError\n"
    (tmp_path / "neighbour.py").write_text(starter)
    text = "from neighbour import step\ndef parameters(w, h):\n    return step(w)\n"
    assert "line 2 of neighbour.py still says `raise NotImplementedError`" in said(judge(text))


def test_a_folder_beside_it_that_hides_a_module_is_named(judge, tmp_path):
    (tmp_path / "copy").mkdir()  # one without an __init__.py hides nothing
    (tmp_path / "random").mkdir()
    (tmp_path / "random/__init__.py").write_text("")
    assert "Your folder random hides Python's module random" in judge(RIGHT).message


@pytest.mark.parametrize("right", [True, False])
def test_files_beside_it_hide_nothing_and_are_named(judge, tmp_path, right):
    for name in ("copy", "random", "json", "numpy", "torch", "unrolled", "dataclasses"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')\n")
    verdict = judge("import numpy as np\nimport random\n" + (RIGHT if right else WRONG_ONE))
    assert verdict.passed is right
    assert max(map(len, repr(verdict).splitlines())) <= 80
    assert "Your file copy.py hides Python's module copy" in verdict.message


def test_a_signature_is_read_as_python_reads_it(judge):
    text = RIGHT.replace("window, hidden", "window: Series, hidden")
    verdict = judge(text)
    if sys.version_info >= (3, 14):  # nobody asks what an annotation stands for
        assert verdict.passed
    else:
        assert "NameError: name 'Series' is not defined" in said(verdict)
    assert judge(f"from __future__ import annotations\n{text}").passed


def test_assertions_hold_whatever_the_flag(tmp_path, monkeypatch):
    monkeypatch.setenv("PYTHONOPTIMIZE", "2")
    path = tmp_path / "test.py"
    path.write_text("def catches_leak(split_and_scale): pass\n")
    assert "lets a buggy implementation through" in said(check_file(HUNT, path))


def test_a_notebook_can_be_checked(tmp_path):
    wrong = {"cell_type": "code", "source": WRONG_ONE}
    cells = [wrong, {"cell_type": "code", "source": ["%pylab\n", "2 / 0\n", RIGHT]}]
    path = tmp_path / "answers.ipynb"
    path.write_text(json.dumps({"cells": cells}))
    verdict = check_file(EXERCISE, path)
    assert verdict.passed
    assert "(Code cells 1 and 2 define `parameters`; the last was checked.)" in verdict.message
    stops = RIGHT.replace("window + 2", "window[0]")
    path.write_text(json.dumps({"cells": [{"cell_type": "code", "source": stops}]}))
    assert "stopped at code cell 1, line 2: `return (window[0])" in said(check_file(EXERCISE, path))


@pytest.mark.parametrize(
    ("data", "words"),
    [
        (RIGHT.encode("utf-16"), "is in UTF-16"),
        (b"# \xe4\n" + RIGHT.encode(), "not in UTF-8, see line 1"),
        (
            b"%matplotlib inline\n" + RIGHT.encode(),
            "line 1, `%matplotlib inline`, is for notebooks",
        ),
        (b"import numpy as np\nnp.where = None\n" + RIGHT.encode(), "replaces `numpy.where`"),
        (f"x = [{'1, ' * 24}\n".encode(), "never closed, line 1"),
        (f"x = [{'1, ' * 200}\n".encode(), "never closed, line 1"),
        (b"raise SyntaxError\n", "The file does not run: SyntaxError"),
    ],
)
def test_files_that_are_something_else(tmp_path, data, words):
    path = tmp_path / "mine.py"
    path.write_bytes(data)
    assert words in said(check_file(EXERCISE, path))


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
