"""The ``evidence`` directive: the ledger's tally, a chapter's claims, or one claim in a chapter.

Everything shown comes from the claims as declared and from ``evidence/<chapter>/<name>.json``. A
record that does not fit its claim any more is a warning, so that a book built with ``-W`` shows no
stale measurement.
"""

from __future__ import annotations

import os
import re
import sys
from collections.abc import Iterable, Sequence
from html import escape
from pathlib import Path
from typing import Any, ClassVar

from docutils import nodes
from docutils.parsers.rst import directives
from docutils.statemachine import StringList
from sphinx import addnodes
from sphinx.util import logging
from sphinx.util.docutils import SphinxDirective

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "code"))

import evidence_strips as strips
import evidence_words as words
from evidence_words import Entry
from unrolled.experiments import ledger

Nodes = list[nodes.Node]
logger = logging.getLogger(__name__)


class Place(nodes.Inline, nodes.TextElement):  # type: ignore[misc]
    """Where a chapter shows a claim: a link, made when all pages are read."""


class Panel(nodes.table):  # type: ignore[misc]
    """A table with the name of its picture, and no number."""


class Evidence(SphinxDirective):
    """Show the tally of all claims, a chapter's claims in full, or one claim in short.

    With ``:words:`` a claim in short has no picture: its chapter draws its own.
    """

    optional_arguments = 1
    option_spec: ClassVar = {"words": directives.flag}

    def run(self) -> Nodes:
        """Return what the argument asks for: nothing, a chapter, or a claim."""
        package = self.config.evidence_package
        ids = ledger.ids(package)
        if self.arguments and self.arguments[0] in ids:
            return [self._in_short(self._checked(ledger.find(self.arguments[0], package)))]
        self.env.note_reread()  # a claim may be new
        if not self.arguments:
            return self._overview([self._entry(ledger.find(each, package)) for each in ids])
        (name,) = self.arguments
        chapter = [ledger.find(each, package) for each in ids if _chapter(each) == name]
        if not chapter:
            raise self.error(f"no claim or chapter {name!r}; there are {', '.join(ids)}")
        return self._page([self._checked(claim) for claim in chapter])

    # The pages

    def _overview(self, entries: Sequence[Entry]) -> Nodes:
        fallen = [entry for entry in entries if entry.kind == "not-held"]
        others = [entry for entry in entries if entry.kind != "not-held"]
        found = [*self._text(words.tally(entries)), *self._text(words.piloting(entries))]
        if reworded := words.reworded(entries):
            found += self._text(reworded)
        if fallen:
            found.append(self._listing("evidence-fallen", "What did not hold", fallen))
        for chapter in dict.fromkeys(entry.chapter for entry in entries):
            listed = [entry for entry in others if entry.chapter == chapter]
            found.append(self._listing(f"evidence-of-{chapter}", self._title(chapter), listed))
            found[-1].insert(
                1, self._text(f"{{doc}}`Every number of this chapter </evidence/{chapter}>`")
            )
        return found

    def _listing(self, label: str, title: str, entries: Sequence[Entry]) -> nodes.section:
        """List claims: verdict, sentence, and the ways to its numbers and to its chapter."""
        section = self._section(label, nodes.Text(title))
        items = []
        for entry in entries:
            item = nodes.list_item("", nodes.paragraph("", "", *_badges(entry)))
            item += self._text(words.one_line(entry.claim.sentence))
            ways = nodes.paragraph("", "", classes=["evidence-ways"])
            ways += [*self._inline(_link(entry.id)), nodes.Text(" · ")]
            ways += Place(claim=entry.id, chapter=entry.chapter)
            item += ways
            items.append(item)
        if items:
            section += nodes.bullet_list("", *items, classes=["evidence-list"])
        return section

    def _page(self, entries: Sequence[Entry]) -> Nodes:
        ordered = sorted(entries, key=lambda entry: entry.kind != "not-held")
        found = self._text(words.tally(entries))
        return [*found, *(self._in_full(entry) for entry in ordered)]

    def _in_full(self, entry: Entry) -> nodes.section:
        claim = entry.claim
        section = self._section(_label(entry.id), nodes.literal("", entry.id))
        section += nodes.paragraph("", "", *_badges(entry))
        section += self._claims(entry)
        section += self._statistics(entry)
        section += self._text(f"Criterion: {claim.criterion}")
        section += [
            nodes.paragraph("", note, classes=["evidence-note"])
            for note in words.other_versions(entry)
        ]
        if entry.attempts:
            section += _picture(entry)
            section += self._folded(
                "Every number", [_table_of(entry, strip) for strip in ledger.pictures(claim)]
            )
        section += self._tuning(entry)
        section += self._folded("Settings, seeds, and what we did otherwise", self._method(entry))
        if before := words.attempts_before(entry):
            section += self._folded("Earlier attempts", self._text(_numbered(before)))
        if entry.attempts:
            section += self._folded("How it was measured", self._circumstances(entry))
        section += self._code(entry)
        section += self._ways(entry)
        return section

    def _in_short(self, entry: Entry) -> nodes.Node:
        label = f"claim-{nodes.make_id(entry.id)}"
        box = nodes.admonition(classes=["evidence"], claim=entry.id)
        if label not in self.state.document.ids:  # the Evidence pages lead to the first
            box["ids"], box["names"] = [label], [label]
            self.state.document.note_explicit_target(box, box)
        box += nodes.title("", "", nodes.Text("Measured: "), *_badges(entry))
        box += self._claims(entry)
        if entry.attempts and "words" not in self.options:
            box += _picture(entry)
        if counts := self._statistics(entry):
            box += self._folded("Counts and comparisons", counts)
        method = [*self._text(f"Criterion: {entry.claim.criterion}"), *self._method(entry)]
        box += self._folded("Criterion, settings, and what we did otherwise", method)
        more = ", and the attempts before" if entry.attempt else ""
        box += self._text(f"Every number, how it was measured{more}: {_link(entry.id)}.")
        return box

    # Their parts

    def _claims(self, entry: Entry) -> Nodes:
        """Set the paper's claim and ours side by side, each with its verdict."""
        claim = entry.claim
        found: Nodes = []
        if claim.paper is not None and claim.paper.says:
            badge = _badge(*words.paper_verdict(entry))
            said = self._text(words.paper(claim))
            said[-1] += [nodes.Text(" "), badge]
            if why := claim.paper.untested:
                said[-1] += [nodes.Text(" "), *self._inline(why)]
            found += said
            found += self._text(f"Ours: {words.one_line(claim.sentence)}")
        else:
            found += self._text(f"{words.one_line(claim.sentence)} {words.paper(claim)}")
        return found

    def _statistics(self, entry: Entry) -> Nodes:
        """List the rates and comparisons, and name the tests."""
        if not (said := words.statistics(entry)):
            return []
        return [*self._text(words.bullets(said)), *self._text(words.tests(entry))]

    def _tuning(self, entry: Entry) -> Nodes:
        items = []
        for said, at_edge in words.tuned(entry):
            flag = [_badge("open", "Edge of the grid"), nodes.Text(" ")] if at_edge else []
            paragraph = nodes.paragraph("", "", *flag, nodes.Text(said))
            items.append(nodes.list_item("", paragraph))
        if not items:
            return []
        return [nodes.paragraph("", "Tuned:"), nodes.bullet_list("", *items)]

    def _method(self, entry: Entry) -> Nodes:
        claim = entry.claim
        lines = [*words.setup_of(entry), ledger.trial_runs(claim)]
        found = self._text(words.bullets(lines))
        if claim.deviations:
            found += self._text("What we did otherwise:")
            found += self._text(words.bullets(claim.deviations))
        return found

    def _circumstances(self, entry: Entry) -> Nodes:
        found: Nodes = []
        for name in words.BLOCKS:
            if block := entry.block(name):
                found += self._text(f"The {name}:\n\n{words.bullets(words.circumstances(block))}")
        for worded in words.measured_under(entry):
            found += self._text(worded)
        again = nodes.paragraph("", "Again: ")
        again += nodes.literal("", f"python -m unrolled evidence --force {entry.id}")
        return [*found, again]

    def _ways(self, entry: Entry) -> nodes.Node:
        """Lead from an entry to its section, its record and its code."""
        ways = nodes.paragraph("", "", nodes.Text("In the book: "), classes=["evidence-ways"])
        ways += Place(claim=entry.id, chapter=entry.chapter)
        files = [self._file_of(entry)]
        if entry.attempts:
            files.insert(0, ledger.path_of(entry.id, Path(self.config.evidence_folder)))
        for file in files:
            ways += [nodes.Text(" · "), self._download(file)]
        return ways

    def _code(self, entry: Entry) -> Nodes:
        """List the claim's own file; offer those that it shares with others."""
        own = self._file_of(entry)
        listing = nodes.literal_block(own.read_text("utf-8"), own.read_text("utf-8"))
        listing["language"] = "python"
        package = own.parents[1]
        shared = [
            file
            for file in ledger.sources(entry.claim)
            if package in file.parents and file != own and file.name != "__init__.py"
        ]
        if not shared:
            return self._folded("The code", [listing])
        uses = nodes.paragraph("", "It uses ")
        for i, file in enumerate(shared):
            uses += [*([nodes.Text(", ")] if i else []), self._download(file)]
        return self._folded("The code", [listing, uses])

    def _file_of(self, entry: Entry) -> Path:
        package = Path(sys.modules[self.config.evidence_package].__file__ or "").parent
        return package.joinpath(*entry.id.split(".")).with_suffix(".py")

    def _download(self, file: Path) -> nodes.Node:
        target = "/" + Path(os.path.relpath(file, self.env.srcdir)).as_posix()
        name = nodes.literal("", file.name)
        return addnodes.download_reference(
            "",
            "",
            name,
            reftarget=target,
            refdoc=self.env.docname,
            refdomain="",
            reftype="download",
            refexplicit=True,
            refwarn=False,
        )

    def _folded(self, summary: str, content: Nodes) -> Nodes:
        opening = f'<details class="evidence-more"><summary>{escape(summary)}</summary>'
        return [
            nodes.raw("", opening, format="html"),
            *content,
            nodes.raw("", "</details>", format="html"),
        ]

    def _checked(self, claim: Any) -> Entry:
        """Return a claim with its record; warn if that does not stand."""
        entry = self._entry(claim)
        for file in ledger.sources(claim):
            self.env.note_dependency(str(file))
        if reason := ledger.staleness(claim, entry.record):
            self._warn(
                f"the record of {claim.id} is stale ({reason}): "
                f"run `python -m unrolled evidence {claim.id}`"
            )
        return entry

    def _entry(self, claim: Any) -> Entry:
        folder = Path(self.config.evidence_folder)
        self.env.note_dependency(str(ledger.path_of(claim.id, folder)))
        try:
            return Entry(claim, ledger.read(claim.id, folder))
        except FileNotFoundError:
            return Entry(claim, None)
        except ledger.DamagedRecord as error:
            self._warn(str(error))
            return Entry(claim, None)

    def _warn(self, message: str) -> None:
        logger.warning("%s", message, location=self.get_location(), type="evidence")

    def _section(self, label: str, title: nodes.Node) -> nodes.section:
        section = nodes.section(ids=[label], names=[label])
        section += nodes.title("", "", title)
        self.state.document.note_explicit_target(section, section)
        return section

    def _title(self, chapter: str) -> str:
        """Return a chapter's title as its source has it: pages may be read in any order."""
        source = Path(self.env.srcdir, "chapters", f"{chapter}.md")
        found = source.is_file() and re.search(r"^# (.+)$", source.read_text("utf-8"), re.M)
        return found[1].strip() if found else f"Chapter {chapter}"

    def _text(self, text: str) -> Nodes:
        """Parse MyST."""
        parent = nodes.Element()
        lines = StringList(text.splitlines(), source=self.get_source_info()[0])
        self.state.nested_parse(lines, self.content_offset, parent)
        return [*parent.children]

    def _inline(self, text: str) -> Nodes:
        """Parse MyST that is one paragraph; return what stands in it."""
        (paragraph,) = self._text(text)
        return [*paragraph.children]


