"""Every fenced block of README, CONTRIBUTING and docs/ is run, or is part of something that is."""

from __future__ import annotations

import os
import re
import subprocess
import sys
import tomllib
from pathlib import Path

import pytest

from harness.spec.load import load_claims, load_experiment
from harness.store.record import Phase
from tests.documents.reading import ROOT, Block, blocks
from tests.factories import EXPERIMENT, half_done, plan

BLOCKS = blocks()
HELD_BY = {
    "sh": "tests/documents/test_commands.py",
    "toml": "tests/documents/test_blocks.py",
    "{eval-rst}": "tests/documents/test_site.py",
    "{toctree}": "tests/documents/test_site.py",
    "README.md": "tests/end_to_end/test_tutorial.py",
    "adding-a-cell.md": "tests/cells/example.py",
    "adding-a-task.md": "tests/documents/test_blocks.py",
    "adding-a-figure.md": "tests/documents/test_blocks.py",
}
"""Where a language is tested, or, for Python, a document. Blocks of `text` are pictures, or what a command prints."""
PAGES = {"gated_gru": "adding-a-cell.md", "parity": "adding-a-task.md", "first_update": "adding-a-figure.md"}
"""Module of the reader's package to the document that has it."""


@pytest.mark.parametrize("block", BLOCKS, ids=str)
def test_a_block_is_of_a_kind_that_is_run(block: Block) -> None:
    kind = block.document.name if block.language == "python" else block.language
    assert kind == "text" or (ROOT / HELD_BY[kind]).is_file()


def whole(block: Block) -> str:
    """The block as an experiment: by itself, or with what it leaves out."""
    content = tomllib.loads(block.text)
    if "name" in content or content.keys() == {"claim"}:
        return block.text
    head = EXPERIMENT[: EXPERIMENT.index("[[sweep]]")]
    if "sweep" in content:
        return head + block.text
    kept = [line for line in EXPERIMENT.splitlines() if line.partition(" ")[0] not in content]
    return block.text + "\n".join(kept)


@pytest.mark.parametrize("block", [block for block in BLOCKS if block.language == "toml"], ids=str)
def test_a_toml_block_is_an_experiment_or_a_part_of_one_or_claims(block: Block, tmp_path: Path, package: Path) -> None:
    if block.text.startswith("[project.entry-points"):
        (group,) = tomllib.loads(block.text)["project"]["entry-points"].values()
        (line,) = (f"{name} = {target}" for name, target in group.items())
        assert line in (package / "my_package-1.0.dist-info" / "entry_points.txt").read_text(encoding="utf-8")
        return
    (tmp_path / "mine.txt").write_text("Each word is followed by the next one. " * 2000, encoding="utf-8")
    rows = [(["up", "down"][row % 2], *(str(row * step) for step in range(64))) for row in range(1, 401)]
    (tmp_path / "mine.csv").write_text("\n".join(map(",".join, rows)), encoding="utf-8")
    load = ["hour,load", *(f"{hour},{hour % 24 + hour / 1000}" for hour in range(4000))]
    (tmp_path / "power.csv").write_text("\n".join(load), encoding="utf-8")
    reviews = ["label,text", *(f"{row % 3},review {row}" for row in range(2000))]
    (tmp_path / "reviews.csv").write_text("\n".join(reviews), encoding="utf-8")
    path = tmp_path / "block.toml"
    path.write_text(whole(block), encoding="utf-8")
    if tomllib.loads(block.text).keys() == {"claim"}:
        assert load_claims(path)
    else:
        assert plan(load_experiment(path))


def python_block(document: str) -> str:
    return next(b.text for b in BLOCKS if b.document.name == document and b.language == "python")


@pytest.fixture
def package(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The reader's `my_package` with its cell, its task and its figure, with the documents' entry points."""
    (tmp_path / "my_package").mkdir()
    (tmp_path / "my_package" / "__init__.py").touch()
    for name, document in PAGES.items():
        (tmp_path / "my_package" / f"{name}.py").write_text(python_block(document), encoding="utf-8")
    installed = tmp_path / "my_package-1.0.dist-info"
    installed.mkdir()
    (installed / "METADATA").write_text("Metadata-Version: 2.1\nName: my_package\nVersion: 1.0\n", encoding="utf-8")
    groups = [block.text for block in BLOCKS if block.text.startswith("[project.entry-points")]
    lines = [line.replace('"', "").replace("project.entry-points.", "") for text in groups for line in text.split("\n")]
    (installed / "entry_points.txt").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.syspath_prepend(tmp_path)
    for name in [name for name in sys.modules if name.partition(".")[0] == "my_package"]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def python(folder: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    path = os.pathsep.join([str(folder), str(ROOT), os.environ.get("PYTHONPATH", "")])
    environment = {**os.environ, "PYTHONPATH": path}
    command = [sys.executable, *arguments]
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, env=environment, timeout=300, check=False)


def test_an_installed_packages_cell_and_task_are_listed_by_their_names(package: Path) -> None:
    done = python(package, "-m", "harness", "list")
    assert "\n  gated_gru     GRU with an input gate. " in done.stdout, done.stderr
    assert "\n  parity        Parity. " in done.stdout


def test_an_installed_packages_task_is_held_to_the_contract(package: Path) -> None:
    chosen = ["-m", "pytest", "-q", "-p", "no:cacheprovider", "tests/tasks/test_contract.py", "-k", "parity"]
    done = python(package, *chosen, f"--basetemp={package / 'tests'}")
    assert done.returncode == 0, done.stdout
    assert int(re.search(r"(\d+) passed", done.stdout)[1]) >= 14  # type: ignore[index]


@pytest.mark.parametrize("name", ["first-update", "my_package.first_update:first_update"])
def test_a_figure_is_in_the_report_of_an_experiment_that_names_it(package: Path, name: str) -> None:
    results = half_done(
        package / "results" / "tiny", phases={"first_step": Phase(wall_seconds=2.5, cpu_seconds=1, memory_peak_bytes=1)}
    )
    (results / "experiment.toml").write_text(f'figures = ["{name}"]\n{EXPERIMENT}', encoding="utf-8")
    done = python(package, "-m", "harness", "report", str(results))
    assert done.returncode == 0, done.stderr
    figure = (results / "report.html").read_text(encoding="utf-8").split('id="first-update"')[1].split("</figure>")[0]
    assert "Who compiles fastest?" in figure
    assert "GRU 2.50\u00a0s" in figure
    assert (results / "figures" / "first-update.svg").is_file()
