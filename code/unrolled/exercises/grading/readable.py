"""Values in words, and what is wrong with one when another was expected."""

from __future__ import annotations

import inspect
import re
import textwrap
from typing import Any

import numpy as np
from numpy.typing import NDArray

WIDTH = 88  # characters
SMALL = 40  # an array of more entries than this is shown by its ends


def show(value: Any) -> str:
    """Write a value so that it can be read, and so that no address or endless list appears."""
    if isinstance(value, str):
        return repr(value if len(value) <= SMALL else value[:SMALL] + "...")
    if callable(value):
        words = (inspect.getdoc(value) or "a function").splitlines()[0].rstrip(".")
        return f"<{words[0].lower()}{words[1:]}>"
    array = as_array(value)
    if array is None:
        return kind(value)
    if array.ndim == 0:
        return f"{array.item():.7g}" if array.dtype.kind in "f" else str(array.item())
    if not array.size:
        return f"an empty array of shape {array.shape}"
    return np.array2string(
        array, precision=4, suppress_small=True, threshold=SMALL, max_line_width=76, separator=", "
    )


def kind(value: Any) -> str:
    """Say what sort of thing a value is: "a list of 3", "an array of shape (3,)", "None"."""
    if value is None:
        return "None"
    if isinstance(value, bool | np.bool_):
        return str(bool(value))
    if isinstance(value, list | tuple):
        return f"a {type(value).__name__} of {len(value)}"
    if inspect.isgenerator(value):
        return "a generator (`yield` makes one; `return` does not)"
    if inspect.iscoroutine(value):
        return "a coroutine (that comes from `async`)"
    if callable(value):
        return "a function (are its brackets missing?)"
    array = as_array(value)
    if array is None:
        name = type(value).__name__
        if name == "Tensor":
            return f"a Tensor ({value.dtype}) that cannot be read as real numbers"
        return f"{'an' if name[0] in 'aeiouAEIOU' else 'a'} {name}"
    if array.ndim == 0:
        return f"the number {show(array)}"
    return f"an array of shape {array.shape}"


def as_array(value: Any) -> NDArray[Any] | None:
    """Take a NumPy array, a torch tensor or a number as an array of numbers; else None."""
    try:
        if hasattr(value, "detach") and hasattr(value, "cpu"):
            value = value.detach().cpu().numpy()
    except Exception:  # a bfloat16, sparse or meta tensor, or a `__getattr__` that raises
        return None
    if not isinstance(value, np.ndarray | np.generic | int | float):
        return None
    array = np.asarray(value)
    return array if array.dtype.kind in "iuf" else None


def wrong_form(got: Any, want: Any, names: tuple[str, ...] = ()) -> str | None:
    """Say how `got` differs from `want` in type, number of parts or shape; None if it does not.

    `names` name the parts of a tuple.
    """
    if want is None:
        return None if got is None else f"It returned {kind(got)}; expected nothing (None)."
    if isinstance(want, tuple):
        parts = f"a tuple of {len(want)}" + (f" ({', '.join(names)})" if names else "")
        if not isinstance(got, tuple) or len(got) != len(want):
            return f"It returned {kind(got)}; expected {parts}."
        complaints = (
            _wrong_part(mine, theirs, _name(names, i))
            for i, (mine, theirs) in enumerate(zip(got, want, strict=True))
        )
        return next((complaint for complaint in complaints if complaint), None)
    return _wrong_part(got, want, names[0] if names else "")


def _wrong_part(got: Any, want: Any, name: str) -> str | None:
    what = f"`{name}` is" if name else "It returned"
    array, expected = as_array(got), as_array(want)
    if expected is None:
        raise TypeError(f"an exercise's solution returned {kind(want)}, which cannot be compared")
    needed = f"an array of shape {expected.shape}" if expected.ndim else "a number"
    if array is None and isinstance(got, np.ndarray):
        return f"{what} an array of {got.dtype}; expected an array of numbers."
    if array is None:
        hint = " (`np.array(...)` makes one of a list)" if isinstance(got, list) else ""
        return f"{what} {kind(got)}; expected {needed}{hint}."
    if array.shape == expected.shape:
        return None
    turned = array.ndim > 1 and array.shape == expected.shape[::-1]
    hint = " Rows and columns are swapped." if turned else ""
    return f"{what} {kind(got)}; expected {needed}.{hint}"


