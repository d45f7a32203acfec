"""Work in other processes, under a progress bar; who dies there fails its own task only."""

from __future__ import annotations

import os
import signal
from collections.abc import Callable, Iterator, Mapping, Sequence
from concurrent.futures import ProcessPoolExecutor, as_completed
from concurrent.futures.process import BrokenProcessPool
from multiprocessing import get_context
from typing import Any

from tqdm import tqdm

from unrolled.core.processes import end_with_parent

Task = tuple[Callable[..., Any], tuple[Any, ...]]
Found = tuple[int, Any, BaseException | None]  # which task, and its result or what it raised


def in_processes(tasks: Sequence[Task], names: Sequence[str], count: int) -> Iterator[Found]:
    """Call ``f(*arguments)`` for each task in ``count`` processes; yield each when it is done."""
    quiet = os.environ.get("UNROLLED_PROGRESS") == "0"
    with tqdm(total=len(tasks), unit="seed", disable=True if quiet else None) as bar:
        for found in _all(dict(enumerate(tasks)), count):
            bar.set_postfix_str(names[found[0]])
            bar.update()
            yield found


def _all(left: dict[int, Task], count: int) -> Iterator[Found]:
    """Carry out all tasks, those that a dead worker took along once more."""
    while left:
        lost = False
        for found in _pooled(dict(left), count):
            if isinstance(found[2], BrokenProcessPool):
                lost = True
                continue
            del left[found[0]]
            yield found
        if lost:  # by one of the first that are left: these by themselves
            for which in [*left][: count + 1]:
                yield from _pooled({which: left.pop(which)}, 1)


def _pooled(tasks: Mapping[int, Task], count: int) -> Iterator[Found]:
    context = get_context("spawn")
    pool = ProcessPoolExecutor(count, mp_context=context, initializer=_become_worker)
    try:
        futures = {pool.submit(f, *given): which for which, (f, given) in tasks.items()}
        for done in as_completed(futures):
            error = done.exception()
            yield futures[done], None if error else done.result(), error
    finally:
        pool.shutdown(wait=False, cancel_futures=True)


def _become_worker() -> None:
    """Make a worker quiet, and let it end at once with the process that started it."""
    os.environ["UNROLLED_PROGRESS"] = "0"
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    end_with_parent()
