"""The site checker, on small sites with one thing wrong."""

import pytest

from check_site import problems

ALT = "A line that rises over thirty steps"
GOOD = f"""
<link rel="stylesheet" href="look.css">
<h1 id="top">Title</h1>
<a href="#top">up</a> <a href="other.html#there">there</a> <a href="https://doi.org/10.1/x">paper</a>
<figure><img src="_images/plot.svg" alt="{ALT}"><figcaption>
<span class="caption-text">A caption.</span></figcaption></figure>
"""


@pytest.fixture
def site(tmp_path):
    (tmp_path / "_images").mkdir()
    (tmp_path / "_images" / "plot.svg").write_text("<svg/>")
    (tmp_path / "look.css").write_text("p { color: red }")
    (tmp_path / "index.html").write_text(GOOD)
    (tmp_path / "other.html").write_text('<p id="there">There.</p>')
    return tmp_path


def test_good_site_has_no_problem(site):
    assert list(problems(site)) == []


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ("other.html#there", "gone.html", "no such file"),
        ("other.html#there", "other.html#gone", "no such anchor"),
        ("#top", "#bottom", "no such anchor"),
        ("<h1", '<p id="top"></p><h1', "id 'top' stands 2 times"),
        (f' alt="{ALT}"', "", "no alt text"),
        (f'alt="{ALT}"', 'alt="a plot"', "20 characters"),
        ("A caption.", ALT, "repeats the caption"),
        ("_images/plot.svg", "_images/gone.svg", "does not exist"),
        ("_images/plot.svg", "https://example.org/plot.svg", "loads https://example.org"),
        ("_images/plot.svg", "//example.org/plot.svg", "loads //example.org"),
        ('href="look.css"', 'href="https://example.org/a.css"', "loads https://example.org"),
        ("<h1", '<script src="gone.js"></script><h1', "does not exist"),
    ],
)
def test_each_fault_is_found_and_named(site, old, new, complaint):
    assert old in GOOD
    (site / "index.html").write_text(GOOD.replace(old, new))
    (found,) = problems(site)
    assert found.startswith("index.html: ")
    assert complaint in found


@pytest.mark.parametrize(
    "css",
    ["@import 'https://example.org/a.css';", "p { background: url(//example.org/a.png) }"],
)
def test_style_that_loads_from_elsewhere_is_found(site, css):
    (site / "look.css").write_text(css)
    (found,) = problems(site)
    assert "example.org" in found


def test_empty_site_is_a_problem(tmp_path):
    (found,) = problems(tmp_path)
    assert "make book" in found
