"""forecast: predict the next values of time series from a file of the user."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.task import (
    Array,
    DataFacts,
    Dataset,
    Metric,
    Options,
    Scores,
    Split,
    Task,
    dataset,
    decisive,
)
from harness.tasks.common.user_files import check_trainable
from harness.tasks.files.tables import Table, load_table

_VERSION = "forecast 2"
_RIDGE = 1e-6
"""Penalty of the linear autoregression, so that constant or repeated inputs have a solution."""


class ForecastOptions(Options):
    """Options: the file with the series, and what to predict."""

    file: Annotated[pathlib.Path, Field(strict=False)]
    """CSV or Parquet with a column for each series and a row for each time step: `harness.tasks.files.tables`."""
    columns: Annotated[tuple[str, ...], Field(strict=False, min_length=1)] | None = None
    """Names of the columns; default: all that have numbers. Each is a series of its own."""
    horizon: Annotated[int, Field(ge=1, le=10_000)] = 1
    """Number of steps to predict."""
    season: Annotated[int, Field(ge=1)] = 1
    """Steps of a season, such as 24 for hours; 1: none."""
    validation_size: Annotated[int, Field(ge=1)] | None = None
    """Time steps for validation, just before the test; default: a tenth of the rows."""
    test_size: Annotated[int, Field(ge=1)] | None = None
    """Time steps for the test, the last ones; default: a fifth of the rows."""


@dataclass(frozen=True)
class _Parts:
    """The rows at which validation and test begin, and the number of rows."""

    validation: int
    test: int
    rows: int

    def predicted(self, sequence_length: int) -> dict[str, tuple[int, int]]:
        """The rows that each split predicts: its first row and the one after its last."""
        return {
            "training": (sequence_length, self.validation),
            "validation": (max(sequence_length, self.validation), self.test),
            "test": (max(sequence_length, self.test), self.rows),
        }


def make(train_size: int, sequence_length: int, seed: int, options: ForecastOptions) -> Dataset:
    """x (windows, sequence_length, 1), y (windows, horizon): the values that follow a window of its series.

    Both are differences from the last value of the window, so that a network can forecast a series that leaves the
    range of its training rows (Zeng et al. 2023, arXiv 2205.13504). Their unit is the mean absolute change of the
    series over a season in its training rows. Splits are in the order of time: a window belongs to the split that holds
    all values that it predicts. The seed selects the training windows. Raises UserError for unusable files, and for
    series that are too short.
    """
    examples(train_size, sequence_length, options)
    table, parts = _loaded(options)
    series = [_scaled(values, name, parts, options) for name, values in table.columns.items()]
    pool, validation, test = (
        _windows(series, *rows, sequence_length, options.horizon) for rows in parts.predicted(sequence_length).values()
    )
    chosen = np.random.default_rng(seed).permutation(len(pool.x))[:train_size]
    splits = (Split(pool.x[chosen], pool.y[chosen]), validation, test)
    made_from = (dict(identity(options)), train_size, sequence_length, seed)
    return dataset(splits, functools.partial(_baselines, options), *made_from, classes=options.horizon)


def score(y: Array, outputs: Array) -> Scores:
    """Mean squared error, its root, and mean absolute error: y and outputs (windows, horizon), scaled as in `make`.

    The unit is the error of the naive forecast on the training rows, so the mean absolute error is the MASE of Hyndman
    and Koehler (2006, International Journal of Forecasting 22:4).
    """
    with np.errstate(invalid="ignore", over="ignore"):
        error = np.asarray(outputs, dtype=np.float64) - y
        squared = float(np.mean(error**2))
        return {"loss": squared, "rmse": float(np.sqrt(squared)), "mase": float(np.mean(np.abs(error)))}


def examples(train_size: int, sequence_length: int, options: ForecastOptions) -> int:
    """train_size. Raises UserError if the series have fewer training windows, or if a split has none."""
    table, parts = _loaded(options)
    steps = sequence_length + options.horizon
    for name, (start, end) in parts.predicted(sequence_length).items():
        if end - start < options.horizon:
            raise UserError(
                f"{options.file}: {parts.rows:,} rows leave no window of {steps:,} steps (sequence_length"
                f" {sequence_length:,} and horizon {options.horizon:,}) for the {name} split: use a shorter"
                " sequence_length or horizon, or other options.validation_size and options.test_size"
            )
    windows = len(table.columns) * (parts.validation - steps + 1)
    check_trainable(options.file, windows, "windows", train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: ForecastOptions) -> DataFacts:
    """The file, its series, and the number of columns without numbers."""
    table, parts = _loaded(options)
    series = len(table.columns)
    return DataFacts(
        source=f"{options.file.name}, {series:,} series of {parts.rows:,} steps",
        left_out={"columns without numbers": len(table.others)} if options.columns is None else {},
    )


def identity(options: ForecastOptions) -> Mapping[str, str]:
    """The hash of the file and the procedure."""
    return {"procedure": _VERSION, "file_sha256": load_table(options.file).sha256, **decisive(options)}


def _loaded(options: ForecastOptions) -> tuple[Table, _Parts]:
    table = load_table(options.file, options.columns)
    rows = len(next(iter(table.columns.values())))
    test = rows - (options.test_size or max(1, rows // 5))
    validation = test - (options.validation_size or max(1, rows // 10))
    if validation < 1:
        raise UserError(f"{options.file}: {rows:,} rows are too few for the validation and test splits")
    return table, _Parts(validation, test, rows)


def _scaled(values: Array, name: str, parts: _Parts, options: ForecastOptions) -> Array:
    known = values[: parts.validation]
    changes = np.abs(known[options.season :] - known[: -options.season])
    if not len(changes) or not changes.any():
        raise UserError(
            f"{options.file}: the column {name!r} does not change over {options.season:,}"
            f" {'step' if options.season == 1 else 'steps'} in its {len(known):,} training rows"
        )
    return np.asarray(values / changes.mean())


def _windows(series: list[Array], start: int, end: int, length: int, horizon: int) -> Split:
    """The windows whose predicted values are in the rows from `start` to `end` - 1."""
    parts = [
        np.lib.stride_tricks.sliding_window_view(values[start - length : end], length + horizon) for values in series
    ]
    windows = np.concatenate(parts)
    windows = (windows - windows[:, length - 1 : length]).astype(np.float32)
    return Split(windows[:, :length, None].copy(), windows[:, length:].copy())


def _baselines(options: ForecastOptions, train: Split, split: Split) -> dict[str, Scores]:
    """The mean change in training; the last value; the value a season ago; a linear autoregression."""
    x, length = split.x[..., 0], split.x.shape[1]
    drift = np.broadcast_to(train.y.mean(axis=0, dtype=np.float64), split.y.shape)
    predictions = {"chance": drift, "last_value": np.zeros(split.y.shape)}
    if 1 < options.season <= length:
        ago = [length - options.season + step % options.season for step in range(options.horizon)]
        predictions["seasonal_naive"] = x[:, ago]
    predictions["linear"] = _with_constant(x) @ _autoregression(train)
    return {name: score(split.y, predicted) for name, predicted in predictions.items()}


def _autoregression(train: Split) -> Array:
    """Least squares from the values of a window to those that follow: (length + 1, horizon)."""
    x = _with_constant(train.x[..., 0])
    return np.asarray(np.linalg.solve(x.T @ x + _RIDGE * len(x) * np.eye(x.shape[1]), x.T @ train.y))


def _with_constant(x: Array) -> Array:
    return np.concatenate([x, np.ones((len(x), 1))], axis=1, dtype=np.float64)


def sample(folder: pathlib.Path) -> dict[str, object]:
    """Two noisy waves, as CSV."""
    generator = np.random.default_rng(0)
    steps = np.arange(400)
    waves = [np.sin(2 * np.pi * steps / period) + 0.1 * generator.standard_normal(len(steps)) for period in (12, 30)]
    lines = ["hour,north,south", *(f"{at},{a:.4f},{b:.4f}" for at, a, b in zip(steps, *waves, strict=True))]
    path = folder / "waves.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return {"file": str(path), "columns": ("north", "south"), "horizon": 3, "season": 12}


task = Task(
    name="forecast",
    title="Forecasting",
    summary=(
        "The network reads a window of a time series from your file and predicts the values that follow. "
        "Errors below those of repeating the last value show that a network is worth its cost on your data."
    ),
    loss_unit="mean squared error",
    output="linear",
    every_step=False,
    metrics=(
        Metric("rmse", "Root mean squared error", "naive errors", "lower"),
        Metric("mase", "Mean absolute scaled error", "naive errors", "lower"),
    ),
    train_size_unit="windows",
    options=ForecastOptions,
    make=make,
    score=score,
    examples=examples,
    widths=lambda options: (1, options.horizon),
    identity=identity,
    facts=facts,
    # A network that is no better than a linear function of the same window has learned nothing about the series.
    target=("rmse", "linear"),
    small=(60, 16),
    sample=sample,
)
