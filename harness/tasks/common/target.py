"""Targets: the scores at which time to target ends, and the data needed to measure them.

A target is checked on the validation split. Its level is a number, or the score of a baseline on the same validation
split.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.tasks.common.task import Array, Scores, Split, Task

Target = tuple[str, float | str]
"""(metric, level); the level is a number or the name of a baseline."""
FEWEST_LABELS = 30
"""Minimum number of labels in a validation split for a target. With fewer, the standard error of a proportion can be
9 percentage points or more."""


def target_of(task: Task) -> Target | None:
    """The task's declared target; if it has none, its `solved` level."""
    return task.target or task.solved


def level_of(target: Target, validation_baselines: Mapping[str, Scores]) -> float | None:
    """The level as a number; None if it names a baseline without this score on the validation split."""
    metric, level = target
    return validation_baselines.get(level, {}).get(metric) if isinstance(level, str) else level


def is_reached(task: Task, target: Target, scores: Scores, validation_baselines: Mapping[str, Scores]) -> bool:
    """Whether scores on the validation split are at least as good as the target; False if its level is unknown."""
    metric, wanted = target[0], level_of(target, validation_baselines)
    if wanted is None or metric not in scores:
        return False
    return scores[metric] <= wanted if lower_is_better(task, metric) else scores[metric] >= wanted


def lower_is_better(task: Task, metric: str) -> bool:
    """Whether lower values of the metric are better; true for the loss, which tasks do not declare as a metric."""
    return all(known.better == "lower" for known in task.metrics if known.name == metric)


def label_count(task: Task, split: Split) -> int:
    """Number of labels in a split that are not padding: one per time step or one per example."""
    if split.weight is not None:
        return int((split.weight > 0).sum())
    steps: Array = split.y[..., 0] if task.output != "softmax" else split.y
    return int(steps.size)


def too_few_labels(task: Task, metric: str, level: float, labels: int) -> str:
    """Why a validation split with this many labels is too small for the target; empty if it is large enough.

    If the metric is a proportion (no unit, higher is better) and its level is below 1, a network with one wrong label
    must still be able to reach it; otherwise only a perfect score would. With fewer than FEWEST_LABELS labels, scores
    are mostly chance.
    """
    share = any(known.name == metric and known.better == "higher" and not known.unit for known in task.metrics)
    wrong = 1 - level
    fewest = max(FEWEST_LABELS, round(1 / wrong) if share and 1e-9 < wrong < 1 else 0)
    if labels >= fewest:
        return ""
    return (
        f"the validation split has {labels:,} labels, too few to measure whether {metric.replace('_', ' ')} has "
        f"reached {level:g}; expected at least {fewest:,}"
    )
