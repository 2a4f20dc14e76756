"""The measured columns that claims can compare: title, unit, and whether lower or higher is better."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache

from harness.errors import UserError, nearest
from harness.tasks import Metric, tasks

MEASURES: dict[str, Metric] = {
    metric.name: metric
    for metric in (
        Metric("train_loss", "training loss", "", "lower"),
        Metric("validation_loss", "validation loss", "", "lower"),
        Metric("test_loss", "test loss", "", "lower"),
        Metric("test_accuracy", "test accuracy", "", "higher", bounds=(0.0, 1.0)),
        Metric("seconds_total", "seconds in total", "s", "lower"),
        Metric("seconds_per_update", "seconds per update", "s", "lower"),
        Metric("seconds_data", "seconds for the data", "s", "lower"),
        Metric("seconds_build", "seconds to build the model", "s", "lower"),
        Metric("seconds_first_step", "seconds to the first update", "s", "lower"),
        Metric("seconds_train", "seconds of training", "s", "lower"),
        Metric("seconds_evaluate", "seconds of evaluation", "s", "lower"),
        Metric("cpu_seconds", "processor seconds", "s", "lower"),
        Metric("memory_peak_bytes", "peak memory", "bytes", "lower"),
        Metric("memory_difference_bytes", "memory added by training", "bytes", "lower"),
        Metric("parameters", "parameters", "", "lower"),
        Metric("recurrent_parameters", "recurrent parameters", "", "lower"),
        Metric("updates", "updates done", "", "lower"),
    )
}
"""The measures that exist for every task. The metrics of a task are the columns `test_<name>`."""


def depends_on_machine(column: str) -> bool:
    """Whether values from two machines, or from two lanes, must never be compared: times and memory."""
    return column.startswith(("seconds", "cpu_seconds", "memory"))


def is_quality(column: str) -> bool:
    """Whether the column measures the quality of a network, not its cost."""
    return column.startswith("test_") or column in ("train_loss", "validation_loss")


def measure(column: str, task: str | None = None) -> Metric:
    """The metric behind a column of the frame, as `task` declares it if it does.

    Raises UserError if the column is no measure of that task.
    """
    of_the_task = _own(task)
    metric = of_the_task.get(column) or MEASURES.get(column)
    if metric is None:
        of_task = f" of the task {task!r}" if task else ""
        raise UserError(f"unknown metric {column!r}{of_task}.{nearest(column, {*of_the_task, *MEASURES})}")
    return metric


def check_measure(column: str, for_tasks: Iterable[str]) -> None:
    """Raises UserError unless each of the tasks measures the column. Without tasks, any `test_<name>` is accepted."""
    names = tuple(for_tasks)
    if len({measure(column, task).better for task in names}) > 1:
        raise UserError(
            f"{column!r}: lower is better in one of the tasks and higher in another; write one claim per task"
        )
    if not names and not column.startswith("test_"):
        measure(column)


@cache  # a look-up of a task reads the entry points of every installed package
def _own(task: str | None) -> dict[str, Metric]:
    if task is None or task not in tasks:
        return {}
    return {f"test_{metric.name}": metric for metric in tasks[task].metrics}
