"""The atomic write: whole or not there, with the mode of a plain file, and nothing left behind."""

import os
import stat
import subprocess
import sys
import time
from multiprocessing.pool import ThreadPool

import pytest

from unrolled.core import files
from unrolled.core.files import write_atomically


def mode(path):
    return stat.S_IMODE(path.stat().st_mode)


def names(folder):
    return sorted(path.name for path in folder.iterdir())


@pytest.mark.parametrize(
    ("content", "stored"), [("π\nβ\r\n", "π\nβ\r\n".encode()), (b"\0\xff", b"\0\xff"), ("", b"")]
)
def test_writes_what_came(tmp_path, content, stored):
    path = tmp_path / "new" / "folder" / "file"
    write_atomically(str(path), content)
    assert path.read_bytes() == stored
    assert names(path.parent) == ["file"]


def test_replaces_the_old_file(tmp_path):
    path = tmp_path / "file"
    path.write_text("a long old text")
    write_atomically(path, "new")
    assert path.read_text() == "new"


@pytest.mark.parametrize("umask", [0o022, 0o077, 0o002])
def test_mode_is_that_of_a_plain_file(tmp_path, umask):
    old = os.umask(umask)
    try:
        (tmp_path / "plain").write_text("")
        write_atomically(tmp_path / "file", "")
    finally:
        os.umask(old)
    assert mode(tmp_path / "file") == mode(tmp_path / "plain")


def test_mode_of_the_old_file_stays(tmp_path):
    path = tmp_path / "file"
    path.write_text("")
    path.chmod(0o750)
    write_atomically(path, "new")
    assert mode(path) == 0o750


def test_link_stays_a_link(tmp_path):
    (tmp_path / "link").symlink_to(tmp_path / "file")
    write_atomically(tmp_path / "link", "new")
    assert (tmp_path / "link").is_symlink()
    assert (tmp_path / "file").read_text() == "new"


@pytest.mark.parametrize("step", ["fsync", "replace"])
@pytest.mark.parametrize("failure", [OSError(28, "No space left on device"), KeyboardInterrupt()])
def test_failure_leaves_the_old_file_and_nothing_else(tmp_path, monkeypatch, step, failure):
    path = tmp_path / "file"
    path.write_text("old")

    def fail(*_):
        raise failure

    monkeypatch.setattr(*((os, "fsync") if step == "fsync" else (files.Path, "replace")), fail)
    with pytest.raises(type(failure)):
        write_atomically(path, "new")
    assert path.read_text() == "old"
    assert names(tmp_path) == ["file"]


def test_error_names_the_path(tmp_path, monkeypatch):
    def full(*_):
        raise OSError(28, "No space left on device")

    monkeypatch.setattr(os, "fsync", full)
    with pytest.raises(OSError, match=r"No space left on device: '.*/file'"):
        write_atomically(tmp_path / "file", "new")


@pytest.mark.parametrize("path", ["folder", os.devnull, "file/below"])
def test_path_that_can_be_no_file_is_named_and_stays(tmp_path, path):
    (tmp_path / "folder").mkdir()
    (tmp_path / "file").write_text("old")
    with pytest.raises(OSError, match=path):
        write_atomically(tmp_path / path, "new")
    assert names(tmp_path) == ["file", "folder"]
    assert not os.path.isfile(os.devnull)  # noqa: PTH113


def test_text_that_is_no_text_writes_nothing(tmp_path):
    with pytest.raises(UnicodeEncodeError):
        write_atomically(tmp_path / "file", "\ud800")
    assert names(tmp_path) == []


def leftover(path, *, process, host=files._HOST, age=0.0):
    """Write what a killed process leaves: its temporary file."""
    file = path.with_name(f".{path.name}.tmp-{host}-{process}-00000000")
    file.write_text("half")
    os.utime(file, (time.time() - age,) * 2)
    return file


def test_what_killed_processes_left_goes_and_what_others_write_stays(tmp_path):
    path = tmp_path / "file"
    ended = subprocess.run(
        [sys.executable, "-c", "import os; print(os.getpid())"], capture_output=True, check=True
    )
    gone = [
        leftover(path, process=int(ended.stdout)),
        leftover(path, process=os.getpid(), age=2 * files._OLD),
        leftover(path, process=1, host="0" * 8, age=2 * files._OLD),
    ]
    kept = [
        leftover(path, process=os.getppid()),
        leftover(path, process=int(ended.stdout), host="0" * 8),
        leftover(tmp_path / "other", process=int(ended.stdout)),
        tmp_path / ".file.tmp-",
    ]
    kept[-1].touch()
    write_atomically(path, "new")
    assert not any(file.exists() for file in gone)
    assert all(file.exists() for file in kept)


def test_writers_at_once_leave_one_whole_file(tmp_path):
    path = tmp_path / "file"
    texts = [str(k) * 10_000 for k in range(8)]
    with ThreadPool(8) as pool:
        pool.map(lambda text: write_atomically(path, text), texts * 4)
    assert path.read_text() in texts
    assert names(tmp_path) == ["file"]


def test_a_file_protected_from_writing_is_named_and_stays(tmp_path, monkeypatch):
    path = tmp_path / "file"
    path.write_text("old")
    path.chmod(0o444)
    # as root every file can be written: ask for what others may do
    monkeypatch.setattr(os, "access", lambda file, how: bool(mode(file) & 0o222))
    with pytest.raises(PermissionError, match=r"Permission denied: '.*/file'"):
        write_atomically(path, "new")
    assert (path.read_text(), names(tmp_path)) == ("old", ["file"])


def test_links_in_a_circle_are_named_and_stay(tmp_path):
    one, other = tmp_path / "one", tmp_path / "other"
    one.symlink_to(other)
    other.symlink_to(one)
    with pytest.raises(OSError, match=r"Too many levels of symbolic links: '.*/one'"):
        write_atomically(one, "new")
    assert one.is_symlink()
    assert other.is_symlink()


@pytest.mark.parametrize("name", ["n" * 201, "n" * 230, "n" * 255, "ß" * 127])
def test_a_name_may_be_as_long_as_the_system_lets_it(tmp_path, name):
    path, beside = tmp_path / name, tmp_path / (name[:-1] + "m")
    old = [
        file.with_name(f".{files._short(file.name)}.tmp-{files._HOST}-1-00000000")
        for file in (path, beside)
    ]
    for file in old:
        file.write_text("half")
        os.utime(file, (time.time() - 2 * files._OLD,) * 2)
    write_atomically(path, "new")
    assert path.read_text() == "new"
    assert names(tmp_path) == sorted([name, old[1].name])


@pytest.mark.parametrize("path", ["a\ud800b", "folder/"])
def test_a_path_that_is_no_files_is_named_before_any_work(tmp_path, path):
    with pytest.raises(ValueError, match=r"path must be .*got '.*(ud800b|folder/)'"):
        write_atomically(f"{tmp_path}/{path}", "new")
    assert names(tmp_path) == []
