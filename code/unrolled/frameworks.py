"""The same layer in two libraries: weights as PyTorch names them, and as Keras lists them."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from typing import Any, NamedTuple

import numpy as np
import torch
from numpy.typing import ArrayLike, NDArray
from torch import Tensor

from unrolled.core.kinds import flag, mapping, one_of, several, told
from unrolled.core.validate import numbers

_NAMES = ("weight_ih", "weight_hh", "bias_ih", "bias_hh")
_NAMED = re.compile(rf"(?:{'|'.join(_NAMES)})_l(\d+)(_reverse)?")
_KINDS = (np.float16, np.float32, np.float64)
# Where each block of rows goes, by how many there are. An LSTM's stay: what torch calls g, Keras
# calls c. A GRU's change places, from r, z, n to z, r, h, and the same exchange leads back.
_PLACES = {1: [0], 3: [1, 0, 2], 4: [0, 1, 2, 3]}
_KIND_OF = {1: "a plain RNN", 3: "a GRU", 4: "an LSTM"}


def to_keras(weights: Mapping[str, Tensor], *, reset: str = "after") -> list[NDArray[Any]]:
    r"""Return a torch layer's weights as Keras lists them: what ``set_weights`` takes.

    Keras multiplies from the other side, so each matrix is transposed; it has
    :math:`b = b_{ih} + b_{hh}`, but for a GRU with the reset gate after the product; and a GRU's
    blocks stand in another order. The result may be given to one layer, to a ``Bidirectional`` one,
    or to a model of several.

    Parameters
    ----------
    weights
        The ``state_dict`` of a torch.nn.RNN, LSTM or GRU with biases, of any number of layers and
        one or two directions; ``to_torch`` returns that of a layer of this book.
    reset
        Where a GRU's reset gate acts, ``"after"`` the product as in torch or ``"before"`` it, which
        is ``reset_after=False`` in Keras.

    Returns
    -------
    For each layer, and each direction in it, ``kernel`` ``(I, G * H)``, ``recurrent_kernel``
    ``(H, G * H)`` and ``bias`` ``(G * H,)``, or ``(2, 3 * H)`` of a GRU with reset after. G is 1, 4
    or 3. The type of the numbers stays.

    Raises
    ------
    TypeError, ValueError
        If there are no such weights.
    """
    one_of("reset", reset, ("after", "before"))
    listed: list[NDArray[Any]] = []
    before: _Size | None = None
    ends = _ends(mapping("weights", weights, of=Tensor))
    directions = 2 if "_l0_reverse" in ends else 1
    for place, end in enumerate(ends):
        arrays = [_array(f"weights[{name + end!r}]", weights[name + end]) for name in _NAMES]
        count = _count(f"weights[{'weight_hh' + end!r}]", arrays[1].shape)
        _check_rows(end, arrays)
        rows, inputs = arrays[0].shape
        size = _Size(f"weights[{'weight_ih' + end!r}]", count, inputs, rows, biases=2)
        before = _check_fit(size, before, place, directions)
        if reset == "before" and count != 3:
            raise ValueError(f"reset must be 'after' for {_KIND_OF[count]}, which has no such gate")
        ih, hh, b_ih, b_hh = (_moved(array, count) for array in arrays)
        both = count == 3 and reset == "after"
        listed += [ih.T.copy(), hh.T.copy(), np.stack([b_ih, b_hh]) if both else b_ih + b_hh]
    return listed


def from_keras(weights: Sequence[ArrayLike], *, bidirectional: bool = False) -> dict[str, Tensor]:
    """Return Keras's weights as a ``state_dict`` of torch: what ``load_state_dict`` takes.

    ``from_torch`` takes it for a layer of this book. One bias goes to ``bias_ih``, and ``bias_hh``
    is zero. Gradients of Keras's weights may be given too: then ``bias_ih`` has the gradient that
    each of torch's two biases has.

    A GRU with the reset gate before the product, ``reset_after=False``, is known by its one bias.
    torch has no such layer, and takes the weights all the same: this book's ``GRU(...,
    reset="before")`` is it.

    Parameters
    ----------
    weights
        What ``get_weights`` of a SimpleRNN, LSTM or GRU with biases returns, of a ``Bidirectional``
        one, or of a model of several such layers and no other: all of one kind and width, as in
        torch, each reading what comes from the one before.
    bidirectional
        Whether they are of ``Bidirectional`` layers.

    Returns
    -------
    ``weight_ih_l0`` ``(G * H, I)``, ``weight_hh_l0`` ``(G * H, H)``, ``bias_ih_l0`` and
    ``bias_hh_l0`` ``(G * H,)``, then those of ``_l0_reverse``, ``_l1`` and so on.

    Raises
    ------
    TypeError, ValueError
        If there are no such weights.
    """
    directions = 2 if flag("bidirectional", bidirectional) else 1
    arrays = [_array(f"weights[{k}]", each) for k, each in enumerate(several("weights", weights))]
    if not arrays or len(arrays) % (3 * directions):
        raise ValueError(
            "weights must hold kernel, recurrent_kernel and bias of each layer and direction, "
            f"{3 * directions} arrays a layer, got {len(arrays)} in all"
        )
    named: dict[str, Tensor] = {}
    before: _Size | None = None
    for place in range(0, len(arrays), 3):
        layer, backwards = divmod(place // 3, directions)
        end = f"_l{layer}{'_reverse' if backwards else ''}"
        parts = _named(place, *arrays[place : place + 3])
        rows, inputs = parts[0].shape
        size = _Size(
            f"weights[{place}]",
            rows // parts[1].shape[1],
            inputs,
            rows,
            biases=arrays[place + 2].ndim,
        )
        before = _check_fit(size, before, place // 3, directions)
        named |= {name + end: torch.tensor(part) for name, part in zip(_NAMES, parts, strict=True)}
    return named


class _Size(NamedTuple):
    """What of a layer's arrays its neighbours must fit; the name is that of its first."""

    name: str
    blocks: int
    inputs: int
    rows: int
    biases: int

    @property
    def kind(self) -> str:
        one_bias = self.blocks == 3 and self.biases == 1
        return f"{_KIND_OF[self.blocks]}{' with one bias' if one_bias else ''}"

    @property
    def width(self) -> int:
        return self.rows // self.blocks


