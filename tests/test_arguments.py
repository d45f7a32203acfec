"""Every public function, given one wrong argument at a time.

Found by walking the package, so that a new function fails here until a valid call of it stands in
``CALLS``. Each argument is replaced in turn by each of ``EVERYWHERE``, arrays and tensors by those
of other shapes and types too. A call must raise an error whose text names the argument (or, where
two do not fit, says what the other must be), or return what it returns for the same value in its
plainest form: an int for a whole number, float64 for what NumPy reads as an array. It must not
hang, must not take memory first, and must not answer with NaN.
"""

import ast
import functools
import importlib
import inspect
import itertools
import math
import operator
import pkgutil
import re
import resource
import signal
import types
import typing
import warnings
from collections.abc import Callable, Iterable, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import matplotlib as mpl
import matplotlib.pyplot as plt
import numpy as np
import pytest
import torch
import torch._dynamo  # what vmap imports when first called: not within the limits
from numpy.typing import ArrayLike
from torch import nn

from unrolled import bptt, lstm_numpy
from unrolled.bptt import RNN
from unrolled.cells import CELLS, GRU, LSTM, Elman
from unrolled.core.recurrent import Cell, Recurrent
from unrolled.core.sources import PACKAGE
from unrolled.data import Batches
from unrolled.figures.cells import graph
from unrolled.lstm_numpy import Gates, Weights
from unrolled.search import Range, Trial
from unrolled.windows import WindowMLP

ROOMS = ("core", "cells", "data", "training", "search", "figures")
CHAPTERS = ("windows", "bptt", "gradients", "lstm_numpy", "frameworks")
DOORS = ("core.sources", "search", "training")  # what is public there, `__init__` says
CHECKS = (
    "core.kinds",
    "core.validate",
    "core.cell.rows_for",
    "core.cell.check_like",
)  # which are told the name
SECONDS, BYTES = 2, 2**31


def zeros(*shape):
    return torch.zeros(shape)


def ramp(*shape):
    return np.linspace(-0.5, 0.5, math.prod(shape)).reshape(shape)


def rows(*shape):
    return torch.linspace(-0.5, 0.5, math.prod(shape), dtype=torch.float64).reshape(shape)


def sequences(*shape):
    return rows(*shape).float()


SYMBOLS = torch.ones(3, 2, dtype=torch.long)
NETWORK = RNN(ramp(3, 2), ramp(3, 3), ramp(3), ramp(2, 3), ramp(2))
LAYER = Weights(ramp(12, 2), ramp(12, 3), ramp(12))
GATES = Gates(*(0.5 + ramp(4, 3) / 2 for _ in range(4)))
STATES = bptt.forward(NETWORK, ramp(5, 4, 2), ramp(4, 3))[0]
TRACE = lstm_numpy.forward(ramp(5, 4, 2), ramp(4, 3), ramp(4, 3), LAYER)
SIZES = {"input_size": 2, "hidden_size": 3}
SEED = {"seed": 1}
STEPS = {"parameters": NETWORK, "x": ramp(5, 4, 2)}
SERIES = 10 + ramp(30) ** 2
SPACE = {"rate": Range(1, 2), "cell": ["LSTM", "GRU"]}
TRIALS = [
    Trial(k, {"rate": 1 + k / 12, "cell": ["LSTM", "GRU"][k % 2]}, "done", {"loss": k / 3})
    for k in range(12)
]


def doubled(x):
    return 2 * x


def layer():
    return Recurrent(Elman(2, 3)).double()


def squared(model, x, y):
    return ((model(x) - y) ** 2).mean()


PLAN = graph(GRU(2, 3))
COUNTER = itertools.count()


def training():
    model = nn.Linear(2, 1)
    optimizer = torch.optim.SGD(model.parameters(), 0.1)
    return {
        "model": model,
        "batches": Batches(zeros(4, 2), zeros(4, 1), size=2, seed=0),
        "loss": squared,
        "epochs": 1,
        "optimizer": optimizer,
        "clip": 1.0,
        "schedule": torch.optim.lr_scheduler.StepLR(optimizer, 1),
        "validate": lambda _: 0.0,
        "patience": 1,
        "checkpoint": f"{next(COUNTER)}.pt",
        "save_every": 1,
    }


def loop():
    h = [rows(3).requires_grad_()]
    for _ in range(3):
        h.append(torch.tanh(h[-1]))
    return {"loss": h[-1].sum(), "states": h}


AXES = plt.figure().add_subplot()


def measure(**settings):
    return {"loss": 0.0}


def made(kind):
    """A valid call of a cell's class, with every option given."""
    options = {
        n: p.default for n, p in inspect.signature(kind).parameters.items() if n not in SIZES
    }
    return SIZES | options | ({"forget_bias": 1.0} if "forget_bias" in options else {})


