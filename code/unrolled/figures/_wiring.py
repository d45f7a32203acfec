"""Places for the nodes of a cell's graph, and orthogonal lines between them, on a grid.

What is computed later stands further right. The way of the first state, h, runs along the bottom,
that of the second, c, along the top. Lines of different vectors cross at right angles and share
nothing else.
"""

from __future__ import annotations

import heapq
import itertools
from collections import defaultdict
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from statistics import median

from unrolled.figures._tracing import Edge, Graph, Node

Grid = tuple[int, int]
Point = tuple[float, float]
GATES = ("i", "f", "g", "o")  # those of an LSTM stand in this order, from the top
Net = tuple[str, bool]  # lines that carry one vector; peepholes are lines of their own

ABOVE = "output above"  # where the first state leaves the frame a second time, to a layer above

_PITCH = 7  # from row to row
_MARGIN = 4  # from the outer rows to the frame
_BEND, _CROSSING, _SIDE = 4, 5, 2  # what they cost, in units of length
_EAST, _NORTH, _WEST, _SOUTH = (1, 0), (0, 1), (-1, 0), (0, -1)


@dataclass(frozen=True)
class Place:
    """Where a node stands: its centre, and half its width and height."""

    x: float
    y: float
    half_width: float
    half_height: float


@dataclass(frozen=True)
class Line:
    """A line from a node, or from a fork of another line of the same vector, to a node."""

    edge: Edge
    points: tuple[Point, ...]
    forks: bool


@dataclass(frozen=True)
class Layout:
    """A diagram in units of the grid; the frame spans from (0, bottom) to (right, top)."""

    places: Mapping[str, Place]
    lines: tuple[Line, ...]
    right: int
    bottom: int
    top: int


@lru_cache(maxsize=64)
def layout(graph: Graph) -> Layout:
    """Return the best of a few ways to draw a graph: few crossings, few bends, short lines."""
    count = 4 if len(graph.edges) < 25 else 2
    for gap in (2, 3, 4, 6, 8):
        tries = [_wire(graph, rows, gap) for rows in itertools.islice(_rows(graph), count)]
        done = [found for found in tries if found is not None]
        if done:
            return min(done, key=lambda found: found[0])[1]
    raise ValueError(f"graph must be small enough to draw, got {len(graph.nodes)} nodes")


def _levels(graph: Graph) -> dict[str, int]:
    """Return for each node the longest way to it; inputs are at 0, outputs last."""
    level: dict[str, int] = {}
    for node in graph.nodes:
        level[node.name] = max((level[e.source] + 1 for e in graph.into(node.name)), default=0)
    last = max(level.values())
    return {n.name: last if n.kind == "output" else level[n.name] for n in graph.nodes}


def _way(graph: Graph, state: str, taken: Iterable[str] = ()) -> list[str]:
    """Return the nodes on the shortest way of a state through the step, past those taken."""
    ways, seen = [[f"{state}_{{t-1}}"]], set(taken)
    for way in ways:
        if way[-1] == f"{state}_t":
            return way
        for edge in graph.edges:
            if edge.source == way[-1] and not edge.peephole and edge.target not in seen:
                seen.add(edge.target)
                ways.append([*way, edge.target])
    return []


def _rows(graph: Graph) -> Iterator[dict[str, int]]:
    """Yield rows for all nodes, the most promising first; row 0 is the bottom."""
    names = {node.name for node in graph.nodes}
    h, *c = graph.states[:2]
    top_way = [name for state in c for name in _way(graph, state)]
    bottom_way = _way(graph, h, top_way)
    ends = [f"{state}{when}" for state in c for when in ("_{t-1}", "_t")]
    pinned_top = [*top_way, *(names.intersection(ends))]
    pinned_bottom = [*bottom_way, *({f"{h}_{{t-1}}", f"{h}_t", "x_t"} & names)]
    if not bottom_way:  # h is made from c, say
        pinned_bottom += [e.source for e in graph.into(f"{h}_t") if e.source not in pinned_top]
    free = [node for node in graph.nodes if node.name not in {*pinned_top, *pinned_bottom}]
    boxes = [node.name for node in free if node.kind == "box"]
    level = _levels(graph)
    crowd = max(
        (sum(level[n.name] == at for n in free if n.kind != "box") for at in level.values()),
        default=0,
    )
    inner = max(len(boxes), crowd, 1 if free else 0)
    top = inner + 1 if c else inner
    pinned = {**dict.fromkeys(pinned_bottom, 0), **dict.fromkeys(pinned_top, top)}
    found: list[tuple[float, int, dict[str, int]]] = []
    for order in itertools.islice(itertools.permutations(range(1, inner + 1), len(boxes)), 720):
        rows = {**pinned, **dict(zip(boxes, order, strict=True))}
        for node in free:
            if node.name not in rows:
                rows[node.name] = _nearest(graph, node, rows, level, range(1, inner + 1))
        found.append((_cost(graph, rows, level), len(found), rows))
    names_of_gates = sorted((n.name for n in free if n.gate in GATES), key=GATES.index)
    ordered = [each for each in found if _descend([each[2][name] for name in names_of_gates])]
    for _, _, rows in sorted(ordered or found):
        yield rows


