from pathlib import Path

import numpy as np
import pytest

from unrolled.core.kinds import (
    flag,
    folder,
    function,
    instance,
    mapping,
    one_of,
    path,
    several,
    string,
    told,
)
from unrolled.core.validate import LARGEST, floating, random_seed, real, whole


def test_what_is_right_comes_back():
    assert instance("x", 1, int) == 1
    assert string("x", "") == ""
    assert flag("x", np.True_) is True
    assert function("x", len) is len
    assert mapping("x", {"a": 1}, of=int) == {"a": 1}
    assert several("x", iter("ab"), of=str) == ["a", "b"]
    assert one_of("x", "a", ["a"]) == "a"
    assert path("x", "a") == Path("a")
    assert folder("x", Path()) == Path()
    assert floating("x", np.ones(2, complex)).dtype == complex
    assert random_seed("x", 2**63 - 1) == 2**63 - 1


@pytest.mark.parametrize(
    ("call", "error", "words"),
    [
        (lambda: instance("x", 1, str), TypeError, "x must be a str, got 1"),
        (lambda: instance("x", [], int), TypeError, "x must be an int, got list"),
        (lambda: string("x", b"a"), TypeError, "x must be a str, got b'a'|got bytes"),
        (lambda: flag("x", 1), TypeError, "x must be True or False, got 1"),
        (lambda: function("x", 1), TypeError, "x must be a function, got 1"),
        (lambda: mapping("x", []), TypeError, "x must be a mapping, got list"),
        (lambda: mapping("x", {"a": 1}, of=str), TypeError, r"x\['a'\] must be a str, got 1"),
        (lambda: several("x", "ab"), TypeError, "x must be several values, got 'ab'"),
        (lambda: several("x", np.array(1)), TypeError, r"x must be several .*of shape \(\)"),
        (lambda: several("x", [1, "a"], of=int), TypeError, r"x\[1\] must be an int, got 'a'"),
        (lambda: one_of("x", [], {"a": 1}), ValueError, "x must be one of a, got list"),
        (lambda: path("x", 1), TypeError, "x must be a path, got 1"),
        (lambda: path("x", "a\0"), ValueError, "x must be a path, not empty and without null"),
        (lambda: path("x", "\ud800"), ValueError, "x must be a name that a file can have, got"),
        (lambda: path("x", "a/"), ValueError, "x must be a file's, not a folder's, got 'a/'"),
        (lambda: folder("x", Path("none")), ValueError, "x must be a folder, got none"),
        (lambda: floating("x", [1.0]), TypeError, "x must be an array of .*, got list"),
        (lambda: floating("x", np.ma.ones(1)), TypeError, "x must be an array without a mask"),
        (lambda: floating("x", np.array([1, np.nan])), ValueError, "x must be finite, got nan"),
        (lambda: whole("x", 10**12), ValueError, f"x must be at most {LARGEST}, got 1000000000000"),
        (lambda: random_seed("x", -1), ValueError, "x must be at least 0, got -1"),
        (lambda: real("x", 10**400), ValueError, "x must be finite, got int of 1329 bits"),
    ],
)
def test_what_is_wrong_is_named(call, error, words):
    with pytest.raises(error, match=words):
        call()


def test_what_is_told_is_short():
    assert len(told("a" * 1000)) < 100
    assert len(told(10**400)) < 100
    assert told(np.ones((2, 3))) == "ndarray of shape (2, 3)"
