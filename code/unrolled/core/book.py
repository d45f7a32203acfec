"""What the book's table of contents says, for whoever needs the chapters in their order."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path

from unrolled.core.kinds import instance

CONTENTS = Path(__file__).resolve().parents[3] / "_toc.yml"


def chapters(contents: Path = CONTENTS) -> tuple[str, ...]:
    """Return the chapters' stems, in the order of ``_toc.yml``.

    A chapter's studies, ``<stem>_<topic>``, are pages and no chapters. Where the package stands
    without its book, the chapters are those that have a folder of exercises, by name.
    """
    return _chapters(instance("contents", contents, Path))


@cache
def _chapters(contents: Path) -> tuple[str, ...]:
    if contents.is_file():
        return tuple(
            re.findall(r"^ *- file: chapters/([a-z0-9]+)$", contents.read_text("utf-8"), re.M)
        )
    folders = (Path(__file__).parents[1] / "exercises").glob("[a-z]*/__init__.py")
    return tuple(sorted(init.parent.name for init in folders if init.parent.name != "grading"))
