"""What `import unrolled` offers, and that it costs nothing until it is used."""

import ast
import importlib
import re
import subprocess
import sys
from pathlib import Path

import pytest

import unrolled
from unrolled.core.sources import imports

HOMES = {  # names by which readers have imported what now lives elsewhere
    "lstm": "cells",
    "rnn": "cells",
    "variants": "cells",
    "recurrent": "core.recurrent",
    "gradcheck": "core.gradcheck",
    "shapes": "core.shapes",
}
ROOT = Path(unrolled.__file__).parents[2]


def test_the_package_alone_imports_neither_torch_nor_numpy():
    code = "import sys, unrolled; print(*sys.modules)"
    ran = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert not {"torch", "numpy", "unrolled.exercises"} & set(ran.stdout.split())


@pytest.mark.parametrize("name", unrolled.__all__)
def test_every_name_offered_is_there_and_listed(name):
    assert getattr(unrolled, name).__name__ == name
    assert name in dir(unrolled)


def test_readers_of_types_see_the_same_names():
    tree = ast.parse(Path(unrolled.__file__).read_text(encoding="utf-8"))
    (guarded,) = (node for node in tree.body if isinstance(node, ast.If))
    taken = {alias.asname: f"{node.module}" for node in guarded.body for alias in node.names}
    assert sorted(taken) == sorted(unrolled.__all__)
    for name, home in taken.items():
        assert getattr(unrolled, name) is getattr(sys.modules[home], name)


def test_other_names_are_no_attribute():
    with pytest.raises(AttributeError, match="module 'unrolled' has no attribute 'Lstm'"):
        unrolled.Lstm  # noqa: B018


@pytest.mark.parametrize(("name", "home"), HOMES.items())
def test_a_module_of_another_name_offers_what_its_home_does_and_is_nothing_else(name, home):
    module = importlib.import_module(f"unrolled.{name}")
    true = importlib.import_module(f"unrolled.{home}")
    assert all(getattr(module, each) is getattr(true, each) for each in module.__all__)
    if home != "cells":  # a chapter has its own of the cells
        own = [each for each, value in vars(true).items() if is_its_own(each, value, true)]
        assert set(getattr(true, "__all__", own)) <= set(module.__all__)
    said, *rest = ast.parse(Path(module.__file__).read_text(encoding="utf-8")).body
    assert isinstance(said, ast.Expr)
    assert [type(each) for each in rest] == [ast.ImportFrom, ast.Assign]


def is_its_own(name, value, module):
    """Say whether a public name was defined in a module."""
    return name[0] != "_" and getattr(value, "__module__", "") == module.__name__


def test_what_readers_have_written_goes_on_working():
    exec(
        "from unrolled.lstm import LSTM, FORMS\n"
        "from unrolled.rnn import Elman\n"
        "from unrolled.variants import GRU, MUT1, MUT2, MUT3\n"
        "from unrolled.recurrent import Recurrent, Cell, State, mask, from_torch, to_torch\n"
        "from unrolled.gradcheck import Disagreement, check_gradients\n"
        "from unrolled.shapes import STOP, ManyToMany, ManyToOne, OneToMany, OneToOne, Reader\n"
        "from unrolled.shapes import Synchronised, Writer, Lengths, sequence_loss, symbol_loss\n"
        "from unrolled.shapes import steps_to_stop",
        {},
    )


def is_other(name):
    return any(f"{name}.".startswith(f"unrolled.{other}.") for other in HOMES)


def test_the_repository_itself_imports_everything_from_its_home():
    rooms = ("code", "tools", "benchmarks", "_ext", "tests")
    files = [path for room in rooms for path in (ROOT / room).rglob("*.py")]
    taken = {
        path.relative_to(ROOT).as_posix(): found
        for path in files
        if path != Path(__file__)
        and (found := sorted(filter(is_other, imports(path.read_text(encoding="utf-8")))))
    }
    assert taken == {}


@pytest.mark.parametrize("page", sorted((ROOT / "chapters").glob("*.md")), ids=lambda p: p.stem)
def test_a_chapter_imports_everything_from_its_home(page):
    said = re.findall(r"^(?:from|import) (unrolled[\w.]*)", page.read_text(encoding="utf-8"), re.M)
    assert said
    assert not any(map(is_other, said))
