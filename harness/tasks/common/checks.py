"""Checks that a task's data match its declaration; otherwise faults in the data would look like faults of a cell."""

from __future__ import annotations

import numpy as np

from harness.errors import UserError
from harness.tasks.common.task import Dataset, Split, Task


def check_dataset(task: Task, dataset: Dataset) -> None:
    """Raise UserError if a split is empty, or has inputs or labels outside the declared range."""
    for name in ("train", "validation", "test"):
        split: Split = getattr(dataset, name)
        wrong = _fault(split, dataset, task)
        if wrong:
            raise UserError(f"task {task.name}: the {name} split has {wrong}")


def _fault(split: Split, dataset: Dataset, task: Task) -> str:
    """A description of the first fault of a split; empty if there is none."""
    x, y = np.asarray(split.x), np.asarray(split.y)
    if not len(x) or len(x) != len(y):
        return f"{len(x)} examples and {len(y)} labels, expected at least one example, and labels for each"
    if dataset.symbols is not None and (x.min() < 0 or x.max() >= dataset.symbols):
        symbol = int(x.min()) if x.min() < 0 else int(x.max())
        return f"the input {symbol}, expected integers from 0 to {dataset.symbols - 1}: `symbols` is {dataset.symbols}"
    if dataset.symbols is None and not np.isfinite(x).all():
        return "an input that is not a finite number"
    if task.output == "softmax":
        if not np.issubdtype(y.dtype, np.integer):
            return f"labels of type {y.dtype}, expected integers: the output is softmax"
        if y.min() < 0 or y.max() >= dataset.classes:
            label = int(y.min()) if y.min() < 0 else int(y.max())
            return f"the label {label}, expected 0 to {dataset.classes - 1}: `classes` is {dataset.classes}"
    elif not np.isfinite(y).all():
        return "a label that is not a finite number"
    elif task.output == "sigmoid" and (y.min() < 0 or y.max() > 1):
        outside = float(y.min()) if y.min() < 0 else float(y.max())
        return f"the label {outside:g}, expected 0 to 1: the output is sigmoid"
    return ""
