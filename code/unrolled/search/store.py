"""The store of a search: one SQLite table, a row for each trial, a transaction for each result."""

from __future__ import annotations

import json
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from unrolled.search.space import Settings, as_text

PLANNED, DONE, FAILED, LOST = "planned", "done", "failed", "lost"

_TABLE = """
CREATE TABLE IF NOT EXISTS trials (
    number INTEGER PRIMARY KEY,
    objective TEXT NOT NULL,
    settings TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL DEFAULT 'planned',
    result TEXT,
    error TEXT,
    seconds REAL
)
"""


@dataclass(frozen=True)
class Trial:
    """A trial, as it stands in the store.

    Parameters
    ----------
    number
        Its place in the plan, from 0.
    settings
        What was tried.
    status
        ``"planned"``; ``"done"``; ``"failed"``: the objective raised; ``"lost"``: too many workers
        died under it.
    result
        What the objective returned, if it is done.
    error
        The traceback if it failed, the reason if it was lost.
    seconds
        How long the objective took.
    """

    number: int
    settings: Settings
    status: str = PLANNED
    result: Any = None
    error: str | None = None
    seconds: float | None = None


def results(path: str | Path) -> list[Trial]:
    """Return the trials of a store in the order of the plan, also while a search runs.

    Raises
    ------
    FileNotFoundError
        If there is no such file.
    ValueError
        If it is no store of a search.
    """
    if not Path(path).is_file():
        raise FileNotFoundError(f"path must be the store of a search, got no file {path}")
    with _connected(path) as connection:
        return _rows(connection)


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Keep a store for one search. Others can read it meanwhile.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    RuntimeError
        If another search has it.
    """
    if not Path(path).parent.is_dir():
        raise FileNotFoundError(f"path must be in a folder that exists, got {path}")
    # The lock of an empty database beside the store: the system drops it however a process ends.
    with closing(sqlite3.connect(f"{path}-lock", timeout=0)) as lock:
        try:
            lock.execute("BEGIN EXCLUSIVE")
        except sqlite3.OperationalError as error:
            if "locked" not in str(error):
                raise
            raise RuntimeError(f"another search is running on {path}") from None
        yield


def plan(path: str | Path, objective: str, trials: Sequence[Settings]) -> list[Trial]:
    """Add the trials that are not stored yet; return all of the plan as they stand.

    Raises
    ------
    ValueError
        If what is stored belongs to another objective or another plan.
    """
    texts = [as_text(settings) for settings in trials]
    with _connected(path) as connection, connection:
        connection.execute("BEGIN IMMEDIATE")
        connection.execute(_TABLE)
        stored = connection.execute("SELECT objective, settings FROM trials ORDER BY number")
        known = _known(path, objective, texts, stored.fetchall())
        connection.executemany(
            "INSERT INTO trials (number, objective, settings) VALUES (?, ?, ?)",
            [(k, objective, texts[k]) for k in range(known, len(texts))],
        )
        return _rows(connection)[: len(texts)]


def record(path: str | Path, number: int, status: str, text: str, seconds: float | None) -> None:
    """Write how a trial ended: all of it or, if this process is killed meanwhile, nothing."""
    result, error = (text, None) if status == DONE else (None, text)
    with _connected(path) as connection:
        connection.execute(
            "UPDATE trials SET status = ?, result = ?, error = ?, seconds = ? WHERE number = ?",
            (status, result, error, seconds, number),
        )


def _known(
    path: str | Path, objective: str, texts: Sequence[str], stored: Sequence[tuple[str, str]]
) -> int:
    """Return how many trials of a plan are stored; refuse those of another plan."""
    for number, (name, text) in enumerate(stored):
        if name != objective:
            raise ValueError(f"{path} holds trials of objective {name}, got {objective}")
        if number < len(texts) and text != texts[number]:
            raise ValueError(
                f"{path} holds another plan: its trial {number} is {text}, got {texts[number]}"
            )
    return len(stored)


@contextmanager
def _connected(path: str | Path) -> Iterator[sqlite3.Connection]:
    """Open and close a store; what is no store is refused."""
    with closing(sqlite3.connect(path, timeout=60, isolation_level=None)) as connection:
        try:
            yield connection
        except sqlite3.DatabaseError as error:
            if not isinstance(error, sqlite3.OperationalError) or "no such" in str(error):
                raise ValueError(f"{path} is no store of a search ({error})") from None
            raise


def _rows(connection: sqlite3.Connection) -> list[Trial]:
    found = connection.execute(
        "SELECT number, settings, status, result, error, seconds FROM trials ORDER BY number"
    )
    return [
        Trial(number, json.loads(settings), status, _loaded(result), error, seconds)
        for number, settings, status, result, error, seconds in found
    ]


def _loaded(text: str | None) -> Any:
    return None if text is None else json.loads(text)
