"""Calling code that was written to learn from: it may print, hang, exit or write into its inputs.

`call` always comes back, within the time it was given, and says what happened. What the code
returned or raised is looked at inside the call, too, as that may run more of the same code.
"""

from __future__ import annotations

import contextlib
import ctypes
import dis
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
from collections.abc import Callable, Iterator, Sequence
from copy import deepcopy
from dataclasses import dataclass, replace
from itertools import islice
from os import sep
from pathlib import Path
from typing import Any

import numpy as np

from unrolled.exercises.grading import process
from unrolled.exercises.grading.values import Raised, TimeUp, Value, plain, read

PRINTED = 10_000  # characters of output kept: an endless `print` must not fill the memory
PATIENCE = 0.5  # seconds in which a thread that was told to stop is told again
STEP = 0.02  # seconds between two looks at what the thread is doing
IMPORTING = 60.0  # seconds that imports may add: half an import of torch breaks torch for good
INNERMOST = 100  # frames of a thread that runs which are looked at
QUOTED = 68  # characters of a line that are quoted, on a line of their own
EDITED = "<a mistake in "  # in a hunt, what an answer tests

_OURS = str(Path(__file__).parents[2])
_INSTALLED = (sysconfig.get_path(name) for name in ("stdlib", "purelib", "platlib"))
_LIBRARIES = tuple(folder + sep for folder in (_OURS, *_INSTALLED))
_NOT_WRITTEN_BY_HAND = ("<frozen", "<__array_function__")
_RAISE = dis.opmap["RAISE_VARARGS"]

Frame = tuple[types.FrameType, int]


@dataclass(frozen=True)
class Outcome:
    """What one call did: its value or its error, what it printed, which arguments it changed.

    `line` is where in the reader's own code it stopped; `finished` is false when time ran out.
    `seconds` is the time it took, imports not counted. `replaced` are the functions of Python and
    NumPy that it set to something else; they have been put back.
    """

    value: Value = None
    error: Raised | None = None
    line: str = ""
    printed: str = ""
    changed: tuple[int, ...] = ()
    finished: bool = True
    seconds: float = 0.0
    replaced: tuple[str, ...] = ()


