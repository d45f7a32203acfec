"""Where claims stand: ``<package>/<chapter>/<name>.py``, found by their ids."""

from __future__ import annotations

import sys
from collections.abc import Sequence
from difflib import get_close_matches
from importlib import import_module
from importlib.util import find_spec
from pathlib import Path

from unrolled.core.book import chapters
from unrolled.experiments.ledger.declaring import Claim

PACKAGE = "unrolled.experiments"


class UnknownClaim(LookupError):  # noqa: N818
    """No claim or chapter has this name."""


def ids(package: str = PACKAGE) -> tuple[str, ...]:
    """Return every claim's id, in the order of the book's chapters and then by name.

    They are the names of files; nothing is imported.
    """
    folders = [init.parent for init in _folder(package).glob("[a-z]*/__init__.py")]
    order = {chapter: place for place, chapter in enumerate(chapters())}
    return tuple(
        f"{folder.name}.{file.stem}"
        for folder in sorted(folders, key=lambda each: (order.get(each.name, len(order)), each))
        if folder != Path(__file__).parent
        for file in sorted(folder.glob("[a-z]*.py"))
    )


def chosen(names: Sequence[str], package: str = PACKAGE) -> tuple[str, ...]:
    """Return the ids meant by some ids and chapters; all of them without any.

    Raises
    ------
    UnknownClaim
        If a name is neither; it says which are near.
    """
    known = ids(package)
    for name in names:
        if name not in known and not any(each.startswith(f"{name}.") for each in known):
            raise UnknownClaim(_unknown(name, known))
    return tuple(
        each for each in known if not names or each in names or each.split(".")[0] in names
    )


def find(claim_id: str, package: str = PACKAGE) -> Claim:
    """Return a claim by its id.

    Raises
    ------
    UnknownClaim
        If there is no file of that name; it says which are near. Nothing is imported then.
    TypeError
        If the file's ``CLAIM`` is none.
    """
    if claim_id not in (known := ids(package)):
        raise UnknownClaim(_unknown(claim_id, known))
    return _declared_in(f"{package}.{claim_id}", claim_id)


def _declared_in(module: str, claim_id: str) -> Claim:
    claim = getattr(import_module(module), "CLAIM", None)
    if not isinstance(claim, Claim):
        raise TypeError(f"{module}.CLAIM must be a Claim, got {claim!r}")
    if claim.id != claim_id:
        raise ValueError(f"{module}.CLAIM must have the id {claim_id!r}, got {claim.id!r}")
    return claim


def _unknown(name: str, known: Sequence[str]) -> str:
    places = [*known, *dict.fromkeys(each.split(".")[0] for each in known)]
    near = get_close_matches(name, places, n=3, cutoff=0.5)
    if not near:  # the last part alone may say which was meant
        near = [
            each
            for each in known
            if each.split(".")[1]
            in get_close_matches(name.split(".")[-1], [one.split(".")[1] for one in known], n=2)
        ]
    hint = f"Near are: {', '.join(near)}" if near else f"There are: {', '.join(places)}"
    return f"No claim or chapter {name!r}. {hint}."


def _folder(package: str) -> Path:
    """Return a package's folder, without importing it."""
    spec = sys.modules[package].__spec__ if package in sys.modules else find_spec(package)
    if spec is None or not spec.submodule_search_locations:
        raise ModuleNotFoundError(f"package must be a package of claims, got {package!r}")
    return Path(spec.submodule_search_locations[0])
