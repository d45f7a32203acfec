"""Run every check of the repository and say what passed.

python tools/checks.py [names]

Checks that use one core run side by side, as many as the machine has workers; then, each by
itself, those that use all of them.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from collections.abc import Mapping
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import extras
from browser import chromium
from machine import workers

ROOT = Path(__file__).resolve().parent.parent
SKIPPED = 77  # exit status of a check that could not be made here
# Without the plugin for notebooks, which takes seconds to load, in each worker.
PYTEST = ["pytest", "-q", "--durations=5", "-n", str(workers()), "-p", "no:nbval"]
NBVAL = ["--nbval", "--nbval-sanitize-with=tests/nbval.cfg", "--nbval-cell-timeout=600"]


@dataclass(frozen=True)
class Check:
    """What is proved, and the command: one that requirements.txt installs, or a script."""

    what: str
    command: list[str]
    after: str = ""  # the check that makes what this one looks at
    alone: bool = False  # it uses all cores by itself
    page: Path | None = None  # what it executes, which may need an extra


@dataclass(frozen=True)
class Outcome:
    """How a check ended."""

    name: str
    what: str
    status: int
    seconds: float

    def __str__(self) -> str:
        word = {0: "passed", SKIPPED: "skipped"}.get(self.status, "FAILED")
        return f"{word:<7} {self.seconds:6.1f} s  {self.name:<16} {self.what}"


def nbval(ipynb: Path) -> Check:
    """Return the check that a notebook's stored outputs are what its cells give."""
    path = ipynb.relative_to(ROOT).as_posix()
    what, command = "stored outputs are what the cells give", ["pytest", "-q", path, *NBVAL]
    return Check(what, command, page=ipynb.with_suffix(".md"))


CHECKS = {
    "ruff": Check("the code is clean", ["ruff", "check"]),
    "format": Check("the code is formatted", ["ruff", "format", "--check"]),
    "spelling": Check("prose and code are spelt right", ["codespell"]),
    "notebooks": Check("each .ipynb agrees with its .md", ["tools/nb.py", "check"]),
    "book": Check("the book builds without a warning", ["tools/book.py", "--fresh"]),
    "site": Check("links, anchors, alt texts, ids", ["tools/check_site.py"], after="book"),
    "mypy": Check("the package is typed", ["mypy"]),
    "pins": Check("the pins hold for every Python", ["tools/pins.py", "--check"]),
    **{f"nbval-{path.stem}": nbval(path) for path in sorted(ROOT.glob("chapters/*.ipynb"))},
    "tests": Check(
        "package, exercises, claims",
        [*PYTEST, "tests", "--ignore=tests/test_site.py"],
        alone=True,
    ),
    "browser": Check(
        "every page, light and dark, desk and phone", [*PYTEST, "tests/test_site.py"], alone=True
    ),
}


def make(checks: Mapping[str, Check]) -> int:
    """Make some checks and say how each ended; return 1 if one failed."""
    began = time.monotonic()
    shared = [name for name, check in checks.items() if not check.alone]
    chains = [
        [name, *(other for other in shared if checks[other].after == name)]
        for name in shared
        if checks[name].after not in shared
    ]
    with ThreadPoolExecutor(workers()) as pool:
        done = list(pool.map(lambda chain: [_made(name, checks[name]) for name in chain], chains))
    outcomes = [outcome for chain in done for outcome in chain]
    outcomes += [_made(name, check) for name, check in checks.items() if check.alone]
    print()
    for outcome in outcomes:
        print(outcome)
    failed = sum(outcome.status not in (0, SKIPPED) for outcome in outcomes)
    skipped = sum(outcome.status == SKIPPED for outcome in outcomes)
    print(
        f"{len(outcomes) - failed - skipped} checks passed, {failed} failed"
        f"{f', {skipped} skipped' if skipped else ''}, {time.monotonic() - began:.0f} s"
    )
    return 1 if failed else 0


def _made(name: str, check: Check) -> Outcome:
    """Make one check; what it prints is shown at once, or whole at its end if others run too."""
    title = f"\n== {name}: {check.what}\n"
    if check.alone:
        print(title, end="", flush=True)
    began = time.monotonic()
    if check.page and extras.lacks(check.page.read_text(encoding="utf-8")):
        status, output = SKIPPED, f"{extras.LACKING}\n"
    else:
        status, output = _run(check.command, shown=check.alone)
    if not check.alone:
        print(f"{title}{output}", end="", flush=True)
    return Outcome(name, check.what, status, time.monotonic() - began)


def _run(command: list[str], *, shown: bool) -> tuple[int, str]:
    """Run a command; return its exit status and, unless it is shown, what it printed."""
    first, *rest = command
    scripts = Path(sys.executable).parent  # of this virtual environment, active or not
    start = [sys.executable, first] if first.endswith(".py") else [str(scripts / first)]
    where = {} if shown else {"stdout": subprocess.PIPE, "stderr": subprocess.STDOUT}
    try:
        done = subprocess.run([*start, *rest], cwd=ROOT, check=False, **where)
    except FileNotFoundError:
        return 127, f"{first} is not installed: python3 tools/install.py\n"
    return done.returncode, (done.stdout or b"").decode(errors="replace")


def install_chromium() -> None:
    """Bring the browser that the pages are checked in, where this may be done without asking."""
    if chromium():
        return
    sudo = [] if os.geteuid() == 0 else ["sudo", "-n"]
    packages = ["chromium", "fonts-dejavu-core"]
    install = ["apt-get", "install", "-y", "-q", "--no-install-recommends", *packages]
    allowed = shutil.which("apt-get") and (
        not sudo
        or (shutil.which("sudo") and subprocess.run([*sudo, "true"], check=False).returncode == 0)
    )
    if not allowed:
        print(f"The browser checks need Chromium:\n    sudo {' '.join(install)}")
        return
    print(f"Installing Chromium: {' '.join([*sudo, *install])}", flush=True)
    subprocess.run([*sudo, "apt-get", "update", "-q"], check=False)
    environment = ["env", "DEBIAN_FRONTEND=noninteractive"]
    subprocess.run([*sudo, *environment, *install], check=False)


def chosen(names: list[str]) -> dict[str, Check]:
    """Return the checks of these names, all if there are none; "nbval" is every nbval-..."""
    found = {
        name: check
        for name, check in CHECKS.items()
        if not names or name in names or name.partition("-")[0] in names
    }
    known = {*found, *(name.partition("-")[0] for name in found)}
    if unknown := sorted(set(names) - known):
        raise SystemExit(f"no check {', '.join(unknown)}; there are: {', '.join(CHECKS)}")
    return found


def main(names: list[str]) -> int:
    """Run the named checks, or all; return 1 if one failed."""
    checks = chosen(names)
    if "browser" in checks:
        install_chromium()
    if "tests" in checks or any(name.startswith("nbval") for name in checks):
        extras.install()
    return make(checks)


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
