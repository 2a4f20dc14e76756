"""Scores of a network on whole splits, in batches of one shape so that nothing is compiled twice."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.cells.gradient import States
from harness.tasks import Dataset, Split, split_scores
from harness.tasks.common.task import Array, Scores, Task, calibrated
from harness.trial.update import StatefulPredict

_EXAMPLES = 128
"""Of one batch: what a cell makes of them stays in the processor's caches, and little is padded."""
_BYTES = 16 * 2**20
"""Inputs of one batch at most, in bytes once they are one-hot."""


class Evaluation:
    """Scores on the splits of a dataset, by the task's metrics.

    zeros: the states at a sequence's beginning. Where there are some, a split is one sequence, which is read from its
    first example to its last.
    """

    def __init__(self, predict: StatefulPredict, task: Task, dataset: Dataset, zeros: States) -> None:
        self._predict, self._task, self._dataset, self._zeros = predict, task, dataset, zeros
        self._batch = 1 if zeros else _batch_size(dataset)
        self._score: Callable[..., Scores] = task.score

    def calibrate(self, outputs: Array) -> None:
        """Choose, by the outputs for the validation split, what the task needs before it can score (thresholds)."""
        if self._task.calibrate is not None:
            self._score = calibrated(self._dataset.validation, outputs, self._task.calibrate)

    def scores(self, split: Split, outputs: Array | None = None) -> Scores:
        """The task's metrics on a split; `outputs` where the network's outputs for it are known."""
        return split_scores(split, self.outputs(split.x) if outputs is None else outputs, self._score)

    def outputs(self, examples: Array) -> Array:
        """The network's outputs, in the order of the examples; the last batch is padded to the compiled shape."""
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
