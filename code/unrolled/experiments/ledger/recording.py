"""Records on the disk: ``evidence/<chapter>/<name>.json``, sealed, written whole.

A record is ``{"id", "attempts", "checksum"}``; ``attempts`` says what an attempt is.
"""

from __future__ import annotations

import hashlib
import json
import sqlite3
from collections.abc import Iterator, Mapping
from contextlib import closing, contextmanager
from pathlib import Path
from typing import Any

from unrolled.core.files import write_atomically

EVIDENCE = Path(__file__).resolve().parents[4] / "evidence"
PATIENCE = 60.0  # seconds to wait for another process that writes a record

Record = dict[str, Any]

# What is read of a record: the keys of a dict, what all of a list are, one of a tuple, or a class.
_RUN = {"seed": int, "measured": dict, "cpu_seconds": (int, float)}
_BLOCK = {"held": bool, "runs": [_RUN]}
_ATTEMPT = {
    "declared": {
        "settings": dict,
        "judge": object,
        "experiment": object,
        "seeds": {"development": list, "confirmation": list},
    },
    "why": str,
    "code": str,
    "development": (_BLOCK, None),
    "confirmation": (_BLOCK, None),
}


class DamagedRecord(ValueError):  # noqa: N818
    """A file of measurements that does not say what was written into it."""


def path_of(claim_id: str, folder: Path = EVIDENCE) -> Path:
    """Return where a claim's record stands."""
    chapter, name = claim_id.split(".")
    return folder / chapter / f"{name}.json"


def read(claim_id: str, folder: Path = EVIDENCE) -> Record:
    """Return a claim's record; its last attempt is the current one.

    Raises
    ------
    FileNotFoundError
        If the claim was never measured.
    DamagedRecord
        If the file is no record, or one in which anything was altered since it was written.
    """
    path = path_of(claim_id, folder)
    if not path.is_file():
        raise FileNotFoundError(
            f"no record of {claim_id!r} in {folder}; `python -m unrolled evidence {claim_id}` "
            "measures it"
        )
    record = read_sealed(path)
    if not _is(record, {"id": str, "attempts": [_ATTEMPT]}) or record["id"] != claim_id:
        raise DamagedRecord(f"{path} is no record of {claim_id}")
    return record


def read_runs(path: Path, conditions: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Return the runs that an interrupted call left in a file, none if under other conditions.

    Raises
    ------
    DamagedRecord
        If the file holds anything else.
    """
    left = read_sealed(path)
    if not _is(left, {"conditions": dict, "runs": [_RUN]}):
        raise DamagedRecord(f"{path} is damaged: it holds no runs")
    return [*left["runs"]] if left["conditions"] == conditions else []


def write(record: Mapping[str, Any], folder: Path = EVIDENCE) -> None:
    """Write a record, with its checksum, so that whoever reads it finds all of it, old or new."""
    write_sealed(path_of(record["id"], folder), record)


def load(claim_id: str, folder: Path = EVIDENCE) -> Record:
    """Return what a claim's current attempt measured, for whoever shows it.

    ``load(id)["runs"]`` holds, for each seed of development, ``{"seed": ..., "measured":
    {name: value}, ...}``, and ``["confirmed"]`` the same for the seeds to confirm with, if they
    were run; ``["settings"]``, ``["seeds"]`` and ``["held"]`` are those of development.

    Raises
    ------
    FileNotFoundError
        If the claim was never measured.
    DamagedRecord
        If the file is no record, or one in which anything was altered since it was written.
    """
    current = read(claim_id, folder)["attempts"][-1]
    runs = current["development"]["runs"]
    return {
        "id": claim_id,
        **current["declared"],
        "seeds": [one["seed"] for one in runs],
        "held": current["development"]["held"],
        "runs": runs,
        "confirmed": (current["confirmation"] or {"runs": []})["runs"],
    }


def read_sealed(path: Path) -> Record:
    """Return what :func:`write_sealed` wrote.

    Raises
    ------
    DamagedRecord
        If the file holds anything else.
    """
    try:
        content = json.loads(path.read_bytes().decode("utf-8"))
    except (ValueError, RecursionError) as error:
        raise DamagedRecord(f"{path} is damaged: {error}") from None
    if not isinstance(content, dict) or "checksum" not in content:
        raise DamagedRecord(f"{path} is damaged: it has no checksum")
    if content["checksum"] != _checksum(content):
        raise DamagedRecord(f"{path} is damaged: its checksum is not that of its content")
    return content


def write_sealed(path: Path, content: Mapping[str, Any]) -> None:
    """Write JSON with a checksum of it, atomically."""
    sealed = {**content, "checksum": _checksum(content)}
    write_atomically(path, json.dumps(sealed, indent=1, ensure_ascii=False, allow_nan=False) + "\n")


@contextmanager
def alone(folder: Path) -> Iterator[None]:
    """Let no other process write into the folder meanwhile; the system ends this with us.

    Raises
    ------
    OSError
        If the folder cannot be written to, or another process keeps it for a minute.
    """
    path = partials(folder) / "lock"
    try:
        with closing(sqlite3.connect(path, timeout=PATIENCE)) as lock:
            lock.execute("BEGIN EXCLUSIVE")
            yield
    except sqlite3.Error as error:
        raise OSError(None, str(error), str(path)) from error


def partials(folder: Path) -> Path:
    """Return the folder, hidden from git, of what was measured of blocks not yet complete."""
    place = folder / ".partial"
    if not (ignore := place / ".gitignore").is_file():
        write_atomically(ignore, "*\n")
    return place


def _checksum(content: Mapping[str, Any]) -> str:
    """Return the digest of all that a file says, however it is laid out."""
    said = {name: value for name, value in content.items() if name != "checksum"}
    text = json.dumps(said, sort_keys=True, separators=(",", ":"))
    return hashlib.sha256(text.encode()).hexdigest()[:32]


def _is(value: Any, form: Any) -> bool:
    """Say whether a part of a record has a form, such as ``_ATTEMPT``."""
    if isinstance(form, dict):
        return isinstance(value, dict) and all(
            name in value and _is(value[name], each) for name, each in form.items()
        )
    if isinstance(form, list):
        return isinstance(value, list) and bool(value) and all(_is(each, *form) for each in value)
    if isinstance(form, tuple):
        return any(_is(value, each) for each in form)
    return value is None if form is None else isinstance(value, form)
