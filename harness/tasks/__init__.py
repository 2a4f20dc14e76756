"""The tasks by name; an installed package adds more through the entry-point group `harness.tasks`."""

from __future__ import annotations

from harness.registry import Registry
from harness.tasks.task import DataFacts, Dataset, Example, Metric, Options, Split, Task, split_scores

__all__ = ["DataFacts", "Dataset", "Example", "Metric", "Options", "Split", "Task", "split_scores", "tasks"]

tasks: Registry[Task] = Registry(
    "task",
    Task,
    {
        "adding": "harness.tasks.adding:task",
        "copying": "harness.tasks.copying:task",
        "counting": "harness.tasks.counting:task",
        "digits": "harness.tasks.digits:task",
        "language": "harness.tasks.language:task",
        "music": "harness.tasks.music:task",
        "recall": "harness.tasks.recall:task",
        "signals": "harness.tasks.signals:task",
        "sound_events": "harness.tasks.sound_events:task",
        "temporal_order": "harness.tasks.temporal_order:task",
        "words": "harness.tasks.words:task",
    },
    entry_points="harness.tasks",
)
