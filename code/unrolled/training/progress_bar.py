"""A progress bar where somebody is watching."""

from __future__ import annotations

import os
import sys
from collections.abc import Iterable, Mapping
from typing import TypeVar

from unrolled.core.kinds import instance, told
from unrolled.core.validate import whole

T = TypeVar("T")


def progress(items: Iterable[T], label: str, *, total: int | None = None) -> Iterable[T]:
    """Return ``items`` behind a progress bar that goes away when they are done.

    The bar shows in a terminal and in a running notebook. It stays silent where its output would
    be kept: with ``UNROLLED_PROGRESS=0`` (the book's stored notebooks), in a pipe, in a log.
    """
    if isinstance(items, str | bytes | Mapping) or not isinstance(items, Iterable):
        raise TypeError(f"items must be several, got {told(items)}")
    instance("label", label, str)
    if total is not None:
        whole("total", total, least=0)
    if not _watched():
        return items
    from tqdm.auto import tqdm

    bar: Iterable[T] = tqdm(items, desc=label, total=total, leave=False)
    return bar


def _watched() -> bool:
    if os.environ.get("UNROLLED_PROGRESS") == "0":
        return False
    return sys.stderr.isatty() or "ipykernel" in sys.modules
