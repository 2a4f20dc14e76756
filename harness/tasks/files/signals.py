"""signals: classify series of measurements from a file of the user."""

from __future__ import annotations

import functools
import pathlib
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Annotated

import numpy as np
from pydantic import Field

from harness.errors import UserError
from harness.tasks.common.scoring import ACCURACY, classification, nearest
from harness.tasks.common.task import Array, DataFacts, Dataset, Options, Scores, Split, Task, dataset, decisive
from harness.tasks.common.user_files import check_trainable
from harness.tasks.files.series_files import Series, load_series

_VERSION = "signals 2"
_SHARED = 20_240_503
"""Seed for the choice of validation and test series, which are the same for all trials."""


class SignalsOptions(Options):
    """Options: the files with the series."""

    file: Annotated[pathlib.Path, Field(strict=False)]
    """Labelled series as .ts or CSV: see `harness.tasks.files.series_files.load_series`."""
    test_file: Annotated[pathlib.Path, Field(strict=False)] | None = None
    """Test series, as in the UEA and UCR archives. Default: a fifth of the series in `file`."""


@dataclass(frozen=True)
class _Shared:
    """values (series, time, channels), labels (series,) as indices into `classes`, and the indices of each split."""

    values: Array
    labels: Array
    classes: tuple[str, ...]
    pool: Array
    validation: Array
    test: Array
    repeated: int
    """Number of series that are left out because they equal another one."""


def make(train_size: int, sequence_length: int, seed: int, options: SignalsOptions) -> Dataset:
    """x (series, time, channels), the first sequence_length values, each channel standardised by the training split.

    y (series,): the index of the label among the sorted labels. A fifth of the series is for validation, and a fifth
    for test unless there is a test file. These are the same for every seed; the seed selects the training series.
    Raises UserError for unusable files, a sequence_length above the series' length, and too few series.
    """
    examples(train_size, sequence_length, options)
    shared = _shared(options)
    chosen = np.random.default_rng(seed).permutation(shared.pool)[:train_size]
    values = shared.values[:, :sequence_length].astype(np.float64)
    centre, spread = values[chosen].mean(axis=(0, 1)), values[chosen].std(axis=(0, 1))
    x = ((values - centre) / np.where(spread > 0, spread, 1)).astype(np.float32)
    splits = (Split(x=x[at], y=shared.labels[at]) for at in (chosen, shared.validation, shared.test))
    baselines = functools.partial(_baselines, len(shared.classes))
    made_from = (dict(identity(options)), train_size, sequence_length, seed)
    return dataset(splits, baselines, *made_from, classes=len(shared.classes))


def examples(train_size: int, sequence_length: int, options: SignalsOptions) -> int:
    """train_size. Raises UserError if there are fewer series, or if they are shorter than sequence_length."""
    shared = _shared(options)
    if sequence_length > shared.values.shape[1]:
        raise UserError(
            f"{options.file}: its series have {shared.values.shape[1]:,} values, fewer than sequence_length "
            f"{sequence_length:,}"
        )
    check_trainable(options.file, len(shared.pool), "series", train_size)
    return train_size


def facts(train_size: int, sequence_length: int, options: SignalsOptions) -> DataFacts:
    """The files, the number of duplicates, and the number of values after the first `sequence_length`."""
    shared = _shared(options)
    files = [path.name for path in (options.file, options.test_file) if path is not None]
    count, length, _ = shared.values.shape
    return DataFacts(
        source=f"{' and '.join(files)}, {count:,} series",
        left_out={
            "series that equal another one": shared.repeated,
            "time steps after the first sequence_length of their series": (count - shared.repeated)
            * (length - sequence_length),
        },
    )


def identity(options: SignalsOptions) -> Mapping[str, str]:
    """The hashes of the files and the procedure."""
    files = {"file_sha256": load_series(options.file).sha256}
    if options.test_file is not None:
        files["test_file_sha256"] = load_series(options.test_file).sha256
    return {"procedure": _VERSION, **files, **decisive(options)}


