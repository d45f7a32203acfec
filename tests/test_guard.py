import contextlib
import sys
import threading
import time
import weakref

import numpy as np
import pytest

from unrolled.exercises.grading import guard
from unrolled.exercises.grading.guard import TimeUp, call


def test_returns_the_value_and_nothing_else():
    outcome = call(lambda a, b: a + b, (1, 2), 1.0)
    assert (outcome.error, outcome.printed, outcome.changed) == (None, "", ())
    assert outcome.value.array == 3
    assert outcome.finished


def test_arguments_are_copies():
    original = np.zeros(3)

    def write(array):
        array[0] = 1

    assert call(write, (original,), 1.0).changed == (0,)
    assert not original.any()


@pytest.mark.parametrize(
    ("before", "write", "changed"),
    [
        (np.array([1.0, np.nan]), lambda a: None, ()),
        (np.array([1.0, np.nan]), lambda a: a.__setitem__(1, 0.0), (0,)),
        ([np.zeros(2)], lambda a: a.append(1), (0,)),
        ([np.zeros(2)], lambda a: a[0].__setitem__(0, 1.0), (0,)),
        ({"a": 1}, lambda a: a.clear(), (0,)),
        (np.zeros(4), lambda a: a.resize(2, 2, refcheck=False), (0,)),
        (np.zeros, lambda a: None, ()),
    ],
)
def test_changed_arguments_are_seen(before, write, changed):
    assert call(write, (before,), 1.0).changed == changed


def test_output_is_caught_and_cut():
    def shout():
        print("x" * 3 * guard.PRINTED)
        print("error", file=sys.stderr)

    assert call(shout, (), 1.0).printed == "x" * guard.PRINTED


def test_nothing_is_printed(capfd):
    def shout():
        print("a")
        print("b", file=sys.stderr)
        np.float64(1) / np.float64(0)

    call(shout, (), 1.0)
    assert capfd.readouterr() == ("", "")


@pytest.mark.parametrize("error", [ValueError, SystemExit, KeyboardInterrupt, MemoryError])
def test_errors_are_returned_with_the_line_that_raised(error):
    def fail():
        raise error("because")

    outcome = call(fail, (), 1.0)
    assert outcome.error.name == error.__name__
    assert outcome.error.says == f"{error.__name__}: because"
    assert outcome.line.endswith('`raise error("because")`')


def test_what_a_failed_call_held_is_freed_before_more_is_done(monkeypatch):
    freed = []
    monkeypatch.setattr(guard, "_their_line", lambda frames: f"freed {freed}")

    def fail():
        held = np.zeros(3)
        weakref.finalize(held, freed.append, "held")
        raise MemoryError

    assert call(fail, (), 1.0).line == "freed ['held']"


def test_the_line_is_the_readers_not_the_librarys():
    outcome = call(lambda: np.concatenate([]), (), 1.0)
    assert "lambda: np.concatenate([])" in outcome.line


def _for_ever():
    while True:
        pass


def _swallowing():
    until = time.monotonic() + 3
    while time.monotonic() < until:
        with contextlib.suppress(BaseException):
            time.sleep(0.001)


def _asleep():
    time.sleep(3)


@pytest.mark.parametrize("function", [_for_ever, _swallowing, _asleep])
@pytest.mark.parametrize("thread", ["main", "other"])
def test_ends_in_time_wherever_it_is_called(function, thread):
    outcomes = []

    def timed():
        began = time.monotonic()
        outcomes.append(call(function, (), 0.1))
        outcomes.append(time.monotonic() - began)

    if thread == "main":
        timed()
    else:
        other = threading.Thread(target=timed)
        other.start()
        other.join()
    outcome, took = outcomes
    assert not outcome.finished
    assert outcome.line
    assert took < 0.1 + guard.PATIENCE + 2.0  # a busy machine may be late


def test_a_simple_loop_is_really_stopped():
    before = threading.active_count()
    call(_for_ever, (), 0.1)
    assert threading.active_count() == before


@pytest.mark.parametrize("limit", [0.1, 5.0])
def test_the_time_of_an_import_does_not_count(tmp_path, monkeypatch, limit):
    monkeypatch.delitem(sys.modules, "slow_to_import", raising=False)
    (tmp_path / "slow_to_import.py").write_text("import time\ntime.sleep(0.6)\nx = 1\n")
    monkeypatch.syspath_prepend(tmp_path)

    def answer():
        import slow_to_import

        return slow_to_import.x

    outcome = call(answer, (), limit)
    assert outcome.value.array == 1
    assert outcome.seconds < 0.4


def test_not_even_an_import_may_take_for_ever(tmp_path, monkeypatch):
    (tmp_path / "endless_to_import.py").write_text("while True:\n    pass\n")
    monkeypatch.syspath_prepend(tmp_path)
    monkeypatch.setattr(guard, "IMPORTING", 0.2)

    def answer():
        import endless_to_import  # noqa: F401

    assert not call(answer, (), 0.1).finished


def test_a_coroutine_is_closed():
    async def answer():
        return 1

    assert call(answer, (), 1.0).finished  # a warning that it was never awaited would be an error


def test_interrupting_the_check_stops_the_call(monkeypatch):
    """The stop button of a notebook: the interrupt passes, and nothing runs on."""
    before = threading.active_count()
    joined = threading.Thread.join

    def interrupted(self, timeout=None):
        monkeypatch.setattr(threading.Thread, "join", joined)
        raise KeyboardInterrupt

    monkeypatch.setattr(threading.Thread, "join", interrupted)
    with pytest.raises(KeyboardInterrupt):
        call(_for_ever, (), 5.0)
    assert threading.active_count() == before


def test_time_up_escapes_except_exception():
    assert not issubclass(TimeUp, Exception)
