"""The public functions as a notebook calls them: no `__main__` file, a running event loop, a thread, another stdout.

The experiment names a cell and a task of modules beside its file, and a text by a relative path.
"""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

from tests.documents.reading import ROOT

EXPERIMENT = """
name = "cells"
title = "A cell of a notebook"
seeds = 1
cells = ["notebook_cells:cell", "lstm"]
backend = "keras"

[[sweep]]
task = "notebook_cells:task"
options = { text = "data/corpus.txt", validation_size = 200, test_size = 200 }
train_size = 400
sequence_length = 8
units = 4
updates = 4

[[claim]]
id = "fewer-parameters"
claim = "A GRU has fewer parameters than an LSTM"
kind = "exact"
fact = "fewer-parameters"
"""
MODULE = "from harness.cells.gru import cell as cell\nfrom harness.tasks.text.language import task as task\n"
NOTEBOOK = """
import asyncio, io, sys, threading

async def notebook():
    import harness
    given = harness.load_experiment("mine/cells.toml")
    done = []
    thread = threading.Thread(target=lambda: done.append(harness.run(given, jobs=1)))
    thread.start()
    while thread.is_alive():
        await asyncio.sleep(0.1)
    (finished,) = done
    assert (finished.outcome.finished, finished.outcome.failed) == (2, 0), sys.stdout.getvalue()
    assert [verdict.verdict for verdict in finished.verdicts] == ["supported"]
    again = harness.run("results/cells/experiment.toml")  # in the main thread, within the loop
    assert (again.outcome.stored_before, again.outcome.finished) == (2, 0)
    one = harness.run(given.model_copy(update={"name": "one", "cells": ("lstm",), "claim": ()}), jobs=1)
    assert (one.outcome.finished, one.outcome.failed, one.verdicts) == (1, 0, [])
    frame = harness.load_records("results/cells")
    assert sorted(frame["cell"]) == ["lstm", "notebook_cells:cell"]
    assert [verdict.id for verdict in harness.judge("results/cells")] == ["fewer-parameters"]
    assert harness.render("results/cells").name == "report.html"
    page = harness.render("results/cells", format="md").read_text(encoding="utf-8")
    assert "A cell of a notebook" in page
    assert len(list(__import__("pathlib").Path("results/cells/summaries").glob("*.txt"))) == 2

out, sys.stdout = sys.stdout, io.StringIO()
asyncio.run(notebook())
out.write("done")
"""


def test_the_public_functions_work_in_a_notebook(tmp_path: Path) -> None:
    (tmp_path / "mine" / "data").mkdir(parents=True)
    (tmp_path / "mine" / "cells.toml").write_text(EXPERIMENT, encoding="utf-8")
    (tmp_path / "mine" / "notebook_cells.py").write_text(MODULE, encoding="utf-8")
    (tmp_path / "mine" / "data" / "corpus.txt").write_text("the quick brown fox jumps. " * 100, encoding="utf-8")
    done = subprocess.run(
        [sys.executable, "-"], input=NOTEBOOK, cwd=tmp_path, capture_output=True, text=True, timeout=300, check=False
    )
    assert (done.stdout, done.returncode) == ("done", 0), done.stderr
    assert not list(ROOT.glob("results/cells"))
