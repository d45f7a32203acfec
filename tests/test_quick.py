"""What `make quick` runs: the selection on a small tree, and what it asks of pytest."""

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

import quick

FILES = {
    "code/unrolled/__init__.py": "def __getattr__(name):\n    from unrolled import rnn",
    "code/unrolled/rnn.py": "from unrolled.core.validate import whole",
    "code/unrolled/core/validate.py": "",
    "code/unrolled/cells/__init__.py": "from unrolled.cells.lstm import LSTM",
    "code/unrolled/cells/lstm.py": "import math",
    "code/unrolled/__main__.py": "from unrolled import rnn",
    "code/unrolled/exercises/rnn/__init__.py": "ORDER = ('step', 'loop')",
    "code/unrolled/exercises/rnn/_shared.py": "",
    "code/unrolled/exercises/rnn/step.py": "from unrolled.exercises.rnn._shared import x",
    "code/unrolled/exercises/rnn/loop.py": "from unrolled import rnn",
    "code/unrolled/experiments/rnn/echo.py": "from unrolled.cells import LSTM",
    "tools/nb.py": "",
    "tests/mutants.py": "",
    "tests/test_rnn.py": "from unrolled import rnn",
    "tests/test_cells_lstm.py": "from unrolled.cells import LSTM",
    "tests/test___main__.py": "import subprocess",
    "tests/test_exercises.py": "from mutants import mutants",
    "tests/test_claims.py": "",
    "tests/test_step.py": "find('rnn.step')",
    "tests/test_nb.py": "",
    "tests/test_pages.py": 'ROOT / "chapters"',
    "tests/test_site.py": "from unrolled import rnn",
}


@pytest.fixture
def root(tmp_path):
    for name, text in FILES.items():
        (tmp_path / name).parent.mkdir(parents=True, exist_ok=True)
        (tmp_path / name).write_text(text)
    return tmp_path


@pytest.mark.parametrize(
    ("file", "expected"),
    [
        ("code/unrolled/cells/lstm.py", {"cells_lstm": [], "claims": ["rnn.echo"]}),
        ("code/unrolled/rnn.py", {"rnn": [], "__main__": [], "exercises": ["rnn.loop"]}),
        ("code/unrolled/core/validate.py", {"rnn": [], "__main__": [], "exercises": ["rnn.loop"]}),
        ("code/unrolled/exercises/rnn/_shared.py", {"step": [], "exercises": ["rnn.step"]}),
        ("code/unrolled/exercises/rnn/step.py", {"step": [], "exercises": ["rnn.step"]}),
        ("evidence/rnn/echo.json", {"claims": ["rnn.echo"]}),
        ("tools/nb.py", {"nb": []}),
        ("tests/mutants.py", {"exercises": []}),
        ("tests/test_rnn.py", {"rnn": []}),
        ("chapters/rnn.md", {"pages": []}),
        ("LICENSE", {}),
    ],
)
def test_a_change_reaches_the_tests_that_stand_on_it(root, file, expected):
    assert quick.affected({file}, root) == {f"test_{n}.py": ids for n, ids in expected.items()}


def test_what_all_tests_stand_on_reaches_all_but_those_of_the_site(root):
    found = quick.affected({"conftest.py"}, root)
    assert {f"tests/{name}" for name in found} == {
        name for name in FILES if name.startswith("tests/test_") and name != "tests/test_site.py"
    }


def test_its_own_test_comes_first_then_the_narrowest(root):
    (root / "tests" / "test_validate.py").write_text(
        "from unrolled import rnn, cells\nfrom unrolled.core.validate import whole"
    )
    assert list(quick.affected({"code/unrolled/core/validate.py"}, root)) == [
        "test_validate.py",
        "test_rnn.py",
        "test___main__.py",
        "test_exercises.py",
    ]


