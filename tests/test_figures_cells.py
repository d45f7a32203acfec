import itertools

import matplotlib.pyplot as plt
import pytest
import torch
from torch import nn
from torch.nn.functional import linear

from unrolled import cells as table
from unrolled.cells import GRU, LSTM, MUT1, MUT2, Elman, LSTMVariant
from unrolled.core.recurrent import Cell
from unrolled.figures import cells

CELLS = {name: row.make(3, 4) for name, row in table.CELLS.items()}
CELLS["no gates"] = LSTMVariant(3, 4, input_gate=False, forget_gate=False, output_gate=False)
SAME = {f"LSTM {form}" for form in ("2000", "torch", "NP", "NIAF", "NOAF")} | {"Elman, rectified"}
DRAWN = [name for name in CELLS if name not in SAME | {"LSTM FGR"}]  # like others; takes seconds

each = pytest.mark.parametrize("name", CELLS)
each_drawn = pytest.mark.parametrize("name", DRAWN)


class Custom(Cell):
    """A cell whose step is given; it has two gates, a and b, and a weight for each unit."""

    gates = ("a", "b")

    def __init__(self, step, size=4):
        super().__init__(3, size)
        self.weight_ih = nn.Parameter(torch.ones(2 * size, 3))
        self.weight_hh = nn.Parameter(torch.ones(2 * size, size))
        self.unit = nn.Parameter(torch.ones(size))
        self._step = step

    def project(self, x):
        return linear(x, self.weight_ih)

    def weights(self):
        return self.weight_hh, self.unit

    def step(self, projected, state, *weights):
        return (self._step(projected, state[0], *weights),)


def signs(graph, kind):
    return sorted(node.sign for node in graph.nodes if node.kind == kind)


def sources(graph, name, *, peephole=False):
    return {edge.source for edge in graph.into(name) if edge.peephole == peephole}


def test_the_widest_of_the_variants_can_be_drawn_with_its_gates_in_their_order():
    """Nothing else is asked of it: to lay its lines takes seconds."""
    places = cells.layout(cells.graph(CELLS["LSTM FGR"])).places
    heights = [places[gate].y for gate in "ifgo"]
    assert heights == sorted(heights, reverse=True)


def test_elman_is_one_layer():
    graph = cells.graph(Elman(3, 4))
    assert [(n.name, n.kind, n.sign) for n in graph.nodes] == [
        ("x_t", "input", "x"),
        ("h_{t-1}", "input", "h"),
        ("e", "box", "tanh"),
        ("h_t", "output", "h"),
    ]
    assert graph.edges == (
        cells.Edge("x_t", "e"),
        cells.Edge("h_{t-1}", "e"),
        cells.Edge("e", "h_t"),
    )
    assert signs(cells.graph(Elman(3, 4, nonlinearity="relu")), "box") == ["relu"]


def test_an_lstm_has_three_gates_and_the_carousel():
    graph = cells.graph(LSTM(3, 4))
    assert signs(graph, "box") == ["tanh", "σ", "σ", "σ"]
    assert signs(graph, "circle") == ["+", "tanh", "×", "×", "×"]
    assert {n.gate: n.sign for n in graph.nodes if n.gate} == {
        "i": "σ",
        "f": "σ",
        "g": "tanh",
        "o": "σ",
    }
    assert not any(edge.peephole or edge.stopped for edge in graph.edges)
    for gate in "ifgo":
        assert sources(graph, gate) == {"x_t", "h_{t-1}"}
    assert {frozenset(sources(graph, n.name)) for n in graph.nodes if n.sign == "×"} == {
        frozenset({"i", "g"}),
        frozenset({"f", "c_{t-1}"}),
        frozenset({"o", "tanh"}),
    }
    assert sources(graph, "c_t") == sources(graph, "tanh") == {"+"}


@pytest.mark.parametrize("gate", ["input", "forget", "output"])
def test_a_gate_left_out_takes_its_box_and_its_product_away(gate):
    whole = cells.graph(LSTM(3, 4))
    less = cells.graph(LSTMVariant(3, 4, **{f"{gate}_gate": False}))
    assert {n.gate for n in whole.nodes} - {n.gate for n in less.nodes} == {gate[0]}
    assert signs(less, "circle") == ["+", "tanh", "×", "×"]


def test_peepholes_are_lines_from_c_the_one_of_o_from_the_new_c():
    graph = cells.graph(LSTMVariant(3, 4, peepholes=True))
    peepholes = {(edge.source, edge.target) for edge in graph.edges if edge.peephole}
    assert peepholes == {("c_{t-1}", "i"), ("c_{t-1}", "f"), ("+", "o")}
    plain = cells.graph(LSTM(3, 4))
    assert {e for e in graph.edges if not e.peephole} == set(plain.edges)


