"""The record of a trial, as the store keeps it. A record is written once and never changed."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cache
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, TypeAdapter

from harness.spec.trial import TrialSpec
from harness.tasks import Example

Status = Literal["ok", "diverged", "timeout", "out_of_memory", "crashed", "interrupted"]
PhaseName = Literal["data", "build", "first_step", "train", "evaluate"]
PHASES: tuple[PhaseName, ...] = ("data", "build", "first_step", "train", "evaluate")
MAX_CRASHES = 5
"""After this number of crashes a trial is given up. Attempts that were interrupted do not count."""
TRY_AGAIN = frozenset({"crashed", "interrupted"})
"""The next run repeats trials with these statuses: interrupted ones always, crashed ones MAX_CRASHES times in all.

All other statuses are outcomes.
"""
OTHER_MACHINE = "other-machine"
"""For `--retry`: the speed trials that another machine has timed."""
RETRIED = ("diverged", "timeout", "out_of_memory", "crashed", "interrupted", OTHER_MACHINE)
"""The values of `--retry`: statuses, and OTHER_MACHINE."""


def is_left(status: str, crashes: int) -> bool:
    """Whether a trial has to run. status: of its last attempt, or 'missing'. crashes: number of crashed attempts."""
    return status in ("missing", "interrupted") or (status == "crashed" and crashes < MAX_CRASHES)


def is_given_up(status: str, crashes: int) -> bool:
    """Whether a trial has crashed too often to run again."""
    return status == "crashed" and not is_left(status, crashes)


class _Frozen(BaseModel):
    model_config = ConfigDict(extra="forbid", frozen=True, ser_json_inf_nan="constants", defer_build=True)


class Phase(_Frozen):
    """What one part of a trial took."""

    wall_seconds: float
    cpu_seconds: float
    memory_peak_bytes: int | None


class CurvePoint(_Frozen):
    """One evaluation during training: after `update` updates and `seconds` of training time."""

    update: int
    seconds: float
    train_loss: float
    """Mean loss of the updates since the last point."""
    validation_loss: float
    validation: dict[str, float] = {}
    """All metrics on the validation split."""


class NearTarget(_Frozen):
    """A further evaluation near the first one that reached a target, after `update` updates and `seconds`."""

    update: int
    seconds: float
    validation: dict[str, float]
    """All metrics on the validation split, the loss too."""


class Memory(_Frozen):
    """Resident memory in bytes: after building the model, at its peak during training, and how it was measured."""

    baseline_bytes: int
    peak_bytes: int
    method: str


class Machine(_Frozen):
    """Where a trial ran. Times of two fingerprints are never pooled."""

    fingerprint: str
    cpu: str
    cores: int
    memory_bytes: int
    system: str
    python: str
    tensorflow: str
    keras: str
    numpy: str


class DataFacts(_Frozen):
    """Facts about the data of a trial."""

    source: str = ""
    """Description of the source; empty for synthetic data."""
    examples: dict[Literal["train", "validation", "test"], int]
    classes: int
    symbols: int | None
    """The number of integer ids of the inputs; None where they are floats."""
    padded: dict[Literal["train", "validation", "test"], float] = {}
    """The share of a split's labels that are padding and have no weight."""
    unknown: float | None = None
    """The share of the tokens that the vocabulary lacks."""
    left_out: dict[str, int] = {}
    """What the files contain that is in no split: description to count."""


class Failure(_Frozen):
    """Why a trial is not `ok`."""

    phase: str
    message: str
    stderr: str = ""
    """The last kilobytes of stdout and stderr, in order."""
    exit_code: int | None = None
    """As `subprocess` gives it: negative for a signal."""


