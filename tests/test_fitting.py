import functools
import logging
import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
import torch
from torch import nn
from torch.nn.functional import l1_loss, mse_loss

from unrolled.data import Batches
from unrolled.training import device, fit, load, save


def problem(seed=0):
    torch.manual_seed(seed)
    # dropout: the random state must survive a resumption as well
    model = nn.Sequential(nn.Linear(3, 16), nn.Tanh(), nn.Dropout(0.2), nn.Linear(16, 1))
    model.to(device())
    x = torch.randn(40, 3)
    optimizer = torch.optim.Adam(model.parameters(), lr=1e-2)
    return model, Batches(x, x.sum(1, keepdim=True), size=8, seed=seed), optimizer


def squared(model, x, y):
    return mse_loss(model(x), y)


def weights(model):
    return [parameter.detach().clone() for parameter in model.parameters()]


def same(model, expected):
    return all(
        torch.equal(found, wanted)
        for found, wanted in zip(model.parameters(), expected, strict=True)
    )


def test_training_lowers_the_loss_and_records_every_update():
    model, batches, optimizer = problem()
    history = fit(model, batches, squared, epochs=30, optimizer=optimizer)
    assert len(history.loss) == len(history.norm) == 30 * len(batches)
    assert np.mean(history.loss[-5:]) < 0.3 * np.mean(history.loss[:5])
    assert not model.training


def test_one_update_is_the_optimizers_step_on_the_clipped_gradient():
    model, batches, _ = problem()
    model[2].p = 0.0
    optimizer = torch.optim.SGD(model.parameters(), lr=1.0)
    before = weights(model)
    (batch,) = Batches(*batches.arrays, size=40, seed=0, shuffle=False).epoch(0)
    batch = [part.to(device()) for part in batch]
    gradient = torch.autograd.grad(squared(model, *batch), list(model.parameters()))
    norm = math.sqrt(sum(float((g**2).sum()) for g in gradient))
    whole = Batches(*batches.arrays, size=40, seed=0, shuffle=False)
    history = fit(model, whole, squared, epochs=1, optimizer=optimizer, clip=norm / 4)
    assert history.norm == pytest.approx([norm], rel=1e-5)
    for old, new, g in zip(before, model.parameters(), gradient, strict=True):
        torch.testing.assert_close(new, old - g / 4, rtol=1e-4, atol=1e-6)


def test_the_best_weights_are_kept_and_patience_ends_the_run():
    model, batches, optimizer = problem()
    scores = [5.0, 3.0, 1.0, 2.0, 2.0, 2.0, 0.0]
    seen = []

    def validate(model):
        assert not model.training
        seen.append(weights(model))
        return scores[len(seen) - 1]

    history = fit(
        model, batches, squared, epochs=50, optimizer=optimizer, validate=validate, patience=3
    )
    assert history.validation == scores[:6]
    assert history.best_epoch == 2
    assert same(model, seen[2])


def test_the_schedule_steps_once_an_epoch():
    model, batches, optimizer = problem()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    fit(model, batches, squared, epochs=3, optimizer=optimizer, schedule=schedule)
    assert optimizer.param_groups[0]["lr"] == pytest.approx(1e-2 / 8)


@pytest.mark.parametrize("stop_after", [1, 4, 5, 12, 20])
def test_a_run_stopped_anywhere_resumes_to_the_same_bits(tmp_path, stop_after):
    def run(path, calls=1000):
        model, batches, optimizer = problem()
        schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=2, gamma=0.5)
        left = [calls]

        def loss(model, x, y):
            if left[0] == 0:
                raise KeyboardInterrupt
            left[0] -= 1
            return squared(model, x, y)

        x, y = (part.to(device()) for part in batches.arrays)
        history = fit(
            model, batches, loss, epochs=6, optimizer=optimizer, schedule=schedule, clip=1.0,
            validate=lambda model: mse_loss(model(x), y).item(), patience=4,
            checkpoint=path, save_every=3,
        )  # fmt: skip
        return model, history

    unbroken, expected = run(tmp_path / "unbroken.pt")
    with pytest.raises(KeyboardInterrupt):
        run(tmp_path / "broken.pt", calls=stop_after)
    torch.manual_seed(99)  # the resumed process starts from another random state
    resumed, history = run(tmp_path / "broken.pt")
    assert same(resumed, weights(unbroken))
    assert history == expected
    again, history = run(tmp_path / "broken.pt", calls=0)  # a finished run trains no more
    assert same(again, weights(unbroken))
    assert history == expected


