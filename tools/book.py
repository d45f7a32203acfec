"""Build the book with Jupyter Book: the one place that knows how. A warning fails the build.

python tools/book.py [--fresh]
"""

from __future__ import annotations

import argparse
import shutil
import subprocess
import sys
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
COMMAND = ["jupyter-book", "build", ".", "-n", "-W", "--keep-going"]


def build(*, fresh: bool = False) -> bool:
    """Build what changed, or all pages; return whether the book is whole and without a warning."""
    if fresh:  # also a page that no longer has a source is gone then
        forget("html", ".doctrees")
    program, *rest = COMMAND
    passed = False
    try:
        environment = Path(sys.executable).parent  # active or not
        done = subprocess.run([environment / program, *rest], cwd=ROOT, check=False)
        passed = done.returncode == 0
    finally:
        if not passed:  # Sphinx is silent about the pages it has read: the next build would pass
            forget(".doctrees")
    return passed


def forget(*built: str) -> None:
    """Remove folders of what was built before."""
    for name in built:
        shutil.rmtree(ROOT / "_build" / name, ignore_errors=True)


def main() -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("--fresh", action="store_true", help="build every page anew")
    passed = build(fresh=parser.parse_args().fresh)
    if passed:
        print(f"The book: {ROOT / '_build' / 'html' / 'index.html'}")
    return 0 if passed else 1


if __name__ == "__main__":
    raise SystemExit(main())
