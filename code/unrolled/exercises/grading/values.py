"""What an answer returns or raises, taken down as plain data.

Looking at an object can run the code of whoever wrote its class. So `read` and `Raised.by` are
called while the guard still stands, and all that comes after handles what they return: arrays,
numbers and words.
"""

from __future__ import annotations

import array as arrays
import inspect
import numbers
import re
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from itertools import islice
from typing import Any

import numpy as np
from numpy.typing import NDArray

SMALL = 40  # characters of a text that is quoted
LONG = 200  # characters of a message that is quoted
MANY = 100_000  # entries of lists that are read
COPIED = 10**6  # entries of an array that is copied: a later call may write into it


class TimeUp(BaseException):
    """Raised inside a call that has used up its time."""


@dataclass(frozen=True, eq=False)
class Numbers:
    """An array of numbers, and the type in which they were computed, as in "float32"."""

    array: NDArray[Any]
    precision: str


@dataclass(frozen=True, eq=False)
class Parts:
    """A list or a tuple, each of its parts read."""

    word: str
    items: tuple[Value, ...]


@dataclass(frozen=True)
class Other:
    """Whatever else: `kind` is what it is, `shown` what it says."""

    kind: str
    shown: str


Value = Numbers | Parts | Other | None


@dataclass(frozen=True)
class Raised:
    """An error: the names of its type and of all that this inherits from, and what it says.

    `unwritten` is "all" where the starter's own ``raise NotImplementedError`` raised it, "a part"
    where such a line stands elsewhere in the reader's code, and else "".
    """

    names: tuple[str, ...]
    says: str
    unwritten: str = ""

    @classmethod
    def by(cls, error: BaseException, unwritten: str = "") -> Raised:
        """Take down an error; its own `__str__` may be broken, or never end."""
        ancestors = type.mro(type(error))
        names = tuple(f"{_own(each, '__module__')}.{_own(each, '__name__')}" for each in ancestors)
        return cls(names, says(error), unwritten)

    @property
    def name(self) -> str:
        """The type's name, as one writes it."""
        return self.names[0].removeprefix("builtins.")

    def is_a(self, kind: type[BaseException]) -> bool:
        """Whether it is an error of this type, or of one that inherits from it."""
        return f"{kind.__module__}.{kind.__name__}" in self.names

    def is_like(self, other: Raised | None) -> bool:
        """Whether the other one is of the same type, by name: a function may define its own."""
        return other is not None and self.names[0] == other.names[0]


def says(error: BaseException) -> str:
    """Write an error's type and message on one line: short, and without memory addresses."""
    try:
        message = plain(" ".join(str(error)[: 10 * LONG].split()))
    except (TimeUp, MemoryError):
        raise
    except BaseException:
        message = ""
    message = re.sub(r" at 0x[0-9a-fA-F]+", "", message).rstrip(".")
    if len(message) > LONG:
        message = message[:LONG] + "..."
    name = _own(type(error), "__name__")
    return f"{name}: {message}" if message else name


def plain(text: str) -> str:
    """Escape what no screen can show: lone surrogates, control characters."""
    if text.isprintable():
        return str.__str__(text)
    shown = (c if c.isprintable() or c == "\n" else ascii(c)[1:-1] for c in text)
    return "".join(shown)


def _own(cls: type, name: str) -> str:
    """Ask the type itself for its name: a metaclass may answer otherwise."""
    found = type.__dict__[name].__get__(cls)
    return plain(str.__str__(found)) if isinstance(found, str) else ""


def read(value: Any) -> Value:
    """Take down what a call returned: numbers as arrays, lists part by part, the rest in words."""
    try:
        return _read(value, _Count())
    except (TimeUp, MemoryError):
        raise
    except BaseException:  # a `__getattr__` that raises, a list that contains itself
        return _in_words(value)


class _Count:
    """How many parts of lists have been read."""

    def __init__(self) -> None:
        self.parts = 0

    def add(self, value: list[Any] | tuple[Any, ...], base: type) -> Iterator[Any]:
        self.parts += base.__len__(value)  # type: ignore[attr-defined]
        if self.parts > MANY:
            raise OverflowError
        return base.__iter__(value)  # type: ignore[attr-defined, no-any-return]


def _read(value: Any, count: _Count) -> Value:
    if value is None:
        return None
    for base in (list, tuple):
        if issubclass(type(value), base):
            items = tuple(_read(item, count) for item in count.add(value, base))
            return Parts(base.__name__, items)
    array, precision = _as_array(value)
    return _in_words(value) if array is None else Numbers(array, precision)


def _as_array(value: Any) -> tuple[NDArray[Any] | None, str]:
    """Return a number, or anything that is an array to NumPy, and its precision; else None."""
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(type(value), torch.Tensor):
        precision = str(value.dtype).removeprefix("torch.")
        value = _from_torch(value)
    else:
        precision = ""
    plainly = isinstance(value, np.ndarray | np.generic | numbers.Number | range | arrays.array)
    if plainly or inspect.getattr_static(type(value), "__array__", None) is not None:  # a Series
        array = _of_numbers(np.asarray(value))
    else:
        array = None
    return array, precision or (array.dtype.name if array is not None else "")