def _descend(rows: Sequence[int]) -> bool:
    return all(a > b for a, b in itertools.pairwise(rows))


def _nearest(
    graph: Graph, node: Node, rows: Mapping[str, int], level: Mapping[str, int], free: range
) -> int:
    """Return the free row nearest to what a node is tied to."""
    around = [e.source for e in graph.edges if e.target == node.name and e.source in rows]
    around += [e.target for e in graph.edges if e.source == node.name and e.target in rows]
    if node.kind == "input":
        around = [n.name for n in graph.nodes if n.gate and n.name == node.sign] or around
    middle = median(rows[name] for name in around) if around else 1
    taken = {rows[name] for name in rows if level[name] == level[node.name]}
    return min((row for row in free if row not in taken), key=lambda row: abs(row - middle))


def _cost(graph: Graph, rows: Mapping[str, int], level: Mapping[str, int]) -> float:
    """Guess how much a drawing will bend: rows to cross, and nodes that stand in the way."""
    cost = 0.0
    for edge in graph.edges:
        start, end = (rows[edge.source], rows[edge.target])
        cost += abs(start - end)
        between = range(level[edge.source] + 1, level[edge.target])
        ways = [sum(rows[n] == row and level[n] in between for n in rows) for row in (start, end)]
        cost += 2 * min(ways)
    return cost


