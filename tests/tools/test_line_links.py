"""Links from Markdown files to lines have the line of the definition."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from tools.line_links import renewed

DOCS = Path(__file__).parents[2] / "docs"
MODULE = '''"""A module."""

LIMIT: int = 3


class Cell:
    def step(self) -> None: ...


def train() -> None: ...
'''


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    (tmp_path / "code.py").write_text(MODULE, encoding="utf-8")
    return tmp_path


def test_a_link_gets_the_line_of_the_definition(folder: Path) -> None:
    text = "[`train`](code.py) and [`Cell.step`](code.py#L99), [`LIMIT`](code.py#L1); [`code.py`](code.py)"
    assert renewed(text, folder) == (
        "[`train`](code.py#L10) and [`Cell.step`](code.py#L7), [`LIMIT`](code.py#L3); [`code.py`](code.py)"
    )


def test_an_undefined_name_is_an_error(folder: Path) -> None:
    with pytest.raises(UserError, match=r"code.py: defines no 'fit'; it defines LIMIT, Cell, Cell.step, train"):
        renewed("[`fit`](code.py#L3)", folder)


@pytest.mark.parametrize("document", sorted(DOCS.glob("*.md")), ids=lambda path: path.stem)
def test_the_links_of_the_documents_are_up_to_date(document: Path) -> None:
    text = document.read_text(encoding="utf-8")
    assert renewed(text, document.parent) == text, "`make format` updates the links"
