"""Where trials run: here, in processes of this machine, or on the workers of a Dask cluster.

The processes are not Pebble's. A pool of Pebble 5.2 breaks as a whole when a worker dies that has
nothing to do, and its workers compute on when the driver is killed.
"""

from __future__ import annotations

import json
import os
import pickle
import signal
import threading
import time
import traceback
from collections import Counter, deque
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import BrokenExecutor, CancelledError, Executor, Future, ProcessPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from functools import partial
from math import inf
from multiprocessing import get_context
from multiprocessing.connection import Connection
from queue import SimpleQueue
from typing import Any, NamedTuple

import numpy as np

from unrolled.search.space import Settings
from unrolled.search.store import DONE, FAILED, LOST, Trial

Objective = Callable[..., Any]

_MOST_ERROR, _MOST_RESULT = 20_000, 100_000_000  # characters that are kept


class Outcome(NamedTuple):
    """How a trial ended: ``text`` is the result as JSON, or what went wrong."""

    status: str
    text: str
    seconds: float | None = None


@dataclass(frozen=True)
class Crew:
    """Who runs trials.

    Parameters
    ----------
    executor
        Takes trials, by the standard interface.
    width
        How many it is given at a time.
    lost
        The errors that say that a worker died under a trial.
    check
        Raises an error if there is nobody left to run anything.
    """

    executor: Executor
    width: float
    lost: tuple[type[Exception], ...]
    check: Callable[[], None]


@contextmanager
def local_crew(workers: int) -> Iterator[Crew]:
    """Start processes of this machine."""
    with _one_thread_each(), _Processes() as executor:
        yield Crew(executor, workers, (BrokenExecutor,), lambda: None)


@contextmanager
def inline_crew() -> Iterator[Crew]:
    """Run trials in this thread, one after the other."""
    yield Crew(_Here(), 1, (), lambda: None)


@contextmanager
def dask_crew(scheduler: str) -> Iterator[Crew]:
    """Connect to a Dask scheduler.

    It is given all trials at once, for it knows how many workers it has at any time.
    """
    from distributed import Client, KilledWorker

    with Client(scheduler, set_as_default=False) as client:  # type: ignore[no-untyped-call]

        def check() -> None:
            if client.status != "running":
                raise ConnectionError(
                    f"lost the scheduler {scheduler}; what is recorded is kept, run again to go on"
                )

        yield Crew(_Dask(client), inf, (KilledWorker, CancelledError), check)


def outcomes(
    crew: Crew, objective: Objective, trials: Sequence[Trial], retries: int
) -> Iterator[tuple[Trial, Outcome]]:
    """Yield each trial when it has ended, however it ended."""
    waiting, deaths = deque(trials), Counter[int]()
    running: dict[Future[Outcome], Trial] = {}
    ended: SimpleQueue[Future[Outcome]] = SimpleQueue()
    while waiting or running:
        while waiting and len(running) < crew.width:
            trial = waiting.popleft()
            future = crew.executor.submit(evaluate, objective, trial.settings)
            running[future] = trial
            future.add_done_callback(ended.put)
        future = ended.get()
        trial = running.pop(future)
        outcome = _outcome(future, crew)
        if outcome is None:
            deaths[trial.number] += 1
            if deaths[trial.number] <= retries:
                waiting.append(trial)
                continue
            outcome = Outcome(LOST, f"its worker died in each of {deaths[trial.number]} attempts")
        yield trial, outcome


def evaluate(objective: Objective, settings: Settings) -> Outcome:
    """Run a trial. Its own error is an outcome: only the loss of a worker, or Ctrl-C, raises."""
    start = time.perf_counter()
    try:
        status, text = DONE, _as_json(objective(**settings))
    except KeyboardInterrupt:
        raise
    except BaseException as error:  # whatever it is, the search goes on
        status, text = FAILED, _told(error)
    return Outcome(status, text, round(time.perf_counter() - start, 3))


def _as_json(result: Any) -> str:
    try:
        text = json.dumps(result, default=_unpacked)
    except TypeError:  # JSON asks for the values that it does not know, never for the keys
        text = json.dumps(_with_plain_keys(result), default=_unpacked)
    if len(text) > _MOST_RESULT:
        raise ValueError(f"a result must have at most {_MOST_RESULT} characters, got {len(text)}")
    return text


def _with_plain_keys(value: Any) -> Any:
    """Return a result whose keys are Python's numbers where they were NumPy's."""
    if isinstance(value, dict):
        return {_plain(key): _with_plain_keys(part) for key, part in value.items()}
    if isinstance(value, list | tuple):
        return [_with_plain_keys(part) for part in value]
    return value


def _plain(key: Any) -> Any:
    return key.item() if isinstance(key, np.generic) else key


