"""Checkpoints that are whole or not there."""

from __future__ import annotations

import copy
import errno
import hashlib
import io
import os
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import numpy as np
import torch

from unrolled.core import kinds
from unrolled.core.files import write_atomically

_MARK = b"\nunrolled checkpoint, sha256 "  # after torch's own bytes, which torch.load reads as ever
_TAIL = len(_MARK) + 64


def save(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write ``state`` to ``path`` so that a crash leaves the old file or the new one, never a part.

    The file ends in a digest of what it holds; ``torch.load`` reads it too.

    Parameters
    ----------
    path
        Where to; missing folders are made. A link stays one: the file it leads to is replaced.
    state
        Tensors, numbers, strings, and lists and dicts of them. A scalar of NumPy's is kept as the
        number it is.

    Raises
    ------
    TypeError
        If ``load`` could not read it back: nothing is written, and the part is named.
    OSError
        If the system refuses, or the path is no regular file: it names ``path``.
    """
    write_atomically(kinds.path("path", path), encode(state))


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what ``save`` wrote, on the CPU, without running any code from the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is anything but a whole file that ``save`` wrote: damaged by as little as one bit,
        cut short, or of another program.
    OSError
        If the system refuses to read it.
    """
    file = kinds.path("path", path)
    if not file.exists():
        raise FileNotFoundError(errno.ENOENT, "path must be of a file that exists", str(file))
    if not file.is_file():  # to read a pipe would wait for ever
        raise _refusal(file, "it is no regular file")
    with file.open("rb") as opened:
        size = opened.seek(0, os.SEEK_END)
        opened.seek(max(0, size - _TAIL))
        tail = opened.read()
        if not tail.startswith(_MARK):  # before all of a large file is read
            raise _refusal(file, f"{size} bytes without the digest that save writes at the end")
        opened.seek(0)
        content = opened.read(size - _TAIL)
    if tail != _tail(content):
        raise _refusal(file, "its bytes are not those that its digest was made of: it is damaged")
    try:
        state = _decode(content)
    except Exception as error:  # whatever a forged file makes torch raise
        raise _refusal(file, f"torch refuses it ({type(error).__name__})") from None
    if not isinstance(state, dict):
        raise _refusal(file, f"it holds no dict but a {type(state).__name__}")
    return state


def encode(state: dict[str, Any]) -> bytes:
    """Return the bytes of a checkpoint.

    Raises
    ------
    TypeError
        If they could not be read back.
    """
    kinds.instance("state", state, dict)
    try:
        content = _content(state)
    except RecursionError:
        raise TypeError("state must not hold itself, or be nested as deep as it is") from None
    except Exception:  # a part may fail to be written or read in any way it likes
        place, part = next(found for found in _parts(state, "state") if not _readable(found[1]))
        raise TypeError(
            "state must hold tensors, numbers, strings, and lists and dicts of them, "
            f"got {type(part).__name__} at {place}"
        ) from None  # torch would advise to load with weights_only=False
    return content + _tail(content)


def _content(state: Any) -> bytes:
    """Return what torch writes, having read it back."""
    file = io.BytesIO()
    torch.save(_plain(state), file)
    content = file.getvalue()
    _decode(content)
    return content


def _decode(content: bytes) -> Any:
    return torch.load(io.BytesIO(content), map_location="cpu", weights_only=True)


def _tail(content: bytes) -> bytes:
    return _MARK + hashlib.sha256(content).hexdigest().encode()


def _refusal(path: Path, reason: str) -> ValueError:
    return ValueError(f"path must be a whole checkpoint, {path} is not: {reason}")


def _plain(value: Any) -> Any:
    """Return a state with NumPy's scalars as Python's numbers, and all else as it came."""
    if isinstance(value, np.generic):
        return value.item()
    if isinstance(value, dict):
        plain = copy.copy(value)  # of its own class, with what torch notes on it
        plain.clear()
        plain.update((_plain(key), _plain(part)) for key, part in value.items())
        return plain
    if type(value) in (list, tuple):
        return type(value)(_plain(part) for part in value)
    return value


def _parts(value: Any, place: str) -> Iterator[tuple[str, Any]]:
    """Yield every part of a state with its place, what it holds before itself."""
    if isinstance(value, dict):
        for key, part in value.items():
            yield from _parts(key, f"the keys of {place}")
            yield from _parts(part, f"{place}[{key!r}]")
    if isinstance(value, list | tuple):
        for index, part in enumerate(value):
            yield from _parts(part, f"{place}[{index}]")
    yield place, value


def _readable(part: Any) -> bool:
    try:
        _content(part)
    except Exception:
        return False
    return True
