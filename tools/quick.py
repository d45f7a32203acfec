"""Check, in about two minutes, what changed and what depends on it; say what is left out.

python tools/quick.py [--base REV] [--seconds N]

What changed is what differs from where this branch left REV, and what git does not know yet. A
test depends on the files that it imports, that those import, and that they name.
"""

from __future__ import annotations

import argparse
import ast
import re
import subprocess
import sys
from collections.abc import Collection, Iterator
from functools import cache
from pathlib import Path

from checks import CHECKS, PYTEST, ROOT, Check, make
from machine import workers

sys.path.insert(0, str(ROOT / "code"))
from unrolled.core.sources import closure, imports

ALWAYS = ("ruff", "format", "spelling", "notebooks")
LIST = ["python", "-m", "unrolled", "evidence", "--list"]
RECORDS = Check("which measurements stand, and which are stale", LIST)
# Tests that have a case for each exercise or each claim, and the room where those are.
BY_ID = {"test_exercises.py": "exercises", "test_claims.py": "experiments"}
OTHERWISE = {"test_site.py"}  # run after the book only, by `make test`
ALL_TESTS = {"conftest.py", "tests/conftest.py", "pyproject.toml", "requirements.txt"}
PAGES = ("_ext/", "_static/", "_toc.yml", "_config.yml", "chapters/", "evidence/")
ID = re.compile(r"[a-z]\w*\.[a-z]\w*")


def changed(base: str, root: Path = ROOT) -> set[str]:
    """Return the files that differ from where this branch left ``base``, and the untracked."""

    def git(*arguments: str) -> list[str]:
        command = ["git", "-C", str(root), *arguments]
        done = subprocess.run(command, capture_output=True, text=True, check=False)
        if done.returncode:
            raise SystemExit(f"git {arguments[0]}: {done.stderr.strip()}")
        return [name for name in re.split("[\0\n]", done.stdout) if name]

    (left,) = git("merge-base", base, "HEAD")
    differ = git("diff", "--name-only", "--no-renames", "-z", left)
    return {*differ, *git("ls-files", "--others", "--exclude-standard", "-z")}


def affected(files: Collection[str], root: Path = ROOT) -> dict[str, list[str]]:
    """Return the tests that stand on one of some files: those of its own, then the narrowest.

    Beside each test the ids of the exercises or claims that it should be run for; none: all.
    """
    own = {f"test_{Path(name).stem.strip('_')}.py" for name in files}
    width: dict[str, tuple[bool, int]] = {}
    about: dict[str, list[str]] = {}
    for test in sorted((root / "tests").glob("test_*.py")):
        name, reached = test.name, stands_on(test, root)
        if name in OTHERWISE:
            continue
        if not reached.isdisjoint(files) or ALL_TESTS & set(files) or _named(files, reached, root):
            width[name], about[name] = (name not in own, len(reached)), []
        elif name in BY_ID and (found := ids(BY_ID[name], files, root)):
            width[name], about[name] = (True, sys.maxsize), found
    return {name: about[name] for name in sorted(width, key=width.__getitem__)}


def stands_on(test: Path, root: Path = ROOT) -> set[str]:
    """Return the Python files that a test reaches, itself too."""
    package = root / "code" / "unrolled"
    stem = test.stem.removeprefix("test_")  # some run what they test in another process
    modules = {f"unrolled.{stem}"} if (package / f"{stem}.py").is_file() else set[str]()
    found, todo = set[Path](), [test, root / "tools" / f"{stem}.py"]
    while todo:
        path = todo.pop()
        if path in found or not path.is_file():
            continue
        found.add(path)
        names = imports(_text(path))
        modules.update(names, _modules_of_ids(path, package))
        tops = {name.partition(".")[0] for name in names}
        todo += [
            root / room / f"{top}.py" for room in ("tests", "tools", "_ext", "") for top in tops
        ]
    found.update(closure(modules, package=package))
    return {path.relative_to(root).as_posix() for path in found}


def ids(room: str, files: Collection[str], root: Path = ROOT) -> list[str]:
    """Return the ids of a room of the package whose code, or record, is one of some files."""
    package = root / "code" / "unrolled"
    wanted = {root / name for name in files}
    found = []
    for path in sorted((package / room).glob("[a-z]*/[!_]*.py")):
        chapter, name = path.parent.name, path.stem
        reached = closure([f"unrolled.{room}.{chapter}.{name}"], package=package)
        record = root / "evidence" / chapter / f"{name}.json"
        if not wanted.isdisjoint([*reached, record]):
            found.append(f"{chapter}.{name}")
    return found


def _named(files: Collection[str], reached: Collection[str], root: Path) -> bool:
    """Say whether code outside the package names a file that is no Python, or its folder."""
    texts = [_text(root / path) for path in reached if not path.startswith("code/")]
    others = [Path(name) for name in files if not name.endswith(".py")]
    names = {part for path in others for part in (path.name, path.parts[0])}
    return any(f'"{name}"' in text or f'"{name}/' in text for name in names for text in texts)


def _modules_of_ids(path: Path, package: Path) -> Iterator[str]:
    """Yield the modules of the exercises and claims that a file names in strings."""
    strings = [
        node.value for node in ast.walk(ast.parse(_text(path))) if isinstance(node, ast.Constant)
    ]
    for text in {text for text in strings if isinstance(text, str) and ID.fullmatch(text)}:
        for room in BY_ID.values():
            if (package / room / f"{text.replace('.', '/')}.py").is_file():
                yield f"unrolled.{room}.{text}"


@cache
def _text(path: Path) -> str:
    return path.read_text(encoding="utf-8")


def chosen(files: Collection[str], seconds: float) -> dict[str, Check]:
    """Return the checks of what depends on some files."""
    checks = {name: CHECKS[name] for name in ALWAYS}
    if any(name.startswith("code/") and name.endswith(".py") for name in files):
        checks["mypy"] = CHECKS["mypy"]
        checks["records"] = RECORDS
    if any(name.startswith(PAGES) or name.endswith(".md") for name in files):
        checks["book"] = Check("what changed of the book builds", ["tools/book.py"])
    executed = [f"nbval-{Path(name).stem}" for name in sorted(files) if name.endswith(".ipynb")]
    checks |= {name: CHECKS[name] for name in executed[: workers()] if name in CHECKS}
    if found := affected(files):
        only = [f"--only-ids={name}={','.join(about)}" for name, about in found.items() if about]
        order = [f"--begin-within={seconds:g}", "--maxschedchunk=4", *only]
        paths = [f"tests/{name}" for name in found]
        what = f"{len(found)} files of tests that stand on what changed"
        checks["tests"] = Check(what, [*PYTEST, *order, *paths], alone=True)
    return checks


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument(
        "--base", metavar="REV", default="HEAD", help="the last commit if not given"
    )
    parser.add_argument("--seconds", type=float, default=60, help="begin no test later than that")
    options = parser.parse_args()
    files = changed(options.base)
    if not files:
        print(
            f"Nothing differs from {options.base}; ARGS='--base HEAD~1' takes the last commit in."
        )
        return 0
    checks = chosen(files, options.seconds)
    print(f"{len(files)} files changed:", *sorted(files)[:8], "..." if len(files) > 8 else "")
    failed = make(checks)
    print(f"Left out, and in `make test`: {', '.join(sorted(CHECKS.keys() - checks.keys()))};")
    print("tests that reach nothing that changed, and those skipped for want of time.")
    return failed


if __name__ == "__main__":
    raise SystemExit(main())
