"""README, CONTRIBUTING, CHANGELOG and docs/ render correctly: complete tables, closed blocks, working links."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.documents.reading import DOCUMENTS, ROOT, anchors, inline, rendered, tables

ALL = [*DOCUMENTS, ROOT / "CHANGELOG.md"]
each_document = pytest.mark.parametrize("document", ALL, ids=lambda path: path.name)


@each_document
def test_every_row_of_a_table_has_the_cells_of_its_header(document: Path) -> None:
    for table in tables(document):
        assert set(table.written) == {len(table.rows[0])}, table


@each_document
def test_no_row_of_a_table_stands_outside_of_it(document: Path) -> None:
    """A blank line within a table ends it, and what follows is shown as text."""
    in_table = False
    for token in rendered(document):
        in_table = token.type != "table_close" and (in_table or token.type == "table_open")
        if token.type == "inline" and not in_table:
            assert not [line for line in token.content.splitlines() if line.lstrip().startswith("|")], token.map


@each_document
def test_every_fence_is_closed(document: Path) -> None:
    lines = document.read_text(encoding="utf-8").splitlines()
    for token in rendered(document):
        if token.type == "fence" and token.map:
            assert lines[token.map[1] - 1].strip() == token.markup, f"line {token.map[0] + 1}"


@each_document
def test_every_link_leads_somewhere(document: Path) -> None:
    targets = [str(token.attrs["href"]) for token in inline(document) if token.type == "link_open"]
    targets += [str(token.attrs["src"]) for token in inline(document) if token.type == "image"]
    for target in targets:
        if target.startswith(("http://", "https://")):
            continue
        file, _, anchor = target.partition("#")
        path = (document.parent / file) if file else document
        assert path.exists(), target
        is_line = path.suffix == ".py" and re.fullmatch(r"L\d+", anchor)  # of what: tests/tools/test_line_links.py
        assert not anchor or is_line or anchor in anchors(path), target


@each_document
def test_no_link_is_left_as_text(document: Path) -> None:
    """A link whose target has a space, or whose brackets do not match, is shown as it is written."""
    assert [token.content for token in inline(document) if token.type == "text" and "](" in token.content] == []


def test_the_pages_contain_tables_and_links() -> None:
    assert sum(len(tables(document)) for document in ALL) > 20
    assert sum(token.type == "link_open" for document in ALL for token in inline(document)) > 40
