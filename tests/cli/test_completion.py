"""Shell completion as a user has it: installed into a bash, asked for words by that bash."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from harness.store.sqlite import open_store

BASH = shutil.which("bash")
pytestmark = pytest.mark.skipif(BASH is None, reason="there is no bash")

COMMAND = f"""#!{sys.executable}
from harness.cli.main import main
main()
"""
ASK = """
source ~/.bashrc
COMP_WORDS=("$@")
COMP_CWORD=$((${#COMP_WORDS[@]} - 1))
function=$(complete -p harness | sed 's/.*-F \\([^ ]*\\).*/\\1/')
"$function" harness
printf '%s\n' "${COMPREPLY[@]}"
"""
EXPERIMENTS = ("compare", "full", "less_data", "long_memory", "regression", "smoke", "sound_events")
PUBLISHED = ("cahuantzi_2021", "chomsky_2023", "chung_2014", "karpathy_2015", "velarde_2022", "weiss_2018")
BUNDLED = (*EXPERIMENTS, *PUBLISHED)


def bash(home: Path, script: str, *arguments: str) -> str:
    assert BASH is not None
    environment = {**os.environ, "HOME": str(home), "PATH": f"{home / 'bin'}:{os.environ['PATH']}"}
    command = [BASH, "--norc", "-c", script, "bash", *arguments]
    done = subprocess.run(command, capture_output=True, text=True, cwd=home, env=environment, timeout=120, check=False)
    assert done.returncode == 0, done.stderr
    return done.stdout


@pytest.fixture(scope="module")
def home(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A home folder with `harness` on the path and its completion installed."""
    folder = tmp_path_factory.mktemp("home")
    command = folder / "bin" / "harness"
    command.parent.mkdir()
    command.write_text(COMMAND, encoding="utf-8")
    command.chmod(0o755)
    assert "bash completion installed" in bash(folder, "harness --install-completion; true")
    (folder / "mine.toml").touch()
    (folder / "more").mkdir()
    (folder / "more" / "theirs.toml").touch()
    for name in ("mine", "yours"):
        with open_store(folder / "results" / name, create=True):
            pass
    return folder


@pytest.mark.parametrize(
    ("typed", "words"),
    [
        (("harness", "ju"), ["judge"]),
        (
            ("harness", "run", ""),
            [*BUNDLED, "mine.toml"],
        ),
        (("harness", "run", "more/"), ["more/theirs.toml"]),
        (("harness", "run", "LIC"), [""]),  # bash itself goes on with files
        (("harness", "show", ""), ["results/mine", "results/yours"]),
        (("harness", "report", ""), ["results/mine", "results/yours"]),
        (("harness", "report", "results/mine", ""), ["results/yours"]),
        (("harness", "report", "results/yours", "--format", "md", "results/m"), ["results/mine"]),
        (("harness", "judge", "results/mine", "--claims", "lo"), ["long_memory"]),
        (("harness", "summary", "l"), ["lstm"]),
        (("harness", "backends", "--backend", "f"), ["fused"]),
    ],
    ids=lambda part: " ".join(part),
)
def test_bash_is_offered_what_fits(home: Path, typed: tuple[str, ...], words: list[str]) -> None:
    assert bash(home, ASK, *typed).splitlines() == words
