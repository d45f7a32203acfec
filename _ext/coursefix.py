"""What the theme leaves undone for a site that is read from a folder, without a network."""

from __future__ import annotations

import shutil
import sys
from importlib.metadata import files
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).resolve().parent.parent / "code"))  # for autodoc

# Of MathJax's 25 MB a page loads these: the component, its fonts, and the TeX extensions that
# `\require`-less LaTeX reaches by autoloading.
EXTENSIONS = ("bbox", "boldsymbol", "cancel", "color", "enclose", "mathtools")
MATHJAX = (
    "tex-chtml.js",
    "output/chtml/fonts/woff-v2/*.woff",
    *(f"input/tex/extensions/{name}.js" for name in EXTENSIONS),
)


def unique_scripts(app, pagename, templatename, context: dict[str, Any], doctree) -> None:
    """Drop second copies of a script.

    Sphinx 7.4 emits scripts that have only a body twice, and a second ``const`` is a page error.
    """
    scripts = context.get("script_files", [])
    bodies = [getattr(script, "attributes", {}).get("body") or str(script) for script in scripts]
    context["script_files"] = [s for i, s in enumerate(scripts) if bodies[i] not in bodies[:i]]


def plain_bibliography(app, pagename, templatename, context: dict[str, Any], doctree) -> None:
    """Drop the ARIA roles that docutils gives a bibliography: one deprecated, one incomplete."""
    if "citation-list" in context.get("body", ""):
        body = context["body"].replace(' role="doc-biblioentry"', "")
        context["body"] = body.replace('<div role="list" class="citation-list">', "<div>")


def public_name(app, env, node, contnode):
    """Resolve a type by the name it is documented under.

    A signature says ``unrolled.training.fitting.History``, the page ``unrolled.training.History``.
    """
    *modules, name = node.get("reftarget", "").split(".")
    if node.get("refdomain") != "py" or modules[:1] != ["unrolled"]:
        return None
    domain = env.get_domain("py")
    for depth in range(len(modules) - 1, 0, -1):
        shorter = ".".join([*modules[:depth], name])
        if shorter in domain.objects:
            place = node["refdoc"], app.builder, node["reftype"]
            return domain.resolve_xref(env, *place, shorter, node, contnode)
    return None


def finish_site(app, error: Exception | None) -> None:
    """Copy MathJax beside the pages and delete the source maps, half the site's weight.

    Not under ``_static``: Jupyter Book loads every script it finds there into every page.
    """
    if error or app.builder.format != "html":
        return
    site = Path(app.outdir)
    for source, name in mathjax_files():
        target = site / "mathjax" / name
        if target.exists():
            continue
        target.parent.mkdir(parents=True, exist_ok=True)
        shutil.copyfile(source, target)
    for source_map in site.glob("_static/**/*.map"):
        source_map.unlink()


def mathjax_files() -> list[tuple[Path, Path]]:
    """Pair each needed file of the sphinx-mathjax-offline package with its place in the site."""
    found = []
    for file in files("sphinx-mathjax-offline") or ():
        _, inside, name = file.as_posix().partition("/mathjax/")
        if inside and any(Path(name).match(pattern) for pattern in MATHJAX):
            found.append((Path(str(file.locate())), Path(name)))
    if not any(name.name == "tex-chtml.js" for _, name in found):
        raise FileNotFoundError("sphinx-mathjax-offline is installed without tex-chtml.js")
    return found


def setup(app) -> dict[str, bool]:
    """Connect the steps."""
    app.connect("html-page-context", unique_scripts, priority=900)
    app.connect("html-page-context", plain_bibliography)
    app.connect("missing-reference", public_name)
    app.connect("build-finished", finish_site)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
