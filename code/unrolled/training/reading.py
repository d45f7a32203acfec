"""What functions and modules hold or read from outside, in words that another process repeats.

A function is followed into the functions, objects and modules that its code names. What comes with
Python or an installed package is told by its name alone.
"""

from __future__ import annotations

import dis
import enum
import functools
import hashlib
import inspect
import os
import re
import sys
import sysconfig
from collections import deque
from collections.abc import Callable, Iterator, Mapping
from collections.abc import Set as AbstractSet
from types import CodeType, ModuleType
from typing import Any, NamedTuple

import numpy as np
import torch
from torch import Tensor, nn
from torch.nn.parameter import is_lazy
from torch.utils.data import DataLoader, Dataset

from unrolled.data.batching import Batches

Told = dict[str, Any]
"""By its place, as in "loss.weights": a number or word, or a digest of what is longer."""

_Numbers = dict[int, tuple[Any, str]]  # digests by the id of an array, which is held with it

_LONGEST = 80  # characters of a value that is told as it is
_DEEPEST = 20  # values in values; what lies deeper is told by its class
_OF_MODULES = set(vars(nn.Module()))  # which every module has
_PLAIN = int | float | complex | str | bytes | np.generic | None
_SEVERAL = (dict, list, tuple, AbstractSet, deque)
_SHOWN = torch.dtype | enum.Enum | range | slice
_PATHS = sysconfig.get_paths()
_INSTALLED = tuple({_PATHS[each] + os.sep for each in ("stdlib", "platstdlib", "purelib")})


class _Names(NamedTuple):
    """What a piece of code, with all that is nested in it, reads by name."""

    outside: frozenset[str]
    attributes: frozenset[str]


def read_by(model: nn.Module | None, functions: Mapping[str, Callable[..., Any] | None]) -> Told:
    """Return what is in a model beside its weights, and what functions are and read."""
    told: Told = {}
    if model is not None:
        told |= _told(model, lambda teller: teller.modules("modules"))
    for place, function in functions.items():
        told |= _told(model, functools.partial(_Teller.tell, value=function, place=place))
    return told


def _told(model: nn.Module | None, tell: Callable[[_Teller], None]) -> Told:
    """Tell until no code is found any more that names another attribute."""
    numbers: _Numbers = {}
    names = set[str]()
    while True:
        teller = _Teller(model, names, numbers)
        tell(teller)
        if len(names) == teller.known:
            return teller.told


