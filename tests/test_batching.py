import numpy as np
import pandas as pd
import pytest
import scipy.sparse
import torch

from unrolled.data import Batches


def test_an_epoch_holds_every_example_once_and_rows_stay_together():
    batches = Batches(np.arange(10), torch.arange(10) * 2, size=4, seed=0)
    epoch = list(batches.epoch(0))
    assert [len(x) for x, _ in epoch] == [4, 4, 2]
    assert len(batches) == 3
    assert sorted(np.concatenate([x for x, _ in epoch])) == list(range(10))
    for x, y in epoch:
        assert (torch.as_tensor(x) * 2 == y).all()


def test_the_order_depends_on_seed_and_epoch_alone():
    def order(seed, epoch):
        batches = Batches(np.arange(20), size=20, seed=seed)
        return next(iter(batches.epoch(epoch)))[0].tolist()

    assert order(0, 3) == order(0, 3)
    assert order(0, 3) != order(0, 4)
    assert order(0, 3) != order(1, 3)


def test_an_epoch_can_start_in_its_middle():
    batches = Batches(np.arange(11), size=3, seed=7)
    whole = [batch[0].tolist() for batch in batches.epoch(2)]
    for start in range(len(batches) + 1):
        assert [batch[0].tolist() for batch in batches.epoch(2, start=start)] == whole[start:]


def test_without_shuffling_rows_keep_their_order():
    batches = Batches(np.arange(5), size=2, seed=0, shuffle=False)
    assert [batch[0].tolist() for batch in batches.epoch(1)] == [[0, 1], [2, 3], [4]]


@pytest.mark.parametrize(
    ("arrays", "options", "words"),
    [
        ((), {"size": 1, "seed": 0}, "at least one example"),
        ((np.zeros(0),), {"size": 1, "seed": 0}, "at least one example"),
        ((np.zeros(2), np.zeros(3)), {"size": 1, "seed": 0}, r"same length, got lengths \[2, 3\]"),
        ((np.zeros(2),), {"size": 0, "seed": 0}, "size must be at least 1, got 0"),
        ((np.zeros(2),), {"size": 2**40, "seed": 0}, "size must be at most"),
        ((np.zeros(2),), {"size": 1, "seed": -1}, "seed must be at least 0, got -1"),
        ((np.zeros(2),), {"size": 1, "seed": 2**63}, "seed must be at most"),
    ],
)
def test_bad_input_is_named(arrays, options, words):
    with pytest.raises(ValueError, match=words):
        Batches(*arrays, **options)


@pytest.mark.parametrize(
    "read",
    [
        lambda y: y,
        lambda y: y.tolist(),
        lambda y: torch.as_tensor(y),
        lambda y: pd.Series(y, index=[3, 1, 5, 0, 2, 4]),
        lambda y: pd.Series(y, index=list("abcdef")),
        lambda y: pd.DataFrame({"y": y})["y"],
        lambda y: y.astype(">f8"),
        lambda y: np.repeat(y, 2)[::2],
    ],
)
def test_rows_count_by_position(read):
    y = np.arange(6.0)
    for left, right in Batches(y, read(y), size=4, seed=0).epoch(0):
        assert torch.as_tensor(left).tolist() == torch.as_tensor(right).tolist()


def nested():
    rows = [torch.ones(2), torch.ones(3)]
    return torch.nested.nested_tensor(rows, layout=torch.jagged)


@pytest.mark.parametrize(
    ("array", "words"),
    [
        ("abc", "got str"),
        (None, "got NoneType"),
        ({"a": 1}, "got dict"),
        ([[1, 2], [3]], "got list"),
        (np.array(["a", "b"]), "got ndarray of <U1"),
        (np.zeros(2, "datetime64[s]"), r"got ndarray of datetime64\[s\]"),
        (np.zeros(2, np.longdouble), "got ndarray of float128"),
        (np.ma.zeros(2), "got MaskedArray"),
        (pd.Series(["a", "b"]), "got Series"),
        (pd.Series([1, "b"]), "got Series of object"),
        (scipy.sparse.eye(2), "got dia_"),
        (iter([1.0]), "got list_iterator"),
        (torch.eye(2).to_sparse(), r"dense, got a tensor of layout torch\.sparse_coo"),
        (nested(), "dense, got a nested tensor: pad its rows"),
        (torch.ones(3, device="meta"), "of numbers, got a tensor on the device meta"),
    ],
)
def test_what_holds_no_numbers_for_torch_is_named(array, words):
    with pytest.raises(TypeError, match=rf"arrays must be .*{words}"):
        Batches(array, size=1, seed=0)


@pytest.mark.parametrize("one", [3.0, np.float64(3), torch.tensor(3.0)])
def test_an_array_without_rows_is_named(one):
    with pytest.raises(ValueError, match=r"arrays must have a row for each example, got "):
        Batches(one, size=1, seed=0)


@pytest.mark.parametrize(
    ("arguments", "error", "words"),
    [
        ({"number": -1}, ValueError, "number must be at least 0, got -1"),
        ({"number": 0.5}, TypeError, "number must be a whole number"),
        ({"number": 0, "start": -(10**30)}, ValueError, "start must be from 0 to 3, got "),
        ({"number": 0, "start": 4}, ValueError, "start must be from 0 to 3, got 4"),
    ],
)
def test_an_epoch_that_is_none_is_named_at_once(arguments, error, words):
    with pytest.raises(error, match=words):
        Batches(np.arange(5), size=2, seed=0).epoch(**arguments)


def test_a_batch_may_be_larger_than_all_examples():
    (batch,) = Batches(np.arange(5), size=10**9, seed=2**63 - 1).epoch(10**9)
    assert sorted(batch[0]) == list(range(5))


def test_a_digest_tells_examples_apart_by_every_bit_and_arrays_from_tensors_by_none():
    x = np.arange(6.0)
    negative = x.copy()
    negative[0] = -0.0
    others = [x.reshape(6, 1), x.astype(np.float32), x.astype(int), x[::-1], negative, x[:5]]
    digests = [Batches(each, size=2, seed=0).digest() for each in (x, *others)]
    assert len(set(digests)) == len(digests)
    assert Batches(torch.as_tensor(x), size=4, seed=1).digest() == digests[0]
    assert Batches(x, x, size=2, seed=0).digest() not in digests


@pytest.mark.parametrize("dtype", [torch.bfloat16, torch.bool, torch.complex64, torch.uint8])
def test_every_type_of_torchs_has_a_digest(dtype):
    one, other = torch.zeros(3, 2, dtype=dtype), torch.ones(3, 2, dtype=dtype)
    digests = [Batches(each, size=1, seed=0).digest() for each in (one, other)]
    assert digests[0] != digests[1]


@pytest.mark.parametrize(
    "cut",
    [
        lambda x: x[:, 0],
        lambda x: x[:, :1],
        lambda x: x.T[0],
        lambda x: x.flatten()[::2],
        lambda x: x[:1, 0].expand(4),
    ],
)
def test_a_digest_is_of_the_values_however_they_lie_in_memory(cut):
    part = cut(torch.arange(12.0).reshape(4, 3))
    digests = [
        Batches(each, size=2, seed=0).digest() for each in (part, part.clone(), part.numpy())
    ]
    assert len(set(digests)) == 1


def test_examples_carry_no_graph():
    x = torch.ones(4, 2, requires_grad=True) * 2
    ((batch,),) = Batches(x, size=4, seed=0).epoch(0)
    assert not batch.requires_grad
    assert x.requires_grad
