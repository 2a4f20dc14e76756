"""The definition of a task: data, loss, metrics and baselines. This module does not import TensorFlow."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from harness.files import user_path

Array = NDArray[Any]
Output = Literal["sigmoid", "softmax", "linear"]
Scores = Mapping[str, float]
"""Metric name to value; always includes 'loss', the quantity that training minimises."""


class Options(BaseModel):
    """Base class for a task's options in an experiment file (`[sweep.options]`). Unknown keys are errors."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)


def decisive(options: Options) -> dict[str, str]:
    """The options that differ from their defaults, as JSON, for `identity`.

    Paths are left out, because the task hashes the content of the files instead.
    """
    changed = options.model_dump(mode="json", exclude_defaults=True)
    paths = {name for name, value in options if _paths(value)}
    return {name: json.dumps(value, sort_keys=True) for name, value in changed.items() if name not in paths}


def with_paths_from(folder: pathlib.Path, options: Options) -> Options:
    """The options with relative paths resolved against `folder` and `~` expanded. Raises UserError."""
    absolute = {
        name: folder / user_path(value)
        if isinstance(value, pathlib.Path)
        else tuple(folder / user_path(path) for path in value)
        for name, value in options
        if _paths(value)
    }
    return options.model_copy(update=absolute)


def _paths(value: object) -> bool:
    """Whether an option's value is a path or a tuple of paths."""
    if isinstance(value, tuple) and value:
        return all(isinstance(part, pathlib.Path) for part in value)
    return isinstance(value, pathlib.Path)


def procedure(version: str) -> Callable[[Options], Mapping[str, str]]:
    """`identity` for a task that generates its data: the procedure's version, and options that differ from defaults."""
    return lambda options: {"procedure": version, **decisive(options)}


def fingerprint(*made_from: object) -> str:
    """SHA-256 (hex) of `str` of the arguments, for `Dataset.fingerprint`: pass everything that determines the data."""
    return hashlib.sha256("\n".join(map(str, made_from)).encode()).hexdigest()


@dataclass(frozen=True)
class Metric:
    """A metric. `name` is used in the columns `test_<name>`; `unit` is empty for a proportion."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher"]
    bounds: tuple[float, float] | None = None
    """The lowest and the highest possible value; None if the metric is unbounded."""


@dataclass(frozen=True)
class Split:
    """Inputs and labels: x is (examples, time) of integer ids or (examples, time, features) of floats; y is
    (examples, time[, classes]) if every step has a label, else (examples[, classes]).

    weight is None if all labels have equal weight; else it is (examples, time) or (examples,), 0 at padding. The loss
    is the weighted mean."""

    x: Array
    y: Array
    weight: Array | None = None

    def part(self, first: int, last: int) -> Split:
        """The examples `first` to `last` - 1, as far as they exist."""
        weight = None if self.weight is None else self.weight[first:last]
        return Split(self.x[first:last], self.y[first:last], weight)


@dataclass(frozen=True)
class Dataset:
    """The three splits, which have no example in common, and the sizes that the network needs."""

    train: Split
    validation: Split
    test: Split
    input_shape: tuple[int, ...]
    """(time,) for integer ids, (time, features) for floats."""
    classes: int
    fingerprint: str
    """SHA-256 (hex) of everything that determines the data; see `fingerprint`."""
    symbols: int | None = None
    """Number of integer ids; None if the inputs are floats."""
    baselines: Mapping[str, Scores] = field(default_factory=dict)
    """Scores of baselines, including chance, on the test split."""
    validation_baselines: Mapping[str, Scores] = field(default_factory=dict)
    """Scores of baselines on the validation split, for targets whose level is a baseline."""


def dataset(
    splits: Iterable[Split],
    baselines: Callable[[Split, Split], Mapping[str, Scores]],
    *made_from: object,
    classes: int,
    symbols: int | None = None,
) -> Dataset:
    """A dataset of the splits for training, validation and test.

    baselines(train, split): scores of baselines on a split. made_from: the arguments of `fingerprint`.
    """
    train, validation, test = splits
    return Dataset(
        train=train,
        validation=validation,
        test=test,
        input_shape=train.x.shape[1:],
        classes=classes,
        fingerprint=fingerprint(*made_from),
        symbols=symbols,
        baselines=baselines(train, test),
        validation_baselines=baselines(train, validation),
    )


@dataclass(frozen=True)
class DataFacts:
    """Facts about a task's data in addition to the sizes of the splits, for `check`, the record and the report."""

    source: str = ""
    """Description of the data's source; empty for data that the task generates."""
    unknown: float | None = None
    """Fraction of tokens that are not in the vocabulary; None if there is no vocabulary."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """Content of the files that is in no split: description -> number."""


@dataclass(frozen=True)
class Example:
    """One test example with the predictions of a trained network, small enough to be stored in every record."""

    picture: tuple[str, ...]
    """The input as an image: rows from the top, one hexadecimal digit per column, from 0 (lowest) to f (highest)."""
    axis: tuple[str, str, str]
    """The vertical axis: its name, and its labels at the bottom and at the top."""
    seconds: float
    """Duration from the first time step to the end of the last one."""
    labels: tuple[str, ...]
    there: tuple[str, ...]
    """Ground truth: one string per label, with '1' for each time step at which the label is active, else '0'."""
    heard: tuple[str, ...]
    """The network's detections, in the same format as `there`."""


