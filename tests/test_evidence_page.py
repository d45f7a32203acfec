"""The evidence page shows each record whole, failures too, and warns when one is stale."""

import json
import re
import subprocess
import sys
from itertools import pairwise

import pytest
from bs4 import BeautifulSoup

from unrolled._sources import PACKAGE

sys.path.insert(0, str(PACKAGE.parents[1] / "_ext"))
import evidence_page

CLAIMS = """
from unrolled.experiments.ledger import Claim, Row, Strip

def throw(seed, *, windows):
    return {"error": 0.25 * seed, "accuracy": [0.5 + 0.1 * seed for _ in windows]}

SCALES = {"quick": [0], "book": [0, 1, 2]}
SETTINGS = {"quick": {"windows": [3]}, "book": {"windows": [3, 5]}}
COMMON = {"experiment": throw, "seeds": SCALES, "settings": SETTINGS}
STRIPS = (
    Strip("error < 1", rows=(Row("error", "the network", published=0.75),), lines={"chance": 1.0}),
    Strip(
        "accuracy",
        rows=(Row("accuracy", "window of {}", over="windows", published={5: 0.5}),),
        limits=(0, 1),
    ),
)

CLAIMS = (
    Claim(id="dice.held", sentence="It *learns* $x^2$.", criterion="Error is below 1.",
          holds=lambda runs: all(run["error"] < 1 for run in runs), strips=STRIPS,
          paper="elman1990finding", where="table 1", deviations=("Adam, where it has none.",),
          **COMMON),
    Claim(id="dice.lost", sentence="It wins.", criterion="Error is 0.",
          holds=lambda runs: not any(run["error"] for run in runs),
          strips=[Strip("error", rows=[Row("error", "the network")])], **COMMON),
)
"""
MEASURE = (
    "import sys; from pathlib import Path; from unrolled.experiments import ledger\n"
    "for claim in ledger.all_claims('toypage').values():\n"
    "    ledger._write(Path('evidence', f'{claim.id}.json'), ledger.run(claim, 'book'))"
)
FILES = {
    "conf.py": """
import sys
sys.path[:0] = [{ext!r}, {here!r}]
extensions = ["myst_parser", "sphinxcontrib.bibtex", "evidence_page"]
myst_enable_extensions = ["dollarmath"]
bibtex_bibfiles = ["references.bib"]
evidence_folder, evidence_package = {here!r} + "/evidence", "toypage"
html_theme = "basic"
""",
    "index.md": "# Book\n\n```{toctree}\nchapters/dice\nchapters/words\nevidence\n```\n\n"
    "```{bibliography}\n```\n",
    "evidence.md": "# Evidence\n\n```{evidence}\n```\n",
    "chapters/dice.md": "# Dice\n\n```{evidence} dice.lost\n```\n",
    "chapters/words.md": "# Words\n\n```{evidence} dice.held\n:words:\n```\n",
    "references.bib": "@misc{elman1990finding, author={Elman, J.}, title={T}, year={1990}}",
    "toypage/__init__.py": "",
    "toypage/dice.py": CLAIMS,
}


class Book:
    def __init__(self, folder):
        self.folder = folder
        ext = str(PACKAGE.parents[1] / "_ext")
        for name, text in FILES.items():
            path = folder / name
            path.parent.mkdir(exist_ok=True)
            path.write_text(text.format(ext=ext, here=str(folder)) if "conf" in name else text)

    def python(self, *arguments):
        paths = f"{PACKAGE.parent}:{self.folder}"
        return subprocess.run(
            [sys.executable, *arguments],
            cwd=self.folder,
            env={"PYTHONPATH": paths, "PATH": "", "PYTHONDONTWRITEBYTECODE": "1"},
            capture_output=True,
            text=True,
        )

    def build(self):
        """Build the book; return the pages that were written and the warnings."""
        done = self.python("-m", "sphinx", "-n", "-b", "html", "--no-color", ".", "site")
        assert done.returncode == 0, done.stderr
        return set(re.findall(r"reading sources... \[ *\d+%\] (\S+)", done.stdout)), done.stderr

    def page(self, name):
        return BeautifulSoup((self.folder / "site" / f"{name}.html").read_text(), "html.parser")


