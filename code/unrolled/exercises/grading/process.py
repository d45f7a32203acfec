"""What a whole Python process shares, kept as it was while a reader's code runs in it."""

from __future__ import annotations

import contextlib
import os
import sys
from collections.abc import Iterator
from pathlib import Path
from types import ModuleType

MEMORY = 4 * 2**30  # bytes that the calls of one check may add
DEEPEST = 5_000  # calls within each other: far more, and memory runs out before time does

SHARED = ("builtins", "math", "numpy", "numpy.linalg")


class Functions:
    """The public functions of some modules, as they are now.

    Putting them back needs none of them: even `len` may have been replaced.
    """

    def __init__(self, *modules: str) -> None:
        self._listed = [
            (name, module.__dict__, key, value)
            for name in modules
            if isinstance(module := sys.modules.get(name), ModuleType)
            for key, value in vars(module).items()
            if key[0] != "_" and callable(value)
        ]

    def replaced(self) -> tuple[str, ...]:
        """Name those that are others now, as in "numpy.where"."""
        found = []
        for module, there, key, value in self._listed:
            if there.get(key) is not value:
                found.append(f"{module}.{key}")
        return (*found,)

    def restore(self) -> tuple[str, ...]:
        """Put back those that were replaced, and name them."""
        names = self.replaced()
        if names:
            for _, there, key, value in self._listed:
                there[key] = value
        return names


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
