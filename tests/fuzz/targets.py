"""All targets of the fuzz, by name."""

from __future__ import annotations

from tests.fuzz import commands, experiments, formats

TARGETS = {target.name: target for target in (*commands.TARGETS, *experiments.TARGETS, *formats.TARGETS)}
