"""The built site in a browser: Debian's Chromium, driven by Playwright, without a network."""

from __future__ import annotations

import os
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from playwright.sync_api import Browser, BrowserContext, Page, sync_playwright

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
THEMES = ("light", "dark")
WIDTHS = (1280, 390)


def chromium() -> str | None:
    """Return the path of an installed Chromium or Chrome; ``CHROMIUM`` names another one."""
    named = os.environ.get("CHROMIUM")
    return named or next(
        filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None
    )


def pages(site: Path = SITE) -> list[str]:
    """Return every page of the site; ``index.html`` only leads to the first."""
    found = (path.relative_to(site) for path in site.rglob("*.html"))
    return sorted(p.as_posix() for p in found if p.parts[0][0] != "_" and p.name != "index.html")


@contextmanager
def browser() -> Iterator[Browser]:
    """Start Chromium with every host name unknown."""
    with sync_playwright() as playwright:
        arguments = ["--no-sandbox", "--host-resolver-rules=MAP * ~NOTFOUND"]
        running = playwright.chromium.launch(executable_path=chromium(), args=arguments)
        yield running
        running.close()


def context(running: Browser, theme: str, width: int) -> BrowserContext:
    """Open a window of one theme and width; 390 px is a phone."""
    height = 844 if width < 600 else 900
    return running.new_context(
        viewport={"width": width, "height": height},
        color_scheme=theme,  # type: ignore[arg-type]
        reduced_motion="reduce",
    )


def visit(page: Page, name: str, site: Path = SITE) -> None:
    """Open a page of the site and wait until its formulas are set."""
    page.goto((site / name).as_uri())
    page.evaluate("() => window.MathJax?.startup?.promise")
