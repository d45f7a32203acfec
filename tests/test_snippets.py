"""What README and CONTRIBUTING show: the code runs, and commands, targets and files are there."""

import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = {
    name: (ROOT / name).read_text(encoding="utf-8") for name in ("README.md", "CONTRIBUTING.md")
}
BLOCK = re.compile(r"^```(\w+)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TARGETS = set(
    re.findall(r"^([a-z]+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
)
BUILT = ("_build/", "work/", ".venv")  # not there before somebody made them
NOT_WRITTEN = 2  # the exit status of a check of what `start` wrote


def blocks(*languages):
    """Parametrize over the blocks of these languages."""
    found = [
        pytest.param(text, id=f"{page}-{number}")
        for page, whole in PAGES.items()
        for number, (language, text) in enumerate(BLOCK.findall(whole))
        if language in languages
    ]
    return pytest.mark.parametrize("text", found)


def commands(text):
    """Return the commands of a block, without prompts and comments, as lists of words."""
    lines = (line.removeprefix("$ ") for line in text.splitlines())
    return [words for line in lines if (words := shlex.split(line, comments=True))]


@blocks("python")
def test_code_runs_and_prints(text, tmp_path, monkeypatch, capsys):
    monkeypatch.chdir(tmp_path)
    exec(compile(text, "<snippet>", "exec"), {"__name__": "__main__"})
    assert capsys.readouterr().out
    assert not list(tmp_path.iterdir())


@blocks("console")
def test_a_session_goes_as_shown(text, tmp_path):
    for program, *arguments in commands(text):
        assert program == ".venv/bin/python"
        ran = subprocess.run(
            [sys.executable, *arguments], cwd=tmp_path, capture_output=True, text=True, check=False
        )
        assert ran.returncode == (NOT_WRITTEN if "check" in arguments else 0), ran.stdout
        assert ran.stderr == ""
    written = re.findall(r"# writes (\S+)", text)
    assert written
    assert all((tmp_path / path).is_file() for path in written)


@blocks("bash")
def test_commands_are_there(text):
    for program, *arguments in commands(text):
        if program == "make":
            assert arguments[0] in TARGETS
            continue
        if program.startswith(".venv/bin/"):
            assert (Path(sys.executable).parent / Path(program).name).exists(), program
        scripts = [word for word in arguments if word.endswith(".py")]
        assert all((ROOT / script).is_file() for script in scripts), scripts


@pytest.mark.parametrize("page", PAGES)
def test_files_and_targets_named_in_the_text_are_there(page):
    spans = re.findall(r"(?<!`)`([^`\n]+)`(?!`)", BLOCK.sub("", PAGES[page]))
    targets = {span.split()[1] for span in spans if span.startswith("make ")}
    assert targets <= TARGETS
    paths = {
        word for span in spans for word in span.split() if re.fullmatch(r"[\w.]+/[\w./]*", word)
    }
    paths = {path for path in paths if not path.startswith(BUILT) and not re.search(r"\bx\.", path)}
    rooms = (ROOT, ROOT / "code", ROOT / "code" / "unrolled")
    missing = [path for path in paths if not any((room / path).exists() for room in rooms)]
    assert not missing
    assert len(paths) > 5
