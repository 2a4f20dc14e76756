"""What a task is: data, loss, metrics and the baselines a result is held against. Nothing here imports TensorFlow."""

from __future__ import annotations

import hashlib
import json
import pathlib
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any, Literal

from numpy.typing import NDArray
from pydantic import BaseModel, ConfigDict

from harness.files import user_path

Array = NDArray[Any]
Output = Literal["sigmoid", "softmax", "linear"]
Scores = Mapping[str, float]
"""Metric name to value; always with 'loss', the quantity that is trained on."""


class Options(BaseModel):
    """A task's own settings in an experiment file (`[sweep.options]`). Subclass it; unknown keys are refused."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True, use_attribute_docstrings=True)


def decisive(options: Options) -> dict[str, str]:
    """The options that differ from their defaults, as JSON: what `identity` says of them.

    Paths are left out: what counts is the content behind them, which the task hashes.
    """
    changed = options.model_dump(mode="json", exclude_defaults=True)
    paths = {name for name, value in options if _paths(value)}
    return {name: json.dumps(value, sort_keys=True) for name, value in changed.items() if name not in paths}


def with_paths_from(folder: pathlib.Path, options: Options) -> Options:
    """The options with relative paths taken from `folder`, and `~` as the home folder. Raises UserError."""
    absolute = {
        name: folder / user_path(value)
        if isinstance(value, pathlib.Path)
        else tuple(folder / user_path(path) for path in value)
        for name, value in options
        if _paths(value)
    }
    return options.model_copy(update=absolute)


def _paths(value: object) -> bool:
    """Whether an option's value is a path, or several."""
    if isinstance(value, tuple) and value:
        return all(isinstance(part, pathlib.Path) for part in value)
    return isinstance(value, pathlib.Path)


def procedure(version: str) -> Callable[[Options], Mapping[str, str]]:
    """`identity` for a task that makes its data: the version of its procedure, and the options that are not default."""
    return lambda options: {"procedure": version, **decisive(options)}


def fingerprint(*made_from: object) -> str:
    """SHA-256 (hex) of the parts' texts: for `Dataset.fingerprint`, of all that decides what `make` gives."""
    return hashlib.sha256("\n".join(map(str, made_from)).encode()).hexdigest()


@dataclass(frozen=True)
class Metric:
    """A figure of merit. `name` as in the columns `test_<name>`; `unit` may be empty for a share."""

    name: str
    title: str
    unit: str
    better: Literal["lower", "higher"]
    bounds: tuple[float, float] | None = None
    """The lowest and the highest value that are possible; None where the metric is unbounded."""


@dataclass(frozen=True)
class Split:
    """Inputs and labels: x is (examples, time) of integer ids or (examples, time, features) of floats; y is
    (examples, time[, classes]) where every step is labelled, else (examples[, classes]).

    weight is None where every label counts alike; else it is (examples, time) or (examples,), 0 where there is no label
    (padding): the loss is then the weighted mean."""

    x: Array
    y: Array
    weight: Array | None = None

    def part(self, first: int, last: int) -> Split:
        """The examples from `first` up to, without, `last`; fewer where there are fewer."""
        weight = None if self.weight is None else self.weight[first:last]
        return Split(self.x[first:last], self.y[first:last], weight)


@dataclass(frozen=True)
class Dataset:
    """The three splits, which share no example, and what the network has to know of them."""

    train: Split
    validation: Split
    test: Split
    input_shape: tuple[int, ...]
    """(time,) for integer ids, (time, features) for floats."""
    classes: int
    fingerprint: str
    """SHA-256 (hex) of what the data were made from."""
    symbols: int | None = None
    """How many integer ids there are; None where the inputs are floats."""
    baselines: Mapping[str, Scores] = field(default_factory=dict)
    """What simple predictors, the chance level among them, reach on the test split."""
    validation_baselines: Mapping[str, Scores] = field(default_factory=dict)
    """What they reach on the validation split: a target that names a baseline is its score there."""


@dataclass(frozen=True)
class DataFacts:
    """What is to be known of a task's data besides the sizes of the splits: for `check`, the record and the report."""

    source: str = ""
    """What the data were read from, in words; empty for data that the task makes."""
    unknown: float | None = None
    """The share of the tokens that the vocabulary lacks; None where there is no vocabulary."""
    left_out: Mapping[str, int] = field(default_factory=dict)
    """What is in the files but in none of the splits: in words, to how many."""


