import errno
import os
import pickle

import pytest
import torch

from unrolled.training import load, save


def test_what_was_saved_comes_back(tmp_path):
    state = {"weights": {"w": torch.randn(3)}, "epoch": 4, "losses": [0.5, 0.25], "best": None}
    save(tmp_path / "runs" / "a.pt", state)
    loaded = load(tmp_path / "runs" / "a.pt")
    assert torch.equal(loaded["weights"].pop("w"), state["weights"].pop("w"))
    assert loaded == state


def test_a_crash_while_saving_leaves_the_old_file_and_no_litter(tmp_path, monkeypatch):
    path = tmp_path / "a.pt"
    save(path, {"epoch": 1})

    def full(*_):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*a\.pt'"):
        save(path, {"epoch": 2})
    assert load(path) == {"epoch": 1}
    assert [each.name for each in tmp_path.iterdir()] == ["a.pt"]


class Payload:
    def __reduce__(self):
        return (os.mkdir, ("pwned",))


def test_loading_runs_no_code(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    torch.save({"x": Payload()}, "a.pt")
    with pytest.raises(pickle.UnpicklingError):
        load("a.pt")
    assert not (tmp_path / "pwned").exists()
