"""A statement without its words: what can change no result of code that runs through.

Left out are docstrings, annotations, messages, asserts, guards (``if ...: raise``), the checks of
``unrolled.core.validate`` and ``kinds``, and progress bars. What is left need not be valid Python;
it is compared.
"""

from __future__ import annotations

import ast
import builtins
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from typing import Any

from unrolled.core.sources.modules import (
    COMPREHENSIONS,
    FILLING,
    Function,
    chain_of,
    gives_up,
    is_for_types,
    locals_of,
    targets_of,
)

# What only looks, as far as its name tells: a guard that calls anything else is still evaluated.
_LOOKING = """
    abs all any bool callable dict enumerate float frozenset getattr hasattr int isinstance
    issubclass len list max min range repr round set sorted str sum tuple type zip
""".split()  # noqa: SIM905
_LOOKING_METHODS = """
    _asdict all any argmax argmin count difference dim endswith exists flatten get index
    intersection is_complex is_dir is_file is_floating_point isalpha isdecimal isdigit
    isidentifier isnumeric issubset issuperset items keys lower max mean min ndimension numel size
    startswith strip sum tolist union values
""".split()  # noqa: SIM905
_LIBRARIES = ("numpy", "torch", "math", "operator", "inspect", "collections", "types", "typing")
_CHANGING = ("at", "copyto", "fill_diagonal", "place", "put", "putmask", "random", "shuffle")
_FIELDS = ("ClassVar", "InitVar", "KW_ONLY")  # annotations that decide what a field is
_BARS = ("tqdm.tqdm", "tqdm.auto.tqdm", "tqdm.std.tqdm", "tqdm.notebook.tqdm")


