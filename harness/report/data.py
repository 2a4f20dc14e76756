"""What a report is made from: plain values, put together by the caller; the report reads no store and runs nothing."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    import pandas as pd

    from harness.store.hosts import Host
    from harness.verdicts.verdict import Verdict


@dataclass(frozen=True)
class ReportData:
    """Everything the page shows. Whatever is missing or empty is said in words, never an error."""

    name: str
    title: str
    frame: pd.DataFrame
    """A row a trial, with the columns of `harness.load_records`."""
    description: str = ""
    experiment_toml: str = ""
    """The experiment file itself."""
    command: str = ""
    """The command that runs the experiment again."""
    curves: pd.DataFrame | None = None
    """Learning curves: trial_id, cell, task, seed, update, seconds, train_loss, validation_loss; and, where they are
    known, validation_<metric>."""
    lengths: pd.DataFrame | None = None
    """Scores at other lengths than the one trained at: trial_id, evaluated_at, test_<metric>."""
    reach: pd.DataFrame | None = None
    """Gradient reach: trial_id, network ('untrained' or 'trained'), distance, gradient."""
    examples: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Trial id to the fields of `harness.tasks.Example`."""
    target_times: pd.DataFrame | None = None
    """Time to target, derived and measured directly, as `harness.verdicts.target_times` gives it."""
    verdicts: Sequence[Verdict] = ()
    summaries: Mapping[str, str] = field(default_factory=dict)
    """Cell to the text of its Keras model summary."""
    architectures: Sequence[Mapping[str, Any]] = ()
    """name, title, summary, gates, blocks, states of each cell; and, where it has equations, `step` (their source),
    recurrent_bias, and counts (what was counted in them, to the number)."""
    machines: Sequence[Mapping[str, Any]] = ()
    """The fields of `harness.store.record.Machine`."""
    datasets: Sequence[Mapping[str, str]] = ()
    """A row a task and its data, as `harness.store.datasets.Summary` gives them."""
    data_notes: Sequence[str] = ()
    """What the reader has to know of the data: many unknown tokens, or folders whose data differ."""
    hosts: Sequence[Host] = ()
    """On which trials ran, where an engine of several ran them."""
    failures: Sequence[Mapping[str, Any]] = ()
    """trial_id, task, cell, seed, status, phase, message, stderr of every trial that is not ok."""
    tasks: Mapping[str, Mapping[str, Any]] = field(default_factory=dict)
    """Task to title, summary, train_size_unit, metrics (name, title, unit, better), and solved and target: (metric,
    threshold) or None."""
    planned: int = 0
    """Trials of the plan."""
    done: int = 0
    """Trials of the plan that have a record; one that only says that somebody stopped the trial is none."""
    missing: Sequence[tuple[str, str, int]] = ()
    """(task, cell, trials) of the plan that have none."""
    left_out: Sequence[tuple[str, str, int, str]] = ()
    """(task, cell, trials, reason) of those that the last run left out, of which the store knows why."""
    limits: str = ""
    """What one trial may take, in words."""
    versions: str = ""
    commit: str = ""
    dirty: str = ""
    """'yes' where the code had changes that are not in the commit."""
    generated_at: str = ""
    folders: Mapping[str, ReportData] = field(default_factory=dict)
    """The results folders that are shown side by side, by what tells them apart; none where there is but one."""