class _Teller:
    """Walks through values; each is followed where it is met first."""

    def __init__(self, model: nn.Module | None, names: set[str], numbers: _Numbers) -> None:
        self.told: Told = {}
        self.seen: dict[int, Any] = {}  # holds them, for an id is that of a living object only
        self.names, self.known = names, len(names)  # of the attributes that code reads
        self.numbers = numbers
        self.model = model
        self.own: dict[int, str] = {}
        if model is not None:
            self.own = {id(each): name or "itself" for name, each in model.named_modules()}
            self.own |= {id(each): name for name, each in model.named_parameters()}
            self.own |= {id(each): name for name, each in model.named_buffers()}

    def modules(self, place: str) -> None:
        """Note what the modules of the model hold."""
        assert self.model is not None
        for name, module in self.model.named_modules():
            self.module(module, f"{place}.{name or 'model'}")

    def tell(self, value: Any, place: str) -> None:
        """Note what a value is, and what it holds; of an object what code reads of it."""
        if id(value) in self.own:
            self.told[place] = f"the model's {self.own[id(value)]}"
        elif isinstance(value, _PLAIN):
            self.told[place] = _short(value)
        elif isinstance(value, Tensor | np.ndarray):
            self.told[place] = self.array(value)
        elif place.count(".") > _DEEPEST:
            self.told[place] = _class(value)
        elif isinstance(value, _SEVERAL):
            self.told[place] = self._several(value, place)
        elif id(value) in self.seen:
            self.told[place] = _class(value)
        else:
            self.seen[id(value)] = value
            self._follow(value, place)

    def _follow(self, value: Any, place: str) -> None:
        """Note what is not a number, nor several values."""
        if inspect.isfunction(value):
            self.function(value, place)
        elif inspect.ismethod(value):
            self.tell(value.__func__, place)
            self.tell(value.__self__, f"{place}.self")
        elif isinstance(value, functools.partial):
            self.told[place] = "partial"
            self.tell(value.func, f"{place}.func")
            self.tell(value.args, f"{place}.args")
            self.tell(value.keywords, f"{place}.keywords")
        elif isinstance(value, nn.Module):
            for name, part in value.named_modules(prefix=place):
                self.module(part, name)
            for name, weight in value.state_dict(keep_vars=True).items():
                self.tell(weight, f"{place}.{name}")
        elif isinstance(value, Batches):
            self.told[place] = f"{value.digest()[:12]} {value.size} {value.seed} {value.shuffle}"
        elif isinstance(value, Dataset | DataLoader):
            self.told[place] = _class(value)
            self._attributes(vars(value), place)
        elif hasattr(type(value), "__array__"):
            self.told[place] = self.array(value)
        else:
            self._object(value, place)

    def function(self, function: Any, place: str) -> None:
        """Note the code of a function and what it reads from outside."""
        code = function.__code__
        if code.co_filename.startswith(_INSTALLED):
            self.told[place] = f"{function.__globals__.get('__name__')}.{code.co_qualname}"
            self._wrapped(function, place)
            return
        self.told[place] = f"{function.__qualname__} {_digest(repr(_instructions(code)))}"
        names = _names(code)
        self.names |= names.attributes
        read = {
            name: function.__globals__[name]
            for name in sorted(names.outside & function.__globals__.keys())
        }
        for name, cell in zip(code.co_freevars, function.__closure__ or (), strict=True):
            if cell != type(cell)():  # of a name that is not bound yet
                read[name] = cell.cell_contents
        if function.__defaults__:
            read["defaults"] = function.__defaults__
        self._attributes(read | (function.__kwdefaults__ or {}), place)

    def _wrapped(self, value: Any, place: str) -> None:
        """Note what an installed decorator was put around."""
        if "__wrapped__" in getattr(value, "__dict__", {}):
            self.tell(value.__wrapped__, f"{place}.wrapped")

    def module(self, module: nn.Module, place: str) -> None:
        """Note the class of a module, its attributes, and the buffers that no checkpoint holds."""
        self.told[f"{place}.class"] = _class(module)
        held = {name: each for name, each in vars(module).items() if name not in _OF_MODULES}
        self.names |= _attributes_of(type(module))
        self._attributes(held, place)
        for name in sorted(module._non_persistent_buffers_set):
            buffer = module._buffers.get(name)
            self.told[f"{place}.{name}"] = None if buffer is None else self.array(buffer)

    def _object(self, value: Any, place: str) -> None:
        """Note the class of an object, and what the code that has it reads of it."""
        self.told[place] = in_words(value) if isinstance(value, _SHOWN) else _class(value)
        self._wrapped(value, place)
        if inspect.isroutine(value) or _comes_along(value):
            return
        for name in ("__call__", *sorted(self.names)):
            for index, each in enumerate(_found(value, name)):
                part = getattr(each, "fget", None) or getattr(each, "__func__", each)
                self.tell(part, f"{place}.{name}{f'.{index}' if index else ''}")

    def array(self, value: Any) -> str:
        """Return a digest of what holds numbers."""
        if id(value) not in self.numbers:
            array = value if isinstance(value, Tensor) else np.asarray(value)
            self.numbers[id(value)] = value, _numbers(array)
        return self.numbers[id(value)][1]

    def _attributes(self, held: Mapping[str, Any], place: str) -> None:
        for name, value in held.items():
            self.tell(value, f"{place}.{name}")

    def _several(self, values: Any, place: str) -> str:
        """Return a digest of all that a list, a mapping or a set holds."""
        kind = f"{type(values).__name__} of {len(values)}"
        if all(isinstance(each, _PLAIN) for each in _flat(values)):
            words = repr(dict(values) if isinstance(values, dict) else [*_flat(values)])
            return words if len(words) <= _LONGEST else f"{kind} {_digest(words)}"
        if id(values) in self.seen:
            return kind
        self.seen[id(values)] = values
        inner = _Teller(None, self.names, self.numbers)
        inner.seen, inner.own = self.seen, self.own
        for index, each in enumerate(_flat(values)):
            inner.tell(each, f"{place}.{index}")
        parts = [f"{at.removeprefix(place)}={told!r}" for at, told in inner.told.items()]
        return f"{kind} {_digest(repr(parts))}"


def _found(value: Any, name: str) -> Iterator[Any]:
    """Yield what an object has by a name: its own, or what its classes say of it."""
    own = getattr(value, "__dict__", {})
    if name in own:
        yield own[name]
        return
    kinds = value.__mro__ if isinstance(value, type) else type(value).__mro__
    for each in kinds:
        if name in vars(each) and not _comes_along(each):
            part = vars(each)[name]
            slot = inspect.ismemberdescriptor(part)
            yield getattr(value, name, None) if slot else part


