"""The Evidence pages show each claim whole, failures first, and warn when a record is stale."""

import json
import re
import subprocess
import sys
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from unrolled.core.sources import PACKAGE
from unrolled.experiments import ledger

EXT = PACKAGE.parents[1] / "_ext"
HELD = """
from unrolled.experiments.ledger import Claim, Paper, Row, Strip, Trials, Tuned
from unrolled.experiments.statistics import Difference, Rate

from toypage.dice._throw import throw

CLAIM = Claim(
    sentence="It *learns* $x^2$.",
    experiment=throw,
    criterion="Error is below 1.",
    holds=lambda runs: all(run["error"] < 1 for run in runs),
    seeds={"quick": [0], "book": [0, 1, 2], "confirm": [3, 4]},
    settings={"quick": {"windows": [3]}, "book": {"windows": [3, 5]}},
    strips=(
        Strip("error < 1", rows=(Row("error", "the network", published=0.75),),
              lines={"chance": 1.0}),
        Strip("accuracy", rows=(Row("accuracy", "window of {}", over="windows",
                                    published={5: 0.5}),), limits=(0, 1)),
    ),
    paper=Paper(key="elman1990finding", where="table 1", says="It *always* learns.",
                verdict=lambda runs: all(run["error"] == 0 for run in runs)),
    deviations=("Adam, where it has none.",),
    tuned=(Tuned(arm="network", setting="rate", tried=(0.1, 0.2, 0.4), chosen=0.4),
           Tuned(arm="readout", setting="rate", tried=(0.1, 0.2, 0.4), chosen=0.2)),
    trials=Trials(count=12, where="at seeds 90 to 92"),
    compared=(
        Rate(label="small error", quantity="error", at_most=0.6),
        Difference(label="error against accuracy", first="error", second=("accuracy", 0)),
    ),
)
"""
OTHER = """
from unrolled.experiments.ledger import Claim, Paper, Row, Strip

from toypage.dice._throw import throw

CLAIM = Claim(
    sentence="It wins.", experiment=throw, criterion="Error is small.",
    holds=lambda runs: {holds},
    seeds={{"quick": [0], "book": [0, 1, 2], "confirm": [3, 4]}},
    settings={{"quick": {{"windows": [3]}}, "book": {{"windows": [3]}}}},
    strips=[Strip("error", rows=[Row("error", "the network")])],
    {more}
)
"""
UNTESTED = 'paper=Paper(key="elman1990finding", says="It wins.", untested="Our task is easier."),'
PAGES = """
import sys
sys.path[:0] = [{ext!r}, {here!r}]
extensions = ["myst_parser", "sphinxcontrib.bibtex", "evidence_page"]
myst_enable_extensions = ["dollarmath"]
bibtex_bibfiles = ["references.bib"]
evidence_folder, evidence_package = {here!r} + "/evidence", "toypage"
html_theme = "basic"
"""
FILES = {
    "conf.py": PAGES,
    "index.md": "# Book\n\n```{toctree}\n:numbered:\nchapters/dice\nchapters/words\nevidence\n"
    "evidence/dice\n```\n\n```{bibliography}\n```\n",
    "evidence.md": "# Evidence\n\n```{evidence}\n```\n",
    "evidence/dice.md": "# Evidence: dice\n\n```{evidence} dice\n```\n",
    "chapters/dice.md": "# Throwing dice\n\n## Losing\n\n```{evidence} dice.lost\n```\n",
    "chapters/words.md": "# Words\n\n```{evidence} dice.held\n:words:\n```\n",
    "references.bib": "@misc{elman1990finding, author={Elman, J.}, title={T}, year={1990}}",
    "toypage/__init__.py": "",
    "toypage/dice/__init__.py": "",
    "toypage/dice/_throw.py": "def throw(seed, *, windows):\n    return {'error': 0.25 * seed % 1, "
    "'accuracy': [0.5 + 0.1 * seed for _ in windows]}\n",
    "toypage/dice/fell.py": OTHER.format(holds='runs[0]["error"] == 0', more=""),
    "toypage/dice/held.py": HELD,
    "toypage/dice/lost.py": OTHER.format(holds="False", more=UNTESTED),
    "toypage/dice/open.py": OTHER.format(holds="True", more=""),
}
MEASURE = """
import records
from pathlib import Path
from unrolled.experiments import ledger

for each in ledger.ids("toypage"):
    claim = ledger.find(each, "toypage")
    record = records.record(claim)
    if claim.id == "dice.open":
        record["attempts"][0]["confirmation"] = None
    if claim.id == "dice.fell":
        first = {**record["attempts"][0], "confirmation": None}
        first["declared"] = {**first["declared"], "criterion": "Error is 0."}
        last = {**record["attempts"][0], "why": "criterion changed"}
        record["attempts"] = [first, last]
    ledger.write(record, Path("evidence"))
"""


