"""What is reached is what runs: every number of a package is changed, and the package run again."""

import ast
import re
import shutil
import sys
from importlib import import_module
from textwrap import dedent

import pytest

from unrolled.core.sources import PACKAGE, closure, digest_reached, mentions, reach, written

FILES = {
    "__init__.py": '"""Toy."""\nfrom typing import TYPE_CHECKING\nif TYPE_CHECKING:\n'
    "    from toy.late import slow\n__version__ = 'one'\n\ndef __getattr__(name):\n"
    "    if name != 'slow':\n        raise AttributeError(name)\n    from toy.late import slow\n"
    "    return slow\n",
    "core/validate.py": "def whole(name, value, *, least=1):\n    if value < least:\n"
    "        raise ValueError(f'{name} must be at least {least}')\n    return value\n",
    "training/__init__.py": "from .progress_bar import progress\n",
    "training/progress_bar.py": "def progress(items, label, *, total=0):\n    return items\n",
    "late.py": "def slow():\n    return 1\n",
    "shop/__init__.py": "from .apple import apple\nfrom ._more import fig as pear\n"
    "from . import cellar\n",
    "shop/apple.py": "SEED = 2\n\ndef apple():\n    return SEED\n\ndef core():\n    return 3\n",
    "shop/_more.py": "def fig(n=4):\n    return n\n",
    "shop/cellar.py": "WINE = {'red': 5}\n\ndef bottle():\n    return WINE['red'] + 6\n",
    "registry.py": """
        TABLE = {}
        HEARD = []

        def noted(function):
            TABLE[function.__name__] = function
            return function

        class Telling:
            def __init_subclass__(cls):
                HEARD.append(cls)
        """,
    "notes.py": """
        from toy.registry import Telling, noted

        @noted
        def entered():
            return 7

        class Told(Telling):
            size = 8
        """,
    "told.py": """
        from toy import notes, registry

        def registered(): return registry.TABLE["entered"]() + registry.HEARD[0].size
        """,
    "entries.py": """
        from functools import partial, reduce
        def double(x, by=9):
            return x * by

        twice = partial(double, by=10)
        TOOLS = {"twice": twice, "thrice": lambda x: x * 11}
        STEPS = [12]
        STEPS[:] = [*STEPS, 13]
        STEPS.append(14)
        LIMIT = 15
        LIMIT += 16
        ONE, (TWO, *REST) = 17, (18, 19, 20)
        for k in range(21):
            SUM = k
        if LIMIT > 3000:
            def branch():
                return 22
        else:
            def branch():
                return 23
        try:
            import absent
        except ImportError:
            absent = 24
        if (found := 25) > 0:
            pass

        def again():
            return 26

        again.extra = 27

        def again():
            return 28
        """,
    "shapes.py": """
        from __future__ import annotations
        from dataclasses import dataclass
        from typing import Any, ClassVar, NamedTuple, overload
        from toy import base
        from toy.training import progress
        from toy.core.validate import whole

        class Pair(NamedTuple):
            left: int
            right: int = 29

        @dataclass
        class Box:
            width: int = 30
            kind: ClassVar[int] = 31

            @property
            def area(self):
                return self.width * 32 + self.kind

        class Round(base.Shape):
            sides = 33

            def grow(self):
                return super().grow() + 34

        def make(kind: type[base.Shape]) -> base.Shape:
            return kind()

        def wrapped(function):
            def inner(*args):
                return function(*args) + 35
            return inner

        @wrapped
        def decorated(x):
            return x

        def outer(x):
            offset = 36

            def inside(y):
                return y + offset + 37

            return [inside(each) for each in progress(range(x), "38")]

        def late(name):
            from toy.shop import pear
            return pear() + 39

        def careful(x):
            x = whole("x", x, least=-40)
            assert x < 4100, "at most 41"
            if x > 4200:
                raise ValueError("at most 4200")
            return x + 43

        def fallible(x):
            if x > 44:
                raise ValueError("at most 44")
            return x

        def caught(x):
            try:
                return fallible(x)
            except ValueError:
                return 45

        COUNT = 46

        def count():
            global COUNT
            COUNT = COUNT + 47

        def order():
            return 48

        def shadowed(order):
            return order + sum(base for base in (49, 50))
        """,
    "base.py": """
        class Shape:
            sides = 51

            def grow(self):
                return self.sides * 52

            def __enter__(self):
                return 53

            def __exit__(self, *error):
                return False
        """,
    "patch.py": "from toy import base\n\ndef larger(self):\n    return 54\n\n"
    "base.Shape.patched = larger\nOWN = 55\n",
    "named.py": "HOMES = {'a': 'toy.chosen', 'b': 'toy.shop.apple'}\n",
    "chosen.py": "def pick():\n    return 56\n\ndef other():\n    return 57\n",
    "star.py": "from toy.chosen import *\n\ndef starred():\n    return pick()\n",
    "found.py": """
        from importlib import import_module
        from toy import named

        def looked_up(): return getattr(import_module(named.HOMES["a"]), "pick")()
        """,
    "claims.py": """
        import toy
        from importlib import import_module
        from toy import entries, shapes, shop
        from toy.shop import apple
        from toy.shop import pear as fruit
        import toy.shop.cellar as below

        SCALE = 58

        def scaled(x):
            return x * SCALE

        def constant(): return scaled(59)
        def through_init(): return apple()
        def renamed(): return fruit()
        def by_module(): return shop.cellar.bottle()
        def by_alias(): return below.WINE["red"]
        def lazily(): return toy.slow()
        def tool(): return entries.TOOLS["twice"](1) + entries.TOOLS["thrice"](1)
        def partial(): return entries.twice(1)
        def changed(): return sum(entries.STEPS)
        def augmented(): return entries.LIMIT
        def unpacked(): return entries.ONE + entries.TWO + sum(entries.REST)
        def looped(): return entries.SUM
        def branched(): return entries.branch()
        def tried(): return entries.absent
        def walrus(): return entries.found
        def twice_defined(): return entries.again()
        def pair(): return shapes.Pair(0).right
        def box(): return shapes.Box().area
        def inherited(): return shapes.make(shapes.Round).grow()
        def plain_shape():
            with shapes.base.Shape() as x:
                return x
        def decorated(): return shapes.decorated(0)
        def nested(): return sum(shapes.outer(2))
        def inside(): return shapes.late("")
        def careful(): return shapes.careful(0)
        def caught(): return shapes.caught(44) + shapes.caught(45)
        def counted():
            shapes.count()
            return shapes.COUNT
        def shadowed(): return shapes.shadowed(0)
        def patched():
            import toy.patch
            return shapes.base.Shape().patched()
        def literal(): return import_module("toy.chosen").pick()
        def from_star():
            from toy.star import starred
            return starred()
        """,
}
# Numbers that stale a claim although they do not change it: to be safe, or the smallest unit.
BROADER = {
    "pair": {"0"},  # it is the claim's own, and is not returned
    "partial": {"9"},  # a default that nobody takes
    "tool": {"9"},
    "plain_shape": {"51", "52"},  # a class is one thing, with its bases
    "inherited": {"51", "53"},
    "patched": {"51", "52", "53", "1"},
    "branched": {"15", "16", "22", "3000"},  # a condition at the top, with both its sides
    "walrus": {"0"},
    "twice_defined": {"26", "27"},  # all that a name ever was
    "caught": {"44", "45"},  # a guard decides, here whether 44 passes
    "literal": {"57"},  # a module that is found by its name is reached as a whole
    "looked_up": {"2", "3", "57"},
}


