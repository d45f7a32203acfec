"""Change the package's equations by machine, each in one small place, and see whether a test fails.

python tools/mutate.py [modules] [--every N] [--records DIR]

A change that no test of its module notices must stand in ``tests/equivalent.json``, with the
reason why it computes the same. What became of each is written down at once, by default in
``_build/mutants/MODULE.json``; it is not tried again before the module or its tests change.
"""

from __future__ import annotations

import argparse
import ast
import gc
import hashlib
import importlib
import json
import os
import signal
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any, Self

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "tests")]
import conftest  # noqa: F401  (the environment of the tests, and where `unrolled` is)

# isort: split
import pytest
from hypothesis import Phase, settings
from mutants import changes

from machine import workers
from quick import stands_on
from unrolled.core.files import write_atomically

TESTS = {  # the modules with equations, and what pytest runs that must notice a change in them
    "core.cell": ["test_cell.py", "test_recurrent.py"],
    "core.recurrent": ["test_recurrent.py", "test_cells.py"],
    "bptt": ["test_bptt.py"],
    "gradients": ["test_gradients.py"],
    "lstm_numpy": ["test_lstm_numpy.py"],
    "frameworks": ["test_frameworks.py"],
}
for path in (ROOT / "code/unrolled/cells").glob("[a-z]*.py"):
    own = [file.name for file in ROOT.glob(f"tests/test_cells_{path.stem}.py")]
    rows = path.stem.partition("_")[0]  # all rows of LSTMs for `lstm_variant`
    TESTS[f"cells.{path.stem}"] = [*own, "test_cells.py", "-k", rows]
NO_EQUATION = {"__init__", "extra_repr", "_known", "_numbers", "_jacobians", "_square", "_tensor"}
NO_EQUATION |= {"_demand", "_demand_force", "_demand_trace"}  # what is asked of arguments
EQUIVALENT = ROOT / "tests" / "equivalent.json"
AMISS = ("survived", "wrongly explained")  # a test or a reason is missing; a reason is none


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
        """Where it was changed: ``cells.lstm.LSTM.equations``."""
        return ".".join(filter(None, [self.module, self.owner, self.name]))

    @property
    def label(self) -> str:
        """Where and how it was changed."""
        return f"{self.place}: {self.change}"


def mutants(module: str) -> Iterator[Mutant]:
    """Yield every mutant of a module's equations."""
    for node in ast.parse(_path(module).read_text(encoding="utf-8")).body:
        owner, body = (node.name, node.body) if isinstance(node, ast.ClassDef) else ("", [node])
        for statement in body:
            name = _named(statement)
            for change, changed in changes(statement, guards=False) if name else ():
                yield Mutant(module, owner, name, change, changed)


def _path(module: str) -> Path:
    return ROOT / "code" / "unrolled" / f"{module.replace('.', '/')}.py"


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


@dataclass
class Record:
    """What became of the mutants of a module, kept in a file: a run goes on where one ended.

    It holds for the module and its tests as they are; where they changed, it starts anew.
    """

    path: Path
    made: Sequence[Mutant]
    sources: str  # their digest
    fates: dict[str, str]  # "killed" or "survived", by the mutant's label

    @classmethod
    def read(cls, module: str, folder: Path) -> Self:
        """Return what is known of a module's mutants."""
        digest = hashlib.sha256()
        for source in _sources(module):
            digest.update(source.read_bytes())
        path = folder / f"{module}.json"
        stored = json.loads(path.read_text(encoding="utf-8")) if path.exists() else {}
        known = stored.get("sources") == digest.hexdigest()
        made = list(mutants(module))
        return cls(path, made, digest.hexdigest(), stored["fates"] if known else {})

    def keep(self, mutant: Mutant, fate: str) -> None:
        """Write down what became of a mutant."""
        self.fates[mutant.label] = fate
        content = {**self.report(self.made), "sources": self.sources, "fates": self.fates}
        write_atomically(self.path, json.dumps(content, indent=1, ensure_ascii=False) + "\n")

    def report(self, chosen: Sequence[Mutant]) -> dict[str, Any]:
        """Count what became of some mutants, and name those of which it is not what it should."""
        known = json.loads(EQUIVALENT.read_text(encoding="utf-8"))
        same = {f"{place}: {change}" for place in known for change in known[place]}
        labels = {mutant.label for mutant in chosen}
        killed = {label for label in labels if self.fates.get(label) == "killed"}
        left = {label for label in labels if self.fates.get(label) == "survived"}
        return {
            "made": len(labels),
            "killed": len(killed),
            "equivalent": len(left & same),
            "not tried": len(labels - killed - left),
            "survived": sorted(left - same),
            "wrongly explained": sorted(killed & same),
        }


def _sources(module: str) -> list[Path]:
    """Return the files of a module, of its tests and of what stands beside these and they use."""
    tests = [ROOT / "tests" / each for each in TESTS[module] if each.endswith(".py")]
    reached = sorted(set[str]().union(*map(stands_on, tests)))
    return [_path(module), *(ROOT / name for name in reached if name.startswith("tests/"))]


