"""Check the built site without a network: links, anchors, images, alt texts, ids, outside loads.

python tools/check_site.py [folder]
"""

from __future__ import annotations

import re
import sys
from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from urllib.parse import unquote, urlsplit

from bs4 import BeautifulSoup, Tag

SITE = Path(__file__).resolve().parent.parent / "_build" / "html"
ALT_LENGTH = 20
LOADS = {"img": "src", "script": "src", "link": "href", "iframe": "src", "source": "src"}
CSS_LOAD = re.compile(r"""(?:url\(|@import)\s*["']?((?:https?:)?//[^"')\s]+)""")


def problems(site: Path) -> Iterator[str]:
    """Yield what is wrong, each with the page it is on."""
    pages = {
        path: BeautifulSoup(path.read_text(encoding="utf-8"), "html.parser")
        for path in sorted(site.rglob("*.html"))
        if path.relative_to(site).parts[0] not in ("_static", "_sources")
    }
    if not pages:
        yield f"{site}: no page; build the book first: make book"
    anchors = {path: ids(soup) for path, soup in pages.items()}
    for path, soup in pages.items():
        page = path.relative_to(site).as_posix()
        for identity, count in anchors[path].items():
            if count > 1:
                yield f"{page}: id {identity!r} stands {count} times"
        for link in soup.select("a[href]"):
            if wrong := broken(str(link["href"]), path, anchors):
                yield f"{page}: link {link['href']!r}: {wrong}"
        for tag in soup.find_all(list(LOADS)):
            yield from (f"{page}: {wrong}" for wrong in bad_load(tag, path))
        for image in soup.find_all("img"):
            if wrong := bad_alt(image):
                yield f"{page}: image {image.get('src')!r}: {wrong}"
    for path in sorted(site.rglob("*.css")):
        for load in CSS_LOAD.findall(path.read_text(encoding="utf-8")):
            yield f"{path.relative_to(site)}: loads {load}"


def ids(soup: BeautifulSoup) -> Counter[str]:
    """Count the places that a link can lead to."""
    return Counter(str(tag["id"]) for tag in soup.select("[id]"))


def broken(href: str, page: Path, anchors: dict[Path, Counter[str]]) -> str:
    """Say why a link of a page leads nowhere; "" if it does, or leads to another host."""
    parts = urlsplit(href)
    if parts.scheme or parts.netloc:
        return ""
    target = (page.parent / unquote(parts.path)).resolve() if parts.path else page
    if not target.is_file():
        return "no such file"
    anchor = unquote(parts.fragment)
    if anchor and target in anchors and anchor not in anchors[target]:
        return "no such anchor"
    return ""


def bad_load(tag: Tag, page: Path) -> Iterator[str]:
    """Say what a tag loads from another host, or from nowhere."""
    address = str(tag.get(LOADS[tag.name], ""))
    if tag.name == "link" and not {"stylesheet", "icon", "preload"} & set(tag.get("rel") or ()):
        return
    parts = urlsplit(address)
    if parts.netloc or parts.scheme in ("http", "https"):
        yield f"<{tag.name}> loads {address}"
    elif parts.path and not parts.scheme and not (page.parent / unquote(parts.path)).is_file():
        yield f"<{tag.name}> loads {address}, which does not exist"


def bad_alt(image: Tag) -> str:
    """Say what is wrong with an image's alternative text; "" if nothing."""
    alt = str(image.get("alt", "")).strip()
    if not alt:
        return "it has no alt text"
    if "_images/" not in str(image.get("src")):
        return ""  # a sign of the theme's, not a figure of the book's
    if len(alt) < ALT_LENGTH:
        return f"its alt text must say what it shows in {ALT_LENGTH} characters or more: {alt!r}"
    caption = image.find_parent("figure")
    text = caption.select_one(".caption-text") if caption else None
    if text and text.get_text(strip=True).rstrip("#") == alt:
        return "its alt text repeats the caption"
    return ""


def main(arguments: list[str]) -> int:
    """Print every problem; return 1 if there is one."""
    site = Path(arguments[0]).resolve() if arguments else SITE
    found = list(problems(site))
    print(*found or ["no problem found"], sep="\n")
    return 1 if found else 0


if __name__ == "__main__":
    raise SystemExit(main(sys.argv[1:]))
