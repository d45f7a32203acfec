"""Checkpoints: what was saved comes back, and nothing else does."""

import collections
import errno
import io
import os
import pickle
import zipfile

import numpy as np
import pytest
import torch

from unrolled.training import checkpoint, load, save


def test_what_was_saved_comes_back(tmp_path):
    state = {"weights": {"w": torch.randn(3)}, "epoch": 4, "losses": [0.5, 0.25], "best": None}
    save(tmp_path / "runs" / "a.pt", state)
    loaded = load(tmp_path / "runs" / "a.pt")
    assert torch.equal(loaded["weights"].pop("w"), state["weights"].pop("w"))
    assert loaded == state


def test_torch_reads_it_too(tmp_path):
    save(tmp_path / "a.pt", {"w": torch.arange(3)})
    loaded = torch.load(tmp_path / "a.pt", weights_only=True)
    assert loaded["w"].tolist() == [0, 1, 2]


def test_scalars_of_numpys_are_kept_as_numbers(tmp_path):
    state = {"lr": np.float64(0.1), "pairs": [(np.int64(3), np.bool_(True))], np.str_("n"): 1}
    save(tmp_path / "a.pt", state)
    assert load(tmp_path / "a.pt") == {"lr": 0.1, "pairs": [(3, True)], "n": 1}
    assert type(state["lr"]) is np.float64


def test_what_torch_notes_on_a_state_dict_is_kept(tmp_path):
    model = torch.nn.BatchNorm1d(2)
    save(tmp_path / "a.pt", {"model": model.state_dict(), "lr": np.float32(1)})
    assert load(tmp_path / "a.pt")["model"]._metadata == model.state_dict()._metadata


def holding_itself():
    parts = []
    parts.append(parts)
    return parts


@pytest.mark.parametrize(
    ("part", "words"),
    [
        (np.arange(3), r"got ndarray at state\['x'\]\[1\]"),
        (np.longdouble(2), r"got longdouble at state\['x'\]\[1\]"),
        ({"f": lambda: 0}, r"got function at state\['x'\]\[1\]\['f'\]"),
        ({(1, range(2)): 0}, r"got range at the keys of state\['x'\]\[1\]\[1\]"),
        (collections.defaultdict(list), r"got defaultdict at"),
        (torch.nn.Linear(1, 1), r"got Linear at"),
        (holding_itself(), "must not hold itself"),
    ],
)
def test_what_could_not_be_read_back_is_refused(tmp_path, part, words):
    path = tmp_path / "a.pt"
    save(path, {"epoch": 1})
    with pytest.raises(TypeError, match=words) as caught:
        save(path, {"x": [torch.ones(1), part]})
    assert "weights_only" not in str(caught.value)
    assert load(path) == {"epoch": 1}


def test_a_state_is_a_dict(tmp_path):
    with pytest.raises(TypeError, match=r"state must be .*dict, got list"):
        save(tmp_path / "a.pt", [1])


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


def test_a_checkpoint_has_the_mode_of_a_plain_file_and_a_link_to_it_stays(tmp_path):
    (tmp_path / "plain").touch()
    save(tmp_path / "a.pt", {"epoch": 1})
    assert (tmp_path / "a.pt").stat().st_mode == (tmp_path / "plain").stat().st_mode
    (tmp_path / "latest.pt").symlink_to("a.pt")
    save(tmp_path / "latest.pt", {"epoch": 2})
    assert (tmp_path / "latest.pt").is_symlink()
    assert load(tmp_path / "a.pt") == load(tmp_path / "latest.pt") == {"epoch": 2}


@pytest.fixture(scope="module")
def whole(tmp_path_factory):
    path = tmp_path_factory.mktemp("whole") / "a.pt"
    save(path, {"w": torch.randn(3), "epoch": 1, "name": "a"})
    return path.read_bytes()


def refused(path, data):
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"path must be a whole checkpoint, .*a\.pt is not: ") as e:
        load(path)
    return str(e.value)


def test_one_bit_flipped_anywhere_is_refused(tmp_path, whole):
    for at in range(len(whole)):
        damaged = bytearray(whole)
        damaged[at] ^= 1 << at % 8
        refused(tmp_path / "a.pt", bytes(damaged))


def test_a_file_cut_short_or_lengthened_is_refused(tmp_path, whole):
    for length in range(len(whole)):
        refused(tmp_path / "a.pt", whole[:length])
    refused(tmp_path / "a.pt", whole + b"\n")
    refused(tmp_path / "a.pt", whole + whole)


def by_torch(state, **options):
    file = io.BytesIO()
    torch.save(state, file, **options)
    return file.getvalue()


def zipped(**files):
    file = io.BytesIO()
    with zipfile.ZipFile(file, "w") as archive:
        for name, content in files.items():
            archive.writestr(f"archive/{name}", content)
    return file.getvalue()


FOREIGN = {
    "text": b"hello world, no checkpoint",
    "html": b"<html>404</html>",
    "pickle": pickle.dumps({"a": 1}),
    "torch's": by_torch({"a": 1}),
    "torch's of old": by_torch({"a": 1}, _use_new_zipfile_serialization=False),
    "no dict": by_torch([1]),
    "an empty archive": zipped(),
    "a module": zipped(**{"constants.pkl": b"", "data.pkl": b""}),
    "a pickle that is none": zipped(**{"data.pkl": b"\x80\x02\xff.", "version": b"3"}),
    "numbers for ever": zipped(**{"data.pkl": b"\x80\x02" + b"]q\0" * 9, "version": b"3"}),
    "another byte order": zipped(**{"data.pkl": b"N.", "byteorder": b"middle", "version": b"3"}),
}


@pytest.mark.parametrize("data", FOREIGN.values(), ids=FOREIGN)
def test_a_foreign_file_is_refused(tmp_path, data):
    refused(tmp_path / "a.pt", data)


FORGED = {name: data for name, data in FOREIGN.items() if not name.startswith("torch")}


@pytest.mark.parametrize("data", FORGED.values(), ids=FORGED)
def test_what_torch_refuses_is_refused_in_the_same_words(tmp_path, data):
    assert "weights_only" not in refused(tmp_path / "a.pt", data + checkpoint._tail(data))


class Payload:
    def __reduce__(self):
        return (os.mkdir, ("pwned",))


@pytest.mark.parametrize("signed", [False, True])
def test_loading_runs_no_code(tmp_path, monkeypatch, signed):
    monkeypatch.chdir(tmp_path)
    data = by_torch({"x": Payload()})
    refused(tmp_path / "a.pt", data + checkpoint._tail(data) if signed else data)
    assert not (tmp_path / "pwned").exists()


def test_what_is_no_regular_file_is_not_read(tmp_path):
    os.mkfifo(tmp_path / "pipe")
    for path in (tmp_path / "pipe", tmp_path, os.devnull):
        with pytest.raises(ValueError, match="is not: it is no regular file"):
            load(path)
    with pytest.raises(FileNotFoundError, match=r"a\.pt"):
        load(tmp_path / "a.pt")


@pytest.mark.parametrize("path", [3, None, b"a.pt", ["a.pt"]])
def test_a_path_that_is_none_is_named(path):
    for call in (load, lambda path: save(path, {})):
        with pytest.raises(TypeError, match="path must be a path, got"):
            call(path)


def test_a_path_with_a_null_byte_is_named():
    for call in (load, lambda path: save(path, {})):
        with pytest.raises(ValueError, match="path must be a path, not empty and"):
            call("a\0.pt")
