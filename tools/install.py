"""Install what requirements.txt pins into .venv, with the torch that this machine can use.

python3 tools/install.py [cpu | cuda]

On Linux PyPI's torch brings CUDA, gigabytes of it. Where no NVIDIA GPU is found this takes the CPU
build from PyTorch's own index, or PyPI's where that cannot be had; ``cpu`` and ``cuda`` decide
otherwise. It says what it will download before it does.
"""

from __future__ import annotations

import platform
import re
import shutil
import subprocess
import sys
import urllib.parse
import urllib.request
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
PYTHONS = ("3.11.0", "3.12", "3.13", "3.14")  # the pins hold for these; README.md names them
INDEX = "https://download.pytorch.org/whl/cpu"
CPU_BUILD = 190  # MB, on the index above
PROBE = "import importlib.metadata as m; print(m.version('torch'))"


def complaint(python: tuple[int, int]) -> str:
    """Return why this Python cannot run the course, or nothing."""
    names = [".".join(version.split(".")[:2]) for version in PYTHONS]
    version = "{}.{}".format(*python)
    if version not in names:
        return (
            f"Unrolled needs Python {names[0]} to {names[-1]}; this is {version}. "
            f"Name another: make PYTHON=python{names[1]}"
        )
    try:
        import ensurepip  # noqa: F401
        import venv  # noqa: F401
    except ImportError:
        return (
            "This Python lacks the venv module. "
            "On Debian and Ubuntu: sudo apt-get install python3-venv"
        )
    return ""


def build_for(system: str, gpu: bool, chosen: str) -> str:
    """Return which build of torch to install, "cpu" or "cuda"; ``chosen`` may be neither: "".

    Raises SystemExit if ``chosen`` is another word, or a build that this system has not.
    """
    if chosen not in ("", "cpu", "cuda"):
        raise SystemExit(f"TORCH is cpu or cuda, not {chosen!r}")
    if chosen == "cuda" and system != "Linux":
        raise SystemExit(f"TORCH=cuda: PyPI has torch with CUDA for Linux only; this is {system}")
    return chosen or ("cuda" if system == "Linux" and gpu else "cpu")


def build_of(version: str, system: str) -> str:
    """Return which build an installed torch is, by its version."""
    return "cpu" if system != "Linux" or version.endswith("+cpu") else "cuda"


def fits(installed: str, pinned: str, system: str, chosen: str) -> bool:
    """Return whether the installed torch will do: the pinned version, and the build if chosen."""
    if installed.split("+")[0] != pinned:
        return False
    return not chosen or build_of(installed, system) == chosen


def offers(page: str, version: str, python: tuple[int, int], machine: str) -> bool:
    """Return whether an index's page lists torch's CPU build for this Python on Linux."""
    tag = "cp{}{}".format(*python)
    wheel = rf"torch-{re.escape(version)}\+cpu-{tag}-{tag}-\w*linux\w*_{machine}\.whl"
    return re.search(wheel, urllib.parse.unquote(page)) is not None


def pinned_torch(requirements: str) -> str:
    """Return the version of torch in the text of requirements.txt."""
    found = re.search(r"^torch==(\S+)$", requirements, re.MULTILINE)
    if not found:
        raise SystemExit("requirements.txt has no line torch==VERSION")
    return found[1]


def sizes(pins: str, system: str, machine: str) -> tuple[str, str]:
    """Return what PyPI sends: all but torch, and torch with what it brings; pins.py counted it."""
    found = re.search(rf"^# {system} {machine}: (\d+) MB \+ torch (\d+) MB$", pins, re.MULTILINE)
    return (f"about {found[1]} MB", f"about {found[2]} MB") if found else ("some MB", "some MB")


def has_gpu() -> bool:
    """Return whether NVIDIA's driver lists a GPU."""
    tool = shutil.which("nvidia-smi")
    if tool is None:
        return False
    try:
        found = subprocess.run(
            [tool, "-L"], capture_output=True, text=True, timeout=30, check=False
        )
    except (OSError, subprocess.TimeoutExpired):
        return False
    return found.returncode == 0 and found.stdout.startswith("GPU ")


def read_index(url: str, seconds: float = 5) -> str:
    """Return the index's page on torch; where it cannot be had say so and return nothing."""
    try:
        with urllib.request.urlopen(f"{url}/torch/", timeout=seconds) as answer:
            return str(answer.read(), "utf-8", "replace")
    except OSError as error:  # no network, no such host, a refusal, a time-out
        print(f"{url} cannot be reached: {getattr(error, 'reason', error)}", flush=True)
        return ""


def run(*command: str | Path, quiet: bool = False) -> bool:
    """Run a command in the repository; return whether it succeeded."""
    done = subprocess.run(list(map(str, command)), cwd=ROOT, capture_output=quiet, check=False)
    return done.returncode == 0


def pip(*arguments: str, quiet: bool = False) -> bool:
    """Let the environment's pip install something; return whether it did."""
    python = VENV / "bin" / "python"
    return run(
        python, "-m", "pip", "install", "--disable-pip-version-check", *arguments, quiet=quiet
    )


def installed_torch() -> str:
    """Return the version of torch in the environment, or nothing."""
    found = subprocess.run(
        [VENV / "bin" / "python", "-c", PROBE], capture_output=True, text=True, check=False
    )
    return found.stdout.strip()


def find_torch(version: str, build: str, chosen: str) -> tuple[str, list[str]]:
    """Return where torch is to come from, in words, and what pip is told first, if anything."""
    system, machine = platform.system(), platform.machine()
    if fits(installed_torch(), version, system, chosen):
        return "is installed", []
    _, size = sizes((ROOT / "constraints.txt").read_text(), system, machine)
    if build == "cuda":  # === and not ==, which a CPU build on this machine would satisfy
        return f"with CUDA from PyPI, {size}, unpacked twice that", [f"torch==={version}"]
    if system != "Linux":
        return f"from PyPI, {size}", []
    exact = f"torch=={version}+cpu"
    here = ["--no-index", "--no-deps", exact if chosen else f"torch=={version}"]
    if pip(*here, quiet=True):  # a wheel in a folder that pip is set to look in
        return "was on this machine", []
    if offers(read_index(INDEX), version, sys.version_info[:2], machine):
        words = f"without CUDA from {INDEX}, about {CPU_BUILD} MB"
        return words, ["--no-deps", "--index-url", INDEX, exact]
    if chosen:
        raise SystemExit(f"TORCH=cpu: torch {version} without CUDA cannot be had from {INDEX}")
    return f"with CUDA from PyPI, {size}, unpacked twice that, for want of a CPU build", []


def main(arguments: list[str]) -> int:
    """Make .venv and install into it; return 1 if that failed."""
    if wrong := complaint(sys.version_info[:2]):
        raise SystemExit(wrong)
    chosen = arguments[0] if arguments else ""
    build = build_for(platform.system(), has_gpu(), chosen)
    if not run(sys.executable, "-m", "venv", VENV):
        return 1
    version = pinned_torch((ROOT / "requirements.txt").read_text())
    whence, first = find_torch(version, build, chosen)
    rest, _ = sizes((ROOT / "constraints.txt").read_text(), platform.system(), platform.machine())
    print(f"Installing from PyPI: {rest} at most. torch {version}: {whence}.", flush=True)
    if first and not pip(*first):
        return 1
    if not pip("-r", "requirements.txt"):
        return 1
    kind = build_of(installed_torch(), platform.system())
    (VENV / "installed").write_text(f"{kind}\n")  # the Makefile reads it
    return 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