class _Printed(io.TextIOBase):
    """A text stream that keeps the beginning of what it is given."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> int:
        self.text += str.__str__(text)[: PRINTED - len(self.text)]
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
    done: list[Outcome] = []
    functions, deepest = process.Functions(*process.SHARED), sys.getrecursionlimit()

    def work() -> None:
        with contextlib.suppress(BaseException):  # TimeUp, and what looking at a value may raise
            done.append(_attempt(function, args, functions.restore))

    worker = threading.Thread(target=work, daemon=True)
    spent, late, line = seconds, True, ""
    replaced: tuple[str, ...] = ()
    with _quiet() as printed, process.limited_recursion():
        worker.start()
        try:
            spent = _wait(worker, seconds)
            if late := worker.is_alive():
                line = _their_line(_innermost(worker)[::-1])
        except Exception:  # waiting needs what it has replaced
            if not (replaced := functions.restore()) and sys.getrecursionlimit() >= deepest:
                raise
        finally:
            replaced = functions.restore() or replaced
            _stop(worker)
    outcome = done[0] if done and not late else Outcome(finished=False, line=line)
    replaced = replaced or outcome.replaced
    return replace(outcome, printed=printed.text, seconds=spent, replaced=replaced)


def trusted(function: Callable[..., Any], args: Sequence[Any]) -> Outcome:
    """Do what `call` does, here and now and without a limit: for code of our own."""
    with _quiet() as printed:
        outcome = _attempt(function, args)
    return replace(outcome, printed=printed.text)


@contextlib.contextmanager
def _quiet() -> Iterator[_Printed]:
    """Keep the beginning of what is printed, and no warnings."""
    printed = _Printed()
    with (
        contextlib.redirect_stdout(printed),
        contextlib.redirect_stderr(_Printed()),
        warnings.catch_warnings(),
    ):
        warnings.simplefilter("ignore")
        yield printed


def _attempt(
    function: Callable[..., Any],
    args: Sequence[Any],
    restore: Callable[[], tuple[str, ...]] = tuple,
) -> Outcome:
    """Call it, put back what it replaced, and look at what it returned, raised or changed."""
    given = deepcopy(tuple(args))
    replaced: tuple[str, ...] = ()
    try:
        with np.errstate(all="ignore"):
            try:
                value = function(*given)
            finally:
                replaced = restore()
            if inspect.iscoroutine(value):
                value.close()  # nobody will await it
            return Outcome(value=read(value), changed=_changed(given, args), replaced=replaced)
    except TimeUp:
        raise
    except BaseException as error:
        traceback.clear_frames(error.__traceback__)  # after a MemoryError there is none to spare
        frames = list(traceback.walk_tb(error.__traceback__))
        raised = Raised.by(error, _unwritten(error, frames))
        return Outcome(error=raised, line=_their_line(frames), replaced=replaced)


def _wait(worker: threading.Thread, seconds: float) -> float:
    """Wait until the thread ends or has used up its time; return the time that it used.

    Imports do not count: the first import of torch may take longer than all else together.
    """
    spent = importing = 0.0
    while worker.is_alive() and spent < seconds and importing < IMPORTING:
        process.shallow()
        began, was_importing = time.monotonic(), _is_importing(worker)
        worker.join(min(STEP, seconds - spent))
        took = time.monotonic() - began
        if was_importing or _is_importing(worker):
            importing += took
        else:
            spent += took
    return spent


def _is_importing(worker: threading.Thread) -> bool:
    frames = _innermost(worker)
    return any(f.f_code.co_filename.startswith("<frozen importlib") for f, _ in frames)


def _stop(worker: threading.Thread) -> None:
    """Raise `TimeUp` in the thread, again and again: one bare `except` swallows only one."""
    until = time.monotonic() + PATIENCE
    while worker.is_alive() and time.monotonic() < until:
        ctypes.pythonapi.PyThreadState_SetAsyncExc(
            ctypes.c_ulong(worker.ident or 0), ctypes.py_object(TimeUp)
        )
        worker.join(0.01)


def _innermost(worker: threading.Thread) -> list[Frame]:
    """Return the frames from where a thread is outwards.

    Not all: walking thousands in a thread that runs on crashes Python 3.11.
    """
    frame = sys._current_frames().get(worker.ident or 0)
    return [*islice(traceback.walk_stack(frame), INNERMOST)] if frame else []


def _their_line(frames: Sequence[Frame]) -> str:
    """Quote the innermost line that the reader wrote, as in ``line 3: `return x```.

    Where it is not in the file in which the call began, its file is named.
    """
    theirs = [(frame.f_code.co_filename, number) for frame, number in frames if _is_theirs(frame)]
    if not theirs:
        return ""
    begun = theirs[0][0]
    file, number = next(t for t in reversed(theirs) if t[0] == begun or not t[0].startswith(EDITED))
    text = plain(linecache.getline(file, number).strip())
    if len(text) > QUOTED:
        text = text[:QUOTED] + " ..."
    of = "" if file == begun or file.startswith("<") else f" of {plain(Path(file).name)}"
    cell = f"{file[1:-1]}, " if file.startswith("<code cell ") else ""
    return f"{cell}line {number}{of}" + (f": `{text}`" if text else "")


def _is_theirs(frame: types.FrameType) -> bool:
    file = frame.f_code.co_filename
    return not (
        file.startswith((*_LIBRARIES, *_NOT_WRITTEN_BY_HAND))
        or "site-packages" in file
        or "dist-packages" in file
    )


def _unwritten(error: BaseException, frames: Sequence[Frame]) -> str:
    """Whether a reader's bare `raise NotImplementedError` is what was met: see `Raised`.

    It is the starter's where nothing stands before it, in the function that was called.
    """
    if type(error) is not NotImplementedError or error.args or not _is_theirs(frames[-1][0]):
        return ""
    last = error.__traceback__
    while last is not None and last.tb_next is not None:
        last = last.tb_next
    code = frames[-1][0].f_code
    if last is None or code.co_code[last.tb_lasti] != _RAISE:
        return ""  # something that is written in C raised it
    begun = [f for f, _ in frames if _is_theirs(f) and f.f_code.co_name != "<module>"]
    lines = {line for _, _, line in code.co_lines() if line}
    first = min(lines - {code.co_firstlineno}, default=code.co_firstlineno)
    return "all" if len(begun) == 1 and frames[-1][1] == first else "a part"


def _changed(given: Sequence[Any], args: Sequence[Any]) -> tuple[int, ...]:
    """List the arguments that are not what they were; what stands in them now may be anything."""
    changed = []
    for i, (after, before) in enumerate(zip(given, args, strict=True)):
        try:
            same = _same(after, before)
        except Exception:
            same = False
        if not same:
            changed.append(i)
    return tuple(changed)


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
