"""The figure of derived times to target beside measured ones."""

from __future__ import annotations

import pytest

from harness.store.frame import curves_frame, to_frame
from tests.report.samples import plots
from tests.verdicts.test_target_times import REACHED_AT, check, timing, trial


def test_a_derived_time_is_divided_by_the_measured_one() -> None:
    records = [trial("gru", seed, REACHED_AT) for seed in (0, 1)] + [timing("gru", 0, 0.004)]
    records += [check("gru", 0, REACHED_AT, 0.005), check("gru", 1, None, 0.005)]
    plot = plots(to_frame(records), curves_frame(records))["derived-times"]
    (series,) = plot.panels[0].series
    assert [(point.seed, point.y) for point in series.points] == [(0, pytest.approx(0.8))]
    assert [failed.why for failed in series.failed] == ["1 missed by one of the two"]


def test_without_measured_times_there_is_no_figure() -> None:
    records = [trial("gru", 0, REACHED_AT), timing("gru", 0, 0.004)]
    assert "derived-times" not in plots(to_frame(records), curves_frame(records))
