"""Keras, an extra: one page runs it. Where it cannot be had, that page keeps what is stored.

python tools/extras.py          install it, at the version that requirements-keras.txt pins
"""

from __future__ import annotations

import importlib
import re
import subprocess
import sys
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
FILE = "requirements-keras.txt"
NAME = "keras"
IMPORTED = re.compile(rf"^(?:import|from) {NAME}\b", re.MULTILINE)
LACKING = f"{NAME} is not installed as {FILE} pins it: what is stored stays"


def lacks(page: str) -> bool:
    """Say whether the text of a page runs the extra, and the pinned version is not there."""
    return bool(IMPORTED.search(page)) and installed() != pinned()


def pinned() -> str:
    """Return the version that is pinned."""
    found = re.search(rf"^{NAME}==(\S+)$", (ROOT / FILE).read_text(encoding="utf-8"), re.MULTILINE)
    if not found:
        raise SystemExit(f"{FILE} has no line {NAME}==VERSION")
    return found[1]


def installed() -> str:
    """Return the version that is installed, or nothing."""
    try:
        return version(NAME)
    except PackageNotFoundError:
        return ""


def install() -> bool:
    """Install the pinned version if it is not there; return whether it is, and say so if not."""
    if installed() == pinned():
        return True
    print(f"Installing {NAME} {pinned()} from PyPI", flush=True)
    pip = [sys.executable, "-m", "pip", "install", "--quiet", "--disable-pip-version-check"]
    command = [*pip, "--retries", "1", "-r", FILE]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, check=False)
    importlib.invalidate_caches()
    if done.returncode:
        why = (done.stderr.splitlines() or ["pip does not say why"])[-1]
        print(f"Without {NAME}, and the page that runs it is not executed: {why}", flush=True)
    return done.returncode == 0


if __name__ == "__main__":
    raise SystemExit(0 if install() else 1)
