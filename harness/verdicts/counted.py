"""Select the trials for verdicts and figures: the trials of the comparison, in the lane that measures a column."""

from __future__ import annotations

import pandas as pd

from harness.spec.measures import depends_on_machine


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials whose outcomes are compared.

    Left out are interrupted trials, which the next run repeats, and trials that were run to choose a learning rate, to
    time prediction, or to check a time to target by repeating a trial in the speed lane.
    """
    return frame[~frame["purpose"].isin(("tuning", "check", "prediction")) & (frame["status"] != "interrupted")]


def of_purpose(frame: pd.DataFrame, purpose: str) -> pd.DataFrame:
    """The trials of another purpose, 'tuning' or 'check', without interrupted ones."""
    return frame[(frame["purpose"] == purpose) & (frame["status"] != "interrupted")]


def of_one_lane(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The trials of the lane that measures the column; all trials if they are of one lane.

    The speed lane measures times and memory, the accuracy lane all other columns. Lanes are never pooled.
    """
    if frame["lane"].nunique() < 2:
        return frame
    return frame[frame["lane"] == ("speed" if depends_on_machine(column) else "accuracy")]