class Plain:
    """Writes one statement of a module anew, without its words.

    Parameters
    ----------
    package
        Name of the package.
    meaning
        From the names ``a.b`` to the dotted name that they stand for at the module's top, or "".
    defined
        From a dotted name to the function of that name in the package, if it is one.
    is_idle
        Whether a function of the package, by its dotted name, does nothing but check.
    caught
        Names of the exceptions that the code catches to go on: guards that raise these decide what
        happens, and stay.
    """

    def __init__(
        self,
        package: str,
        meaning: Callable[[list[str]], str],
        defined: Callable[[str], ast.FunctionDef | None],
        is_idle: Callable[[str], bool],
        caught: frozenset[str] = frozenset(),
    ) -> None:
        self._validators = (f"{package}.core.validate.", f"{package}.core.kinds.")
        self._bars = (*_BARS, f"{package}.training.progress_bar.progress")
        self._meaning, self._defined, self._is_idle = meaning, defined, is_idle
        self._caught = caught
        self._hidden = frozenset[str]()
        self._in_class = False
        self._whole: ast.AST = ast.Module([], [])

    def __call__(self, statement: ast.stmt) -> list[ast.stmt]:
        """Return what is left of a statement."""
        self._whole = statement
        return self._statement(statement)

    def only_checks(self, function: ast.FunctionDef) -> bool:
        """Say whether a function can do nothing else than raise."""
        return self.is_quiet(function) and not any(
            isinstance(node, ast.Return) and node.value for node in ast.walk(function)
        )

    def is_quiet(self, function: ast.FunctionDef, *, with_inner: bool = False) -> bool:
        """Say whether a function changes nothing but what it makes itself.

        A function that it defines is not called, or is with ``with_inner``.
        """
        self._whole = function
        body = self._function(function).body
        fresh = _fresh(body) - {
            each.arg for each in ast.walk(function) if isinstance(each, ast.arg)
        }
        outer, self._hidden = self._hidden, locals_of(function)
        quiet = all(
            self.is_quiet(each)
            if with_inner and isinstance(each, ast.FunctionDef)
            else self._is_own_work(each, fresh)
            for each in body
        )
        self._hidden = outer
        return quiet

    def _is_own_work(self, node: ast.stmt, fresh: set[str]) -> bool:
        """Say whether a statement changes only a function's own names and new containers."""
        match node:
            case ast.For(target=target, iter=value):
                targets, held = [target], [*node.body, *node.orelse]
            case ast.If(test=value):
                targets, held = [], [*node.body, *node.orelse]
            case ast.Assign(targets=targets, value=value):
                held = []
            case ast.AugAssign(target=target, value=value):
                targets, held = [target], []
            case ast.Expr(value=value):
                targets, held = [], []
            case ast.Return(value=value):
                return value is None or self._only_looks(value, node, fresh)
            case ast.Raise():
                return not self._decides(_name_of(node))
            case _:
                return isinstance(node, ast.FunctionDef | ast.Import | ast.ImportFrom)
        return (
            all(_is_own(each, fresh) for target in targets for each in _parts(target))
            and self._only_looks(value, node, fresh)
            and all(self._is_own_work(each, fresh) for each in held)
        )

    def _statements(self, nodes: Iterable[ast.stmt]) -> list[ast.stmt]:
        return [left for node in nodes for left in self._statement(node)]

    def _statement(self, node: ast.stmt) -> list[ast.stmt]:
        match node:
            case ast.Pass():
                return []
            case ast.Assert():
                return [ast.Assert(self._of(node.test))] if self._decides("AssertionError") else []
            case ast.Raise():
                return [ast.Raise(self._raised(node))]
            case ast.Expr():
                return self._bare(node)
            case ast.Assign():
                return _less_itself(self._rebuilt(node))
            case ast.AnnAssign():
                return self._annotated(node)
            case ast.If():
                return self._if(node)
            case ast.Try():
                return self._try(node)
            case ast.For(orelse=[]):
                body, drains = self._statements(node.body), isinstance(node.body[0], ast.Pass)
                if not body and not drains and not self._used_outside(node.target, node):
                    return self._evaluated(self._of(node.iter), node)
                return [ast.For(self._of(node.target), self._of(node.iter), body, [])]
            case ast.FunctionDef() | ast.AsyncFunctionDef():
                if any(chain_of(each)[-1:] == ["overload"] for each in node.decorator_list):
                    return []
                return [self._function(node)]
            case ast.ClassDef():
                return [self._class(node)]
        return [self._rebuilt(node)]

    def _of(self, node: Any) -> Any:
        """Return what is left of anything else than a statement."""
        if isinstance(node, list):
            if node and isinstance(node[0], ast.stmt):
                return self._statements(node)
            return [self._of(each) for each in node]
        if isinstance(node, ast.Name | ast.Constant) or not isinstance(node, ast.AST):
            return node
        if isinstance(node, ast.Call) and (value := self._passed_through(node)):
            return self._of(value)
        if isinstance(node, ast.Lambda):
            return self._function(node)
        if isinstance(node, COMPREHENSIONS):
            outer, self._hidden = self._hidden, self._hidden | targets_of(node)
            rebuilt = self._rebuilt(node)
            self._hidden = outer
            return rebuilt
        return self._rebuilt(node) if node._fields else node

    def _rebuilt(self, node: Any) -> Any:
        return type(node)(**{name: self._of(value) for name, value in ast.iter_fields(node)})

    def _function(self, node: Function) -> Any:
        """Return a function without annotations, except those that a decorator dispatches on."""
        given = {name: self._of(value) for name, value in ast.iter_fields(node) if name != "body"}
        dispatched = any(
            "register" in chain_of(each) for each in getattr(node, "decorator_list", [])
        )
        if not dispatched:
            given |= {"returns": None} if "returns" in given else {}
            for arg in ast.walk(given["args"]):
                if isinstance(arg, ast.arg):
                    arg.annotation = None
        outer = self._hidden, self._in_class
        self._hidden, self._in_class = self._hidden | locals_of(node), False
        given["body"] = self._of(node.body)
        self._hidden, self._in_class = outer
        return type(node)(**given)

    def _class(self, node: ast.ClassDef) -> ast.ClassDef:
        given = {name: self._of(value) for name, value in ast.iter_fields(node) if name != "body"}
        own = {each.name for each in node.body if isinstance(each, ast.FunctionDef)}
        outer = self._hidden, self._in_class
        self._hidden, self._in_class = self._hidden | own, True
        given["body"] = self._statements(node.body)
        self._hidden, self._in_class = outer
        return ast.ClassDef(**given)

    def _annotated(self, node: ast.AnnAssign) -> list[ast.stmt]:
        """Return a field as a field, any other annotated assignment as an assignment."""
        value = None if node.value is None else self._of(node.value)
        if self._in_class:
            named = {part for each in ast.walk(node.annotation) for part in _names_in(each)}
            kept = sorted(named & set(_FIELDS))
            marks = ast.Tuple([ast.Constant(name) for name in kept], ast.Load())
            return [ast.AnnAssign(self._of(node.target), marks, value, node.simple)]
        if value is None:
            return []
        return _less_itself(ast.Assign([self._of(node.target)], value))

    def _if(self, node: ast.If) -> list[ast.stmt]:
        if is_for_types(node.test):
            return self._statements(node.orelse)
        test, body, orelse = self._of(node.test), self._of(node.body), self._of(node.orelse)
        if not orelse and (not body or self._is_check(node.body)):
            return self._evaluated(test, node)
        return [ast.If(test, body, orelse)]

    def _try(self, node: ast.Try) -> list[ast.stmt]:
        """Return a ``try`` whose handlers only put an error into words as what it tries."""
        if not all(self._is_check(handler.body) for handler in node.handlers):
            return [self._rebuilt(node)]
        body = self._statements([*node.body, *node.orelse])
        last = self._statements(node.finalbody)
        return [ast.Try(body, [], [], last)] if last else body

    def _is_check(self, body: list[ast.stmt]) -> bool:
        """Say whether some statements do nothing but end with an error that nobody catches."""
        return gives_up(body) and not self._decides(_name_of(body[-1]))

    def _decides(self, error: str) -> bool:
        return any(_catches(name, error) for name in self._caught)

    def _raised(self, node: ast.Raise) -> Any:
        """Return the class of what is raised."""
        error = node.exc.func if isinstance(node.exc, ast.Call) else node.exc
        return error and self._of(error)

    def _bare(self, node: ast.Expr) -> list[ast.stmt]:
        """Return an expression that stands alone, unless it is a text or a call that only checks.

        Any other call stays: what is called for no value is called for an effect.
        """
        value = self._of(node.value)
        calls = [each for each in ast.walk(node.value) if isinstance(each, ast.Call)]
        if any(self._passed_through(call) for call in calls) or not calls:
            return self._evaluated(value, node)
        if isinstance(value, ast.Call) and self._is_idle(self._callee(value)):
            arguments = [*value.args, *(keyword.value for keyword in value.keywords)]
            if all(self._only_looks(each, node) for each in arguments):
                return []
        return [ast.Expr(value)]

    def _evaluated(self, value: Any, within: ast.stmt) -> list[ast.stmt]:
        """Return a value as a statement, if to compute it can have an effect."""
        return [] if self._only_looks(value, within) else [ast.Expr(value)]

    def _only_looks(self, value: ast.AST, within: ast.stmt, fresh: Collection[str] = ()) -> bool:
        """Say whether to compute a value changes nothing, but for the containers named."""
        for node in ast.walk(value):
            match node:
                case ast.Await() | ast.Yield() | ast.YieldFrom():
                    return False
                case ast.NamedExpr(target=target) if self._used_outside(target, within):
                    return False
                case ast.Call() if not self._call_only_looks(node, fresh):
                    return False
        return True

    def _call_only_looks(self, node: ast.Call, fresh: Collection[str]) -> bool:
        if any(keyword.arg == "out" for keyword in node.keywords):
            return False
        callee = self._callee(node)
        if callee.startswith("builtins."):
            return callee.removeprefix("builtins.") in _LOOKING
        if callee:
            root, *parts = callee.split(".")
            return root in _LIBRARIES and not any(
                part in _CHANGING or part.startswith("set_") or part.endswith(("_", "seed"))
                for part in parts
            )
        match node.func:
            case ast.Attribute(value=ast.Name(id=name), attr=method) if name in fresh:
                return method in FILLING or method in _LOOKING_METHODS
            case ast.Attribute(attr=method):
                return method in _LOOKING_METHODS
        return False

    def _used_outside(self, target: ast.expr, within: ast.stmt) -> bool:
        """Say whether a name that a statement sets is read elsewhere: at the top, by anybody."""
        if not isinstance(self._whole, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            return True
        inside, everywhere = _loads(within), _loads(self._whole)
        names = [node.id for node in ast.walk(target) if isinstance(node, ast.Name)]
        return any(everywhere[name] > inside[name] for name in names)

    def _passed_through(self, node: ast.Call) -> ast.expr | None:
        """Return the argument that a call gives back: of a check, a progress bar, a cast."""
        callee = self._callee(node)
        if any(isinstance(each, ast.Starred) for each in node.args):
            return None
        if callee in self._bars and node.args:
            return node.args[0]
        if callee == "typing.cast" and len(node.args) == 2:
            return node.args[1]
        if not callee.startswith(self._validators) or not (check := self._defined(callee)):
            return None
        parameters = [each.arg for each in (*check.args.posonlyargs, *check.args.args)]
        if len(parameters) < 2 or parameters[0] != "name":
            return None
        given = {each.arg: each.value for each in node.keywords}
        return node.args[1] if len(node.args) > 1 else given.get(parameters[1])

    def _callee(self, node: ast.Call) -> str:
        chain = chain_of(node.func)
        if not chain or chain[0] in self._hidden:
            return ""
        return self._meaning(chain)


def _fresh(body: list[ast.stmt]) -> set[str]:
    """Return the names that stand for one container, made right here."""
    made, stored = set[str](), Counter[str]()
    for node in (each for statement in body for each in ast.walk(statement)):
        match node:
            case ast.Assign(targets=[ast.Name(id=name)], value=ast.Dict() | ast.List() | ast.Set()):
                made.add(name)
            case ast.Name(id=name, ctx=ast.Store()):
                stored[name] += 1
    return {name for name in made if stored[name] == 1}


def _parts(target: ast.expr) -> list[ast.expr]:
    """Return what an assignment sets, one by one."""
    if isinstance(target, ast.Tuple | ast.List):
        return [part for each in target.elts for part in _parts(each)]
    return [target.value] if isinstance(target, ast.Starred) else [target]


def _is_own(target: ast.expr, fresh: Collection[str]) -> bool:
    """Say whether what is set is a name, or an element of a new container."""
    match target:
        case ast.Name():
            return True
        case ast.Subscript(value=ast.Name(id=name)):
            return name in fresh
    return False


def decisive(node: ast.AST, caught: frozenset[str]) -> frozenset[str]:
    """Return those of some caught exceptions that matter for what is left of a statement."""
    raised = set[str]()
    for each in ast.walk(node) if caught else ():
        match each:
            case ast.Expr(value=ast.Call()):  # may be a helper that raises anything
                return caught
            case ast.Assert():
                raised.add("AssertionError")
            case ast.Raise():
                raised.add(_name_of(each))
    return frozenset(name for name in caught if any(_catches(name, error) for error in raised))


def _catches(name: str, error: str) -> bool:
    """Say whether ``except name`` may catch an error; of classes that are not Python's, yes."""
    kind, raised = getattr(builtins, name, None), getattr(builtins, error, None)
    if not isinstance(raised, type) or name == "BaseException":
        return True
    return isinstance(kind, type) and issubclass(raised, kind)


def _name_of(node: ast.stmt) -> str:
    """Return the name of what is raised; "" for whatever was caught."""
    error = node.exc if isinstance(node, ast.Raise) else None
    chain = chain_of(error.func if isinstance(error, ast.Call) else error) if error else []
    return ".".join(chain)


def _names_in(node: ast.AST) -> list[str]:
    """Return the names in a part of an annotation, which may be a string."""
    match node:
        case ast.Name(id=name) | ast.Attribute(attr=name):
            return [name]
        case ast.Constant(value=str(text)):
            return [name for name in _FIELDS if name in text]
    return []


def _loads(node: ast.AST) -> Counter[str]:
    return Counter(
        each.id
        for each in ast.walk(node)
        if isinstance(each, ast.Name) and isinstance(each.ctx, ast.Load)
    )


def _less_itself(node: ast.Assign) -> list[ast.stmt]:
    """Return an assignment without its ``x = x``."""
    match node:
        case ast.Assign(targets=[ast.Name(id=name)], value=ast.Name(id=same)) if name == same:
            return []
        case ast.Assign(targets=[ast.Tuple(elts=targets)], value=ast.Tuple(elts=values)):
            pairs = list(zip(targets, values, strict=False))
            if len(targets) != len(values) or any(isinstance(t, ast.Starred) for t in targets):
                return [node]
            left = [(t, v) for t, v in pairs if _less_itself(ast.Assign([t], v))]
            if len(left) == len(pairs):
                return [node]
            if len(left) < 2:
                return [ast.Assign([t], v) for t, v in left]
            return [
                ast.Assign(
                    [ast.Tuple([t for t, _ in left], ast.Store())],
                    ast.Tuple([v for _, v in left], ast.Load()),
                )
            ]
    return [node]
