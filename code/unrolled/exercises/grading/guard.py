"""Calling code that was written to learn from: it may print, hang, exit or write into its inputs.

`call` always comes back, within the time it was given, and says what happened.
"""

from __future__ import annotations

import contextlib
import copy
import ctypes
import inspect
import io
import linecache
import sys
import sysconfig
import threading
import time
import traceback
import types
import warnings
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

PRINTED = 10_000  # characters of output kept: an endless `print` must not fill the memory
PATIENCE = 0.5  # seconds in which a thread that was told to stop is told again
STEP = 0.02  # seconds between two looks at what the thread is doing
IMPORTING = 60.0  # seconds that imports may add: half an import of torch breaks torch for good

_OURS = str(Path(__file__).parents[2])
_LIBRARIES = (_OURS, *(sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib")))
_NOT_WRITTEN_BY_HAND = ("<frozen", "<__array_function__")


class TimeUp(BaseException):
    """Raised inside a call that has used up its time."""


@dataclass(frozen=True)
class Outcome:
    """What one call did: its value or its error, what it printed, which arguments it changed.

    `line` is where in the reader's own code it stopped; `finished` is false when time ran out.
    `seconds` is the time it took, imports not counted.
    """

    value: Any = None
    error: BaseException | None = None
    line: str = ""
    printed: str = ""
    changed: tuple[int, ...] = ()
    finished: bool = True
    seconds: float = 0.0


class _Printed(io.TextIOBase):
    """A text stream that keeps the beginning of what it is given."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += text[: PRINTED - len(self.text)]
        return len(text)

    def writable(self) -> bool:
        return True


def call(function: Callable[..., Any], args: Sequence[Any], seconds: float) -> Outcome:
    """Call `function` on deep copies of `args` and report what it did, within `seconds`.

    The call runs in a thread of its own. A thread can be left behind, so this returns on time in
    a notebook, in any thread and on any system, even when the code swallows every exception.
    Only a call that never gives Python's lock back (`10**10**10`) holds it up; the command line
    therefore also has a process to kill.
    """
    given = copy.deepcopy(tuple(args))
    done: list[Outcome] = []

    def work() -> None:
        try:
            with np.errstate(all="ignore"):
                value = function(*given)
            if inspect.iscoroutine(value):
                value.close()  # nobody will await it
            done.append(Outcome(value=value))
        except TimeUp:
            pass
        except BaseException as error:
            traceback.clear_frames(
                error.__traceback__
            )  # after a MemoryError there is none to spare
            line = _their_line(traceback.walk_tb(error.__traceback__))
            done.append(Outcome(error=error.with_traceback(None), line=line))

    worker = threading.Thread(target=work, daemon=True)
    printed, complaints = _Printed(), _Printed()
    stuck_at = None
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(complaints),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        worker.start()
        try:
            spent = _wait(worker, seconds)
            if worker.is_alive():
                stuck_at = _their_line(reversed(_stack(worker)))
        finally:
            _stop(worker)
    if stuck_at is not None:
        return Outcome(finished=False, line=stuck_at, printed=printed.text, seconds=spent)
    pairs = zip(given, args, strict=True)
    changed = tuple(i for i, pair in enumerate(pairs) if not _same(*pair))
    return replace(done[0], printed=printed.text, changed=changed, seconds=spent)


def _wait(worker: threading.Thread, seconds: float) -> float:
    """Wait until the thread ends or has used up its time; return the time that it used.

    Imports do not count: the first import of torch may take longer than all else together.
    """
    spent = importing = 0.0
    while worker.is_alive() and spent < seconds and importing < IMPORTING:
        began, was_importing = time.monotonic(), _is_importing(worker)
        worker.join(min(STEP, seconds - spent))
        took = time.monotonic() - began
        if was_importing or _is_importing(worker):
            importing += took
        else:
            spent += took
    return spent


def _is_importing(worker: threading.Thread) -> bool:
    return any(f.f_code.co_filename.startswith("<frozen importlib") for f, _ in _stack(worker))


def _stop(worker: threading.Thread) -> None:
    """Raise `TimeUp` in the thread, again and again: one bare `except` swallows only one."""
    until = time.monotonic() + PATIENCE
    while worker.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident or 0), ctypes.py_object(TimeUp)
        )
        worker.join(0.01)


def _stack(worker: threading.Thread) -> list[tuple[types.FrameType, int]]:
    frame = sys._current_frames().get(worker.ident or 0)
    return list(traceback.walk_stack(frame)) if frame else []


def _their_line(frames: Iterable[tuple[types.FrameType, int]]) -> str:
    """Quote the innermost line that the reader wrote, as in ``line 3: `return x```."""
    found = ""
    for frame, number in frames:
        file = frame.f_code.co_filename
        if not _is_theirs(file):
            continue
        text = linecache.getline(file, number, frame.f_globals).strip()
        found = f"line {number}: `{text}`" if text else f"line {number}"
    return found


def _is_theirs(file: str) -> bool:
    return not (
        file.startswith((*_LIBRARIES, *_NOT_WRITTEN_BY_HAND))
        or "site-packages" in file
        or "dist-packages" in file
    )


def _same(after: Any, before: Any) -> bool:
    if isinstance(before, np.ndarray):
        return (
            after.dtype == before.dtype
            and after.shape == before.shape
            and np.array_equal(after, before, equal_nan=before.dtype.kind in "fc")
        )
    if isinstance(before, list | tuple):
        return len(after) == len(before) and all(map(_same, after, before))
    return callable(before) or bool(after == before)
