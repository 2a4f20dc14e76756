"""Records as tidy tables: one row per trial, or one row per point of a learning curve, length or distance."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from pathlib import Path
from typing import Any

import pandas as pd

from harness.spec.factors import FACTORS, columns
from harness.spec.trial import SPEC_DEFAULTS
from harness.store.data_names import as_text, dataset_names
from harness.store.machine import fingerprint_of
from harness.store.record import PHASES
from harness.store.sqlite import open_store

SPEC_TEXT = columns(lambda factor: factor.kind == "text")
SPEC_WHOLE = columns(lambda factor: factor.kind == "whole", "updates_planned")
SPEC_REAL = columns(lambda factor: factor.kind == "real")
SPEC_TRUTH = columns(lambda factor: factor.kind == "truth")
"""The fields of a trial's spec. Lists and dictionaries are JSON; text is empty and a number is NaN where the field is
None. The spec's `updates` are updates_planned here."""

_TEXT = (
    "trial_id", "status", "dataset", "data_source", "machine", "program", "timing_block", "rounds", "reference_rounds",
    "started_at", "git_commit", "failure", *SPEC_TEXT,
)  # fmt: skip
_WHOLE = ("attempt", "updates", "updates_planned", "threads", "timing_group", *SPEC_WHOLE)
_TRUTH = (*SPEC_TRUTH, "noisy")
_REAL = (
    "parameters",
    "recurrent_parameters",
    "seconds_total",
    "seconds_per_update",
    *(f"seconds_{phase}" for phase in PHASES),
    "cpu_seconds",
    "memory_baseline_bytes",
    "memory_peak_bytes",
    "memory_difference_bytes",
    "validation_labels",
    "train_loss",
    "validation_loss",
    "test_loss",
    "test_accuracy",
    *SPEC_REAL,
)
_PHASES = tuple(f"seconds_{phase}" for phase in PHASES)
_FIRST = (
    "trial_id", "task", "dataset", "cell", "backend", "lane", "units", "layers", "matched", "train_size",
    "sequence_length", "learning_rate", "batch_size", "seed", "status", "parameters", "recurrent_parameters",
    "updates", "seconds_total",
    "seconds_per_update", *_PHASES, "cpu_seconds", "memory_baseline_bytes", "memory_peak_bytes",
    "memory_difference_bytes", "train_loss", "validation_loss", "test_loss", "test_accuracy", "machine",
)  # fmt: skip
_SETTINGS = (
    "updates_planned", "evaluate_every", "patience", "stop_at_target", "dropout", "recurrent_dropout", "clip_norm",
    "dense_units", "reference_units", "optimizer", "reset_after", "forget_bias", "initialiser",
)  # fmt: skip
_LAST = (
    "evaluate_lengths", "gradient_reach", "train_scores", "purpose", "options", "data", "data_source", "code",
    "validation_labels", "threads", "attempt", "program", "timing_block", "rounds", "timing_group", "reference_rounds",
    "noisy", "started_at", "git_commit", "failure",
)  # fmt: skip
_LATER = columns(lambda factor: True, *_FIRST, *_SETTINGS, *_LAST)
"""Of factors that came after the columns above had their places: these never move."""
COLUMNS = (*_FIRST, *_SETTINGS, *_LATER, *_LAST)
"""Always there, in this order; then `test_<metric>`, `baseline_<name>_<metric>` and
`validation_baseline_<name>_<metric>` for what the tasks measure."""
CURVE_COLUMNS = (
    "trial_id", "cell", "task", "seed", "update", "seconds", "train_loss", "validation_loss", "near_target",
)  # fmt: skip
"""Always there; then `validation_<metric>` for what the tasks measure."""
LENGTH_COLUMNS = ("trial_id", "evaluated_at")
"""Then `test_<metric>`."""
REACH_COLUMNS = ("trial_id", "network", "distance", "gradient")
"""`network` is 'untrained' or 'trained'."""

