"""Which trials count: one rule for verdicts, figures, tuning and the comparison of two folders."""

from __future__ import annotations

import math
import re
from pathlib import Path

import pytest

import harness
from harness.plan.rates import choose
from harness.report.figures.aggregate import choice_of, prepared, with_best_rates
from harness.store.frame import to_frame
from harness.verdicts.changes import compare
from harness.verdicts.counted import compared, of_one_lane, of_purpose
from harness.verdicts.pairs import find_pairs
from tests.report.samples import frame, plots, trial
from tests.verdicts.records import paired, trials

SPEED = {"lane": "speed", "task": "recall"}


def test_checks_are_left_out_of_figures_verdicts_and_comparisons() -> None:
    """Five seeds, timed and checked, are five values."""
    rows = [
        trial(lane="speed", seed=seed, cell=cell, purpose=purpose)
        for seed in range(5)
        for cell in ("gru", "lstm")
        for purpose in ("comparison", "check")
    ]
    by_id = plots(frame(*rows))
    for figure in ("seconds-per-update", "memory"):
        (panel,) = by_id[figure].panels
        assert [[centre.n for centre in series.centres] for series in panel.series] == [[5], [5]], figure
    records = to_frame([*trials(0.1, seeds=5, **SPEED), *trials(0.1, seeds=5, purpose="check", **SPEED)])
    assert len(compared(records)) == len(of_purpose(records, "check")) == 10
    paired_trials = find_pairs(records, paired(on="seconds_per_update", margin="5%"), "seconds_per_update")
    assert [len(pairs.seeds) for pairs in paired_trials.conditions] == [5]
    assert compare(records, records).common == 10


def test_figures_and_verdicts_take_a_column_from_the_same_lane() -> None:
    rows = frame(
        *(trial(lane=lane, seed=seed) for lane, seeds in (("accuracy", 3), ("speed", 5)) for seed in range(seeds))
    )
    assert len(of_one_lane(rows, "memory_peak_bytes")) == len(of_one_lane(rows, "seconds_per_update")) == 5
    assert len(of_one_lane(rows, "test_loss")) == 3
    assert len(of_one_lane(rows[rows["lane"] == "accuracy"], "seconds_per_update")) == 3
    by_id = plots(rows)
    for figure, seeds in (("memory", 5), ("seconds-per-update", 5), ("scores", 3)):
        assert {centre.n for panel in by_id[figure].panels for s in panel.series for centre in s.centres} == {seeds}


@pytest.mark.parametrize(
    ("losses", "rate"),
    [
        ({0.01: [1.0, 1.0, 1.0], 0.1: [0.5, 0.5, math.nan]}, 0.01),
        ({0.01: [1.0, 1.0, math.nan], 0.1: [0.5, math.nan, math.nan]}, 0.01),
        ({0.01: [1.0, math.nan, math.nan], 0.1: [0.5, math.nan, math.nan]}, 0.1),
        ({0.01: [math.nan], 0.1: [math.nan]}, 0.01),
        ({0.01: [1.0], 0.1: [1.0]}, 0.01),
    ],
)
def test_figures_and_tuning_choose_the_same_rate(losses: dict[float, list[float]], rate: float) -> None:
    rows = prepared(
        frame(
            *(
                trial(
                    learning_rate=at, seed=seed, validation_loss=loss, status="diverged" if math.isnan(loss) else "ok"
                )
                for at, values in losses.items()
                for seed, loss in enumerate(values)
            )
        )
    )
    kept, chosen = with_best_rates(rows)
    assert chosen
    assert set(kept["learning_rate"]) == {rate}
    assert choice_of(rows).rate == rate
    infinite = {at: [math.inf if math.isnan(loss) else loss for loss in values] for at, values in losses.items()}
    assert choose({}, infinite).rate == rate


def test_no_other_module_selects_trials_by_purpose() -> None:
    package = Path(harness.__file__).parent
    deciding = [
        path.relative_to(package).as_posix()
        for folder in ("verdicts", "report")
        for path in sorted((package / folder).rglob("*.py"))
        if re.search(r"""(?<!\["spec"\])\["purpose"\]""", path.read_text(encoding="utf-8"))
    ]
    assert deciding == ["verdicts/counted.py"]
