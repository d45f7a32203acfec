"""What this machine lets us use."""

import os
from pathlib import Path

WORKER_BYTES = 3 * 2**29  # what tests or a notebook take at most, torch and SciPy loaded
CGROUP = Path("/sys/fs/cgroup")  # the limits of a container


def workers() -> int:
    """Return how many processes may compute at once: one a core, if the memory suffices."""
    return max(1, min(_cores(), _memory() // WORKER_BYTES))


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        cores = len(os.sched_getaffinity(0))
    else:
        cores = os.cpu_count() or 1
    quota, period = [*_limits("cpu.max"), None, None][:2]
    return cores if quota is None or period is None else min(cores, max(1, quota // period))


def _memory() -> int:
    installed = os.sysconf("SC_PHYS_PAGES") * os.sysconf("SC_PAGE_SIZE")
    return min([installed, *(limit for limit in _limits("memory.max") if limit is not None)])


def _limits(name: str) -> list[int | None]:
    """Return the numbers in a file of the control group; None for "max", nothing without it."""
    try:
        words = (CGROUP / name).read_text(encoding="ascii").split()
    except OSError:
        return []
    return [None if word == "max" else int(word) for word in words]
