"""The tasks, by name. Installed packages add tasks through the entry-point group `harness.tasks`."""

from __future__ import annotations

from harness.registry import Registry
from harness.tasks.common.task import DataFacts, Dataset, Example, Metric, Options, Split, Task, split_scores

__all__ = ["DataFacts", "Dataset", "Example", "Metric", "Options", "Split", "Task", "split_scores", "tasks"]

tasks: Registry[Task] = Registry(
    "task",
    Task,
    {
        "adding": "harness.tasks.synthetic.adding:task",
        "copying": "harness.tasks.synthetic.copying:task",
        "counting": "harness.tasks.synthetic.counting:task",
        "digits": "harness.tasks.files.digits:task",
        "forecast": "harness.tasks.files.forecast:task",
        "formal_language": "harness.tasks.synthetic.formal_language:task",
        "language": "harness.tasks.text.language:task",
        "music": "harness.tasks.files.music:task",
        "recall": "harness.tasks.synthetic.recall:task",
        "signals": "harness.tasks.files.signals:task",
        "sound_events": "harness.tasks.sound.sound_events:task",
        "symbols": "harness.tasks.synthetic.symbols:task",
        "temporal_order": "harness.tasks.synthetic.temporal_order:task",
        "text_classification": "harness.tasks.text.classification:task",
        "words": "harness.tasks.text.words:task",
    },
    entry_points="harness.tasks",
)
