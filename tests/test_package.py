"""What `import unrolled` offers, and that it costs nothing until it is used."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import unrolled


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
