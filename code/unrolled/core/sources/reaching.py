"""Which definitions some code reaches, and what they say."""

from __future__ import annotations

import ast
import builtins
import hashlib
import os
from collections import defaultdict
from collections.abc import Iterable, Sequence
from pathlib import Path
from typing import NamedTuple

from unrolled.core.kinds import flag, folder, several, string
from unrolled.core.sources.files import PACKAGE, skeleton
from unrolled.core.sources.modules import Module, chain_of, mentions_of, parse
from unrolled.core.sources.words import Plain, decisive

_ANY = frozenset({"BaseException"})  # what may be caught if nothing is known
_NEARLY_ANY = frozenset({"BaseException", "Exception"})
_UNSEEN = ("globals", "eval", "exec", "__import__")  # they may read any name of the module


class Place(NamedTuple):
    """Where a dotted name leads: a name in a module, a whole module, or out of the package."""

    module: str  # "" outside the package
    name: str | None  # None: the whole module


def reach(names: Iterable[str], *, prose: bool = False, package: Path = PACKAGE) -> dict[str, str]:
    """Return every definition that some definitions reach, by its dotted name.

    Beside them stands what an import calls one of them (under ``module.name`` where it leads), and
    under a module's name what it does besides to define, or all of it.

    Followed are all names of the package that a function, a class (with all its methods and bases)
    or a constant mentions, wherever they come from. What cannot be resolved (``from a import *``
    of another package, ``eval``) counts as all of its module. Statements that do more at the top of
    a module than define and assign count with every module that is imported.

    A module's name that is computed cannot be seen, nor can a method that is looked up by a text
    on an object that no reached code makes.

    Parameters
    ----------
    names : iterable of str
        Dotted names such as ``unrolled.windows.lag_matrix``. A method counts as its class, a module
        as all that it defines, a name outside the package for nothing.
    prose : bool
        Return the texts as they are written; else without what changes no result: words, layout,
        annotations, messages, and whatever only checks (see ``words``).
    package : Path
        Folder of the package, whose name is the package's name.

    Raises
    ------
    TypeError
        If ``names`` is one string.
    SyntaxError
        If a reached file is not valid Python.
    """
    wanted = several("names", names, of=str)
    flag("prose", prose)
    graph = _graph(package)
    return graph.reach([place for name in wanted for place in graph.resolve(name)], prose)


def digest_reached(names: Iterable[str], *, prose: bool = False, package: Path = PACKAGE) -> str:
    """Return 16 hexadecimal digits of the SHA-256 of all that some definitions reach."""
    sha = hashlib.sha256()
    for name, text in sorted(reach(names, prose=prose, package=package).items()):
        sha.update(f"{name}\0{text}\0".encode())
    return sha.hexdigest()[:16]


def written(names: Iterable[str], *, package: Path = PACKAGE) -> dict[str, str]:
    """Return some definitions themselves as they are written, by the names ``reach`` gives them."""
    wanted = several("names", names, of=str)
    graph = _graph(package)
    places = {place for name in wanted for place in graph.resolve(name) if place.module}
    return {_dotted(place): graph.written(place) for place in places}


def mentions(source: str, *, package: Path = PACKAGE) -> set[str]:
    """Return the dotted names of the package that a text mentions, as ``reach`` takes them.

    Parameters
    ----------
    source : str
        Python: a script, or the code of a notebook without its magics.
    package : Path
        Folder of the package.

    Raises
    ------
    SyntaxError
        If ``source`` is not valid Python.
    """
    graph, module = _graph(package), parse("", string("source", source))
    statements = [n for n in module.tree.body if not isinstance(n, ast.Import | ast.ImportFrom)]
    places = {p for node in statements for p in graph.mentioned(module, node).places}
    return {f"{p.module}.{p.name or '*'}" for p in places if p.module}


def _graph(package: Path) -> Graph:
    """Return the graph of a package as it stands on the disk now."""
    texts = dict[str, tuple[str, bool]]()
    for place, _, files in os.walk(folder("package", package)):
        parts = Path(place).relative_to(package.parent).parts
        for file in files:
            stem, dot, suffix = file.partition(".")
            if f"{dot}{suffix}" == ".py":
                is_package = stem == "__init__"
                name = ".".join(parts if is_package else (*parts, stem))
                with open(f"{place}/{file}", encoding="utf-8") as text:  # noqa: PTH123  (speed)
                    texts[name] = text.read(), is_package
    for name in list(texts):  # a folder without __init__ is an empty package
        while name := name.rpartition(".")[0]:
            texts.setdefault(name, ("", True))
    key = package.name, tuple(sorted(texts.items()))
    if key not in _GRAPHS:
        _GRAPHS.clear()
        _GRAPHS[key] = Graph(package.name, texts)
    return _GRAPHS[key]


