"""The modules whose code is in a trial's id are those that a trial's process imports."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.plan.digest import NOT_COUNTED, sources
from tests.factories import spec

ROOT = Path(__file__).parents[2]
_RUN = """
import json, sys
from harness.spec.trial import TrialSpec
from harness.trial.process import run_trial
status = run_trial(TrialSpec.model_validate_json(sys.argv[1]), 1, lambda **message: None)
print(json.dumps([status, sorted(sys.modules)]))
"""
_BEHIND_THOSE_NOT_COUNTED = {
    "harness.cgroup", "harness.figures", "harness.words",
}  # fmt: skip
"""What only the experiment file's types, and the facts of the machine, import."""
_OF_THE_PROCESS = {"harness.stopping", "harness.trial.process", "harness.trial.quiet"}
"""Messages to the runner, signals, and what is printed."""
_MINE = """
from dataclasses import replace
from harness.cells.gru import cell as gru
import mine_beside
cell = replace(gru, name="mine", title=mine_beside.TITLE)
"""


@pytest.mark.parametrize(("task", "cell"), [("adding", "simple_rnn"), ("recall", "mine_cell:cell")])
def test_the_modules_in_a_trial_id_are_those_that_a_trial_imports(
    task: str, cell: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "mine_cell.py").write_text(_MINE, encoding="utf-8")
    (tmp_path / "mine_beside.py").write_text('TITLE = "Mine"\n', encoding="utf-8")
    monkeypatch.syspath_prepend(str(tmp_path))
    trial = spec(
        task=task, cell=cell, backend="fused", gradient_reach=True, forget_bias=1.0, updates=2, sequence_length=8
    )
    ran = subprocess.run(
        [sys.executable, "-c", _RUN, trial.model_dump_json()],
        capture_output=True,
        text=True,
        cwd=ROOT,
        env={**os.environ, "PYTHONPATH": str(tmp_path)},
        check=False,
        timeout=300,
    )
    assert ran.returncode == 0, ran.stderr
    status, modules = json.loads(ran.stdout.splitlines()[-1])
    assert status == "ok"
    imported = {name for name in modules if name.split(".")[0] in ("harness", "mine_cell", "mine_beside")}
    counted = set(sources(task, cell))
    assert counted <= imported
    assert imported - counted <= NOT_COUNTED | _BEHIND_THOSE_NOT_COUNTED | _OF_THE_PROCESS