KINDS = {row.kind for row in CELLS.values()}
# A valid call of every public function: names to values, or a function that makes them anew.
# "*name" is a tuple for what takes any number.
CALLS = {
    **{f"{k.__module__}.{k.__name__}".removeprefix("unrolled."): made(k) for k in KINDS},
    "bptt.backward": STEPS | {"h": STATES, "dy": ramp(5, 4, 2)},
    "bptt.chunked": STEPS | {"h0": ramp(4, 3), "dy": ramp(5, 4, 2), "length": 2},
    "bptt.forward": STEPS | {"h0": ramp(4, 3)},
    "bptt.randomised": STEPS | SEED | {"h": STATES, "dy": ramp(5, 4, 2), "cut": 0.5},
    "bptt.rtrl": STEPS | {"h0": ramp(4, 3), "dy": ramp(5, 4, 2)},
    "bptt.surface": {"u": ramp(4), "b": ramp(4), "steps": 3, "h0": 0.5, "target": 0.7},
    "bptt.truncated": STEPS | {"h": STATES, "dy": ramp(5, 4, 2), "back": 2, "every": 1},
    "cells.lstm.set_gate_bias": lambda: {"cell": LSTM(2, 3), "gate": "f", "value": 1.0},
    "core.book.chapters": {"contents": Path("_toc.yml")},
    "core.cell.Cell": SIZES,
    "core.cell.in_autocast": {"tensor": zeros(1)},
    "core.cell.brings_its_gradient": lambda: {"cell": LSTM(2, 3)},
    "core.cell.check_state": lambda: {"cell": LSTM(2, 3), "state": (zeros(4, 3),) * 2, "batch": 4},
    "core.cell.parameters_of": lambda: {"cell": LSTM(2, 3)},
    "core.files.write_atomically": {"path": "file.txt", "content": "text"},
    "core.gradcheck.check_gradients": lambda: {
        "layer": layer(),
        "x": rows(2, 2, 2),
        "state": (rows(2, 3),),
        "lengths": [1, 2],
        "complex_step": True,
        "seed": 1,
    },
    "core.processes.end_with_parent": {},
    "core.recurrent.Recurrent": lambda: {
        "cell": LSTM(2, 3),
        "batch_first": True,
        "autograd": False,
    },
    "core.recurrent.Recurrent.forward": {"x": sequences(2, 4, 2), "state": (zeros(2, 3),) * 2}
    | {"lengths": [1, 4]},
    "core.recurrent.Recurrent.trace": {"x": sequences(2, 4, 2), "state": (zeros(2, 3),) * 2}
    | {"lengths": [1, 4]},
    "core.recurrent.from_torch": lambda: {
        "layer": Recurrent(LSTM(2, 3)),
        "weights": nn.LSTM(2, 3).state_dict(),
    },
    "core.recurrent.mask": {"lengths": [1, 2], "steps": 3, "batch": 2},
    "core.recurrent.to_torch": lambda: {"layer": Recurrent(LSTM(2, 3))},
    "core.shapes.ManyToMany": lambda: {"encoder": Elman(2, 3), "decoder": Elman(4, 3)},
    "core.shapes.ManyToMany.forward": {"x": sequences(3, 2, 2), "symbols": SYMBOLS}
    | {"lengths": [1, 3]},
    "core.shapes.ManyToMany.write": {"x": sequences(3, 2, 2), "steps": 3, "lengths": [1, 3]},
    "core.shapes.ManyToOne.forward": {"x": sequences(3, 2, 2), "lengths": [1, 3]},
    "core.shapes.OneToMany.forward": {"x": sequences(2, 2), "symbols": SYMBOLS},
    "core.shapes.OneToMany.write": {"x": sequences(2, 2), "steps": 3},
    "core.shapes.OneToOne.forward": {"x": sequences(2, 2)},
    "core.shapes.Synchronised.forward": {"x": sequences(3, 2, 2), "state": (zeros(2, 3),)}
    | {"lengths": [1, 3]},
    "core.shapes.Writer.forward": {"state": (zeros(2, 3),), "symbols": SYMBOLS},
    "core.shapes.Writer.write": {"state": (zeros(2, 3),), "steps": 3},
    "core.shapes.ManyToOne": lambda: {"cell": Elman(2, 3), "outputs": 2},
    "core.shapes.OneToMany": lambda: {"inputs": 2, "cell": Elman(4, 3)},
    "core.shapes.OneToOne": lambda: {"cell": Elman(2, 3), "outputs": 2},
    "core.shapes.Reader": lambda: {"cell": Elman(2, 3), "outputs": 2},
    "core.shapes.Synchronised": lambda: {"cell": Elman(2, 3), "outputs": 2},
    "core.shapes.Writer": lambda: {"cell": Elman(4, 3)},
    "core.shapes.sequence_loss": {"losses": rows(3, 2), "lengths": [1, 2]},
    "core.shapes.steps_to_stop": {"symbols": torch.ones(3, 2, dtype=torch.long)},
    "core.shapes.symbol_loss": {
        "scores": rows(3, 2, 4),
        "symbols": torch.ones(3, 2, dtype=torch.long),
        "lengths": [1, 2],
    },
    "core.sources.closure": {"modules": ["unrolled.core.validate"], "package": PACKAGE},
    "core.sources.digest_reached": {"names": ["unrolled.core.validate.whole"], "prose": False}
    | {"package": PACKAGE},
    "core.sources.imports": {"source": "import os", "module": "a.b", "is_package": False},
    "core.sources.mentions": {"source": "import os", "package": PACKAGE},
    "core.sources.reach": {"names": ["unrolled.core.validate.whole"], "prose": False}
    | {"package": PACKAGE},
    "core.sources.skeleton": {"node": ast.parse("a = 1")},
    "core.sources.written": {"names": ["unrolled.core.validate.whole"], "package": PACKAGE},
    "core.terminal.spoken": {"run": lambda: 0},
    "data.adding.adding": SEED | {"n": 2, "length": 4},
    "data.arithmetic.arithmetic": SEED | {"n": 2, "digits": 2},
    "data.batching.Batches": {"*arrays": (ramp(4, 2), ramp(4))}
    | {"size": 2, "seed": 1, "shuffle": True},
    "data.batching.Batches.epoch": {"number": 0, "start": 0},
    "data.cue.cue": SEED | {"n": 2, "lag": [1, 2], "length": 3},
    "data.delay.delay": SEED | {"steps": 4, "lag": 1, "streams": 2},
    "data.elman.join": {"words": ["a", "bc"]},
    "data.elman.letter_features": {"text": "ba"},
    "data.elman.letter_likelihood": {"text": "aab", "lexicon": ["aa", "bc"]},
    "data.elman.letter_stream": SEED | {"n": 3, "lexicon": ["aa", "bc"]},
    "data.elman.sentences": SEED | {"n": 2},
    "data.elman.syllables": SEED | {"n": 2},
    "data.elman.temporal_xor": SEED | {"triplets": 2},
    "data.order.order": SEED | {"n": 2, "length": 10},
    "data.reber.continual_reber": SEED | {"streams": 2, "length": 3},
    "data.reber.embedded_reber": SEED | {"n": 2},
    "data.reber.is_embedded_reber": {"string": "BTE"},
    "data.series.autoregressive": SEED
    | {"n": 4, "coefficients": [0.5], "sigma": 1.0, "burn_in": 2},
    "data.series.random_walk": SEED | {"n": 4, "sigma": 1.0},
    "data.series.seasonal": SEED | {"n": 4, "period": 2.5, "noise": 0.5},
    "data.series.sunspots": {},
    "data.teleprinter.bits_for": {"keys": [1, 2]},
    "data.teleprinter.dictation": SEED | {"n": 2, "longest": 3},
    "data.teleprinter.keys_for": {"text": "Q1"},
    "data.teleprinter.messages": SEED
    | {"n": 2, "longest": 3, "shortest": 2, "to_figures": 0.1, "to_letters": 0.1},
    "data.teleprinter.printed": {"keys": [1, 2]},
    "data.teleprinter.text_of": {"characters": [1, 2]},
    "data.text.character_windows": {"codes": list(range(20)), "streams": 2, "steps": 3},
    "data.text.decode": {"codes": [1, 2]},
    "data.text.encode": {"text": "ab"},
    "data.text.english": {"length": 3},
    "data.timing.periodic": {"kind": "cosine", "period": 3, "steps": 4},
    "data.timing.spike_delays": SEED | {"n": 2, "steps": 9, "minimum": 2, "spread": 2},
    "data.timing.timed_spikes": SEED | {"n": 2, "steps": 9, "minimum": 2, "spread": 2},
    "figures.bptt.accuracy_by_length": {"lengths": [1, 2], "readout_only": {1: [0.5]}}
    | {"panels": {1: {"every step": ramp(2, 2), "chunks": ramp(2, 2)}}},
    "figures.bptt.bias_by_length": {"lengths": [1, 2], "biases": {0.5: 1 + ramp(3, 2)}},
    "figures.bptt.costs": {"panels": {"a by b": ([1, 2], {"BPTT": [1, 2], "RTRL": [1, 2]})}},
    "figures.bptt.difference_errors": {"steps": 10.0 ** -np.arange(1, 5)}
    | {"errors": {name: 1 + ramp(4) for name in ("one-sided", "central", "complex")}},
    "figures.bptt.loss_curves": {
        "panels": {"a": {"A": ramp(20, 2), "B": ramp(20, 2)}},
        "smooth": 5,
    },
    "figures.bptt.flows_back": {},
    "figures.bptt.paths": {"totals": ["1", "2", "3"], "along": [1, 2]},
    "figures.bptt.reach": {"panels": {"a": np.eye(3)}},
    "figures.bptt.training": {"losses": 1 + ramp(5), "norms": 1 + ramp(5)}
    | {"without": 2.0, "clip": 1.0},
    "figures.bptt.unrolling": {},
    "figures.bptt.ways_back": {"losses": {"A": 1 + ramp(3)}},
    "figures.cells.draw": lambda: {"cell": Elman(2, 3), "axes": AXES, "lit": ["x_t"]},
    "figures.cells.formula": lambda: {"plan": PLAN, "name": "h_t", "asked": "h"},
    "figures.frameworks.apart": {"distances": {"a": (1 + ramp(4), "model")}}
    | {"xlabel": "epoch", "ylabel": "distance"},
    "figures.frameworks.by_library": {"years": ramp(4), "truth": ramp(4)}
    | {"said": {"a": [ramp(4)], "b": [ramp(4)]}},
    "figures.frameworks.heard": {"panels": {"a": ramp(4, 4), "b": ramp(3, 3)}},
    "figures.frameworks.masks": {"panels": {"a": ramp(4, 3), "b": ramp(4, 3)}},
    "figures.gradients.before_and_after": {"quantiles": [0.0, 0.5, 1.0]}
    | {"panels": {"a": (ramp(2, 3), ramp(2, 3))}},
    "figures.gradients.by_distance": {"curves": {"a": (1 + ramp(2, 4), "model")}, "ylabel": "error"}
    | {"references": {"b": 1 + ramp(4)}, "bottom": -3.0},
    "figures.gradients.cliff": {"shown": 0}
    | {"paths": {"clipped": 1 + ramp(3, 2, 2), "not clipped": 1 + ramp(3, 2, 2)}},
    "figures.gradients.clipping": {"gradient": [1.0, 2.0], "threshold": 1.0},
    "figures.gradients.growth": {"gains": [1.0, 2.0]}
    | {"panels": {"a": {"b": (1 + ramp(3, 2), "model")}}},
    "figures.gradients.kept": {"panels": {"a": (ramp(2, 4, 3), "model", 2.0)}, "threshold": 0.1},
    "figures.gradients.latch": {"weights": [0.5, 2.0]},
    "figures.gradients.learning": {"losses": {"a": (1 + ramp(2, 20), "model")}, "smooth": 5},
    "figures.gradients.rates": {"panels": {"a": (1 + ramp(2, 20), ramp(2, 20))}, "smooth": 5},
    "figures.lstm.along_stream": {"runs": {"a": (1 + ramp(2, 4), 1 + ramp(2, 4), "model")}}
    | {"every": 2},
    "figures.lstm.along_string": {"symbols": "BTET", "starts": [1, 0, 0, 1], "opened": GATES},
    "figures.lstm.by_lag": {"panels": {"a": {"b": (1 + ramp(2, 4), "model")}}, "marks": [1]},
    "figures.lstm.erasing": {name: 1 + ramp(4) for name in ("left", "taken", "own", "others")},
    "figures.lstm.forced": {"panels": {"a": (ramp(4), ramp(4))}, "target": ramp(4)},
    "figures.lstm.left_by_bias": {"biases": [0.0, 1.0], "most": 10},
    "figures.lstm.inside": {
        "inputs": np.array([[0.1, 1], [0.2, 0], [0.3, 1]]),
        "target": ramp(3),
        "answers": ramp(2, 3),
        "opened": {"i": ramp(2, 3)},
    },
    "figures.lstm.holding": {"inputs": 1 + ramp(4, 2), "target": ramp(4)}
    | {"answers": {"a": (ramp(2, 4), "model")}},
    "figures.lstm.reber_graph": {},
    "figures.rnn.chances": {"characters": ["a", "b"], "by_temperature": {0.5: ramp(2)}},
    "figures.rnn.fading": {"states": {"a": ramp(4)}, "meanings": {"a": "model"}, "gap": 0.1},
    "figures.rnn.five_shapes": {},
    "figures.rnn.forecasts": {"years": ramp(3), "truth": ramp(3)}
    | {"recurrent": [ramp(3)], "linear": ramp(3)},
    "figures.rnn.letters_foreseen": {"letters": "abab", "starts": [True, False] * 2}
    | {"runs": [1 + ramp(4)], "least": ramp(4), "lines": 2},
    "figures.rnn.loop_and_unrolled": {"steps": 2},
    "figures.rnn.printer_states": {"states": ramp(4, 2), "figures": ramp(4) > 0}
    | {"fresh": ramp(4) > 1, "names": list("abcd")},
    "figures.rnn.by_updates": {"panels": {"a": (ramp(2, 3), 0.5)}, "stopped": [2]},
    "figures.rnn.reach": {"networks": {"a": ([ramp(3)], "model")}, "linear": ramp(2)},
    "figures.rnn.right_by_distance": {"distances": [1, 2], "windows": {2: [ramp(2)], 3: [ramp(2)]}}
    | {"recurrent": [ramp(2)], "longest": 2},
    "figures.rnn.right_by_length": {"lengths": [1, 2], "runs": [ramp(2)]},
    "figures.rnn.telegram": {"sent": ["a", "b"], "printed": {"a": ["a", "b"], "b": ["a", "c"]}},
    "figures.rnn.tree_of_words": {"words": ["a", "b", "c"], "nouns": [True, False, True]}
    | {"states": ramp(3, 2) ** 2},
    "figures.rnn.two_ways": lambda: {"cell": Elman(2, 3)},
    "figures.rnn.unit_over_text": {"text": "abc", "units": {"a": ramp(3)}, "width": 2},
    "figures.rnn.writing_curve": {"updates": [10, 100], "runs": [1 + ramp(2)], "counted": {0: 2.0}},
    "figures.source.source": {"*objects": (ramp,)},
    "figures.source.without_docstrings": {"code": "a = 1"},
    "figures.style.label": lambda: (
        {"axes": AXES, "x": 0.0, "y": 0.5, "text": "a"} | {"meaning": "model"}
    ),
    "figures.style.label_ends": lambda: (
        {"axes": AXES, "x": 0.0, "gap": 0.5} | {"ends": {"a": (0.5, "model"), "b": (0.6, "model")}}
    ),
    "figures.style.use_style": {},
    "figures.variants.differences": lambda: {"models": {"a": Elman(2, 3)}},
    "figures.variants.first_rates": {"rates": [0.1, 0.2], "chosen": 0.1, "within": 0.05}
    | {"arms": {"a": {"held": 1 + ramp(2, 2), "falling": 1 + ramp(2, 2)}}, "ylabel": "bits"},
    "figures.variants.gallery": lambda: {"models": {"a": Elman(2, 3)}, "lit": {"a": ["x_t"]}},
    "figures.variants.one_change_at_a_time": {"names": ["a", "b"], "panels": {"c": 1 + ramp(2, 2)}}
    | {"logarithmic": ["c"]},
    "figures.variants.promises": {"best": 1 + ramp(2, 3), "fresh": 1 + ramp(2)}
    | {"rivals": {"a": 1.0}, "ylabel": "error"},
    "figures.variants.waves": {"target": ramp(4), "panels": {"a": ramp(4, 2)}}
    | {"trained": 2, "tolerance": 0.1},
    "figures.windows.beyond_training": {"time": ramp(6), "values": 1 + ramp(6)}
    | {"forecasts": {"a": ramp(3)}, "meanings": {"a": "model"}, "ceilings": [2.0]},
    "figures.windows.cue_curves": {"windows": {2: [[0.5, 1.0]], 3: [[0.5, 1.0]]}, "lags": [1, 2]}
    | {"recurrent": [[0.5, 1.0]], "recurrent_lags": [1, 2]},
    "figures.windows.errors_by_horizon": {"errors": {"a": 1 + ramp(3)}, "meanings": {"a": "model"}}
    | {"top": 2.0, "bottom": 0.5},
    "figures.windows.errors_by_window": {"sizes": [1, 2], "linear": 1 + ramp(2)}
    | {"networks": 1 + ramp(3, 2)},
    "figures.windows.forgetting": {"steps": {"a": 30 + 9 * ramp(3)}, "longest": 99},
    "figures.windows.forecast_on_walk": {"truth": ramp(60), "forecast": ramp(60)},
    "figures.windows.free_run": {"years": 1700 + np.arange(40.0), "values": ramp(40)}
    | {"runs": [ramp(5)], "start": 30},
    "figures.windows.learning": {"train": 1 + ramp(3), "held_out": 1 + ramp(3)},
    "figures.windows.memory": {"panels": {"a": ramp(4, 2), "b": ramp(4, 2)}},
    "figures.windows.two_pasts": {"pasts": [[1, 3, 4], [2, 3, 4]], "targets": ["5", "6"]}
    | {"window": 2},
    "figures.windows.window_diagram": {"values": ramp(5), "window": 2},
    "figures.writing.learning_together": {"updates": [10, 100], "runs": {"GRU": [1 + ramp(2)]}}
    | {"cost": {"GRU": 0.1}},
    "figures.writing.rows_that_go_on": {"text": "abcdefgh", "rows": 2, "steps": 2},
    "frameworks.from_keras": {"weights": [ramp(2, 12), ramp(3, 12), ramp(12)] * 2}
    | {"bidirectional": True},
    "frameworks.to_keras": lambda: {"weights": nn.GRU(2, 3).state_dict(), "reset": "after"},
    "gradients.clip_by_norm": {"gradients": [rows(3)], "threshold": 0.1},
    "gradients.gaussian": SEED | {"hidden": 3, "std": 0.5, "dtype": torch.float64},
    "gradients.gradient_norms": loop,
    "gradients.identity": {"hidden": 3, "scale": 0.5, "dtype": torch.float64},
    "gradients.lyapunov_exponents": {"jacobians": rows(4, 3, 3) + torch.eye(3)},
    "gradients.omega": {"U": rows(3, 3), "states": rows(4, 3), "errors": rows(4, 3)},
    "gradients.orthogonal": SEED | {"hidden": 3, "gain": 0.5, "dtype": torch.float64},
    "gradients.products": {"jacobians": rows(4, 3, 3)},
    "gradients.singular_spectrum": {"jacobians": rows(4, 3, 3) + torch.eye(3)},
    "gradients.sparse": SEED | {"hidden": 4, "fan_in": 2, "radius": 0.5, "dtype": torch.float64},
    "gradients.spectral_norm": {"U": rows(3, 3)},
    "gradients.spectral_radius": {"U": rows(3, 3)},
    "gradients.step_jacobians": {
        "step": lambda h, x: torch.tanh(h + x),
        "states": rows(4, 3),
        "*inputs": (rows(4, 3),),
    },
    "lstm_numpy.backward": {"dh": ramp(5, 4, 3), "dc": ramp(4, 3), "x": ramp(5, 4, 2)}
    | {"trace": TRACE, "weights": LAYER},
    "lstm_numpy.carousel": {"f": ramp(5, 4, 3)},
    "lstm_numpy.cell_gradient": {"trace": TRACE, "weights": LAYER},
    "lstm_numpy.forward": {"x": ramp(5, 4, 2), "h0": ramp(4, 3), "c0": ramp(4, 3)}
    | {"weights": LAYER, "force": {"f": 1.0}},
    "lstm_numpy.step": {"x": ramp(4, 2), "h": ramp(4, 3), "c": ramp(4, 3)}
    | {"weights": LAYER, "force": {"f": 1.0}},
    "lstm_numpy.step_backward": {name: ramp(4, 3) for name in ("dh", "dc", "before", "after")}
    | {"gates": GATES, "weights": LAYER, "force": {"f": 1.0}},
    "search.Range.draw": lambda: {"rng": np.random.default_rng(1)},
    "search.structures": {},
    "search.build": {"structure": {"cell": "LSTM", "forget_bias": 1.0}} | SIZES,
    "search.evolve": {"objective": measure, "start": [{"cell": "GRU"}], "path": None}
    | {"target": "loss", "seed": 1, "generations": 1, "children": 1, "keep": 1}
    | {"choices": {"GRU": {"reset": ["after", "before"]}}, "scheduler": None, "workers": 0}
    | {"retries": 1, "after_generation": lambda _: None},
    "search.importance": {"rows": TRIALS, "space": SPACE, "target": "loss", "seed": 1}
    | {"held_out": 0.5, "shuffles": 2},
    "search.mutate": {"structure": {"cell": "GRU"}}
    | {"choices": {"GRU": {"reset": ["after", "before"]}}, "seed": 1, "valid": lambda _: True},
    "search.random_settings": {"space": SPACE, "n": 2, "seed": 1},
    "search.results": {"path": "store.db"},
    "search.run": {"objective": measure, "trials": [{"rate": 1}], "path": None}
    | {"scheduler": None, "workers": 0, "retries": 1, "retry_failed": False},
    "search.Range": {"low": 1.0, "high": 3.0, "log": True, "whole": False},
    "training.device": {"name": "cpu"},
    "training.fit": training,
    "training.load": {"path": "kept.pt"},
    "training.progress": {"items": [1], "label": "steps", "total": 1},
    "training.save": {"path": "new.pt", "state": {"a": 1}},
    "training.seeded": {"seed": 1, "build": lambda: nn.Linear(1, 1)},
    "windows.LinearWindow.__call__": {"lags": ramp(3)},
    "windows.TrainedWindow.__call__": {"lags": ramp(2)},
    "windows.WindowMLP.forward": {"x": sequences(4, 2)},
    "windows.LinearWindow": {"constant": 0.5, "weights": ramp(3)},
    "windows.TrainedWindow": lambda: {"model": WindowMLP(2, 3), "mean": 0.5, "scale": 2.0},
    "windows.WindowMLP": {"window": 2, "hidden": 3, "features": 1},
    "windows.autoregression": {"values": SERIES, "order": 2},
    "windows.backtest": {"forecast": lambda x, k: np.full(k, x[-1])}
    | {"values": SERIES, "start": 20, "horizon": 2},
    "windows.fit_window": {"values": SERIES[:8], "window": 2, "hidden": 2, "seed": 1}
    | {"epochs": 2, "patience": 1, "held_out": 0.2},
    "windows.iterate": {"predict": lambda x: x.mean()}
    | {"history": SERIES, "horizon": 2, "window": 3},
    "windows.lag_matrix": {"values": SERIES, "window": 2, "ahead": 1},
    "windows.one_step": {"predict": lambda x: x.mean(axis=1)}
    | {"values": SERIES, "window": 3, "start": 5, "stop": 8},
    "windows.relative_error": {"forecasts": ramp(3), "truth": ramp(3) + 1, "baseline": ramp(3) + 2},
    "windows.repeat_last": {"history": SERIES, "horizon": 2},
    "windows.seasonal_repeat": {"history": SERIES, "horizon": 2, "period": 3},
}

