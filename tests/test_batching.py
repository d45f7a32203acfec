import numpy as np
import pytest
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
        ((np.zeros(2),), {"size": 1, "seed": -1}, "seed must be at least 0, got -1"),
    ],
)
def test_bad_input_is_named(arrays, options, words):
    with pytest.raises(ValueError, match=words):
        Batches(*arrays, **options)
