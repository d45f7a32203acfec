"""Pin all that the requirements bring, once for every Python and platform that README.md names.

python tools/pins.py            write constraints.txt; a version that stands there stays if it can
python tools/pins.py --check    resolve the pins for each Python again; install nothing
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
import tomllib
from concurrent.futures import ThreadPoolExecutor
from itertools import product
from pathlib import Path
from platform import machine, system
from typing import Any

from install import PYTHONS

ROOT = Path(__file__).resolve().parent.parent
REQUIREMENTS = ("requirements.txt", "requirements-keras.txt")
PLATFORMS = {  # as Python names them, and as uv does
    "Linux x86_64": "x86_64-manylinux_2_28",
    "Linux aarch64": "aarch64-manylinux_2_28",
    "Darwin arm64": "aarch64-apple-darwin",
}
TORCH = ("torch", "triton", "cuda-", "nvidia-")  # torch, and what it alone brings
MACOS = "14.0"  # the oldest that torch has a wheel for
SKIPPED = 77  # the exit status of a check that could not be made
HEADER = f"""\
# All that the requirements bring, for Python {PYTHONS[0]} to {PYTHONS[-1]}, so that no release of
# any of it changes the book. Made by: python tools/pins.py
# What PyPI sends:
"""


class ResolutionError(Exception):
    """uv finds no set of packages; the message is uv's."""


def uv_compile(*arguments: str, requirements: str) -> str:
    """Resolve requirements and the package's own with uv; return what it prints.

    Raises ConnectionError if PyPI cannot be reached and ResolutionError if there is no solution.
    """
    start = [sys.executable, "-m", "uv", "pip", "compile", "-", "pyproject.toml", "--quiet"]
    start += ["--python", sys.executable]  # uv would look for one, slowly
    start += ["--only-binary", ":all:"]  # a stock machine has no compiler
    done = subprocess.run(
        [*start, *arguments],
        cwd=ROOT,
        env={**os.environ, "MACOSX_DEPLOYMENT_TARGET": MACOS},
        input=requirements,
        capture_output=True,
        text=True,
        check=False,
    )
    if done.returncode == 0:
        return done.stdout
    if "error sending request" in done.stderr:
        raise ConnectionError(done.stderr)
    raise ResolutionError(done.stderr)


def wanted(requirements: str) -> str:
    """Return the packages of requirements.txt, without its options and this folder."""
    return "".join(line for line in requirements.splitlines(True) if not line.startswith("-"))


def resolve(requirements: str, pins: Path, python: str, platform: str) -> list[dict[str, Any]]:
    """Return the packages that one Python on one platform gets, each with its wheels."""
    target = ["--python-version", python, "--python-platform", PLATFORMS[platform]]
    lock = uv_compile(
        *target, "--constraint", str(pins), "--format", "pylock.toml", requirements=requirements
    )
    return list(tomllib.loads(lock)["packages"])


def megabytes(packages: list[dict[str, Any]]) -> tuple[int, int]:
    """Return the size of the wheels: of all but torch's, and of torch's, in MB."""
    sizes = {package["name"]: package["wheels"][0]["size"] for package in packages}
    torch = sum(size for name, size in sizes.items() if name.startswith(TORCH))
    return round((sum(sizes.values()) - torch) / 1e6), round(torch / 1e6)


def unpinned(packages: list[dict[str, Any]], pins: str) -> list[str]:
    """Return the packages whose version does not stand in the pins."""
    pinned = {line.split(" ;")[0] for line in pins.splitlines()}
    found = (f"{package['name']}=={package['version']}" for package in packages)
    return [package for package in found if package not in pinned]


def make(requirements: str, pins: str) -> str:
    """Return the text of constraints.txt, which keeps of the given one what it can.

    Raises ResolutionError where a Python on a platform would lack a package or its wheel.
    """
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "constraints.txt"
        path.write_text(pins)
        options = ["--universal", "--python-version", PYTHONS[0], "--no-header", "--no-annotate"]
        uv_compile(*options, "--output-file", str(path), requirements=requirements)
        sizes = {
            platform: megabytes(resolve(requirements, path, python, platform))
            for python, platform in product(reversed(PYTHONS), PLATFORMS)
        }
        lines = (
            f"# {name}: {rest} MB + torch {torch} MB\n" for name, (rest, torch) in sizes.items()
        )
        return HEADER + "".join(lines) + path.read_text()


def complaint(requirements: str, pins: Path, python: str, platform: str) -> str:
    """Return what is wrong with the pins for one Python on one platform, or nothing."""
    try:
        loose = unpinned(resolve(requirements, pins, python, platform), pins.read_text())
    except ResolutionError as error:
        return str(error)
    return f"not pinned: {', '.join(loose)}; run: python tools/pins.py" if loose else ""


def check(requirements: str, pins: Path) -> bool:
    """Say for each Python, on this machine's platform, whether the pins hold; return if all do."""
    here = f"{system()} {machine()}"
    platform = here if here in PLATFORMS else next(iter(PLATFORMS))
    with ThreadPoolExecutor() as pool:
        wrong = list(pool.map(lambda name: complaint(requirements, pins, name, platform), PYTHONS))
    for python, said in zip(PYTHONS, wrong, strict=True):
        print(f"Python {python} on {platform}: {said or 'the pins hold'}")
    return not any(wrong)


def main(arguments: list[str]) -> int:
    """Write the pins, or check them; return 1 if a check failed and 77 if it could not be made."""
    if arguments not in ([], ["--check"]):
        raise SystemExit(f"pins.py takes --check or nothing, not {' '.join(arguments)}")
    requirements = "".join(wanted((ROOT / name).read_text()) for name in REQUIREMENTS)
    pins = ROOT / "constraints.txt"
    try:
        if arguments:
            return 0 if check(requirements, pins) else 1
        pins.write_text(make(requirements, pins.read_text()))
    except ConnectionError as error:
        print(f"PyPI cannot be reached, so the pins were not resolved:\n{error}")
        return 1 if os.environ.get("CI") else SKIPPED
    except ResolutionError as error:
        print(error)
        return 1
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
