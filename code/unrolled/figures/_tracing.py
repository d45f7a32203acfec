"""What a cell's ``step`` computes, as a graph of vectors: found by running it."""

from __future__ import annotations

import itertools
from collections import defaultdict
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, replace
from functools import partial
from typing import Any, NamedTuple

import torch
from torch import Tensor
from torch.utils._python_dispatch import TorchDispatchMode

from unrolled.core.recurrent import Cell

_UNARY = {"sigmoid": "σ", "tanh": "tanh", "relu": "relu", "neg": "−"}
_SAME = {"detach", "alias", "clone", "view", "_unsafe_view", "expand", "_to_copy"}
_NEW = {"zeros_like", "ones_like", "empty_like", "full_like", "new_zeros", "new_ones", "new_empty"}


@dataclass(frozen=True)
class Node:
    """A place in a diagram.

    ``kind`` is "input", "output", "circle" or "box"; ``sign`` what it does: ×, +, 1−, σ, tanh, or
    nothing for a layer without nonlinearity; ``gate`` a layer's name; ``norm`` whether the layer
    normalises its sums.
    """

    name: str
    kind: str
    sign: str = ""
    gate: str = ""
    norm: bool = False


@dataclass(frozen=True)
class Edge:
    """A line: a peephole has one weight a unit; a stopped one lets no gradient back."""

    source: str
    target: str
    peephole: bool = False
    stopped: bool = False


@dataclass(frozen=True)
class Graph:
    """What a step computes: nodes in the order of computation, and lines between them."""

    nodes: tuple[Node, ...]
    edges: tuple[Edge, ...]

    @property
    def states(self) -> tuple[str, ...]:
        """The names of the states, the one that is the cell's output first."""
        return tuple(node.sign for node in self.nodes if node.kind == "output")

    def into(self, name: str) -> list[Edge]:
        """Return the lines that end at a node."""
        return [edge for edge in self.edges if edge.target == name]

    def node(self, name: str) -> Node:
        """Return the node of that name."""
        return {node.name: node for node in self.nodes}[name]


def graph(cell: Cell) -> Graph:
    """Run one step of a cell and write down what it does.

    Parameters
    ----------
    cell
        The cell. If it has ``gates``, the names of the ``G`` parts of its projection, its layers
        are called by them, else by numbers.

    Raises
    ------
    TypeError
        If ``cell`` is not a Cell.
    ValueError
        If the step uses an operation that the diagrams have no sign for.
    """
    if not isinstance(cell, Cell):
        raise TypeError(f"cell must be a Cell, got {type(cell).__name__}")
    # products that feed several nodes must be nodes themselves; who feeds what is known at the end
    first = _trace(cell, frozenset())
    return _trace(cell, first.shared()).graph()


def _trace(cell: Cell, apart: frozenset[int]) -> _Recorder:
    """Run one step, on zeros, before a recorder's eyes."""
    like = next(cell.parameters(), torch.zeros(()))
    recorder = _Recorder(cell.hidden_size, cell.states, apart)
    x = like.new_zeros(2, cell.input_size)
    state = tuple(like.new_zeros(2, cell.hidden_size) for _ in cell.states)
    recorder.see(x, [recorder.make("input", "x")])
    for name, part in zip(cell.states, state, strict=True):
        recorder.see(part, [recorder.make("input", name)])
    with torch.no_grad(), recorder:
        projected = cell.project(x)
        recorder.name_gates(projected, getattr(cell, "gates", ()))
        after = cell.step(projected, state, *cell.weights())
    recorder.outputs = [recorder.settle(recorder.parts(part)[0]) for part in after]
    return recorder


class _Product(NamedTuple):
    """A vector times weights of its own, one a unit in a peephole, else a matrix."""

    node: int
    peephole: bool
    number: int  # of the weights


@dataclass(frozen=True)
class _Sum:
    """A sum on its way into a nonlinearity: weighted vectors, and vectors added as they are."""

    weighted: frozenset[_Product] = frozenset()
    added: tuple[int, ...] = ()
    gate: str = ""
    norm: bool = False


@dataclass(frozen=True)
class _Weight:
    """What is no vector of the cell: a parameter, a number."""

    value: Any

    def scalar(self) -> float | None:
        if isinstance(self.value, Tensor):
            return None if self.value.numel() > 1 else float(self.value)
        return float(self.value)


_Part = int | _Sum | _Weight  # of a tensor's columns: a node, or a sum that is none yet, or neither


