"""The five shapes of sequence problems, and the loss that counts no padding."""

from __future__ import annotations

from collections.abc import Sequence

from torch import Tensor

from unrolled.recurrent import mask


def sequence_loss(
    losses: Tensor, lengths: Tensor | Sequence[int] | None = None, *, batch_first: bool = False
) -> Tensor:
    """Return the mean of a loss over all steps inside the sequences: each step counts the same.

    Parameters
    ----------
    losses
        ``(T, B)`` loss of each step, as from ``cross_entropy(..., reduction="none")``;
        ``(B, T)`` with ``batch_first``.
    lengths
        ``(B,)`` steps in each sequence, from 0 to ``T``, not all 0; all ``T`` if not given.
    batch_first
        Whether the batch comes first.
    """
    if losses.ndim != 2:
        raise ValueError(f"losses must have two dimensions, got shape {tuple(losses.shape)}")
    if lengths is None:
        return losses.mean()
    losses = losses.T if batch_first else losses
    inside = mask(lengths, losses.shape[0], batch=losses.shape[1]).to(losses.device)
    if not inside.any():
        raise ValueError("lengths must not all be 0: there is no step to take the mean of")
    return losses[inside].mean()
