"""What a page costs its reader."""

import sys
from pathlib import Path

import pytest
from docutils import nodes

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "_ext"))

import page_cost


def page(*children):
    document = nodes.document(None, None)
    section = nodes.section("", nodes.title("", "A page"), *children)
    document += section
    return document


def words(count):
    return nodes.paragraph("", " ".join(["word"] * count))


def cell(tag, *parts):
    return nodes.container("", *parts, classes=["cell", tag])


def part(of, *children):
    return nodes.container("", *children, classes=[f"cell_{of}"])


CODE = nodes.literal_block("", "a\nb\nc")
FIGURE = nodes.figure("", nodes.image(), nodes.caption("", "said below it"))


@pytest.mark.parametrize(
    ("children", "expected"),
    [
        ([words(5)], {"words": 5}),
        ([nodes.admonition("", words(4), classes=["dropdown"])], {}),
        ([nodes.container("", words(4), classes=["sd-dropdown"])], {}),
        ([nodes.admonition("", words(4), claim="a.b")], {"words": 4, "claims": 1}),
        ([nodes.raw("", "<details>", format="html"), words(9), nodes.raw("", "</details>")], {}),
        ([cell("", part("input", CODE), part("output", FIGURE))], {"lines": 3, "figures": 1}),
        ([cell("tag_hide-input", part("input", CODE), part("output", FIGURE))], {"figures": 1}),
        ([cell("tag_hide-output", part("input", CODE), part("output", FIGURE))], {"lines": 3}),
        ([nodes.math_block("", "x = y z"), nodes.math("", "a b")], {"equations": 1}),
        ([nodes.section("", nodes.title("", "Derive (8 min)"))], {"words": 3, "exercises": 8}),
    ],
)
def test_what_stands_open_is_counted(children, expected):
    found = page_cost.cost(page(*(child.deepcopy() for child in children)))
    nothing = page_cost.Cost(2, 0, 0, 0, 0, 0)  # but for the title
    expected = {**expected, "words": 2 + expected.get("words", 0)}
    assert found == nothing._replace(**expected)


def test_minutes_grow_with_all_that_is_read():
    least = page_cost.Cost(1400, 4, 3, 40, 0, 0)
    assert least.minutes == 13
    for name in ("words", "equations", "figures", "lines"):
        assert least._replace(**{name: 10 * getattr(least, name)}).minutes > least.minutes


@pytest.mark.parametrize(("name", "warned"), [("rnn", True), ("rnn_elman", False)])
def test_a_lecture_that_is_too_long_is_a_warning_and_a_study_is_not(name, warned, monkeypatch):
    said = []
    monkeypatch.setattr(page_cost.logger, "warning", lambda text, *of, **_: said.append(text % of))
    document = page(words(4001))
    page_cost.say(None, document, f"chapters/{name}")
    assert document[0][1].astext() == "29 min to read"
    expected = "a lecture has at most 4000 words, this page has 4003: move some to a study"
    assert said == ([expected] if warned else [])
    page_cost.say(None, page(words(9999)), "api")
    assert len(said) == warned


def test_the_minutes_of_an_exercise_stay_on_one_line():
    document = page(words(1), nodes.section("", nodes.title("", "Derive (8 min)")))
    page_cost.say(None, document, "chapters/a_study")
    assert [title.astext() for title in document.findall(nodes.title)] == [
        "A page",
        "Derive (8\N{NO-BREAK SPACE}min)",
    ]