@dataclass(frozen=True)
class Measured:
    """What a trial's own process has measured so far: the fields of the record of the same names.

    Nothing is validated before the record is made, so that a trial ends in a record whatever it measured.
    """

    device: str | None = None
    phases: Mapping[PhaseName, Phase] = field(default_factory=dict)
    data_fingerprint: str | None = None
    data_facts: DataFacts | None = None
    baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    validation_baselines: Mapping[str, Mapping[str, float]] = field(default_factory=dict)
    validation_labels: int | None = None
    program: Literal["compiled", "reused"] = "compiled"
    parameters: int | None = None
    recurrent_parameters: int | None = None
    updates: int = 0
    seconds_per_update: float | None = None
    memory: Memory | None = None
    curve: tuple[CurvePoint, ...] = ()
    near_target: tuple[NearTarget, ...] = ()
    rounds: tuple[float, ...] = ()
    train: Mapping[str, float] = field(default_factory=dict)
    validation: Mapping[str, float] = field(default_factory=dict)
    test: Mapping[str, float] = field(default_factory=dict)
    test_at: Mapping[int, Mapping[str, float]] = field(default_factory=dict)
    gradient_reach: Mapping[Literal["untrained", "trained"], list[tuple[int, float]]] = field(default_factory=dict)
    example: Example | None = None

    def fields(self) -> dict[str, Any]:
        """The fields by name, as plain values. A value of a wrong type is kept unchanged."""
        values: dict[str, Any] = _measured_type().dump_python(self, warnings="none")
        return values


@cache
def _measured_type() -> TypeAdapter[Measured]:
    return TypeAdapter(Measured)


class Record(_Frozen):
    """One attempt at one trial: its spec, its measurements (`Measured`), and where and how it ended."""

    trial_id: str
    attempt: int = 1
    spec: TrialSpec
    status: Status
    started_at: str
    """UTC, ISO 8601."""
    machine: Machine
    threads: int
    device: str | None = None
    """The kind of device, 'CPU'; None in records of older versions."""
    environment: dict[str, str] = {}
    """The environment variables set by the user that can change results or times (`harness.store.machine`)."""
    host: str | None = None
    """The name of the host, if the trial ran on a cluster."""
    version_differences: tuple[str, ...] = ()
    """Differences in code and versions to the coordinator, if `--any-versions` accepted them."""
    git_commit: str | None
    git_dirty: bool | None
    data_fingerprint: str | None = None
    data_facts: DataFacts | None = None
    parameters: int | None = None
    recurrent_parameters: int | None = None
    program: Literal["compiled", "reused"] = "compiled"
    """Whether the trial compiled its program or reused that of an earlier trial in the same process."""
    phases: dict[PhaseName, Phase] = {}
    """A trial that reuses a program has no first step."""
    seconds_total: float | None = None
    updates: int = 0
    """Updates done; fewer than the spec's where training stopped early."""
    seconds_per_update: float | None = None
    """Mean over the train phase, without evaluations and the first call."""
    memory: Memory | None = None
    """Only for the first trial of a process, because later ones include memory of earlier trials."""
    rounds: list[float] = []
    """Seconds per update of each timed round of a speed trial."""
    timing_block: str | None = None
    """Id of the timing block: trials with the same id were timed in the same rounds."""
    timing_group: int | None = None
    """The part of its timing block in which it was timed, from 1; None where memory held the whole block at once."""
    reference_rounds: list[float] = []
    """Of a trial with a `timing_group`: seconds per update, in the same rounds, of the trial that is in all groups."""
    noisy: bool | None = None
    """Whether the intervals of the ratios within the timing block are too wide; None in the accuracy lane."""
    curve: list[CurvePoint] = []
    near_target: list[NearTarget] = []
    """Further evaluations where a target was reached between two points of the curve (docs/method.md)."""
    train: dict[str, float] = {}
    validation: dict[str, float] = {}
    test: dict[str, float] = {}
    test_at: dict[int, dict[str, float]] = {}
    """Scores at other sequence lengths than the one trained at."""
    gradient_reach: dict[Literal["untrained", "trained"], list[tuple[int, float]]] = {}
    """(distance from the last time step, mean norm of the last loss's gradient by the input there)."""
    example: Example | None = None
    """What the trained network makes of one test example, where the task shows one."""
    baselines: dict[str, dict[str, float]] = {}
    """Name of the baseline to its scores on the test split."""
    validation_baselines: dict[str, dict[str, float]] = {}
    """The same on the validation split, for targets; empty where the task gives none, and in older records."""
    validation_labels: int | None = None
    """Labels of the validation split; None in older records."""
    failure: Failure | None = None
