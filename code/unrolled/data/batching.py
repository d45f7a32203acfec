"""Minibatches whose order is a function of the seed and the epoch, and of nothing else."""

from __future__ import annotations

import hashlib
from collections.abc import Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray

from unrolled.core.kinds import flag, told
from unrolled.core.validate import random_seed, whole


class Batches:
    """Examples in a fresh random order every epoch, cut into batches.

    The order of epoch ``e`` depends on ``(seed, e)`` alone, so a run that was killed can start
    again in the middle of any epoch and see the batches it would have seen.

    Parameters
    ----------
    arrays
        NumPy arrays or tensors of numbers, each of shape ``(n, ...)``: example ``i`` is row ``i``
        of all. What else NumPy can read as an array, it does: rows of a list or of a pandas
        ``Series`` count by position, whatever their labels. Of a tensor that was computed with
        gradients the values are taken, without what they were computed from.
    size
        Examples in a batch, at least 1. The last batch of an epoch holds what is left over.
    seed
        Seed of the orders.
    shuffle
        False keeps the order of the rows.

    Raises
    ------
    TypeError
        If an array holds no numbers that torch has too, or is on no device, sparse or nested.
    ValueError
        If there is no array, no example, or the arrays differ in length.
    """

    def __init__(self, *arrays: Any, size: int, seed: int, shuffle: bool = True) -> None:
        self.arrays = tuple(_rows(array) for array in arrays)
        lengths = [len(array) for array in self.arrays]
        if not lengths or lengths[0] == 0:
            raise ValueError(f"arrays must hold at least one example, got lengths {lengths}")
        if len(set(lengths)) > 1:
            raise ValueError(f"arrays must have the same length, got lengths {lengths}")
        self.examples = lengths[0]
        self.size = whole("size", size)
        self.seed = random_seed("seed", seed)
        self.shuffle = flag("shuffle", shuffle)

    def __len__(self) -> int:
        """Batches in an epoch."""
        return -(-self.examples // self.size)

    def epoch(self, number: int, *, start: int = 0) -> Iterator[Sequence[Any]]:
        """Return an iterator over the batches of epoch ``number``, without the first ``start``."""
        number = whole("number", number, least=0)
        return self._epoch(number, whole("start", start, least=0, most=len(self)))

    def _epoch(self, number: int, start: int) -> Iterator[Sequence[Any]]:
        order = np.arange(self.examples)
        if self.shuffle:
            np.random.default_rng([self.seed, number]).shuffle(order)
        for batch in range(start, len(self)):
            rows = order[batch * self.size : (batch + 1) * self.size]
            yield [array[rows] for array in self.arrays]

    def digest(self) -> str:
        """Return what tells these examples from others: their types, their shapes, every bit."""
        found = hashlib.sha256()
        for array in self.arrays:
            found.update(f"{_kind(array)} ".encode())
            found.update(_bytes(array).data)
        return found.hexdigest()


def _kind(array: Any) -> str:
    """Return the type and the shape of an array or a tensor, the same for both."""
    return f"{str(array.dtype).removeprefix('torch.')} {tuple(array.shape)}"


def _bytes(array: Any) -> NDArray[Any]:
    """Return the values of an array or a tensor, one after the other."""
    if isinstance(array, torch.Tensor):
        values = array.detach().cpu().resolve_conj().resolve_neg().flatten().contiguous()
        return values.view(torch.uint8).numpy()  # bfloat16 is no type of NumPy's
    return np.ascontiguousarray(array)


def _rows(values: Any) -> Any:
    """Return an array or a tensor that can be indexed by position and given to torch."""
    array = values if isinstance(values, torch.Tensor) else _as_array(values)
    if isinstance(array, torch.Tensor):
        _check_dense(array)
        if not array.is_leaf:  # the graph behind it would be gone after the first batch
            array = array.detach()
    if array.ndim == 0:
        raise ValueError(f"arrays must have a row for each example, got {told(values)}")
    return array


def _check_dense(tensor: torch.Tensor) -> None:
    """Raise if a tensor has no rows of numbers."""
    if tensor.is_nested:
        raise TypeError("arrays must be dense, got a nested tensor: pad its rows to one length")
    if tensor.layout is not torch.strided:
        raise TypeError(f"arrays must be dense, got a tensor of layout {tensor.layout}")
    if tensor.is_meta:
        raise TypeError("arrays must be of numbers, got a tensor on the device meta, without any")


def _as_array(values: Any) -> NDArray[Any]:
    """Return what NumPy reads in the values, if torch can read it in turn."""
    try:
        if isinstance(values, np.ma.MaskedArray):
            raise TypeError
        array = np.asarray(values)
        array = array.astype(array.dtype.newbyteorder("="), copy=False)
        torch.as_tensor(np.empty(0, array.dtype))
    except (TypeError, ValueError, RuntimeError):
        kind = f"{type(values).__name__} of {getattr(values, 'dtype', 'no type torch has')}"
        raise TypeError(f"arrays must be NumPy arrays or tensors of numbers, got {kind}") from None
    return array
