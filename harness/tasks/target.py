"""When a network has reached a task's target: the end of the way that time to target measures."""

from __future__ import annotations

from collections.abc import Mapping

from harness.tasks.task import Scores, Task


def target_of(task: Task) -> tuple[str, float | str] | None:
    """(metric, level) that the task declares for time to target, or else as solved; the level may name a baseline."""
    return task.target or task.solved


def is_reached(task: Task, scores: Scores, baselines: Mapping[str, Scores]) -> bool:
    """Whether scores on the validation split are at the task's target or better; False where it declares none."""
    target = target_of(task)
    if target is None:
        return False
    metric, level = target
    wanted = baselines[level][metric] if isinstance(level, str) else level
    return scores[metric] <= wanted if lower_is_better(task, metric) else scores[metric] >= wanted


def lower_is_better(task: Task, metric: str) -> bool:
    """Whether less of the metric is better; the loss is no metric that a task declares."""
    return all(known.better == "lower" for known in task.metrics if known.name == metric)
