"""Which files of the package some code imports, itself or through others; a tree in plain text."""

import ast
from collections.abc import Iterable
from functools import cache
from pathlib import Path

from unrolled.core.kinds import flag, folder, several, string

PACKAGE = Path(__file__).resolve().parents[2]


def closure(modules: Iterable[str], *, package: Path = PACKAGE) -> list[Path]:
    """Return the package's files reached from some modules, sorted.

    Counted are the modules themselves and all that they import, at top level or inside functions,
    absolutely or relatively, also by ``import_module("a literal name")``. A module whose name is
    computed cannot be seen.

    An ``__init__`` that only imports and defines is looked through: who imports one name from it
    stands on where that name comes from, not on all that is offered beside it. So a new module
    of ``unrolled.data`` leaves alone what was measured without it.

    Parameters
    ----------
    modules : iterable of str
        Dotted names, as from :func:`imports`. Names outside the package count for nothing, and a
        name that goes on below a module (``unrolled.windows.lag_matrix``) counts as that module.
    package : Path
        Folder of the package, whose name is the package's name.

    Raises
    ------
    TypeError
        If ``modules`` is one string.
    SyntaxError
        If a reached file is not valid Python.
    """
    todo, seen, found = several("modules", modules, of=str), set[str](), set[Path]()
    folder("package", package)
    while todo:
        name = todo.pop()
        if name in seen:
            continue
        seen.add(name)
        files, origins = _resolve(name, package)
        todo += origins
        for module, path in files:
            if path not in found:
                found.add(path)
                todo += imports(_read(path), module, path.name == "__init__.py")
    return sorted(found)


def imports(source: str, module: str = "", is_package: bool = False) -> set[str]:
    """Return the dotted names that a source text imports, down to what it takes from a module.

    ``from a import b`` gives ``a.b``, whether that is a module or not; ``from a import *`` gives
    ``a``.

    Parameters
    ----------
    source : str
        Python source: a module, or the code of a notebook without its magics.
    module : str
        Name of the module the text belongs to; relative imports are resolved against it.
    is_package : bool
        Whether the text is that module's ``__init__``.

    Raises
    ------
    SyntaxError
        If ``source`` is not valid Python.
    """
    flag("is_package", is_package)
    return set(_imports(string("source", source), string("module", module), is_package))


@cache  # of a text, so a changed file is read anew
def _imports(source: str, module: str, is_package: bool) -> frozenset[str]:
    parents = module.split(".") if is_package else module.split(".")[:-1]
    names = set[str]()
    for node in ast.walk(ast.parse(source, filename=module or "<source>")):
        match node:
            case ast.Import():
                names.update(alias.name for alias in node.names)
            case ast.ImportFrom():
                names.update(taken(node, parents).values())
            case ast.Call(
                func=ast.Name(id="import_module") | ast.Attribute(attr="import_module"),
                args=[ast.Constant(value=str(name)), *_],
            ):
                names.add(name)
    return frozenset(names)


def _resolve(name: str, package: Path) -> tuple[list[tuple[str, Path]], list[str]]:
    """Find the modules, with their files, that a dotted name stands on.

    Second comes where an ``__init__`` on the way takes the name from, if it does.
    """
    module, *rest = name.split(".")
    files: list[tuple[str, Path]] = []
    origins: list[str] = []
    if module != package.name:
        return files, origins
    folder = package
    while True:
        init = folder / "__init__.py"
        below = bool(rest) and _is_module(folder / rest[0])
        if init.is_file():
            offers = _offered(_read(init), module)
            # Of "a.b.c" with a module a.b, b is that module; the b of "a.b" may be either.
            if offers and rest and rest[0] in offers and not (below and len(rest) > 1):
                origins.append(offers[rest[0]])
            elif offers is None or not below:
                files.append((module, init))
        if not below:
            return files, origins
        module, folder, rest = f"{module}.{rest[0]}", folder / rest[0], rest[1:]
        if not folder.is_dir():
            return [*files, (module, folder.with_suffix(".py"))], origins


def _is_module(place: Path) -> bool:
    return place.is_dir() or place.with_suffix(".py").is_file()


@cache
def _offered(source: str, module: str) -> dict[str, str] | None:
    return _offers(ast.parse(source, filename=module), module)


def _offers(tree: ast.Module | ast.If, module: str) -> dict[str, str] | None:
    """Return what an ``__init__`` imports, by name; None if it does more than import and define."""
    names: dict[str, str] = {}
    for node in tree.body:
        match node:
            case ast.ImportFrom() if all(alias.name != "*" for alias in node.names):
                names |= taken(node, module.split("."))
            case ast.If(test=ast.Name(id="TYPE_CHECKING"), orelse=[]):
                names |= _offers(node, module) or {}
            case ast.Expr(value=ast.Constant()):  # the docstring
                pass
            case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef() | ast.Import():
                pass
            case _ if _assigned(node) and all(n.startswith("__") for n in _assigned(node)):
                pass
            case _:
                return None
    return names


def taken(node: ast.ImportFrom, parents: list[str]) -> dict[str, str]:
    """Return what a ``from`` import takes, by the names it gets; ``parents`` is the package."""
    above = parents[: len(parents) - node.level + 1] if node.level else []
    base = ".".join([*above, *filter(None, [node.module])])
    return {
        alias.asname or alias.name: base if alias.name == "*" else f"{base}.{alias.name}"
        for alias in node.names
    }


def _read(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def _assigned(node: ast.stmt) -> set[str]:
    """Return the names that a plain assignment sets."""
    match node:
        case ast.Assign(targets=targets):
            return {target.id for target in targets if isinstance(target, ast.Name)}
        case ast.AnnAssign(target=ast.Name(id=name)):
            return {name}
    return set()


def skeleton(node: object) -> str:
    """Write a syntax tree without docstrings and empty fields, alike under every Python."""
    # ast.dump and ast.unparse would do, but their texts differ between Python versions.
    if isinstance(node, list):
        return "[" + ",".join([skeleton(each) for each in node if not _is_prose(each)]) + "]"
    if not isinstance(node, ast.AST):
        return repr(node)
    inner = []
    for name in sorted(node._fields):
        value = getattr(node, name, None)
        # the constant None is not an empty field
        if (value is not None and value != []) or (name == "value" and type(node) is ast.Constant):
            inner.append(f"{name}={skeleton(value)}")
    return f"{type(node).__name__}({','.join(inner)})"


def _is_prose(node: object) -> bool:
    """Say whether a statement is a string and nothing else: a docstring, of whatever."""
    return (
        isinstance(node, ast.Expr)
        and isinstance(node.value, ast.Constant)
        and isinstance(node.value.value, str)
    )