SCRIPT = """
import os, sys, time, torch
sys.path.insert(0, {tests!r})
from test_fitting import problem, squared
from unrolled.training import fit
model, batches, optimizer = problem()
calls = 0
def loss(model, x, y):
    global calls
    calls += 1
    if str(calls) == os.environ["HANG_AT"]:
        time.sleep(600)
    return squared(model, x, y)
fit(model, batches, loss, epochs=4, optimizer=optimizer, checkpoint="run.pt", save_every=1)
torch.save(model.state_dict(), "end.pt")
"""


def test_a_run_killed_in_the_middle_of_an_epoch_ends_with_the_same_bits(tmp_path):
    def start(folder, hang_at=0):
        folder.mkdir(exist_ok=True)
        script = SCRIPT.format(tests=str(Path(__file__).parent))
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=folder,
            env={
                **os.environ,
                "PYTHONPATH": os.pathsep.join(sys.path),
                "HANG_AT": str(hang_at),
            },
        )

    killed = start(tmp_path / "killed", hang_at=8)
    checkpoint = tmp_path / "killed" / "run.pt"
    while not (checkpoint.exists() and len(load(checkpoint)["history"]["loss"]) >= 7):
        assert killed.poll() is None, "the run ended before it could be killed"
        time.sleep(0.01)
    killed.send_signal(signal.SIGKILL)
    killed.wait()
    state = load(checkpoint)
    assert (state["epoch"], state["batch"]) == (1, 2)  # the middle of an epoch
    assert not (tmp_path / "killed" / "end.pt").exists()

    assert start(tmp_path / "killed").wait() == 0
    resumed = torch.load(tmp_path / "killed" / "end.pt", weights_only=True)
    unbroken, batches, optimizer = problem()
    fit(unbroken, batches, squared, epochs=4, optimizer=optimizer)
    assert resumed.keys() == unbroken.state_dict().keys()
    assert all(torch.equal(resumed[name], each) for name, each in unbroken.state_dict().items())


def absolute(model, x, y):
    return (model(x) - y).abs().mean()


def weighted(beta):
    return lambda model, x, y: beta * squared(model, x, y)


def a_run(path, epochs=1, **changes):
    """Train a small model; each change is of one thing that decides the result."""
    torch.manual_seed(0)
    wanted = {"width": 4, "dropout": 0.1, "bias": True, "fixed": False, "swapped": False}
    wanted |= {"rate": 0.1, "momentum": 0.5, "decay": 0.0, "make": torch.optim.SGD, "gamma": 0.9}
    wanted |= {"rows": 1.0, "columns": 1.0, "size": 8, "seed": 0, "shuffle": True}
    fitting = {"loss": squared, "clip": 1.0, "validate": None}
    fitting |= {name: changes.pop(name) for name in list(changes) if name not in wanted}
    o = wanted | changes
    parts = [nn.Linear(3, o["width"], bias=o["bias"]), nn.Dropout(o["dropout"])]
    model = nn.Sequential(*parts, nn.Linear(o["width"], 1))
    model[0].weight.requires_grad_(not o["fixed"])
    weights = list(model.parameters())
    options = {"momentum": o["momentum"]} if o["make"] is torch.optim.SGD else {}
    optimizer = o["make"](
        weights[::-1] if o["swapped"] else weights,
        lr=o["rate"], weight_decay=o["decay"], **options,
    )  # fmt: skip
    scheduling = torch.optim.lr_scheduler
    schedule = scheduling.SequentialLR(
        optimizer,
        [
            scheduling.LambdaLR(optimizer, lambda epoch: 1.0),
            scheduling.StepLR(optimizer, 1, o["gamma"]),
        ],
        milestones=[1],
    )
    x = torch.linspace(-1, 1, 60).reshape(20, 3)
    batches = Batches(
        o["rows"] * x, o["columns"] * x.sum(1, keepdim=True),
        size=o["size"], seed=o["seed"], shuffle=o["shuffle"],
    )  # fmt: skip
    loss = fitting.pop("loss")
    return fit(
        model, batches, loss,
        epochs=epochs, optimizer=optimizer, schedule=schedule, checkpoint=path, **fitting,
    )  # fmt: skip


