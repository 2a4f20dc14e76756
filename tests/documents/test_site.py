"""The site that `make docs` builds: pages, links, references, the API from docstrings, the help of the commands."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest

import harness
from harness import cells, tasks
from tests.documents.reading import ROOT
from tools.commands import SECTION, commands_section
from tools.sections import section


@pytest.fixture(scope="module")
def site(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("site")
    command = [sys.executable, "-m", "sphinx", "-W", "--keep-going", "-q", "-b", "html", "-d", str(folder / "doctrees")]
    done = subprocess.run(
        [*command, "docs", str(folder / "html")], capture_output=True, text=True, cwd=ROOT, timeout=300, check=False
    )
    assert done.returncode == 0, done.stderr
    return folder / "html"


def test_every_document_is_a_page_that_search_finds(site: Path) -> None:
    index = (site / "searchindex.js").read_text(encoding="utf-8")
    for document in (ROOT / "docs").glob("*.md"):
        assert (site / f"{document.stem}.html").is_file()
        assert f'"{document.stem}"' in index


def test_no_page_loads_anything_from_another_host(site: Path) -> None:
    for page in site.glob("*.html"):
        text = page.read_text(encoding="utf-8")
        assert 'src="http' not in text, page.name
        assert 'rel="stylesheet" href="http' not in text, page.name


def test_the_public_interface_is_documented(site: Path) -> None:
    page = (site / "api.html").read_text(encoding="utf-8")
    names = [f"harness.{name}" for name in harness.__all__]
    names += [f"harness.cells.{name}" for name in ("Cell", "Backward") if name in cells.__all__]
    names += [f"harness.tasks.{name}" for name in tasks.__all__ if name not in ("split_scores", "tasks")]
    assert [name for name in names if f'id="{name}"' not in page] == []


def test_a_link_to_a_line_of_code_leads_to_its_page(site: Path) -> None:
    text = (site / "architecture.html").read_text(encoding="utf-8")
    path, _, line = text.partition('href="code/')[2].partition('"')[0].partition("#")
    assert f'id="{line}"' in (site / "code" / path).read_text(encoding="utf-8")


def test_the_help_of_every_command_is_as_the_program_prints_it() -> None:
    text = (ROOT / "docs" / "commands.md").read_text(encoding="utf-8")
    assert section(text, SECTION, source="commands.md")[1] == commands_section(), "make docs renews it"
