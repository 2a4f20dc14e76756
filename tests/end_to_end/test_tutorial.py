"""Documented code that trains: the tutorial's commands, on a smaller experiment, and the README's Python."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import open_store
from tests.documents.reading import ROOT, Command, blocks, commands
from tests.factories import EXPERIMENT, experiment, plan, record

TUTORIAL = ROOT / "docs" / "tutorial.md"
FILES = {"adding_up.toml": 0, "later.toml": 1}
"""The reader's files, as the numbers of the tutorial's TOML blocks."""
SMALLER = {
    "seeds = 5": "seeds = 1",
    "train_size = 4000": "train_size = 100",
    "sequence_length = [10, 30]": "sequence_length = 5",
    "updates = 400": "updates = 6",
}


def typed(command: Command, folder: Path, trial: str) -> subprocess.CompletedProcess[str]:
    words = [trial if word == "TRIAL" else word for word in command.words[1:]]
    line = [sys.executable, "-m", "harness", *words]
    return subprocess.run(line, capture_output=True, text=True, cwd=folder, timeout=300, check=False)


def in_order() -> list[Command]:
    """The commands in blocks of the tutorial; those in its sentences are variations of them."""
    lines = "\n".join(block.text for block in blocks(TUTORIAL) if block.language == "sh").splitlines()
    return [command for command in commands(TUTORIAL) if " ".join(command.words) in lines]


def test_the_commands_of_the_tutorial_lead_to_a_verdict(tmp_path: Path) -> None:
    files = [block.text for block in blocks(TUTORIAL) if block.language == "toml"]
    for name, number in FILES.items():
        text = files[number]
        for old, new in SMALLER.items():
            assert old in text
            text = text.replace(old, new)
        (tmp_path / name).write_text(text, encoding="utf-8")
    results = tmp_path / "results" / "adding_up"
    trial, printed = "", {}
    for command in in_order():
        done = typed(command, tmp_path, trial)
        assert done.returncode == 0, f"{command}: {done.stdout}{done.stderr}"
        printed[command.words[1]] = done.stdout
        if command.words[1] == "run":
            trial = str(harness.load_records(results)["trial_id"].iloc[0])[:6]
    assert [*printed] == ["check", "run", "judge", "show", "trial"]
    assert "2 trials" in printed["check"]
    assert "A GRU adds better" in printed["run"]
    assert "A GRU comes down" in printed["judge"]
    assert trial in printed["show"]
    assert '"phases"' in printed["trial"]


@pytest.fixture
def results(tmp_path: Path) -> Path:
    directory = tmp_path / "results" / "compare"
    with open_store(directory, create=True) as store:
        trials = plan(experiment())
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec))
    (directory / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
    return directory


def test_the_readmes_python_runs(results: Path) -> None:
    (block,) = [block for block in blocks(ROOT / "README.md") if block.language == "python"]
    script = block.text + "print(len(frame), model.count_params())"
    done = subprocess.run(
        [sys.executable, "-c", script], capture_output=True, text=True, cwd=results.parents[1], timeout=120, check=False
    )
    assert done.stdout.split() == ["8", "35562"], done.stderr
