import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from torch import nn
from torch.nn.functional import cross_entropy, mse_loss, one_hot

from unrolled.cells import Elman
from unrolled.core.recurrent import Cell
from unrolled.core.shapes import (
    STOP,
    ManyToMany,
    ManyToOne,
    OneToMany,
    OneToOne,
    Synchronised,
    Writer,
    sequence_loss,
    steps_to_stop,
    symbol_loss,
)


class Leaky(Cell):
    """A cell with two states of which the second leaks into the first."""

    states = ("h", "c")

    def __init__(self, input_size, hidden_size):
        super().__init__(input_size, hidden_size)
        self.into = nn.Linear(input_size, hidden_size)
        self.u = nn.Parameter(torch.randn(hidden_size, hidden_size) / hidden_size)

    def project(self, x):
        return self.into(x)

    def weights(self):
        return (self.u,)

    def step(self, projected, state, *weights):
        (h, c), (u,) = state, weights
        c = 0.9 * c + projected
        return torch.tanh(c + h @ u), c


@pytest.fixture(params=[Elman, Leaky])
def cell(request):
    torch.manual_seed(0)
    return request.param


def padded(steps, lengths, features):
    """A batch whose padding is poison."""
    x = torch.randn(steps, len(lengths), features)
    for b, n in enumerate(lengths):
        x[n:, b] = float("nan")
    return x


def test_many_to_one_runs_each_sequence_alone(cell):
    model, lengths = ManyToOne(cell(2, 4), 3), [3, 5, 1]
    x = padded(5, lengths, 2)
    together = model(x, lengths)
    for b, n in enumerate(lengths):
        torch.testing.assert_close(together[b : b + 1], model(x[:n, b : b + 1]))


def test_synchronised_runs_each_sequence_alone_and_goes_on(cell):
    model, lengths = Synchronised(cell(2, 4), 3), [3, 5, 1]
    x = padded(5, lengths, 2)
    together, state = model(x, lengths=lengths)
    for b, n in enumerate(lengths):
        alone, last = model(x[:n, b : b + 1])
        torch.testing.assert_close(together[:n, b : b + 1], alone)
        torch.testing.assert_close([part[b : b + 1] for part in state], list(last))
    x = torch.randn(6, 2, 2)
    whole, end = model(x)
    first, middle = model(x[:2])
    rest, last = model(x[2:], middle)
    torch.testing.assert_close([torch.cat([first, rest]), *last], [whole, *end])


def test_one_to_one_is_many_to_one_of_one_step_and_a_perceptron():
    torch.manual_seed(0)
    one, many = OneToOne(Elman(2, 4), 3), ManyToOne(Elman(2, 4), 3)
    many.load_state_dict(one.state_dict())
    x, cell = torch.randn(5, 2), one.layer.cell
    torch.testing.assert_close(one(x), many(x[None]))
    hidden = torch.tanh(x @ cell.weight_ih.T + cell.bias_ih + cell.bias_hh)
    torch.testing.assert_close(one(x), one.read(hidden))


def test_a_writer_reads_what_stands_before(cell):
    writer = Writer(cell(4, 3))
    state = tuple(torch.randn(2, 3) for _ in writer.layer.cell.states)
    symbols = torch.tensor([[1, 3], [2, 0], [3, 0]])
    scores = writer(state, symbols)
    before = one_hot(torch.cat([torch.zeros(1, 2, dtype=torch.long), symbols[:-1]]), 4).float()
    torch.testing.assert_close(scores, writer.read(writer.layer(before, state)[0]))
    changed = symbols.clone()
    changed[1] = torch.tensor([1, 1])
    again = writer(state, changed)
    torch.testing.assert_close(again[:2], scores[:2])  # a symbol is not told to itself
    assert not torch.allclose(again[2], scores[2])


def test_what_is_written_is_the_likeliest_given_what_was_written(cell):
    writer = Writer(cell(5, 6))
    state = tuple(torch.randn(40, 6) for _ in writer.layer.cell.states)
    nn.init.normal_(writer.read.weight)
    written = writer.write(state, 7)
    assert written.shape == (7, 40)
    best = writer(state, written).argmax(dim=-1)
    for b, n in enumerate(steps_to_stop(written).tolist()):
        assert torch.equal(written[:n, b], best[:n, b])
        assert not written[n:, b].any()
    assert len(set(steps_to_stop(written).tolist())) > 1  # some stop early, others do not


def test_what_is_written_depends_on_nothing_beside_it(cell):
    model = ManyToMany(cell(2, 4), cell(5, 4))
    nn.init.normal_(model.writer.read.weight)
    lengths = [3, 5, 1]
    x, symbols = padded(5, lengths, 2), torch.randint(0, 5, (4, 3))
    scores, written = model(x, symbols, lengths), model.write(x, 6, lengths)
    for b, n in enumerate(lengths):
        own = slice(b, b + 1)
        torch.testing.assert_close(scores[:, own], model(x[:n, own], symbols[:, own]))
        assert torch.equal(written[:, own], model.write(x[:n, own], 6))


def test_one_to_many_starts_from_its_input(cell):
    model = OneToMany(3, cell(4, 5))
    x, symbols = torch.randn(2, 3), torch.tensor([[1, 3], [2, 0]])
    state = model.start(x).split(5, dim=1)
    torch.testing.assert_close(model(x, symbols), model.writer(state, symbols))
    assert torch.equal(model.write(x, 3), model.writer.write(state, 3))


