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
NO_TEXT = (nodes.math, nodes.math_block, nodes.caption, nodes.literal_block)
MINUTES_OF = re.compile(r"\((\d+) min\)")  # what an exercise's heading says


LIMITS = {"words": 4000, "figures": 8, "claims": 3, "minutes": 45}


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


def cost(page: nodes.Node) -> Cost:
    """Count what stands open on a page."""
    found = [*_open(page)]
    text = [each for each in found if isinstance(each, nodes.Text) and not _within(each, *NO_TEXT)]
    blocks = [each for each in found if isinstance(each, nodes.literal_block)]
    titles = " ".join(each.astext() for each in found if isinstance(each, nodes.title))

    def count(kind: type) -> int:
        return sum(isinstance(each, kind) for each in found)

    return Cost(
        words=sum(len(each.split()) for each in text),
        equations=count(nodes.math_block),
        figures=count(nodes.figure),
        lines=sum(len(block.astext().splitlines()) for block in blocks),
        claims=sum("claim" in n for n in found if isinstance(n, nodes.admonition)),
        exercises=sum(map(int, MINUTES_OF.findall(titles))),
    )


def _open(node: nodes.Node) -> Iterator[nodes.Node]:
    """Walk what is shown before anything is unfolded."""
    depth = 0
    for child in node.children:
        if isinstance(child, nodes.raw):  # what is folded by hand stands between two of them
            depth += child.astext().count("<details") - child.astext().count("</details>")
        elif not depth and not _folded(child):
            yield child
            yield from _open(child)


def _folded(node: nodes.Node) -> bool:
    """Whether a dropdown, or a part of a cell that is hidden by its tag."""
    kinds = _classes(node)
    hidden = {f"cell_{part}" for part in ("input", "output") if _hides(node.parent, part)}
    return not kinds.isdisjoint({"dropdown", "sd-dropdown", *hidden})


def _hides(cell: nodes.Node, part: str) -> bool:
    return not _classes(cell).isdisjoint({f"tag_hide-{part}", "tag_hide-cell"})


def _classes(node: nodes.Node) -> set[str]:
    return {*node.get("classes", ())} if isinstance(node, nodes.Element) else set()


def _within(node: nodes.Node, *kinds: type) -> bool:
    while node is not None and not isinstance(node, kinds):
        node = node.parent
    return node is not None


def say(app: Any, doctree: nodes.document, docname: str) -> None:
    """Put the minutes under a chapter's title; warn of a lecture that is none."""
    if not docname.startswith("chapters/"):
        return
    found = cost(doctree)
    _keep_minutes_together(doctree)
    title = next(iter(doctree.findall(nodes.title)))
    words = f"{found.minutes} min to read"
    if found.exercises:
        words += f" · {found.exercises} min of exercises"
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


def _keep_minutes_together(doctree: nodes.document) -> None:
    titles = [*doctree.findall(nodes.title)]
    for text in [text for title in titles for text in title.findall(nodes.Text)]:
        words = MINUTES_OF.sub("(\\1\N{NO-BREAK SPACE}min)", text)
        text.parent.replace(text, nodes.Text(words))


def setup(app: Any) -> dict[str, Any]:
    """Count when all of a page is known."""
    app.connect("doctree-resolved", say)
    return {"version": "1", "parallel_read_safe": True, "parallel_write_safe": True}
