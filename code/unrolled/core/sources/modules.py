"""What the names of a module stand for, read from its syntax tree."""

from __future__ import annotations

import ast
from collections import defaultdict
from collections.abc import Iterator
from dataclasses import dataclass, field
from functools import lru_cache

from unrolled.core.sources.files import taken

Function = ast.FunctionDef | ast.AsyncFunctionDef | ast.Lambda
SCOPES = (ast.FunctionDef, ast.AsyncFunctionDef, ast.Lambda, ast.ClassDef)
COMPREHENSIONS = (ast.ListComp, ast.SetComp, ast.DictComp, ast.GeneratorExp)

FILLING = ("add", "append", "extend", "setdefault", "update")  # of a container


@dataclass(frozen=True)
class Module:
    """A module's statements, by what they do when it is imported.

    Attributes
    ----------
    bound
        For each name: the statements at its top that define, assign or change it.
    imported
        For each name that an import at its top sets: the dotted names it stands for.
    starred
        Modules of which it takes ``*``.
    effects
        Statements that do something else: calls, changes of what other modules own.
    loads
        Dotted names that are imported when it is.
    """

    name: str
    text: str
    is_package: bool
    tree: ast.Module
    bound: dict[str, list[ast.stmt]] = field(default_factory=lambda: defaultdict(list))
    imported: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    starred: list[str] = field(default_factory=list)
    effects: list[ast.stmt] = field(default_factory=list)
    loads: list[str] = field(default_factory=list)

    @property
    def parents(self) -> list[str]:
        """The package that its relative imports start from."""
        parts = self.name.split(".")
        return parts if self.is_package else parts[:-1]

    def lines(self, statement: ast.stmt) -> str:
        """Return a statement as it is written, with its decorators."""
        first = min(
            [statement.lineno, *(d.lineno for d in getattr(statement, "decorator_list", ()))]
        )
        return "\n".join(self.text.splitlines()[first - 1 : statement.end_lineno])


@lru_cache(maxsize=512)
def parse(name: str, text: str, is_package: bool = False) -> Module:
    """Read a module.

    Raises
    ------
    SyntaxError
        If ``text`` is not valid Python; its file name is the module's name.
    """
    module = Module(name, text, is_package, ast.parse(text, filename=name or "<source>"))
    for statement in module.tree.body:
        _enter(module, statement, statement)
    return module


@dataclass
class Mentions:
    """What a statement mentions, wherever in it.

    Attributes
    ----------
    chains
        Names that are read, each with the attributes asked of it: ``a.b.c`` as a tuple. Left out
        is what a function calls its own.
    imported, loads
        As of a module, by the imports inside the statement.
    texts
        Strings with a dot: they may name a module.
    computed
        Whether a module is imported whose name is computed.
    caught
        What stands after ``except``, where the code goes on after it; None for nothing.
    """

    chains: set[tuple[str, ...]] = field(default_factory=set)
    imported: dict[str, list[str]] = field(default_factory=lambda: defaultdict(list))
    loads: list[str] = field(default_factory=list)
    texts: set[str] = field(default_factory=set)
    computed: bool = False
    caught: list[ast.expr | None] = field(default_factory=list)


def mentions_of(node: ast.AST, parents: list[str]) -> Mentions:
    """Return what a statement mentions; its relative imports start from ``parents``."""
    found = Mentions()
    _collect(node, frozenset(), parents, found)
    return found