def wrong_values(
    got: Any, want: Any, tolerance: float, names: tuple[str, ...] = ()
) -> tuple[str, ...] | None:
    """Find the largest error beyond the tolerance, or the first NaN; None if there is neither.

    The tolerance is relative to the largest number expected, so that float32 answers pass.
    Returns the complaint and, of arrays, what came and what was expected, to be read.
    """
    if want is None:
        return None
    if isinstance(want, tuple):
        found = (
            _wrong_entry(mine, theirs, tolerance, _name(names, i))
            for i, (mine, theirs) in enumerate(zip(got, want, strict=True))
        )
        return next((entry for entry in found if entry), None)
    return _wrong_entry(got, want, tolerance, names[0] if names else "")


def _wrong_entry(got: Any, want: Any, tolerance: float, name: str) -> tuple[str, ...] | None:
    array, expected = as_array(got), as_array(want)
    if array is None or expected is None or not expected.size:
        return None
    scale = np.max(np.abs(expected), initial=0.0, where=np.isfinite(expected)) or 1.0
    equal = (array == expected) | (np.isnan(array) & np.isnan(expected))
    with np.errstate(invalid="ignore"):
        error = np.where(equal, 0.0, np.abs(array.astype(np.float64) - expected))
    if np.all(error <= tolerance * scale):
        return None
    owner = f"`{name}`" if name else "The result"
    if not expected.ndim:
        what = f"`{name}` is" if name else "It returned"
        return (f"{what} {show(array)}; expected {show(expected)}.",)
    if not np.all(np.isfinite(array)):
        at = _index(np.argwhere(~np.isfinite(array))[0])
        return f"{owner} contains {array[at]}{_at(at)}.", show(array), show(expected)
    at = _index(np.unravel_index(np.argmax(error), error.shape))
    cut = array.dtype.kind in "iu" and np.any(expected != np.trunc(expected))
    hint = f" Yours holds whole numbers only ({array.dtype}): decimals are cut off." if cut else ""
    return (
        f"{owner} has the right shape and wrong values. The largest error is{_at(at)}: "
        f"got {show(array[at])}, expected {show(expected[at])}.{hint}",
        show(array),
        show(expected),
    )


def _name(names: tuple[str, ...], part: int) -> str:
    return names[part] if names else f"part {part}"


def _index(position: Any) -> tuple[int, ...]:
    return tuple(int(i) for i in position)


def _at(index: tuple[int, ...]) -> str:
    if not index:
        return ""
    return f" at index {index[0] if len(index) == 1 else index}"


def fill(text: str) -> str:
    """Set paragraphs, which empty lines separate, in lines that fit a screen.

    Code in backquotes stays on one line.
    """
    paragraphs = (" ".join(part.split()) for part in text.split("\n\n"))
    whole = (re.sub("`[^`]*`", lambda code: code[0].replace(" ", "\0"), p) for p in paragraphs)
    return "\n\n".join(
        textwrap.fill(p, WIDTH, break_long_words=False, break_on_hyphens=False) for p in whole
    ).replace("\0", " ")


def said_by(error: BaseException) -> str:
    """Write an error's type and message on one line: short, and without memory addresses."""
    try:
        message = " ".join(str(error).split())
    except Exception:  # its own __str__ may be broken, too
        message = ""
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", message).rstrip(".")
    if len(message) > 200:
        message = message[:200] + "..."
    return f"{type(error).__name__}: {message}" if message else type(error).__name__
