"""The figures of the report by name, and the decorator that makes a figure of a function.

The functions and what they are made with are in `harness.report.figures`, which is imported when a figure is used.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any

from harness.errors import UserError
from harness.registry import Registry

BUNDLED = {
    "loss-by-size": "harness.report.figures.quality:loss_by_size",
    "accuracy-by-length": "harness.report.figures.quality:quality_by_length",
    "solved": "harness.report.figures.quality:solved",
    "horizon": "harness.report.figures.quality:horizon",
    "seconds-per-update": "harness.report.figures.cost:seconds_per_update",
    "time-to-target": "harness.report.figures.training:time_to_target",
    "derived-times": "harness.report.figures.derived_times:derived_times",
    "learning-curves": "harness.report.figures.training:learning_curves",
    "parameters": "harness.report.figures.cost:parameters",
    "pareto": "harness.report.figures.quality:pareto",
    "memory": "harness.report.figures.cost:memory",
    "memory-by-units": "harness.report.figures.cost:memory_by_units",
    "learning-rates": "harness.report.figures.training:learning_rates",
    "best-of-k": "harness.report.figures.search:best_of_k",
    "gradient-reach": "harness.report.figures.reach:gradient_reach",
    "other-lengths": "harness.report.figures.reach:other_lengths",
    "scores": "harness.report.figures.quality:scores",
    "heard": "harness.report.figures.heard:heard",
}
"""Id of a bundled figure to its function, in the order of the report, which has all of them."""
TITLES = {
    "loss-by-size": "Which cell learns best from little data?",
    "accuracy-by-length": "Which cell handles the longest sequences?",
    "solved": "How many seeds solve the task?",
    "horizon": "Up to which length is the task solved?",
    "seconds-per-update": "Which cell trains fastest?",
    "time-to-target": "Which cell reaches the target first?",
    "derived-times": "Do derived times agree with measured times?",
    "learning-curves": "How does the loss fall during training?",
    "parameters": "How many parameters does each network have?",
    "pareto": "How does quality depend on the number of parameters?",
    "memory": "Which cell needs the least memory?",
    "memory-by-units": "How does memory grow with the network?",
    "learning-rates": "How much does the learning rate matter?",
    "best-of-k": "What do more tries of the learning rate bring?",
    "gradient-reach": "How far back does the gradient reach?",
    "other-lengths": "Does the network generalise to other lengths?",
    "scores": "How good are the test scores?",
    "heard": "Detected events",
}
"""The titles of the bundled figures: here, so that listing them imports no figure."""
SECTIONS = ("answer", "claims", "changes", "evidence", "failures", "architectures", "method", "report", "trials")
"""The anchors of the page that no figure may have as its id."""


@dataclass(frozen=True)
class Figure:
    """A figure of the report. Raises UserError if the id is not valid as the name of a file and an anchor."""

    id: str
    """Name of its files and its anchor: lower-case letters, digits and '-'."""
    title: str
    """The question that it answers, or its content."""
    describe: Callable[[Any], Any]
    """From `harness.report.figures.Results` to `harness.report.figures.Content`."""

    def __post_init__(self) -> None:
        if not re.fullmatch(r"[a-z0-9][a-z0-9-]{0,63}", self.id):
            raise UserError(f"figure {self.id!r}: an id has only small letters, digits and '-', at most 64 characters")
        if self.id in SECTIONS:
            raise UserError(f"figure {self.id!r}: a section of the report has this name. Choose another id")


def figure(id: str, title: str = "") -> Callable[[Callable[[Any], Any]], Figure]:
    """Makes a figure of a function from `Results` to `Content`. A bundled one has its title from `TITLES`."""
    return lambda describe: Figure(id, title or TITLES[id], describe)


figures: Registry[Figure] = Registry("figure", Figure, BUNDLED, entry_points="harness.figures")


def check_ids(names: Sequence[str]) -> None:
    """Raises UserError if two figures of a report, these and the bundled ones, have the same id."""
    taken = {id: id for id in BUNDLED}
    for name in names:
        id = figures[name].id
        if taken.setdefault(id, name) != name:
            raise UserError(f"figure {name!r}: its id {id!r} is that of the figure {taken[id]!r}. Give it another id")