@dataclass(frozen=True)
class Example:
    """One test example with what a trained network makes of it, small enough to be kept in every record."""

    picture: tuple[str, ...]
    """The input as an image: rows from the top, a hexadecimal digit a column, 0 the least and f the most."""
    axis: tuple[str, str, str]
    """What the rows are: in words, at the bottom, at the top."""
    seconds: float
    """From the first time step to the end of the last."""
    labels: tuple[str, ...]
    there: tuple[str, ...]
    """A text a label: '1' for each time step in which it is there, else '0'."""
    heard: tuple[str, ...]
    """The same of what the network says."""


@dataclass(frozen=True)
class Task:
    """One job for a network.

    make(train_size, sequence_length, seed, options) -> Dataset: deterministic; raises UserError for unusable files.
    score(y, outputs) -> Scores: metrics of the network's outputs (logits where output is 'softmax'), with 'loss'. Where
        the splits have weights they are its third argument: `split_scores` sees to that.
    examples(train_size, sequence_length, options): the number of training examples that `make` will give.
    identity(options): what identifies the data behind the options (a file's hash, not its path) and, where they differ
        from their defaults, the options themselves; part of trial ids.
    """

    name: str
    """As registered: letters, digits, '_'."""
    title: str
    summary: str
    """Two sentences: what the network must do, and what doing it well shows."""
    loss_unit: str
    """What the loss counts: 'nats per character', ...; less is always better."""
    output: Output
    every_step: bool
    """True where each time step has a label, False where the whole sequence has one."""
    metrics: tuple[Metric, ...]
    train_size_unit: str
    """What train_size counts: 'characters', 'sequences', ..."""
    options: type[Options]
    make: Callable[[int, int, int, Any], Dataset]
    score: Callable[..., Scores]
    examples: Callable[[int, int, Any], int]
    identity: Callable[[Any], Mapping[str, str]]
    solved: tuple[str, float] | None = None
    """(metric, threshold) from which the task counts as solved; None where there is no such point."""
    target: tuple[str, float | str] | None = None
    """(metric, level) for time to target: a number, or the name of the baseline whose level it is, which then has to be
    in `Dataset.validation_baselines`; None: the same as `solved`, where there is one."""
    carries: Callable[[Any], bool] = lambda options: False
    """carries(options): whether the windows of a split follow each other in one sequence, and the network's state is to
    be carried from each to the next, in training and in evaluation. Only where `every_step`."""
    make_test: Callable[[int, int, Any], Split] | None = None
    """make_test(sequence_length, seed, options) -> Split: a test split of any length, for networks trained at another.
    None where other lengths make no sense. For the length trained at it may hold examples of the training split."""
    calibrate: Callable[..., Callable[..., Scores]] | None = None
    """calibrate(y, outputs) of the validation split gives the `score` to use on all splits, with what has to be chosen
    on validation data (thresholds) fixed; where the splits have weights they are its third argument. None where there
    is nothing to choose."""
    show: Callable[[tuple[Split, Array], tuple[Split, Array], Any], Example] | None = None
    """show(validation, test, options), both splits with the network's outputs for them: one example of the test split,
    the same for every network, and what this one makes of it; None where there is nothing to look at."""
    facts: Callable[[int, int, Any], DataFacts] = lambda train_size, sequence_length, options: DataFacts()
    """facts(train_size, sequence_length, options) of the data that `make` gives; like `examples` it has to be quick."""
    widths: Callable[[Any], tuple[int, int]] | None = None
    """widths(options): the features (or symbols) of a time step and the classes of the data that `make` gives, or about
    as many. By these the time of a trial is estimated before any was run, so it has to be quick. None where both are
    small."""
    small: tuple[int, int] = (64, 16)
    """A train_size and a sequence_length that `make` serves in a moment; for tests."""
    sample: Callable[[pathlib.Path], Mapping[str, Any]] | None = None
    """For a task that needs a file: writes a small one into a folder and gives the options that name it; for tests."""


def calibrated(split: Split, outputs: Array, calibrate: Callable[..., Callable[..., Scores]]) -> Callable[..., Scores]:
    """A task's `score` as it calibrates it on the network's outputs for the validation split."""
    return calibrate(split.y, outputs) if split.weight is None else calibrate(split.y, outputs, split.weight)


def split_scores(split: Split, outputs: Array, score: Callable[..., Scores]) -> Scores:
    """A task's scores of the network's outputs for a split, its weights seen to."""
    return score(split.y, outputs) if split.weight is None else score(split.y, outputs, split.weight)
