"""The digest of the code: it covers what training imports, and nothing else."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.cells import cells
from harness.errors import UserError
from harness.plan import digest as module
from harness.plan import syntax_trees
from harness.plan.digest import code_version, sources
from harness.tasks import tasks

CELL = """
from harness.cells.gru import cell as gru
from mine import equations
def late():
    import mine_too
cell = gru
"""


def test_cells_and_tasks_have_versions_of_their_own() -> None:
    versions = {code_version(task, cell) for task in ("language", "recall") for cell in ("gru", "lstm")}
    assert len(versions) == 4


@pytest.mark.parametrize("task", [*tasks])
@pytest.mark.parametrize("cell", [*cells])
def test_of_files_that_hold_one_cell_only_the_trials_own_counts(task: str, cell: str) -> None:
    counted = sources(task, cell)
    assert {name for name in cells if f"harness.cells.{name}" in counted} == {cell}
    assert tasks.targets()[task].partition(":")[0] in counted


@pytest.mark.parametrize("task", [*tasks])
def test_what_reads_and_shows_records_does_not_count(task: str) -> None:
    counted = {name for name in sources(task, "gru") if name.split(".")[1] not in {"cells", "tasks", "trial"}}
    assert counted <= {"harness.files", "harness.plan", "harness.plan.rates"}


def test_every_gradient_of_the_fused_backend_is_counted() -> None:
    assert {
        "harness.cells.shards", "harness.cells.gradient", "harness.cells.scan", "harness.trial.update",
        "harness.trial.settings",
    } <= sources("recall", "gru").keys()  # fmt: skip


@pytest.mark.parametrize("name", sorted(module.NOT_COUNTED))
def test_modules_that_are_said_not_to_count_exist(name: str) -> None:
    parts = name.split(".")[1:]
    folder = Path(module.__file__).parents[1].joinpath(*parts)
    assert (folder / "__init__.py").is_file() or folder.with_suffix(".py").is_file()


@pytest.fixture
def mine(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A user's package with a cell, and a module beside it."""
    package = tmp_path / "mine"
    package.mkdir()
    (package / "__init__.py").write_text("")
    (package / "cell.py").write_text(CELL)
    (package / "equations.py").write_text("LEAK = 0.1\n")
    (tmp_path / "mine_too.py").write_text("x = 1\n")
    (tmp_path / "unrelated.py").write_text("x = 1\n")
    monkeypatch.syspath_prepend(str(tmp_path))
    for cached in (code_version, module._place, module._modules, syntax_trees.read_source):
        cached.cache_clear()
    for name in [name for name in sys.modules if name.split(".")[0] in ("mine", "mine_too")]:
        monkeypatch.delitem(sys.modules, name)
    return tmp_path


def test_a_users_own_modules_count_with_all_they_import(mine: Path) -> None:
    counted = sources("recall", "mine.cell:cell")
    assert {name for name, path in counted.items() if path.is_relative_to(mine)} == {
        "mine", "mine.cell", "mine.equations", "mine_too"
    }  # fmt: skip
    assert "harness.cells.gru" in counted


def test_a_change_beside_a_users_cell_changes_the_version(mine: Path) -> None:
    before = code_version("recall", "mine.cell:cell")
    (mine / "mine" / "equations.py").write_text("LEAK = 0.2\n")
    code_version.cache_clear()
    syntax_trees.read_source.cache_clear()
    assert code_version("recall", "mine.cell:cell") != before


def test_of_an_installed_package_only_its_own_modules_count(mine: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("site.getusersitepackages", lambda: str(mine))
    counted = sources("recall", "mine.cell:cell")
    assert {name for name, path in counted.items() if path.is_relative_to(mine)} == {
        "mine", "mine.cell", "mine.equations"
    }  # fmt: skip


def test_moving_a_file_of_cells_keeps_its_version(mine: Path) -> None:
    (mine / "mine" / "__init__.py").unlink()
    before = code_version("recall", "mine.cell:cell")
    shutil.copy(mine / "mine" / "cell.py", mine / "elsewhere.py")
    assert code_version("recall", "elsewhere:cell") == before


@pytest.mark.parametrize("name", ["nowhere.to_be_found:cell", "sys:cell"])
def test_a_module_without_a_source_file_is_refused(name: str) -> None:
    with pytest.raises(UserError, match=r"expected a module in a \.py file"):
        code_version("recall", name)


def test_the_version_is_the_same_in_every_process() -> None:
    script = "from harness.plan.digest import code_version; print(code_version('recall', 'gru'))"
    versions = {
        subprocess.run(
            [sys.executable, "-c", script],
            capture_output=True,
            text=True,
            check=True,
            env={**os.environ, "PYTHONHASHSEED": str(seed)},
        ).stdout
        for seed in range(3)
    }
    assert len(versions) == 1


def test_tensorflow_is_not_imported_for_it() -> None:
    script = "import sys; from harness.plan.digest import code_version; code_version('recall', 'gru')"
    script += "; sys.exit('tensorflow' in sys.modules or 'harness.trial.train' in sys.modules)"
    subprocess.run([sys.executable, "-c", script], check=True)
