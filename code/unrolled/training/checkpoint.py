"""Checkpoints that are whole or not there."""

from __future__ import annotations

import io
import os
from typing import Any

import torch

from unrolled.core.files import write_atomically


def save(path: str | os.PathLike[str], state: dict[str, Any]) -> None:
    """Write ``state`` to ``path`` so that a crash leaves the old file or the new one, never a part.

    Parameters
    ----------
    path
        Where to; missing folders are made.
    state
        Tensors, numbers, strings, and lists and dicts of them: what ``load`` can read back.
    """
    file = io.BytesIO()
    torch.save(state, file)
    write_atomically(path, file.getvalue())


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
