from collections import Counter

import numpy as np
import pytest
import torch
from torch.nn.functional import cross_entropy

from unrolled.data.reber import (
    EMBEDDED,
    ENDLESS,
    IGNORED,
    REBER,
    SYMBOLS,
    continual_reber,
    embedded_reber,
    is_embedded_reber,
)


def spell(one_hot):
    return "".join(SYMBOLS[i] for i in one_hot.argmax(axis=-1))


def strings(batch):
    return [
        spell(batch.inputs[:steps, i]) + SYMBOLS[batch.targets[steps - 1, i]]
        for i, steps in enumerate(batch.lengths)
    ]


def end_of(grammar, string):
    """Walk the table; return the node at the end of the walk, None where it breaks off."""
    node = 0
    for symbol in string:
        node = grammar[node].get(symbol)
        if node is None:
            return None
    return node


def expected_steps(grammar):
    """Solve m = 1 + P m for the mean number of symbols from each node to the end."""
    inner = grammar[:-1]
    P = np.zeros((len(inner), len(inner)))
    for node, ways in enumerate(inner):
        for to in ways.values():
            if to < len(inner):
                P[node, to] += 1 / len(ways)
    identity = np.eye(len(inner))
    fundamental = np.linalg.inv(identity - P)  # expected visits
    mean = fundamental.sum(axis=1)
    variance = (2 * fundamental - identity) @ mean - mean**2
    return mean[0], variance[0]


def embedded(inner, outer="T"):
    return f"B{outer}{inner}{outer}E"


# strings that Schraudolph's page on the grammar gives as Reber and as not Reber
REBER_STRINGS = ["BTSSXXTVVE", "BPVVE", "BTXXVPSE", "BPVPXVPXVPXVVE", "BTSXXVPSE"]
OTHER_STRINGS = ["BTSSPXSE", "BPTVVB", "BTXXVVSE", "BPVSPSE", "BTSSSE"]


def test_published_strings_are_told_apart_by_the_table_and_by_the_automaton():
    for string in REBER_STRINGS:
        assert end_of(REBER, string) == len(REBER) - 1
        assert is_embedded_reber(embedded(string))
        assert is_embedded_reber(embedded(string, "P"))
    for string in OTHER_STRINGS:
        assert end_of(REBER, string) != len(REBER) - 1
        assert not is_embedded_reber(embedded(string))


@pytest.mark.parametrize(
    "string",
    ["", "B", "BTBPVVEPE", "BPBTXSETE", "BTBPVVETEB", "BTBPVVET", "TBPVVETE", "btbpvvete", "BPVVE"],
)
def test_what_is_not_an_embedded_string_is_refused(string):
    assert not is_embedded_reber(string)


def test_the_automaton_and_the_table_agree_on_every_short_string():
    def grow(node, string):
        if not EMBEDDED[node]:
            yield string
        elif len(string) < 14:
            for symbol, to in EMBEDDED[node].items():
                yield from grow(to, string + symbol)

    legal = set(grow(0, ""))
    assert min(map(len, legal)) == 9
    assert {s for s in legal if len(s) == 9} == {
        embedded(inner, outer) for inner in ("BTXSE", "BPVVE") for outer in "TP"
    }
    near = {s[:i] + c + s[i + 1 :] for s in legal for i in range(len(s)) for c in SYMBOLS}
    near |= {s[:i] + s[i + 1 :] for s in legal for i in range(len(s))}
    assert len(near) > 5_000
    for string in near:
        assert is_embedded_reber(string) == (end_of(EMBEDDED, string) == len(EMBEDDED) - 1)


