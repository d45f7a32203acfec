"""Photograph every page of the built site, light and dark, on a desk and on a phone.

python tools/screenshots.py [folder] [--pages intro.html ...] [--fold]
"""

from __future__ import annotations

import argparse
from pathlib import Path

from browser import SITE, THEMES, WIDTHS, browser, context, pages, visit


def main() -> None:
    """Read the command line and write one PNG a page and setting."""
    parser = argparse.ArgumentParser(description=__doc__.partition("\n")[0])
    parser.add_argument("folder", nargs="?", type=Path, default=SITE.parent / "screenshots")
    parser.add_argument("--pages", nargs="+", default=pages(), help="all if none is named")
    parser.add_argument("--fold", action="store_true", help="only what the first screen shows")
    arguments = parser.parse_args()
    arguments.folder.mkdir(parents=True, exist_ok=True)
    with browser() as running:
        for theme in THEMES:
            for width in WIDTHS:
                page = context(running, theme, width).new_page()
                for name in arguments.pages:
                    visit(page, name)
                    stem = name.removesuffix(".html").replace("/", "-")
                    target = arguments.folder / f"{stem}-{theme}-{width}.png"
                    page.screenshot(path=target, full_page=not arguments.fold)
                    print(target)


if __name__ == "__main__":
    main()