_NOT_RECORDED = {factor.name for factor in FACTORS.values() if not factor.recorded}

StoredRecord = Mapping[str, Any]
"""A record as JSON values, from `Record.model_dump(mode="json")`. It is not validated again."""


def load_records(directory: str | Path, *, all_records: bool = False) -> pd.DataFrame:
    """The records of a results folder as a pandas DataFrame, one row per trial; docs/results.md explains the columns.

    directory:   the results folder
    all_records: whether trials are included that the folder's present plan does not have

    Raises UserError where the folder has no store, or a damaged one.
    """
    with open_store(directory) as store:
        return to_frame(store.records(all_records=all_records))


def to_frame(records: Iterable[StoredRecord]) -> pd.DataFrame:
    """One row per trial, from its latest attempt. Without records, the frame has all columns and no rows.

    Times are in seconds, memory in bytes, losses and metrics as the task defines them; missing values are NaN.
    """
    table = pd.DataFrame([_row(record) for record in records])
    extra = sorted(set(table.columns) - set(COLUMNS))
    table = table.reindex(columns=[*COLUMNS, *extra])
    table["dataset"] = named_data(table)
    prefixes = ("test_", "baseline_", "validation_baseline_", "seconds_")
    measured = [column for column in extra if column.startswith(prefixes)]
    table = _typed(table, text=_TEXT, whole=_WHOLE, truth=_TRUTH, real=(*_REAL, *measured))
    latest = table.sort_values(["attempt", "started_at"], kind="stable").drop_duplicates("trial_id", keep="last")
    return latest.sort_index().reset_index(drop=True)


def named_data(frame: pd.DataFrame) -> pd.Series[str]:
    """The name of each trial's data among the data of its task in the frame; empty if there are no others."""
    keys = [frame[name] if name in frame else pd.Series("", frame.index) for name in ("task", "options", "data")]
    identities = list(zip(*(key.fillna("").astype(str) for key in keys), strict=True))
    names = dataset_names(identities)
    return pd.Series([names[identity] for identity in identities], frame.index, dtype="str")


def curves_frame(records: Iterable[StoredRecord]) -> pd.DataFrame:
    """The learning curves, one row per evaluation: update, seconds of training, two losses, validation metrics.

    `near_target` is true for further evaluations near the point that reached a target; these have no train_loss.
    """
    rows = []
    metrics: list[Mapping[str, float]] = []
    for record in _latest(records):
        spec = record["spec"]
        trial = (record["trial_id"], spec["cell"], spec["task"], spec["seed"])
        points = [*record["curve"], *record.get("near_target", ())]  # older records have none
        for point in sorted(points, key=lambda point: int(point["update"])):
            near = "train_loss" not in point
            losses = (None, point["validation"]["loss"]) if near else (point["train_loss"], point["validation_loss"])
            rows.append((*trial, point["update"], point["seconds"], *losses, near))
            metrics.append(point["validation"])
    table = pd.DataFrame(rows, columns=list(CURVE_COLUMNS))
    measured = pd.DataFrame(metrics, index=table.index).drop(columns="loss", errors="ignore").add_prefix("validation_")
    real = ("seconds", "train_loss", "validation_loss", *measured.columns)
    text, whole, truth = ("trial_id", "cell", "task"), ("seed", "update"), ("near_target",)
    return _typed(table.join(measured), text=text, whole=whole, truth=truth, real=real)


def lengths_frame(records: Iterable[StoredRecord]) -> pd.DataFrame:
    """The test scores at other sequence lengths, one row per trial and length (`evaluated_at`)."""
    rows = [
        {"trial_id": record["trial_id"], "evaluated_at": int(length)}
        | {f"test_{name}": value for name, value in scores.items()}
        for record in _latest(records)
        for length, scores in record["test_at"].items()
    ]
    table = pd.DataFrame(rows, columns=None if rows else list(LENGTH_COLUMNS))
    return _typed(table, text=("trial_id",), whole=("evaluated_at",), real=table.columns[len(LENGTH_COLUMNS) :])


