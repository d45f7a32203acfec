"""What a claim's criterion asks of the runs: their numbers side by side."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from unrolled.experiments.ledger import Measurement


def stack(runs: Sequence[Measurement], *names: str) -> NDArray[np.float64]:
    """Stack what the runs measured under these names.

    Parameters
    ----------
    runs
        What the experiment returned, one entry a seed, R in all.
    names
        At least one. The numbers under each are as many in every run.

    Returns
    -------
    array
        ``(R, n)``, the numbers of each run in the order of the names; a name of one number gives
        one column.
    """
    return np.array([np.concatenate([np.atleast_1d(run[name]) for name in names]) for run in runs])
