"""The digest of the code: a change that could change a result changes it, a change of words does not."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness import code_version as module
from harness.code_version import code_version

SOURCE = '"""What it is."""\n\n\ndef f(x):\n    """Doc."""\n    return x + 1  # why\n'


def meaning(path: Path, text: str) -> str:
    path.write_text(text, encoding="utf-8")
    module._meaningful.cache_clear()
    return module._meaningful(path)


@pytest.mark.parametrize(
    "text",
    [
        SOURCE.replace("# why", "# because"),
        SOURCE.replace("What it is.", "Something else.").replace("Doc.", "More."),
        SOURCE.replace("\n\n\n", "\n\n\n\n# a remark\n\n").replace("x + 1", "x  +  1"),
    ],
)
def test_words_and_layout_do_not_count(tmp_path: Path, text: str) -> None:
    assert meaning(tmp_path / "a.py", text) == meaning(tmp_path / "a.py", SOURCE)


@pytest.mark.parametrize("text", [SOURCE.replace("+ 1", "+ 2"), SOURCE.replace("f(x)", "f(x, y=0)")])
def test_code_counts(tmp_path: Path, text: str) -> None:
    assert meaning(tmp_path / "a.py", text) != meaning(tmp_path / "a.py", SOURCE)


def test_a_string_that_is_used_counts(tmp_path: Path) -> None:
    assert meaning(tmp_path / "a.py", "x = 'a'\n") != meaning(tmp_path / "a.py", "x = 'b'\n")


def test_cells_and_tasks_have_versions_of_their_own() -> None:
    versions = {code_version(task, cell) for task in ("language", "recall") for cell in ("gru", "lstm")}
    assert len(versions) == 4


def test_the_version_is_the_same_in_every_process() -> None:
    script = "from harness.code_version import code_version; print(code_version('recall', 'gru'))"
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
