"""The notebook tool, on small books of its own."""

import importlib.util
import json
import shutil
import subprocess
import sys
from pathlib import Path

import nbformat
import pytest

ROOT = Path(__file__).resolve().parent.parent

ONE = """\
# One

Some text.

```{code-cell} ipython3
import os
from unrolled import direct

print(direct.value(), os.environ["UNROLLED_PROGRESS"], os.environ["OMP_NUM_THREADS"])
```

```{code-cell} ipython3
:tags: [hide-input]
1 + 1
```

+++

```{code-cell} ipython3
:tags: [hide-input]
1 + 1
```
"""

TWO = """\
# Two

```{code-cell} ipython3
%config InlineBackend.figure_formats = ["svg"]
import matplotlib.pyplot as plt
plt.rcParams["svg.hashsalt"] = "two"
plt.plot([1, 2])
plt.show()
```
"""

PACKAGE = {
    "__init__.py": "",
    "direct.py": "def value():\n    from .inner import VALUE\n    return VALUE\n",
    "inner.py": "VALUE = 3\n",
    "unused.py": "",
}


def make(folder, chapters):
    """Write a book: the tool, a package and some chapters."""
    for name in ("conftest.py", "tools/nb.py"):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    sources = "code/unrolled/_sources"
    shutil.copytree(ROOT / sources, folder / sources, ignore=shutil.ignore_patterns("*.pyc"))
    for name, text in PACKAGE.items():
        (folder / "code" / "unrolled" / name).write_text(text)
    (folder / "chapters").mkdir()
    for name, text in chapters.items():
        (folder / "chapters" / f"{name}.md").write_text(text)
    return folder


def run(book, *arguments):
    command = [sys.executable, "tools/nb.py", *arguments]
    return subprocess.run(command, cwd=book, text=True, capture_output=True, check=False)


def load(book):
    """Import a book's own copy of the tool."""
    spec = importlib.util.spec_from_file_location("nb_of_a_book", book / "tools" / "nb.py")
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up
    spec.loader.exec_module(module)
    return module


def state(book, name="one"):
    return load(book).read(book / "chapters" / f"{name}.md").state


def edit(path, old, new):
    text = path.read_text()
    assert old in text
    path.write_text(text.replace(old, new, 1))


@pytest.fixture(scope="module")
def built(tmp_path_factory):
    book = make(tmp_path_factory.mktemp("built"), {"one": ONE, "two": TWO})
    done = run(book, "build")
    assert done.returncode == 0, done.stdout + done.stderr
    return book


@pytest.fixture
def book(built, tmp_path):
    return Path(shutil.copytree(built, tmp_path / "book"))


def test_build_executes_and_check_agrees(book):
    cells = nbformat.read(book / "chapters" / "one.ipynb", as_version=4).cells
    code = [cell for cell in cells if cell.cell_type == "code"]
    assert code[0].outputs[0].text == "3 0 1\n"
    assert [cell.execution_count for cell in code] == [1, 2, 3]
    done = run(book, "check")
    assert (done.returncode, done.stdout) == (0, "2 notebooks agree with their sources\n")


def test_second_build_touches_nothing(book):
    before = {path: path.stat().st_mtime_ns for path in sorted(book.glob("chapters/*"))}
    done = run(book, "build")
    assert done.returncode == 0
    assert done.stdout.count("up to date") == 2
    assert {path: path.stat().st_mtime_ns for path in sorted(book.glob("chapters/*"))} == before


def test_forced_build_writes_the_same_bytes(book):
    before = {path: path.read_bytes() for path in book.glob("chapters/*.ipynb")}
    done = run(book, "build", "--force")
    assert "2 executed, 0 failed" in done.stdout
    assert {path: path.read_bytes() for path in book.glob("chapters/*.ipynb")} == before


def test_ids_are_unique_though_cells_are_equal(book):
    ids = [cell.id for cell in nbformat.read(book / "chapters" / "one.ipynb", as_version=4).cells]
    assert len(set(ids)) == len(ids) == 4


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("Some text.", "Other text."),
        ("# One", "# Eins\n\n## Zwei"),
        ("import os\n", "---\nmystnb: {image: {alt: x}}\n---\nimport os\n"),
    ],
)
def test_change_of_text_keeps_outputs(book, old, new):
    notebook = book / "chapters" / "one.ipynb"
    before = nbformat.read(notebook, as_version=4)
    edit(book / "chapters" / "one.md", old, new)
    assert state(book) == "prose"
    nb = load(book)
    assert nb.check(nb.find([])) == 1
    assert nb.build(nb.find(["one"]), force=False) == 0
    assert state(book) == "ok"
    after = nbformat.read(notebook, as_version=4)
    assert nb.outputs_digest(after) == nb.outputs_digest(before)
    assert new.split("\n")[0].lstrip("# ") in notebook.read_text() or "alt" in notebook.read_text()