def _collect(node: ast.AST, hidden: frozenset[str], parents: list[str], found: Mentions) -> None:
    """Add what a node mentions; ``hidden`` are the names of the functions around it."""
    match node:
        case ast.Name() | ast.Attribute():
            if chain := chain_of(node):
                if chain[0] not in hidden:
                    found.chains.add(tuple(chain))
                return
        case ast.Constant(value=value):
            if isinstance(value, str) and "." in value:
                found.texts.add(value)
            return
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.Lambda():
            own = hidden | locals_of(node)
            body = node.body if isinstance(node.body, list) else [node.body]
            for each in body:
                _collect(each, own, parents, found)
            for each in [*getattr(node, "decorator_list", []), node.args]:
                _collect(each, hidden, parents, found)
            return
        case ast.ListComp() | ast.SetComp() | ast.DictComp() | ast.GeneratorExp():
            _collect(node.generators[0].iter, hidden, parents, found)
            hidden |= targets_of(node)
        case ast.Import() | ast.ImportFrom():
            _take(node, parents, found.imported, [], found.loads)
        case ast.ExceptHandler(type=kind) if not gives_up(node.body):
            found.caught += kind.elts if isinstance(kind, ast.Tuple) else [kind]
        case ast.Call():
            called = chain_of(node.func)[-1:]
            if called == ["suppress"]:
                found.caught += node.args
            elif called == ["import_module"] and not isinstance(node.args[0], ast.Constant):
                found.computed = True
    for child in children(node):
        _collect(child, hidden, parents, found)


def children(node: ast.AST) -> Iterator[ast.AST]:
    """Yield the nodes that a node holds, also one that lacks some fields."""
    for name in node._fields:
        value = getattr(node, name, None)
        if isinstance(value, ast.AST):
            yield value
        elif isinstance(value, list):
            for each in value:
                if isinstance(each, ast.AST):
                    yield each


def gives_up(body: list[ast.stmt]) -> bool:
    """Say whether some statements end with an error, whatever happens in them."""
    leaves = (ast.Return, ast.Break, ast.Continue, ast.Yield, ast.YieldFrom)
    return isinstance(body[-1] if body else None, ast.Raise) and not any(
        isinstance(node, leaves) for each in body for node in ast.walk(each)
    )


def chain_of(node: ast.expr) -> list[str]:
    """Return ``["a", "b", "c"]`` for ``a.b.c``; nothing for what does not begin with a name."""
    attributes = list[str]()
    while isinstance(node, ast.Attribute):
        attributes.append(node.attr)
        node = node.value
    return [node.id, *reversed(attributes)] if isinstance(node, ast.Name) else []


def locals_of(function: Function) -> frozenset[str]:
    """Return the names that are a function's own, whatever they are outside it."""
    own, foreign = set[str](), set[str]()
    args = function.args
    for arg in (*args.posonlyargs, *args.args, *args.kwonlyargs, args.vararg, args.kwarg):
        own.update([arg.arg] if arg else [])
    todo: list[ast.AST] = list(function.body) if isinstance(function.body, list) else []
    while todo:
        match todo.pop():
            case ast.Name(id=name, ctx=ast.Store() | ast.Del()):
                own.add(name)
            case ast.Global(names=words) | ast.Nonlocal(names=words):
                foreign.update(words)
            case ast.FunctionDef(name=name) | ast.AsyncFunctionDef(name=name):
                own.add(name)
            case ast.ClassDef(name=name):
                own.add(name)
            case ast.Import(names=names) | ast.ImportFrom(names=names):
                own.update(alias.asname or alias.name.partition(".")[0] for alias in names)
            case ast.ExceptHandler(name=str(name)) as node:
                own.add(name)
                todo += children(node)
            case node if not isinstance(node, (*SCOPES, *COMPREHENSIONS)):
                todo += children(node)
    return frozenset(own - foreign)


def targets_of(comprehension: ast.expr) -> frozenset[str]:
    """Return the names that a comprehension sets for itself."""
    generators = [each for each in children(comprehension) if isinstance(each, ast.comprehension)]
    return frozenset(
        node.id
        for generator in generators
        for node in ast.walk(generator.target)
        if isinstance(node, ast.Name)
    )


def is_for_types(test: ast.expr) -> bool:
    """Say whether a condition is ``TYPE_CHECKING``."""
    return chain_of(test)[-1:] == ["TYPE_CHECKING"]


