"""The built site in a browser: every page, light and dark, on a desk and on a phone."""

import re

import pytest
from axe_playwright_python.sync_playwright import Axe

from browser import SITE, THEMES, WIDTHS, browser, chromium, context, pages, visit

AXE = {"resultTypes": ["violations"], "preload": False}  # files cannot be fetched
WCAG = ["wcag2a", "wcag2aa", "wcag21a", "wcag21aa", "wcag22a", "wcag22aa"]
CONTRAST = "color-contrast"
SETTINGS = [(theme, width) for theme in THEMES for width in WIDTHS]
# The thousandth keyword of a page's listings looks as the first did: mark one text of each look.
MARK_LOOKS = """() => {
    const backdrop = (element) => {
        const {backgroundColor, backgroundImage} = getComputedStyle(element)
        const seen = backgroundColor !== "rgba(0, 0, 0, 0)" || backgroundImage !== "none"
        return seen || !element.parentElement
            ? [element.className, backgroundColor, backgroundImage]
            : backdrop(element.parentElement)
    }
    const looks = new Set()
    for (const element of document.querySelectorAll("body *")) {
        element.removeAttribute("data-look")
        const words = (node) => node.nodeType === Node.TEXT_NODE && node.data.trim()
        if (![...element.childNodes].some(words)) continue
        const {color, opacity, fontSize, fontWeight, textShadow} = getComputedStyle(element)
        const names = [element.tagName, element.className, element.parentElement.className]
        const ink = [color, opacity, fontSize, fontWeight, textShadow]
        const look = [names, ink, backdrop(element)].join()
        if (looks.has(look)) continue
        looks.add(look)
        element.dataset.look = ""
    }
    return looks.size
}"""


@pytest.fixture(scope="session")
def running():
    assert pages(), "the book is not built: make book"
    assert chromium(), "no Chromium is installed: sudo apt-get install chromium"
    with browser() as started:
        yield started


@pytest.fixture(scope="session")
def windows(running):
    return {setting: context(running, *setting) for setting in SETTINGS}


class Watched:
    """A browser page, and what it asked of the network or complained about."""

    def __init__(self, window):
        self.page = window.new_page()
        self.trouble = []
        self.page.on("request", self.on_request)
        self.page.on("requestfailed", lambda r: self.trouble.append(f"did not load: {r.url}"))
        self.page.on("pageerror", lambda error: self.trouble.append(f"page error: {error}"))
        self.page.on("console", self.on_console)

    def on_request(self, request):
        if not request.url.startswith(("file:", "data:", "blob:")):
            self.trouble.append(f"asked another host: {request.url}")

    def on_console(self, message):
        if message.type in ("error", "warning"):
            self.trouble.append(f"console {message.type}: {message.text}")


@pytest.fixture
def watch(windows):
    opened = []

    def open_page(theme, width):
        opened.append(Watched(windows[theme, width]))
        return opened[-1]

    yield open_page
    for watched in opened:
        watched.page.close()
    assert [trouble for watched in opened for trouble in watched.trouble] == []


@pytest.mark.parametrize("width", WIDTHS)
@pytest.mark.parametrize("name", pages() or ["intro.html"])
def test_page_is_accessible_offline_and_fits(watch, name, width):
    page = watch("light", width).page
    visit(page, name)
    page.evaluate("document.querySelectorAll('details').forEach(d => { d.open = true })")
    page.evaluate("document.querySelectorAll('.toggle-button-hidden').forEach(e => e.click())")
    excess = page.evaluate("document.documentElement.scrollWidth - window.innerWidth")
    assert excess <= 0, f"{name} is {excess} px too wide for {width} px"
    rules = AXE | {"runOnly": WCAG, "rules": {CONTRAST: {"enabled": False}}}
    found = Axe().run(page, options=rules)
    assert found.violations_count == 0, found.generate_report()
    for theme in THEMES:
        page.emulate_media(color_scheme=theme)
        page.locator(f"html[data-theme={theme}]").wait_for()
        found = contrast(page)
        assert found.violations_count == 0, f"{theme}: {found.generate_report()}"


def contrast(page):
    """Check the colours of one text of each look, which is quicker than of all."""
    assert page.evaluate(MARK_LOOKS) > 0
    return Axe().run(page, {"include": [["[data-look]"]]}, AXE | {"runOnly": [CONTRAST]})


@pytest.mark.parametrize("theme", THEMES)
@pytest.mark.parametrize(
    "how", ["color: #777; background: #888", "opacity: 0.3", "color: inherit; background: grey"]
)
def test_a_word_that_is_hard_to_read_is_found(watch, how, theme):
    page = watch(theme, 1280).page
    visit(page, "chapters/windows.html")
    assert contrast(page).violations_count == 0
    words = page.locator(".highlight span.n:visible")
    words.nth(words.count() // 2).evaluate("(word, how) => { word.style = how }", how)
    assert contrast(page).violations_count == 1


def test_index_leads_to_the_first_page(watch):
    page = watch("light", 1280).page
    page.goto((SITE / "index.html").as_uri(), wait_until="commit")
    page.wait_for_url("**/intro.html")
    assert page.get_by_role("heading", level=1).count() == 1


@pytest.mark.parametrize("width", WIDTHS)
def test_search_finds_a_word(watch, width):
    page = watch("light", width).page
    visit(page, "intro.html")
    page.keyboard.press("Control+k")
    page.keyboard.type("window")
    page.keyboard.press("Enter")
    page.wait_for_url(re.compile(r"search\.html\?q=window"))
    found = page.locator("#search-results a[href*='chapters/windows']")
    found.first.wait_for()
    found.first.click()
    page.wait_for_url("**/chapters/windows.html*")


def test_theme_switch_is_kept_on_the_next_page(watch):
    page = watch("light", 1280).page
    visit(page, "intro.html")
    button = page.locator(".theme-switch-button:visible").first
    for _ in range(3):  # light, dark, auto
        button.click()
        if page.evaluate("document.documentElement.dataset.mode") == "dark":
            break
    visit(page, "notation.html")
    assert page.evaluate("document.documentElement.dataset.theme") == "dark"
    page.evaluate("localStorage.clear()")  # the window is shared


@pytest.mark.parametrize("theme", THEMES)
def test_formulas_are_typeset(watch, theme):
    page = watch(theme, 1280).page
    visit(page, "notation.html")
    assert page.locator("mjx-container").count() > 0
    assert page.locator("mjx-merror").count() == 0
    assert SITE.joinpath("mathjax", "tex-chtml.js").is_file()