@pytest.mark.parametrize(
    ("file", "old", "new", "expected"),
    [
        ("chapters/one.md", "1 + 1", "1 + 2", "stale"),
        ("chapters/one.md", "1 + 1\n```\n", "1\n```\n\n```{code-cell}\n2\n```\n", "stale"),
        ("chapters/one.md", "[hide-input]", "[raises-exception]", "stale"),
        ("code/unrolled/direct.py", "return VALUE", "return -VALUE", "stale"),
        ("code/unrolled/inner.py", "3", "4", "stale"),  # imported inside a function
        ("code/unrolled/__init__.py", "", "X = 1\n", "stale"),
        ("code/unrolled/unused.py", "", "X = 1\n", "ok"),
        ("chapters/two.md", "[1, 2]", "[2, 1]", "ok"),
    ],
)
def test_what_makes_a_chapter_stale(book, file, old, new, expected):
    edit(book / file, old, new)
    assert state(book) == expected


def test_stale_chapter_alone_is_executed_again(book):
    edit(book / "code" / "unrolled" / "inner.py", "3", "4")
    assert "unrolled/inner.py" in run(book, "check").stdout
    done = run(book, "build")
    assert done.returncode == 0
    assert "chapters/two.ipynb: up to date" in done.stdout
    assert '"4 0 1\\n"' in (book / "chapters" / "one.ipynb").read_text()


def set_output(notebook):
    notebook["cells"][1]["outputs"][0]["text"] = ["5 0 1\n"]


def set_count(notebook):
    notebook["cells"][1]["execution_count"] = 9


def set_markdown(notebook):
    notebook["cells"][0]["source"] = ["# Another title"]


def set_code(notebook):
    notebook["cells"][1]["source"] += ["\nprint()"]


def set_id(notebook):
    notebook["cells"][0]["id"] = "mine"


def set_kernel(notebook):
    notebook["metadata"]["kernelspec"]["name"] = "other"


def forget_digests(notebook):
    del notebook["metadata"]["unrolled"]


def drop_cell(notebook):
    del notebook["cells"][-1]


def drop_outputs(notebook):
    del notebook["cells"][1]["outputs"]


def add_cell(notebook):
    extra = dict(notebook["cells"][1], id="extra")
    notebook["cells"].append(extra)


@pytest.mark.parametrize(
    "tamper",
    [
        set_output,
        set_count,
        set_markdown,
        set_code,
        set_id,
        set_kernel,
        forget_digests,
        drop_cell,
        drop_outputs,
        add_cell,
    ],
)
def test_check_finds_an_edited_notebook(book, tamper, capsys):
    path = book / "chapters" / "one.ipynb"
    notebook = json.loads(path.read_text())
    tamper(notebook)
    path.write_text(json.dumps(notebook, indent=1, ensure_ascii=False) + "\n")
    nb = load(book)
    assert nb.check(nb.find([])) == 1
    assert "chapters/one.ipynb: " in capsys.readouterr().out


@pytest.mark.parametrize("text", ["", "{", "[]", "{}", "<<<<<<< HEAD"])
def test_check_finds_a_broken_notebook(book, text):
    (book / "chapters" / "one.ipynb").write_text(text)
    assert state(book) == "stale"


def test_check_finds_missing_and_stray_notebooks(book, capsys):
    (book / "chapters" / "one.ipynb").rename(book / "chapters" / "stray.ipynb")
    nb = load(book)
    assert nb.check(nb.find([])) == 2
    said = capsys.readouterr().out
    assert "chapters/one.ipynb: it does not exist" in said
    assert "chapters/stray.ipynb: has no .md" in said


def test_failing_cell_is_shown_and_leaves_the_notebook(book):
    edit(book / "chapters" / "one.md", "1 + 1", "1 / 0  # on purpose")
    edit(book / "chapters" / "two.md", "[1, 2]", "[2, 1]")
    before = (book / "chapters" / "one.ipynb").read_bytes()
    done = run(book, "build")
    assert done.returncode == 1
    for text in ("chapters/one.md: a cell failed", "1 / 0  # on purpose", "ZeroDivisionError"):
        assert text in done.stdout
    assert "1 executed, 1 failed" in done.stdout
    assert (book / "chapters" / "one.ipynb").read_bytes() == before
    assert state(book, "two") == "ok"
    assert not list(book.glob("chapters/*.tmp"))


