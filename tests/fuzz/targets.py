"""All targets of the fuzz."""

from __future__ import annotations

from tests.fuzz import commands, experiments, formats
from tests.fuzz.target import Target

TARGETS: tuple[Target, ...] = (*commands.TARGETS, *experiments.TARGETS, *formats.TARGETS)


def by_name(name: str) -> Target:
    return next(target for target in TARGETS if target.name == name)