def _enter(module: Module, inner: ast.stmt, outer: ast.stmt) -> None:
    """Note what a statement does; ``outer`` is the one at the top that holds it."""
    match inner:
        case ast.Import() | ast.ImportFrom():
            names = defaultdict[str, list[str]](list)
            _take(inner, module.parents, names, module.starred, module.loads)
            for name, origins in names.items():
                module.imported[name] += origins
                if inner is not outer:
                    module.bound[name].append(outer)
        case ast.FunctionDef() | ast.AsyncFunctionDef() | ast.ClassDef():
            module.bound[inner.name].append(outer)
            for node in ast.walk(inner):
                if isinstance(node, ast.Global):
                    for name in node.names:
                        module.bound[name].append(outer)
        case ast.If() if is_for_types(inner.test):
            _enter_all(module, inner.orelse, outer)
        case ast.If(test=ast.Compare(left=ast.Name(id="__name__"))):
            pass
        case ast.Assign() | ast.AnnAssign() | ast.AugAssign() | ast.Delete():
            _enter_targets(module, inner, outer)
        case ast.Expr(value=ast.Constant()) | ast.Pass() | ast.Assert() | ast.Global():
            pass
        case ast.Expr(value=ast.Call(func=ast.Attribute(value=ast.Name(id=name), attr=method))) if (
            method in FILLING and any(map(_makes_container, module.bound[name]))
        ):
            module.bound[name].append(outer)
        case ast.Expr() | ast.Raise():
            module.effects.append(outer)
        case _:  # if, try, with, loops, match: what they hold, and the names they set themselves
            for node in ast.iter_child_nodes(inner):
                if isinstance(node, ast.stmt):
                    _enter(module, node, outer)
                elif isinstance(node, ast.ExceptHandler | ast.match_case):
                    _enter_all(module, node.body, outer)
    for node in _walk_scope(inner):
        if isinstance(node, ast.Name) and not isinstance(node.ctx, ast.Load):
            module.bound[node.id].append(outer)


def _makes_container(node: ast.stmt) -> bool:
    return isinstance(getattr(node, "value", None), ast.Dict | ast.List | ast.Set)


def _enter_all(module: Module, statements: list[ast.stmt], outer: ast.stmt) -> None:
    for statement in statements:
        _enter(module, statement, outer)


def _enter_targets(module: Module, inner: ast.stmt, outer: ast.stmt) -> None:
    """Note whose attribute or element an assignment sets: ``X["a"] = ...`` changes X."""
    for node in ast.walk(inner):
        if isinstance(node, ast.Attribute | ast.Subscript) and not isinstance(node.ctx, ast.Load):
            root: ast.expr = node
            while isinstance(root, ast.Attribute | ast.Subscript):
                root = root.value
            if isinstance(root, ast.Name) and root.id not in module.imported:
                module.bound[root.id].append(outer)
            else:
                module.effects.append(outer)


def _walk_scope(node: ast.AST) -> Iterator[ast.AST]:
    """Walk a statement, but not into functions, classes and the statements it holds."""
    if isinstance(node, SCOPES):
        return
    if isinstance(node, COMPREHENSIONS):  # its names are its own, but for those set by :=
        yield from (each.target for each in ast.walk(node) if isinstance(each, ast.NamedExpr))
        return
    yield node
    for child in children(node):
        if not isinstance(child, ast.stmt | ast.ExceptHandler | ast.match_case):
            yield from _walk_scope(child)


def _take(
    node: ast.Import | ast.ImportFrom,
    parents: list[str],
    names: dict[str, list[str]],
    starred: list[str],
    loads: list[str],
) -> None:
    """Note what an import sets and loads."""
    if isinstance(node, ast.Import):
        for alias in node.names:
            root = alias.name.partition(".")[0]
            names[alias.asname or root].append(alias.name if alias.asname else root)
            loads.append(alias.name)
        return
    for name, origin in taken(node, parents).items():
        loads.append(origin)
        if name == "*":
            starred.append(origin)
        else:
            names[name].append(origin)
