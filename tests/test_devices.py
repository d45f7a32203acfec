"""Where tensors live; and without a GPU, that nothing mixes devices or waits for one.

A tensor of ``FakeTensorMode`` has a shape, a type and a device, but no numbers. Two devices in one
operation raise, and so does all that would make a program wait for a device: the value of a number.
"""

import numpy as np
import pytest
import torch
from torch._subclasses.fake_tensor import FakeTensor, FakeTensorMode
from torch.nn.functional import mse_loss
from torch.utils._python_dispatch import TorchDispatchMode

from unrolled.cells import CELLS
from unrolled.core import shapes
from unrolled.core.cell import brings_its_gradient
from unrolled.core.recurrent import Recurrent, mask
from unrolled.data import Batches
from unrolled.experiments.networks import Networks, train
from unrolled.gradients import (
    gaussian,
    identity,
    lyapunov_exponents,
    orthogonal,
    singular_spectrum,
    sparse,
)
from unrolled.training import device, fit

THERE = {"device": "meta"}  # the other device
each_cell = pytest.mark.parametrize("name", CELLS)
WAYS = {name: (name, False) for name in CELLS} | {
    f"{name} by autograd": (name, True)
    for name, row in CELLS.items()
    if brings_its_gradient(row.make(1, 1))
}


def test_a_gpu_is_used_when_there_is_one(monkeypatch):
    monkeypatch.delenv("UNROLLED_DEVICE", raising=False)
    assert device().type == ("cuda" if torch.cuda.is_available() else "cpu")


def test_the_name_goes_before_the_environment(monkeypatch):
    monkeypatch.setenv("UNROLLED_DEVICE", "nonsense")
    assert device("cpu") == torch.device("cpu")
    with pytest.raises(ValueError, match=r"UNROLLED_DEVICE must .*got 'nonsense'"):
        device()


def test_a_device_that_is_not_there_is_named():
    with pytest.raises(ValueError, match=r"device must name a device that torch has.*'cuda:99'"):
        device("cuda:99")


def test_tests_and_notebooks_compute_on_the_cpu():
    assert device() == torch.device("cpu")  # conftest.py


class Elsewhere(FakeTensorMode):
    """A second device. What is read of it is counted, and answered as if all were well."""

    def __init__(self, monkeypatch):
        super().__init__()
        self.reads = 0
        monkeypatch.setattr(torch.Tensor, "__bool__", self.counted(lambda tensor: True))
        monkeypatch.setattr(torch.Tensor, "item", self.counted(lambda tensor: 1.0))
        ones = self.counted(lambda tensor: np.ones(tensor.shape).tolist())
        monkeypatch.setattr(FakeTensor, "tolist", ones)

    def counted(self, answer):
        def read(tensor):
            self.reads += 1
            return answer(tensor)

        return read


class Copies(TorchDispatchMode):
    """Refuses a copy from one device to another that waits for it."""

    def __torch_dispatch__(self, func, types, args=(), kwargs=None):
        kwargs = kwargs or {}
        to = torch.device(kwargs.get("device") or args[0].device) if func is TO_COPY else None
        assert to is None or to == args[0].device or kwargs.get("non_blocking"), "a copy that waits"
        return func(*args, **kwargs)


TO_COPY = torch.ops.aten._to_copy.default


def on_meta(make):
    with torch.device("meta"):
        return make()


@pytest.mark.parametrize(
    "wrong",
    [
        lambda x: x + torch.ones(3),
        lambda x: x.sum().item(),
        lambda x: bool(x.any()),
        lambda x: x.tolist(),
        lambda x: x[x > 0],
        lambda x: x.cpu(),
        lambda x: torch.ones(3).to("meta"),
    ],
)
def test_what_must_not_happen_is_seen(wrong):
    with FakeTensorMode(), Copies(), pytest.raises((RuntimeError, AssertionError)):
        wrong(torch.randn(3, **THERE))


@pytest.mark.parametrize(("name", "autograd"), WAYS.values(), ids=WAYS)
@pytest.mark.parametrize("lengths", [None, [1, 2, 0], [1, 2, 2]])
@pytest.mark.parametrize("begun", [False, True])
def test_a_layer_stays_where_it_is_and_waits_for_nothing(name, autograd, begun, lengths):
    with FakeTensorMode(), Copies():
        layer = on_meta(lambda: Recurrent(CELLS[name].make(2, 3), autograd=autograd))
        x = torch.randn(2, 3, 2, requires_grad=True, **THERE)
        state = tuple(torch.randn(3, 3, requires_grad=True, **THERE) for _ in layer.cell.states)
        output, last = layer(x, state if begun else None, lengths)
        (output.sum() + sum(part.sum() for part in last)).backward()
        found = [output, *last, x.grad, *(p.grad for p in layer.parameters())]
        assert {each.device.type for each in found} == {"meta"}
        assert {each.dtype for each in found} == {torch.float32}