def _unpacked(value: Any) -> Any:
    """Return numbers of NumPy, or of torch, as Python's."""
    if isinstance(value, np.longdouble):
        return float(value)
    if hasattr(value, "tolist"):
        return value.tolist()
    raise TypeError(f"objective must return what JSON can hold, got a {type(value).__name__}")


def _told(error: BaseException) -> str:
    """Return a traceback as text that any file can hold, its middle left out if it is long."""
    try:
        text = "".join(traceback.format_exception(error))
    except Exception:  # an error can be as broken as what raised it
        text = f"{type(error).__name__}, of which no traceback can be made"
    text = text.encode("utf-8", "backslashreplace").decode()
    if len(text) <= _MOST_ERROR:
        return text
    half = _MOST_ERROR // 2
    return f"{text[:half]}\n... {len(text) - 2 * half} characters ...\n{text[-half:]}"


def _outcome(future: Future[Outcome], crew: Crew) -> Outcome | None:
    """Return how a trial ended, or None if its worker died."""
    try:
        return future.result()
    except crew.lost:
        crew.check()
        return None


class _Here(Executor):
    """The thread that asks, which has done a trial before it hands out its future."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        future.set_result(fn(*args, **kwargs))
        return future


class _Processes(Executor):
    """As many processes as are busy at a time, each a pool of its own.

    A ``ProcessPoolExecutor`` breaks as a whole when one of its processes dies: all its trials
    would be lost, and nobody could say which of them was to blame.
    """

    def __init__(self) -> None:
        self._all: list[_Process] = []
        self._idle: list[_Process] = []

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        while True:
            process = self._idle.pop() if self._idle else self._started()
            try:
                future = process.pool.submit(_call, pickle.dumps((fn, args, kwargs)))
            except BrokenExecutor:  # it died while it had nothing to do
                continue
            future.add_done_callback(partial(self._take_back, process))
            return future

    def shutdown(self, wait: bool = True, *, cancel_futures: bool = False) -> None:
        for process in self._all:
            process.end()

    def _started(self) -> _Process:
        process = _Process()
        self._all.append(process)
        return process

    def _take_back(self, process: _Process, done: Future[Any]) -> None:
        if not done.cancelled() and not isinstance(done.exception(), BrokenExecutor):
            self._idle.append(process)


class _Dask(Executor):
    """The workers of a Dask cluster.

    What ``client.get_executor()`` gives, but for one case in which that never ends: a result that
    is lost with its worker before it is fetched, where the next attempts kill their workers too.
    """

    def __init__(self, client: Any) -> None:
        self._client = client

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        future: Future[Any] = Future()
        task = self._client.submit(fn, *args, pure=False, **kwargs)
        task.add_done_callback(partial(_pass_on, future))
        return future


def _pass_on(future: Future[Any], task: Any) -> None:
    """Copy the outcome of a Dask future."""
    try:
        result = task.result()
    except BaseException as error:  # whatever it is, somebody waits for it
        outcome = partial(future.set_exception, error)
    else:
        outcome = partial(future.set_result, result)
    # As long as somebody holds it, the scheduler keeps the result, and computes it again if the
    # worker that has it dies.
    task.release()
    outcome()


@contextmanager
def _one_thread_each() -> Iterator[None]:
    """Let processes that start here have one thread, if nothing else is asked for.

    Threads of one would fight those of another. Torch reads it before an initializer could run.
    """
    name = "OMP_NUM_THREADS"
    asked = name in os.environ
    os.environ.setdefault(name, "1")
    try:
        yield
    finally:
        if not asked:
            os.environ.pop(name, None)


class _Process:
    """A process that ends at once, whatever it does, when it is told to or the driver dies."""

    def __init__(self) -> None:
        context = get_context("spawn")
        watched, self._lifeline = context.Pipe(duplex=False)
        self.pool = ProcessPoolExecutor(
            1, mp_context=context, initializer=_become_worker, initargs=(watched,)
        )

    def end(self) -> None:
        self._lifeline.close()
        self.pool.shutdown(wait=True, cancel_futures=True)


def _become_worker(lifeline: Connection) -> None:
    """Make this process quiet, and let its life depend on the other end of a pipe."""
    os.environ["UNROLLED_PROGRESS"] = "0"
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C is the driver's, which ends this one
    threading.Thread(target=_end_with, args=(lifeline,), daemon=True).start()


def _end_with(lifeline: Connection) -> None:
    with suppress(EOFError, OSError):
        lifeline.recv()
    os._exit(1)


def _call(pickled: bytes) -> Any:
    """Call a function. What cannot be imported here raises, where a pool would break silently."""
    fn, args, kwargs = pickle.loads(pickled)
    return fn(*args, **kwargs)