# Valid, and takes longer than the limit: it starts a process.
STARTS_PROCESSES = {("search.run", "workers", "True"), ("search.evolve", "workers", "True")}

# What a layer or a loss makes of NaN is NaN: `fit` says so, and to look would make a GPU wait.
PASSES_ON_NAN = ("_loss", ".forward", ".trace", ".write")

EVERYWHERE = {
    "None": None,
    "text": "text",
    "an object": object(),
    "no list": [],
    "no mapping": {},
    "-1": -1,
    "0": 0,
    "1.5": 1.5,
    "NaN": math.nan,
    "infinity": math.inf,
    "True": True,
    "10**12": 10**12,
    "10**400": 10**400,
    "complex": 1 + 2j,
    "a list of text": ["a", "b"],
    "a mapping of lists": {"a": [1.0]},
    "an unequal list": [[1.0], [1.0, 2.0]],
    "bytes": b"text",
}
ARRAYS = {
    "of rank 0": lambda a: a.flat[0].reshape(()),
    "of rank 1 less": lambda a: a[0],
    "of rank 1 more": lambda a: a[None],
    "empty": lambda a: a[:0],
    "of length 1": lambda a: a[:1],
    "one too long": lambda a: np.concatenate([a, a[:1]]),
    "bool": lambda a: a > 0,
    "text": lambda a: a.astype(str),
    "object": lambda a: a.astype(object),
    "int": lambda a: a.astype(int),
    "complex": lambda a: a.astype(complex),
    "with NaN": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.nan, a),
    "with infinity": lambda a: np.where(np.arange(a.size).reshape(a.shape) == 1, np.inf, a),
    "with a mask": np.ma.masked_invalid,
}
TENSORS = {
    "of rank 0": lambda a: a.flatten()[0],
    "of rank 1 less": lambda a: a[0],
    "of rank 1 more": lambda a: a[None],
    "empty": lambda a: a.new_empty(0, *a.shape[1:]),
    "of length 1": lambda a: a[:1],
    "one too long, of length": lambda a: torch.cat([a, a[:1]]),
    "bool": lambda a: a > 0,
    "int": lambda a: a.to(torch.int32),
    "float16": lambda a: a.to(torch.float16),
    "complex": lambda a: a.to(torch.complex64),
    "with NaN": lambda a: torch.where(torch.arange(a.numel()).view(a.shape) == 1, torch.nan, a),
    "on meta": lambda a: a.to("meta"),
    "sparse": lambda a: a.to_sparse(),
    "NumPy's": lambda a: a.detach().numpy(),
}