def _flat(values: Any) -> Iterator[Any]:
    """Yield what a list, a mapping or a set holds; of sets, in an order of their words."""
    if isinstance(values, dict):
        for key, each in values.items():
            yield from (key, each)
    elif isinstance(values, AbstractSet):
        yield from sorted(values, key=in_words)
    else:
        yield from values


@functools.lru_cache(maxsize=1000)
def _names(code: CodeType) -> _Names:
    outside, attributes = set[str](), set[str]()
    for each in dis.get_instructions(code):
        if each.opname in ("LOAD_GLOBAL", "LOAD_NAME"):
            outside.add(each.argval)
        elif each.opname.startswith(("LOAD_ATTR", "LOAD_METHOD", "LOAD_SUPER", "STORE_ATTR")):
            attributes.add(each.argval)
        elif isinstance(each.argval, CodeType):
            inner = _names(each.argval)
            outside |= inner.outside
            attributes |= inner.attributes
    return _Names(frozenset(outside), frozenset(attributes))


def _instructions(code: CodeType) -> tuple[Any, ...]:
    """Return what a function's code does, whatever lines it stands in."""
    return (code.co_code, code.co_names, [_constant(each) for each in code.co_consts])


def _constant(value: Any) -> Any:
    if isinstance(value, CodeType):
        return _instructions(value)
    if isinstance(value, frozenset):  # in no order that another process would keep
        return sorted(map(repr, value))
    return value


def _numbers(array: Any) -> str:
    """Return the shape of an array or a tensor, and a digest of its values if it has any."""
    if is_lazy(array):
        return "lazy"
    kind = f"{str(array.dtype).removeprefix('torch.')} {tuple(array.shape)}"
    try:
        if isinstance(array, np.ndarray) and array.dtype.hasobject:
            return f"{kind} {_digest(repr(array.tolist()))}"
        return f"{kind} {Batches(array[None], size=1, seed=0).digest()[:12]}"
    except (NotImplementedError, RuntimeError, TypeError, ValueError):  # sparse, on meta, of dates
        return kind


def _short(value: Any) -> Any:
    """Return a number or a word as JSON holds it, or a digest of a long one."""
    value = value.item() if isinstance(value, np.generic) else value
    if value is None or isinstance(value, bool | int | float):
        return value
    words = value if isinstance(value, str) else repr(value)
    return words if len(words) <= _LONGEST else f"{words[:20]}… {_digest(words)}"


def _class(value: Any) -> str:
    """Return the name of an object's class, or of what has a name of its own."""
    if isinstance(value, ModuleType):
        return value.__name__
    named = value if callable(value) and hasattr(value, "__name__") else type(value)
    name = str(getattr(named, "__qualname__", named.__name__))
    # a module of the user's has another name where it is run than where it is imported
    return f"{named.__module__}.{name}" if _comes_along(named) and named.__module__ else name


def _comes_along(value: Any) -> bool:
    """Say whether a module, a class or an object's class comes with Python or a package."""
    if not isinstance(value, ModuleType):
        named = value if hasattr(value, "__name__") else type(value)
        name = named.__module__ or "builtins"
        value = sys.modules.get(name)
        if value is None or name == "__main__":
            return False
    file = getattr(value, "__file__", None)
    return file is None or file.startswith(_INSTALLED)


def _attributes_in(function: Any) -> frozenset[str]:
    """Return the names of attributes in a function's code, whatever is wrapped around it."""
    code = getattr(inspect.unwrap(function) if callable(function) else function, "__code__", None)
    return _names(code).attributes if isinstance(code, CodeType) else frozenset()


def _attributes_of(kind: type) -> frozenset[str]:
    """Return the names of attributes in the methods of a class that no package brought along."""
    kinds = [each for each in kind.__mro__ if not _comes_along(each)]
    parts = [_attributes_in(part) for each in kinds for part in vars(each).values()]
    return frozenset().union(*parts)


def in_words(value: Any) -> str:
    """Return what an object says of itself, without where it lies in memory."""
    return re.sub(r" at 0x[0-9a-fA-F]+", "", repr(value))


def _digest(words: str) -> str:
    return hashlib.sha256(words.encode("utf-8", "backslashreplace")).hexdigest()[:12]
