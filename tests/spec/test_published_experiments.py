"""The experiments of experiments/published/: each is valid, and states what differs and how long it takes."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from harness.spec.claims import Comparison
from harness.spec.load import load_experiment

FOLDER = Path(__file__).parents[2] / "experiments" / "published"
FILES = sorted(FOLDER.glob("*.toml"))


@pytest.mark.parametrize("path", FILES, ids=lambda path: path.stem)
def test_an_experiment_states_source_differences_and_time_and_quotes_a_result(path: Path) -> None:
    comment = "\n".join(line for line in path.read_text(encoding="utf-8").splitlines() if line.startswith("#"))
    assert re.search(r"arXiv[\s#]+\d{4}\.\d{4,5}", comment)
    assert "What they did:" in comment
    assert "What differs here:" in comment
    assert re.search(r"(minutes|minute|hour|hours) on two cores\.", comment)
    experiment = load_experiment(path)
    assert experiment.name == path.stem
    claims = [claim for claim in experiment.claim if isinstance(claim, Comparison)]
    assert any(claim.published for claim in claims)