def test_coupled_gates_share_one_box():
    graph = cells.graph(LSTMVariant(3, 4, coupled=True))
    assert signs(graph, "circle") == ["+", "1−", "tanh", "×", "×", "×"]
    assert sources(graph, "1−") == {"i"}
    assert "f" not in {n.gate for n in graph.nodes}


def test_gates_that_see_gates_carry_their_names_in_and_out():
    graph = cells.graph(LSTMVariant(3, 4, gate_recurrence=True))
    for gate in "ifo":
        assert sources(graph, gate) == {"x_t", "h_{t-1}", "i_{t-1}", "f_{t-1}", "o_{t-1}"}
        assert sources(graph, f"{gate}_t") == {gate}
    assert sources(graph, "g") == {"x_t", "h_{t-1}"}


def test_normalised_layers_say_so():
    graph = cells.graph(LSTMVariant(3, 4, layer_norm=True))
    assert {n.gate for n in graph.nodes if n.norm} == {"i", "f", "g", "o", ""}
    assert sources(graph, "e", peephole=True) == {"+"}


def test_the_two_resets_of_a_gru_differ_in_what_r_multiplies():
    before, after = (cells.graph(GRU(3, 4, reset=reset)) for reset in ("before", "after"))
    first = [n.sign for n in before.nodes if n.kind == "box"]
    assert sorted(first) == ["tanh", "σ", "σ"]
    reset = next(e.target for e in before.edges if e.source == before.nodes[2].name)
    assert before.node(reset).sign == "×"
    assert "h_{t-1}" in sources(before, reset)
    assert signs(after, "box") == ["", "", "σ", "σ"]
    assert signs(after, "circle") == ["+", "+", "1−", "tanh", "×", "×", "×"]
    affine = [n.name for n in after.nodes if n.kind == "box" and not n.sign]
    assert [sources(after, name) for name in affine] == [{"h_{t-1}"}, {"x_t"}]


def test_a_map_that_several_layers_use_is_drawn_once():
    graph = cells.graph(MUT1(3, 4))
    assert [e.target for e in graph.edges if e.source == "x_t"] == ["e"]
    assert signs(graph, "circle").count("tanh") == 2
    graph = cells.graph(MUT2(3, 4))
    assert [e.target for e in graph.edges if e.source == "x_t"] == ["e"]
    assert signs(graph, "circle").count("σ") == 1  # r, which adds e as it is


@each
def test_lines_lead_from_an_input_to_an_output_where_the_gradient_does(name):
    cell = CELLS[name].double()
    graph = cells.graph(cell)
    generator = torch.Generator().manual_seed(0)
    sizes = [cell.input_size, *[cell.hidden_size] * len(cell.states)]
    given = [
        torch.rand(2, size, generator=generator, dtype=torch.float64).requires_grad_()
        for size in sizes
    ]
    after = cell.step(cell.project(given[0]), tuple(given[1:]), *cell.weights())
    names = ["x_t", *(f"{state}_{{t-1}}" for state in cell.states)]
    assert graph.states == cell.states
    for state, value in zip(cell.states, after, strict=True):
        output = f"{state}_t"
        grads = torch.autograd.grad(value.sum(), given, retain_graph=True, allow_unused=True)
        told = {n for n, g in zip(names, grads, strict=True) if g is not None and g.any()}
        reached, todo = set(), [output]
        while todo:
            at = todo.pop()
            reached.add(at)
            todo += [edge.source for edge in graph.into(at) if not edge.stopped]
        assert reached & set(names) == told, output


def test_parts_of_fused_products_are_told_apart_however_they_are_cut():
    def sliced(p, h, U, v):
        a = p + h @ U.T
        return torch.sigmoid(a[:, :4]) * torch.tanh(a[:, 4:])

    def chunked(p, h, U, v):
        a, b = torch.addmm(p, h, U.T).chunk(2, 1)
        return torch.sigmoid(a) * torch.tanh(b)

    def separate(p, h, U, v):
        both = torch.cat([p[:, :4] + linear(h, U[:4]), p[:, 4:] + linear(h, U[4:])], 1)
        a, b = both.split([4, 4], 1)
        return torch.tanh(b).mul(a.sigmoid())

    for step in (sliced, chunked, separate):
        graph = cells.graph(Custom(step))
        assert {n.name: n.sign for n in graph.nodes if n.kind == "box"} == {"a": "σ", "b": "tanh"}
        assert signs(graph, "circle") == ["×"]
        assert sources(graph, "a") == sources(graph, "b") == {"x_t", "h_{t-1}"}