@pytest.mark.parametrize(
    "use", [lambda n: mask(n, 4), lambda n: LAYER(torch.ones(4, 3, 2), None, n)]
)
def test_lengths_in_a_tensor_are_read_once(use, monkeypatch):
    reads, tolist = [], torch.Tensor.tolist
    monkeypatch.setattr(torch.Tensor, "tolist", lambda n: reads.append(n) or tolist(n))
    for other in ("item", "__bool__"):
        monkeypatch.setattr(torch.Tensor, other, None)
    use(torch.tensor([4, 1, 0]))
    assert len(reads) == 1


LAYER = Recurrent(CELLS["LSTM"].make(2, 3))


def read(model):
    scores = model(torch.randn(3, 2, **THERE))
    return mse_loss(scores, torch.zeros_like(scores))


def read_many(model):
    return model(torch.randn(2, 3, 2, **THERE), lengths=[2, 1, 2]).square().mean()


def read_each(model):
    y, _ = model(torch.randn(2, 3, 2, **THERE), lengths=[2, 1, 2])
    return shapes.sequence_loss(y[..., 0].square(), [2, 1, 2])


def write_one(model):
    symbols = torch.ones(2, 3, dtype=torch.long, **THERE)
    model.write(torch.randn(3, 2, **THERE), 2)
    return shapes.symbol_loss(model(torch.randn(3, 2, **THERE), symbols), symbols, [1, 2, 0])


def write_many(model):
    x, symbols = torch.randn(2, 3, 2, **THERE), torch.ones(2, 3, dtype=torch.long, **THERE)
    model.write(x, 2, [2, 1, 2])
    return shapes.symbol_loss(model(x, symbols, [2, 1, 2]), symbols)


SHAPES = {
    "one to one": (lambda make: shapes.OneToOne(make(2), 5), read),
    "many to one": (lambda make: shapes.ManyToOne(make(2), 5), read_many),
    "synchronised": (lambda make: shapes.Synchronised(make(2), 5), read_each),
    "one to many": (lambda make: shapes.OneToMany(2, make(6)), write_one),
    "many to many": (lambda make: shapes.ManyToMany(make(2), make(6)), write_many),
}


@each_cell
@pytest.mark.parametrize(("model", "loss"), SHAPES.values(), ids=SHAPES)
def test_no_shape_waits(name, model, loss):
    with FakeTensorMode(), Copies():
        made = on_meta(lambda: model(lambda size: CELLS[name].make(size, 3)))
        loss(made).backward()
        assert {p.grad.device.type for p in made.parameters() if p.grad is not None} == {"meta"}


@pytest.mark.parametrize("clip", [None, 1.0])
def test_fit_reads_the_device_once_an_update(clip, monkeypatch):
    here = Elsewhere(monkeypatch)
    rows = np.ones((6, 4, 2), np.float32)
    with here, Copies():
        model = on_meta(lambda: shapes.OneToOne(CELLS["GRU"].make(2, 3), 5))
        history = fit(
            model,
            Batches(rows, size=2, seed=0),
            lambda model, x: model(x[:, 0]).square().mean(),
            epochs=3,
            optimizer=torch.optim.SGD(model.parameters(), 0.1, momentum=0.9),
            clip=clip,
        )
    updates = len(history.loss)
    assert updates == 9
    assert here.reads == updates


@pytest.mark.parametrize(
    "name", [name for name, row in CELLS.items() if not row.make(1, 1).mixes_units]
)
def test_many_networks_read_the_device_once_an_update(name, monkeypatch):
    here = Elsewhere(monkeypatch)
    with here, Copies():
        networks = on_meta(lambda: Networks([CELLS[name].make(2, 3) for _ in range(2)], 5))
        train(
            networks,
            lambda update: (torch.ones(2, 3, 2, 2, **THERE),),
            lambda predicted: predicted.square().mean((0, 1, 3)),
            updates=2,
            optimizer=torch.optim.SGD(networks.parameters(), 0.1, momentum=0.9),
            carry=True,
        )
    assert here.reads == 2


@pytest.mark.parametrize(
    "draw",
    [
        lambda: orthogonal(3, seed=0),
        lambda: sparse(3, seed=0, fan_in=2),
        lambda: identity(3),
        lambda: gaussian(3, std=1.0, seed=0),
        lambda: singular_spectrum(torch.ones(2, 3, 3, device="cpu")),
        lambda: lyapunov_exponents(torch.ones(2, 3, 3, device="cpu")),
    ],
)
def test_what_is_promised_on_the_cpu_is_there(draw):
    expected = draw()
    found = on_meta(draw)
    torch.testing.assert_close(found, expected, rtol=0, atol=0)
    assert found.device.type == "cpu"
