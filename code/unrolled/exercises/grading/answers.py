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
import time
from pathlib import Path
from typing import IO

from unrolled.exercises.grading.engine import (
    BROKEN,
    NOT_WRITTEN,
    SECONDS,
    WRONG,
    Exercise,
    Verdict,
)
from unrolled.exercises.grading.faults import APOLOGY
from unrolled.exercises.grading.readable import fill
from unrolled.exercises.grading.signatures import without_annotations

BACKSTOP = 90.0  # seconds after which the child is killed, should its own watchdog fail
MOST = 10**6  # bytes that a child may write: a verdict has a thousand

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
    if not path.exists():
        begin = f"Begin with: python -m unrolled start {exercise.id}"
        return Verdict(exercise.id, NOT_WRITTEN, begin)
    try:
        if not path.is_file():
            raise IsADirectoryError(None, "it is no file")
        with path.open("rb") as file:
            text = file.read(MOST)
    except OSError as error:
        return Verdict(exercise.id, WRONG, fill(f"{path} cannot be read: {error.strerror}."))
    if text.replace(b"\r\n", b"\n") == _starting_file(exercise).encode():
        return Verdict(exercise.id, NOT_WRITTEN)
    # Files, not pipes: those end only when every process that the answer leaves behind has.
    with tempfile.TemporaryFile() as report, tempfile.TemporaryFile() as trace:
        child = subprocess.Popen(
            _command(exercise, path.resolve(), seconds),
            stdin=subprocess.DEVNULL,
            stdout=report,
            stderr=trace,
            env=_environment(),
            start_new_session=True,
        )
        try:
            code = _wait(child, 2 * seconds + BACKSTOP, (report, trace))
        finally:
            _kill(child)
        said, traced = _content(report), _content(trace)
    if code is None:
        writes = len(said) >= MOST or len(traced) >= MOST
        return Verdict(exercise.id, WRONG, fill(_FLOOD) if writes else _endless(seconds))
    try:
        return Verdict(**json.loads(said))
    except (ValueError, TypeError):
        return _gone(exercise, code, traced, path.resolve(), seconds)


def _command(exercise: Exercise, path: Path, seconds: float) -> list[str]:
    child = (sys.executable, "-P", "-m", "unrolled.exercises.grading.child")
    return [*child, exercise.id, str(path), str(seconds), os.environ.get("PYTHONPATH", "")]


def _environment() -> dict[str, str]:
    """Let the child find this package, and none of the reader's files in place of Python's.

    Assertions hold in it, as a test is nothing without them.
    """
    mine = {**os.environ, "PYTHONPATH": str(_CODE)}
    mine["OMP_NUM_THREADS"] = "1"  # starting many threads takes longer
    mine.pop("PYTHONOPTIMIZE", None)
    return mine


def _wait(
    child: subprocess.Popen[bytes], seconds: float, outputs: tuple[IO[bytes], ...]
) -> int | None:
    """Wait for the child's exit status; None if it takes too long, or writes too much."""
    until = time.monotonic() + seconds
    while time.monotonic() < until:
        with contextlib.suppress(subprocess.TimeoutExpired):
            return child.wait(0.05)
        if any(os.fstat(output.fileno()).st_size >= MOST for output in outputs):
            return None
    return None


def _content(file: IO[bytes]) -> str:
    file.seek(0)
    return file.read(MOST).decode(errors="replace")


_FLOOD = (
    "It wrote more than a million bytes to files of the checker's, and had to be stopped. Is there "
    "a loop that never ends?"
)


def _gone(exercise: Exercise, code: int, trace: str, path: Path, seconds: float) -> Verdict:
    """Say why the process left no verdict; `trace` is what its watchdog may have written."""
    if "Timeout (" in trace:
        line = re.search(rf'File "{re.escape(str(path))}", line (\d+)', trace)
        why = _endless(seconds, int(line[1]) if line else None)
    elif "Traceback (most recent call last)" in trace:  # before it had come to the answer
        return Verdict(exercise.id, BROKEN, APOLOGY + trace.rstrip())
    elif code < 0:
        names = {int(each): each.name for each in signal.Signals}
        why = f"Python itself was brought down ({names.get(-code, -code)}) by this code."
    else:
        why = "This code ended the Python process before the check was done (`os._exit`?)."
    return Verdict(exercise.id, WRONG, why)


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