class Trial:
    """A plugin that collects the tests once and runs them on each mutant, in a process of its own.

    This process must run no test: torch's autograd cannot be used on both sides of a fork.
    """

    def __init__(self, record: Record, mutants: Sequence[Mutant]) -> None:
        self.record, self.mutants = record, mutants

    def pytest_runtestloop(self, session: pytest.Session) -> bool:
        """Run no test here."""
        gc.freeze()  # no process need look through what all share
        seconds = _rehearsed(session)
        session.items.sort(key=lambda item: seconds[item.nodeid])  # most die early: cheaply
        limit = 10 + 10 * sum(seconds.values())
        running: dict[int, Mutant] = {}
        for left, mutant in zip(range(len(self.mutants))[::-1], self.mutants, strict=True):
            running[_begun(session, mutant, limit)] = mutant
            while len(running) == workers() or (running and not left):
                process, status = os.wait()
                self.ended(running.pop(process), os.waitstatus_to_exitcode(status))
        return True

    def ended(self, mutant: Mutant, code: int) -> None:
        """Write down whether a test noticed, unless the system or a user ended the tests."""
        if code not in {-signal.SIGHUP, -signal.SIGINT, -signal.SIGKILL, -signal.SIGTERM}:
            self.record.keep(mutant, "killed" if code else "survived")


def _rehearsed(session: pytest.Session) -> dict[str, float]:
    """Return what each test takes, in seconds of a core, with nothing changed; all must pass."""
    reading, writing = os.pipe()
    if process := os.fork():
        os.close(writing)
        with os.fdopen(reading, encoding="utf-8") as pipe:
            said = pipe.read()
        if os.waitpid(process, 0)[1]:
            raise pytest.UsageError("the tests fail with nothing changed")
        return json.loads(said)
    try:
        seconds = _passed(session)
        with os.fdopen(writing, "w", encoding="utf-8") as pipe:
            json.dump(seconds, pipe)
        os._exit(0)
    finally:  # whatever was raised, nothing may go on here
        os._exit(1)


def _begun(session: pytest.Session, mutant: Mutant, limit: float) -> int:
    """Begin the tests of a mutant in a process of its own; return its number."""
    if process := os.fork():
        return process
    try:
        signal.setitimer(signal.ITIMER_PROF, limit)  # a change may make a loop endless
        put_in(mutant)
        _passed(session)
        os._exit(0)
    finally:
        os._exit(1)


def _passed(session: pytest.Session) -> dict[str, float]:
    """Run the tests without a word; end this process where one fails. Return what each took."""
    silence = os.open(os.devnull, os.O_WRONLY)
    os.dup2(silence, 1)
    os.dup2(silence, 2)
    seconds = {}
    for item, following in zip(session.items, [*session.items[1:], None], strict=True):
        began = time.process_time()
        item.config.hook.pytest_runtest_protocol(item=item, nextitem=following)
        if session.testsfailed:
            os._exit(1)
        seconds[item.nodeid] = time.process_time() - began
    return seconds


def examine(module: str, every: int, folder: Path) -> bool:
    """Say how many mutants of a module were made and killed; return whether all is well."""
    began = time.monotonic()
    record = Record.read(module, folder)
    chosen = record.made[::every]
    if new := [mutant for mutant in chosen if mutant.label not in record.fates]:
        _try(module, Trial(record, new))
    report = record.report(chosen)
    amiss = [f"{kind}  {label}" for kind in AMISS for label in report[kind]]
    counts = {kind: len(n) if kind in AMISS else n for kind, n in report.items()}
    words = ", ".join(f"{count} {kind}" for kind, count in counts.items())
    print(*amiss, f"{module}: {words}, {time.monotonic() - began:.0f} s", sep="\n", flush=True)
    return not amiss and not report["not tried"]


def _try(module: str, trial: Trial) -> None:
    tests = [str(ROOT / "tests" / each) if ".py" in each else each for each in TESTS[module]]
    again = "ignore::pytest.PytestAssertRewriteWarning"  # pytest has run in this process before
    options = ["-c", str(ROOT / "pyproject.toml"), "-W", again, "-p", "no:cacheprovider"]
    if code := pytest.main([*options, "-qqqs", "--tb=native", *tests], plugins=[trial]):
        raise SystemExit(f"the tests of {module} cannot be run: pytest ended with {code}")


def main(arguments: Sequence[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("modules", nargs="*", choices=[*TESTS, []], help="all if none is named")
    parser.add_argument("--every", type=int, default=1, help="take every Nth mutant only")
    parser.add_argument("--records", type=Path, default=ROOT / "_build" / "mutants", metavar="DIR")
    options = parser.parse_args(arguments)
    # A counterexample need not become a small one, and is not kept for other runs.
    brief = settings(phases=(Phase.explicit, Phase.generate), database=None, derandomize=True)
    settings.register_profile("brief", brief, deadline=None)
    settings.load_profile("brief")
    chosen = options.modules or TESTS
    well = [examine(module, options.every, options.records) for module in chosen]
    return 0 if all(well) else 1


if __name__ == "__main__":
    raise SystemExit(main())
