"""Trained networks that pages show, each made once and kept in a file.

``trained/rnn_writer.pt`` holds what ``make`` of ``unrolled.experiments.rnn._kept_writer`` returned:
one name for file and module. ``tools/trained.py`` makes it, and again when that code has changed.
The files are part of the repository, for no two kinds of processor train to the same last digit,
and a page prints what its network writes.
"""

from __future__ import annotations

import errno
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from unrolled.core import kinds
from unrolled.training import load

FOLDER = Path(__file__).resolve().parents[3] / "trained"
"""Where the files are, beside the book's chapters."""

HOW = "`make trained`, or `.venv/bin/python tools/trained.py`, makes it"


def path_of(name: str) -> Path:
    """Return the file of some trained networks: of ``rnn_writer``, say."""
    return FOLDER / f"{kinds.string('name', name)}.pt"


def read(name: str, setting: Mapping[str, Any]) -> dict[str, Any]:
    """Return what ``make`` returned when the file of this name was made.

    Parameters
    ----------
    name
        Of the file.
    setting
        What ``make`` is to have been made with; it returns that under the key "setting".

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is damaged, holds something else, or was made with another setting.
    """
    path = path_of(name)
    if not path.exists():
        reason = f"name must be of a file that exists; {HOW}"
        raise FileNotFoundError(errno.ENOENT, reason, str(path))
    try:
        kept = load(path).get("kept")
    except ValueError as error:
        raise ValueError(f"{error}; {HOW} again") from None
    if not isinstance(kept, dict):
        raise ValueError(f"name must be of trained networks, {path} holds none; {HOW} again")
    made_with = kept.get("setting", {})
    if other := sorted(key for key, value in setting.items() if made_with.get(key) != value):
        raise ValueError(f"{path} was made with another {', '.join(other)}; {HOW} again")
    return kept
