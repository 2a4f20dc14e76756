"""Learning-rate schedules: the learning rate of each update.

With learning rate r, update n (from 0) of N:

    cosine:  r (1 + cos(pi n / N)) / 2        from r to 0 (Loshchilov and Hutter, arXiv 1608.03983, without restarts)
    step:    r, then r / 10 from n = N / 2, then r / 100 from n = 3 N / 4

N is the number of planned updates, even if training stops early. Trials of the speed lane may do more than N updates;
these have the rate of n = N.
"""

from __future__ import annotations

import numpy as np
import numpy.typing as npt

from harness.spec.factors import Schedule

STEPS = (0.5, 0.75)
"""Fractions of the planned updates after which the rate is divided by 10."""


def rates(
    schedule: Schedule, learning_rate: float, planned: int, first: int, count: int
) -> npt.NDArray[np.float32] | None:
    """Learning rates of `count` updates starting at number `first` (from 0), (count,); None if constant."""
    if schedule == "constant":
        return None
    done = np.minimum(np.arange(first, first + count) / planned, 1.0)
    if schedule == "cosine":
        shares = (1 + np.cos(np.pi * done)) / 2
    else:
        shares = 0.1 ** np.sum([done >= step for step in STEPS], axis=0)
    return (learning_rate * shares).astype(np.float32)
