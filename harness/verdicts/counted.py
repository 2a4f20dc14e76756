"""Which trials count, in verdicts and in figures: those of the comparison, in the lane where a column is right."""

from __future__ import annotations

import pandas as pd

from harness.spec.measures import depends_on_machine


def compared(frame: pd.DataFrame) -> pd.DataFrame:
    """The trials that are outcomes of a comparison.

    An interrupted trial is none: somebody stopped it, and the next run repeats it. Nor is a trial that was run to
    choose a learning rate, one that timed prediction, or one that checks a time to target: the last repeats a trial of
    the comparison in the speed lane.
    """
    return frame[~frame["purpose"].isin(("tuning", "check", "prediction")) & (frame["status"] != "interrupted")]


def of_purpose(frame: pd.DataFrame, purpose: str) -> pd.DataFrame:
    """The trials of another purpose, 'tuning' or 'check', that were not stopped."""
    return frame[(frame["purpose"] == purpose) & (frame["status"] != "interrupted")]


def of_one_lane(frame: pd.DataFrame, column: str) -> pd.DataFrame:
    """The trials in whose lane the column is what it should be; all of them where they are of one lane.

    That is the speed lane for times and memory, and the accuracy lane, where all else is measured, for the rest. Lanes
    are never pooled.
    """
    if frame["lane"].nunique() < 2:
        return frame
    return frame[frame["lane"] == ("speed" if depends_on_machine(column) else "accuracy")]