def test_the_checks_follow_what_changed(monkeypatch):
    monkeypatch.setattr(quick, "affected", lambda files: {"test_a.py": [], "test_b.py": ["x.y"]})
    always = set(quick.ALWAYS) | {"tests"}
    chosen = quick.chosen({"README.md"}, 60)
    assert set(chosen) == always | {"book"}
    assert chosen["tests"].command[-3:] == [
        "--only-ids=test_b.py=x.y",
        "tests/test_a.py",
        "tests/test_b.py",
    ]
    of_code = quick.chosen({"code/unrolled/rnn.py"}, 60)
    assert set(of_code) == always | {"mypy", "records"}
    assert of_code["records"].command[-1] == "--list"  # without it, it would measure for hours
    assert set(quick.chosen({"chapters/rnn.ipynb"}, 60)) == always | {"book", "nbval-rnn"}
    monkeypatch.setattr(quick, "affected", lambda files: {})
    assert set(quick.chosen({"LICENSE"}, 60)) == set(quick.ALWAYS)


@pytest.fixture
def repository(tmp_path):
    def git(*arguments):
        who = ["-c", "user.name=x", "-c", "user.email=x@x"]
        subprocess.run(["git", "-C", tmp_path, *who, *arguments], check=True, capture_output=True)

    git("init", "-q", "-b", "main")
    for name in ("kept", "edited", "gone", "ä b"):
        (tmp_path / name).write_text("old")
    (tmp_path / ".gitignore").write_text("ignored")
    git("add", ".")
    git("commit", "-q", "-m", "first")
    return tmp_path, git


def test_changed_is_edited_deleted_and_untracked(repository):
    root, _ = repository
    for name in ("edited", "ä b", "new", "ignored"):
        (root / name).write_text("new")
    (root / "gone").unlink()
    assert quick.changed("HEAD", root) == {"edited", "gone", "ä b", "new"}


def test_changed_counts_from_where_the_branch_left_its_base(repository):
    root, git = repository
    git("switch", "-q", "-c", "branch")
    (root / "edited").write_text("new")
    git("commit", "-q", "-a", "-m", "mine")
    git("switch", "-q", "main")
    (root / "kept").write_text("new")
    git("commit", "-q", "-a", "-m", "theirs")
    git("switch", "-q", "branch")
    assert quick.changed("main", root) == {"edited"}
    assert quick.changed("HEAD", root) == set()


def test_a_base_that_is_none_is_named(repository):
    with pytest.raises(SystemExit, match=r"git merge-base: .*nowhere"):
        quick.changed("nowhere", repository[0])


CASES = """
import pytest, time

@pytest.mark.parametrize("x", [1, 2], ids=["rnn.step-a", "rnn.loop"])
def test_each(x):
    pass

def test_whole():
    pass
"""


@pytest.mark.parametrize(
    ("options", "said"),
    [
        ([], "6 passed"),
        (["--only-ids=test_a.py=rnn.step,lstm.x"], "5 passed, 1 deselected"),
        (
            ["--only-ids=test_a.py=lstm.x", "--only-ids=test_b.py=rnn.loop"],
            "3 passed, 3 deselected",
        ),
        (["--begin-within=0"], "6 skipped"),
    ],
)
def test_pytest_runs_some_ids_only_and_stops_in_time(tmp_path, options, said):
    for name in ("test_a.py", "test_b.py"):
        (tmp_path / name).write_text(CASES)
    shown = pytest_in(tmp_path, *options)
    assert said in shown.splitlines()[-1], shown


def pytest_in(folder, *options):
    """Run pytest with the hooks of the tests' conftest.py and no plugin that is not named."""
    shutil.copy(Path(__file__).with_name("conftest.py"), folder)
    command = [sys.executable, "-m", "pytest", "-q", "-p", "no:cacheprovider", *options]
    alone = {**os.environ, "PYTEST_DISABLE_PLUGIN_AUTOLOAD": "1"}
    ran = subprocess.run(
        command, cwd=folder, env=alone, capture_output=True, text=True, check=False
    )
    return ran.stdout


def test_what_the_tests_of_a_chapter_cost_is_said(tmp_path):
    (tmp_path / "test_lstm_x.py").write_text("def test_it():\n    sum(range(10**5))\n")
    (tmp_path / "test_a.py").write_text(CASES)
    shown = pytest_in(tmp_path, "-p", "xdist", "-n", "2")
    (line,) = (line for line in shown.splitlines() if line.startswith("Seconds of one core: "))
    assert {"lstm", "rnn", "rest"} <= set(line.replace(",", " ").split())