def walked():
    """Return every public function and class of the rooms and chapters, by its dotted name."""
    found = {}
    for name in _modules():
        module = importlib.import_module(f"unrolled.{name}")
        for public in getattr(module, "__all__", None) or vars(module):
            thing = getattr(module, public)
            if public.startswith("_") or not callable(thing) or _is_record(thing):
                continue
            home = getattr(thing, "__module__", "").removeprefix("unrolled.")
            if name in DOORS or home == name:
                found.setdefault(thing, f"{name}.{public}")
    return {name: thing for thing, name in found.items() if name not in CHECKS}


def _modules():
    for room in ROOMS:
        package = importlib.import_module(f"unrolled.{room}")
        yield room
        for info in pkgutil.walk_packages(package.__path__, f"{room}."):
            inside = any(info.name.startswith(f"{door}.") for door in DOORS)
            if (
                not inside
                and info.name not in CHECKS
                and not info.name.rpartition(".")[2].startswith("_")
            ):
                yield info.name
    yield from CHAPTERS


def _is_record(thing):
    """Whether this is a class that holds what it is given and asks nothing of it."""
    if not inspect.isclass(thing):
        return not inspect.isfunction(inspect.unwrap(thing))
    if hasattr(thing, "__dataclass_fields__"):
        return not hasattr(thing, "__post_init__")
    return hasattr(thing, "_fields") or not getattr(thing.__init__, "__module__", "").startswith(
        "unrolled."
    )