def _from_torch(tensor: Any) -> NDArray[Any]:
    tensor = tensor.detach()
    if str(tensor.layout) != "torch.strided":
        tensor = tensor.to_dense()
    if str(tensor.dtype) == "torch.bfloat16":
        tensor = tensor.float()
    array: NDArray[Any] = tensor.cpu().resolve_conj().resolve_neg().numpy()
    return array


def _of_numbers(array: NDArray[Any]) -> NDArray[Any] | None:
    """Return an array as one of real numbers, or complex where it must be; None if it is neither.

    It is a copy: the next call may write into the same memory.
    """
    if array.dtype.kind == "O":
        if array.size > MANY or not all(isinstance(each, numbers.Number) for each in array.flat):
            return None
        array = np.asarray(array.tolist(), dtype=float)  # Fractions, whole numbers of any size
    if array.dtype.kind == "c":
        size = np.max(np.abs(array), initial=0.0, where=np.isfinite(array))
        if np.all(np.abs(array.imag) <= 1e-12 * size):
            array = array.real
    if array.dtype.kind not in "biufc":
        return None
    return np.array(array) if array.size <= COPIED else array


def as_numbers(value: Value) -> Numbers | None:
    """Take a list, or a list of lists, as the array that NumPy would make of it; None if none."""
    if isinstance(value, Numbers):
        return value
    if not isinstance(value, Parts):
        return None
    read = [as_numbers(item) for item in value.items]
    each = [item for item in read if item is not None]
    if len(each) < len(read) or len({item.array.shape for item in each}) > 1:
        return None
    if not each:
        return Numbers(np.zeros(0), "float64")
    array = np.array([item.array for item in each])
    coarse = [item.precision for item in each if item.precision in ("float16", "bfloat16")]
    return Numbers(array, coarse[0] if coarse else array.dtype.name)


def as_parts(value: Value, wanted: Sequence[Value]) -> tuple[Value, ...] | None:
    """Take a list, a tuple, or an array along its first axis, as so many parts; None if not.

    A list or an array that could itself be one of them came alone, whatever its length.
    """
    array = as_numbers(value)
    if array is None or (isinstance(value, Parts) and value.word == "tuple"):
        return value.items if isinstance(value, Parts) and len(value.items) == len(wanted) else None
    shapes = {each.array.shape for each in map(as_numbers, wanted) if each}
    if array.array.shape in shapes or array.array.shape[:1] != (len(wanted),):
        return None
    if isinstance(value, Parts):
        return value.items
    if any(len(shape) != array.array.ndim - 1 for shape in shapes):
        return None
    return tuple(Numbers(np.asarray(part), array.precision) for part in array.array)


def lengths(value: Value) -> set[int]:
    """List the lengths of a list's parts: more than one, and it is no array."""
    if not isinstance(value, Parts):
        return set()
    found = [
        len(item.items) if isinstance(item, Parts) else len(item.array)
        for item in value.items
        if isinstance(item, Parts) or (isinstance(item, Numbers) and item.array.ndim)
    ]
    deeper = [lengths(item) for item in value.items]
    return set(found) if len(set(found)) > 1 else next((d for d in deeper if len(d) > 1), set())


def _in_words(value: Any) -> Other:
    """Say what a value is, whatever its class does when it is asked."""
    try:
        return _words(value)
    except (TimeUp, MemoryError):
        raise
    except BaseException:
        return _alike(_article(_own(type(value), "__name__")))


def _words(value: Any) -> Other:
    name = _own(type(value), "__name__")
    if issubclass(type(value), str):
        text = plain("".join(islice(str.__iter__(value), SMALL + 1)))
        return Other(_article(name), repr(text if len(text) <= SMALL else text[:SMALL] + "..."))
    for base in (list, tuple):
        if issubclass(type(value), base):
            return _alike(f"a {base.__name__} of {base.__len__(value)}")
    if issubclass(type(value), np.ndarray):
        return _alike(f"an array of {value.dtype}")
    torch = sys.modules.get("torch")
    if torch is not None and issubclass(type(value), torch.Tensor):
        return _alike(f"a Tensor ({value.dtype}) that cannot be read as numbers")
    if inspect.isgenerator(value):
        return _alike("a generator (`yield` makes one; `return` does not)")
    if inspect.iscoroutine(value):
        return _alike("a coroutine (that comes from `async`)")
    if callable(value):
        doc = plain((inspect.getdoc(value) or "a function").splitlines()[0][:LONG].rstrip("."))
        return Other("a function (are its brackets missing?)", f"<{doc[0].lower()}{doc[1:]}>")
    return _alike(_article(name))


def _alike(words: str) -> Other:
    return Other(words, words)


def _article(name: str) -> str:
    return f"{'an' if name[:1].lower() in {*'aeiou'} else 'a'} {name}"
