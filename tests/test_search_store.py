"""A store gives back what was measured or an error that names it, and one search has it."""

import multiprocessing
import os
import random
import resource
import sqlite3
import threading
from contextlib import closing

import pytest

from unrolled.core.files import _HOST
from unrolled.search import results, run
from unrolled.search.store import locked, plan, record

PLAN = [{"x": x, "name": f"trial {x}"} for x in range(12)]


def curve(x, name):
    if x % 7 == 3:
        raise ArithmeticError(f"{name} is unlucky")
    return {"loss": x / 7, "curve": [x / k for k in range(1, 5)]}


@pytest.fixture(scope="module")
def searched(tmp_path_factory):
    """Return the bytes of a store and what it holds."""
    path = tmp_path_factory.mktemp("searched") / "a.db"
    trials = run(curve, PLAN, path, workers=0)
    return path.read_bytes(), trials


@pytest.fixture
def path(tmp_path):
    return tmp_path / "search.db"


def names(folder):
    return sorted(each.name for each in folder.iterdir())


# --- Nothing damaged is read as whole ------------------------------------------------------------


def test_a_flipped_bit_is_an_error_that_names_the_file_and_never_another_number(searched, path):
    data, trials = searched
    rng, refused = random.Random(0), 0
    used = [place for place, byte in enumerate(data) if byte]
    for place in rng.sample(used, 400):
        path.write_bytes(
            data[:place] + bytes([data[place] ^ 1 << rng.randrange(8)]) + data[place + 1 :]
        )
        try:
            assert results(path) == trials  # of no meaning: a counter of SQLite, its version
        except ValueError as error:
            assert str(path) in str(error)  # noqa: PT017
            refused += 1
    assert refused > 390


def test_a_flipped_bit_in_a_result_is_named(searched, path):
    data, _ = searched
    at = data.index(b"0.14285714285714285")  # 1/7
    for place in range(at, at + 19):
        for bit in range(8):
            path.write_bytes(data[:place] + bytes([data[place] ^ 1 << bit]) + data[place + 1 :])
            with pytest.raises(ValueError, match=r"search\.db is"):
                results(path)
            with pytest.raises(ValueError, match=r"search\.db is"):
                record(path, 1, "done", "0", 0.0)
    assert names(path.parent) == ["search.db"]


def test_what_was_cut_or_added_or_is_of_others_is_refused_and_left_alone(searched, path):
    data, _ = searched
    with closing(sqlite3.connect(":memory:")) as other:
        other.execute("CREATE TABLE trials (number, settings, status, result, error, seconds)")
        foreign = other.serialize()
    half = len(data) // 2
    for wrong in (
        b"",
        data[:50],
        data[:half],
        data[:-1],
        data + b"x",
        data + data[-4096:],
        data * 2,
        b"\0" * 12288,
        b"Dear diary\n" * 99,
        foreign,
    ):
        path.write_bytes(wrong)
        for use in (lambda: results(path), lambda: run(curve, PLAN, path, workers=0)):
            with pytest.raises(ValueError, match=r"search\.db is (no store of a search|damaged)"):
                use()
        assert path.read_bytes() == wrong
        assert names(path.parent) == ["search.db"]  # not even a lock


@pytest.mark.parametrize(
    "change",
    [
        "UPDATE trials SET result = '0' WHERE number = 1",
        "UPDATE trials SET seconds = seconds + 1 WHERE number = 1",
        "UPDATE trials SET status = 'planned' WHERE number = 3",
        "UPDATE trials SET result = CAST(result AS BLOB) WHERE number = 1",
        "UPDATE trials SET objective = 'other' WHERE number = 11",
        "DELETE FROM trials WHERE number = 5",
        "ALTER TABLE trials ADD COLUMN more",
        "CREATE TABLE more (x)",
        "PRAGMA application_id = 7",
        "PRAGMA journal_mode = WAL",
    ],
)
def test_what_another_program_changed_is_refused(change, searched, path):
    path.write_bytes(searched[0])
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute(change)
    with pytest.raises(ValueError, match=r"search\.db is (no store of a search|damaged)"):
        results(path)


def test_a_journal_of_a_store_that_was_deleted_is_not_played_back(path):
    path.with_name("search.db-journal").write_bytes(b"\xd9\xd5\x05\xf9\x20\xa1\x63\xd7" * 200)
    assert len(run(curve, PLAN, path, workers=0)) == len(results(path)) == 12


def test_what_a_killed_search_left_goes(path):
    child = multiprocessing.get_context("spawn").Process(target=print)
    child.start()
    child.join()
    path.with_name(f".search.db.tmp-{_HOST}-{child.pid}-00000000").touch()
    run(curve, PLAN, path, workers=0)
    assert names(path.parent) == ["search.db", "search.db-lock"]