def test_every_string_drawn_is_legal_and_the_rest_is_padding():
    batch = embedded_reber(2_000, seed=0)
    T = batch.lengths.max()
    assert batch.inputs.shape == batch.legal.shape == (T, 2_000, 7)
    assert batch.targets.shape == batch.critical.shape == (T, 2_000)
    assert batch.inputs.dtype == np.float32
    assert batch.targets.dtype == batch.lengths.dtype == np.int64
    assert batch.legal.dtype == batch.critical.dtype == np.bool_
    assert all(map(is_embedded_reber, strings(batch)))
    over = np.arange(T)[:, None] >= batch.lengths
    assert (batch.inputs.sum(axis=2) == ~over).all()
    assert not batch.legal[over].any()
    assert not batch.critical[over].any()
    assert ((batch.targets == IGNORED) == over).all()


def test_the_legal_successors_are_all_that_can_go_on_to_a_legal_string():
    batch = embedded_reber(300, seed=1)
    for i, string in enumerate(strings(batch)):
        for t in range(len(string) - 1):
            ways = EMBEDDED[end_of(EMBEDDED, string[: t + 1])]
            found = {SYMBOLS[k] for k in np.flatnonzero(batch.legal[t, i])}
            assert found == set(ways)
            assert string[t + 1] in found


@pytest.mark.parametrize(
    "batch", [embedded_reber(500, seed=2), continual_reber(20, length=500, seed=2)]
)
def test_every_target_is_legal(batch):
    there = batch.targets != IGNORED
    chosen = np.take_along_axis(batch.legal, np.maximum(batch.targets, 0)[..., None], axis=2)
    assert chosen[..., 0][there].all()
    assert set(batch.legal[there].sum(axis=1)) == {1, 2}


def test_the_critical_step_foretells_the_second_last_symbol_which_is_the_second():
    batch = embedded_reber(500, seed=3)
    assert (batch.critical.sum(axis=0) == 1).all()
    for i, string in enumerate(strings(batch)):
        step = batch.critical[:, i].argmax()
        assert step + 1 == len(string) - 2
        assert SYMBOLS[batch.targets[step, i]] == string[-2] == string[1]
        assert batch.legal[step, i].sum() == 1


def test_lengths_have_the_mean_and_variance_that_linear_algebra_gives():
    assert expected_steps(REBER)[0] == pytest.approx(8)
    mean, variance = expected_steps(EMBEDDED)
    assert mean == pytest.approx(12)
    n = 20_000
    symbols = embedded_reber(n, seed=4).lengths + 1
    assert symbols.min() == 9
    assert symbols.mean() == pytest.approx(mean, abs=4 * np.sqrt(variance / n))
    assert symbols.var() == pytest.approx(variance, rel=0.1)


def test_both_ways_from_every_fork_are_as_likely():
    taken = Counter()
    for string in strings(embedded_reber(10_000, seed=5)):
        node = 0
        for symbol in string:
            taken[node, symbol] += 1
            node = EMBEDDED[node][symbol]
    forks = [node for node, ways in enumerate(EMBEDDED) if len(ways) == 2]
    assert len(forks) == 11
    for node in forks:
        counts = [taken[node, symbol] for symbol in EMBEDDED[node]]
        n = sum(counts)
        assert n > 1_000
        assert counts[0] / n == pytest.approx(0.5, abs=4 * 0.5 / np.sqrt(n))


def test_torch_leaves_the_padding_out():
    batch = embedded_reber(50, seed=6)
    scores = torch.where(torch.from_numpy(batch.legal), 0.0, -1e9)
    loss = cross_entropy(scores.flatten(0, 1), torch.from_numpy(batch.targets).flatten())
    entropy = np.log(batch.legal.sum(axis=2)[batch.targets != IGNORED]).mean()
    assert loss.item() == pytest.approx(entropy, rel=1e-5)