def methods(functions):
    """Return the public methods of the classes found, each of what the valid call makes."""
    found = {}
    for name, thing in functions.items():
        if not inspect.isclass(thing) or issubclass(thing, Cell):  # whose methods `Recurrent` calls
            continue
        for method, function in vars(thing).items():
            public = method == "__call__" or not method.startswith("_")
            if (
                public
                and inspect.isfunction(function)
                and len(inspect.signature(function).parameters) > 1
            ):
                found[f"{name}.{method}"] = _bound(name, thing, function)
    return found


def _bound(name, thing, function):
    @functools.wraps(function)
    def called_of_one(**given):
        return function(called(thing, call_of(name)), **given)

    return called_of_one


FUNCTIONS = walked()
FUNCTIONS |= methods(FUNCTIONS)


def call_of(name):
    given = CALLS[name]
    return dict(given() if callable(given) else given)


def called(function, given):
    """Call a function with arguments by name; of an iterator, return what it yields."""
    result = _called(function, given)
    return list(result) if inspect.isgenerator(result) else result


def _called(function, given):
    given = dict(given)
    rest = [value for key, value in given.items() if key.startswith("*")]
    named = {key: value for key, value in given.items() if not key.startswith("*")}
    if not rest:
        return function(**named)
    parameters = inspect.signature(function).parameters.values()
    first = [named.pop(p.name) for p in parameters if p.kind is p.POSITIONAL_OR_KEYWORD]
    return function(*first, *rest[0], **named)