class Book:
    def __init__(self, folder):
        self.folder = folder
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(text.format(ext=str(EXT), here=str(folder)) if "conf" in name else text)

    def python(self, *arguments):
        paths = f"{PACKAGE.parent}:{self.folder}:{Path(__file__).parent}"
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": paths, "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )

    def build(self):
        """Build the book; return the pages that were read and the warnings."""
        done = self.python("-m", "sphinx", "-n", "-b", "html", "--no-color", ".", "site")
        assert done.returncode == 0, done.stderr
        return set(re.findall(r"reading sources... \[ *\d+%\] (\S+)", done.stdout)), done.stderr

    def page(self, name):
        return BeautifulSoup((self.folder / "site" / f"{name}.html").read_text(), "html.parser")

    def change(self, claim, edit):
        """Edit a record and seal it; return it as it was."""
        path = self.folder / "evidence" / f"{claim.replace('.', '/')}.json"
        before = path.read_text()
        record = json.loads(before)
        edit(record)
        sealing = (
            "import json, sys; from pathlib import Path; from unrolled.experiments import ledger\n"
            "ledger.write(json.loads(sys.argv[1]), Path('evidence'))"
        )
        done = self.python("-c", sealing, json.dumps(record))
        assert done.returncode == 0, done.stderr
        return path, before


def said(tag):
    return " ".join(tag.text.split())


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    book = Book(tmp_path_factory.mktemp("book"))
    done = book.python("-c", MEASURE)
    assert done.returncode == 0, done.stderr
    assert book.build()[1] == ""
    return book


@pytest.fixture
def entry(book):
    return lambda name: book.page("evidence/dice").find(id=f"evidence-dice-{name}")


def test_the_overview_counts_what_became_of_claims(book):
    text = said(book.page("evidence"))
    assert "4 claims, 5 attempts:" in text
    for outcome in (
        *(
            "1 held, in development and when confirmed",
            "1 held in development and did not hold when confirmed",
        ),
        "1 did not hold, neither in development nor when confirmed",
        "1 held in development, not confirmed yet",
    ):
        assert outcome in text
    assert "of 3 nobody counted the trial runs; 1 had 12 trial runs in all" in text
    assert text.index("nobody counted") < text.index("What did not hold")


def test_what_did_not_hold_stands_first_and_each_claim_once(book):
    page = book.page("evidence")
    listed = page.find(id="evidence-fallen").find_all("li")
    assert [li.strong.text for li in listed] == [
        *("Held in development, did not hold when confirmed", "Did not hold")
    ]
    assert "second attempt" in said(listed[0])
    rest = page.find(id="evidence-of-dice")
    assert "Throwing dice" in rest.h2.text
    ids = [code.text for code in page.select("li .evidence-ways .std-ref")]
    assert sorted(ids) == ["dice.fell", "dice.held", "dice.lost", "dice.open"]
    assert len(rest.find_all("li")) == 2


def test_an_entry_leads_to_its_section_and_a_section_to_its_entry(book):
    ways = {
        li.find("a")["href"]: li.find_all("a")[-1]
        for li in book.page("evidence").select("li:has(.evidence-ways)")
    }
    there = ways["evidence/dice.html#evidence-dice-lost"]
    assert (there["href"], there.text) == ("chapters/dice.html#claim-dice-lost", "1.1 Losing")
    shown_in_words = ways["evidence/dice.html#evidence-dice-held"]
    assert (shown_in_words["href"], shown_in_words.text) == (
        *("chapters/words.html#claim-dice-held", "2 Words"),
    )
    nowhere = ways["evidence/dice.html#evidence-dice-open"]
    assert (nowhere["href"], nowhere.text) == ("chapters/dice.html", "1 Throwing dice")
    box = book.page("chapters/dice").find(id="claim-dice-lost")
    assert box.find("a", href="../evidence/dice.html#evidence-dice-lost")