def _place(graph: Graph, rows: Mapping[str, int], gap: int) -> tuple[dict[str, Place], int, int]:
    """Return places, the x of the frame's right side and the y of its top."""
    level = _levels(graph)
    last = max(level.values())
    inputs = sum(node.kind == "input" for node in graph.nodes)
    x, places = gap + inputs, {}
    for at in range(1, last):
        here = [node for node in graph.nodes if level[node.name] == at]
        half = 3 if any(node.kind == "box" or len(node.sign) > 2 for node in here) else 2
        for node in here:
            wide = 2.5 if node.kind == "box" or len(node.sign) > 2 else 1.5
            tall = 2.0 if node.kind == "box" else 1.5
            places[node.name] = Place(x + half, _PITCH * rows[node.name], wide, tall)
        x += 2 * half + gap
    right, top = x + gap, _PITCH * max(rows.values()) + _MARGIN
    for node in graph.nodes:
        y = _PITCH * rows[node.name]
        if node.kind == "input":
            places[node.name] = Place(0, y, 0, 0)
        elif node.kind == "output":
            places[node.name] = Place(right, y, 0, 0)
    fed = [places[e.target] for e in graph.edges if e.source == "x_t"]
    straight = len(fed) == 1 and fed[0].y == 0
    places["x_t"] = Place(fed[0].x if straight else 1 + gap // 2, -_MARGIN, 0, 0)
    places[ABOVE] = Place(right - gap, top, 0, 0)
    return places, right, top


Port = tuple[Grid, Grid, Point, int]  # outer point, direction of travel, point on the rim, cost


class _Board:
    """The grid and the lines on it so far."""

    def __init__(self, graph: Graph, places: Mapping[str, Place], right: int, top: int) -> None:
        self.graph, self.places, self.right, self.top = graph, places, right, top
        self.terminals = {(p.x, p.y) for p in places.values() if not p.half_width}
        self.blocked: set[Grid] = set()
        self.along: dict[tuple[Grid, bool], Net] = {}  # (point, whether upright)
        self.turns: dict[Grid, Net] = {}
        self.tree: dict[Net, dict[Grid, int]] = defaultdict(dict)  # points to fork at, and costs
        self.score = 0.0
        for node in graph.nodes:
            if node.kind in ("box", "circle"):
                place = places[node.name]
                w, h = int(place.half_width), int(place.half_height)
                for dx, dy in itertools.product(range(-w, w + 1), range(-h, h + 1)):
                    self.blocked.add((int(place.x) + dx, int(place.y) + dy))

    def ports(self, name: str, *, out: bool) -> list[Port]:
        """Return where lines may leave or reach a node."""
        at = self.places[name]
        x, y, w, h = int(at.x), int(at.y), int(at.half_width) + 1, int(at.half_height) + 1
        if name in (ABOVE, "x_t"):
            return [((x, y), _NORTH, (x, y), 0)]
        if w == 1:
            return [((x, y), _EAST, (x, y), 0)]
        box = self.graph.node(name).kind == "box"
        if out:
            found: list[Port] = [((x + w, y), _EAST, (at.x + at.half_width, y), 0)]
            if not box:
                found.append(((x, y + h), _NORTH, (x, at.y + at.half_height), _SIDE))
                found.append(((x, y - h), _SOUTH, (x, at.y - at.half_height), _SIDE))
            return found
        shifts = (0, 1, -1) if box else (0,)
        side = _SIDE * (3 if box else 0)
        left: list[Port] = [
            ((x - w, y + d), _EAST, (at.x - at.half_width, y + d), 0) for d in shifts
        ]
        below: list[Port] = [
            ((x + d, y - h), _NORTH, (x + d, at.y - at.half_height), side) for d in shifts
        ]
        above: list[Port] = [
            ((x + d, y + h), _SOUTH, (x + d, at.y + at.half_height), side) for d in shifts
        ]
        return [*left, *below, *above]

    def others(self, at: Grid, net: Net) -> bool:
        """Whether a line of another vector touches a point."""
        here = (self.along.get((at, False)), self.along.get((at, True)), self.turns.get(at))
        return any(one is not None and one[0] != net[0] for one in here)

    def route(self, edge: Edge) -> Line | None:
        """Lay the cheapest line for an edge."""
        net = edge.source, edge.peephole
        goals = {(p[0], p[1]): p for p in self.ports(edge.target, out=False)}
        starts: dict[tuple[Grid, Grid], tuple[int, Port | None]] = {}
        trees = {**self.tree[(edge.source, False)], **self.tree[net]}
        if trees:
            for at, cost in trees.items():
                if not self.others(at, net):
                    for step in (_EAST, _NORTH, _WEST, _SOUTH):
                        starts[(at, step)] = cost, None
        else:
            for port in self.ports(edge.source, out=True):
                starts[(port[0], port[1])] = port[3], port
        found = self._search(net, starts, goals)
        if found is None:
            return None
        steps, end = found
        self._lay(net, steps, end)
        begin = starts[steps[0]][1]
        corners = [at for (at, step), (_, after) in itertools.pairwise(steps) if step != after]
        first: Point = begin[2] if begin else steps[0][0]
        return Line(edge, _straighten([first, *corners, end[0], end[2]]), begin is None)

    def _search(
        self,
        net: Net,
        starts: Mapping[tuple[Grid, Grid], tuple[int, Port | None]],
        goals: Mapping[tuple[Grid, Grid], Port],
    ) -> tuple[list[tuple[Grid, Grid]], Port] | None:
        """Search for the cheapest way: Dijkstra's, over points and the direction of travel."""
        count = itertools.count()
        queue = [(float(cost), next(count), state) for state, (cost, _) in starts.items()]
        heapq.heapify(queue)
        best = {state: cost for cost, _, state in queue}
        back: dict[tuple[Grid, Grid], tuple[Grid, Grid]] = {}
        ends = {state: port for state, port in goals.items() if not self.others(state[0], net)}
        reached: tuple[float, tuple[Grid, Grid]] | None = None
        while queue:
            cost, _, state = heapq.heappop(queue)
            if reached is not None and cost >= reached[0]:
                break
            if cost > best[state]:
                continue
            if state in ends and (reached is None or cost + ends[state][3] < reached[0]):
                reached = cost + ends[state][3], state
            at, heading = state
            free = not self.others(at, net)
            for step in (_EAST, _NORTH, _WEST, _SOUTH):
                turned = step != heading
                if (turned and not free) or step == (-heading[0], -heading[1]):
                    continue
                to = at[0] + step[0], at[1] + step[1]
                price = self._price(to, net, upright=step[1] != 0)
                if price is None:
                    continue
                total = cost + price + _BEND * turned
                after = to, step
                if total < best.get(after, float("inf")):
                    best[after], back[after] = total, state
                    heapq.heappush(queue, (total, next(count), after))
        if reached is None:
            return None
        steps = [reached[1]]
        while steps[-1] in back:
            steps.append(back[steps[-1]])
        self.score += reached[0]
        return steps[::-1], ends[reached[1]]

    def _price(self, at: Grid, net: Net, *, upright: bool) -> float | None:
        """Return what it costs to come to a point, nothing if that cannot be."""
        inside = 0 < at[0] < self.right and -_MARGIN < at[1] < self.top
        if at in self.blocked or not (inside or at in self.terminals):
            return None
        same, across = self.along.get((at, upright)), self.along.get((at, not upright))
        turn = self.turns.get(at)
        if (same is not None and same != net) or (turn is not None and turn != net):
            return None
        return 1.0 if across is None or across == net else 1.0 + _CROSSING

    def _lay(self, net: Net, steps: Sequence[tuple[Grid, Grid]], end: Port) -> None:
        """Note which points a new line takes."""
        for n, (at, step) in enumerate(steps):
            self.along[(at, step[1] != 0)] = net
            before = steps[n - 1][1] if n else step
            after = steps[n + 1][1] if n + 1 < len(steps) else step
            if step != after or not n or at == end[0]:
                self.turns.setdefault(at, net)
            if at != end[0]:  # a fork shows best on a straight stretch, away from the arrowhead
                near = len(steps) - 1 - n < 2
                bent = step != after or before != step
                self.tree[net].setdefault(at, 3 * (bent + near + (not n)))


def _straighten(points: Sequence[Point]) -> tuple[Point, ...]:
    """Drop points that lie on a straight line between their neighbours, and doubles."""
    kept: list[Point] = []
    for point in points:
        if kept and point == kept[-1]:
            continue
        if len(kept) > 1 and (
            kept[-2][0] == kept[-1][0] == point[0] or kept[-2][1] == kept[-1][1] == point[1]
        ):
            kept.pop()
        kept.append(point)
    return tuple(kept)


def from_source(line: Line, lines: Sequence[Line]) -> tuple[Point, ...]:
    """Return a line's points from its source on: where it forks from another, along that first."""
    if not line.forks:
        return line.points
    fork, edge = line.points[0], line.edge
    for other in lines[: lines.index(line)]:
        if (other.edge.source, other.edge.peephole) != (edge.source, edge.peephole):
            continue
        whole = from_source(other, lines)
        for n, (start, end) in enumerate(itertools.pairwise(whole)):
            if _between(start, fork, end):
                return _straighten([*whole[: n + 1], *line.points])
    return line.points  # a peephole that forks from a line of its own state


def _between(start: Point, at: Point, end: Point) -> bool:
    return all(min(a, b) <= c <= max(a, b) for a, c, b in zip(start, at, end, strict=True))


def _wire(graph: Graph, rows: Mapping[str, int], gap: int) -> tuple[float, Layout] | None:
    """Place the nodes and lay all lines; nothing if one finds no way."""
    places, right, top = _place(graph, rows, gap)
    ways = [pair for state in graph.states[:2] for pair in itertools.pairwise(_way(graph, state))]

    def urgency(edge: Edge) -> tuple[bool, bool, float]:
        a, b = places[edge.source], places[edge.target]
        on_way = (edge.source, edge.target) in ways and a.y == b.y
        return not on_way, edge.peephole, abs(a.x - b.x) + abs(a.y - b.y)

    (last,) = (edge.source for edge in graph.into(f"{graph.states[0]}_t"))
    up = Edge(last, ABOVE)
    order = sorted(graph.edges, key=urgency)
    dashed = [edge for edge in order if edge.peephole]
    order = [edge for edge in order if not edge.peephole] + [up, *dashed]
    for _ in range(6):  # what found no way goes first next time
        board, lines = _Board(graph, places, right, top), []
        for edge in order:
            line = board.route(edge)
            if line is None:
                order = [edge, *(other for other in order if other != edge)]
                break
            lines.append(line)
        else:
            return board.score, Layout(places, tuple(lines), right, -_MARGIN, top)
    return None
