"""Scores of a network on whole splits, in batches of one shape, so that prediction compiles once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.cells.gradient import States
from harness.tasks import Dataset, Split, split_scores
from harness.tasks.common.task import Array, Scores, Task, calibrated
from harness.trial.update import StatefulPredict

_EXAMPLES = 128
"""Maximum number of examples per batch. A cell's results then fit into the CPU's caches, and padding stays small."""
_BYTES = 16 * 2**20
"""Maximum size of the inputs of one batch in bytes, after one-hot encoding."""


class Evaluation:
    """Scores on the splits of a dataset, with the task's metrics.

    zeros: the initial states of a model that carries its state; it reads a split as one sequence. () for other models.
    """

    def __init__(self, predict: StatefulPredict, task: Task, dataset: Dataset, zeros: States) -> None:
        self._predict, self._task, self._dataset, self._zeros = predict, task, dataset, zeros
        self._batch = 1 if zeros else _batch_size(dataset)
        self._score: Callable[..., Scores] = task.score

    def calibrate(self, outputs: Array) -> None:
        """Choose what the task calibrates, such as thresholds, from the outputs for the validation split."""
        if self._task.calibrate is not None:
            self._score = calibrated(self._dataset.validation, outputs, self._task.calibrate)

    def scores(self, split: Split, outputs: Array | None = None) -> Scores:
        """The task's metrics on a split. Pass `outputs` if the network's outputs for the split are known."""
        return split_scores(split, self.outputs(split.x) if outputs is None else outputs, self._score)

    def outputs(self, examples: Array) -> Array:
        """The network's outputs, in the order of the examples. The last batch is padded to the compiled shape."""
        outputs, states = [], self._zeros
        for start in range(0, len(examples), self._batch):
            x = examples[start : start + self._batch]
            padded = np.resize(x, (self._batch, *x.shape[1:])) if len(x) < self._batch else x
            predicted, states = self._predict(states, padded)
            outputs.append(predicted[: len(x)])
        return np.concatenate(outputs)


def _batch_size(dataset: Dataset) -> int:
    x = dataset.test.x
    example_bytes = x[:1].nbytes if dataset.symbols is None else x[:1].size * dataset.symbols * 4
    largest = max(len(split.x) for split in (dataset.validation, dataset.test))
    return max(1, min(largest, _EXAMPLES, _BYTES // max(1, example_bytes)))
