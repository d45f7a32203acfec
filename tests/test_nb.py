"""The notebook tool, on small books of its own."""

import contextlib
import importlib.util
import io
import json
import os
import shutil
import signal
import subprocess
import sys
import time
from pathlib import Path

import nbformat
import pytest

import extras

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
    "direct.py": "def value():\n    from .inner import VALUE\n    return VALUE\n\n"
    "def other():\n    return 5\n",
    "inner.py": "VALUE = 3\nOTHER = 5\n",
    "unused.py": "",
}


def make(folder, chapters):
    """Write a book: the tool, a package and some chapters."""
    core = (f"code/unrolled/core/{name}.py" for name in ("files", "kinds", "processes"))
    for name in ("conftest.py", "tools/nb.py", "tools/machine.py", "tools/extras.py", *core):
        (folder / name).parent.mkdir(parents=True, exist_ok=True)
        shutil.copy(ROOT / name, folder / name)
    sources = "code/unrolled/core/sources"
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


def call(book, *arguments):
    """Do here what `run` does, for what executes nothing; return the status and what was said."""
    said = io.StringIO()
    with (
        contextlib.redirect_stdout(said),
        pytest.MonkeyPatch.context() as patch,
    ):
        patch.setattr(sys, "argv", ["tools/nb.py", *arguments])
        return load(book).main(), said.getvalue()


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
    status, said = call(book, "build")
    assert status == 0
    assert said.count("up to date") == 2
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
        ("code/unrolled/inner.py", "5", "6", "ok"),  # beside what is reached
        ("code/unrolled/direct.py", "return 5", "return 6", "ok"),
        ("code/unrolled/direct.py", "return VALUE", "return VALUE  # the value", "ok"),
        ("code/unrolled/__init__.py", "", "X = 1\n", "ok"),
        ("code/unrolled/__init__.py", "", "print()\n", "stale"),
        ("code/unrolled/unused.py", "", "X = 1\n", "ok"),
        ("chapters/two.md", "[1, 2]", "[2, 1]", "ok"),
    ],
)
def test_what_makes_a_chapter_stale(book, file, old, new, expected):
    edit(book / file, old, new)
    assert state(book) == expected


def test_stale_chapter_alone_is_executed_again(book):
    edit(book / "code" / "unrolled" / "inner.py", "3", "4")
    assert "unrolled/inner.py" in call(book, "check")[1]
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


@pytest.mark.parametrize("text", [b"", b"{", b"[]", b"{}", b"null", b"<<<<<<< HEAD", b"\xff"])
def test_check_finds_a_broken_notebook(book, text):
    (book / "chapters" / "one.ipynb").write_bytes(text)
    assert state(book) == "stale"


@pytest.mark.parametrize("value", [None, 3, "x", [], [1], {}])
@pytest.mark.parametrize(
    "place",
    [
        *(["metadata"], ["metadata", "unrolled"], ["metadata", "unrolled", "files"]),
        *(["nbformat"], ["cells"], ["cells", 0], ["cells", 1, "outputs"]),
        *(["metadata", "unrolled", "outputs"], ["cells", 0, "metadata"], ["cells", 0, "source"]),
        *(["metadata", "kernelspec"], ["cells", 1, "execution_count"], ["nbformat_minor"]),
    ],
)
def test_check_finds_a_notebook_with_another_kind_of_value(book, capsys, place, value):
    path = book / "chapters" / "one.ipynb"
    notebook = json.loads(path.read_text())
    part = notebook
    for key in place[:-1]:
        part = part[key]
    part[place[-1]] = value
    path.write_text(json.dumps(notebook))
    nb = load(book)
    assert nb.check(nb.find([])) == 1
    assert "chapters/one.ipynb: " in capsys.readouterr().out


def test_a_folder_in_place_of_a_notebook_is_named(book):
    (book / "chapters" / "one.ipynb").unlink()
    (book / "chapters" / "one.ipynb").mkdir()
    with pytest.raises(SystemExit, match=r"chapters/one\.ipynb: "):
        state(book)