@pytest.mark.parametrize(
    ("code", "complaint"),
    [
        ("import warnings; warnings.warn('careful')", "stderr"),
        ("object()", "0x"),
        ("from pathlib import Path; print(Path.cwd().parent)", "differs from run to run"),
        ("import time; time.sleep(60)", "more than 2 s"),
        ("import os; os._exit(1)", "DeadKernelError"),
    ],
)
def test_outputs_that_cannot_be_stored_are_refused(tmp_path, code, complaint):
    book = make(tmp_path, {"one": f"# One\n\n```{{code-cell}} ipython3\n{code}\n```\n"})
    edit(book / "tools" / "nb.py", "CELL_SECONDS = 600", "CELL_SECONDS = 2")
    done = run(book, "build")
    assert done.returncode == 1
    assert code in done.stdout
    assert complaint in done.stdout
    assert not (book / "chapters" / "one.ipynb").exists()


def test_widgets_are_refused():
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "bar"}
    output = nbformat.v4.new_output("display_data", data)
    cell = nbformat.v4.new_code_cell("progress()", outputs=[output])
    assert "widget" in load(ROOT).unstable(cell)


def notebook_of(folder, cell):
    """Write a book with one cell, three exercise modules and three records."""
    book = make(folder, {"one": f"# One\n\n```{{code-cell}} ipython3\n{cell}\n```\n"})
    package = book / "code" / "unrolled"
    for name in ("exercises/__init__", "exercises/one", "exercises/third", "experiments/ledger"):
        (package / f"{name}.py").parent.mkdir(exist_ok=True)
        (package / f"{name}.py").write_text("")
    (package / "experiments" / "__init__.py").write_text("")
    (book / "evidence").mkdir()
    for name in ("one.claim", "other.claim", "third.claim"):
        (book / "evidence" / f"{name}.json").write_text("{}")
    return book


def depends_on(book):
    found = load(book).from_source(book / "chapters" / "one.md").metadata.unrolled["files"]
    return {name for name in found if not name.endswith("__init__.py")}


def test_exercises_and_evidence_named_in_cells_count(tmp_path):
    cell = "from unrolled.exercises import check\nfrom unrolled.experiments import ledger\n"
    cell += 'check("one.sum", sum)\nledger.load("other.claim")'
    assert depends_on(notebook_of(tmp_path, cell)) == {
        "code/unrolled/exercises/one.py",
        "code/unrolled/experiments/ledger.py",
        "evidence/one.claim.json",
        "evidence/other.claim.json",
    }


@pytest.mark.parametrize(
    "check", ["import unrolled; check = unrolled.check", "from unrolled import check as judge"]
)
def test_exercises_count_however_check_was_imported(tmp_path, check):
    book = notebook_of(tmp_path, f'{check}\nprint("one.sum", "nowhere.sum")')
    assert depends_on(book) == {"code/unrolled/exercises/one.py"}


@pytest.mark.parametrize(
    "text",
    ["x" * 320, "x." + "y" * 320, "one.y. In words.", "../one.claim", "one", "a\0b.c", ""],
    ids=["long", "long name", "prose", "path", "no exercise", "NUL", "empty"],
)
def test_strings_that_name_nothing_are_left_alone(tmp_path, text):
    cell = (
        f"from unrolled.exercises import check\nfrom unrolled.experiments import ledger\n{text!r}"
    )
    assert depends_on(notebook_of(tmp_path, cell)) == {
        "code/unrolled/experiments/ledger.py",
        "evidence/one.claim.json",
    }


def test_unknown_chapter_is_named(book):
    done = run(book, "build", "three")
    assert done.returncode == 1
    assert "no chapter three; there are: one, two" in done.stderr


def test_broken_cell_names_its_chapter(book):
    edit(book / "chapters" / "one.md", "1 + 1", "1 +")
    done = run(book, "check")
    assert done.returncode == 1
    assert "chapters/one.md" in done.stderr


def test_interrupted_write_leaves_the_old_file(tmp_path, monkeypatch):
    path = tmp_path / "one.ipynb"
    path.write_text("old")
    monkeypatch.setattr(Path, "replace", lambda *_: (_ for _ in ()).throw(KeyboardInterrupt))
    with pytest.raises(KeyboardInterrupt):
        load(ROOT).write(path, "new")
    assert path.read_text() == "old"