def places(env: Any) -> dict[str, tuple[str, str, str, str]]:
    """Return where each claim is shown: page, anchor, title and anchor of the section."""
    if not hasattr(env, "evidence_places"):
        env.evidence_places = {}
    found: dict[str, tuple[str, str, str, str]] = env.evidence_places
    return found


def forget(app: Any, env: Any, docname: str) -> None:
    """Drop the places of a page that is read again."""
    for claim_id in [name for name, place in places(env).items() if place[0] == docname]:
        del places(env)[claim_id]


def merge(app: Any, env: Any, docnames: Iterable[str], other: Any) -> None:
    """Take over the places that another process has found."""
    for claim_id, place in places(other).items():
        if place[0] in docnames:
            places(env).setdefault(claim_id, place)


def note_places(app: Any, doctree: nodes.document) -> None:
    """Remember where a page shows claims."""
    for box in doctree.findall(nodes.admonition):
        if "claim" in box and box["ids"]:
            place = (app.env.docname, box["ids"][0], *_heading(box))
            places(app.env).setdefault(box["claim"], place)


def link_places(app: Any, doctree: nodes.document, docname: str) -> None:
    """Turn each place into a link to where its chapter shows the claim, or to the chapter."""
    for place in list(doctree.findall(Place)):
        page, anchor, title, section = places(app.env).get(
            place["claim"], (f"chapters/{place['chapter']}", "", "", "")
        )
        if page not in app.env.found_docs:
            place.replace_self(nodes.Text(place["chapter"]))
            continue
        number = app.env.toc_secnumbers.get(page, {}).get(f"#{section}" if section else "")
        shown = title or app.env.titles[page].astext()
        if number:
            shown = f"{'.'.join(map(str, number))} {shown}"
        uri = app.builder.get_relative_uri(docname, page) + (f"#{anchor}" if anchor else "")
        place.replace_self(nodes.reference("", shown, internal=True, refuri=uri))


