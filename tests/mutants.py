"""Wrong versions of a right function, made by machine: each differs from it in one small place."""

import ast
import copy
import difflib
import functools
import inspect
import textwrap
from collections.abc import Callable, Iterator

_Put = Callable[[ast.AST], ast.AST]

_OPERATORS = {
    ast.Add: [ast.Sub, ast.Mult],
    ast.Sub: [ast.Add],
    ast.Mult: [ast.Add, ast.Div],
    ast.Div: [ast.Mult],
    ast.FloorDiv: [ast.Mod],
    ast.Mod: [ast.FloorDiv],
    ast.Pow: [ast.Mult],
    ast.MatMult: [ast.Mult],
    ast.Lt: [ast.LtE, ast.GtE],
    ast.LtE: [ast.Lt, ast.Gt],
    ast.Gt: [ast.GtE, ast.LtE],
    ast.GtE: [ast.Gt, ast.Lt],
    ast.Eq: [ast.NotEq],
    ast.NotEq: [ast.Eq],
    ast.And: [ast.Or],
    ast.Or: [ast.And],
}


def mutants(function: Callable) -> Iterator[tuple[str, Callable]]:
    """Yield (what was changed, the changed function), each change once."""
    tree = ast.parse(textwrap.dedent(inspect.getsource(function)))
    for label, mutated in changes(tree.body[0]):
        scope = dict(function.__globals__)
        exec(compile(ast.Module([mutated], []), f"<mutant {label}>", "exec"), scope)
        yield label, scope[function.__name__]


def changes(node: ast.stmt, *, guards: bool = True) -> Iterator[tuple[str, ast.stmt]]:
    """Yield (what was changed, the changed statement): a function, say. Each change once.

    Without ``guards`` what only refuses bad arguments, an ``if`` that ends in ``raise``, stays.
    """
    parameters = []
    if isinstance(node, ast.FunctionDef):
        _strip(node)
        a = node.args
        named = (*a.posonlyargs, *a.args, a.vararg, *a.kwonlyargs, a.kwarg)
        parameters = [each.arg for each in named if each and each.arg != "self"]
    left = {node} if guards else {node, *_in_guards(node)}
    before = ast.unparse(node).splitlines()
    seen = {_difference(before, node)}
    for part, put in _parts(node, lambda new: new):
        for replacement in _replacements(part, parameters) if part not in left else ():
            mutated = put(ast.fix_missing_locations(ast.copy_location(replacement, part)))
            label = _difference(before, mutated)
            if label not in seen:
                seen.add(label)
                yield label, mutated


def _in_guards(node: ast.AST) -> Iterator[ast.AST]:
    for part in ast.walk(node):
        if isinstance(part, ast.Raise) or (
            isinstance(part, ast.If) and isinstance(part.body[-1], ast.Raise)
        ):
            yield from ast.walk(part)


def _parts(node: ast.AST, put: _Put) -> Iterator[tuple[ast.AST, _Put]]:
    """Yield each part, and what returns the tree with another in its place: it shares the rest."""
    yield node, put
    for name, value in ast.iter_fields(node):
        if isinstance(value, ast.AST):
            yield from _parts(value, functools.partial(_put_at, put, node, name, None))
        for i, part in enumerate(value if isinstance(value, list) else ()):
            if isinstance(part, ast.AST):
                yield from _parts(part, functools.partial(_put_at, put, node, name, i))


def _put_at(put: _Put, node: ast.AST, name: str, i: int | None, new: ast.AST) -> ast.AST:
    value = getattr(node, name)
    return put(_with(node, **{name: new if i is None else [*value[:i], new, *value[i + 1 :]]}))


def _strip(function: ast.FunctionDef) -> None:
    """Leave the docstring and the annotations alone: they compute nothing."""
    if ast.get_docstring(function) is not None:
        function.body = function.body[1:]
    function.returns = None
    for part in ast.walk(function.args):
        if isinstance(part, ast.arg):
            part.annotation = None


def _replacements(node: ast.AST, parameters: list[str]) -> Iterator[ast.AST]:
    match node:
        case ast.BinOp(op=op) | ast.BoolOp(op=op) | ast.AugAssign(op=op):
            for other in _OPERATORS.get(type(op), []):
                yield _with(node, op=other())
        case ast.Compare(ops=[op]):
            for other in _OPERATORS.get(type(op), []):
                yield _with(node, ops=[other()])
        case ast.UnaryOp(op=ast.USub() | ast.Not()):
            yield node.operand
        case ast.Constant(value=bool()):
            yield ast.Constant(not node.value)
        case ast.Constant(value=int() | float()):
            yield ast.Constant(node.value + 1)
            yield ast.Constant(node.value - 1)
        case ast.Call(args=[_, _, *_]):
            yield from _swapped(node, "args")
        case ast.Tuple(elts=[_, _, *_]):
            yield from _swapped(node, "elts")
        case ast.Slice():
            for bound in ("lower", "upper", "step"):
                value = getattr(node, bound)
                if value is None:
                    continue
                yield _with(node, **{bound: None})
                for op in (ast.Add, ast.Sub):
                    moved = ast.BinOp(value, op(), ast.Constant(1))
                    yield _with(node, **{bound: moved})
        case ast.Name(ctx=ast.Load()) if node.id in parameters:
            for other in parameters:
                if other != node.id:
                    yield ast.Name(other, ast.Load())
        case ast.If() | ast.While() | ast.IfExp() | ast.Assert():
            yield _with(node, test=ast.UnaryOp(ast.Not(), node.test))
    if isinstance(node, ast.stmt) and not isinstance(node, ast.FunctionDef | ast.Pass):
        yield ast.Pass()


def _with(node: ast.AST, **changes: object) -> ast.AST:
    changed = copy.copy(node)
    for name, value in changes.items():
        setattr(changed, name, value)
    return changed


def _swapped(node: ast.AST, name: str) -> Iterator[ast.AST]:
    """Swap each two neighbours in a list of arguments or elements."""
    parts = getattr(node, name)
    for i in range(len(parts) - 1):
        yield _with(node, **{name: [*parts[:i], parts[i + 1], parts[i], *parts[i + 2 :]]})


def _difference(before: list[str], after: ast.AST) -> str:
    """Describe a change by the lines that it changes: "return a + b -> return a - b"."""
    lines = ast.unparse(after).splitlines()
    same = difflib.SequenceMatcher(None, before, lines, autojunk=False)
    changed = [block[1:] for block in same.get_opcodes() if block[0] != "equal"]
    old = (line.strip() for start, end, _, _ in changed for line in before[start:end])
    new = (line.strip() for _, _, start, end in changed for line in lines[start:end])
    return " -> ".join(["; ".join(old), "; ".join(new)])