OTHER = [
    ({"width": 5}, r"got modules\.0\.out_features=4"),
    ({"dropout": 0.2}, r"got modules\.1\.p=0\.1, expected modules\.1\.p=0\.2"),
    ({"bias": False}, r"got .*weights\.0\.bias='.*expected .*weights\.0\.bias=none"),
    ({"fixed": True}, r"0\.weight='torch\.float32 \(4, 3\) trained', expected .* fixed'"),
    ({"swapped": True}, r"got optimizer\.groups\[0\]\.params\[0\]='0\.weight'"),
    ({"rate": 0.01}, r"got optimizer\.groups\[0\]\.lr=0\.1,.*=0\.01"),
    ({"momentum": 0.9}, r"momentum=0\.5, expected .*momentum=0\.9"),
    ({"decay": 0.1}, r"weight_decay=0\.0, expected .*weight_decay=0\.1"),
    ({"make": torch.optim.Adam}, r"got optimizer\.type='SGD', .*expected optimizer\.type='Adam'"),
    ({"gamma": 0.5}, r"schedule\._schedulers\[1\]\.gamma=0\.9"),
    ({"rows": 2.0}, "got data='.*', expected data='"),
    ({"columns": 2.0}, "got data='.*', expected data='"),
    ({"size": 4}, "got size=8, expected size=4"),
    ({"seed": 1}, "got seed=0, expected seed=1"),
    ({"shuffle": False}, "got shuffle=True, expected shuffle=False"),
    ({"clip": None}, "got clip=1.0, expected clip=inf"),
    ({"loss": absolute}, "got loss='squared .*', expected loss='absolute "),
    ({"validate": lambda model: 0.0}, "got validate=None, expected validate='<lambda> "),
]


@pytest.mark.parametrize(("change", "words"), OTHER, ids=[str(*each) for each, _ in OTHER])
def test_a_checkpoint_of_another_run_is_refused_and_says_what_differs(tmp_path, change, words):
    path = tmp_path / "a.pt"
    a_run(path)
    before = path.read_bytes()
    with pytest.raises(ValueError, match=rf"same run, .*a\.pt is not: .*{words}"):
        a_run(path, epochs=2, **change)
    assert path.read_bytes() == before
    assert len(a_run(path, epochs=2).loss) == 6


class Scaled(nn.Linear):
    def __init__(self, scale, bend):
        super().__init__(3, 1)
        self.scale, self.bend, self.table = scale, bend, np.ones(3)

    def forward(self, x):
        return self.bend(self.scale * super().forward(x))


def test_a_model_is_told_by_what_no_weight_shows(tmp_path):
    _, batches, _ = problem()

    def run(epochs, *options):
        model = Scaled(*options)
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        fit(model, batches, squared, epochs=epochs, optimizer=optimizer, checkpoint=tmp_path / "a")

    run(1, 2.0, torch.tanh)
    run(2, 2.0, torch.tanh)
    with pytest.raises(ValueError, match=r"got modules\.model\.scale=2\.0, expected .*scale=3\.0"):
        run(3, 3.0, torch.tanh)
    with pytest.raises(ValueError, match=r"got modules\.model\.bend='.*tanh.*expected .*relu"):
        run(3, 2.0, torch.relu)


def test_a_loss_is_told_by_its_code_and_the_numbers_it_reads(tmp_path):
    path = tmp_path / "a.pt"
    a_run(path, loss=weighted(0.5))
    assert len(a_run(path, epochs=2, loss=weighted(0.5)).loss) == 6
    for other in (weighted(0.6), lambda model, x, y: squared(model, x, y)):
        with pytest.raises(ValueError, match=r"got loss.*=.*, expected loss"):
            a_run(path, epochs=3, loss=other)


@dataclass
class Options:
    weight: float
    started: float = field(default_factory=time.perf_counter)  # which no loss reads


class Weighting:
    def __init__(self, weight):
        self.weight, self.started, self.calls = weight, time.perf_counter(), 0

    def __call__(self, *batch):
        return self.scaled(squared(*batch))

    def scaled(self, value):
        self.calls += 1
        return self.weight * value

    def method(self, *batch):
        return self(*batch)