def _check_fit(size: _Size, before: _Size | None, place: int, directions: int) -> _Size:
    """Return the size, or raise ValueError if such a layer cannot follow the one before it."""
    if before is None:
        return size
    if size.kind != before.kind or size.width != before.width:
        raise ValueError(
            f"{size.name} must begin another {before.kind.partition(' ')[2]} of width "
            f"{before.width}, as {before.name} does, got {size.kind} of width {size.width}"
        )
    first = place < directions  # a layer's second direction reads what its first does
    same = first or place % directions == 1
    wanted = before.inputs if same else directions * before.width
    if size.inputs != wanted:
        raise ValueError(
            f"{size.name} must read {wanted} features, "
            f"{'as' if same else 'which is what comes from'} {before.name}"
            f"{' does' if same else ''}, got {size.inputs}"
        )
    return size


def _named(place: int, *arrays: NDArray[Any]) -> list[NDArray[Any]]:
    """Return one layer's weights as torch has them, given as Keras does."""
    kernel, recurrent, bias = arrays
    count = _count(f"weights[{place + 1}]", recurrent.shape[::-1])
    width = recurrent.shape[1]
    biases = [(width,), (2, width)] if count == 3 else [(width,)]
    if kernel.ndim != 2 or kernel.shape[1] != width or bias.shape not in biases:
        raise ValueError(
            f"weights[{place}] and weights[{place + 2}] must have shapes (I, {width}) and "
            f"{' or '.join(map(str, biases))}, got {kernel.shape} and {bias.shape}"
        )
    b_ih, b_hh = bias if bias.ndim == 2 else (bias, np.zeros_like(bias))
    return [_moved(array, count) for array in (kernel.T, recurrent.T, b_ih, b_hh)]


def _ends(weights: Mapping[str, Tensor]) -> list[str]:
    """Return how the names end, layer by layer, forwards before backwards."""
    found = {name: _NAMED.fullmatch(name) for name in map(str, weights)}
    ends = sorted(
        {(int(match[1]), match[2] or "") for match in found.values() if match},
    )
    names = {f"{name}_l{layer}{way}" for layer, way in ends for name in _NAMES}
    if not ends or names != set(weights):
        raise ValueError(
            f"weights must hold {', '.join(_NAMES)} of each layer, each with the ending _l0, "
            f"_l0_reverse, _l1 and so on, and nothing else, got {told(', '.join(found))}"
        )
    return [f"_l{layer}{way}" for layer, way in ends]


def _array(name: str, value: Any) -> NDArray[Any]:
    """Return numbers of a kind that both libraries compute with."""
    if isinstance(value, Tensor):
        if value.layout is not torch.strided or value.is_meta:
            raise TypeError(f"{name} must be a dense tensor that holds numbers, got {told(value)}")
        value = value.detach().cpu()
        value = value.float() if value.dtype is torch.bfloat16 else value.numpy()
    array = numbers(name, value)
    if not np.isfinite(array).all():
        raise ValueError(f"{name} must be finite, got {array[~np.isfinite(array)][0]}")
    kind = np.asarray(value).dtype
    return array.astype(kind if kind in _KINDS else np.float64)


def _count(name: str, shape: tuple[int, ...]) -> int:
    """Return how many blocks of H rows a recurrent matrix ``(G * H, H)`` has."""
    if len(shape) == 2 and shape[1] and not shape[0] % shape[1]:
        count = shape[0] // shape[1]
        if count in _PLACES:
            return count
    raise ValueError(
        f"{name} must have 1, 3 or 4 times as many numbers along one side as along the other, "
        f"those of a RNN, GRU or LSTM, got sides of {shape}"
    )


def _check_rows(end: str, arrays: Sequence[NDArray[Any]]) -> None:
    """Raise ValueError unless what torch has of a layer has as many rows everywhere."""
    ih, hh, *biases = (array.shape for array in arrays)
    if len(ih) != 2 or any(shape != hh[:1] for shape in (ih[:1], *biases)):
        raise ValueError(
            f"weights must have {hh[0]} rows in each of {', '.join(n + end for n in _NAMES)}, got "
            f"shapes {', '.join(str(array.shape) for array in arrays)}"
        )


def _moved(array: NDArray[Any], count: int) -> NDArray[Any]:
    """Return the same with its blocks of rows in the other library's order."""
    return np.concatenate([np.split(array, count)[place] for place in _PLACES[count]])