def _shared(options: SignalsOptions) -> _Shared:
    given = [load_series(options.file)]
    if options.test_file is not None:
        given.append(load_series(options.test_file))
        if given[0].values.shape[1:] != given[1].values.shape[1:]:
            (length, channels), (other_length, other_channels) = (part.values.shape[1:] for part in given)
            raise UserError(
                f"{options.test_file}: series of {other_length} values in {other_channels} channels, but "
                f"{options.file} has series of {length} values in {channels} channels"
            )
        unknown = sorted(set(given[1].labels) - set(given[0].labels))
        if unknown:
            raise UserError(f"{options.test_file}: label {unknown[0]!r} does not occur in {options.file}")
    classes = tuple(sorted(set(given[0].labels)))
    if len(classes) < 2:
        raise UserError(f"{options.file}: all series have the label {classes[0]!r}, expected at least two labels")
    values = np.concatenate([part.values for part in given])
    labels = np.array([classes.index(label) for part in given for label in part.labels], dtype=np.int32)
    pool, test = _pool_and_test(given, values)
    measuring = len(pool) // (5 if options.test_file else 4)
    if not measuring or not len(test) or measuring == len(pool):
        raise UserError(f"{options.file}: {len(given[0].labels)} series are too few for three splits")
    return _Shared(
        values, labels, classes, pool[measuring:], pool[:measuring], test, len(values) - len(pool) - len(test)
    )


def _pool_and_test(given: list[Series], values: Array) -> tuple[Array, Array]:
    """Indices of the series for training and validation, and for test, in random order and without duplicates."""
    unique = {series.tobytes(): at for at, series in enumerate(values)}
    kept = np.array(sorted(unique.values()))
    generator = np.random.default_rng(_SHARED)
    if len(given) == 1:
        order = generator.permutation(kept)
        return order[len(order) // 5 :], order[: len(order) // 5]
    first = len(given[0].labels)
    return generator.permutation(kept[kept < first]), kept[kept >= first]


def _baselines(classes: int, train: Split, split: Split) -> dict[str, Scores]:
    """Baselines: the most frequent label, and the label of the nearest training series, as in the archives."""
    counts = np.bincount(train.y, minlength=classes)
    prevalence = (counts + 1) / (counts.sum() + classes)
    return {
        "chance": {
            "loss": float(-np.log(prevalence[split.y]).mean()),
            "accuracy": float(np.mean(split.y == np.argmax(counts))),
        },
        "nearest_neighbour": {"accuracy": float(np.mean(nearest(train.x, train.y, split.x) == split.y))},
    }


def sample(folder: pathlib.Path) -> dict[str, object]:
    """Two kinds of noisy waves, as CSV."""
    generator = np.random.default_rng(0)
    lines = []
    for at in range(120):
        label = ("saw", "sine")[at % 2]
        phase = np.arange(20) / 10 + generator.random()
        wave = np.sin(2 * np.pi * phase) if label == "sine" else 2 * (phase % 1) - 1
        lines.append(",".join([label, *(f"{value:.4f}" for value in wave + 0.1 * generator.standard_normal(20))]))
    path = folder / "waves.csv"
    path.write_text("\n".join(lines), encoding="utf-8")
    return {"file": str(path)}


task = Task(
    name="signals",
    title="Classification of signals",
    summary=(
        "The network reads a series of measurements from your file and classifies it. "
        "The scores show how the cells compare on your data."
    ),
    loss_unit="nats per series",
    output="softmax",
    every_step=False,
    metrics=(ACCURACY,),
    train_size_unit="series",
    options=SignalsOptions,
    make=make,
    score=classification,
    examples=examples,
    widths=lambda options: (_shared(options).values.shape[2], len(_shared(options).classes)),
    identity=identity,
    facts=facts,
    # The usual baseline for data of the archives; a network that does not reach it is not worth training.
    target=("accuracy", "nearest_neighbour"),
    small=(40, 16),
    sample=sample,
)