def closing(held, read=lambda held: held):
    return lambda *batch: squared(*batch) * torch.as_tensor(read(held)).sum()


def calling(held):
    return lambda model, x, y: held(model(x), y)


def nested(held):
    def inner(value):
        return value * held

    return lambda *batch: inner(squared(*batch))


def defaulting(held):
    def loss(model, x, y, weight=held):
        return torch.as_tensor(weight).sum() * squared(model, x, y)

    return loss


def keyworded(model, x, y, *, weight):
    return squared(model, x, y) * weight


def decorated(held):
    return torch.enable_grad()(lambda *batch: held * squared(*batch))


def module(weight):
    made = nn.Linear(1, 1)
    nn.init.constant_(made.weight, weight)
    nn.init.zeros_(made.bias)
    return lambda model, x, y: squared(lambda x: made(model(x)), x, y)


READ = {
    "a tensor": lambda w: closing(torch.tensor(w)),
    "a tensor with a gradient": lambda w: closing(torch.tensor(w, requires_grad=True)),
    "a strided tensor": lambda w: closing(torch.full((4, 2), w)[:, 0]),
    "an array": lambda w: closing(np.array(w)),
    "a series": lambda w: closing(pd.Series([w]), lambda held: held.to_numpy(copy=True)),
    "a list": lambda w: closing([w]),
    "lists in lists": lambda w: closing([[1.0], [w]]),
    "a list of arrays": lambda w: closing([np.array([w])], lambda held: held[0]),
    "a dict": lambda w: closing({"a": w}, lambda held: held["a"]),
    "a set": lambda w: closing({w}, list),
    "a function": lambda w: calling(mse_loss if w == 1 else l1_loss),
    "a module": lambda w: calling(nn.MSELoss() if w == 1 else nn.L1Loss()),
    "a module's option": lambda w: calling(nn.SmoothL1Loss(beta=w)),
    "a module's weight": module,
    "a function of the user's": nested,
    "a default": lambda w: defaulting(w),
    "a list for a default": lambda w: defaulting([torch.tensor(w)]),
    "a keyword": lambda w: functools.partial(keyworded, weight=torch.tensor(w)),
    "a partial of a closure": lambda w: functools.partial(closing(w)),
    "an object": lambda w: Weighting(w),
    "a method": lambda w: Weighting(w).method,
    "an attribute": lambda w: closing(Options(w), lambda held: held.weight),
    "what a package decorates": decorated,
    "batches": lambda w: closing(Batches([w], size=1, seed=0), lambda held: held.arrays[0]),
}


@pytest.mark.parametrize("make", READ.values(), ids=READ)
def test_a_loss_is_told_by_what_it_reads(tmp_path, make):
    path = tmp_path / "a.pt"
    a_run(path, loss=make(1.0))
    assert len(a_run(path, epochs=2, loss=make(1.0)).loss) == 6
    with pytest.raises(ValueError, match=r"same run, .* is not: got loss.*, expected loss"):
        a_run(path, epochs=3, loss=make(5.0))


GLOBAL = 1.0


def test_a_loss_is_told_by_globals_that_an_inner_function_reads(tmp_path, monkeypatch):
    def loss(*batch):
        return (lambda value: value * GLOBAL)(squared(*batch))

    a_run(tmp_path / "a.pt", loss=loss)
    monkeypatch.setitem(globals(), "GLOBAL", 2.0)
    with pytest.raises(ValueError, match=r"got loss\.GLOBAL=1\.0, expected loss\.GLOBAL=2\.0"):
        a_run(tmp_path / "a.pt", epochs=2, loss=loss)


def test_a_score_is_told_by_its_data(tmp_path):
    def scoring(*arrays):
        @torch.no_grad()
        def validate(model):
            model.eval()
            return float(squared(model, *arrays))

        return validate

    x, y = torch.ones(5, 3), torch.ones(5, 1)
    a_run(tmp_path / "a.pt", validate=scoring(x, y))
    a_run(tmp_path / "a.pt", epochs=2, validate=scoring(x.clone(), y))
    with pytest.raises(ValueError, match=r"got validate\..*arrays='tuple of 2 "):
        a_run(tmp_path / "a.pt", epochs=3, validate=scoring(2 * x, y))