def _heading(node: Any) -> tuple[str, str]:
    """Return title and anchor of the section around a node; no anchor for the page's own."""
    while node is not None and not isinstance(node, nodes.section):
        node = node.parent
    if node is None:
        return "", ""
    inner = isinstance(node.parent, nodes.section)
    return node[0].astext(), node["ids"][0] if inner else ""


def _chapter(claim_id: str) -> str:
    return claim_id.split(".")[0]


def _label(claim_id: str) -> str:
    return f"evidence-{nodes.make_id(claim_id)}"


def _link(claim_id: str) -> str:
    return f"{{ref}}`{claim_id} <{_label(claim_id)}>`"


def _numbered(items: Iterable[str]) -> str:
    return "\n".join(f"{i}. {item}" for i, item in enumerate(items, start=1))


def _badge(kind: str, text: str) -> nodes.Node:
    return nodes.strong("", text, classes=["evidence-badge", f"evidence-{kind}"])


def _badges(entry: Entry) -> Nodes:
    badge = _badge(entry.kind, entry.verdict)
    return [badge, nodes.Text(f" · {entry.attempt}")] if entry.attempt else [badge]


def _picture(entry: Entry) -> nodes.Node:
    runs = (entry.runs(name) for name in ("development", "confirmation"))
    drawn = strips.figure(ledger.pictures(entry.claim), *runs)
    return nodes.raw("", drawn, format="html")


