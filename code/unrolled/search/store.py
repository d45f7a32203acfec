"""The store of a search: one SQLite table, a row for each trial, a transaction for each result.

Each row carries a digest of itself: what the disk or somebody else changed is never taken for
what was measured.
"""

from __future__ import annotations

import errno
import hashlib
import json
import os
import sqlite3
from collections.abc import Iterator, Sequence
from contextlib import closing, contextmanager
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

from unrolled.core import kinds
from unrolled.core.files import write_atomically
from unrolled.search.space import Settings, as_text

PLANNED, DONE, FAILED, LOST = "planned", "done", "failed", "lost"

_TABLE = """CREATE TABLE trials (
    number INTEGER PRIMARY KEY,
    objective TEXT NOT NULL,
    settings TEXT NOT NULL UNIQUE,
    status TEXT NOT NULL,
    result TEXT,
    error TEXT,
    seconds REAL,
    digest TEXT NOT NULL
)"""
_COLUMNS = "number, objective, settings, status, result, error, seconds, digest"
_MARK = int.from_bytes(b"unro", "big")  # SQLite's application_id: whose file this is
_FIXED = (slice(0, 24), slice(44, 92))  # what never changes in the first bytes of a store

_REFUSALS = {  # what the system says no to, by SQLite's name and the system's
    sqlite3.SQLITE_FULL: errno.ENOSPC,
    sqlite3.SQLITE_READONLY: errno.EROFS,
    sqlite3.SQLITE_CANTOPEN: errno.EACCES,
    sqlite3.SQLITE_PERM: errno.EACCES,
    sqlite3.SQLITE_IOERR: errno.EIO,
    sqlite3.SQLITE_BUSY: errno.EBUSY,
}

_Row = tuple[int, str, str, str, str | None, str | None, float | None]


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
        If it is no store of a search, or is damaged: every row is compared with its digest.
    OSError
        If the system does not let it be read.
    """
    place = _located(path)
    if not place.exists():
        raise FileNotFoundError(f"path must be the store of a search, got no file {path}")
    with _connected(place) as connection:
        connection.execute("BEGIN")  # what is checked is what is read
        return [as_trial(row) for row in _rows(connection, place)]


@contextmanager
def locked(path: str | Path) -> Iterator[None]:
    """Keep a store for one search, by whatever path it is called. Others can read it meanwhile.

    Raises
    ------
    FileNotFoundError
        If its folder does not exist.
    RuntimeError
        If another search has it.
    ValueError, OSError
        If a file is there that is no store, as ``results`` says, or one of two names; nothing is
        left beside it.
    """
    place = _located(path)
    if place.exists():
        _check_one_name(place)
        results(place)
    with closing(_lock(place)):
        try:
            yield
        finally:
            _leave_no_lock_alone(place)


def plan(path: str | Path, objective: str, trials: Sequence[Settings]) -> list[Trial]:
    """Add the trials that are not stored yet; return all of the plan as they stand.

    Raises
    ------
    ValueError
        If what is stored belongs to another objective or another plan, or is damaged.
    OSError
        If the system does not let it be written; what is stored stays.
    """
    place = _located(path)
    wanted = [
        (number, objective, as_text(settings), PLANNED, None, None, None)
        for number, settings in enumerate(trials)
    ]
    if not place.exists():
        # A journal without its store is of one that was deleted, and would be played back.
        place.with_name(f"{place.name}-journal").unlink(missing_ok=True)
        write_atomically(place, _new(wanted))
        return [as_trial(row) for row in wanted]
    with _connected(place) as connection:
        connection.execute("BEGIN")
        stored = _rows(connection, place)
        _check_same(place, wanted, stored)
        _insert(connection, wanted[len(stored) :])
        connection.execute("COMMIT")
    return [as_trial(row) for row in [*stored, *wanted[len(stored) :]][: len(wanted)]]


def record(path: str | Path, number: int, status: str, text: str, seconds: float | None) -> None:
    """Write how a trial ended: all of it or, if this process is killed meanwhile, nothing."""
    result, error = (text, None) if status == DONE else (None, text)
    place = _located(path)
    with _connected(place) as connection:
        connection.execute("BEGIN IMMEDIATE")
        found = connection.execute(f"SELECT {_COLUMNS} FROM trials WHERE number = ?", (number,))
        _, objective, settings, *_ = _sound(place, number, found.fetchone())
        row = (number, objective, settings, status, result, error, seconds)
        connection.execute(
            "UPDATE trials SET status = ?, result = ?, error = ?, seconds = ?, digest = ? "
            "WHERE number = ?",
            (*row[3:], _digest(row), number),
        )
        connection.execute("COMMIT")


def as_trial(row: _Row) -> Trial:
    """Return a row of the table as a trial."""
    number, _, settings, status, result, error, seconds = row
    loaded = None if result is None else json.loads(result)
    return Trial(number, json.loads(settings), status, loaded, error, seconds)


def _located(path: str | Path) -> Path:
    """Return the file that a path leads to, through links; refuse what can be no store."""
    place = Path(os.path.realpath(kinds.path("path", path)))
    if not place.parent.is_dir():
        raise FileNotFoundError(f"path must be in a folder that exists, got {path}")
    if place.exists() and not place.is_file():
        raise ValueError(f"path must be a file, got {path}")
    return place


def _check_one_name(place: Path) -> None:
    """Refuse a file with hard links: a search that calls it by another name has another lock."""
    if (names := place.stat().st_nlink) > 1:
        raise ValueError(
            f"path must be of a file with one name, got {place}, which has {names} (hard links): "
            "copy it, or use a symbolic link"
        )


def _lock(place: Path) -> sqlite3.Connection:
    """Lock an empty database beside a store: the system drops that however a process ends."""
    try:
        # a moment's patience: of two at the very same time, neither would get it without
        lock = sqlite3.connect(_beside(place), timeout=0.5)
    except sqlite3.Error as error:
        raise _named(place, error) from error
    try:
        lock.execute("BEGIN EXCLUSIVE")
    except sqlite3.Error as error:
        lock.close()
        if _code(error) == sqlite3.SQLITE_BUSY:
            raise RuntimeError(f"another search is running on {place}") from None
        _leave_no_lock_alone(place)
        raise _named(place, error) from error
    return lock


def _beside(place: Path) -> Path:
    return place.with_name(f"{place.name}-lock")


def _leave_no_lock_alone(place: Path) -> None:
    if not place.exists():
        _beside(place).unlink(missing_ok=True)


@contextmanager
def _connected(place: Path) -> Iterator[sqlite3.Connection]:
    """Open and close a store; an error names it."""
    _check_header(place)
    try:
        with closing(sqlite3.connect(place, timeout=60, isolation_level=None)) as connection:
            yield connection
    except (sqlite3.Error, MemoryError, UnicodeDecodeError) as error:
        raise _named(place, error) from error


def _check_header(place: Path) -> None:
    """Refuse a file that does not begin as a store does."""
    with place.open("rb") as file:
        head = file.read(100)
    if not head:
        raise ValueError(f"{place} is no store of a search: it is empty")
    if any(head[part] != _header()[part] for part in _FIXED):
        raise ValueError(f"{place} is no store of a search, or its first bytes are damaged")


def _named(place: Path, error: BaseException) -> Exception:
    if number := _REFUSALS.get(_code(error)):
        return OSError(number, f"{os.strerror(number)} ({error})", str(place))
    return ValueError(f"{place} is no store of a search, or is damaged: {error}")


def _code(error: BaseException) -> int:
    """Return SQLite's primary code of an error, 0 where it gives none."""
    return int(getattr(error, "sqlite_errorcode", 0)) & 0xFF


