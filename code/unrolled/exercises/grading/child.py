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
from pathlib import Path

from unrolled.exercises import find
from unrolled.exercises.grading import faults, process
from unrolled.exercises.grading.engine import (
    BROKEN,
    NOT_WRITTEN,
    WRONG,
    Exercise,
    Verdict,
    grade,
)
from unrolled.exercises.grading.files import Code, Unreadable, code_of, explained, hiding
from unrolled.exercises.grading.guard import Outcome, call
from unrolled.exercises.grading.readable import fill

GRACE = 2.0  # seconds beyond its time limit that a call may keep all other threads waiting


def main(exercise_id: str, path: str, seconds: str, python_path: str) -> None:
    """Grade the file at `path`, and leave without waiting for a thread that would not stop.

    The reader's own folders, those of `python_path` and that of the file, are searched for modules
    after all others: what lies there can be imported, and hides nothing.
    """
    report, trace = os.dup(1), os.dup(2)
    for standard in (1, 2):  # only the verdict may reach the parent
        os.dup2(os.open(os.devnull, os.O_WRONLY), standard)
    threading.Thread(target=_watch, args=(float(seconds) + GRACE, trace), daemon=True).start()
    own = [each for each in python_path.split(os.pathsep) if each]
    sys.path += [*own, str(Path(path).parent)]
    os.environ["PYTHONPATH"] = os.pathsep.join([os.environ.get("PYTHONPATH", ""), *own])
    try:
        with process.limited_memory():
            verdict = grade_file(find(exercise_id), Path(path), float(seconds))
    except MemoryError:  # what the answer keeps leaves too little to grade it
        verdict = Verdict(exercise_id, WRONG, faults.out_of_memory())
    except Exception:
        verdict = Verdict(exercise_id, BROKEN, faults.APOLOGY + traceback.format_exc().rstrip())
    os.write(report, json.dumps(dataclasses.asdict(verdict)).encode())
    os._exit(0)


def _watch(limit: float, trace: int) -> None:
    """End the process once this thread has had no turn for `limit` seconds.

    A loop inside C keeps Python's lock, so that no Python code can stop it. The watchdog of
    `faulthandler` needs no lock; while all is well, it is put off again and again.
    """
    while True:
        with contextlib.suppress(RuntimeError, MemoryError):  # no memory left to start it with
            faulthandler.dump_traceback_later(limit, exit=True, file=trace)
        time.sleep(0.2)


def grade_file(exercise: Exercise, path: Path, seconds: float) -> Verdict:
    """Run a file and grade the function in it that has the exercise's name."""
    try:
        code = code_of(path, exercise.name)
        verdict = _graded(exercise, code, path, seconds)
    except Unreadable as error:
        return Verdict(exercise.id, WRONG, _set(str(error)))
    folders = [path.parent, Path.cwd(), *map(Path, os.environ["PYTHONPATH"].split(os.pathsep))]
    notes = "\n\n".join(filter(None, map(fill, (code.note, hiding(folders)))))
    message = "\n\n".join(filter(None, (verdict.message, notes)))
    if verdict.passed and notes and message.count("\n") >= faults.LINES:
        message = notes  # without other right answers
    return dataclasses.replace(verdict, message=message)


def _set(said: str) -> str:
    """Fill what is said; lines of the reader's own may follow it, after an empty one."""
    sentences, _, quoted = said.partition("\n\n")
    return "\n\n".join(filter(None, (fill(sentences), quoted)))


def _graded(exercise: Exercise, code: Code, path: Path, seconds: float) -> Verdict:
    module = types.ModuleType("answer")
    module.__file__ = str(path)
    sys.modules["answer"] = module  # where dataclasses and pickle look for it
    complaints: list[str] = []

    def load() -> None:
        for file, piece in code.pieces:
            try:
                compiled = compile(piece, file, "exec", dont_inherit=True, optimize=0)
            except SyntaxError as error:
                complaints.append(explained(error))
                return
            exec(compiled, module.__dict__)
        if exercise.name not in module.__dict__:
            complaints.append(_absent(exercise, module))

    outcome = call(load, (), seconds)
    if complaint := "".join(complaints) or _does_not_run(outcome, seconds):
        return Verdict(exercise.id, WRONG, _set(complaint))
    if outcome.error:
        return Verdict(exercise.id, NOT_WRITTEN)
    return grade(exercise, module.__dict__[exercise.name], seconds)


def _does_not_run(outcome: Outcome, seconds: float) -> str:
    """Say why a file does not run to its end, unless it meets the starter's own last line."""
    if complaint := faults.unfit(outcome):
        return complaint
    at = f" It stopped at {outcome.line}." if outcome.line else ""
    if not outcome.finished:
        return fill(f"The file does not run: not finished in {seconds:g} seconds.{at}")
    if outcome.error and outcome.error.unwritten != "all":
        return fill(f"The file does not run: {outcome.error.says}.{at}")
    return ""


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
