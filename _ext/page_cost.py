"""What a page costs its reader: minutes, said under its title; and what a lecture may cost at most.

Counted is what stands open: words of text, displayed equations, figures, lines of code. What is
folded, captions and code are no text. A chapter's main page that is longer than a lecture is a
warning, so that a book built with ``-W`` has none; a study may be as long as it is good.
"""

from __future__ import annotations

import math
import re
from collections.abc import Iterator
from typing import Any, NamedTuple

from docutils import nodes
from sphinx.util import logging

logger = logging.getLogger(__name__)

WORDS_A_MINUTE = 140
SECONDS = {"equations": 15, "figures": 20, "lines": 1.5}
MINUTES_OF = re.compile(r"\((\d+) min\)")  # what an exercise's heading says


class Cost(NamedTuple):
    """What stands open on a page."""

    words: int
    equations: int
    figures: int
    lines: int
    claims: int
    exercises: int  # minutes

    @property
    def minutes(self) -> int:
        """How long reading takes, exercises aside."""
        seconds = sum(each * getattr(self, name) for name, each in SECONDS.items())
        return math.ceil(self.words / WORDS_A_MINUTE + seconds / 60)


LIMITS = {"words": 4000, "figures": 8, "claims": 3, "minutes": 45}


def cost(page: nodes.Node) -> Cost:
    """Count what stands open on a page."""
    found = [*_open(page)]
    text = [n for n in found if isinstance(n, nodes.Text) and not _in(n, nodes.math, nodes.caption)]
    code = [n.astext() for n in found if isinstance(n, nodes.literal_block)]
    said = " ".join(n.astext() for n in found if isinstance(n, nodes.title))
    return Cost(
        words=sum(len(n.split()) for n in text if not _in(n, nodes.literal_block)),
        equations=sum(isinstance(n, nodes.math_block) for n in found),
        figures=sum(isinstance(n, nodes.figure) for n in found),
        lines=sum(block.count("\n") + 1 for block in code),
        claims=sum("evidence" in n.get("classes", ()) for n in found if _is(n, nodes.admonition)),
        exercises=sum(map(int, MINUTES_OF.findall(said))),
    )


def _open(node: nodes.Node) -> Iterator[nodes.Node]:
    """Walk what is shown before anything is unfolded."""
    folded = 0
    for child in node.children:
        if isinstance(child, nodes.raw):  # what is folded by hand stands between two of them
            folded += child.astext().count("<details") - child.astext().count("</details>")
        elif not folded and not _hidden(child):
            yield child
            yield from _open(child)


def _hidden(node: nodes.Node) -> bool:
    classes = node.get("classes", []) if isinstance(node, nodes.Element) else []
    if {"dropdown", "cell_output"} <= {*classes} or "dropdown" in classes:
        return True
    around = node.parent.get("classes", []) if isinstance(node.parent, nodes.Element) else []
    return any(f"cell_{part}" in classes and f"tag_hide-{part}" in around for part in SIDES) or (
        "cell_output" in classes and not any(_is(n, nodes.figure) for n in node.findall())
    )


SIDES = ("input", "output", "cell")


def _is(node: nodes.Node, kind: type) -> bool:
    return isinstance(node, kind)


def _in(node: nodes.Node, *kinds: type) -> bool:
    while node is not None:
        if isinstance(node, kinds):
            return True
        node = node.parent
    return False


def say(app: Any, doctree: nodes.document, docname: str) -> None:
    """Put the minutes under a chapter's title; warn of a lecture that is none."""
    if not docname.startswith("chapters/"):
        return
    found = cost(doctree)
    title = next(iter(doctree.findall(nodes.title)))
    words = f"{found.minutes} min to read" + (
        f" · {found.exercises} min of exercises" if found.exercises else ""
    )
    line = nodes.paragraph("", words, classes=["page-cost"])
    title.parent.insert(title.parent.index(title) + 1, line)
    if "_" in docname.rpartition("/")[2]:
        return
    for name, most in LIMITS.items():
        if (there := getattr(found, name)) > most:
            logger.warning(
                "a lecture has at most %d %s, this page has %d: move some to a study",
                *(most, name, there),
                location=docname,
                type="page_cost",
            )


def setup(app: Any) -> dict[str, Any]:
    """Count when all of a page is known."""
    app.connect("doctree-resolved", say)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
