"""Answers in files: starters to write in, and checks that run in a process of their own."""

from __future__ import annotations

import inspect
import json
import os
import re
import signal
import subprocess
import sys
import textwrap
from pathlib import Path

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
    path = path_of(exercise, work)
    if not path.exists():
        return Verdict(
            exercise.id, NOT_WRITTEN, f"Begin with: python -m unrolled start {exercise.id}"
        )
    return check_file(exercise, path)


def check_file(exercise: Exercise, path: Path, seconds: float = SECONDS) -> Verdict:
    """Check the answer in a file, in another process, which is killed when its time is over.

    So nothing that the file does (an endless loop in C, `os._exit`) reaches this process.
    """
    if path.read_text(encoding="utf-8", errors="replace") == _starting_file(exercise):
        return Verdict(exercise.id, NOT_WRITTEN)
    environment = {**os.environ, "OMP_NUM_THREADS": "1"}  # starting many threads takes longer
    environment["PYTHONPATH"] = os.pathsep.join(
        filter(None, (str(_CODE), os.environ.get("PYTHONPATH")))
    )
    child = subprocess.Popen(
        [
            *(sys.executable, "-m", "unrolled.exercises.grading.child"),
            *(exercise.id, str(path), str(seconds)),
        ],
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        env=environment,
        start_new_session=True,
    )
    try:
        said, stderr = child.communicate(timeout=2 * seconds + BACKSTOP)
    except subprocess.TimeoutExpired:
        return Verdict(exercise.id, WRONG, _endless(seconds))
    finally:
        _kill(child)
    try:
        return Verdict(**json.loads(said))
    except (ValueError, TypeError):
        trace = stderr.decode(errors="replace")
        return Verdict(exercise.id, WRONG, _gone(child.returncode, trace, path, seconds))


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
    if child.poll() is not None:
        return
    if hasattr(os, "killpg"):
        os.killpg(child.pid, signal.SIGKILL)  # with whatever it started
    else:
        child.kill()
    child.communicate()
