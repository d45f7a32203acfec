"""The house: a module imports from its own room or from floors below, never from above."""

import pytest

from unrolled.core.sources import PACKAGE, imports

GROUND, DATA, TRAINING, MODELS, FIGURES, TOP, ROOF = range(7)
FLOORS = {
    "core": GROUND,
    "cells": DATA,
    "data": DATA,
    "training": TRAINING,
    "figures": FIGURES,
    "search": FIGURES,
    "experiments": TOP,
    "exercises": TOP,
    "authoring": TOP,
    "__main__": ROOF,
}


def room(name):
    """Return the room of a dotted name, a module of no room by itself; "" for `unrolled`."""
    return f"{name}.".split(".")[1]


def floor(name):
    """Say on which floor a dotted name is; `unrolled` itself and what it offers is the roof."""
    place = room(name)
    if place in FLOORS:
        return FLOORS[place]
    if not place or not any((PACKAGE / each).exists() for each in (place, f"{place}.py")):
        return ROOF
    return MODELS


def is_next_door(name, other):
    """Say whether two names are of different rooms of one floor."""
    return room(name) != room(other) and {room(name), room(other)} <= FLOORS.keys()


def climbs(name, source, is_package=False):
    """Return what a module imports from a floor above its own, or from the room next door."""
    taken = {
        other for other in imports(source, name, is_package) if f"{other}.".startswith("unrolled.")
    }
    return sorted(
        other
        for other in taken
        if floor(other) > floor(name) or (floor(other) == floor(name) and is_next_door(name, other))
    )


@pytest.mark.parametrize(
    "path", sorted(PACKAGE.rglob("*.py")), ids=lambda p: p.relative_to(PACKAGE).as_posix()
)
def test_no_module_imports_from_above(path):
    parts = path.relative_to(PACKAGE.parent).with_suffix("").parts
    is_package = path.name == "__init__.py"
    name = ".".join(parts[:-1] if is_package else parts)
    assert climbs(name, path.read_text(encoding="utf-8"), is_package) == []


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("unrolled.core.validate", "from unrolled.data import cue"),
        ("unrolled.core.recurrent", "from unrolled.cells import LSTM"),
        ("unrolled.cells.lstm", "from unrolled.data import cue"),
        ("unrolled.cells.lstm", "from unrolled.lstm_numpy import step"),
        ("unrolled.data.cue", "from unrolled.training import fit"),
        ("unrolled.data.cue", "from ..training import fit"),
        ("unrolled.training.fitting", "import unrolled.windows"),
        ("unrolled.training.fitting", "from unrolled import windows"),
        ("unrolled.windows", "def f():\n    from unrolled.figures import label"),
        ("unrolled.figures.windows", "from unrolled.experiments import ledger"),
        ("unrolled.experiments.windows", "from unrolled import check"),
        ("unrolled.windows", "import unrolled"),
        ("unrolled.windows", "from unrolled.search import evolve"),
        ("unrolled.search.space", "from unrolled.figures import label"),
        ("unrolled.exercises.windows.iterate", "from unrolled.experiments.windows import cue"),
    ],
)
def test_an_import_from_above_is_seen(name, source):
    assert len(climbs(name, source)) == 1


@pytest.mark.parametrize(
    ("name", "source"),
    [
        ("unrolled.windows", "import numpy, unrolledish\nfrom unrolled.core.recurrent import mask"),
        ("unrolled.cells.lstm", "from unrolled.core.cell import Cell"),
        ("unrolled.lstm", "from unrolled.cells import LSTM"),
        ("unrolled.experiments.windows", "from unrolled.windows import fit_window"),
        ("unrolled.figures.windows", "from unrolled.windows import fit_window"),
        ("unrolled.figures.windows", "from unrolled.figures.style import label"),
        ("unrolled.__main__", "from unrolled import check"),
    ],
)
def test_imports_from_below_and_beside_are_none_of_these(name, source):
    assert climbs(name, source) == []