class Holding(nn.Linear):
    def __init__(self, kind, value):
        super().__init__(3, 1)
        self.seen, self.last, self.calls = [], None, 0
        if kind == "buffer":
            self.register_buffer("held", torch.tensor(value), persistent=False)
        else:
            self.held = HELD[kind](value)

    def forward(self, x):
        self.calls += 1
        self.last = super().forward(x)
        self.seen.append(self.last.detach())
        return self.last


HELD = {
    "a tensor": torch.tensor,
    "an array": np.array,
    "a list": lambda value: [value],
    "a dict": lambda value: {0: value},
    "a function": lambda value: lambda x: x * value,
    "a module in a list": lambda value: [nn.SmoothL1Loss(beta=value)],
}


@pytest.mark.parametrize("kind", [*HELD, "buffer"])
def test_a_model_is_told_by_what_it_holds_and_not_by_what_changes(tmp_path, kind):
    def run(epochs, value):
        model, (_, batches, _) = Holding(kind, value), problem()
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
        fit(model, batches, squared, epochs=epochs, optimizer=optimizer, checkpoint=tmp_path / "a")
        return model

    run(1, 1.0)
    model = run(2, 1.0)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    fit(model, problem()[1], squared, epochs=3, optimizer=optimizer, checkpoint=tmp_path / "a")
    with pytest.raises(
        ValueError, match=r"got modules\.model\.held.*expected modules\.model\.held"
    ):
        run(4, 5.0)


def appending(seen):
    def loss(*batch):
        value = squared(*batch)
        seen["loss"].append(value.item())
        return value

    return loss


@pytest.mark.parametrize("fail_at", [1, 3, 5])
def test_what_a_loss_or_a_score_appends_to_does_not_make_another_run(tmp_path, fail_at):
    path, seen, scores, weighting = tmp_path / "a.pt", {"loss": []}, [], Weighting(1.0)
    total = torch.zeros(())
    logger = logging.getLogger("a run")

    def loss(*batch):
        logger.debug("update")
        weighting(*batch)
        total.add_(1)
        return appending(seen)(*batch)

    def validate(model):
        scores.append(1.0)
        if len(scores) == fail_at and not (tmp_path / "broken").exists():
            (tmp_path / "broken").touch()
            raise KeyboardInterrupt
        return 1.0

    run = functools.partial(a_run, path, loss=loss, validate=validate, save_every=2)
    with pytest.raises(KeyboardInterrupt):
        run(epochs=8)
    assert len(run(epochs=8).loss) == 24  # in the process where the lists have grown
    seen, scores, weighting, total = {"loss": []}, [], Weighting(1.0), torch.zeros(())
    assert len(run(epochs=9).loss) == 27  # and in one where they are new


def test_what_changes_only_after_the_last_save_does_not_make_another_run(tmp_path):
    path, seen = tmp_path / "a.pt", []

    def validate(model):
        seen.append(1)
        if len(seen) == 1:
            raise KeyboardInterrupt
        return 1.0

    run = functools.partial(a_run, path, validate=validate, save_every=1)
    with pytest.raises(KeyboardInterrupt):
        run()
    assert len(run().loss) == 3


def test_a_checkpoint_keeps_a_rate_of_numpys(tmp_path):
    for epochs in (1, 2):
        found = a_run(tmp_path / "a.pt", epochs, rate=np.logspace(-4, -2, 3)[1])
        assert len(found.loss) == 3 * epochs


def test_the_same_objects_can_go_on(tmp_path):
    model, batches, optimizer = problem()
    schedule = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1, gamma=0.5)
    for epochs in (2, 3):
        history = fit(
            model, batches, squared, epochs=epochs, optimizer=optimizer, schedule=schedule,
            checkpoint=tmp_path / "a.pt",
        )  # fmt: skip
        assert len(history.loss) == epochs * len(batches)


def test_a_run_cannot_have_gone_on_for_longer_than_it_is_let(tmp_path):
    path = tmp_path / "a.pt"

    def validate(model):
        return 1.0

    run = functools.partial(a_run, path, validate=validate)
    run(epochs=3)
    with pytest.raises(ValueError, match=r"epochs must be at least 3, begun in .*a\.pt, got 2"):
        run(epochs=2)
    with pytest.raises(ValueError, match=r"patience must be that of .* or more, got 1: .*epoch 2"):
        run(epochs=4, patience=1)
    assert run(epochs=9, patience=3).validation == [1.0] * 4


