"""A results folder as a whole: what its report is made from."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from harness.record import Record
from harness.report import ReportData
from harness.results import report_data
from harness.store import EXPERIMENT_NAME, open_store
from tests.factories import EXPERIMENT, record, spec


def stored(folder: Path, *records: Record, text: str = EXPERIMENT, planned: int = 0, **changes: Any) -> ReportData:
    """The report's data of a folder with these records, and further planned trials without one."""
    plan = {one.trial_id: one.spec for one in records}
    plan |= {of.id(): of for of in (spec(seed=100 + extra, **changes) for extra in range(planned))}
    with open_store(folder / "tiny", create=True) as store:
        (folder / "tiny" / EXPERIMENT_NAME).write_text(text, encoding="utf-8")
        store.set_plan(plan)
        for one in records:
            store.add(one)
    with open_store(folder / "tiny") as store:
        return report_data(store, [])


def test_what_is_planned_and_not_recorded_is_missing(tmp_path: Path) -> None:
    data = stored(tmp_path, record(), planned=3, cell="lstm")
    assert data.missing == [("recall", "lstm", 3)]
    assert (data.planned, data.done) == (4, 1)


def test_the_command_names_the_stored_file_and_the_seeds_that_were_asked_for(tmp_path: Path) -> None:
    both = [record(spec(seed=seed)) for seed in range(2)]
    file, results = tmp_path / "as it is" / "tiny" / EXPERIMENT_NAME, tmp_path / "as it is"
    assert stored(results, *both).command == f"harness run '{file}' --results '{results}'"
    more = [record(spec(seed=seed)) for seed in range(4)]
    assert stored(tmp_path / "more", *more).command.endswith(" --seeds 4")


def test_other_lengths_reach_and_examples_come_with_their_trials(tmp_path: Path) -> None:
    example = {
        "picture": ["0f"],
        "axis": ["a", "b", "c"],
        "seconds": 1.0,
        "labels": ["x"],
        "there": ["1"],
        "heard": ["0"],
    }
    one = record(test_at={8: {"loss": 1.5}}, gradient_reach={"trained": [(0, 1.0), (4, 0.5)]}, example=example)
    data = stored(tmp_path, one, record(spec(seed=1)))
    assert data.lengths is not None
    assert data.lengths.to_dict("records") == [{"trial_id": one.trial_id, "evaluated_at": 8, "test_loss": 1.5}]
    assert data.reach is not None
    assert list(data.reach["gradient"]) == [1.0, 0.5]
    assert list(data.examples) == [one.trial_id]
    assert data.examples[one.trial_id]["there"] == ["1"]


def test_architectures_bring_their_equations_and_counts(tmp_path: Path) -> None:
    gru, lstm = stored(tmp_path, record()).architectures
    assert "def step" in gru["step"]
    assert gru["recurrent_bias"]
    counts = dict(lstm["counts"])
    assert counts["parameters of such a layer (256 features, 32 units)"] == 36_992
    assert counts["sigmoids and tanhs, a unit"] == 5