def test_a_page_whose_extra_is_not_there_keeps_what_is_stored(book, monkeypatch):
    monkeypatch.setattr(extras, "lacks", lambda page: "direct" in page)
    edit(book / "chapters" / "one.md", "1 + 1", "1 + 2")
    before = (book / "chapters" / "one.ipynb").read_bytes()
    status, said = call(book, "build")
    assert status == 0
    assert f"one.ipynb: {extras.LACKING}" in said
    assert "two.ipynb: up to date" in said
    assert (book / "chapters" / "one.ipynb").read_bytes() == before


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
    assert {path.suffix for path in book.glob("chapters/*")} == {".md", ".ipynb"}


REFUSED = {
    "import warnings; warnings.warn('careful')": "stderr",
    "object()": "0x",
    "from pathlib import Path; print(Path.cwd().parent)": "differs from run to run",
    "import time; time.sleep(60)": "more than 2 s",
    "import os; os._exit(1)": "DeadKernelError",
}


@pytest.fixture(scope="module")
def refused(tmp_path_factory):
    """Build a book of one refused cell a chapter; return it, and what is said of each chapter."""
    cells = {f"c{k}": f"```{{code-cell}} ipython3\n{code}\n```\n" for k, code in enumerate(REFUSED)}
    book = make(tmp_path_factory.mktemp("refused"), cells)
    edit(book / "tools" / "nb.py", "CELL_SECONDS = 600", "CELL_SECONDS = 2")
    done = run(book, "build")
    assert done.returncode == 1
    assert f"0 executed, {len(REFUSED)} failed" in done.stdout
    _, *said = done.stdout.split("\nchapters/c")
    return book, {f"c{each[0]}": each for each in said if "a cell failed" in each}


@pytest.mark.parametrize(("number", "code"), list(enumerate(REFUSED)), ids=REFUSED.values())
def test_outputs_that_cannot_be_stored_are_refused(refused, number, code):
    book, said = refused
    chapter = f"c{number}"
    assert code in said[chapter]
    assert REFUSED[code] in said[chapter]
    assert not (book / "chapters" / f"{chapter}.ipynb").exists()


class Dying:
    """A client whose kernel dies at its first starts."""

    def __init__(self, deaths):
        self.deaths, self.starts = deaths, 0

    def execute(self):
        self.starts += 1
        if self.starts <= self.deaths:
            raise RuntimeError("Kernel died before replying to kernel_info")


@pytest.mark.parametrize(
    ("deaths", "begun", "starts"), [(0, True, 1), (2, False, 3), (3, False, 3), (1, True, 1)]
)
def test_a_kernel_that_dies_before_any_cell_is_started_anew(deaths, begun, starts):
    client = Dying(deaths)
    dies = deaths and (begun or deaths == starts)
    with pytest.raises(RuntimeError) if dies else contextlib.nullcontext():
        load(ROOT).run_through(client, begun=lambda: begun)
    assert client.starts == starts


def test_widgets_are_refused():
    data = {"application/vnd.jupyter.widget-view+json": {}, "text/plain": "bar"}
    output = nbformat.v4.new_output("display_data", data)
    cell = nbformat.v4.new_code_cell("progress()", outputs=[output])
    assert "widget" in load(ROOT).unstable(cell)


BOOK = {
    "exercises/__init__.py": "import importlib\nfrom .grading import grade\n"
    "def check(name, answer):\n    return grade(find(name), answer)\n"
    "def find(name):\n    return importlib.import_module(f'{__name__}.{name}').EXERCISE\n",
    "exercises/grading/__init__.py": "def grade(exercise, answer):\n    return answer\n",
    "exercises/one/__init__.py": "ORDER = ('sum',)\n",
    "exercises/one/sum.py": "EXERCISE = sum\n",
    "exercises/one/product.py": "EXERCISE = 3\n",
    "exercises/third/sum.py": "EXERCISE = sum\n",
    "experiments/ledger.py": "import importlib\n\ndef load(name):\n    return {}\n\n"
    "def find(name):\n    return importlib.import_module(f'unrolled.experiments.{name}').CLAIM\n",
    "experiments/one/claim.py": "CLAIM = 1\n",
    "shown.py": "def shown():  # so\n    return inner()\n\ndef inner():  # so\n    return 1\n",
    "raising.py": "def checked(x):\n    if x < 0:\n        raise ValueError('x')\n    return x\n",
}