def test_a_stream_is_legal_strings_end_to_end():
    stream = continual_reber(7, length=1_000, seed=0)
    assert stream.inputs.shape == stream.legal.shape == (1_000, 7, 7)
    assert stream.targets.shape == stream.critical.shape == stream.starts.shape == (1_000, 7)
    assert stream.inputs.dtype == np.float32
    assert stream.targets.dtype == np.int64
    assert (stream.inputs.sum(axis=2) == 1).all()
    assert (stream.inputs.argmax(axis=2)[1:] == stream.targets[:-1]).all()
    for i in range(7):
        starts = np.flatnonzero(stream.starts[:, i])
        assert starts[0] == 0
        text = spell(stream.inputs[:, i])
        parts = [text[a:b] for a, b in zip(starts, [*starts[1:], 1_000], strict=True)]
        assert all(map(is_embedded_reber, parts[:-1]))
        assert end_of(EMBEDDED, parts[-1]) is not None
        ends = starts[1:] - 1
        assert (stream.legal[ends, i] == [symbol == "B" for symbol in SYMBOLS]).all()
        critical = np.flatnonzero(stream.critical[:, i])
        assert (starts[1:] - 3).tolist() == critical[: len(starts) - 1].tolist()


def test_a_stream_has_one_string_in_twelve_symbols():
    stream = continual_reber(100, length=3_000, seed=1)
    for mask in (stream.starts, stream.critical):
        assert mask.mean() == pytest.approx(1 / 12, abs=0.001)
    outer = stream.targets[stream.critical]
    assert set(outer) == {SYMBOLS.index("T"), SYMBOLS.index("P")}
    assert (outer == SYMBOLS.index("T")).mean() == pytest.approx(0.5, abs=0.02)


def test_the_shortest_stream_is_one_step():
    stream = continual_reber(2, length=1, seed=0)
    assert stream.inputs.shape == (1, 2, 7)
    assert spell(stream.inputs[:, 0]) == "B"
    assert stream.starts.all()


def test_the_endless_graph_differs_from_the_other_at_the_end_alone():
    assert len(ENDLESS) == len(EMBEDDED) - 1
    assert ENDLESS[:-1] == EMBEDDED[:-2]
    assert ENDLESS[-1] == {"E": 0}


@pytest.mark.parametrize(
    "draw",
    [
        lambda seed: embedded_reber(40, seed=seed),
        lambda seed: continual_reber(4, length=100, seed=seed),
    ],
)
def test_the_seed_alone_decides(draw):
    one, same, other = (draw(seed) for seed in (5, 5, 6))
    assert all((a == b).all() for a, b in zip(one, same, strict=True))
    steps = min(len(one.inputs), len(other.inputs))
    assert (one.inputs[:steps] != other.inputs[:steps]).any()


@pytest.mark.parametrize(
    ("draw", "error", "words"),
    [
        (lambda: embedded_reber(0, seed=0), ValueError, "n must be from 1 to 1000000, got 0"),
        (lambda: embedded_reber("9", seed=0), TypeError, "n must be a whole number"),
        (lambda: embedded_reber(9, seed=-1), ValueError, "seed must be at least 0, got -1"),
        (lambda: continual_reber(0, length=9, seed=0), ValueError, "streams must be at least 1"),
        (lambda: continual_reber(1, length=0, seed=0), ValueError, "length must be at least 1"),
        (lambda: continual_reber(1, length=9, seed=-1), ValueError, "seed must be at least 0"),
        (lambda: is_embedded_reber(b"BTBPVVETE"), TypeError, "string must be a str, got b'BT"),
    ],
)
def test_bad_input_is_named(draw, error, words):
    with pytest.raises(error, match=words):
        draw()


@pytest.mark.parametrize("n", [2 * 10**8, 2**31 - 1])
@pytest.mark.parametrize(
    "draw",
    [
        lambda n: embedded_reber(n, seed=0),
        lambda n: continual_reber(n, length=4, seed=0),
        lambda n: continual_reber(4, length=n, seed=0),
    ],
)
def test_more_than_a_memory_holds_is_refused_at_once(draw, n):
    with pytest.raises(ValueError, match=r" must be from 1 to \d+, got \d+"):
        draw(n)
