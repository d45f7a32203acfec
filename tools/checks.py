"""Run every check of the repository, the quick ones first, and say what passed.

python tools/checks.py [names]
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import time
from pathlib import Path

from browser import chromium

ROOT = Path(__file__).resolve().parent.parent
PYTEST = ["pytest", "-q", "-n", "2", "--durations=5"]
NBVAL = ["--nbval-sanitize-with=tests/nbval.cfg", "--nbval-cell-timeout=600"]

# name, what it proves, and the command: one that requirements.txt installs, or a script
CHECKS: dict[str, tuple[str, list[str]]] = {
    "ruff": ("the code is clean", ["ruff", "check"]),
    "format": ("the code is formatted", ["ruff", "format", "--check"]),
    "spelling": ("prose and code are spelt right", ["codespell"]),
    "mypy": ("the package is typed", ["mypy"]),
    "notebooks": ("each .ipynb agrees with its .md", ["tools/nb.py", "check"]),
    "tests": ("package, exercises, claims", [*PYTEST, "tests", "--ignore=tests/test_site.py"]),
    "book": ("the book builds without a warning", ["tools/book.py", "--fresh"]),
    "site": ("links, anchors, alt texts, ids", ["tools/check_site.py"]),
    "browser": ("every page, light and dark, desk and phone", [*PYTEST, "tests/test_site.py"]),
    "nbval": (
        "stored outputs are what the cells give",
        [*PYTEST, "--dist=loadfile", "--nbval", "chapters", *NBVAL],
    ),
}


def run(command: list[str]) -> bool:
    """Run one check with its output on this terminal; return whether it passed."""
    first, *rest = command
    scripts = Path(sys.executable).parent  # of this virtual environment, active or not
    start = [sys.executable, first] if first.endswith(".py") else [scripts / first]
    try:
        return subprocess.run([*start, *rest], cwd=ROOT, check=False).returncode == 0
    except FileNotFoundError:
        print(f"{first} is not installed: pip install -r requirements.txt")
        return False


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


def main(names: list[str]) -> int:
    """Run the named checks, or all; return 1 if one failed."""
    unknown = set(names) - CHECKS.keys()
    if unknown:
        raise SystemExit(f"no check {', '.join(sorted(unknown))}; there are: {', '.join(CHECKS)}")
    rows = []
    for name in names or CHECKS:
        what, command = CHECKS[name]
        print(f"\n== {name}: {what}", flush=True)
        start = time.monotonic()
        if name == "browser":
            install_chromium()
        passed = run(command)
        rows.append((name, what, passed, time.monotonic() - start))
    print()
    for name, what, passed, seconds in rows:
        print(f"{'passed' if passed else 'FAILED'}  {seconds:6.1f} s  {name:<10} {what}")
    failed = sum(not passed for _, _, passed, _ in rows)
    print(f"{len(rows) - failed} checks passed, {failed} failed")
    return 1 if failed else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
