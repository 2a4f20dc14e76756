"""The tasks by name; an installed package adds more through the entry-point group `harness.tasks`."""

from __future__ import annotations

from harness.registry import Registry
from harness.tasks.task import Dataset, Metric, Options, Split, Task

__all__ = ["Dataset", "Metric", "Options", "Split", "Task", "tasks"]

tasks: Registry[Task] = Registry(
    "task",
    Task,
    {
        "language": "harness.tasks.language:task",
        "recall": "harness.tasks.recall:task",
    },
    entry_points="harness.tasks",
)