@pytest.mark.parametrize(
    ("step", "circles"),
    [
        (
            lambda p, h, U, v: torch.lerp(h, p[:, :4], torch.sigmoid(p[:, 4:])),
            ["+", "1−", "×", "×"],
        ),
        (lambda p, h, U, v: torch.addcmul(h, h, torch.sigmoid(p[:, 4:])), ["+", "×"]),
        (lambda p, h, U, v: torch.addcmul(h, h, torch.tanh(p[:, 4:]), value=-1), ["×", "−"]),
        (lambda p, h, U, v: 2 * torch.tanh(h / 2) - 1, ["2×", "tanh", "÷2", "−1"]),
        (lambda p, h, U, v: -torch.relu(h), ["relu", "−"]),
        (lambda p, h, U, v: torch.tanh(h + v), ["+b", "tanh"]),
        (lambda p, h, U, v: torch.tanh(p[:, :4] + h), ["+", "tanh"]),
        (lambda p, h, U, v: torch.tanh(p[:, :4] + v * h + v), []),
    ],
)
def test_what_is_done_unit_by_unit_is_a_circle(step, circles):
    assert signs(cells.graph(Custom(step)), "circle") == circles


def test_a_stopped_gradient_marks_the_line():
    graph = cells.graph(LSTMVariant(3, 4, truncated=True))
    assert {e.source for e in graph.edges if e.stopped} == {"h_{t-1}"}


def test_states_are_called_what_the_cell_calls_them():
    class Called(LSTM):
        states = ("y", "s")

        def equations(self, p, state, *weights):
            found = super().equations(p, state, *weights)
            return {"y": found["h"], "s": found["c"]}

    plan, usual = cells.graph(Called(3, 4)), cells.graph(LSTM(3, 4))
    called = {"y_{t-1}": "h_{t-1}", "s_{t-1}": "c_{t-1}", "y_t": "h_t", "s_t": "c_t"}
    assert [called.get(node.name, node.name) for node in plan.nodes] == [
        node.name for node in usual.nodes
    ]
    places, usual_places = cells.layout(plan).places, cells.layout(usual).places
    assert {called.get(name, name): place for name, place in places.items()} == usual_places
    assert "$y_t$" in [text.get_text() for text in cells.draw(Called(3, 4)).axes[0].texts]


def test_a_cell_that_names_no_gates_gets_numbers():
    cell = Custom(lambda p, h, U, v: torch.sigmoid(p[:, :4]) * torch.tanh(p[:, 4:]))
    cell.gates = ()
    assert [n.name for n in cells.graph(cell).nodes if n.kind == "box"] == ["1", "2"]


def test_a_diagram_needs_a_cell_and_operations_it_has_signs_for():
    with pytest.raises(TypeError, match="cell must be a Cell, got Linear"):
        cells.graph(nn.Linear(2, 2))
    with pytest.raises(ValueError, match=r"cell's step uses aten\.sin.*, which diagrams have no"):
        cells.graph(Custom(lambda p, h, U, v: torch.sin(h)))
    with pytest.raises(ValueError, match="cell's step must cut at multiples of H = 4"):
        cells.graph(Custom(lambda p, h, U, v: torch.cat([p[:, 1:3], p[:, 5:7]], 1)))


def test_sizes_do_not_change_the_picture():
    assert cells.graph(LSTM(1, 1)) == cells.graph(LSTM(5, 7)) == cells.graph(LSTM(4, 4))


def rectangle(place):
    return (
        place.x - place.half_width,
        place.x + place.half_width,
        place.y - place.half_height,
        place.y + place.half_height,
    )


def segments(line):
    return list(itertools.pairwise(line.points))


@each_drawn
def test_nodes_keep_apart_and_lines_are_orthogonal_and_end_at_their_nodes(name):
    graph = cells.graph(CELLS[name])
    plan = cells.layout(graph)
    solid = {n.name: plan.places[n.name] for n in graph.nodes if n.kind in ("box", "circle")}
    for (_, one), (_, other) in itertools.combinations(solid.items(), 2):
        a, b = rectangle(one), rectangle(other)
        assert max(a[0] - b[1], b[0] - a[1], a[2] - b[3], b[2] - a[3]) >= 1
    drawn = {line.edge for line in plan.lines}
    assert drawn - set(graph.edges) == {e for e in drawn if e.target == "output above"}
    assert set(graph.edges) <= drawn
    for line in plan.lines:
        left, right, low, high = rectangle(plan.places[line.edge.target])
        x, y = line.points[-1]
        assert left <= x <= right
        assert low <= y <= high
        for start, end in segments(line):
            assert (start[0] == end[0]) != (start[1] == end[1])
            for place in solid.values():
                left, right, low, high = rectangle(place)
                x_low, x_high = sorted((start[0], end[0]))
                y_low, y_high = sorted((start[1], end[1]))
                outside = x_high <= left or x_low >= right or y_high <= low or y_low >= high
                assert outside, (line.edge, place)