class _Recorder(TorchDispatchMode):  # type: ignore[no-untyped-call, unused-ignore]
    """Watches a step run. A tensor ``(B, k * H)`` is known as the k vectors it is made of."""

    def __init__(self, size: int, states: Sequence[str], apart: frozenset[int]) -> None:
        super().__init__()  # type: ignore[no-untyped-call, unused-ignore]
        self.size = size
        self.states = states
        self.apart = apart
        self.products = 0
        self.outputs: list[int] = []
        self.users: dict[int, set[int]] = defaultdict(set)  # number of a product: boxes
        self.gates: Sequence[str] = ()
        self.nodes: list[tuple[str, str, str, bool]] = []  # kind, sign, gate, norm
        self.inputs: list[tuple[tuple[int, bool], ...]] = []
        self.made: dict[object, int] = {}
        self.known: dict[int, tuple[Tensor, list[_Part]]] = {}  # the tensor, so that its id stays

    def see(self, tensor: Tensor, parts: Sequence[_Part]) -> None:
        self.known[id(tensor)] = tensor, list(parts)

    def parts(self, tensor: Tensor) -> list[_Part]:
        return self.known[id(tensor)][1]

    def make(
        self,
        kind: str,
        sign: str,
        inputs: Iterable[tuple[int, bool]] = (),
        gate: str = "",
        norm: bool = False,
        weights: frozenset[_Product] = frozenset(),
    ) -> int:
        """Return the node that does this to these inputs, the same for the same."""
        inputs = tuple(inputs)
        order = tuple(sorted(inputs)) if sign in ("×", "+") else inputs
        key = kind, sign, order, gate, norm, weights
        if key not in self.made:
            self.made[key] = len(self.nodes)
            self.nodes.append((kind, sign, gate, norm))
            self.inputs.append(inputs)
        return self.made[key]

    def circle(self, sign: str, *parts: _Part) -> int:
        return self.make("circle", sign, [(self.settle(part), False) for part in parts])

    def settle(self, part: _Part, sign: str = "") -> int:
        """Return the node of a part; ``sign`` is the nonlinearity to end with."""
        if isinstance(part, int):
            return self.circle(sign, part) if sign else part
        if isinstance(part, _Weight):
            raise ValueError("cell's step must not work on weights alone")
        if part.weighted and not part.added:
            inputs = sorted({(node, peephole) for node, peephole, _ in part.weighted})
            box = self.make("box", sign, inputs, part.gate, part.norm, part.weighted)
            for product in part.weighted:
                self.users[product.number].add(box)
            return box
        summands = list(part.added)
        if part.weighted:
            summands.insert(0, self.settle(replace(part, added=())))
        total = self.circle("+" if len(summands) > 1 else "+b", *summands)
        return self.circle(sign, total) if sign else total

    def name_gates(self, projected: Tensor, names: Sequence[str]) -> None:
        """Call the parts of the projection by the gates they belong to."""
        parts = self.parts(projected)
        count = sum(not isinstance(part, _Weight) for part in parts)
        if len(names) != count:
            names = [str(n + 1) for n in range(count)] if count > 1 else [""]
        self.gates = names
        names = [*names, *[""] * (len(parts) - count)]
        self.see(
            projected,
            [
                replace(part, gate=name) if isinstance(part, _Sum) else part
                for name, part in zip(names, parts, strict=True)
            ],
        )

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        """Do the operation, and note it if a vector of the cell takes part."""
        result = func(*args, **(kwargs or {}))
        flat = [each for arg in args for each in (arg if isinstance(arg, list) else [arg])]
        name = func.overloadpacket.__name__
        if name in _NEW or not any(id(arg) in self.known for arg in flat):
            return result
        rule: Callable[..., Any] | None = getattr(self, f"do_{name}", None)
        if name in _UNARY:
            rule = partial(self.each, lambda part: self.settle(part, _UNARY[name]))
        elif name in _SAME:
            rule = partial(self.each, self.stop if name == "detach" else lambda part: part)
        if rule is None or (name in _SAME and result.shape != args[0].shape):
            raise ValueError(f"cell's step uses {func}, which diagrams have no sign for")
        rule(result, *args, **(kwargs or {}))
        return result

    def each(self, do: Callable[[_Part], _Part], result: Tensor, of: Tensor, **_: Any) -> None:
        self.see(result, [do(part) for part in self.parts(of)])

    def stop(self, part: _Part) -> int:
        return self.make("stop", "", [(self.settle(part), False)])

    def both(
        self, do: Callable[[_Part, _Part], _Part], result: Tensor, one: Any, other: Any
    ) -> None:
        """Combine vector by vector; what is no vector of the cell is passed as it is."""
        count = max(len(self.parts(arg)) for arg in (one, other) if id(arg) in self.known)
        pairs = zip(*(self.listed(arg, count) for arg in (one, other)), strict=True)
        self.see(result, [do(*pair) for pair in pairs])

    def listed(self, arg: Any, count: int) -> list[_Part]:
        return self.parts(arg) if id(arg) in self.known else [_Weight(arg)] * count

    def plus(self, one: _Part, other: _Part) -> _Part:
        if isinstance(one, _Weight):
            one, other = other, one
        if isinstance(other, _Weight):
            if not isinstance(one, int):
                return one  # a bias is part of the layer
            scalar = other.scalar()
            return _Sum(added=(one,)) if scalar is None else self.circle(f"+{scalar:g}", one)
        if isinstance(one, int) and isinstance(other, int):
            return self.circle("+", one, other)
        a = one if isinstance(one, _Sum) else _Sum(added=(self.settle(one),))
        b = other if isinstance(other, _Sum) else _Sum(added=(self.settle(other),))
        for node in (one, other):
            if isinstance(node, int):
                self.join(node, a.gate or b.gate)
        gate, norm = a.gate or b.gate, a.norm or b.norm
        return _Sum(a.weighted | b.weighted, a.added + b.added, gate, norm)

    def join(self, node: int, gate: str) -> None:
        """Let what is added to a gate's sum, such as ``r * (U h)``, bear the gate's name."""
        kind, sign, named, norm = self.nodes[node]
        if kind == "circle":
            for source, _ in self.inputs[node]:
                self.join(source, gate)
        shared = any(node in boxes for number, boxes in self.users.items() if number in self.apart)
        if kind == "box" and not (sign or named or shared):
            self.nodes[node] = kind, sign, gate, norm

    def minus(self, one: _Part, other: _Part) -> _Part:
        if isinstance(one, _Weight):
            scalar = one.scalar()
            return self.circle("b−" if scalar is None else f"{scalar:g}−", other)
        if isinstance(other, _Weight) and other.scalar() is not None and isinstance(one, int):
            return self.circle(f"−{other.scalar():g}", one)
        return self.plus(one, other) if isinstance(other, _Weight) else self.circle("−", one, other)

    def times(self, one: _Part, other: _Part) -> _Part:
        if isinstance(one, _Weight):
            one, other = other, one
        if not isinstance(other, _Weight):
            return self.circle("×", one, other)
        if isinstance(one, _Sum) and not one.added:
            return one  # still affine
        if other.scalar() is not None:
            return self.circle(f"{other.scalar():g}×", one)
        return self.product([one], peephole=True)

    def over(self, one: _Part, other: _Part) -> _Part:
        if not isinstance(other, _Weight) or (scalar := other.scalar()) is None:
            raise ValueError("cell's step must not divide but by numbers")
        return one if isinstance(one, _Sum) and not one.added else self.circle(f"÷{scalar:g}", one)

    def do_div(self, result: Tensor, one: Any, other: Any) -> None:
        self.both(self.over, result, one, other)

    def do_add(self, result: Tensor, one: Any, other: Any) -> None:
        self.both(self.plus, result, one, other)

    def do_sub(self, result: Tensor, one: Any, other: Any) -> None:
        self.both(self.minus, result, one, other)

    def do_rsub(self, result: Tensor, one: Any, other: Any) -> None:
        self.both(self.minus, result, other, one)

    def do_mul(self, result: Tensor, one: Any, other: Any) -> None:
        self.both(self.times, result, one, other)

    def do_addcmul(
        self, result: Tensor, start: Any, one: Any, other: Any, value: float = 1
    ) -> None:
        product = torch.empty(0)
        self.both(self.times, product, one, other)
        if abs(value) != 1:
            self.each(lambda part: self.times(part, _Weight(abs(value))), product, product)
        self.both(self.minus if value < 0 else self.plus, result, start, product)

    def do_lerp(self, result: Tensor, start: Any, end: Any, weight: Any) -> None:
        """``start + weight * (end - start)``, written as the mean it is."""
        rest, kept, new = torch.empty(0), torch.empty(0), torch.empty(0)
        self.both(self.minus, rest, 1.0, weight)
        self.both(self.times, kept, start, rest)
        self.both(self.times, new, end, weight)
        self.both(self.plus, result, kept, new)

    def product(
        self, parts: Sequence[_Part], gate: str = "", *, peephole: bool = False, norm: bool = False
    ) -> _Part:
        """Return vectors times new weights: a sum of them, or a node where several boxes use it."""
        self.products += 1
        nodes = [self.settle(part) for part in parts]
        weighted = frozenset(_Product(node, peephole, self.products) for node in nodes)
        found = _Sum(weighted, gate=gate, norm=norm)
        return self.settle(found) if self.products in self.apart else found

    def do_mm(self, result: Tensor, vectors: Tensor, weight: Tensor) -> None:
        if id(vectors) not in self.known or id(weight) in self.known:
            raise ValueError("cell's step must multiply vectors (B, H) by weights from the right")
        count = max(result.shape[1] // self.size, 1)
        names = self.gates if len(self.gates) == count else [""] * count
        self.see(result, [self.product(self.parts(vectors), name) for name in names])

    def do_addmm(self, result: Tensor, start: Tensor, vectors: Tensor, weight: Tensor) -> None:
        self.do_mm(result, vectors, weight)
        self.both(self.plus, result, start, result)

    def do_native_layer_norm(self, result: tuple[Tensor, ...], of: Tensor, *_: Any) -> None:
        self.each(self.norm, result[0], of)

    def norm(self, part: _Part) -> _Part:
        if isinstance(part, _Sum) and not part.added:
            return replace(part, norm=True)
        return self.product([part], peephole=True, norm=True)

    def do_cat(self, result: Tensor, tensors: Sequence[Tensor], dim: int = 0) -> None:
        counts = [max(tensor.shape[-1] // self.size, 1) for tensor in tensors]
        pairs = zip(tensors, counts, strict=True)
        self.see(result, [part for tensor, n in pairs for part in self.listed(tensor, n)])

    def do_split(self, result: Sequence[Tensor], of: Tensor, *_: Any) -> None:
        start = 0
        for piece in result:
            self.do_slice(piece, of, 1, start, start + piece.shape[1])
            start += piece.shape[1]

    do_split_with_sizes = do_split

    def do_slice(
        self, result: Tensor, of: Tensor, dim: int = 0, start: int | None = None, *_: Any
    ) -> None:
        if dim % 2 == 0:
            return self.see(result, self.parts(of))
        first, off = divmod((start or 0) % of.shape[1], self.size)
        count, rest = divmod(result.shape[1], self.size)
        if off or rest:
            raise ValueError(f"cell's step must cut at multiples of H = {self.size}")
        return self.see(result, self.parts(of)[first : first + count])

    def needed(self) -> list[int]:
        """Return the nodes that the outputs need, each after what it is computed from."""
        reached: set[int] = set()
        todo = [self.real(output)[0] for output in self.outputs]
        while todo:
            at = todo.pop()
            if at not in reached:
                reached.add(at)
                todo += [self.real(source)[0] for source, _ in self.inputs[at]]
        return sorted(reached)  # a node is made after what it is made from

    def shared(self) -> frozenset[int]:
        """Return the products that stand in several boxes of the graph."""
        there = set(self.needed())
        return frozenset(n for n, boxes in self.users.items() if len(boxes & there) > 1)

    def graph(self) -> Graph:
        """Name the nodes that the outputs need, and tie them together."""
        names: dict[int, str] = {}
        for at in self.needed():
            names[at] = self.called(at, set(names.values()))
        nodes = [Node(name, *self.nodes[at]) for at, name in names.items()]
        edges = [
            Edge(names[self.real(source)[0]], name, peephole, self.real(source)[1])
            for at, name in names.items()
            for source, peephole in self.inputs[at]
        ]
        for name, output in zip(self.states, self.outputs, strict=True):
            at, stopped = self.real(output)
            nodes.append(Node(f"{name}_t", "output", name))
            edges.append(Edge(names[at], f"{name}_t", stopped=stopped))
        return Graph(tuple(nodes), tuple(dict.fromkeys(edges)))

    def called(self, at: int, taken: set[str]) -> str:
        kind, sign, gate, _ = self.nodes[at]
        if kind == "input":
            return "x_t" if sign == "x" else f"{sign}_{{t-1}}"
        base = gate or ("e" if kind == "box" else sign)
        return next(
            name
            for n in itertools.count(1)
            if (name := base if n == 1 else base + str(n)) not in taken
        )

    def real(self, at: int) -> tuple[int, bool]:
        """Return the node behind a stop of the gradient, and whether there was one."""
        if self.nodes[at][0] == "stop":
            return self.real(self.inputs[at][0][0])[0], True
        return at, False
