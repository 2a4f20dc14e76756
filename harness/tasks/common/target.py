"""When a network has reached a target: the end of the way that time to target measures, and what can tell it.

A target is compared on the split it comes from: what the validation data have to reach is a number, or what a baseline
reaches on the same validation data.
"""

from __future__ import annotations

from collections.abc import Mapping

from harness.tasks.common.task import Array, Scores, Split, Task

Target = tuple[str, float | str]
"""(metric, level); the level may name a baseline."""
FEWEST_LABELS = 30
"""Labels of a validation split that can tell whether a target was reached: with fewer, the standard error of a share
is up to 9 points and more."""


def target_of(task: Task) -> Target | None:
    """(metric, level) that the task declares for time to target, or else as solved; the level may name a baseline."""
    return task.target or task.solved


def level_of(target: Target, validation_baselines: Mapping[str, Scores]) -> float | None:
    """The level as a number; None where it names a baseline that has no such score on the validation split."""
    metric, level = target
    return validation_baselines.get(level, {}).get(metric) if isinstance(level, str) else level


def is_reached(task: Task, target: Target, scores: Scores, validation_baselines: Mapping[str, Scores]) -> bool:
    """Whether scores on the validation split are at the target or better; False where its level is not known."""
    metric, wanted = target[0], level_of(target, validation_baselines)
    if wanted is None or metric not in scores:
        return False
    return scores[metric] <= wanted if lower_is_better(task, metric) else scores[metric] >= wanted


def lower_is_better(task: Task, metric: str) -> bool:
    """Whether less of the metric is better; the loss is no metric that a task declares."""
    return all(known.better == "lower" for known in task.metrics if known.name == metric)


def label_count(task: Task, split: Split) -> int:
    """The labels of a split that count: of its time steps where each has one, else of its examples."""
    if split.weight is not None:
        return int((split.weight > 0).sum())
    steps: Array = split.y[..., 0] if task.output != "softmax" else split.y
    return int(steps.size)


def too_few_labels(task: Task, metric: str, level: float, labels: int) -> str:
    """Why a validation split with this many labels cannot tell whether the target was reached; empty where it can.

    A share (a metric without a unit of which more is better) below 1 must leave room for one wrong label: where only a
    perfect score reaches it, a network as good as the target is called a miss. With fewer than FEWEST_LABELS any score
    is mostly chance.
    """
    share = any(known.name == metric and known.better == "higher" and not known.unit for known in task.metrics)
    wrong = 1 - level
    fewest = max(FEWEST_LABELS, round(1 / wrong) if share and 1e-9 < wrong < 1 else 0)
    if labels >= fewest:
        return ""
    return (
        f"the validation split has {labels:,} labels, too few to tell whether {metric.replace('_', ' ')} has reached "
        f"{level:g}; expected at least {fewest:,}"
    )
