"""What a measurement is made on and with."""

from __future__ import annotations

import os
import platform
import re
import subprocess
from collections.abc import Mapping
from importlib import metadata
from pathlib import Path
from typing import Any

LIBRARIES = ("numpy", "torch", "statsmodels", "scikit-learn")
DECISIVE = ("numpy", "torch")  # another minor version of these may compute other numbers
INSTRUCTIONS = (  # the widest first, with their names in /proc/cpuinfo
    ("AVX-512", "avx512f"),
    ("AVX2", "avx2"),
    ("AVX", "avx"),
    ("SSE4.2", "sse4_2"),
    ("SVE", "sve"),
    ("NEON", "asimd"),
)
CPUINFO = Path("/proc/cpuinfo")


def circumstances() -> dict[str, Any]:
    """Return the hardware, the system, the threads of one experiment, and the versions."""
    return {
        "hardware": {
            "cpu": processor(),
            "cores": os.cpu_count(),
            "instructions": instructions(),
        },
        "os": platform.platform(),
        "threads": threads(),
        "versions": versions(),
    }


def processor() -> str:
    """Return the name of this machine's processor."""
    names = re.findall(r"^model name\s*:\s*(.+)$", _cpuinfo(), flags=re.MULTILINE)
    return str(names[0]) if names else platform.processor() or platform.machine()


def instructions() -> str:
    """Return the widest vector instructions of this processor, or its architecture's name."""
    found = re.search(r"^(?:flags|Features)\s*:\s*(.+)$", _cpuinfo(), flags=re.MULTILINE)
    flags = set(found[1].split()) if found else set()
    return next((name for name, flag in INSTRUCTIONS if flag in flags), platform.machine())


def threads() -> int | None:
    """Return on how many threads one experiment computes; None where nothing says it."""
    given = os.environ.get("OMP_NUM_THREADS", "")
    return int(given) if given.isdecimal() else None


def versions() -> dict[str, str]:
    """Return the versions of Python and of the libraries that compute."""
    installed = {library: version(library) for library in LIBRARIES}
    return {
        "python": platform.python_version(),
        **{library: found for library, found in installed.items() if found},
    }


def version(library: str) -> str | None:
    """Return the installed version of a library, if there is one."""
    try:
        return metadata.version(library)
    except metadata.PackageNotFoundError:
        return None


def other_versions(block: Mapping[str, Any] | None) -> str:
    """Say where a block was measured with another major or minor version; "" where not."""
    then = (block or {}).get("versions") or {}
    differ = [
        (library, _minor(then[library]), _minor(now))
        for library in DECISIVE
        if library in then and (now := version(library)) and _minor(now) != _minor(then[library])
    ]
    if not differ:
        return ""
    old = " and ".join(f"{library} {before}" for library, before, _ in differ)
    if len(differ) == 1:
        return f"measured with {old}; this is {differ[0][2]}"
    return f"measured with {old}; these are {' and '.join(now for *_, now in differ)}"


def commit(folder: Path) -> str | None:
    """Return the commit of the repository, with "+" where its code differs; None without git."""
    try:
        head = _git(folder, "rev-parse", "HEAD")
        changed = _git(folder, "status", "--porcelain", "--", "code")
    except (OSError, subprocess.SubprocessError):
        return None
    return head + ("+" if changed else "")


def _git(folder: Path, *arguments: str) -> str:
    done = subprocess.run(
        ["git", "-C", str(folder), *arguments],
        capture_output=True,
        text=True,
        check=True,
        timeout=60,
        env={**os.environ, "GIT_OPTIONAL_LOCKS": "0"},
    )
    return done.stdout.strip()


def _minor(full: str) -> str:
    return ".".join(full.split(".")[:2])


def _cpuinfo() -> str:
    return CPUINFO.read_text(encoding="utf-8") if CPUINFO.is_file() else ""