@pytest.fixture(scope="module")
def book(tmp_path_factory):
    book = Book(tmp_path_factory.mktemp("book"))
    done = book.python("-c", MEASURE)
    assert done.returncode == 0, done.stderr
    assert book.build()[1] == ""
    return book


def test_summary_lists_every_claim_with_its_verdict(book):
    table = book.page("evidence").table
    assert [th.text for th in table.thead.find_all("th")] == [
        *("Claim", "Verdict", "Source", "Chapter")
    ]
    rows = [[td.text.strip() for td in tr.find_all("td")] for tr in table.tbody.find_all("tr")]
    assert rows[0][0].startswith("dice.held It learns")
    assert [row[3] for row in rows] == ["Dice", "Dice"]
    assert [row[2] for row in rows] == ["Elman [Elm90]", "this book"]
    assert [row[1] for row in rows] == ["Held", "Did not hold"]
    targets = [tr.a["href"] for tr in table.tbody.find_all("tr")]
    assert targets == ["#evidence-dice-held", "#evidence-dice-lost"]
    assert all(book.page("evidence").find(id=target[1:]) for target in targets)


def test_an_entry_shows_the_record_whole(book):
    entry = book.page("evidence").find(id="evidence-dice-held")
    text = " ".join(entry.text.split())
    for words in (
        *("Source: Elman [Elm90], table 1.", "Criterion: Error is below 1.", "Held"),
        *("What we did otherwise: Adam, where it has none.", "Seeds: 0, 1, 2."),
        *("Experiment: toypage.dice.throw at scale book.", "windows = [3, 5]", "no GPU"),
        *("python -m unrolled evidence --force dice.held", "numpy ", "s of CPU time"),
    ):
        assert words in text
    rows = [[td.text.strip() for td in tr.find_all("td")] for tr in entry.tbody.find_all("tr")]
    assert rows == [
        ["the network", "0.75", "0.25 (0 to 0.5)"],
        ["window of 3", "not given", "0.6 (0.5 to 0.7)"],
        ["window of 5", "0.5", "0.6 (0.5 to 0.7)"],
    ]
    assert entry.find("a", href=re.compile(r"index.html#id\d|index.html#elman"))


def test_a_failure_is_shown_like_a_success(book):
    entry = book.page("evidence").find(id="evidence-dice-lost")
    assert entry.find("strong", class_="evidence-not-held").text == "Did not hold"
    assert entry.svg
    assert [th.text for th in entry.thead.find_all("th")] == [
        *("Quantity", "Ours: median (range) of 3 seeds")
    ]


def test_pictures_draw_every_seed_and_say_what_they_show(book):
    error, accuracy = (
        book.page("evidence").find(id="evidence-dice-held").figure.find_all("svg", recursive=False)
    )
    assert [float(dot["cx"][:-1]) for dot in error.find_all("circle")] == sorted(
        float(dot["cx"][:-1]) for dot in error.find_all("circle")
    )
    assert len(error.find_all("circle")) == 3
    assert len(accuracy.find_all("circle")) == 6
    assert len(accuracy.find_all("path", class_="evidence-paper")) == 1
    assert error["role"] == accuracy["role"] == "img"
    assert error["aria-label"] == (
        "error < 1, by seed. the network: 0.25 (0 to 0.5) (the paper: 0.75). Line at 1: chance."
    )
    # The given limits are the axis: 0 and 1 are its ends.
    ends = {tick.text: tick["x"] for tick in accuracy.find_all("text", class_="evidence-tick")}
    assert (ends["0"], ends["1"]) == ("3.00%", "97.00%")


def test_one_claim_in_a_chapter_is_short_and_leads_to_the_rest(book):
    box = book.page("chapters/dice").find(class_="evidence")
    assert box.find(class_="admonition-title").text == "Measured: Did not hold"
    assert len(box.find_all("circle")) == 3
    assert box.table is None
    assert box.find("a", href="../evidence.html#evidence-dice-lost")


def test_in_words_a_claim_has_its_verdict_and_no_picture(book):
    with_picture, in_words = (
        book.page(f"chapters/{name}").select_one(".admonition") for name in ("dice", "words")
    )
    assert with_picture.find("svg")
    assert not in_words.find("svg")
    assert "Held" in in_words.get_text()


