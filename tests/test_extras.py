"""The extra that one page needs: pinned, installed where it can be had, and done without."""

import subprocess

import pytest

import extras

PAGE = "# Page\n\n```{code-cell}\nimport keras\n```\n"


@pytest.fixture
def absent(monkeypatch):
    monkeypatch.setattr(extras, "installed", lambda: "")


@pytest.mark.parametrize(
    ("page", "lacks"),
    [
        (PAGE, True),
        (PAGE.replace("import keras", "from keras.layers import LSTM"), True),
        (PAGE.replace("import keras", "import kerastuner"), False),
        (PAGE.replace("import keras", "print('import keras')"), False),
        ("Here is how you import keras.", False),
    ],
)
def test_a_page_lacks_what_it_imports(absent, page, lacks):
    assert extras.lacks(page) is lacks


def test_a_page_lacks_nothing_that_is_installed(monkeypatch):
    monkeypatch.setattr(extras, "installed", extras.pinned)
    assert not extras.lacks(PAGE)


def test_another_version_is_not_the_one_that_is_pinned(monkeypatch):
    monkeypatch.setattr(extras, "installed", lambda: "2.0.0")
    assert extras.lacks(PAGE)


def test_the_version_is_pinned_in_both_files():
    constraints = (extras.ROOT / "constraints.txt").read_text(encoding="utf-8").splitlines()
    assert f"{extras.NAME}=={extras.pinned()}" in constraints


def test_a_file_without_the_line_is_said(tmp_path, monkeypatch):
    (tmp_path / extras.FILE).write_text("-c constraints.txt\n")
    monkeypatch.setattr(extras, "ROOT", tmp_path)
    with pytest.raises(SystemExit, match="no line keras=="):
        extras.pinned()


def test_what_is_there_is_not_installed_again(monkeypatch):
    monkeypatch.setattr(extras, "installed", extras.pinned)
    monkeypatch.setattr(subprocess, "run", pytest.fail)
    assert extras.install()


@pytest.mark.parametrize("status", [0, 1])
def test_where_it_cannot_be_had_one_line_says_so(absent, monkeypatch, capsys, status):
    commands = []

    def run(command, **_):
        commands.append(command)
        return subprocess.CompletedProcess(command, status, "", "no network\nit failed\n")

    monkeypatch.setattr(subprocess, "run", run)
    assert extras.install() is (status == 0)
    assert commands[0][-2:] == ["-r", extras.FILE]
    said = capsys.readouterr().out.splitlines()
    assert (
        said[1:] == ["Without keras, and the page that runs it is not executed: it failed"][:status]
    )


def test_what_no_one_has_installed_has_no_version(monkeypatch):
    monkeypatch.setattr(extras, "NAME", "no-package-has-this-name")
    assert extras.installed() == ""