def _table_of(entry: Entry, strip: Any) -> nodes.table:
    """Set the paper's figures beside ours, under the name of their panel."""
    compared = any(row.published is not None for row in strip.rows)
    blocks = [name for name in words.BLOCKS if entry.runs(name)]
    head = [
        f"{name.capitalize()}: median (range) of {ledger.plural(len(entry.runs(name)), 'run')}"
        for name in blocks
    ]
    rows = [
        [
            row.label,
            *([strips.published(row)] if compared else []),
            *(ledger.spread(ledger.values(entry.runs(name), row)) for name in blocks),
        ]
        for row in strip.rows
    ]
    return _table(strip.axis, ["Quantity", *(["The paper's"] if compared else []), *head], rows)


def _table(caption: str, head: Sequence[str], rows: Sequence[Sequence[str]]) -> nodes.table:
    table, group = Panel("", nodes.title("", caption)), nodes.tgroup(cols=len(head))
    table += group
    for _ in head:
        group += nodes.colspec(colwidth=1)
    group += nodes.thead("", _table_row(head))
    group += nodes.tbody("", *(_table_row(row) for row in rows))
    return table


def _table_row(cells: Sequence[str]) -> nodes.row:
    return nodes.row("", *(nodes.entry("", nodes.paragraph("", cell)) for cell in cells))


def setup(app: Any) -> dict[str, Any]:
    """Register the directive, and where it finds claims and records."""
    app.add_config_value("evidence_folder", str(ledger.EVIDENCE), "env")
    app.add_config_value("evidence_package", "unrolled.experiments", "env")
    app.add_directive("evidence", Evidence)
    app.add_node(Place)
    app.add_node(Panel)
    app.connect("env-purge-doc", forget)
    app.connect("env-merge-info", merge)
    app.connect("doctree-read", note_places)
    app.connect("doctree-resolved", link_places)
    return {
        "version": "2",
        "env_version": 2,
        "parallel_read_safe": True,
        "parallel_write_safe": True,
    }