def test_no_id_twice(book):
    for name in ("evidence", "chapters/dice"):
        ids = [tag["id"] for tag in book.page(name).find_all(id=True)]
        assert len(ids) == len(set(ids))


def test_records_and_code_are_followed(book):
    """A changed record rebuilds the chapter that shows it; stale and missing ones are warnings."""
    assert book.build() == ({"evidence"}, "")

    path = book.folder / "evidence" / "dice.lost.json"
    record = json.loads(path.read_text())
    record["runs"][0]["measured"]["error"] = 0.125
    path.write_text(json.dumps(record))
    assert book.build() == ({"chapters/dice", "evidence"}, "")
    assert "0.25 (0.125 to 0.5)" in book.page("evidence").text

    path.write_text(json.dumps({**record, "held": True}))
    assert "the record of dice.lost is stale (its words or its criterion" in book.build()[1]

    path.unlink()
    pages, warnings = book.build()
    assert pages == {"chapters/dice", "evidence"}
    assert "the record of dice.lost is stale (never measured)" in warnings
    assert "Measured: Not measured" in book.page("chapters/dice").text

    code = book.folder / "toypage" / "dice.py"
    code.write_text(CLAIMS.replace("0.25 * seed", "0.5 * seed"))
    assert "the record of dice.held is stale (code changed)" in book.build()[1]


def test_an_unknown_claim_is_an_error(book):
    page = book.folder / "chapters" / "dice.md"
    before = page.read_text()
    page.write_text("# Dice\n\n```{evidence} dice.gone\n```\n")
    assert "no claim or chapter 'dice.gone'; there are dice.held, dice.lost" in book.build()[1]
    page.write_text(before)


@pytest.mark.parametrize(
    ("low", "high"), [(0, 1), (-3, 7), (0.4, 1), (0.95, 1.2), (1e-9, 3e-9), (0, 1e6), (-1e-3, 101)]
)
def test_ticks_are_few_round_and_on_the_axis(low, high):
    ticks = evidence_page._ticks(low, high)
    assert 3 <= len(ticks) <= 7
    slack = 1e-9 * (high - low)
    assert low - slack <= ticks[0]
    assert ticks[-1] <= high + slack
    steps = [b - a for a, b in pairwise(ticks)]
    assert max(steps) - min(steps) < 1e-6 * steps[0]
    assert len({evidence_page.ledger.figure(tick) for tick in ticks}) == len(ticks)


@pytest.mark.parametrize(
    ("shown", "limits"),
    [([1, 1], None), ([0], None), ([-2, 5], None), ([0.2], [0, 1]), ([3], [0, 1]), ([-2], None)],
)
def test_the_axis_holds_all_that_is_shown(shown, limits):
    low, high = evidence_page._extent(shown, limits)
    assert low < high
    assert all(low <= value <= high for value in [*shown, *(limits or [])])
    if limits and limits[0] <= min(shown) <= max(shown) <= limits[1]:
        assert [low, high] == limits


def test_long_ticks_are_two_or_three():
    for high in (1e-6, 2.4e-14, 1.234e9):
        ticks = evidence_page._ticks(0.0, high)
        assert 2 <= len(ticks) <= 3
        assert 0 <= min(ticks) < max(ticks) <= high


def test_a_line_to_compare_with_leaves_the_names_of_the_rows_alone():
    begins = [24.0, 68.0]
    drawn = evidence_page._reference("chance", 50, 0, begins)
    spans = re.findall(r'y1="([\d.]+)" y2="([\d.]+)"', drawn)
    for begin in begins:  # a row's name stands on its first 19 pixels
        assert not any(float(a) < begin + 15 < float(b) for a, b in spans)


def test_a_long_axis_title_is_broken_into_lines_that_fit_on_a_phone():
    record = evidence_page.ledger.load("gradients.rate")
    strip = {**record["strips"][0], "axis": "word " * 20}
    titles = re.findall(r'evidence-title"[^>]*>([^<]*)<', evidence_page._svg(record, strip))
    assert len(titles) > 1
    assert max(map(len, titles)) <= evidence_page.TITLE
