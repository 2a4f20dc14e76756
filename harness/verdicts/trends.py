"""Test of a monotone trend over ordered levels, for seeds that have a value at each level."""

from __future__ import annotations

import numpy as np

from harness.verdicts.arrays import Floats


def page_p(values: Floats) -> float:
    """Two-sided p-value of Page's trend test (Page 1963); values: (seeds, levels), levels ascending.

    Values are ranked within each seed; ties share a rank, and infinite values rank highest or lowest. The p-value is 1
    for fewer than 3 levels, fewer than 2 seeds, or if all values tie. It is exact up to 8 levels and 12 seeds.
    """
    if values.shape[0] < 2 or values.shape[1] < 3:
        return 1.0
    from scipy import stats  # imported here because it takes a second, and few claims are trends

    ranks = stats.rankdata(values, axis=1)
    if np.ptp(ranks) == 0:
        return 1.0
    method = "exact" if values.shape[0] <= 12 and values.shape[1] <= 8 else "asymptotic"
    upward = stats.page_trend_test(ranks, ranked=True, method=method).pvalue
    downward = stats.page_trend_test(ranks[:, ::-1], ranked=True, method=method).pvalue
    return float(min(1.0, 2 * min(upward, downward)))
