"""The program as `pip install .` leaves it: a wheel, in an empty environment, far from the checkout."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
import venv
import zipfile
from pathlib import Path

import pytest

import harness
from harness.store.sqlite import open_store

ROOT = Path(__file__).parents[2]


def pip(*arguments: object) -> None:
    command = [sys.executable, "-m", "pip", "--disable-pip-version-check", *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=False)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.fixture(scope="module")
def wheel(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Built from a copy, without files of earlier builds."""
    source, target = tmp_path_factory.mktemp("source"), tmp_path_factory.mktemp("wheel")
    for name in ("pyproject.toml", "README.md", "LICENSE"):
        shutil.copy(ROOT / name, source)
    for name in ("harness", "experiments"):
        shutil.copytree(ROOT / name, source / name, ignore=shutil.ignore_patterns("__pycache__"))
    pip("wheel", "--no-deps", "--no-build-isolation", "--no-index", "--wheel-dir", target, source)
    (built,) = target.glob("*.whl")
    return built


@pytest.fixture(scope="module")
def environment(wheel: Path, tmp_path_factory: pytest.TempPathFactory) -> Path:
    """An environment with the wheel, and with the dependencies of this environment."""
    folder = tmp_path_factory.mktemp("environment")
    venv.create(folder, with_pip=False, symlinks=True)
    (packages,) = folder.glob("lib/python*/site-packages")
    borrowed = [path for path in sys.path if path.endswith("site-packages")]
    (packages / "borrowed.pth").write_text("\n".join(borrowed), encoding="utf-8")
    pip("--python", folder / "bin" / "python", "install", "--no-deps", "--no-index", wheel)
    return folder


def files(folder: Path) -> set[str]:
    paths = (path.relative_to(folder) for path in folder.rglob("*") if path.is_file())
    return {str(path) for path in paths if "__pycache__" not in path.parts}


def test_the_wheel_holds_the_whole_package_and_the_experiments(wheel: Path) -> None:
    names = {name for name in zipfile.ZipFile(wheel).namelist() if ".dist-info/" not in name}
    package = {f"harness/{name}" for name in files(ROOT / "harness")}
    bundled = {name for name in files(ROOT / "experiments") if name.endswith((".toml", ".json"))}
    assert names == package | {f"harness/experiments/{name}" for name in bundled}


def test_the_smoke_experiment_runs_without_a_checkout(environment: Path, tmp_path: Path) -> None:
    (package,) = environment.glob("lib/python*/site-packages/harness")
    before = files(package)
    clean = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
    command = [environment / "bin" / "harness", "run", "smoke", "--seeds", "1"]
    done = subprocess.run(command, capture_output=True, text=True, cwd=tmp_path, env=clean, timeout=300, check=False)
    assert done.returncode == 0, done.stdout + done.stderr
    assert "Report: results/smoke/report.html" in done.stdout

    frame = harness.load_records(tmp_path / "results" / "smoke")
    assert len(frame) == 15
    assert (frame["status"] == "ok").all()
    with open_store(tmp_path / "results" / "smoke") as store:
        assert {record["git_commit"] for record in store.records()} == {None}, "the commit of some other checkout"
    page = (tmp_path / "results" / "smoke" / "report.html").read_text(encoding="utf-8")
    for asset in ("page.css", "trials.js"):
        text = (package / "report" / "page" / "assets" / asset).read_text(encoding="utf-8")
        assert max(text.splitlines(), key=len).strip() in page, asset
    assert [path.name for path in tmp_path.iterdir()] == ["results"]
    assert files(package) == before, "nothing is written into the package"
