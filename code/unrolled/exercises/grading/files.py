"""Answers in files, as they come: modules, notebooks, and what is neither."""

from __future__ import annotations

import ast
import io
import json
import linecache
import re
import sys
import tokenize
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from unrolled.exercises.grading.readable import WIDTH

NEEDED = {"matplotlib", "numpy", "pandas", "scipy", "torch"}
LARGEST = 10**7  # bytes: an answer is a page, a notebook may hold pictures


class Unreadable(Exception):  # noqa: N818  (what the file is, said to its author)
    """The file holds no code that Python reads; the message says why."""


@dataclass(frozen=True)
class Code:
    """Pieces of code, run one after the other, each with the file name that errors quote.

    `note` is what the reader should know about the choice.
    """

    pieces: tuple[tuple[str, ast.Module | str], ...]
    note: str = ""


def code_of(path: Path, name: str) -> Code:
    """Read the code that defines a function: a whole module, or the cells of a notebook.

    Raises
    ------
    Unreadable
        If the file is not text in the encoding that Python expects, or a damaged notebook.
    """
    if path.stat().st_size > LARGEST:
        raise Unreadable(f"The file has more than {LARGEST // 10**6} MB; an answer is a page.")
    text = _decoded(path.read_bytes())
    if path.suffix == ".ipynb" or (text.lstrip().startswith("{") and '"cells"' in text):
        return _from_notebook(text, name)
    return Code(((str(path), text),))


def _decoded(data: bytes) -> str:
    if data.startswith((b"\xff\xfe", b"\xfe\xff")) or data.count(0) > len(data) // 4:
        raise Unreadable("The file is in UTF-16. Save it as UTF-8, which Python reads.")
    if 0 in data:
        raise Unreadable("The file is no text: it holds null bytes.")
    try:
        encoding, _ = tokenize.detect_encoding(io.BytesIO(data).readline)
    except SyntaxError as error:
        if "unknown" in error.msg or "problem" in error.msg:  # in the first line
            raise Unreadable(f"Python cannot read the file: {error.msg}.") from None
        encoding = "utf-8"
    try:
        text = data.decode(encoding)
    except UnicodeDecodeError as error:
        line = data.count(b"\n", 0, error.start) + 1
        raise Unreadable(
            f"The file is not in {error.encoding.upper()}, see line {line}. Save it as UTF-8, "
            "which Python reads."
        ) from None
    return io.StringIO(text, newline=None).read()


def explained(error: SyntaxError) -> str:
    """Say where Python stops to understand a file, and which line is for notebooks only."""
    text = (error.text or "").rstrip()
    where = f", line {error.lineno}" if error.lineno else ""
    if re.match(r"\s*[%!]", text):
        return (
            f"Python cannot read the file: line {error.lineno}, `{text.strip()}`, is for notebooks "
            "only. Take it out."
        )
    caret = " " * max((error.offset or 1) - 1, 0) + "^"
    shown = f"\n\n{text}\n{caret}" if text.strip() and max(len(text), len(caret)) <= WIDTH else ""
    return f"Python cannot read the file: {error.msg}{where}.{shown}"


def hiding(folders: Iterable[Path]) -> str:
    """Name a file or folder in one of these that hides a module of the same name, or say ""."""
    for folder in folders:
        found = {path.stem: f"file {path.name}" for path in folder.glob("*.py")}
        found |= {path.parent.name: "folder " + path.parent.name for path in folder.glob(_PACKAGE)}
        for name in sorted(found.keys() & (sys.stdlib_module_names | NEEDED)):
            owner = f"the library {name}" if name in NEEDED else f"Python's module {name}"
            return (
                f"Your {found[name]} hides {owner} from programs beside it. This check looked "
                "past it; Python will not. Give it another name."
            )
    return ""


_PACKAGE = "*/__init__.py"


def _from_notebook(text: str, name: str) -> Code:
    """Take what a function needs out of the cells of a notebook.

    The rest may train for minutes, so it is left out: statements that define nothing, and what
    the function does not use, directly or through others.
    """
    try:
        cells = [cell for cell in json.loads(text)["cells"] if cell["cell_type"] == "code"]
        sources = ["".join(cell["source"]) for cell in cells]
    except (ValueError, KeyError, TypeError):
        raise Unreadable("The file is no notebook that can be read: save it again.") from None
    statements = [
        (number, statement)
        for number, source in enumerate(sources, 1)
        for statement in _statements(source, number, name)
    ]
    defined = [number for number, each in statements if name in _bound(each)]
    wanted, chosen = {name}, set[int]()
    while more := {
        i
        for i, (_, each) in enumerate(statements)
        if i not in chosen and _bound(each) & {*wanted, "*"}
    }:
        chosen |= more
        wanted |= set().union(*(_used(statements[i][1]) for i in more))
    pieces = tuple(
        (_cell(number), ast.Module([each], []))
        for i, (number, each) in enumerate(statements)
        if i in chosen
    )
    several = f"{', '.join(map(str, defined[:-1]))} and {defined[-1]}" if defined[1:] else ""
    note = f"(Code cells {several} define `{name}`; the last was checked.)" if several else ""
    return Code(pieces, note)


def _cell(number: int) -> str:
    return f"<code cell {number}>"


def _statements(source: str, number: int, name: str) -> list[ast.stmt]:
    """Parse a cell without its magics; one that Python cannot read counts if it defines `name`."""
    try:
        tree = ast.parse(source)
    except (SyntaxError, ValueError):
        source = _without_magics(source)
        try:
            tree = ast.parse(source, _cell(number))
        except (SyntaxError, ValueError) as error:
            if isinstance(error, SyntaxError) and re.search(rf"\bdef {name}\b", source):
                raise Unreadable(f"In code cell {number}: {explained(error)}") from None
            return []
    lines = source.splitlines(keepends=True)
    linecache.cache[_cell(number)] = (len(source), None, lines, _cell(number))
    return tree.body


def _without_magics(source: str) -> str:
    """Put `pass` in place of lines that are for the notebook, not for Python."""
    if re.match(r"\s*%%(?!time|capture|prun)", source):
        return ""
    magic = r"^([ \t]*)(?:[\w, ]+=[ \t]*)?(?:[%!].*|\?+[\w.]+|[\w.]+\?+[ \t]*)$"
    return re.sub(magic, r"\1pass", source, flags=re.MULTILINE)


def _bound(statement: ast.stmt) -> set[str]:
    """List the names that a statement defines at the top of a module; "*" for all of another's."""
    if isinstance(statement, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
        return {statement.name}
    if isinstance(statement, ast.Expr):
        return set()
    found = set[str]()
    for node in ast.walk(statement):
        match node:
            case ast.Name(id=name, ctx=ast.Store()):
                found.add(name)
            case ast.FunctionDef(name=name) | ast.ClassDef(name=name):
                found.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                found |= {alias.asname or alias.name.partition(".")[0] for alias in names}
    return found


def _used(statement: ast.stmt) -> set[str]:
    """List the names that a statement may read from the module's; a function's own are left out."""
    nodes = list(ast.walk(statement))
    read = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Load)}
    if not isinstance(statement, ast.FunctionDef):
        return read
    own = {n.id for n in nodes if isinstance(n, ast.Name) and isinstance(n.ctx, ast.Store)}
    return read - own - {n.arg for n in nodes if isinstance(n, ast.arg)}