@pytest.fixture
def toy(tmp_path, monkeypatch):
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(sys, "dont_write_bytecode", True)
    for name, text in FILES.items():
        path = tmp_path / "toy" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(dedent(text))
    return tmp_path / "toy"


def claims(toy):
    """Return the dotted names of the functions that play experiments."""
    return [
        f"toy.{stem}.{node.name}"
        for stem in ("claims", "told", "found")
        for node in ast.parse((toy / f"{stem}.py").read_text()).body
        if isinstance(node, ast.FunctionDef) and node.name != "scaled"
    ]


def results(toy):
    """Run every claim in a package that is freshly imported."""
    for name in [each for each in sys.modules if each.partition(".")[0] == "toy"]:
        del sys.modules[name]
    return {claim: outcome(claim) for claim in claims(toy)}


def outcome(claim):
    module, _, name = claim.rpartition(".")
    function = getattr(import_module(module), name)
    try:
        return function()
    except Exception as error:
        return type(error)


def digests(toy, **options):
    return {claim: digest_reached([claim], package=toy, **options) for claim in claims(toy)}


def different(before, after):
    return {name for name in before if before[name] != after[name]}


def test_a_changed_number_stales_exactly_the_claims_that_it_changes(toy):
    before, values = digests(toy), results(toy)
    missed, wide = [], {}
    for path in sorted(toy.rglob("*.py")):
        text = path.read_text()
        for number in re.finditer(r"\b\d+\b", text):
            new = str(int(number[0]) + 1_000)
            path.write_text(text[: number.start()] + new + text[number.end() :])
            stale, moved = different(before, digests(toy)), different(values, results(toy))
            missed += [(path.name, number[0], claim) for claim in moved - stale]
            for claim in stale - moved:
                wide.setdefault(claim, set()).add(number[0])
        path.write_text(text)
    assert not missed
    assert {claim.rpartition(".")[2]: numbers for claim, numbers in wide.items()} == BROADER


