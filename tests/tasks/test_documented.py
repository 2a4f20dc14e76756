"""docs/tasks.md: every task with its options, metrics and levels."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.tasks import tasks

TEXT = (Path(__file__).parents[2] / "docs" / "tasks.md").read_text(encoding="utf-8")
SECTIONS = {name: part for part in TEXT.split("\n## ")[1:] for name in part.partition("\n")[0].split(", ")}


def test_every_bundled_task_has_a_section_and_no_other_has() -> None:
    assert set(SECTIONS) == {name for name, target in tasks.targets().items() if target.startswith("harness.")}


@pytest.mark.parametrize("name", sorted(SECTIONS))
def test_a_section_names_every_option_metric_and_level(name: str) -> None:
    task, section = tasks[name], " ".join(SECTIONS[name].split())
    levels = [goal for goal in (task.solved, task.target) if goal]
    named = [*task.options.model_fields, *(metric.name for metric in task.metrics)]
    named += [str(level) for _, level in levels if isinstance(level, str)]
    for word in named:
        assert f"`{word}`" in section, word
    assert task.loss_unit in section
    for word, goal in (("Solved", task.solved), ("Target", task.target)):
        assert bool(goal) == (f"{word}: " in section)
    for metric in task.metrics:
        assert re.search(rf"`{metric.name}`.*?\b(lower|higher)\b", section)[1] == metric.better, metric.name