@contextmanager
def limits():
    """Let what runs within have two seconds, and not much more memory than there is now."""

    def late(*_):
        raise TimeoutError(f"took more than {SECONDS} s of a core")

    before = signal.signal(signal.SIGPROF, late)
    soft, hard = resource.getrlimit(resource.RLIMIT_AS)
    statm = Path("/proc/self/statm")
    if statm.exists():
        used = int(statm.read_text().split()[0]) * resource.getpagesize()
        resource.setrlimit(resource.RLIMIT_AS, (used + BYTES, hard))
    signal.setitimer(signal.ITIMER_PROF, SECONDS)
    try:
        yield
    finally:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.signal(signal.SIGPROF, before)
        resource.setrlimit(resource.RLIMIT_AS, (soft, hard))


def replacements(value):
    """Yield wrong values for an argument, each with what it is."""
    yield from EVERYWHERE.items()
    if isinstance(value, np.ndarray | list) and _is_numbers(value):
        for kind, made in ARRAYS.items():
            yield f"an array {kind}", made(np.asarray(value, dtype=float))
    if isinstance(value, torch.Tensor):
        for kind, made in TENSORS.items():
            if value.ndim or not ("rank 1 less" in kind or "length" in kind):
                yield f"a tensor {kind}", made(value)


def _is_numbers(value):
    if isinstance(value, np.ndarray):
        return True
    return value and all(isinstance(each, int | float) for each in value)


