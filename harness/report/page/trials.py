"""The trials one by one: the table of all of them, with the data for the script that sorts it, and the failures."""

from __future__ import annotations

import json
import math
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import TYPE_CHECKING, Any

import pandas as pd
from markupsafe import Markup

from harness.report.figures.looks import Look, title_of
from harness.words import shorten

if TYPE_CHECKING:
    from harness.report.data import ReportData

SHOWN = (
    "folder", "task", "dataset", "cell", "backend", "units", "train_size", "sequence_length", "learning_rate", "seed",
    "status", "parameters", "updates", "test_loss", "test_accuracy", "seconds_per_update", "memory_peak_bytes",
)  # fmt: skip
"""Columns that are visible at first, in this order; the others can be chosen."""
FIRST_ROWS = 50
"""Rows of the table without JavaScript."""
MOST_BYTES = 1_800_000
"""Maximum bytes of the data of the table."""
MOST_CURVES_BYTES, MOST_POINTS = 400_000, 60
"""Maximum bytes of the learning curves, and maximum number of points of one."""
MOST_FAILURES = 20
"""Maximum number of failed trials that are shown in detail."""


@dataclass(frozen=True)
class TrialsTable:
    """The table of the trials as the template shows it."""

    visible: list[str]
    """The columns that are shown at first."""
    numeric: list[bool]
    """Which of these hold numbers."""
    rows: list[list[str]]
    """The first rows, of the visible columns."""
    total: int
    """Trials in all."""
    embedded: int
    """Trials in the payload."""
    payload: Markup
    """All columns of the embedded trials, as JSON."""
    curves: Markup
    """The learning curves of as many of them as there is room for, as JSON: trial id to updates and losses."""


def trials_table(frame: pd.DataFrame, room: int | None = None, curves: pd.DataFrame | None = None) -> TrialsTable:
    """Header, first rows, and the JSON of as many trials as there is room for, in bytes (default: MOST_BYTES)."""
    columns = [name for name in _ordered(frame) if _has_values(frame[name])]
    visible = [name for name in columns if name in SHOWN]
    embedded, payload = _embedded(frame, columns, MOST_BYTES if room is None else min(room, MOST_BYTES))
    return TrialsTable(
        visible=visible,
        numeric=[pd.api.types.is_numeric_dtype(frame[name]) for name in visible],
        rows=[[_cell(value) for value in row] for row in frame[visible].head(FIRST_ROWS).itertuples(index=False)],
        total=len(frame),
        embedded=embedded,
        payload=payload,
        curves=_curves(curves, list(frame["trial_id"].head(embedded))),
    )


def _curves(curves: pd.DataFrame | None, trials: Sequence[str]) -> Markup:
    if curves is None or curves.empty:
        return Markup()
    points = curves[["trial_id", "update", "validation_loss"]].dropna()
    parts: list[str] = []
    size = 0
    for id, whole in points[points["trial_id"].isin(trials)].groupby("trial_id", sort=False):
        line = whole.iloc[:: max(1, len(whole) // MOST_POINTS)]
        losses = [_plain(loss) for loss in line["validation_loss"]]
        if None in losses:  # diverged
            continue
        values = (line["update"].astype(int).tolist(), losses)
        text = f"{json.dumps(str(id))}:{json.dumps(values, separators=(',', ':'))}"
        size += len(text) + 1
        if size > MOST_CURVES_BYTES:
            break
        parts.append(text)
    return Markup("{" + ",".join(parts).replace("<", "\\u003c").replace("&", "\\u0026") + "}")


def _ordered(frame: pd.DataFrame) -> list[str]:
    names = [str(name) for name in frame.columns]
    return ["trial_id", *(name for name in SHOWN if name in names), *sorted(set(names) - {*SHOWN, "trial_id"})]


def _has_values(values: pd.Series[Any]) -> bool:
    return bool((values != "").any()) if not pd.api.types.is_numeric_dtype(values) else bool(values.notna().any())


def _embedded(frame: pd.DataFrame, columns: list[str], most: int) -> tuple[int, Markup]:
    """As many rows as fit, as JSON that cannot end its script element: columns of values, texts by number."""
    rows = len(frame)
    text = _json(frame, columns, rows)
    while len(text) > most and rows > 1:
        rows = max(1, min(rows - 1, int(rows * most / len(text) * 0.97)))
        text = _json(frame, columns, rows)
    return rows, Markup(text)


def _json(frame: pd.DataFrame, columns: list[str], rows: int) -> str:
    column_values = {name: _column(frame[name].head(rows)) for name in columns}
    text = json.dumps({"rows": rows, "columns": column_values}, separators=(",", ":"), allow_nan=False)
    return text.replace("<", "\\u003c").replace(">", "\\u003e").replace("&", "\\u0026")


def _column(values: pd.Series[Any]) -> dict[str, Any]:
    """{number: [...]}, or {text: [distinct texts], at: [index, ...]}; one value in all rows is written once."""
    if pd.api.types.is_numeric_dtype(values):
        numbers = [_plain(value) for value in values]
        return {"number": numbers[:1] if len(set(numbers)) == 1 else numbers}
    codes, texts = pd.factorize(values)
    return {"text": [str(text)[:500] for text in texts], "at": codes.tolist() if len(texts) > 1 else []}


def _plain(value: float) -> float | int | None:
    """Six significant digits, whole numbers without a point, None for what is not a finite number."""
    if not math.isfinite(value):
        return None
    return int(value) if float(value).is_integer() and abs(value) < 2**53 else float(f"{value:.6g}")


def _cell(value: Any) -> str:
    if isinstance(value, float):
        plain = _plain(value)
        return "" if plain is None else f"{plain:,}" if isinstance(plain, int) else f"{plain:g}"
    return str(value)[:200]


def failures(data: ReportData, frame: pd.DataFrame, looks: Mapping[str, Look]) -> dict[str, Any]:
    """Failed trials: counted by task, cell and status, and one by one as far as there is room."""
    failed = frame[~frame["status"].isin(["ok", "interrupted"])]
    tasks = failed["task"].where(failed["dataset"] == "", failed["task"] + " (" + failed["dataset"] + ")")
    tasks = failed["folder"] + ": " + tasks if data.folders else tasks
    counts = failed.groupby([tasks, "cell", "status"], sort=True).size()
    shown = [replace(failure, cell=title_of(looks, failure.cell)) for failure in data.failures[:MOST_FAILURES]]
    return {
        "counts": [
            (shorten(str(task), 60), title_of(looks, str(cell)), str(status).replace("_", " "), count)
            for task, cell, status, count in counts.reset_index().itertuples(index=False)
        ],
        "shown": shown,
        "total": len(failed),
        "more": max(0, len(failed) - len(shown)),
    }
