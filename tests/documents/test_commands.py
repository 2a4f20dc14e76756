"""What README, CONTRIBUTING and docs/ tell the reader to type.

Commands that train are parsed here; `tests/end_to_end/test_tutorial.py` and `test_smoke.py` run them.
"""

from __future__ import annotations

import importlib.util
import re
import shutil
import subprocess
import sys
from pathlib import Path

import pytest
import typer.main
from typer.testing import CliRunner

from harness.cli.main import app
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import open_store
from tests.documents.reading import DOCUMENTS, ROOT, Command, blocks, commands
from tests.factories import EXPERIMENT, experiment, plan, record

pytestmark = pytest.mark.usefixtures("without_figures")

COMMANDS = typer.main.get_command(app).commands  # type: ignore[attr-defined]
TRAIN = {"run", "trial", "backends", "summary"}
SERVE = {"serve"}
"""Runs until it is stopped: `tests/cli/test_serve.py`."""
HELD_ELSEWHERE = {
    "pip install .": "tests/end_to_end/test_installed.py",
    "pip install .[dask]": "pyproject.toml",
    "pip install distributed>=2026.8": "tests/runner/cluster/test_processes.py",
    ".venv/bin/pre-commit install": ".pre-commit-config.yaml",
    "harness --install-completion": "tests/cli/test_completion.py",
}
PLACEHOLDERS = {
    "FILE": "mine.toml",
    "DIR": "results/mine",
    "A": "results/mine",
    "B": "results/other",
    "C": "results/both",
    "CELL": "gru",
    "N": "2",
    "csv|parquet|jsonl": "csv",
}


@pytest.mark.parametrize("command", commands(), ids=str)
def test_a_command_is_one_that_there_is(command: Command) -> None:
    program, *arguments = command.words
    if " ".join(command.words) in HELD_ELSEWHERE:
        assert (ROOT / HELD_ELSEWHERE[" ".join(command.words)]).is_file()
    elif program == "make":
        done = subprocess.run(
            ["make", "--dry-run", f"PYTHON={sys.executable}", *arguments],
            capture_output=True,
            text=True,
            cwd=ROOT,
            check=False,
        )
        assert done.returncode == 0, done.stderr
    elif command.words[:2] == ("python", "-m"):
        assert importlib.util.find_spec(arguments[1])
    else:
        assert Path(program).name == "harness", f"no test knows how to check {program}"
        parse(arguments)


def parse(arguments: list[str]) -> None:
    """Raises where the command, an option or a value is not one that there is; a mere name needs no arguments."""
    name, *rest = arguments
    if name == "--help":
        return
    assert name in COMMANDS
    if rest:
        COMMANDS[name].make_context(name, filled(rest))


def filled(words: list[str], trial: str = "0123") -> list[str]:
    return [{**PLACEHOLDERS, "TRIAL": trial}.get(word, word) for word in words]


@pytest.mark.parametrize("document", DOCUMENTS, ids=lambda path: path.name)
def test_an_option_is_one_of_its_command(document: Path) -> None:
    for line in document.read_text(encoding="utf-8").splitlines():
        spans = re.findall(r"`([^`]+)`", line)
        if spans and spans[0].startswith("harness "):
            for option in (span.split()[0] for span in spans[1:] if span.startswith("--")):
                known = {word for parameter in COMMANDS[spans[0].split()[1]].params for word in parameter.opts}
                assert option in known, f"{document.name}: {option}"


def readers_folder(folder: Path) -> str:
    """A folder in which the commands of the table can be typed; returns the id of a trial."""
    (folder / "mine.toml").write_text(
        next(block.text for block in blocks(ROOT / "README.md") if block.language == "toml"), encoding="utf-8"
    )
    directory = folder / "results" / "mine"
    trials = plan(experiment())
    with open_store(directory, create=True) as store:
        store.set_plan(trials)
        for spec in trials.values():
            store.add(record(spec, parameters=100, test={"loss": 1.0, "accuracy": 0.5}))
    (directory / EXPERIMENT_NAME).write_text(EXPERIMENT, encoding="utf-8")
    shutil.copytree(directory, directory.with_name("other"))
    return next(iter(trials))


def table_of_commands() -> dict[str, list[str]]:
    """The table of docs/commands.md: the name of each command, and its arguments there."""
    lines = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8").splitlines()
    rows = [re.match(r"\| `harness (\S+)([^`]*)` \|", line) for line in lines]
    return {row[1]: row[2].split() for row in rows if row}


def test_the_table_of_commands_has_every_command() -> None:
    assert table_of_commands().keys() == COMMANDS.keys()


@pytest.mark.parametrize("name", [name for name in table_of_commands() if name not in TRAIN | SERVE])
def test_the_commands_of_the_table_run(name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    trial = readers_folder(tmp_path)
    monkeypatch.chdir(tmp_path)
    done = CliRunner().invoke(app, [name, *filled(table_of_commands()[name], trial)])
    assert done.exception is None, done.exception
    assert done.output