def plain(hint, value):
    """Return a value in the plainest form of its type; raise TypeError if it is of another."""
    origin, parts = typing.get_origin(hint), typing.get_args(hint)
    if hint is typing.Any or hint is object or isinstance(hint, typing.TypeVar):
        return value
    if hint is ArrayLike or typing.get_origin(hint) is np.ndarray:
        array = np.asarray(value)
        if array.dtype.kind not in "biufc" or isinstance(value, np.ma.MaskedArray):
            raise TypeError
        return array
    if origin in (typing.Union, types.UnionType):
        for part in parts:
            try:
                return plain(part, value)
            except (TypeError, ValueError, RuntimeError):
                continue
        raise TypeError
    if origin is typing.Literal:
        if not isinstance(value, str):
            raise TypeError
        return value
    kind = origin or hint
    if kind is int:
        return operator.index(value)
    if kind is bool and isinstance(value, np.bool_):
        return bool(value)
    if kind is float:
        if isinstance(value, str | bytes):
            raise TypeError
        return float(value)
    if kind is type(None):
        kind = types.NoneType
    if kind is Iterable and parts and isinstance(parts[0], typing.TypeVar):
        return value
    letters = isinstance(value, str) and parts == (str,)
    if kind in (Sequence, Iterable) and isinstance(value, str | bytes | dict) and not letters:
        raise TypeError
    if kind is Callable or kind is Callable.__class__:
        if not callable(value):
            raise TypeError
        return value
    rows = kind in (Sequence, Iterable) and isinstance(value, np.ndarray | torch.Tensor)
    if isinstance(kind, type) and not isinstance(value, kind) and not rows:
        raise TypeError
    if kind in (Sequence, Iterable, list) and parts:
        return [plain(parts[0], each) for each in value]
    if kind in (Mapping, dict) and parts:
        return {plain(parts[0], k): plain(parts[1], each) for k, each in value.items()}
    return value


