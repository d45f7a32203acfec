"""A recurrent layer that answers after the last step."""

from __future__ import annotations

from typing import Any

from torch import Tensor, nn


class LastStepReadout(nn.Module):
    """A recurrent layer that answers after the last step, through one linear map.

    Parameters
    ----------
    layer
        Maps ``(T, B, I)`` to a pair whose first is ``(T, B, H)``: a ``Recurrent``, a torch layer.
    hidden
        Units of the layer.
    outputs
        Numbers in an answer.
    """

    def __init__(self, layer: nn.Module, hidden: int, outputs: int) -> None:
        super().__init__()
        self.layer: Any = layer
        self.read = nn.Linear(hidden, outputs)

    def forward(self, x: Tensor) -> Tensor:
        """Map sequences ``(T, B, I)`` to answers ``(B, outputs)``."""
        y: Tensor = self.read(self.layer(x)[0][-1])
        return y

    def states(self, x: Tensor) -> list[Tensor]:
        """Return the T + 1 states ``(B, H)`` of an ``Elman`` layer as the loop makes them.

        The first, of zeros, requires a gradient: so an error can be followed back to each.
        """
        start = x.new_zeros(x.shape[1], self.read.in_features, requires_grad=True)
        found = [start]
        for x_t in x:
            found.append(self.layer.cell(x_t, (found[-1],))[0])
        return found
