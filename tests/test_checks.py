"""The runner of the checks, on checks of its own; and the build of the book, which is one."""

import sys
from dataclasses import replace

import pytest

import book
import checks
from checks import Check


@pytest.fixture
def fake(tmp_path, monkeypatch):
    """Replace the checks by scripts that say their name and exit as told."""

    def replace(*, alone=(), after=None, **exits):
        for name, code in exits.items():
            (tmp_path / f"{name}.py").write_text(
                f"import pathlib\nprint('ran {name}', *sorted(pathlib.Path().glob('ended-*')))\n"
                f"pathlib.Path('ended-{name}').touch()\nraise SystemExit({code})\n"
            )
        fakes = {
            name: Check(
                f"what {name} proves", [f"{name}.py"], (after or {}).get(name, ""), name in alone
            )
            for name in exits
        }
        monkeypatch.setattr(checks, "CHECKS", fakes)

    monkeypatch.setattr(checks, "ROOT", tmp_path)
    monkeypatch.setattr(checks, "workers", lambda: 2)
    monkeypatch.setattr(checks.extras, "install", lambda: True)
    return replace


def table(said):
    """Return (how it ended, name) of every row."""
    return [(row.split()[0], row.split()[3]) for row in said.splitlines() if " s  " in row]


def test_all_pass(fake, capfd):
    fake(one=0, two=0)
    assert checks.main([]) == 0
    said = capfd.readouterr().out
    assert table(said) == [("passed", "one"), ("passed", "two")]
    assert "2 checks passed, 0 failed, " in said


def test_a_failure_is_in_the_table_and_the_rest_still_runs(fake, capfd):
    fake(one=0, two=3, three=0, alone=["three"])
    assert checks.main([]) == 1
    said = capfd.readouterr().out
    assert "ran three" in said
    assert table(said) == [("passed", "one"), ("FAILED", "two"), ("passed", "three")]
    assert "2 checks passed, 1 failed, " in said


def test_what_could_not_be_checked_is_skipped_and_said(fake, capfd):
    fake(one=0, two=checks.SKIPPED)
    assert checks.main([]) == 0
    said = capfd.readouterr().out
    assert table(said) == [("passed", "one"), ("skipped", "two")]
    assert "1 checks passed, 0 failed, 1 skipped, " in said


def test_a_check_waits_for_what_it_looks_at_and_for_all_if_it_runs_alone(fake, capfd):
    fake(book=0, site=0, tests=0, other=0, after={"site": "book"}, alone=["tests"])
    assert checks.main([]) == 0
    said = {line.split()[1]: line for line in capfd.readouterr().out.splitlines() if "ran" in line}
    assert "ended-book" in said["site"]
    assert all(f"ended-{name}" in said["tests"] for name in ("book", "site", "other"))


def test_a_check_runs_without_the_one_before_it_if_named(fake, capfd):
    fake(book=1, site=0, after={"site": "book"})
    assert checks.main(["site"]) == 0
    assert "ran book" not in capfd.readouterr().out


def test_only_the_named_checks_run(fake, capfd):
    fake(one=0, two=1)
    assert checks.main(["one"]) == 0
    assert "ran two" not in capfd.readouterr().out


def test_a_name_stands_for_all_that_begin_with_it(monkeypatch):
    names = {"nbval-lstm": None, "nbval-rnn": None, "tests": None}
    monkeypatch.setattr(checks, "CHECKS", names)
    assert list(checks.chosen(["nbval"])) == ["nbval-lstm", "nbval-rnn"]
    assert list(checks.chosen(["nbval-rnn"])) == ["nbval-rnn"]
    assert list(checks.chosen([])) == list(names)


def test_an_unknown_name_runs_nothing(fake, capfd):
    fake(one=0, two=0)
    with pytest.raises(SystemExit, match="no check three; there are: one, two"):
        checks.main(["one", "three"])
    assert capfd.readouterr().out == ""


def test_a_missing_tool_fails_and_is_named(fake, monkeypatch, capfd):
    fake(one=0)
    monkeypatch.setitem(checks.CHECKS, "none", Check("nothing", ["no-such-tool", "--strict"]))
    assert checks.main(["none", "one"]) == 1
    said = capfd.readouterr().out
    assert "no-such-tool is not installed" in said
    assert "ran one" in said


def test_a_page_whose_extra_is_not_there_is_skipped_and_said(fake, tmp_path, monkeypatch, capfd):
    monkeypatch.setattr(checks.extras, "lacks", lambda page: "import keras" in page)
    fake(one=1, two=1)
    for name, text in (("one", "import keras\n"), ("two", "import numpy\n")):
        (tmp_path / f"{name}.md").write_text(text)
        with_page = replace(checks.CHECKS[name], page=tmp_path / f"{name}.md")
        monkeypatch.setitem(checks.CHECKS, name, with_page)
    assert checks.main([]) == 1
    said = capfd.readouterr().out
    assert table(said) == [("skipped", "one"), ("FAILED", "two")]
    assert "keras is not installed" in said
    assert "ran one" not in said


@pytest.mark.parametrize(("names", "times"), [(["one"], 0), (["tests"], 1), (["nbval-one"], 1)])
def test_the_extra_is_installed_before_what_may_need_it(fake, monkeypatch, names, times):
    asked = []
    fake(**{"one": 0, "tests": 0, "nbval-one": 0})
    monkeypatch.setattr(checks.extras, "install", lambda: asked.append(1))
    assert checks.main(names) == 0
    assert len(asked) == times


def test_a_notebooks_page_is_its_source():
    pages = [check.page for check in checks.CHECKS.values() if check.page]
    assert pages
    assert all(page.suffix == ".md" and page.is_file() for page in pages)


def test_every_notebook_is_executed():
    assert {f"nbval-{path.stem}" for path in checks.ROOT.glob("chapters/*.ipynb")} == {
        name for name in checks.CHECKS if name.startswith("nbval-")
    }


@pytest.fixture
def built(tmp_path, monkeypatch):
    """Stand in for a repository whose book was built before; return its ``_build``."""
    monkeypatch.setattr(book, "ROOT", tmp_path)
    for name in ("html", ".doctrees"):
        (tmp_path / "_build" / name).mkdir(parents=True)
    return tmp_path / "_build"


def builder(monkeypatch, code):
    monkeypatch.setattr(book, "COMMAND", [sys.executable, "-c", code])


def left(built):
    return {path.name for path in built.iterdir()}


def test_build_keeps_what_it_may(built, monkeypatch):
    builder(monkeypatch, "")
    assert book.build()
    assert left(built) == {"html", ".doctrees"}


def test_fresh_build_begins_with_nothing(built, monkeypatch):
    builder(monkeypatch, "import os; assert os.listdir('_build') == []; os.mkdir('_build/html')")
    assert book.build(fresh=True)
    assert left(built) == {"html"}


@pytest.mark.parametrize("fresh", [False, True])
def test_failed_build_is_not_silent_the_next_time(built, monkeypatch, fresh):
    builder(monkeypatch, "import os; os.makedirs('_build/.doctrees', exist_ok=True); exit(1)")
    assert not book.build(fresh=fresh)
    assert ".doctrees" not in left(built)


def test_interrupted_build_is_not_silent_the_next_time(built, monkeypatch):
    def interrupt(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(book.subprocess, "run", interrupt)
    with pytest.raises(KeyboardInterrupt):
        book.build()
    assert left(built) == {"html"}


def test_readme_gives_the_command_that_builds():
    readme = (checks.ROOT / "README.md").read_text(encoding="utf-8")
    assert f".venv/bin/{' '.join(book.COMMAND)} " in readme
