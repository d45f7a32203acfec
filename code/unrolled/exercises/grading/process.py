"""What a whole Python process shares, kept as it was while a reader's code runs in it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from operator import is_
from pathlib import Path
from types import ModuleType
from typing import Any

MEMORY = 4 * 2**30  # bytes that the calls of one check may add
DEEPEST = 5_000  # calls within each other: far more, and memory runs out before time does

SHARED = ("builtins", "math", "numpy", "numpy.linalg")


# What `Functions` needs to find out whether these themselves were replaced.
_all, _callable, _len, _map = all, callable, len, map


class Functions:
    """The public functions of some modules, as they are now.

    Putting them back needs none of them: even `len` may have been replaced. One is made and
    asked at each call of an answer, so making one and finding nothing replaced must be fast.
    """

    def __init__(self, *modules: str) -> None:
        found = [(name, sys.modules.get(name)) for name in modules]
        dicts = [(name, each.__dict__) for name, each in found if isinstance(each, ModuleType)]
        self._kept = [(name, now, now.copy()) for name, now in dicts]

    def replaced(self) -> tuple[str, ...]:
        """Name those that are others now, as in "numpy.where"."""
        return (*[f"{module}.{key}" for module, _, key, _ in self._others()],)

    def restore(self) -> tuple[str, ...]:
        """Put back those that were replaced, and name them."""
        others = self._others()
        for _, there, key, value in others:
            there[key] = value
        return (*[f"{module}.{key}" for module, _, key, _ in others],)

    def _others(self) -> list[tuple[str, dict[str, Any], str, Any]]:
        return [
            (module, now, key, value)
            for module, now, before in self._kept
            if not _same(now, before)
            for key, value in before.items()
            if now.get(key) is not value and key[0] != "_" and _callable(value)
        ]


def _same(now: dict[str, Any], before: dict[str, Any]) -> bool:
    """Whether all values are the same objects: `==` would run code of whoever replaced one."""
    return _len(now) == _len(before) and _all(_map(is_, now.values(), before.values()))


def shallow() -> None:
    """Lower a limit on calls within calls that memory would reach first, for all threads."""
    if sys.getrecursionlimit() > DEEPEST:
        with contextlib.suppress(RecursionError):  # this thread itself is deeper
            sys.setrecursionlimit(DEEPEST)


@contextlib.contextmanager
def limited_recursion() -> Iterator[None]:
    """Let nobody raise that limit above a safe one, and put it back."""
    before, set_limit = sys.getrecursionlimit(), sys.setrecursionlimit
    vars(sys)["setrecursionlimit"] = lambda limit: set_limit(min(limit, DEEPEST))
    try:
        shallow()
        yield
    finally:
        vars(sys)["setrecursionlimit"] = set_limit
        set_limit(before)


@contextlib.contextmanager
def limited_memory() -> Iterator[None]:
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
    limits = [used() + MEMORY, *(limit for limit in before if limit != resource.RLIM_INFINITY)]
    resource.setrlimit(resource.RLIMIT_DATA, (min(limits), before[1]))
    try:
        yield
    finally:
        resource.setrlimit(resource.RLIMIT_DATA, before)


def used() -> int:
    """Count the bytes that the process can write to, as RLIMIT_DATA does; 0 where Linux is not."""
    try:
        pages = Path("/proc/self/statm").read_text().split()[5]
    except OSError:
        return 0
    return int(pages) * os.sysconf("SC_PAGE_SIZE")
