"""Checkpoints that are whole or not there."""

from __future__ import annotations

import os
import tempfile
from pathlib import Path
from typing import Any

import torch


def save(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write ``state`` to ``path`` so that a crash leaves the old file or the new one, never a part.

    The bytes go to a temporary file in the same folder, are forced to the disk, and take the name
    in one step.

    Parameters
    ----------
    path
        Where to; missing folders are made.
    state
        Tensors, numbers, strings, and lists and dicts of them: what ``load`` can read back.
    """
    path = Path(path)
    path.parent.mkdir(parents=True, exist_ok=True)
    handle, temporary = tempfile.mkstemp(dir=path.parent, prefix=f".{path.name}.")
    try:
        with os.fdopen(handle, "wb") as file:
            torch.save(state, file)
            file.flush()
            os.fsync(file.fileno())
        Path(temporary).replace(path)
    except BaseException:
        Path(temporary).unlink(missing_ok=True)
        raise


def load(path: str | os.PathLike[str]) -> dict[str, Any]:
    """Read what ``save`` wrote, on the CPU, without running any code from the file.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If the file is damaged.
    """
    try:
        state: dict[str, Any] = torch.load(path, map_location="cpu", weights_only=True)
    except (RuntimeError, EOFError) as error:
        raise ValueError(f"path must be a whole checkpoint, {path} is not: {error}") from None
    return state
