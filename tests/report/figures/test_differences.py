"""The strip of a claim: its pairs, its effect, its margin."""

from __future__ import annotations

import math
from dataclasses import replace

import pytest

from harness.report.draw.figure import draw_panel
from harness.report.draw.svg import drawing_style
from harness.report.figures.differences import crosses, strip
from harness.report.figures.looks import looks
from harness.verdicts.verdict import Pair, Verdict
from tests.report.samples import TITLES, verdicts

LOOKS = looks(TITLES)


def test_a_strip_has_every_pair_the_effect_and_the_margin() -> None:
    verdict = verdicts()[1]
    panel = strip(verdict, LOOKS)
    assert panel is not None
    assert panel.margin == (-0.02, 0.02)
    assert panel.x.title == "Condition"
    assert panel.y.label == "← LSTM better · nats · GRU better →"
    assert [series.label for series in panel.series] == ["all", "size 2,000", "size 128,000"]
    assert len(panel.series[0].points) == 5
    with drawing_style("test"):
        figure, marks = draw_panel(panel, LOOKS)
    gids = [str(artist.get_gid()) for artist in figure.axes[0].get_children()]
    assert {"margin", "zero"} <= set(gids)
    assert sum(not mark.main for mark in marks) == 15


def test_a_pair_with_a_failed_trial_is_counted_in_the_strip() -> None:
    pairs = (Pair(0, 1.0, math.nan, math.inf), Pair(1, 1.0, 1.1, 0.1))
    verdict = Verdict("x", "x", "undecided", 0.1, -math.inf, math.inf, "nats", 2, pairs=pairs, margin=0.05)
    panel = strip(verdict, LOOKS)
    assert panel is not None
    assert [failed.why for failed in panel.series[0].failed] == ["1 pair in which one trial failed"]
    assert panel.series[0].centres[0].low is None
    with drawing_style("test"):
        draw_panel(panel, LOOKS)
    assert crosses(panel, verdict) == "✗ n: number of pairs in which one trial failed."
    timed = replace(verdict, kind="time-to-target")
    missed = strip(timed, LOOKS)
    assert missed is not None
    assert [failed.why for failed in missed.series[0].failed] == ["1 pair in which one trial missed the target"]
    assert crosses(missed, timed) == "✗ n: number of pairs in which one trial missed the target."
    whole = strip(replace(verdict, pairs=pairs[1:]), LOOKS)
    assert whole is not None
    assert crosses(whole, verdict) == ""


def test_a_ratio_and_its_inverse_are_equally_far_from_zero() -> None:
    verdict = Verdict("x", "x", "undecided", 10.0, -5.0, 30.0, "%", 5, margin=25.0, scale="log ratio")
    panel = strip(verdict, LOOKS)
    assert panel is not None
    bounds = (-math.log(1.25), math.log(1.25))
    assert panel.margin == pytest.approx(bounds)
    with drawing_style("test"):
        figure, _ = draw_panel(panel, LOOKS)
    (band,) = [patch for patch in figure.axes[0].patches if patch.get_gid() == "margin"]
    assert band.get_extents().transformed(figure.axes[0].transData.inverted()).intervalx == pytest.approx(bounds)
