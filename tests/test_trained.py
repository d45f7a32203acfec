"""The trained networks that pages show: whole, and made by the code that stands here."""

import io

import pytest
import torch

import trained
from unrolled.core.sources import PACKAGE
from unrolled.experiments import kept
from unrolled.experiments.rnn import _kept_writer
from unrolled.training import save

ROOT = PACKAGE.parents[1]
FILES = sorted((ROOT / "trained").glob("*.pt"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.name)
def test_a_file_is_whole_and_of_the_code_that_stands_here(path):
    """Where this fails for a file: `make trained`, then `make notebooks`."""
    assert trained.staleness(trained.every()[path.stem]) == ""
    content = io.BytesIO(path.read_bytes())
    state = torch.load(content, weights_only=True)
    assert state["kept"].keys() == kept.read(path.stem, state["kept"]["setting"]).keys()


def test_every_module_has_its_file():
    assert [path.stem for path in FILES] == list(trained.every())


@pytest.mark.parametrize("module", trained.every().values(), ids=trained.every())
def test_a_module_says_what_it_makes_and_what_it_takes(module):
    assert module.WHAT
    assert module.TAKES.startswith("about ")
    assert module.make.__module__ == module.__name__


@pytest.fixture
def small(tmp_path, monkeypatch):
    """Let the writer be small, and kept elsewhere; return where."""
    settings = {"hidden": 4, "streams": 2, "steps": 5, "rate": 0.01, "updates": 3}
    sizes = {"WRITER": settings, "SHOWN": (1, 3), "SCORED": (2, 3), "SEEDS": (5,), "ORDERS": (0,)}
    for name, value in sizes.items():
        monkeypatch.setattr(_kept_writer, name, value)
    monkeypatch.setattr(kept, "FOLDER", tmp_path)
    monkeypatch.setenv("UNROLLED_PROGRESS", "0")
    return tmp_path / "rnn_writer.pt"


def test_a_file_is_made_once_and_again_when_its_code_changed(small, monkeypatch, capsys):
    assert trained.main(["rnn_writer"]) == 0
    before = small.read_bytes()
    assert "there is none; training three networks" in capsys.readouterr().out
    trained.main(["rnn_writer"])
    assert capsys.readouterr().out == "trained/rnn_writer.pt: up to date\n"
    monkeypatch.setattr(trained, "code", lambda module: "another")
    trained.main(["rnn_writer"])
    assert "the code that makes it changed" in capsys.readouterr().out
    assert small.read_bytes() != before
    monkeypatch.undo()


def test_the_same_code_makes_the_same_bytes(small, capsys):
    trained.main(["rnn_writer"])
    before = small.read_bytes()
    trained.main(["rnn_writer", "--force"])
    assert "forced; training" in capsys.readouterr().out
    assert small.read_bytes() == before


def test_who_stops_it_keeps_the_old_file(small, monkeypatch):
    trained.main(["rnn_writer"])
    before = small.read_bytes()

    def stopped(*_, **__):
        raise KeyboardInterrupt

    monkeypatch.setattr(_kept_writer, "train_writer", stopped)
    with pytest.raises(KeyboardInterrupt):
        trained.main(["rnn_writer", "--force"])
    assert small.read_bytes() == before
    assert [path.name for path in small.parent.iterdir()] == [small.name]


def test_a_damaged_file_is_named_with_its_remedy_and_made_again(small, capsys):
    trained.main(["rnn_writer"])
    whole = bytearray(small.read_bytes())
    whole[len(whole) // 2] ^= 1
    small.write_bytes(whole)
    with pytest.raises(ValueError, match=r"rnn_writer\.pt is not.*damaged; `make trained`"):
        _kept_writer.kept()
    trained.main(["rnn_writer"])
    assert "it is damaged; training" in capsys.readouterr().out
    assert _kept_writer.kept().bits.shape == (1, 2)


def test_a_missing_file_and_one_of_something_else_are_named_with_their_remedy(small):
    with pytest.raises(FileNotFoundError, match=r"`make trained`.*rnn_writer\.pt"):
        _kept_writer.kept()
    save(small, {"weights": 1})
    with pytest.raises(ValueError, match=r"rnn_writer\.pt holds none; `make trained`"):
        _kept_writer.kept()
    save(small, {"kept": {"weights": 1}})
    with pytest.raises(ValueError, match=r"another held_out, hidden, .*`make trained`"):
        _kept_writer.kept()
    assert trained.staleness(_kept_writer) == "the code that makes it changed"


def test_an_unknown_name_is_refused():
    with pytest.raises(SystemExit, match="no trained lstm; there are: lstm_holders, rnn_writer"):
        trained.main(["lstm"])
