import math
import os
import signal
import subprocess
import sys
import textwrap
import time
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import nn
from torch.nn.functional import mse_loss

from unrolled.data import Batches
from unrolled.training import device, fit, load


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
    def run(path, calls=math.inf):
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
import sys, time, torch
sys.path.insert(0, {tests!r})
from test_fitting import problem, squared
from unrolled.training import fit
model, batches, optimizer = problem()
calls = 0
def loss(model, x, y):
    global calls
    calls += 1
    if calls == {hang_at}:
        time.sleep(600)
    return squared(model, x, y)
fit(model, batches, loss, epochs=4, optimizer=optimizer, checkpoint="run.pt", save_every=1)
torch.save(model.state_dict(), "end.pt")
"""


def test_a_run_killed_in_the_middle_of_an_epoch_ends_with_the_same_bits(tmp_path):
    def start(folder, hang_at=0):
        folder.mkdir(exist_ok=True)
        script = SCRIPT.format(tests=str(Path(__file__).parent), hang_at=hang_at)
        return subprocess.Popen(
            [sys.executable, "-c", textwrap.dedent(script)],
            cwd=folder,
            env={**os.environ, "PYTHONPATH": os.pathsep.join(sys.path)},
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
    resumed = load(tmp_path / "killed" / "end.pt")
    unbroken, batches, optimizer = problem()
    fit(unbroken, batches, squared, epochs=4, optimizer=optimizer)
    assert resumed.keys() == unbroken.state_dict().keys()
    assert all(torch.equal(resumed[name], each) for name, each in unbroken.state_dict().items())


@pytest.mark.parametrize("other", ["batches", "optimizer", "schedule", "validate"])
def test_a_checkpoint_of_another_run_is_refused(tmp_path, other):
    path = tmp_path / "a.pt"
    model, batches, optimizer = problem()
    fit(model, batches, squared, epochs=1, optimizer=optimizer, checkpoint=path)
    model, _, optimizer = problem()
    options = {}
    if other == "batches":
        batches = Batches(*batches.arrays, size=4, seed=0)
    if other == "optimizer":
        optimizer = torch.optim.SGD(model.parameters(), lr=0.1)
    if other == "schedule":
        options["schedule"] = torch.optim.lr_scheduler.StepLR(optimizer, step_size=1)
    if other == "validate":
        options["validate"] = lambda model: 0.0
    before = weights(model)
    with pytest.raises(ValueError, match=r"same run, .*a\.pt is not: got .*expected"):
        fit(model, batches, squared, epochs=2, optimizer=optimizer, checkpoint=path, **options)
    assert same(model, before)


def test_a_file_that_is_no_checkpoint_is_named(tmp_path):
    path = tmp_path / "a.pt"
    model, batches, optimizer = problem()
    fit(model, batches, squared, epochs=1, optimizer=optimizer, checkpoint=path)
    path.write_bytes(path.read_bytes()[:1000])
    with pytest.raises(ValueError, match=r"whole checkpoint, .*a\.pt is not"):
        fit(model, batches, squared, epochs=2, optimizer=optimizer, checkpoint=path)
    torch.save({"weights": 1}, path)
    with pytest.raises(ValueError, match=r"same run, .*a\.pt is not: got None"):
        fit(model, batches, squared, epochs=2, optimizer=optimizer, checkpoint=path)


def test_a_score_that_is_not_finite_stops_the_run():
    model, batches, optimizer = problem()
    with pytest.raises(FloatingPointError, match="validate must be finite, got nan in epoch 0"):
        fit(model, batches, squared, epochs=3, optimizer=optimizer, validate=lambda _: math.nan)


def test_a_schedule_that_waits_for_a_score_is_refused():
    model, batches, optimizer = problem()
    schedule = torch.optim.lr_scheduler.ReduceLROnPlateau(optimizer)
    with pytest.raises(ValueError, match="schedule must step without a score"):
        fit(model, batches, squared, epochs=1, optimizer=optimizer, schedule=schedule)


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