def test_a_run_that_broke_before_its_first_update_can_be_mended(tmp_path):
    path = tmp_path / "a.pt"
    with pytest.raises(ZeroDivisionError):
        a_run(path, loss=lambda model, x, y: 1 / 0)
    assert len(a_run(path).loss) == 3


def test_a_path_that_cannot_be_written_is_named_before_any_work(tmp_path):
    (tmp_path / "file").touch()
    seen = []

    def loss(*batch):
        seen.append(batch)
        return squared(*batch)

    with pytest.raises(OSError, match="file/below"):
        a_run(tmp_path / "file" / "below", loss=loss)
    with pytest.raises(TypeError, match="checkpoint must be a path, got 3"):
        a_run(3, loss=loss)
    with pytest.raises(ValueError, match="is not: it is no regular file"):
        a_run(tmp_path, loss=loss)
    assert not seen


class WithExtra(nn.Linear):
    def get_extra_state(self):
        return {"made by": object()}


def test_what_cannot_be_saved_is_named_before_any_work(tmp_path):
    model = WithExtra(3, 1)
    optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    before = weights(model)
    with pytest.raises(TypeError, match=r"got object at state\['model'\]\['_extra_state'\]"):
        fit(
            model, problem()[1], squared,
            epochs=1, optimizer=optimizer, checkpoint=tmp_path / "a.pt",
        )  # fmt: skip
    assert same(model, before)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "a.pt"
    a_run(path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"whole checkpoint, .*a\.pt is not"):
        a_run(path, epochs=2)
    save(path, {"weights": 1})
    with pytest.raises(
        ValueError, match=r"same run, .*a\.pt is not: got a dict of weights, expected"
    ):
        a_run(path, epochs=2)


@pytest.mark.parametrize(
    "change", [{"history": 3}, {"setting": []}, {"history": {}}, {"epoch": "1"}, {"more": 1}]
)
def test_a_file_of_other_content_is_named(tmp_path, change):
    path = tmp_path / "a.pt"
    a_run(path)
    save(path, load(path) | change)
    with pytest.raises(ValueError, match=r"same run, .*a\.pt is not: got a dict of .*, expected"):
        a_run(path, epochs=2)
    save(path, {"setting": {}} | change)
    with pytest.raises(ValueError, match=r"same run, .*a\.pt is not: got a dict of .*, expected"):
        a_run(path, epochs=2)


def test_a_model_without_sizes_cannot_be_saved_before_it_is_called(tmp_path):
    model, (_, batches, _) = nn.LazyLinear(1), problem()
    options = {"epochs": 1, "optimizer": torch.optim.SGD(model.parameters(), lr=0.1)}
    with pytest.raises(ValueError, match="got weight without a size: call the model once"):
        fit(model, batches, squared, checkpoint=tmp_path / "a.pt", **options)
    assert not list(tmp_path.iterdir())
    model(batches.arrays[0][:1])
    fit(model, batches, squared, checkpoint=tmp_path / "a.pt", **options)


def test_a_score_that_is_not_finite_stops_the_run():
    model, batches, optimizer = problem()
    with pytest.raises(FloatingPointError, match="validate must be finite, got nan in epoch 0"):
        fit(model, batches, squared, epochs=3, optimizer=optimizer, validate=lambda _: math.nan)


def test_a_loss_that_is_not_finite_stops_the_run_before_the_weights_are_lost():
    model, batches, optimizer = problem()

    def broken(model, x, y):
        return squared(model, x, y) * math.nan

    with pytest.raises(FloatingPointError, match=r"update 0: loss nan.*smaller learning rate"):
        fit(model, batches, broken, epochs=1, optimizer=optimizer)
    assert all(torch.isfinite(each).all() for each in model.parameters())


