"""Learning-rate schedules: the rate of each update, by its place among the planned updates.

With learning rate r, update n (from 0) of N:

    cosine:  r (1 + cos(pi n / N)) / 2        from r to 0 (Loshchilov and Hutter, arXiv 1608.03983, without restarts)
    step:    r, r / 10 from N / 2 on, and r / 100 from 3 N / 4 on

N is the number of planned updates, also where training stops before. Updates after the planned ones, which trials of
the speed lane may do, have the rate of n = N.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.spec.factors import Schedule

STEPS = (0.5, 0.75)
"""Of the planned updates, where the rate becomes a tenth."""


def rates(
    schedule: Schedule, learning_rate: float, planned: int, first: int, count: int
) -> npt.NDArray[np.float32] | None:
    """The rates of `count` updates from number `first` (from 0) on, (count,); None where the rate is constant."""
    if schedule == "constant":
        return None
    done = np.minimum(np.arange(first, first + count) / planned, 1.0)
    if schedule == "cosine":
        shares = (1 + np.cos(np.pi * done)) / 2
    else:
        shares = 0.1 ** np.sum([done >= step for step in STEPS], axis=0)
    return (learning_rate * shares).astype(np.float32)