def notebook_of(folder, cell):
    """Write a book with one cell, some exercises, a claim and three records."""
    book = make(folder, {"one": f"# One\n\n```{{code-cell}} ipython3\n{cell}\n```\n"})
    for name, text in BOOK.items():
        path = book / "code" / "unrolled" / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text)
    for name in ("one/claim", "one/second", "third/claim"):
        path = book / "evidence" / f"{name}.json"
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text("{}")
    return book


def depends_on(book):
    return set(load(book).from_source(book / "chapters" / "one.md").metadata.unrolled["files"])


CHECKING = {"code/unrolled/exercises/__init__.py", "code/unrolled/exercises/grading/__init__.py"}
LEDGER = "code/unrolled/experiments/ledger.py"


@pytest.mark.parametrize(
    ("cell", "expected"),
    [
        (
            'from unrolled.exercises import check\ncheck("one.sum", sum)',
            {*CHECKING, "code/unrolled/exercises/one/sum.py"},
        ),
        (
            "import unrolled.exercises as e\nfor name in ('third.sum', 'none.sum'):\n"
            "    e.check(name, sum)",
            {*CHECKING, "code/unrolled/exercises/third/sum.py"},
        ),
        (
            'from unrolled.experiments import ledger\nledger.load("third.claim")',
            {LEDGER, "evidence/third/claim.json"},
        ),
        (
            'from unrolled.experiments import ledger\nledger.find("one.claim")',
            {LEDGER, "code/unrolled/experiments/one/claim.py", "evidence/one/claim.json"},
        ),
        ('print("one.sum", "one.claim")', set()),
        (
            "script = 'from unrolled import direct\\nprint(direct.other())'",
            {"code/unrolled/direct.py"},
        ),
        ("script = 'import unrolled, and so on'", set()),
    ],
)
def test_exercises_and_records_named_in_cells_count(tmp_path, cell, expected):
    assert depends_on(notebook_of(tmp_path, cell)) == expected


def test_trained_networks_count_where_they_are_read(tmp_path):
    cell = "from unrolled.experiments.one import kept\nkept()"
    book, code = notebook_of(tmp_path, cell), {"code/unrolled/experiments/one/_kept_net.py"}
    (book / "code/unrolled/experiments/one/_kept_net.py").write_text("def kept():\n    return 1\n")
    init = book / "code/unrolled/experiments/one/__init__.py"
    init.write_text("from unrolled.experiments.one._kept_net import kept as kept\n")
    nb, page = load(book), book / "chapters" / "one.md"

    def digests():
        return nb.from_source(page).metadata.unrolled["files"]

    assert digests().keys() - {init.relative_to(book).as_posix()} == code
    (book / "trained").mkdir()
    (book / "trained" / "one_net.pt").write_bytes(b"\xff one")
    (book / "trained" / "one_other.pt").write_bytes(b"")
    before = digests()
    assert "trained/one_net.pt" in before
    assert "trained/one_other.pt" not in before
    (book / "trained" / "one_net.pt").write_bytes(b"\xff two")
    assert digests() != before
    edit(page, "kept()", "print(1)")
    assert "trained/one_net.pt" not in digests()


@pytest.mark.parametrize(
    "text",
    ["x" * 320, "x." + "y" * 320, "one.y. In words.", "../one.claim", "one", "a\0b.c", ""],
    ids=["long", "long name", "prose", "path", "no exercise", "NUL", "empty"],
)
def test_strings_that_name_nothing_are_left_alone(tmp_path, text):
    cell = f"from unrolled.exercises import check\ncheck({text!r}, sum)"
    assert depends_on(notebook_of(tmp_path, cell)) == CHECKING