HELPERS = """
    from typing import NamedTuple, cast
    import numpy as np
    from tqdm import tqdm
    from toy.training import progress
    from toy.core.validate import whole

    LIMIT = 5

    class Size(NamedTuple):
        rows: int = 2

    class Sums:
        total = 0

        def add(self, x):
            self.total += x

    def _demand(**arrays):
        sizes = {}
        for name, array in arrays.items():
            if len(array) != sizes.setdefault("n", len(array)):
                raise ValueError(f"{name} must be as long as the others")

    def helper(x, n=1):
        seen = []
        steps = n
        for each in range(steps):
            seen.append(each)
        return sum(seen) + x + LIMIT
"""
WORDS = {
    "docstring": ("def helper(x, n=1):", 'def helper(x, n=1):\n    """Add."""'),
    "comment": ("seen = []", "seen = []  # so far"),
    "layout": ("sum(seen) + x + LIMIT", "(\n        sum(seen) + x + LIMIT\n    )"),
    "annotations": ("helper(x, n=1):", "helper(x: 'Size', n: int = 1) -> float:"),
    "annotated name": ("LIMIT = 5", "LIMIT: int = 5"),
    "annotated local": ("seen = []", "seen: list[int] = []"),
    "field's type": ("rows: int", "rows: 'float'"),
    "guard": (
        "    seen = []",
        "    if x > 99:\n        raise ValueError(f'{x}')\n    seen = []",
    ),
    "guards": (
        "    seen = []",
        "    if not (bad := {x} - {9}):\n        raise ValueError(bad)\n"
        "    elif np.isnan(x).any():\n        worst = max(x)\n        raise TypeError(worst)\n"
        "    seen = []",
    ),
    "assert": ("    seen = []", "    assert x != 1, 'x'\n    seen = []"),
    "check": ("    seen = []", "    n = whole('n', n, least=0)\n    seen = []"),
    "check inside": ("range(steps)", "range(whole('steps', steps))"),
    "check of two": (
        "    seen = []",
        "    x, n = whole('x', x), whole(name='n', value=n)\n    seen = []",
    ),
    "check alone": ("    seen = []", "    whole('x', x), whole('n', n)\n    seen = []"),
    "checks in a loop": (
        "    seen = []",
        "    for name, value in [('x', x), ('n', n)]:\n        whole(name, value)\n    seen = []",
    ),
    "helper that checks": ("    seen = []", "    _demand(x=[x], n=[n])\n    seen = []"),
    "what a helper checks": ('setdefault("n", len(array))', 'setdefault("m", len(array) + 7)'),
    "bar": ("in range(steps)", "in progress(range(steps), 'steps', total=n)"),
    "tqdm": ("in range(steps)", "in tqdm(range(steps), desc='steps')"),
    "cast": ("+ x +", "+ cast(int, x) +"),
    "error in words": (
        "        seen.append(each)",
        "        try:\n            seen.append(each)\n"
        "        except TypeError as error:\n            raise ValueError('each') from error",
    ),
    "types": (
        "LIMIT = 5",
        "import typing\nif typing.TYPE_CHECKING:\n    from toy.late import slow\nLIMIT = 5",
    ),
    "unused import": ("LIMIT = 5", "import os\nLIMIT = 5"),
    "unused definition": ("LIMIT = 5", "def other():\n    return 1\nLIMIT = 5"),
    "pass": ("        seen.append(each)", "        seen.append(each)\n        pass"),
}
DEEDS = {
    "constant": ("LIMIT = 5", "LIMIT = 6"),
    "default": ("n=1", "n=2"),
    "parameter": ("helper(x, n=1)", "helper(x, n=1, *, m=2)"),
    "operator": ("sum(seen) + x", "sum(seen) - x"),
    "guard with else": (
        "    seen = []",
        "    if x > 99:\n        raise ValueError\n    else:\n        n = 3\n    seen = []",
    ),
    "guard that draws": (
        "    seen = []",
        "    if next(x) > 99:\n        raise ValueError\n    seen = []",
    ),
    "guard that names": (
        "    seen = []",
        "    if (y := x) > 99:\n        raise ValueError\n    n = y\n    seen = []",
    ),
    "swallowed error": (
        "        seen.append(each)",
        "        try:\n            seen.append(each)\n        except TypeError:\n            break",
    ),
    "early return": ("    seen = []", "    if x > 99:\n        return 0\n    seen = []"),
    "own check": (
        "    seen = []",
        "    def whole(name, value):\n        return 1\n    n = whole('n', n)\n    seen = []",
    ),
    "call for an effect": ("    seen = []", "    x.sort()\n    seen = []"),
    "loop that drains": ("    seen = []", "    for _ in x:\n        pass\n    seen = []"),
    "helper that acts": (
        'raise ValueError(f"{name} must be as long as the others")',
        "array.append(1)",
    ),
    "annotation that removes a field": ("rows: int", "rows: 'ClassVar[int]'"),
    "field's default": ("rows: int = 2", "rows: int = 3"),
    "new field": ("rows: int = 2", "rows: int = 2\n    columns: int = 2"),
    "method": ("self.total += x", "self.total -= x"),
    "origin of a name": (
        "from typing import NamedTuple, cast",
        "from collections import NamedTuple",
    ),
    "effect of importing": ("LIMIT = 5", "print()\nLIMIT = 5"),
    "change of a constant elsewhere": ("class Sums", "Size.rows = 3\n\nclass Sums"),
}