@cache
def _header() -> bytes:
    return _new(())[:100]


def _new(rows: Sequence[_Row]) -> bytes:
    """Return the file of a new store."""
    with closing(sqlite3.connect(":memory:", isolation_level=None)) as connection:
        connection.execute("PRAGMA page_size = 4096")
        connection.execute(f"PRAGMA application_id = {_MARK}")
        connection.execute(_TABLE)
        connection.execute("BEGIN")
        _insert(connection, rows)
        connection.execute("COMMIT")
        return connection.serialize()


def _insert(connection: sqlite3.Connection, rows: Sequence[_Row]) -> None:
    connection.executemany(
        f"INSERT INTO trials ({_COLUMNS}) VALUES (?, ?, ?, ?, ?, ?, ?, ?)",
        [(*row, _digest(row)) for row in rows],
    )


def _rows(connection: sqlite3.Connection, place: Path) -> list[_Row]:
    """Return all rows of a store, each as it was written."""
    tables = connection.execute("SELECT sql FROM sqlite_master WHERE sql NOT NULL").fetchall()
    if tables != [(_TABLE,)]:
        raise ValueError(f"{place} is no store of a search, or is damaged: its table is another")
    (found,) = connection.execute("PRAGMA integrity_check(1)").fetchone()
    if found != "ok":
        raise ValueError(f"{place} is damaged: {' '.join(str(found).split())}")
    _check_size(connection, place)
    rows = connection.execute(f"SELECT {_COLUMNS} FROM trials ORDER BY number")
    return [_sound(place, number, row) for number, row in enumerate(rows)]


def _check_size(connection: sqlite3.Connection, place: Path) -> None:
    """Refuse a file that is longer than its pages; while one is read, nobody makes it longer."""
    pages, size = (
        connection.execute(f"PRAGMA {of}").fetchone()[0] for of in ("page_count", "page_size")
    )
    if (found := place.stat().st_size) != pages * size:
        raise ValueError(f"{place} is damaged: it has {found} bytes, not {pages * size}")


def _sound(place: Path, number: int, row: tuple[Any, ...] | None) -> _Row:
    """Return what a row of the table holds if it is the one that was written."""
    if row is None:
        raise ValueError(f"{place} is damaged: trial {number} is missing")
    *held, digest = row
    if held[0] != number or digest != _digest(held):
        raise ValueError(f"{place} is damaged: trial {number} is not what was written")
    return tuple(held)


def _digest(row: Sequence[Any]) -> str:
    text = json.dumps(list(row), default=repr)  # repr: of bytes, which no store holds
    return hashlib.sha256(text.encode()).hexdigest()


def _check_same(place: Path, wanted: Sequence[_Row], stored: Sequence[_Row]) -> None:
    """Refuse trials of another objective or another plan."""
    for kept, row in zip(stored, wanted, strict=False):
        if kept[1] != row[1]:
            raise ValueError(f"{place} holds trials of objective {kept[1]}, got {row[1]}")
        if kept[2] != row[2]:
            raise ValueError(
                f"{place} holds another plan: its trial {kept[0]} is {kept[2]}, got {row[2]}"
            )