@pytest.mark.parametrize(
    ("options", "words"),
    [
        ({"epochs": 0}, "epochs must be at least 1, got 0"),
        ({"epochs": 1, "clip": 0.0}, "clip must be greater than 0"),
        ({"epochs": 1, "patience": 3}, "patience needs validate, got patience=3"),
        ({"epochs": 1, "patience": 0}, "patience must be at least 1, got 0"),
        ({"epochs": 1, "save_every": 3}, "save_every needs checkpoint, got save_every=3"),
    ],
)
def test_bad_input_is_named_before_any_work(options, words):
    model, batches, optimizer = problem()
    before = weights(model)
    with pytest.raises(ValueError, match=words):
        fit(model, batches, squared, optimizer=optimizer, **options)
    assert same(model, before)


def other_model():
    return list(nn.Linear(3, 1).parameters())


def made(name, *arguments, optimizer=None):
    optimizer = optimizer or torch.optim.SGD(other_model(), lr=0.1)
    return getattr(torch.optim.lr_scheduler, name)(optimizer, *arguments)


BAD = {
    "no model": ({"model": 3}, TypeError, r"model must be .*Module, got 3"),
    "a model without weights": (
        {"model": nn.ReLU()},
        ValueError,
        "model must have parameters to train, got none",
    ),
    "a model all fixed": (
        {"model": nn.Linear(3, 1).requires_grad_(False)},
        ValueError,
        "model must have parameters to train, got 2, all with requires_grad=False",
    ),
    "sparse gradients": (
        {"model": nn.Sequential(nn.Embedding(3, 2, sparse=True))},
        ValueError,
        "model must have dense gradients, got sparse=True in 0",
    ),
    "no batches": ({"batches": [1]}, TypeError, r"batches must be .*Batches, got list"),
    "no loss": ({"loss": "mse"}, TypeError, "loss must be a function of the model and the arrays"),
    "a loss of torch's": (
        {"loss": nn.MSELoss()},
        TypeError,
        r"lambda model, x, y: loss\(model\(x\), y\), got torch's MSELoss, one of outputs",
    ),
    "a function of torch's": (
        {"loss": mse_loss},
        TypeError,
        r"lambda model, x, y: loss\(model\(x\), y\), got torch's mse_loss, one of outputs",
    ),
    "a loss of two arguments": (
        {"loss": lambda model, x: 0},
        TypeError,
        "loss must be a function of .*, got one that has too many positional arguments",
    ),
    "a validation without model": (
        {"validate": lambda: 0.0},
        TypeError,
        "validate must be a function of the model, got one that has too many",
    ),
    "a score for a function": (
        {"validate": 0.5},
        TypeError,
        "validate must be a function of the model, got 0.5",
    ),
    "no optimizer": (
        {"optimizer": 0.1},
        TypeError,
        r"optimizer must be .*Optimizer, got 0.1",
    ),
    "LBFGS": (
        {"optimizer": lambda model: torch.optim.LBFGS(model.parameters())},
        ValueError,
        "optimizer must step without a closure, got LBFGS",
    ),
    "an optimizer of sparse gradients": (
        {"optimizer": lambda model: torch.optim.SparseAdam(model.parameters())},
        ValueError,
        "optimizer must take dense gradients, got SparseAdam",
    ),
    "an optimizer of another model": (
        {"optimizer": lambda model: torch.optim.SGD(other_model(), lr=0.1)},
        ValueError,
        "optimizer must be made for the model's parameters, got one with 2 of another",
    ),
    "an optimizer of another model too": (
        {"optimizer": lambda model: torch.optim.SGD([*model.parameters(), *other_model()])},
        ValueError,
        "optimizer must be made for the model's parameters, got one with 2 of another",
    ),
    "an optimizer of half the model": (
        {"optimizer": lambda model: torch.optim.SGD(model[0].parameters())},
        ValueError,
        r"optimizer must be .*, got none of 3\.weight, 3\.bias: give it all, or freeze",
    ),
    "no schedule": ({"schedule": 0.1}, TypeError, r"schedule must be .*LRScheduler, got 0.1"),
    "a schedule of another optimizer": (
        {"schedule": lambda optimizer: made("StepLR", 1)},
        ValueError,
        "schedule must be made for the optimizer, got one of another SGD",
    ),
    "a schedule that waits for a score": (
        {"schedule": lambda optimizer: made("ReduceLROnPlateau", optimizer=optimizer)},
        ValueError,
        "schedule must step without a score, got ReduceLROnPlateau",
    ),
    "a schedule that ends too early": (
        {"schedule": lambda optimizer: made("OneCycleLR", 0.1, 1, optimizer=optimizer)},
        ValueError,
        "schedule must have a step for each of 2 epochs, got OneCycleLR of 1",
    ),
}