@pytest.fixture
def helped(toy):
    """Write a claim that stands on helpers, and one that does not."""
    (toy / "helpers.py").write_text(dedent(HELPERS))
    (toy / "helped.py").write_text(
        "from toy.helpers import LIMIT, Size, Sums, _demand, helper\n"
        "def claim():\n    _demand(a=[1])\n    Sums().add(2)\n    return helper(1) + Size().rows\n"
        "def other():\n    return 1\n"
    )
    return toy


def is_stale_after(toy, old, new):
    def now():
        return [digest_reached([f"toy.helped.{name}"], package=toy) for name in ("claim", "other")]

    before, text = now(), (toy / "helpers.py").read_text()
    assert old in text
    (toy / "helpers.py").write_text(text.replace(old, new, 1))
    claim, other = (a != b for a, b in zip(before, now(), strict=True))
    assert other is new.startswith("print()")  # what is done when the module is imported
    return claim


@pytest.mark.parametrize("name", WORDS)
def test_words_and_checks_stale_nothing(helped, name):
    assert not is_stale_after(helped, *WORDS[name])


@pytest.mark.parametrize("name", DEEDS)
def test_what_changes_a_result_stales(helped, name):
    assert is_stale_after(helped, *DEEDS[name])


@pytest.fixture(scope="module")
def experiments():
    """Return every claim's experiment by its dotted name, as its file declares it."""
    return {
        f"{path.parent.name}.{path.stem}": f"unrolled.experiments.{path.parent.name}.{path.stem}."
        + re.search(r"^    experiment=(\w+),", path.read_text(), flags=re.MULTILINE)[1]
        for path in (PACKAGE / "experiments").glob("*/[a-z]*.py")
        if "\nCLAIM = " in path.read_text()
    }


@pytest.fixture(scope="module")
def copied(experiments, tmp_path_factory):
    """Copy the package; return where to, and what every claim reaches in it."""
    folder = tmp_path_factory.mktemp("copied") / "unrolled"
    shutil.copytree(PACKAGE, folder, ignore=shutil.ignore_patterns("__pycache__"))
    return folder, {claim: reach([name], package=folder) for claim, name in experiments.items()}


@pytest.mark.parametrize(
    ("file", "old", "new", "changed"),
    [
        ("experiments/networks.py", "norms + 1e-6", "norms + 1e-5", "networks.clip_each"),
        ("experiments/runs.py", "np.array([", "np.stack([", None),  # judges call it
        ("experiments/bptt/_learning.py", "0.999", "0.99", "bptt._learning.Adam"),
        ("core/validate.py", "must be finite", "must not be infinite", None),
        ("bptt.py", "each at least 1, got", "each 1 or more, got", None),
    ],
)
def test_a_change_of_this_package_stales_who_reaches_it(
    experiments, copied, file, old, new, changed
):
    folder, before = copied
    path = folder / file
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new))
    after = {claim: reach([name], package=folder) for claim, name in experiments.items()}
    path.write_text(text)
    stale = different(before, after)
    assert stale == {c for c in before if f"unrolled.experiments.{changed}" in before[c]}
    assert len(stale) < len(before) / 2
    assert all(path in closure([experiments[claim]], package=folder) for claim in stale)
    assert bool(stale) is (changed is not None)