@each_drawn
def test_lines_of_different_vectors_share_no_stretch(name):
    taken = {}
    for line in cells.layout(cells.graph(CELLS[name])).lines:
        net = line.edge.source, line.edge.peephole
        for (x, y), (x1, y1) in segments(line):
            upright = x == x1
            low, high = sorted((y, y1)) if upright else sorted((x, x1))
            for half in range(int(2 * low), int(2 * high)):  # pieces half a unit long
                key = upright, (x if upright else y), half
                assert taken.setdefault(key, net) == net


@pytest.mark.parametrize("name", ["LSTM", "LSTM V", "LSTM CIFG", "GRU", "MUT3"])
def test_states_run_straight(name):
    graph = cells.graph(CELLS[name])
    plan = cells.layout(graph)
    for state in graph.states:
        assert plan.places[f"{state}_t"].y == plan.places[f"{state}_{{t-1}}"].y
        (last,) = [line for line in plan.lines if line.edge.target == f"{state}_t"]
        assert len(last.points) == 2


@pytest.mark.parametrize("name", ["Elman", "LSTM", "LSTM V", "LSTM layer norm", "GRU", "MUT1"])
def test_text_fits_and_overlaps_no_other(name):
    figure = cells.draw(CELLS[name])
    assert figure.get_figwidth() == 5.0
    figure.canvas.draw()
    (axes,) = figure.axes
    boxes = [text.get_window_extent() for text in axes.texts]
    for one, other in itertools.combinations(boxes, 2):
        assert not one.overlaps(other)
    page = figure.bbox
    assert all(page.x0 <= b.x0 and b.x1 <= page.x1 for b in boxes)
    assert all(page.y0 <= b.y0 and b.y1 <= page.y1 for b in boxes)
    graph, plan = cells.graph(CELLS[name]), cells.layout(cells.graph(CELLS[name]))
    inner = [n for n in graph.nodes if n.kind in ("box", "circle")]
    texts = [
        t
        for t in axes.texts
        if t.get_position() in {(plan.places[n.name].x, plan.places[n.name].y) for n in inner}
    ]
    assert len(texts) == len(inner)
    for text in texts:
        place = next(p for p in plan.places.values() if (p.x, p.y) == text.get_position())
        (x0, _), (x1, _) = axes.transData.transform([rectangle(place)[::2], rectangle(place)[1::2]])
        extent = text.get_window_extent()
        assert x0 - 1 <= extent.x0
        assert extent.x1 <= x1 + 1


def test_a_cell_is_drawn_into_axes_that_are_given():
    figure, axes = plt.subplots()
    assert cells.draw(Elman(3, 4), axes) is figure


@pytest.mark.parametrize("name", [name for name in DRAWN if name.startswith("LSTM")])
def test_the_gates_of_an_lstm_stand_in_their_order(name):
    places = cells.layout(cells.graph(CELLS[name])).places
    heights = [places[gate].y for gate in "ifg" if gate in CELLS[name].gates]
    assert heights == sorted(heights, reverse=True)


def test_a_way_that_is_lit_keeps_its_colours_from_its_source_on_and_the_rest_turns_pale():
    cell = LSTM(3, 4)
    (axes,) = cells.draw(cell, lit=("x_t", "f", "×2")).axes
    colors = {text.get_text(): text.get_color() for text in axes.texts}
    assert colors["$x_t$"] != cells._PALE
    assert {colors[f"${state}$"] for state in ("h_t", "c_t", "h_{t-1}")} == {cells._PALE}
    bright = [text.get_text() for text in axes.texts if text.get_color() != cells._PALE]
    assert sorted(bright) == sorted(["$x_t$", "$f$\nσ", "×"])
    wide = [patch for patch in axes.patches if patch.get_linewidth() == 2.4]
    places = cells.layout(cells.graph(cell)).places
    starts = {tuple(patch.get_path().vertices[0]) for patch in wide}
    f = places["f"]
    assert starts == {(places["x_t"].x, places["x_t"].y - 1), (f.x + f.half_width, f.y)}


def test_a_way_is_made_of_nodes_that_are_there():
    with pytest.raises(ValueError, match=r"lit must be one of x_t, .*, got 'q'"):
        cells.draw(LSTM(3, 4), lit=["f", "q"])
    assert not plt.get_fignums()


@pytest.mark.parametrize(
    ("cell", "state", "equation"),
    [
        (LSTMVariant(3, 4, peepholes=True), "h_t", "o × tanh(c_t)"),
        (LSTMVariant(3, 4, peepholes=True), "c_t", "i × g + f × c_{t-1}"),
        (Elman(3, 4), "h_t", "e"),
    ],
)
def test_the_formula_of_a_state_is_its_equation(cell, state, equation):
    plan = cells.graph(cell)
    assert cells.formula(plan, plan.into(state)[0].source, state) == equation
