"""The process in which `answers.check_file` has a file graded; it writes the verdict as JSON."""

from __future__ import annotations

import contextlib
import dataclasses
import faulthandler
import inspect
import json
import os
import sys
import threading
import time
import traceback
import types
from collections.abc import Iterator
from pathlib import Path

from unrolled.exercises import find
from unrolled.exercises.grading.engine import (
    BROKEN,
    NOT_WRITTEN,
    WRONG,
    Exercise,
    Verdict,
    grade,
    out_of_memory,
)
from unrolled.exercises.grading.guard import call
from unrolled.exercises.grading.readable import fill, said_by

GRACE = 2.0  # seconds beyond its time limit that a call may keep all other threads waiting
MEMORY = 4 * 2**30  # bytes that the process may use
STDERR = 2  # `sys.stderr` is redirected during a call


def main(exercise_id: str, path: str, seconds: str) -> None:
    """Grade the file at `path`, and leave without waiting for a thread that would not stop."""
    threading.Thread(target=_watch, args=(float(seconds) + GRACE,), daemon=True).start()
    report = os.dup(1)
    os.dup2(os.open(os.devnull, os.O_WRONLY), 1)  # only the verdict may reach the parent
    try:
        with _limited_memory():
            verdict = grade_file(find(exercise_id), Path(path), float(seconds))
    except MemoryError:  # what the answer keeps leaves too little to grade it
        verdict = Verdict(exercise_id, WRONG, out_of_memory())
    except Exception:
        verdict = Verdict(exercise_id, BROKEN, _APOLOGY + traceback.format_exc().rstrip())
    os.write(report, json.dumps(dataclasses.asdict(verdict)).encode())
    os._exit(0)


def _watch(limit: float) -> None:
    """End the process once this thread has had no turn for `limit` seconds.

    A loop inside C keeps Python's lock, so that no Python code can stop it. The watchdog of
    `faulthandler` needs no lock; while all is well, it is put off again and again.
    """
    while True:
        with contextlib.suppress(RuntimeError, MemoryError):  # no memory left to start it with
            faulthandler.dump_traceback_later(limit, exit=True, file=STDERR)
        time.sleep(0.2)


@contextlib.contextmanager
def _limited_memory() -> Iterator[None]:
    """Make a list that grows without end raise MemoryError before it fills the machine.

    The limit is on memory that can be written to (RLIMIT_DATA): one on addresses (RLIMIT_AS)
    would count the libraries of torch and what CUDA reserves, gigabytes that are never used.
    """
    try:
        import resource
    except ImportError:  # there is none on Windows
        yield
        return
    before = resource.getrlimit(resource.RLIMIT_DATA)
    limits = [MEMORY, *(limit for limit in before if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


_APOLOGY = """\
This says nothing about your answer: the mistake is in the checker. Please report it, together
with your file and these lines.

"""


def grade_file(exercise: Exercise, path: Path, seconds: float) -> Verdict:
    """Run a file and grade the function in it that has the exercise's name."""
    module = types.ModuleType("answer")
    module.__file__ = str(path)
    sys.modules["answer"] = module  # where dataclasses and pickle look for it

    def load() -> None:
        exec(compile(path.read_bytes(), str(path), "exec"), module.__dict__)

    outcome = call(load, (), seconds)
    if isinstance(outcome.error, SyntaxError):
        return Verdict(exercise.id, WRONG, _not_python(outcome.error))
    if isinstance(outcome.error, NotImplementedError):
        return Verdict(exercise.id, NOT_WRITTEN)
    if isinstance(outcome.error, MemoryError):
        return Verdict(exercise.id, WRONG, out_of_memory(outcome.line))
    if not outcome.finished or outcome.error:
        at = f" It stopped at {outcome.line}." if outcome.line else ""
        why = said_by(outcome.error) if outcome.error else f"not finished in {seconds:g} seconds"
        return Verdict(exercise.id, WRONG, fill(f"The file does not run: {why}.{at}"))
    if exercise.name not in vars(module):
        return Verdict(exercise.id, WRONG, _absent(exercise, module))
    return grade(exercise, vars(module)[exercise.name], seconds)


def _not_python(error: SyntaxError) -> str:
    text = (error.text or "").rstrip()
    caret = " " * max((error.offset or 1) - 1, 0) + "^"
    shown = f"\n\n{text}\n{caret}" if text else ""
    return f"Python cannot read the file: {error.msg}, line {error.lineno}.{shown}"


def _absent(exercise: Exercise, module: types.ModuleType) -> str:
    mine = [
        name
        for name, value in vars(module).items()
        if inspect.isfunction(value) and value.__module__ == "answer"
    ]
    has = f"It defines {', '.join(f'`{name}`' for name in mine)}." if mine else "It defines none."
    return fill(f"The file must define a function named `{exercise.name}`. {has}")


if __name__ == "__main__":
    main(*sys.argv[1:])
