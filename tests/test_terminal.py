"""What `python -m unrolled` does wherever its words go, each time in a process of its own."""

import os
import subprocess
import sys
from pathlib import Path

import pytest

from unrolled.core.terminal import CLOSED

DIVIDES = "def parameters(window, hidden):\n    σ = 0\n    return 1 / σ\n"
SURROGATE = "def parameters(window, hidden):\n    raise ValueError('\\ud800 \\x1b[2J')\n"


@pytest.fixture
def run(tmp_path):
    """Return a function that runs one command in an empty folder, with some of the environment."""

    def run(*command, shell="", **environment):
        line = [sys.executable, "-m", "unrolled", *command]
        if shell:
            line = ["sh", "-c", shell, "sh", *line]
        done = subprocess.run(
            line, cwd=tmp_path, env={**os.environ, **environment}, capture_output=True
        )
        assert b"Traceback" not in done.stderr + done.stdout
        assert b"Exception ignored" not in done.stderr
        return done

    return run


@pytest.mark.parametrize("encoding", ["utf-8", "cp1252", "ascii"])
@pytest.mark.parametrize("text", [DIVIDES, SURROGATE])
def test_any_encoding_shows_the_verdict(run, tmp_path, encoding, text):
    (tmp_path / "mine.py").write_text(text, encoding="utf-8")
    done = run("check", "windows.parameters", "mine.py", PYTHONIOENCODING=encoding)
    assert done.returncode == 1
    said = done.stdout.decode(encoding)
    assert "windows.parameters: not right yet" in said
    assert "\x1b" not in said


def test_a_name_that_no_encoding_has(run, tmp_path):
    done = run("check", "windows.parameters", os.fsdecode(b"\xff.py"))
    assert done.returncode == 3
    assert b"there is no file" in done.stderr


posix = pytest.mark.skipif(os.name != "posix", reason="these are commands of a Unix shell")


@posix
@pytest.mark.parametrize(
    "command", [["exercises", "--json"], ["evidence", "--list", "windows.cue"]]
)
def test_a_closed_pipe_is_no_error(run, command):
    """The reader is gone before the first word."""
    done = run(*command, shell='{ sleep 0.1; "$@"; echo $? >&2; } | true')
    assert done.stderr.split() == [str(CLOSED).encode()]


@posix
@pytest.mark.parametrize("closed", [">&-", "2>&-", "<&- >&- 2>&-"])
def test_no_output_at_all(run, tmp_path, closed):
    (tmp_path / "mine.py").write_text(DIVIDES, encoding="utf-8")
    done = run("check", "windows.parameters", "mine.py", shell=f'"$@" {closed}')
    assert done.returncode == 1


full = pytest.mark.skipif(
    not Path("/dev/full").exists(), reason="Linux alone has /dev/full, a disk that is full"
)


@full
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize(
    "command",
    [["start", "windows.parameters"], ["--help"], ["evidence", "--list", "windows.cue"]],
)
def test_a_full_disk_is_said(run, command, unbuffered):
    done = run(*command, shell='"$@" > /dev/full', PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 3
    assert done.stderr == b"output: No space left on device\n"


@full
@pytest.mark.parametrize("unbuffered", ["", "1"])
@pytest.mark.parametrize("command", [["start", "windows.parameters"], ["check", "nope.x"]])
def test_two_full_disks_leave_the_status(run, command, unbuffered):
    done = run(*command, shell='"$@" > /dev/full 2> /dev/full', PYTHONUNBUFFERED=unbuffered)
    assert done.returncode == 3


@posix
def test_a_deleted_folder_is_said(run):
    done = run("exercises", shell='mkdir gone && cd gone && rmdir ../gone && "$@"')
    assert done.returncode == 3
    assert done.stderr == b"The current folder has been deleted: go to another one.\n"


@pytest.mark.parametrize("variable", ["", "PYTHONPATH"])
def test_a_readers_file_hides_no_module_from_the_command(run, tmp_path, variable):
    for name in ("argparse", "copy", "json", "numpy", "random", "tempfile"):
        (tmp_path / f"{name}.py").write_text("raise SystemExit('hidden')\n")
    (tmp_path / "mine.py").write_text(DIVIDES, encoding="utf-8")
    path = os.pathsep.join([str(tmp_path), os.environ["PYTHONPATH"]])
    done = run("check", "windows.parameters", "mine.py", **({variable: path} if variable else {}))
    said = " ".join(done.stdout.decode().split())
    assert "ZeroDivisionError" in said
    assert "Your file argparse.py hides Python's module argparse" in said
