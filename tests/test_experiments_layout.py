"""Where experiments stand: a claim is a file, and a file is read in one sitting."""

import ast
import re
from importlib import import_module
from pathlib import Path

import pytest

from unrolled import experiments
from unrolled.core.book import chapters

ROOM = Path(experiments.__file__).parent
FOLDERS = [ROOM / chapter for chapter in chapters() if (ROOM / chapter).is_dir()]
CLAIMS = [path for folder in FOLDERS for path in sorted(folder.glob("[!_]*.py"))]
LONGEST = 450


def name(path):
    return f"{path.parent.name}.{path.stem}"


def offered(folder):
    """Return what a chapter's ``__init__`` offers; fail where it does more than that."""
    docstring, *imports = ast.parse((folder / "__init__.py").read_text(encoding="utf-8")).body
    assert isinstance(docstring, ast.Expr)
    assert all(isinstance(each, ast.ImportFrom) for each in imports)
    aliases = [alias for each in imports for alias in each.names]
    assert all(alias.name == alias.asname for alias in aliases)
    return {alias.name for alias in aliases}


def test_there_are_claims():
    assert len(CLAIMS) >= 42


@pytest.mark.parametrize("path", CLAIMS, ids=name)
def test_a_file_is_a_claim_whose_id_is_its_path(path):
    claim = import_module(f"unrolled.experiments.{name(path)}").CLAIM
    assert claim.id == name(path)
    assert path.read_text(encoding="utf-8").count("\nCLAIM = Claim(") == 1


@pytest.mark.parametrize("folder", FOLDERS, ids=lambda folder: folder.name)
def test_a_chapter_offers_what_its_page_calls_and_no_more(folder):
    pages = Path(experiments.__file__).parents[3] / "chapters"
    text = "".join(page.read_text(encoding="utf-8") for page in pages.glob(f"{folder.name}*.md"))
    called = set(re.findall(r"(?<!unrolled\.)\bexperiments\.(\w+)", text))
    for names in re.findall(rf"from unrolled\.experiments\.{folder.name} import (.+)", text):
        called |= set(names.split(", "))
    assert offered(folder) == called
    assert not offered(folder) & {path.stem for path in folder.glob("*.py")}  # a claim stays a file


@pytest.mark.parametrize(
    "path", sorted(ROOM.rglob("*.py")), ids=lambda path: path.relative_to(ROOM).as_posix()
)
def test_a_file_is_read_in_one_sitting(path):
    assert len(path.read_text(encoding="utf-8").splitlines()) <= LONGEST