@pytest.mark.parametrize(("changes", "error", "words"), BAD.values(), ids=BAD)
def test_what_cannot_be_trained_is_named_before_any_work(changes, error, words):
    model, batches, optimizer = problem()
    before = weights(model)
    wanted = {"model": model, "batches": batches, "loss": squared, "epochs": 2}
    wanted |= {"optimizer": optimizer} | changes
    for name, of in (("optimizer", model), ("schedule", optimizer)):
        if callable(changes.get(name)):
            wanted[name] = changes[name](of)
    state = torch.get_rng_state()
    with pytest.raises(error, match=words):
        fit(**wanted)
    assert same(model, before)
    assert torch.equal(torch.get_rng_state(), state)


def test_a_schedule_of_as_many_steps_as_epochs_is_enough():
    model, batches, optimizer = problem()
    fit(
        model, batches, squared, epochs=4, optimizer=optimizer,
        schedule=made("OneCycleLR", 0.1, 4, optimizer=optimizer),
    )  # fmt: skip


def test_frozen_weights_stay_and_need_no_optimizer():
    model, batches, _ = problem()
    model[0].requires_grad_(False)
    before = weights(model)
    optimizer = torch.optim.SGD(model[3].parameters(), lr=0.1)
    fit(model, batches, squared, epochs=1, optimizer=optimizer)
    assert [torch.equal(*pair) for pair in zip(weights(model), before, strict=True)] == [
        True, True, False, False,
    ]  # fmt: skip


@pytest.mark.parametrize(
    ("loss", "error", "words"),
    [
        (lambda *batch: 1.0, TypeError, "loss must return a tensor, got float"),
        (lambda *batch: squared(*batch)[None], ValueError, r"a real scalar, got shape \(1,\)"),
        (lambda *batch: squared(*batch) * 1j, ValueError, r"shape \(\) of torch\.complex64"),
        (lambda *batch: squared(*batch).detach(), ValueError, "got a tensor without a gradient"),
        (
            lambda model, x, y: torch.ones((), requires_grad=True) * 2,
            ValueError,
            "loss must depend on the model's parameters, got a gradient for none",
        ),
    ],
)
def test_a_loss_that_cannot_be_followed_is_named_before_any_update(loss, error, words):
    model, batches, optimizer = problem()
    before = weights(model)
    with pytest.raises(error, match=words):
        fit(model, batches, loss, epochs=1, optimizer=optimizer)
    assert same(model, before)


def test_a_sparse_gradient_is_named_before_any_update():
    class Table(nn.Module):
        def __init__(self):
            super().__init__()
            self.table = nn.Parameter(torch.randn(3, 2))

        def forward(self, x):
            return torch.nn.functional.embedding(x, self.table, sparse=True).sum()

    model = Table()
    with pytest.raises(ValueError, match="dense gradients, got a sparse one of table"):
        fit(
            model, Batches(torch.tensor([0, 1]), size=2, seed=0), lambda model, x: model(x),
            epochs=1, optimizer=torch.optim.SGD(model.parameters()),
        )  # fmt: skip


def test_gradients_that_are_off_are_named():
    model, batches, optimizer = problem()
    with torch.no_grad(), pytest.raises(ValueError, match="fit was called where gradients are of"):
        fit(model, batches, squared, epochs=1, optimizer=optimizer)


@pytest.mark.parametrize("score", ["0.5", None, torch.ones(1), np.ones(3), 1j])
def test_a_score_that_is_no_number_is_named(score):
    model, batches, optimizer = problem()
    with pytest.raises(TypeError, match="validate must return one number, got "):
        fit(model, batches, squared, epochs=1, optimizer=optimizer, validate=lambda _: score)


@pytest.mark.parametrize("score", [np.float32(0.5), torch.tensor(0.5), np.array(0.5), 1])
def test_a_score_may_be_any_number(score):
    model, batches, optimizer = problem()
    history = fit(model, batches, squared, epochs=1, optimizer=optimizer, validate=lambda _: score)
    assert history.validation == [float(score)]