def reach_frame(records: Iterable[StoredRecord]) -> pd.DataFrame:
    """The gradient reach: norm of the last loss's gradient, one row per trial, network and distance in steps."""
    rows = [
        (record["trial_id"], network, distance, norm)
        for record in _latest(records)
        for network, points in record["gradient_reach"].items()
        for distance, norm in points
    ]
    table = pd.DataFrame(rows, columns=list(REACH_COLUMNS))
    return _typed(table, text=("trial_id", "network"), whole=("distance",), real=("gradient",))


def _typed(table: pd.DataFrame, **columns: Iterable[str]) -> pd.DataFrame:
    """The table with its columns by type: text, whole, real (NaN for what is no number) and truth."""
    kinds = {"text": "str", "whole": "int64", "real": "float64", "truth": "bool"}
    types = {column: kinds[kind] for kind, names in columns.items() for column in names}
    numbers = {name: pd.to_numeric(table[name], errors="coerce") for name in columns["real"]}
    return table.assign(**numbers).astype(types).copy()  # columns made one by one are scattered in memory


def _latest(records: Iterable[StoredRecord]) -> list[StoredRecord]:
    latest: dict[str, StoredRecord] = {}
    for record in records:
        held = latest.get(record["trial_id"])
        if held is None or (record["attempt"], record["started_at"]) >= (held["attempt"], held["started_at"]):
            latest[record["trial_id"]] = record
    return list(latest.values())


def _row(record: StoredRecord) -> dict[str, Any]:
    spec, memory, phases = SPEC_DEFAULTS | record["spec"], record["memory"] or {}, record["phases"]
    row: dict[str, Any] = {**spec, "updates_planned": spec["updates"]}
    for name, value in spec.items():
        if isinstance(value, dict | list | tuple):
            row[name] = as_text(value)
        elif name in SPEC_TEXT:
            row[name] = "" if value is None else str(value)
        if name in _NOT_RECORDED:
            del row[name]
    for name in ("trial_id", "attempt", "status", "started_at", "threads", "git_commit", "parameters",
                 "recurrent_parameters", "seconds_total", "updates", "seconds_per_update"):  # fmt: skip
        row[name] = record[name]
    row["git_commit"] = record["git_commit"] or ""
    row["data_source"] = (record.get("data_facts") or {}).get("source", "")
    row["noisy"] = bool(record["noisy"])
    row["program"] = record.get("program", "compiled")
    row["timing_block"] = record.get("timing_block") or ""
    row["rounds"] = as_text(record.get("rounds", []))
    row["timing_group"] = record.get("timing_group") or 0
    row["reference_rounds"] = as_text(record.get("reference_rounds", []))
    row["machine"] = fingerprint_of(record["machine"])
    row["failure"] = record["failure"]["message"] if record["failure"] else ""
    for name, phase in phases.items():
        row[f"seconds_{name}"] = phase["wall_seconds"]
    row["cpu_seconds"] = sum(phase["cpu_seconds"] for phase in phases.values()) if phases else None
    row["memory_baseline_bytes"] = memory.get("baseline_bytes")
    row["memory_peak_bytes"] = memory.get("peak_bytes")
    if memory:
        row["memory_difference_bytes"] = memory["peak_bytes"] - memory["baseline_bytes"]
    row["train_loss"] = record["train"].get("loss")
    row["validation_loss"] = record["validation"].get("loss")
    for name, value in record["test"].items():
        row[f"test_{name}"] = value
    row["validation_labels"] = record.get("validation_labels")
    for prefix, baselines in (("", record["baselines"]), ("validation_", record.get("validation_baselines", {}))):
        for baseline, scores in baselines.items():
            for name, value in scores.items():
                row[f"{prefix}baseline_{baseline}_{name}"] = value
    return row
