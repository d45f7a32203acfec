"""The walker must find exactly what an import would run, and the digest what would change it."""

import subprocess
import sys
from pathlib import Path

import pytest

from unrolled._sources import PACKAGE, closure, digest, imports

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


def reached(toy, *modules, **options):
    return {path.relative_to(toy).as_posix() for path in closure(modules, package=toy, **options)}


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


def test_a_module_left_out_takes_its_own_imports_with_it(toy):
    assert reached(toy, "toy.top", without=["toy.low.deep"]) == {"top.py", "low/__init__.py"}


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
    assert PACKAGE / "_sources" / "files.py" in closure(["unrolled._sources"])


def test_one_string_is_not_several_modules():
    with pytest.raises(TypeError, match=r"modules must be several names, got .*'unrolled'"):
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


def changed(path, text, **options):
    """Say whether the digest of a file's folder changes when the file holds another text."""
    paths = list(path.parent.glob("*.py"))
    before = digest(paths, package=path.parent, **options)
    path.write_bytes(text.encode())
    return digest(paths, package=path.parent, **options) != before


@pytest.mark.parametrize(
    ("text", "code", "any_text"),
    [
        ('"""Said."""\ndef f(a=None):\n    "Twice."\n    return a + 1\n', False, False),
        ('"""Said."""\r\ndef f(a=None):\r\n    "Twice."\r\n    return a + 1\r\n', False, False),
        ('"""Other."""\ndef f(a=None):\n    "Words."\n    return a + 1\n', False, True),
        ("def f(a = None):  # why\n\n    return (a + 1)\n", False, True),
        ('def f(a=None):\n    return a + 1\n"What f is for."\n', False, True),
        ('"""Said."""\ndef f(a=None):\n    "Twice."\n    return a + 2\n', True, True),
        ('"""Said."""\ndef f(a=None):\n    "Twice."\n    return a - 1\n', True, True),
        ('"""Said."""\ndef f(a=...):\n    "Twice."\n    return a + 1\n', True, True),
        ('"""Said."""\ndef f(a):\n    "Twice."\n    return a + 1\n', True, True),
        ('"""Said."""\ndef f(a="None"):\n    "Twice."\n    return a + 1\n', True, True),
        ('"""Said."""\ndef f(a=None):\n    "Twice."\n    return a + 1.0\n', True, True),
        ('"""Said."""\nasync def f(a=None):\n    "Twice."\n    return a + 1\n', True, True),
    ],
)
def test_digest_sees_code_and_with_prose_all_else(tmp_path, text, code, any_text):
    path = tmp_path / "m.py"
    original = '"""Said."""\ndef f(a=None):\n    "Twice."\n    return a + 1\n'
    path.write_text(original)
    assert changed(path, text, prose=False) is code
    path.write_text(original)
    assert changed(path, text) is any_text


@pytest.mark.parametrize("name", ["CLAIMS = 2", "CLAIMS: int = 2"])
def test_digest_can_leave_an_assignment_out(tmp_path, name):
    path = tmp_path / "m.py"
    path.write_text("x = 1\nCLAIMS = 1\n")
    assert changed(path, f"x = 1\n{name}\n", prose=False)
    assert not changed(path, f"x = 1\n{name} + 1\n", prose=False, without=["CLAIMS"])
    assert changed(path, f"x = 2\n{name}\n", prose=False, without=["CLAIMS"])


def test_digest_of_prose_leaves_nothing_out(tmp_path):
    with pytest.raises(ValueError, match="needs prose=False, got prose=True"):
        digest([], without=["CLAIMS"], package=tmp_path)


def test_digest_sees_a_renamed_file_but_no_order(tmp_path):
    a, b = tmp_path / "a.py", tmp_path / "b.py"
    a.write_text("x = 1\n")
    b.write_text("y = 1\n")
    before = digest([a, b], package=tmp_path)
    assert digest([b, a], package=tmp_path) == before
    b.rename(tmp_path / "c.py")
    assert digest([a, tmp_path / "c.py"], package=tmp_path) != before


def test_digest_without_prose_is_the_same_under_every_python(tmp_path):
    """Written down once, so that a stored measurement is not stale under another Python."""
    path = tmp_path / "m.py"
    path.write_text(
        "from a import b\n"
        "async def f(*a, k=None, **o):\n"
        "    'said'\n"
        "    with b() as c, open(f'{a!r:>{k}} {{}}') as d:\n"
        "        return [x async for x in c if x not in (1, 2.5, 3j, b'', ...)]\n"
    )
    assert digest([path], prose=False, package=tmp_path)[:8] == "266ea58f"