# --- What the system refuses ---------------------------------------------------------------------


@pytest.fixture
def small_disk():
    """Let no file of this process grow beyond a size that is given."""
    soft, hard = resource.getrlimit(resource.RLIMIT_FSIZE)
    yield lambda size: resource.setrlimit(resource.RLIMIT_FSIZE, (size, hard))
    resource.setrlimit(resource.RLIMIT_FSIZE, (soft, hard))


def test_a_full_disk_is_an_error_that_names_the_file_and_keeps_the_old_one(path, small_disk):
    trials = run(curve, PLAN, path, workers=0)
    small_disk(path.stat().st_size)
    longer = [*PLAN, {"x": 99, "name": "n" * 100_000}]
    with pytest.raises(OSError, match=r"search\.db"):
        run(curve, longer, path, workers=0)
    with pytest.raises(OSError, match=r"search\.db"):
        record(path, 0, "done", '"' + "n" * 100_000 + '"', 0.0)
    assert results(path) == trials
    with pytest.raises(OSError, match=r"new\.db"):
        run(curve, longer, path.with_name("new.db"), workers=0)
    assert names(path.parent) == ["search.db", "search.db-lock"]


def test_a_store_that_cannot_be_written_is_named_and_stays(path, monkeypatch):
    trials = run(curve, PLAN, path, workers=0)
    connect = sqlite3.connect

    def read_only(path, **given):
        return connect(f"file:{path}?mode=ro", uri=True, **given)

    monkeypatch.setattr(sqlite3, "connect", read_only)
    with pytest.raises(OSError, match=r"Read-only file system \(attempt to write.*search\.db"):
        record(path, 0, "done", "0", 0.0)
    assert results(path) == trials


def test_what_can_be_no_store_is_refused(path):
    path.mkdir()
    with pytest.raises(ValueError, match=r"path must be a file, got .*search\.db"):
        results(path)
    os.mkfifo(path / "pipe")
    with pytest.raises(ValueError, match=r"path must be a file, got .*pipe"):
        run(curve, PLAN, path / "pipe", workers=0)
    assert names(path) == ["pipe"]


# --- Nothing is run twice ------------------------------------------------------------------------


def test_a_store_has_one_lock_by_whatever_path_it_is_called(path, monkeypatch):
    linked, folder = path.with_name("link.db"), path.parent / "folder"
    linked.symlink_to(path)
    folder.symlink_to(path.parent)
    monkeypatch.chdir(path.parent)
    for first in (linked, path):  # the file is missing at first, the link leads nowhere
        for other in (path, linked, "search.db", "./link.db", folder / "search.db"):
            with (
                locked(first),
                pytest.raises(RuntimeError, match=r"another search is running on .*search\.db"),
            ):
                run(curve, PLAN, other, workers=0)
        run(curve, PLAN, linked, workers=0)
    assert linked.is_symlink()
    assert results("search.db") == results(linked)
    assert names(path.parent) == ["folder", "link.db", "search.db", "search.db-lock"]


def test_a_search_in_a_file_with_two_names_is_refused_and_read(searched, path):
    path.write_bytes(searched[0])
    path.with_name("other.db").hardlink_to(path)
    for name in ("search.db", "other.db"):
        with pytest.raises(ValueError, match=rf"one name, got .*{name}, which has 2 \(hard links"):
            run(curve, PLAN, path.with_name(name), workers=0)
        assert len(results(path.with_name(name))) == len(PLAN)
    assert path.read_bytes() == searched[0]
    path.with_name("other.db").unlink()
    run(curve, PLAN, path, workers=0)


def test_a_second_search_through_a_link_is_refused_while_the_first_runs(path):
    linked = path.with_name("link.db")
    linked.symlink_to(path)
    seen, began, refused = [], threading.Event(), threading.Event()

    def noted(x, name):
        seen.append(x)
        began.set()
        refused.wait(60)

    noted.__qualname__ = "noted"
    first = threading.Thread(target=run, args=(noted, PLAN, path), kwargs={"workers": 0})
    first.start()
    assert began.wait(60)
    with pytest.raises(RuntimeError, match="another search is running on"):
        run(noted, PLAN, linked, workers=0)
    refused.set()
    first.join()
    assert seen == list(range(12))


def test_others_read_while_a_trial_is_recorded(path):
    plan(path, "curve", PLAN)
    with closing(sqlite3.connect(path)) as reader:
        reader.execute("BEGIN")
        reader.execute("SELECT count(*) FROM trials").fetchall()
        assert len(results(path)) == 12
    record(path, 3, "done", "0.5", 1.0)
    assert results(path)[3].result == 0.5