def test_a_chapters_page_begins_with_what_did_not_hold(book):
    ids = [section["id"] for section in book.page("evidence/dice").select("section section")]
    assert ids == [f"evidence-dice-{name}" for name in ("fell", "lost", "held", "open")]


def test_an_entry_shows_the_claim_whole(entry):
    text = said(entry("held"))
    for words in (
        *("Held", "The paper, Elman [Elm90], table 1: It always learns. Did not hold"),
        *("Ours: It learns", "Criterion: Error is below 1.", "windows = [3, 5]"),
        "small error: 1 of 2 runs (95 %: 1 to 99 %)",
        "error against accuracy: lower in all 2 runs; mean difference: p = 0.5 "
        "(the least that 2 runs can give)",
        *("Seeds of the development: 0 to 2.", "Seeds of the confirmation: 3, 4."),
        *("Trial runs before declaring: 12 (at seeds 90 to 92).", "Adam, where it has none."),
        *("no GPU", "s of CPU time", "python -m unrolled evidence --force dice.held"),
    ):
        assert words in text
    assert entry("held").find("a", href=re.compile(r"index.html#id\d|index.html#elman"))


def test_the_papers_claim_and_ours_are_two(entry, book):
    for shown in (entry("lost"), book.page("chapters/dice").find(id="claim-dice-lost")):
        assert "The paper, Elman [Elm90]: It wins. Not tested Our task is easier." in said(shown)
        assert "Ours: It wins." in said(shown)
    assert "The paper" not in said(entry("open"))


def test_an_optimum_at_the_edge_of_its_grid_is_flagged(entry):
    network, readout = (li for li in entry("held").find_all("li") if "rate 0." in li.text)
    assert network.find("strong", class_="evidence-open").text == "Edge of the grid"
    assert not readout.strong


def test_every_table_names_its_panel_and_both_blocks(entry):
    error, accuracy = entry("held").find_all("table")
    assert [table.caption.text for table in (error, accuracy)] == [
        "error < 1",
        "accuracy",
    ]
    assert [th.text for th in error.thead.find_all("th")] == [
        *("Quantity", "The paper’s", "Confirmation: median (range) of 2 runs"),
        "Development: median (range) of 3 runs",
    ]
    rows = [[td.text.strip() for td in tr.find_all("td")] for tr in accuracy.select("tbody tr")]
    assert rows == [
        ["window of 3", "not given", "0.85 (0.8 to 0.9)", "0.6 (0.5 to 0.7)"],
        ["window of 5", "0.5", "0.85 (0.8 to 0.9)", "0.6 (0.5 to 0.7)"],
    ]
    (alone,) = entry("open").find_all("table")
    assert [th.text for th in alone.thead.find_all("th")] == [
        *("Quantity", "Development: median (range) of 3 runs")
    ]


def test_pictures_draw_both_blocks_with_marks_of_their_own(entry):
    error, accuracy = entry("held").figure.find_all("svg", recursive=False)
    assert [len(error.select(f".{kind}")) for kind in ("evidence-dot", "evidence-hollow")] == [2, 3]
    assert len(accuracy.select(".evidence-dot")) == 4
    assert len(accuracy.find_all("path", class_="evidence-paper")) == 1
    (confirmed_alone,) = entry("open").figure.find_all("svg", recursive=False)
    assert len(confirmed_alone.select(".evidence-dot")) == 3
    assert not confirmed_alone.select(".evidence-hollow")
    legend = said(entry("held").figcaption)
    assert "filled dot is one of 2 runs of the confirmation" in legend
    assert "hollow one beneath it one of 3 of the development" in legend


def test_earlier_attempts_stay(entry):
    text = said(entry("fell"))
    assert "Held in development, did not hold when confirmed · second attempt" in text
    assert "Held in development, not confirmed. Criterion: Error is 0. Why" in text
    assert "Why there was another attempt: criterion changed." in text
    assert "Earlier attempts" not in said(entry("held"))


def test_record_and_code_come_with_the_book(entry, book):
    links = {a.text: a["href"] for a in entry("held").select("a.download")}
    assert list(links) == ["_throw.py", "held.json", "held.py"]
    for name, href in links.items():
        kept = (book.folder / "site" / "evidence" / href).resolve().read_bytes()
        (source,) = book.folder.glob(f"*/dice/{name}")
        assert kept == source.read_bytes()
    assert "CLAIM = Claim(" in entry("held").pre.text


