"""What a measurement and its verdict stand on, as digests: the experiment's code, the judge's."""

from __future__ import annotations

import ast
import hashlib
import json
import sys
from collections import Counter
from collections.abc import Iterable, Iterator
from pathlib import Path
from types import BuiltinFunctionType, CodeType, FunctionType
from typing import Any

from unrolled.core.sources import reach, skeleton
from unrolled.experiments.ledger.declaring import Claim

Node = ast.Lambda | ast.FunctionDef
Place = tuple[int, int]  # line and column


def code(claim: Claim) -> str:
    """Return the digest of all that a claim's experiment reaches; words and layout do not count.

    Raises
    ------
    ValueError
        If the experiment is no function at the top of a module of a package.
    """
    return _digest(reached([experiment(claim)], _package(claim)))


def experiment(claim: Claim) -> str:
    """Return the dotted name of a claim's experiment."""
    name = f"{claim.experiment.__module__}.{claim.experiment.__qualname__}"
    if "<" in name:
        raise ValueError(f"{claim.id}: experiment must stand at the top of its module, got {name}")
    return name


def judge(claim: Claim) -> str:
    """Return the digest of a claim's criterion as code, with all that it reaches.

    A lambda is found in its file by where it stands, and what it has closed over counts.

    Raises
    ------
    TypeError
        If ``holds`` is no plain function, or has closed over what has no value to compare.
    ValueError
        If its source cannot be found.
    """
    text, names = _written(claim, claim.holds)
    return _digest(f"{text}\0{reached(names, _package(claim))}")


def reached(names: Iterable[str], package: Path) -> str:
    """Write all that some definitions reach, by their own names: where they stand is no matter.

    Where two of one name are reached it does matter, and their modules are written too.
    """
    texts = reach(names, package=package)
    definitions = {name: text for name, text in texts.items() if "(" in text}
    count = Counter(map(_last, definitions))

    def own(name: str) -> str:
        return _last(name) if count[_last(name)] == 1 else name

    said = {f"{own(name)}={text}" for name, text in definitions.items()}
    for name, leads_to in texts.items() - definitions.items():  # what imports call things
        targets = [own(each) if _is_in(package, each) else each for each in leads_to.split()]
        if targets != [_last(name)]:
            said.add(f"{_last(name)} is {' '.join(targets)}")
    return "\0".join(sorted(said))


def _is_in(package: Path, dotted: str) -> bool:
    return dotted.startswith(f"{package.name}.")


def _last(dotted: str) -> str:
    return dotted.rpartition(".")[2]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def sources(claim: Claim) -> list[Path]:
    """Return the files that a claim's measurements and verdict depend on, and its own."""
    used = [experiment(claim), *_written(claim, claim.holds)[1]]
    package = _package(claim)
    names = {claim.module, *reach(used, package=package)}
    return sorted({path for name in names if (path := _file(package, name))})


def _file(package: Path, dotted: str) -> Path | None:
    """Return the file of the module that a dotted name stands in."""
    parts = dotted.split(".")[1:]
    for end in range(len(parts), -1, -1):
        place = package.joinpath(*parts[:end])
        for path in (place.with_suffix(".py"), place / "__init__.py"):
            if path.is_file():
                return path
    return None


def _written(claim: Claim, holds: object) -> tuple[str, list[str]]:
    """Return what a judge says itself, and the dotted names of what it calls."""
    if isinstance(holds, BuiltinFunctionType | type):
        return f"{holds.__module__}.{holds.__qualname__}", []
    if not isinstance(holds, FunctionType):
        raise TypeError(f"{claim.id}: holds must be a lambda or a function, got {holds!r}")
    if "<" not in holds.__qualname__:
        return holds.__qualname__, [f"{holds.__module__}.{holds.__qualname__}"]
    node = _node(claim.id, holds.__code__)
    names = {each.id for each in ast.walk(node) if isinstance(each, ast.Name)}
    used = [f"{holds.__module__}.{name}" for name in sorted(names & set(holds.__globals__))]
    texts = [skeleton(node)]
    for name, cell in zip(holds.__code__.co_freevars, holds.__closure__ or (), strict=True):
        text, more = _value(claim, cell.cell_contents)
        texts, used = [*texts, f"{name}={text}"], used + more
    return "\0".join(texts), used


def _value(claim: Claim, value: object) -> tuple[str, list[str]]:
    """Write what a judge has closed over."""
    if isinstance(value, FunctionType | BuiltinFunctionType | type):
        return _written(claim, value)
    try:
        return json.dumps(value, sort_keys=True), []
    except (TypeError, ValueError):
        raise TypeError(
            f"{claim.id}: holds must close over plain values only, got {value!r}"
        ) from None


def _node(claim_id: str, code: CodeType) -> Node:
    """Find a lambda or an inner function in its file, by its place there."""
    path = Path(code.co_filename)
    if not path.is_file():
        raise ValueError(f"{claim_id}: holds must stand in a file, got one from {path}")
    tree = ast.parse(path.read_text(encoding="utf-8"))
    kind = ast.Lambda if code.co_name == "<lambda>" else ast.FunctionDef
    here = [
        node
        for node in ast.walk(tree)
        if isinstance(node, kind) and _first_line(node) == code.co_firstlineno
    ]
    if len(here) > 1:  # the innermost around all that it executes
        places = [*_places(code)]
        around = [node for node in here if places and _holds_all(node, places)]
        here = sorted(around, key=_extent, reverse=True)[:1]
    if not here:
        raise ValueError(
            f"{claim_id}: holds was not found in line {code.co_firstlineno} of {path}: "
            "the file has changed since it was imported, or several stand there"
        )
    return here[0]


def _first_line(node: Node) -> int:
    decorators = node.decorator_list if isinstance(node, ast.FunctionDef) else []
    return min(each.lineno for each in [node, *decorators])


def _places(code: CodeType) -> Iterator[Place]:
    """Yield where the expressions stand that a function executes."""
    for line, end_line, column, end_column in code.co_positions():
        if line is None or column is None or (line, column) == (end_line, end_column):
            continue
        yield line, column


def _holds_all(node: Any, places: list[Place]) -> bool:
    begin, end = _extent(node), (node.end_lineno, node.end_col_offset)
    return all(begin <= place < end for place in places)


def _extent(node: Any) -> Place:
    first = node.body if isinstance(node, ast.Lambda) else node
    return first.lineno, first.col_offset


def _package(claim: Claim) -> Path:
    """Return the folder of the package that a claim's experiment stands in."""
    module = claim.experiment.__module__
    file = sys.modules[module.split(".")[0]].__file__
    if file is None or Path(file).name != "__init__.py":
        raise ValueError(f"{claim.id}: experiment must stand in a package, got module {module}")
    return Path(file).parent