@pytest.mark.parametrize(
    ("cell", "file", "old", "new", "stale"),
    [
        ("print(shown())", "shown", "return inner()", "return  inner()", False),
        ("source(shown)", "shown", "def shown():  # so", "def shown():  # thus", True),
        ("source(shown)", "shown", "def inner():  # so", "def inner():  # thus", False),
        ("source(shown)", "shown", "return 1", "return 2", True),
        ("checked(1)", "raising", "'x'", "'y'", False),
        ("try:\n    checked(-1)\nexcept ValueError as e:\n    e", "raising", "'x'", "'y'", True),
        ("try:\n    checked(-1)\nexcept Mine as e:\n    e", "raising", "'x'", "'y'", False),
    ],
)
def test_words_count_where_they_are_shown(tmp_path, cell, file, old, new, stale):
    imports = "from unrolled.shown import shown\nfrom unrolled.raising import checked\n"
    book = notebook_of(tmp_path, imports + cell)
    nb = load(book)

    def digests():
        return nb.from_source(book / "chapters" / "one.md").metadata.unrolled["files"]

    before = digests()
    edit(book / "code" / "unrolled" / f"{file}.py", old, new)
    assert (digests() != before) is stale


def git(book, *arguments):
    who = ("-c", "user.name=a", "-c", "user.email=a@b.c", "-c", "core.hooksPath=/dev/null")
    return subprocess.run(["git", *who, *arguments], cwd=book, check=True, capture_output=True)


def test_changed_names_the_notebooks_that_other_code_has_made(book):
    nb = load(book)

    def changed(base="HEAD"):
        return [path.stem for path in nb.changed(nb.find([]), base)]

    for command in (["init"], ["add", "."], ["commit", "-m", "One."], ["tag", "first"]):
        git(book, *command)
    assert changed() == []
    edit(book / "chapters" / "two.md", "# Two", "# Zwei")
    edit(book / "code" / "unrolled" / "inner.py", "OTHER = 5", "OTHER = 6")
    assert changed() == []
    edit(book / "code" / "unrolled" / "inner.py", "3", "4")
    assert changed() == ["one"]
    (book / "chapters" / "new.md").write_text("# New\n")
    git(book, "commit", "-am", "Two.")
    assert changed("first") == ["new", "one"]
    with pytest.raises(SystemExit, match="must be a revision that git knows, got 'none'"):
        changed("none")


def test_changed_prints_a_notebook_a_line(book):
    for command in (["init"], ["commit", "--allow-empty", "-m", "Nothing yet."]):
        git(book, *command)
    assert call(book, "changed") == (0, "chapters/one.ipynb\nchapters/two.ipynb\n")


def processes(mark):
    """Return the numbers of the processes of this machine with a mark in their environment."""
    found = set()
    for path in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            if mark.encode() in (path / "environ").read_bytes():
                found.add(int(path.name))
    return found


@pytest.mark.skipif(not Path("/proc/self/environ").exists(), reason="needs /proc")
def test_kernels_end_when_the_build_is_killed(tmp_path):
    cell = "from pathlib import Path\nPath('begun').touch()\nwhile True:\n    pass"
    book = make(tmp_path, {"one": f"# One\n\n```{{code-cell}} ipython3\n{cell}\n```\n"})
    mark = f"UNROLLED_TEST={tmp_path}"
    environment = {**os.environ, "UNROLLED_TEST": str(tmp_path)}
    build = subprocess.Popen(
        [sys.executable, "tools/nb.py", "build"],
        cwd=book,
        env=environment,
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )
    try:
        wait_for(lambda: (book / "chapters" / "begun").exists(), build)
        assert len(processes(mark)) >= 3  # the build, its worker, its kernel
        build.kill()
        build.wait()
        wait_for(lambda: not processes(mark))
    finally:
        for left in processes(mark):
            os.kill(left, signal.SIGKILL)


def wait_for(is_so, process=None, seconds=60):
    end = time.monotonic() + seconds
    while not is_so():
        assert process is None or process.poll() is None
        assert time.monotonic() < end
        time.sleep(0.1)


def test_unknown_chapter_is_named(book):
    done = run(book, "build", "three")
    assert done.returncode == 1
    assert "no chapter three; there are: one, two" in done.stderr


def test_broken_cell_names_its_chapter(book):
    edit(book / "chapters" / "one.md", "1 + 1", "1 +")
    with pytest.raises(SystemExit, match=r"chapters/one\.md"):
        call(book, "check")
