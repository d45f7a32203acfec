"""The one place that decides where tensors live."""

from __future__ import annotations

import os

import torch

from unrolled.core.kinds import string


def device(name: str | None = None) -> torch.device:
    """Return the device to compute on.

    ``name`` if given, else ``$UNROLLED_DEVICE``, else a GPU if there is one, else the CPU.

    Raises
    ------
    ValueError
        If the device named is not one that torch has here.
    """
    if name is not None:
        string("name", name)
    source = "device" if name else "UNROLLED_DEVICE"
    wanted = name or os.environ.get("UNROLLED_DEVICE")
    if not wanted:
        return torch.device("cuda" if torch.cuda.is_available() else "cpu")
    try:
        chosen = torch.device(wanted)
        torch.empty(0, device=chosen)
    except (RuntimeError, AssertionError, TypeError) as error:
        raise ValueError(
            f"{source} must name a device that torch has on this machine, got {wanted!r}: {error}"
        ) from None
    return chosen