def test_one_claim_in_a_chapter_is_short_and_folds_what_is_long(book):
    box = book.page("chapters/dice").find(class_="evidence")
    assert said(box.find(class_="admonition-title")) == "Measured: Did not hold"
    assert len(box.select(".evidence-dot")) == 2
    assert box.table is None
    folded = box.details.extract()
    assert "Criterion: Error is small." in said(folded)
    assert "windows = [3]" in said(folded)
    assert "Criterion" not in said(box)


def test_in_words_a_claim_has_its_verdict_and_no_picture(book):
    in_words = book.page("chapters/words").select_one(".admonition")
    assert not in_words.find("svg")
    assert "Measured: Held" in said(in_words)
    counts = in_words.details.extract()
    assert "small error: " in said(counts)
    assert "by Clopper and Pearson" in said(counts)
    assert "flipping the signs" in said(counts)
    assert "small error" not in said(in_words)


def test_no_id_twice(book):
    for name in ("evidence", "evidence/dice", "chapters/dice", "chapters/words"):
        ids = [tag["id"] for tag in book.page(name).find_all(id=True)]
        assert len(ids) == len(set(ids))


def test_records_and_code_are_followed(book):
    """A changed record rebuilds the pages that show it; stale and missing ones are warnings."""
    pages = {"evidence", "evidence/dice"}
    assert book.build() == (pages, "")

    def raise_error(record):
        record["attempts"][-1]["confirmation"]["runs"][0]["measured"]["error"] = 0.125

    path, before = book.change("dice.lost", raise_error)
    assert book.build() == ({*pages, "chapters/dice"}, "")
    assert "0.0625 (0 to 0.125)" in said(book.page("evidence/dice"))

    path.write_text(before.replace("0.25", "0.26"))  # not sealed
    assert str(path) in book.build()[1]

    path.unlink()
    read, warnings = book.build()
    assert read == {*pages, "chapters/dice"}
    assert "the record of dice.lost is stale (never measured)" in warnings
    assert "Measured: Not measured" in said(book.page("chapters/dice"))
    path.write_text(before)

    def measure_earlier(record):
        record["attempts"][-1]["development"]["versions"]["numpy"] = "1.2.3"

    path, before = book.change("dice.held", measure_earlier)
    assert book.build()[1] == ""
    assert "The development was measured with numpy 1.2" in said(book.page("evidence/dice"))
    path.write_text(before)


def test_words_stale_nothing_and_code_does(book):
    claim = book.folder / "toypage" / "dice" / "held.py"
    before = claim.read_text()
    words = before.replace("Error is below 1.", "The error stays below 1.")
    claim.write_text(words.replace("It *learns* $x^2$.", "It has learned."))
    assert book.build()[1] == ""
    assert "1 claim the sentence was worded anew" in said(book.page("evidence"))
    text = said(book.page("evidence/dice"))
    assert "the claim was worded so: It learns" in text
    assert "Criterion: The error stays below 1." in text
    assert "the same criterion was worded so: Error is below 1." in text
    claim.write_text(before)

    throw = claim.with_name("_throw.py")
    before = throw.read_text()
    throw.write_text(before.replace("0.25 * seed", "0.5 * seed"))
    assert "the record of dice.held is stale (code changed)" in book.build()[1]
    throw.write_text(before)


def test_an_unknown_claim_is_an_error(book):
    page = book.folder / "chapters" / "dice.md"
    before = page.read_text()
    page.write_text("# Dice\n\n```{evidence} dice.gone\n```\n")
    assert "no claim or chapter 'dice.gone'; there are dice.fell, dice.held" in book.build()[1]
    page.write_text(before)


def test_every_chapter_with_claims_has_its_page_in_the_order_of_the_book():
    book = PACKAGE.parents[1]
    listed = re.findall(r"- file: evidence/(\w+)$", (book / "_toc.yml").read_text(), re.M)
    assert listed == [*dict.fromkeys(claim.split(".")[0] for claim in ledger.ids())]
    for chapter in listed:
        assert f"```{{evidence}} {chapter}\n" in (book / "evidence" / f"{chapter}.md").read_text()