def losses(cell):
    """A model and a loss for each shape."""
    x, lengths = torch.randn(5, 3, 2), [3, 5, 2]
    symbols = torch.tensor([[1, 2, 0], [3, 1, 0], [0, 0, 0]])
    stops, classes = steps_to_stop(symbols), torch.tensor([0, 1, 2])
    one, many = OneToOne(cell(2, 4), 3), ManyToOne(cell(2, 4), 3)
    each, writes = Synchronised(cell(2, 4), 3), OneToMany(2, cell(4, 4))
    both = ManyToMany(cell(2, 4), cell(4, 4))
    return {
        "one to one": (one, cross_entropy(one(x[0]), classes)),
        "many to one": (many, mse_loss(many(x, lengths), torch.ones(3, 3))),
        "synchronised": (
            each,
            symbol_loss(each(x, lengths=lengths)[0], classes.expand(5, 3), lengths),
        ),
        "one to many": (writes, symbol_loss(writes(x[0], symbols), symbols, stops)),
        "many to many": (both, symbol_loss(both(x, symbols, lengths), symbols, stops)),
    }


def test_every_shape_reaches_every_weight(cell):
    for shape, (model, loss) in losses(cell).items():
        loss.backward()
        silent = [name for name, p in model.named_parameters() if not p.grad.any()]
        recurrent = "weight_hh" if cell is Elman else "u"
        assert silent == ([f"layer.cell.{recurrent}"] if shape == "one to one" else [])
        assert all(p.grad.isfinite().all() for p in model.parameters())


@pytest.mark.parametrize("shape", ["one to many", "many to many"])
def test_a_model_learns_to_write_and_to_stop(shape):
    torch.manual_seed(0)
    symbols = torch.tensor([[1, 2, 2], [1, 0, 1], [0, 0, 2], [0, 0, 0]])
    x = torch.eye(3)
    if shape == "one to many":
        model, given = OneToMany(3, Elman(3, 16)), (x,)
    else:
        model, given = ManyToMany(Elman(3, 16), Elman(3, 16)), (torch.stack([x, x.flip(0)]),)
    optimizer = torch.optim.Adam(model.parameters(), lr=0.02)
    for _ in range(120):
        optimizer.zero_grad()
        symbol_loss(model(*given, symbols), symbols, steps_to_stop(symbols)).backward()
        optimizer.step()
    assert torch.equal(model.write(*given, 4), symbols)


@given(st.lists(st.integers(0, 6), min_size=1, max_size=4).filter(any))
@settings(deadline=None)
def test_sequence_loss_is_the_mean_over_the_steps_there_are(lengths):
    torch.manual_seed(0)
    losses = torch.randn(6, len(lengths), dtype=torch.float64)
    real = torch.cat([losses[:n, b] for b, n in enumerate(lengths)])
    for b, n in enumerate(lengths):
        losses[n:, b] = float("nan")
    losses.requires_grad_()
    loss = sequence_loss(losses, lengths)
    assert loss.item() == pytest.approx(real.mean().item())
    loss.backward()
    assert losses.grad.sum().item() == pytest.approx(1)


def test_symbol_loss_is_the_mean_of_minus_log_probability():
    torch.manual_seed(0)
    scores, symbols, lengths = torch.randn(4, 2, 3), torch.randint(0, 3, (4, 2)), [4, 2]
    logs = [
        -scores[t, b].log_softmax(dim=0)[symbols[t, b]] for b in (0, 1) for t in range(lengths[b])
    ]
    assert symbol_loss(scores, symbols, lengths).item() == pytest.approx(sum(logs).item() / 6)
    assert symbol_loss(scores, symbols).item() == pytest.approx(
        cross_entropy(scores.flatten(0, 1), symbols.flatten()).item()
    )


@given(st.lists(st.lists(st.integers(0, 3), min_size=5, max_size=5), min_size=1, max_size=4))
def test_steps_to_stop_count_the_stop(rows):
    expected = [row.index(STOP) + 1 if STOP in row else 5 for row in rows]
    assert steps_to_stop(torch.tensor(rows).T).tolist() == expected


@pytest.mark.parametrize(
    ("call", "words"),
    [
        (
            lambda: sequence_loss(torch.ones(3)),
            r"losses must have shape .T, B., none 0, got shape \(3,\)",
        ),
        (lambda: sequence_loss(torch.ones(3, 1), [0]), "lengths must not all be 0"),
        (lambda: sequence_loss(torch.ones(3, 2), [1]), r"lengths must have shape \(2,\)"),
        (
            lambda: symbol_loss(torch.ones(3, 2, 4), torch.ones(2, 3).long()),
            r"symbols must have shape \(3, 2\) like the scores, got \(2, 3\)",
        ),
        (lambda: steps_to_stop(torch.ones(3).long()), r"must have shape \(T, B\), got \(3,\)"),
        (lambda: OneToOne(Elman(2, 3), 0), "outputs must be at least 1, got 0"),
        (lambda: OneToMany(0, Elman(2, 3)), "inputs must be at least 1, got 0"),
        (lambda: Writer(Elman(1, 3)), "symbols must be at least 2, got 1"),
        (lambda: Writer(Elman(2, 3)).write((torch.ones(1, 3),), 0), "steps must be at least 1"),
        (
            lambda: ManyToMany(Elman(2, 3), Elman(2, 4)),
            r"states of the same number and size, got \(1, 3\) and \(1, 4\)",
        ),
        (lambda: ManyToMany(Elman(2, 3), Leaky(2, 3)), r"got \(1, 3\) and \(2, 3\)"),
    ],
)
def test_bad_input_is_named(call, words):
    with pytest.raises(ValueError, match=words):
        call()


def test_a_model_takes_cells_only():
    with pytest.raises(TypeError, match="cell must be a Cell"):
        ManyToOne(nn.RNNCell(2, 3), 1)
