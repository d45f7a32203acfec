"""Change the package's equations by machine, each in one small place, and see whether a test fails.

python tools/mutate.py [modules] [--every N] [--show]

A change that no test of its module notices must stand in ``tests/equivalent.json``, with the
reason why it computes the same.
"""

from __future__ import annotations

import argparse
import ast
import gc
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
import conftest  # noqa: F401  (the environment of the tests, and where `unrolled` is)

# isort: split
import pytest
from hypothesis import Phase, settings
from mutants import changes

from machine import workers

TESTS = {  # the modules with equations, and the tests that must notice a change in them
    "rnn": ["test_rnn.py"],
    "lstm": ["test_lstm.py"],
    "variants": ["test_variants.py"],
    "recurrent": ["test_recurrent.py", "test_rnn.py"],
    "bptt": ["test_bptt.py"],
    "gradients": ["test_gradients.py"],
    "lstm_numpy": ["test_lstm_numpy.py"],
}
NO_EQUATION = {"__init__", "extra_repr", "_known", "_numbers", "_jacobians", "_square", "_tensor"}
NO_EQUATION |= {"_demand", "_demand_force", "_demand_trace"}  # what is asked of arguments
SECONDS = 300  # for the tests of one change, which may make a loop endless
EQUIVALENT = ROOT / "tests" / "equivalent.json"


@dataclass(frozen=True)
class Mutant:
    """A function, a method or a table of functions with one change in it."""

    module: str
    owner: str  # the class, or ""
    name: str
    change: str
    node: ast.stmt

    @property
    def place(self) -> str:
        """Where it was changed: ``lstm.LSTM.step``."""
        return ".".join(filter(None, [self.module, self.owner, self.name]))


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's equations."""
    path = ROOT / "code" / "unrolled" / f"{module}.py"
    for node in ast.parse(path.read_text(encoding="utf-8")).body:
        owner, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        for statement in body:
            name = _named(statement)
            for change, changed in changes(statement, guards=False) if name else ():
                yield Mutant(module, owner, name, change, changed)


def _named(node: ast.stmt) -> str:
    """Return the name of what computes something, a function or a table of them; else ""."""
    match node:
        case ast.FunctionDef(name=name) if name not in NO_EQUATION:
            return name
        case ast.Assign(targets=[ast.Name(id=name)], value=value):
            return name if any(isinstance(part, ast.Lambda) for part in ast.walk(value)) else ""
    return ""


def put_in(mutant: Mutant) -> None:
    """Put what was changed where the right one was, for all who hold it."""
    module = importlib.import_module(f"unrolled.{mutant.module}")
    owner = getattr(module, mutant.owner) if mutant.owner else None
    # A method that calls super() finds its class in this cell.
    make = ast.parse(f"def _make(__class__):\n    pass\n    return {mutant.name}")
    make.body[0].body[0] = mutant.node  # type: ignore[attr-defined]
    exec(compile(ast.fix_missing_locations(make), mutant.place, "exec"), vars(module))
    new: Any = vars(module).pop("_make")(owner)
    old: Any = getattr(owner or module, mutant.name)
    if owner:
        setattr(owner, mutant.name, new)
    elif callable(old):  # tests have imported it by its name
        old.__code__, old.__defaults__ = new.__code__, new.__defaults__
        old.__kwdefaults__ = new.__kwdefaults__
    else:
        old.clear(), old.update(new)


class Trial:
    """A plugin that collects the tests once and runs them on each mutant, in a process of its own.

    This process must run no test: torch's autograd cannot be used on both sides of a fork.
    """

    def __init__(self, mutants: Sequence[Mutant], known: Mapping[str, Mapping[str, str]]) -> None:
        self.mutants, self.known = mutants, known
        self.equivalent = self.survived = 0

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run no test here."""
        gc.freeze()  # no process need look through what all share
        running: dict[int, Mutant] = {}
        for left, mutant in zip(range(len(self.mutants))[::-1], self.mutants, strict=True):
            running[_begun(session, mutant)] = mutant
            while len(running) == workers() or (running and not left):
                process, status = os.wait()
                ended = running.pop(process)
                if status == 0:
                    self.passed(ended)
        return True

    def passed(self, mutant: Mutant) -> None:
        """Count a mutant that no test noticed, and say so if one should have."""
        if mutant.change in self.known.get(mutant.place, {}):
            self.equivalent += 1
            return
        self.survived += 1
        print(f"survived  {mutant.place}: {mutant.change}", flush=True)


def _begun(session: pytest.Session, mutant: Mutant) -> int:
    if process := os.fork():
        return process
    signal.alarm(SECONDS)
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    put_in(mutant)
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            os._exit(1)
    os._exit(0)


def examine(module: str, every: int) -> int:
    """Say how many mutants of a module were made and killed; return how many should have been."""
    began = time.monotonic()
    known = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
    trial = Trial(list(mutants(module))[::every], known)
    tests = [str(ROOT / "tests" / name) for name in TESTS[module]]
    again = "ignore::pytest.PytestAssertRewriteWarning"  # pytest has run in this process before
    options = ["-c", str(ROOT / "pyproject.toml"), "-W", again, "-p", "no:cacheprovider"]
    if code := pytest.main([*options, "-qqqs", "--tb=native", *tests], plugins=[trial]):
        raise SystemExit(f"the tests of {module} cannot be collected: pytest ended with {code}")
    made, left = len(trial.mutants), trial.equivalent + trial.survived
    print(
        f"{module}: {made} made, {made - left} killed, {trial.equivalent} equivalent, "
        f"{trial.survived} survived, {time.monotonic() - began:.0f} s",
        flush=True,
    )
    return trial.survived


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], help="all if none is named")
    parser.add_argument("--every", type=int, default=1, help="take every Nth mutant only")
    options = parser.parse_args(arguments)
    # A counterexample need not become a small one, and is not kept for other runs.
    brief = settings(phases=(Phase.explicit, Phase.generate), database=None, derandomize=True)
    settings.register_profile("brief", brief, deadline=None)
    settings.load_profile("brief")
    survived = sum(examine(module, options.every) for module in options.modules or TESTS)
    return 1 if survived else 0


if __name__ == "__main__":
    raise SystemExit(main())