@dataclass(frozen=True)
class Task:
    """A task for a network.

    make(train_size, sequence_length, seed, options) -> Dataset: deterministic; raises UserError for unusable files.
    score(y, outputs) -> Scores: 'loss' and metrics of the network's outputs (logits if output is 'softmax'). If the
        splits have weights, they are passed as third argument; see `split_scores`.
    examples(train_size, sequence_length, options): the number of training examples that `make` returns.
    identity(options): identifies the data for trial ids: hashes of files instead of their paths, and the options that
        differ from their defaults.
    """

    name: str
    """The name under which the task is registered: letters, digits, '_'."""
    title: str
    summary: str
    """Two sentences: what the network has to do, and what good performance shows."""
    loss_unit: str
    """Unit of the loss: 'nats per character', ...; lower is always better."""
    output: Output
    every_step: bool
    """True if each time step has a label, False if each sequence has one."""
    metrics: tuple[Metric, ...]
    train_size_unit: str
    """Unit of train_size: 'characters', 'sequences', ..."""
    options: type[Options]
    make: Callable[[int, int, int, Any], Dataset]
    score: Callable[..., Scores]
    examples: Callable[[int, int, Any], int]
    identity: Callable[[Any], Mapping[str, str]]
    solved: tuple[str, float] | None = None
    """(metric, threshold) at which the task counts as solved; None if no threshold makes sense."""
    target: tuple[str, float | str] | None = None
    """(metric, level) for time to target. The level is a number, or the name of a baseline, which has to be in
    `Dataset.validation_baselines`. None: the same as `solved`."""
    carries: Callable[[Any], bool] = lambda options: False
    """carries(options): whether the windows of a split form one sequence and the network's state is carried from each
    window to the next, in training and in evaluation. Requires `every_step`."""
    predicts_inputs: bool = False
    """Whether labels are later inputs, as where the next character is predicted. A network that reads the sequence from
    its end would see them, so `bidirectional` is refused."""
    make_test: Callable[[int, int, Any], Split] | None = None
    """make_test(sequence_length, seed, options) -> Split: a test split of any length, for networks trained at another
    length. None if other lengths make no sense. At the training length it may contain training examples."""
    calibrate: Callable[..., Callable[..., Scores]] | None = None
    """calibrate(y, outputs): returns the `score` for all splits, with parameters such as thresholds chosen on these
    labels and outputs of the validation split. Weights, if any, are the third argument. None: no parameters."""
    show: Callable[[tuple[Split, Array], tuple[Split, Array], Any], Example] | None = None
    """show(validation, test, options), both splits with the network's outputs for them: one example of the test split,
    the same for every network, with this network's predictions. None if the task shows no example."""
    facts: Callable[[int, int, Any], DataFacts] = lambda train_size, sequence_length, options: DataFacts()
    """facts(train_size, sequence_length, options) about the data of `make`. Like `examples`, it has to be fast."""
    widths: Callable[[Any], tuple[int, int]] | None = None
    """widths(options): approximate number of features (or symbols) per time step, and of classes. They are used to
    estimate how long trials take before any has run, so this has to be fast. None if both are small."""
    small: tuple[int, int] = (64, 16)
    """A train_size and a sequence_length for which `make` is fast; for tests."""
    sample: Callable[[pathlib.Path], Mapping[str, Any]] | None = None
    """For a task that needs files: writes small ones to a folder and returns options that name them; for tests."""


def calibrated(split: Split, outputs: Array, calibrate: Callable[..., Callable[..., Scores]]) -> Callable[..., Scores]:
    """A task's `score`, calibrated on the network's outputs for the validation split."""
    return calibrate(split.y, outputs) if split.weight is None else calibrate(split.y, outputs, split.weight)


def split_scores(split: Split, outputs: Array, score: Callable[..., Scores]) -> Scores:
    """A task's scores for a split, given the network's outputs; passes the split's weights if it has any."""
    return score(split.y, outputs) if split.weight is None else score(split.y, outputs, split.weight)
