import codecs
import json
import sys

import pytest

from unrolled.exercises.grading.files import LARGEST, Unreadable, code_of, explained, hiding


def write(folder, text, name="answer.py"):
    path = folder / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


def notebook(*cells):
    listed = [{"cell_type": "code", "source": cell.splitlines(keepends=True)} for cell in cells]
    return json.dumps({"cells": [{"cell_type": "markdown", "source": "# Text"}, *listed]})


def run(code):
    scope = {}
    for file, piece in code.pieces:
        exec(compile(piece, file, "exec"), scope)
    return scope


@pytest.mark.parametrize(
    "data",
    [
        b"x = '\xcf\x83'\r\n",
        codecs.BOM_UTF8 + b"x = '\xcf\x83'\n",
        b"# -*- coding: latin-1 -*-\nx = '\xe4'\n",
    ],
)
def test_what_python_reads_is_read(tmp_path, data):
    assert len(run(code_of(write(tmp_path, data), "x"))["x"]) == 1


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ("x = 1\n".encode("utf-16"), "The file is in UTF-16. Save it as UTF-8"),
        ("x = 1\n".encode("utf-16-le"), "The file is in UTF-16. Save it as UTF-8"),
        (b"x = 1\ny = '\xe4'\n", "The file is not in UTF-8, see line 2. Save it as UTF-8"),
        (b"# coding: klingon\nx = 1\n", "unknown encoding: klingon"),
        (b"x = 1 # \0\n", "it holds null bytes"),
        (b"#" * (LARGEST + 1), "The file has more than 10 MB"),
    ],
)
def test_what_python_cannot_read_is_named(tmp_path, data, words):
    with pytest.raises(Unreadable, match=words):
        code_of(write(tmp_path, data), "x")


@pytest.mark.parametrize("line", ["%matplotlib inline", "    %timeit f()", "!pip install torch"])
def test_a_line_for_notebooks_only_is_named(line):
    with pytest.raises(SyntaxError) as caught:
        compile(f"import math\nif math:\n    pass\n{line}\n", "a", "exec")
    said = explained(caught.value)
    assert said.endswith(f"line 4, `{line.strip()}`, is for notebooks only. Take it out.")


def test_a_notebook_gives_what_the_function_needs_and_nothing_else(tmp_path):
    text = notebook(
        "%matplotlib inline\n!pip install x\nimport math\nfrom math import *",
        "raise SystemExit('a cell that trains for an hour')",
        "half = 0.5\nwhile_training = [0]\nprint(half)",
        "def helper(x):\n    return later(x) * math.sqrt(half)",
        "def f(x):\n    return 0",
        "%%bash\nls",
        "def f(x):\n    table = helper(x)\n    return table",
        "def later(x):\n    return x + pi",
        "check('toy.f', f)",
    )
    code = code_of(write(tmp_path, text, "answer.ipynb"), "f")
    scope = run(code)
    assert scope["f"](0) == pytest.approx(3.14159265 * 0.5**0.5)
    assert "while_training" not in scope
    assert code.note == "(Code cells 5 and 7 define `f`; the last was checked.)"


def test_a_notebook_under_another_name_is_one(tmp_path):
    code = code_of(write(tmp_path, notebook("def f():\n    return null", "null = 3")), "f")
    assert run(code)["f"]() == 3


def test_a_cell_that_python_cannot_read(tmp_path):
    path = write(tmp_path, notebook("x = = 3", "def f(:\n    pass"), "answer.ipynb")
    with pytest.raises(Unreadable, match="In code cell 2: Python cannot read"):
        code_of(path, "f")


@pytest.mark.parametrize("text", ["", "{}", "[]", '{"cells": 3}', '{"cells": [{}]}', "nonsense"])
def test_a_notebook_that_is_none(tmp_path, text):
    with pytest.raises(Unreadable, match="no notebook that can be read"):
        code_of(write(tmp_path, text, "answer.ipynb"), "f")


@pytest.mark.parametrize("stem", ["copy", "random", "json", "types", "code"])
def test_a_file_that_hides_a_module_of_pythons_is_named(tmp_path, stem):
    (tmp_path / f"{stem}.py").touch()
    assert f"Your file {stem}.py hides Python's module {stem}" in hiding([tmp_path])


@pytest.mark.parametrize("stem", ["numpy", "torch"])
def test_a_file_that_hides_a_library_is_named(tmp_path, stem):
    (tmp_path / f"{stem}.py").touch()
    assert f"hides the library {stem}" in hiding([tmp_path / "elsewhere", tmp_path])


def test_no_exercise_is_named_like_a_module_of_pythons():
    from unrolled.core.book import chapters
    from unrolled.exercises import of_chapter

    names = {exercise.name for stem in chapters() for exercise in of_chapter(stem)}
    assert not names & sys.stdlib_module_names
