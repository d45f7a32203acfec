"""Train the networks that pages show, those whose code changed; ``trained/`` keeps them.

    python tools/trained.py [names] [--force]

A file of ``trained/`` holds the digest of all the code that made it. While it holds, nothing is
done. Until a new file is whole, the old one stays.
"""

from __future__ import annotations

import argparse
import hashlib
import os
import platform
import sys
import time
from importlib import import_module
from pathlib import Path
from types import ModuleType

ROOT = Path(__file__).resolve().parent.parent
sys.path.insert(0, str(ROOT))
import conftest  # noqa: F401  (one core and no GPU, as for the notebooks that show them)

# isort: split
import torch

from unrolled.core.sources import PACKAGE
from unrolled.experiments.kept import path_of
from unrolled.experiments.ledger.digests import reached
from unrolled.training import load, save


def every() -> dict[str, ModuleType]:
    """Return the modules that make trained networks, by the names of their files."""
    files = sorted((PACKAGE / "experiments").glob("*/_kept_*.py"))
    modules = [f"unrolled.experiments.{file.parent.name}.{file.stem}" for file in files]
    return {file_of(module): import_module(module) for module in modules}


def file_of(module: str) -> str:
    """Return what the file is called that ``unrolled.experiments.<chapter>._kept_<name>`` makes."""
    _, _, chapter, last = module.split(".")
    return f"{chapter}_{last.removeprefix('_kept_')}"


def code(module: ModuleType) -> str:
    """Return the digest of all that a module's ``make`` reaches; words and layout do not count."""
    return hashlib.sha256(reached([f"{module.__name__}.make"], PACKAGE).encode()).hexdigest()[:16]


def staleness(module: ModuleType) -> str:
    """Say why a module must make its file (again); "" if the file stands."""
    path = path_of(file_of(module.__name__))
    if not path.exists():
        return "there is none"
    try:
        made_by = load(path).get("code")
    except ValueError:
        return "it is damaged"
    return "" if made_by == code(module) else "the code that makes it changed"


def renew(module: ModuleType) -> None:
    """Make a module's file."""
    before = code(module)  # not as it may be edited meanwhile
    made_with = f"Python {platform.python_version()}, torch {torch.__version__}"
    state = {"kept": module.make(), "code": before, "made with": made_with}
    save(path_of(file_of(module.__name__)), state)


def main(arguments: list[str] | None = None) -> int:
    """Read the command line."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("names", nargs="*", help="such as rnn_writer; all if none is given")
    parser.add_argument("--force", action="store_true", help="train even what is up to date")
    options = parser.parse_args(arguments)
    known = every()
    if unknown := sorted(set(options.names) - set(known)):
        raise SystemExit(f"no trained {', '.join(unknown)}; there are: {', '.join(known)}")
    os.environ.pop("UNROLLED_PROGRESS", None)  # here somebody watches
    for name in options.names or known:
        module, place = known[name], f"trained/{name}.pt"
        reason = staleness(module) or ("forced" if options.force else "")
        if not reason:
            print(f"{place}: up to date")
            continue
        print(f"{place}: {reason}; training {module.WHAT}, {module.TAKES}", flush=True)
        began = time.monotonic()
        renew(module)
        print(f"{place}: made in {time.monotonic() - began:.0f} s")
    return 0


if __name__ == "__main__":
    raise SystemExit(main())