def hints_of(function):
    of = function.__init__ if inspect.isclass(function) else function
    scope = {**vars(importlib.import_module(of.__module__)), **vars(typing)}
    for name in ("Mapping", "Sequence", "Iterable", "Callable"):
        scope[name] = globals()[name]
    try:
        return typing.get_type_hints(of, scope)
    except NameError:
        return {}


def numbers_in(result):
    """Yield every array of numbers in a result."""
    match result:
        case torch.Tensor():
            if result.layout is torch.strided and not result.is_meta:
                yield result.detach().cpu().to(torch.complex128).numpy()
        case np.ndarray() | float() | complex() | int() | np.generic():
            if np.asarray(result).dtype.kind in "biufc":
                yield np.asarray(result)
        case list() | tuple():
            for part in result:
                yield from numbers_in(part)
        case dict():
            for part in result.values():
                yield from numbers_in(part)
        case nn.Module():
            yield from numbers_in(list(result.parameters()))


def same(one, other):
    a, b = (np.concatenate([[], *map(np.ravel, numbers_in(each))]) for each in (one, other))
    return a.shape == b.shape and np.allclose(a, b, rtol=1e-5, atol=1e-7, equal_nan=True)


def is_named(argument, given, message):
    """Whether a message names the argument, or what another must be to fit it."""
    if re.search(rf"(?<!\w){argument}(?!\w)", message):
        return True
    subject, must, _ = message.partition(" must ")
    others = "|".join(re.escape(each.lstrip("*")) for each in given)
    return bool(must) and bool(re.match(rf"({others})(?!\w)", subject))


def wrong_with(function, given, argument, value, finite):
    """Return what is wrong with a function's answer to one wrong value, "" if nothing."""
    key = f"*{argument}" if f"*{argument}" in given else argument
    hint = hints_of(function).get(argument, typing.Any)
    if key != argument:
        value = (value, *given[key][1:])
    torch.manual_seed(0)
    try:
        with limits(), warnings.catch_warnings():
            warnings.simplefilter("ignore")  # matplotlib says of what it can hardly draw
            warnings.simplefilter("error", RuntimeWarning)
            result = called(function, given | {key: value})
    except TimeoutError as error:
        return f"hangs: {error}"
    except MemoryError:
        return "allocates"
    except Exception as error:
        if not isinstance(error, RuntimeWarning) and is_named(argument, given, str(error)):
            return ""
        return f"{type(error).__name__}: {error}"
    finally:
        plt.close("all")
        for written in Path.cwd().glob("text*"):
            written.unlink()
    try:
        with limits(), warnings.catch_warnings():
            warnings.simplefilter("ignore")
            canonical = plain(hint, value[0] if key != argument else value)
    except Exception:
        return f"takes it for {hint}"
    if isinstance(result, plt.Figure):
        return ""
    if finite and not all(np.isfinite(each).all() for each in numbers_in(result)):
        return "returns NaN or infinity"
    if key != argument:
        canonical = (canonical, *value[1:])
    torch.manual_seed(0)
    with limits(), warnings.catch_warnings():
        warnings.simplefilter("ignore")
        again = called(function, given | {key: canonical})
    return "" if same(result, again) else f"is another result than that of {canonical!r}"


@pytest.fixture(autouse=True)
def _room(tmp_path, monkeypatch):
    """Work in an empty folder but for what valid calls need."""
    monkeypatch.chdir(tmp_path)
    from unrolled.search import run
    from unrolled.training import save

    save("kept.pt", {"a": 1})
    run(measure, [{"rate": 1}], "store.db", workers=0)
    with mpl.rc_context():  # which use_style changes
        yield
    plt.close("all")


def failures(name):
    """Return the answers of a function to wrong values that are no answers, and how many it had."""
    function, asked, found = FUNCTIONS[name], 0, []
    right = called(function, call_of(name))  # without limits: it may import
    finite = all(np.isfinite(each).all() for each in numbers_in(right))
    finite = finite and not name.endswith(PASSES_ON_NAN)
    for argument in call_of(name):
        bare = argument.lstrip("*")
        for kind, value in replacements(_first(call_of(name)[argument], argument)):
            given = call_of(name)
            if (name, bare, kind) in STARTS_PROCESSES:
                continue
            asked += 1
            if why := wrong_with(function, given, bare, value, finite):
                found.append(f"{name}({bare}={kind}) {why[:160]}")
    return found, asked


def _first(value, argument):
    return value[0] if argument.startswith("*") else value


def test_there_is_a_valid_call_of_every_public_function():
    assert sorted(FUNCTIONS.keys() ^ CALLS.keys()) == []


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & CALLS.keys()))
def test_a_wrong_argument_is_named(name):
    found, _ = failures(name)
    assert found == [], "\n".join(found)


@pytest.mark.parametrize("name", sorted(FUNCTIONS.keys() & CALLS.keys()))
def test_a_valid_call_names_every_argument(name):
    function, given = FUNCTIONS[name], call_of(name)
    kinds = inspect.signature(function).parameters.values()
    assert [
        each.name
        for each in kinds
        if each.name not in ("self", *given)
        and f"*{each.name}" not in given
        and each.kind is not each.VAR_KEYWORD
    ] == []
