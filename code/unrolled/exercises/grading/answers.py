"""Answers in files: starters to write in, and checks that run in a process of their own."""

from __future__ import annotations

import contextlib
import inspect
import json
import os
import re
import signal
import subprocess
import sys
import tempfile
import textwrap
from pathlib import Path
from typing import IO

from unrolled.exercises.grading.engine import (
    NOT_WRITTEN,
    SECONDS,
    WRONG,
    Exercise,
    Verdict,
    without_annotations,
)
from unrolled.exercises.grading.readable import fill

BACKSTOP = 90.0  # seconds after which the child is killed, should its own watchdog fail

_CODE = Path(__file__).parents[3]


def starter(exercise: Exercise) -> str:
    """Write the function that the reader starts from: the solution's name, signature and prompt."""
    signature = without_annotations(inspect.signature(exercise.solution))
    quotes = 'r"""' if "\\" in exercise.prompt else '"""'
    end = "\n" if "\n" in exercise.prompt else ""
    prompt = f'{quotes}{exercise.prompt}{end}"""'
    body = f"{prompt}\nraise NotImplementedError"
    return f"def {exercise.name}{signature}:\n{textwrap.indent(body, '    ')}\n"


def cell(exercise: Exercise) -> str:
    """Write the notebook cell in which a chapter sets the exercise: the starter and its check."""
    return f'{starter(exercise)}\n\ncheck("{exercise.id}", {exercise.name})\n'


def _starting_file(exercise: Exercise) -> str:
    return f"import numpy as np\n\n\n{starter(exercise)}"


def path_of(exercise: Exercise, work: Path) -> Path:
    """Say where in the reader's folder the answer to an exercise is kept."""
    stem, name = exercise.id.split(".")
    return work / stem / f"{name}.py"


def start(exercise: Exercise, work: Path) -> tuple[Path, bool]:
    """Write the starter to the reader's folder; return its path, and False if it was there."""
    path = path_of(exercise, work)
    path.parent.mkdir(parents=True, exist_ok=True)
    try:
        with path.open("x", encoding="utf-8") as file:
            file.write(_starting_file(exercise))
    except FileExistsError:
        return path, False
    return path, True


def check_kept(exercise: Exercise, work: Path) -> Verdict:
    """Check the answer in the reader's folder; one that is absent is not written yet."""
    return check_file(exercise, path_of(exercise, work))


def check_file(exercise: Exercise, path: Path, seconds: float = SECONDS) -> Verdict:
    """Check the answer in a file, in another process, which is killed when its time is over.

    So nothing that the file does (an endless loop in C, `os._exit`) reaches this process.
    """
    try:
        text = path.read_text(encoding="utf-8", errors="replace")
    except FileNotFoundError:
        return Verdict(
            exercise.id, NOT_WRITTEN, f"Begin with: python -m unrolled start {exercise.id}"
        )
    except OSError as error:
        return Verdict(exercise.id, WRONG, f"{path} cannot be read: {error.strerror}.")
    if text == _starting_file(exercise):
        return Verdict(exercise.id, NOT_WRITTEN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # starting many threads takes longer
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(_CODE), os.environ.get("PYTHONPATH")))
    )
    command = [
        *(sys.executable, "-m", "unrolled.exercises.grading.child"),
        *(exercise.id, str(path), str(seconds)),
    ]
    # Files, not pipes: those end only when every process that the answer leaves behind has.
    with tempfile.TemporaryFile() as report, tempfile.TemporaryFile() as trace:
        child = subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=report,
            stderr=trace,
            env=environment,
            start_new_session=True,
        )
        try:
            code = child.wait(2 * seconds + BACKSTOP)
        except subprocess.TimeoutExpired:
            return Verdict(exercise.id, WRONG, _endless(seconds))
        finally:
            _kill(child)
        said, traced = _content(report), _content(trace)
    try:
        return Verdict(**json.loads(said))
    except (ValueError, TypeError):
        return Verdict(exercise.id, WRONG, _gone(code, traced, path, seconds))


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read().decode(errors="replace")


def _gone(code: int, trace: str, path: Path, seconds: float) -> str:
    """Say why the process left no verdict; `trace` is what its watchdog may have written."""
    if "Timeout (" in trace:
        line = re.search(rf'File "{re.escape(str(path))}", line (\d+)', trace)
        return _endless(seconds, int(line[1]) if line else None)
    if code < 0:
        return f"Python itself was brought down ({signal.Signals(-code).name}) by this code."
    return "This code ended the Python process before the check was done (`os._exit`?)."


def _endless(seconds: float, line: int | None = None) -> str:
    where = f" It was at line {line}." if line else ""
    return fill(
        f"It did not finish in {seconds:g} seconds and had to be killed. Is there a loop that "
        f"never ends, or a number that grows without bound?{where}"
    )


def _kill(child: subprocess.Popen[bytes]) -> None:
    """Kill the process and whatever it started, which may outlive it."""
    if hasattr(os, "killpg"):
        # No process is left, or, as macOS says it, none that could be killed.
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    else:
        child.kill()
    child.wait()