@pytest.mark.parametrize("claim", ["bptt.cost", "bptt.three_ways", "gradients.latch"])
def test_what_an_experiment_runs_is_reached(claim, experiments):
    declared = import_module(f"unrolled.experiments.{claim}").CLAIM
    settings, ran = declared.settings["quick"], set()

    def note(frame, event, _):
        if event == "call" and frame.f_code.co_filename.startswith(str(PACKAGE)):
            ran.add((frame.f_globals["__name__"], frame.f_code.co_qualname.partition(".")[0]))

    outer = sys.getprofile()
    sys.setprofile(note)
    try:
        declared.experiment(min(declared.seeds["quick"]), **settings)
    finally:
        sys.setprofile(outer)
    reached = reach([experiments[claim]])
    missed = {f"{module}.{name}" for module, name in ran if "<" not in name} - set(reached)
    assert missed <= {
        name for name in missed if re.search(r"\.core\.validate\.|progress_bar|_demand", name)
    }
    assert len(ran) > 3


def test_the_progress_bar_is_where_the_reader_expects_it(experiments):
    assert (PACKAGE / "training" / "progress_bar.py").is_file()
    assert not {name for name in reach(["unrolled.training.fit"]) if "progress" in name}


def test_a_changed_line_of_an_experiment_stales_few_claims(experiments):
    """By file it was 7.9 on average, most of it by helpers that many stand on."""
    found = {claim: set(reach([name])) for claim, name in experiments.items()}
    lines, stale = 0, 0
    for path in (PACKAGE / "experiments").rglob("*.py"):
        module = ".".join(path.relative_to(PACKAGE.parent).with_suffix("").parts)
        if path.parent.name == "ledger":
            continue
        for node in ast.parse(path.read_text()).body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                length = node.end_lineno - node.lineno + 1
                lines += length
                stale += length * sum(f"{module}.{node.name}" in each for each in found.values())
    assert stale / lines < 3


def test_mentions_are_definitions_where_they_stand(toy):
    text = (
        "import numpy as np\nfrom toy.shop import pear, cellar\nimport toy.shapes as s\n"
        "pear(), cellar.bottle, np.sum, unknown\ndef f(x):\n    return s.Round().grow() + x\n"
    )
    assert mentions(text, package=toy) == {
        "toy.shop._more.fig",
        "toy.shop.cellar.bottle",
        "toy.shapes.Round",
    }
    assert mentions("import toy.shop.cellar as c\nprint(c)", package=toy) == {"toy.shop.cellar.*"}


def test_written_definitions_keep_their_words(toy):
    text = "@wrapped\ndef decorated(x):\n    return x"
    assert written(["toy.shapes.decorated"], package=toy) == {"toy.shapes.decorated": text}
    assert reach(["toy.shapes.decorated"], prose=True, package=toy)["toy.shapes.decorated"] == text
    assert written(["numpy.sum"], package=toy) == {}


def test_prose_sees_words_and_checks(helped):
    for old, new in [("LIMIT = 5", "LIMIT = 5  # at most"), ("as long as", "no longer than")]:
        before = digest_reached(["toy.helped.claim"], prose=True, package=helped)
        text = (helped / "helpers.py").read_text()
        (helped / "helpers.py").write_text(text.replace(old, new))
        assert digest_reached(["toy.helped.claim"], prose=True, package=helped) != before


def test_names_are_several_and_may_be_anywhere(toy):
    with pytest.raises(TypeError, match=r"names must be several values, each a str, got .*'toy'"):
        reach("toy", package=toy)
    assert reach([], package=toy) == reach(["numpy.sum", "os"], package=toy) == {}
    whole = reach(["toy.shop"], package=toy)
    assert {"toy.shop", "toy.shop._more.fig", "toy.shop.cellar"} <= set(whole)
    assert reach(["toy.chosen.absent"], package=toy).keys() == {"toy.chosen"}


def test_a_broken_module_is_named(toy):
    (toy / "chosen.py").write_text("def (:\n")
    with pytest.raises(SyntaxError) as error:
        reach(["toy.claims.literal"], package=toy)
    assert error.value.filename == "toy.chosen"
