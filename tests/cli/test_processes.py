"""The command as a process of its own: its imports, its terminal, Ctrl-C at its start, the user's browser."""

from __future__ import annotations

import os
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.sqlite import open_store
from tests.factories import EXPERIMENT

ROOT = Path(__file__).parents[2]


def harness(*arguments: object, **environment: str) -> subprocess.CompletedProcess[str]:
    command = [sys.executable, "-m", "harness", *map(str, arguments)]
    env = {**os.environ, **environment}
    return subprocess.run(command, capture_output=True, text=True, cwd=ROOT, timeout=120, check=False, env=env)


IMPORTED_BY = """
import sys
from harness.__main__ import main

sys.argv = ["harness", *sys.argv[1:]]
try:
    main()
except SystemExit as end:
    assert not end.code, end.code
finally:
    print(*sys.modules, file=sys.stderr)
"""
NEVER = {"tensorflow", "keras"}
SLOW = NEVER | {
    "pandas",
    "pyarrow",
    "scipy",
    "sklearn",
    "matplotlib",
    "distributed",
    "jinja2",
    "harness.verdicts.judge",
}
"""Modules that take a tenth of a second or more."""


def imported_by(*arguments: object, **environment: str) -> set[str]:
    """The modules that a command imports."""
    command = [sys.executable, "-c", IMPORTED_BY, *map(str, arguments)]
    env = {**os.environ, **environment}
    done = subprocess.run(command, capture_output=True, text=True, cwd=ROOT, check=True, env=env)
    return set(done.stderr.splitlines()[-1].split())


@pytest.mark.parametrize(
    ("unwanted", "words"),
    [
        (SLOW, "--help"), (SLOW, "list"), (SLOW, "schema"), (SLOW, "check FILE"), (SLOW, "check smoke --seeds 2"),
        (SLOW, "run FILE --dry-run"), (SLOW, "status RESULTS"), (SLOW, "show RESULTS"),
        (NEVER, "report RESULTS"), (NEVER, "judge RESULTS"), (NEVER, "export RESULTS"), (NEVER, "diff RESULTS RESULTS"),
    ],
    ids=lambda part: part if isinstance(part, str) else "",
)  # fmt: skip
def test_commands_import_only_what_they_need(unwanted: set[str], words: str, file: Path, results: Path) -> None:
    with open_store(results) as store:
        trial = next(store.records())["trial_id"]
    words = words.replace("show RESULTS", f"show RESULTS {trial}")
    arguments = words.replace("FILE", str(file)).replace("RESULTS", str(results)).split()
    assert not unwanted & imported_by(*arguments)


@pytest.mark.parametrize("typed", ["harness run ", "harness status "])
def test_completing_a_name_imports_nothing_that_reads_experiments(typed: str) -> None:
    place = str(typed.count(" "))
    imported = imported_by(_HARNESS_COMPLETE="complete_bash", COMP_WORDS=typed, COMP_CWORD=place)
    assert not (SLOW | {"numpy", "harness.spec.experiment", "harness.store.sqlite"}) & imported


def test_a_title_that_the_terminal_cannot_show_is_printed_with_escapes(file: Path) -> None:
    file.write_text(EXPERIMENT.replace("Tiny", "Größe \u2713"), encoding="utf-8")
    done = harness("check", str(file), PYTHONIOENCODING="ascii", LC_ALL="C")
    assert done.returncode == 0, done.stderr
    assert "Gr\\xf6\\xdfe \\u2713" in done.stdout


INTERRUPTED = """
import os, signal, sys

class Interrupt:
    def find_spec(self, name, path=None, target=None):
        if name == wanted:
            os.kill(os.getpid(), signal.SIGINT)

wanted = sys.argv.pop(1)
sys.meta_path.insert(0, Interrupt())
from harness.__main__ import main
main()
"""
"""Ctrl-C comes when the process is about to import a module."""


@pytest.mark.parametrize(
    ("module", "arguments"),
    [
        ("harness.cli.main", ["--help"]),
        ("harness.plan.expand", ["check", "smoke"]),
        ("harness.runner.flow", ["run", "smoke", "--results", "RESULTS/new"]),
        ("harness.report.page.html", ["report", "RESULTS"]),
        ("scipy.special", ["judge", "RESULTS"]),
        ("pandas", ["export", "RESULTS"]),
        ("harness.store.frame", ["serve", "RESULTS", "--port", "0"]),
        ("harness.runner.backends", ["backends"]),
        ("tensorflow", ["summary", "gru"]),
    ],
)
def test_ctrl_c_at_the_start_is_status_130_and_nothing_else(module: str, arguments: list[str], results: Path) -> None:
    command = [
        sys.executable,
        "-c",
        INTERRUPTED,
        module,
        *(word.replace("RESULTS", str(results)) for word in arguments),
    ]
    done = subprocess.run(command, cwd=ROOT, capture_output=True, text=True, timeout=120, check=False)
    assert (done.returncode, done.stdout, done.stderr) == (130, "", "")


def test_a_report_is_opened_in_the_browser_that_the_user_has(results: Path, tmp_path: Path) -> None:
    seen = tmp_path / "seen"
    viewer = tmp_path / "viewer"
    viewer.write_text(f'#!/bin/sh\necho "$1" > "{seen}"\n', encoding="utf-8")
    viewer.chmod(0o755)
    done = harness("report", results, "--format", "md", "--open", BROWSER=f"{viewer} %s")
    assert done.returncode == 0, done.stderr
    assert done.stdout == f"Report: {results / 'report.md'}\n"
    assert seen.read_text(encoding="utf-8").strip() == (results / "report.md").as_uri()