_GRAPHS: dict[object, Graph] = {}  # the last one: asked 40 times in a row


class _Mentioned(NamedTuple):
    """Where the names lead that one statement mentions."""

    places: set[Place]
    aliases: dict[str, str]  # what the imports call it
    loads: list[str]  # modules that it imports itself
    caught: set[str]  # exceptions after which it goes on


class _Found(NamedTuple):
    """What one definition says, and where it leads."""

    plain: str
    places: list[Place]
    aliases: dict[str, str]
    loads: list[str]
    caught: set[str]


class Graph:
    """A package's definitions, and what each mentions."""

    def __init__(self, package: str, texts: dict[str, tuple[str, bool]]) -> None:
        self.package, self._texts = package, texts
        unreached = ("core.validate", "core.kinds", "training.progress_bar")
        self._unreached = tuple(f"{package}.{name}" for name in unreached)
        self._modules: dict[str, Module] = {}
        self._resolved: dict[str, list[Place]] = {}
        self._plain: dict[tuple[str, int, frozenset[str]], list[ast.stmt]] = {}
        self._found: dict[tuple[Place, frozenset[str]], _Found] = {}
        self._loaded: dict[str, frozenset[str]] = {}
        self._done_by: dict[str, list[ast.stmt]] = {}
        self._idle: dict[str, bool] = {}

    def reach(self, places: Iterable[Place], prose: bool) -> dict[str, str]:
        """Return the texts of all that some places reach, by dotted name."""
        caught, places = _ANY if prose else frozenset[str](), list(places)
        while True:
            found = self._closure(places, caught)
            more = {name for each in found.values() for name in each.caught}
            if more <= caught or caught == _ANY:
                break
            caught = _ANY if more & _NEARLY_ANY else caught | more
        texts, aliases = defaultdict[str, list[str]](list), dict[str, str]()
        for place, each in found.items():
            texts[_dotted(place)].append(self.written(place) if prose else each.plain)
            aliases |= each.aliases
        for name, origin in aliases.items():  # a name may be imported, and defined as well
            texts[name].append(origin)
        return {name: "\n".join(sorted(parts)) for name, parts in texts.items()}

    def resolve(self, dotted: str) -> list[Place]:
        """Return where a dotted name leads, through whatever hands it on."""
        if dotted not in self._resolved:
            self._resolved[dotted] = []  # a circle leads nowhere
            self._resolved[dotted] = self._resolve(dotted)
        return self._resolved[dotted]

    def mentioned(self, module: Module, node: ast.AST) -> _Mentioned:
        """Return where the names that a statement mentions lead."""
        found, places, aliases = mentions_of(node, module.parents), set[Place](), dict[str, str]()
        for origins in found.imported.values():
            places.update(place for origin in origins for place in self.resolve(origin))
        places.update(Place(text, None) for text in found.texts if text in self._texts)
        for root, *attributes in found.chains:
            if root in module.imported:
                aliases[f"{module.name}.{root}"] = self._alias(module, root)
                places.update(self._follow(self._origins(module, root), attributes))
            if root in module.bound:
                places.add(Place(module.name, root))
            elif root not in module.imported:
                places.update(self._unbound(module, root))
        if found.computed and module.name:
            places.add(Place(module.name, None))
        caught = {self._error(module, kind) for kind in found.caught}
        return _Mentioned(places, aliases, found.loads, caught)

    def _error(self, module: Module, kind: ast.expr | None) -> str:
        """Return the name of what is caught; an unknown expression may stand for anything."""
        chain = chain_of(kind) if kind else []
        meaning = self._meaning(module, chain) if chain else ""
        if not meaning or meaning.startswith(f"{self.package}."):
            return "BaseException"
        return meaning.removeprefix("builtins.")

    def _resolve(self, dotted: str) -> list[Place]:
        module, *rest = dotted.split(".")
        if module != self.package or module not in self._texts:
            return [Place("", dotted)]
        while len(rest) > 1 and f"{module}.{rest[0]}" in self._texts:
            module, rest = f"{module}.{rest[0]}", rest[1:]
        return self._follow([Place(module, None)], rest)

    def _follow(self, places: list[Place], attributes: Iterable[str]) -> list[Place]:
        """Ask places for an attribute, and that for the next, as long as they are modules."""
        for name in attributes:
            places = [found for place in places for found in self._attribute(place, name)]
        return places

    def _attribute(self, place: Place, name: str) -> list[Place]:
        if not place.module:
            return [Place("", f"{place.name}.{name}")]
        if place.name is not None or name == "*":
            return [place]
        module = self._module(place.module)
        found = [Place(module.name, name)] if name in module.bound else []
        found += self._origins(module, name)
        if found:
            return found
        if f"{module.name}.{name}" in self._texts:
            return [Place(f"{module.name}.{name}", None)]
        return self._unbound(module, name) or [place]

    def _origins(self, module: Module, name: str) -> list[Place]:
        """Return where the imports at a module's top have a name from."""
        return [place for origin in module.imported.get(name, ()) for place in self.resolve(origin)]

    def _alias(self, module: Module, name: str) -> str:
        return " ".join(sorted(map(_dotted, self._origins(module, name))))

    def _unbound(self, module: Module, name: str) -> list[Place]:
        """Look for a name that a module does not set itself: Python's, or of ``import *``."""
        for starred in module.starred:
            source = self._texts.get(starred) and self._module(starred)
            if source and (name in source.bound or name in source.imported):
                return self._attribute(Place(starred, None), name)
        if name in _UNSEEN:
            return [Place(module.name, None)] if module.name else []
        if hasattr(builtins, name):
            return []
        if "__getattr__" in module.bound:
            return [Place(module.name, "__getattr__")]
        return [Place(module.name, None)] if module.starred and module.name else []

    def _module(self, name: str) -> Module:
        if name not in self._modules:
            self._modules[name] = parse(name, *self._texts[name])
        return self._modules[name]

    def _closure(self, places: Iterable[Place], caught: frozenset[str]) -> dict[Place, _Found]:
        """Return all that is reached from some places, with the effects of loading it."""
        found = dict[Place, _Found]()
        todo, loaded = list(places), set[str]()
        while todo:
            place = todo.pop()
            if place in found or not place.module or place.module in self._unreached:
                continue
            found[place] = each = self._look(place, caught)
            todo += each.places
            for module in {place.module, *each.loads} - loaded:
                for name in self._loads_of(module) - loaded:
                    loaded.add(name)
                    if self._effects(name):
                        todo.append(Place(name, ""))
        return found

    def _look(self, place: Place, caught: frozenset[str]) -> _Found:
        """Read one definition, the effects of a module (the name "") or all of it (None)."""
        key = place, caught
        if key not in self._found:
            self._found[key] = self._read(place, caught)
        return self._found[key]

    def written(self, place: Place) -> str:
        """Return what a place says as it is written."""
        module = self._module(place.module)
        if place.name is None:
            return module.text
        return "\n".join(map(module.lines, self._statements(place)))

    def _statements(self, place: Place) -> list[ast.stmt]:
        module = self._module(place.module)
        if place.name is None:
            return module.tree.body
        if place.name == "":
            return self._effects(module.name)
        return list(dict.fromkeys(module.bound[place.name]))

    def _read(self, place: Place, caught: frozenset[str]) -> _Found:
        module, statements = self._module(place.module), self._statements(place)
        left = [each for node in statements for each in self._without_words(module, node, caught)]
        places, aliases, loads, errors = set[Place](), dict[str, str](), list[str](), set[str]()
        for node in left:
            more = self.mentioned(module, node)
            places |= more.places
            aliases |= more.aliases
            loads += more.loads
            errors |= more.caught
        if place.name is None:
            for name in module.imported:
                aliases[f"{module.name}.{name}"] = self._alias(module, name)
                places.update(self._origins(module, name))
            places.update(p for name in module.starred for p in self.resolve(f"{name}.*"))
        return _Found(
            "\n".join(map(skeleton, left)),
            sorted((p for p in places if p.module), key=str),
            aliases,
            loads,
            errors,
        )

    def _without_words(
        self, module: Module, node: ast.stmt, caught: frozenset[str]
    ) -> list[ast.stmt]:
        caught = decisive(node, caught)
        key = module.name, id(node), caught
        if key not in self._plain:
            is_import = isinstance(node, ast.Import | ast.ImportFrom)
            self._plain[key] = [] if is_import else self._writer(module, caught)(node)
        return self._plain[key]

    def _writer(self, module: Module, caught: frozenset[str]) -> Plain:
        return Plain(
            self.package,
            lambda chain: self._meaning(module, chain),
            self._function,
            lambda name: self._is_idle(name, caught),
            caught,
        )

    def _meaning(self, module: Module, chain: Sequence[str]) -> str:
        """Return the one dotted name that ``a.b`` stands for at a module's top, or ""."""
        root, *attributes = chain
        if root in module.bound:
            places = self._follow([Place(module.name, root)], attributes)
            places = [] if root in module.imported else places
        elif root in module.imported:
            places = self._follow(self._origins(module, root), attributes)
        else:
            return f"builtins.{root}" if hasattr(builtins, root) and not attributes else ""
        return _dotted(places[0]) if len(places) == 1 else ""

    def _function(self, dotted: str) -> ast.FunctionDef | None:
        """Return the package's function of a dotted name, if it is one and only one."""
        module, _, name = dotted.rpartition(".")
        if module not in self._texts:
            return None
        match self._module(module).bound.get(name, []):
            case [ast.FunctionDef() as function]:
                return function
        return None

    def _is_idle(self, dotted: str, caught: frozenset[str]) -> bool:
        """Say whether a function of the package does nothing but check."""
        function = self._function(dotted)
        if function is None or function.decorator_list:
            return False
        key = f"{dotted} {sorted(caught)}"
        if key not in self._idle:
            self._idle[key] = False  # who calls itself does more
            module = self._module(dotted.rpartition(".")[0])
            self._idle[key] = self._writer(module, caught).only_checks(function)
        return self._idle[key]

    def _loads_of(self, name: str) -> frozenset[str]:
        """Return the modules of the package that are loaded when one is imported."""
        if name not in self._loaded:
            loaded, todo = set[str](), [name]
            while todo:
                parts = todo.pop().split(".")
                for end in range(1, len(parts) + 1):
                    each = ".".join(parts[:end])
                    if each in self._texts and each not in loaded:
                        loaded.add(each)
                        todo += self._module(each).loads
            self._loaded[name] = frozenset(loaded)
        return self._loaded[name]

    def _effects(self, name: str) -> list[ast.stmt]:
        """Return what a module does besides to define: also by its own decorators and bases."""
        if name not in self._done_by:
            module = self._module(name)
            effects = list(module.effects)
            for statements in module.bound.values():
                effects += (node for node in statements if self._is_noted(module, node))
            self._done_by[name] = list(dict.fromkeys(effects))
        return self._done_by[name]

    def _is_noted(self, module: Module, node: ast.stmt) -> bool:
        """Say whether code of the package is told of a definition as soon as it is made."""
        if not isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return False
        return any(self._may_note(module, each) for each in node.decorator_list) or (
            isinstance(node, ast.ClassDef) and self._tells_its_bases(module, node)
        )

    def _may_note(self, module: Module, decorator: ast.expr) -> bool:
        """Say whether a decorator is the package's and does more than return something."""
        is_made = isinstance(decorator, ast.Call)
        chain = chain_of(decorator.func if isinstance(decorator, ast.Call) else decorator)
        dotted = self._meaning(module, chain) if chain else ""
        if not dotted.startswith(f"{self.package}."):
            return False
        function = self._function(dotted)
        writer = self._writer(self._module(dotted.rpartition(".")[0]), _ANY) if function else None
        return not (function and writer and writer.is_quiet(function, with_inner=is_made))

    def _tells_its_bases(self, module: Module, node: ast.ClassDef) -> bool:
        """Say whether a class has a metaclass, or a base of the package that hears of it."""
        if node.keywords:
            return True
        for base in node.bases:
            dotted = self._meaning(module, chain_of(base)) if chain_of(base) else ""
            home, _, name = dotted.rpartition(".")
            for each in self._module(home).bound.get(name, []) if home in self._texts else []:
                if isinstance(each, ast.ClassDef) and (
                    any(
                        isinstance(method, ast.FunctionDef) and method.name == "__init_subclass__"
                        for method in each.body
                    )
                    or self._tells_its_bases(self._module(home), each)
                ):
                    return True
        return False


def _dotted(place: Place) -> str:
    """Return the dotted name of a definition, a module, or something outside the package."""
    return ".".join(filter(None, place))
