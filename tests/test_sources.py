"""The walker must find exactly what an import would run, and the skeleton what it would execute."""

import ast
import hashlib
import subprocess
import sys
from pathlib import Path

import pytest

from unrolled.core.sources import PACKAGE, closure, imports, skeleton

FILES = {
    "__init__.py": "__version__ = '1'\ndef __getattr__(name):\n    from .lazy import x\n",
    "lazy.py": "",
    "slow/__init__.py": "from typing import TYPE_CHECKING\nif TYPE_CHECKING:\n"
    "    from toy.mate import x\ndef __getattr__(name):\n    from toy.mate import x\n",
    "slow/other.py": "",
    "alone.py": "import json, numpy\n",
    "top.py": "from toy.low import rise\n",
    "low/__init__.py": "from .deep import rise\nprint\n",  # does something when imported
    "low/deep.py": "from ..mate import x\ndef rise():\n    from toy import late\n",
    "low/beside.py": "",
    "mate.py": "x = 1\n",
    "late.py": "import toy.top\n",  # a circle
    "attribute.py": "import toy\nfrom toy.mate import x\n",
    "dynamic.py": "import importlib\nimportlib.import_module('toy.mate')\n",
    "starred.py": "from toy.low import *\n",
    "parent.py": "from . import mate\n",
    "shop/__init__.py": "'Fruit.'\nfrom .apple import apple\n"
    "from toy.shop._more import fig as pear\n__all__ = ['apple']\ndef own(): ...\n",
    "shop/apple.py": "",
    "shop/_more.py": "",
    "shop/cellar.py": "",
}
LOW = {"low/__init__.py", "low/deep.py", "mate.py", "late.py", "top.py"}
SHOP = {"shop/__init__.py", "shop/apple.py", "shop/_more.py"}


@pytest.fixture
def toy(tmp_path):
    for name, text in FILES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    return tmp_path / "toy"


def reached(toy, *modules):
    return {path.relative_to(toy).as_posix() for path in closure(modules, package=toy)}


@pytest.mark.parametrize(
    ("modules", "expected"),
    [
        ([], set()),
        (["numpy"], set()),
        (["toy"], {"__init__.py", "lazy.py"}),
        (["toy.alone"], {"alone.py"}),
        (["toy.alone", "toy.mate"], {"alone.py", "mate.py"}),
        (["toy.mate.x"], {"mate.py"}),
        (["toy.attribute"], {"attribute.py", "mate.py", "__init__.py", "lazy.py"}),
        (["toy.dynamic"], {"dynamic.py", "mate.py"}),
        (["toy.parent"], {"parent.py", "mate.py"}),
        (["toy.top"], LOW),
        (["toy.low"], LOW),
        (["toy.low.beside"], LOW | {"low/beside.py"}),
        (["toy.starred"], LOW | {"starred.py"}),
        (["toy.shop"], SHOP),
        (["toy.shop.apple"], {"shop/apple.py"}),  # the module and the name in it
        (["toy.shop.pear"], {"shop/_more.py"}),
        (["toy.shop.cellar"], {"shop/cellar.py"}),
        (["toy.shop.own"], SHOP),
        (["toy.shop.unknown"], SHOP),
        (["toy.slow.x"], {"mate.py"}),
        (["toy.slow.other"], {"slow/other.py"}),
        (["toy.__version__"], {"__init__.py", "lazy.py"}),
    ],
)
def test_closure_follows_every_kind_of_import(toy, modules, expected):
    assert reached(toy, *modules) == expected


def test_closure_is_sorted_and_without_repeats(toy):
    paths = closure(["toy.top", "toy.low", "toy.top"], package=toy)
    assert paths == sorted(set(paths))


def test_closure_holds_all_that_python_loads(toy):
    code = (
        "import sys, toy.low.beside\n"
        "for module in list(sys.modules.values()): print(getattr(module, '__file__', ''))"
    )
    loaded = subprocess.run(
        [sys.executable, "-c", code], cwd=toy.parent, capture_output=True, text=True, check=True
    ).stdout.splitlines()
    loaded = {Path(path) for path in loaded if path.startswith(str(toy))}
    assert toy / "mate.py" in loaded
    assert loaded - {toy / "__init__.py"} <= set(closure(["toy.low.beside"], package=toy))


def test_closure_of_this_package_holds_the_module_itself():
    assert PACKAGE / "core" / "sources" / "files.py" in closure(["unrolled.core.sources"])


def test_one_string_is_not_several_modules():
    with pytest.raises(
        TypeError, match=r"modules must be several values, each a str, got .*'unrolled'"
    ):
        closure("unrolled")


def test_broken_source_is_reported_with_its_module(toy):
    (toy / "mate.py").write_text("def (:\n")
    with pytest.raises(SyntaxError) as error:
        closure(["toy.top"], package=toy)
    assert error.value.filename == "toy.mate"


def test_imports_resolves_relative_names():
    text = "from . import a\nfrom .b import c\nfrom .. import d\n"
    assert imports(text, "p.q.r") == {"p.q.a", "p.q.b.c", "p.d"}
    assert imports("from . import a", "p.q", is_package=True) == {"p.q.a"}
    assert imports("from .a import *\nimport b.c") == {"a", "b.c"}


ORIGINAL = '"""Said."""\ndef f(a=None):\n    "Twice."\n    return a + 1\n'


@pytest.mark.parametrize(
    ("text", "is_other"),
    [
        (ORIGINAL.replace("\n", "\r\n"), False),
        ('"""Other."""\ndef f(a=None):\n    "Words."\n    return a + 1\n', False),
        ("def f(a = None):  # why\n\n    return (a + 1)\n", False),
        ('def f(a=None):\n    return a + 1\n"What f is for."\n', False),
        ("def f(a=None):\n    return a + 2\n", True),
        ("def f(a=None):\n    return a - 1\n", True),
        ("def f(a=...):\n    return a + 1\n", True),
        ("def f(a):\n    return a + 1\n", True),
        ('def f(a="None"):\n    return a + 1\n', True),
        ("def f(a=None):\n    return a + 1.0\n", True),
        ("async def f(a=None):\n    return a + 1\n", True),
    ],
)
def test_skeleton_is_of_what_python_executes(text, is_other):
    assert (skeleton(ast.parse(text)) != skeleton(ast.parse(ORIGINAL))) is is_other


def test_skeleton_is_the_same_under_every_python():
    """Written down once, so that a stored measurement is not stale under another Python."""
    text = skeleton(
        ast.parse(
            "from a import b\n"
            "async def f(*a, k=None, **o):\n"
            "    'said'\n"
            "    with b() as c, open(f'{a!r:>{k}} {{}}') as d:\n"
            "        return [x async for x in c if x not in (1, 2.5, 3j, b'', ...)]\n"
        )
    )
    assert hashlib.sha256(text.encode()).hexdigest()[:8] == "ef8abc44"
