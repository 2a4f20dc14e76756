"""Scores of a network on whole splits, in batches of one shape, so that prediction compiles once."""

from __future__ import annotations

from collections.abc import Callable

import numpy as np

from harness.tasks import Dataset, Split, split_scores
from harness.tasks.common.task import Array, Scores, calibrated
from harness.trial.prepare import Prepared
from harness.trial.update import zero_states

_EXAMPLES = 128
"""Maximum number of examples per batch. A cell's results then fit into the CPU's caches, and padding stays small."""
_BYTES = 16 * 2**20
"""Maximum size of the inputs of one batch in bytes, after one-hot encoding."""


class Evaluation:
    """Scores on splits, with the task's metrics. A model that carries its state reads a split as one sequence."""

    def __init__(self, trial: Prepared) -> None:
        self._trial = trial
        self._zeros = zero_states(trial.program.model, 1)
        self._batch = 1 if self._zeros else _batch_size(trial.dataset)
        self._score: Callable[..., Scores] = trial.task.score

    def calibrate(self, outputs: Array) -> None:
        """Choose what the task calibrates, such as thresholds, from the outputs for the validation split."""
        if self._trial.task.calibrate is not None:
            self._score = calibrated(self._trial.dataset.validation, outputs, self._trial.task.calibrate)

    def scores(self, split: Split, outputs: Array | None = None) -> Scores:
        """The task's metrics on a split. Pass `outputs` if the network's outputs for the split are known."""
        return split_scores(split, self.outputs(split.x) if outputs is None else outputs, self._score)

    def outputs(self, examples: Array) -> Array:
        """The network's outputs, in the order of the examples. The last batch is padded to the compiled shape."""
        outputs, states = [], self._zeros
        for start in range(0, len(examples), self._batch):
            x = examples[start : start + self._batch]
            padded = np.resize(x, (self._batch, *x.shape[1:])) if len(x) < self._batch else x
            predicted, states = self._trial.program.predict(states, padded)
            outputs.append(predicted[: len(x)])
        return np.concatenate(outputs)


def _batch_size(dataset: Dataset) -> int:
    x = dataset.test.x
    example_bytes = x[:1].nbytes if dataset.symbols is None else x[:1].size * dataset.symbols * 4
    largest = max(len(split.x) for split in (dataset.validation, dataset.test))
    return max(1, min(largest, _EXAMPLES, _BYTES // max(1, example_bytes)))
