"""Sections of a Markdown file that a command writes."""

from __future__ import annotations

from pathlib import Path

import pytest

from harness.errors import UserError
from tools.sections import begin, end, section, write_section

BEGIN, END = begin("figures"), end("figures")


def test_only_the_section_is_replaced(tmp_path: Path) -> None:
    file = tmp_path / "a.md"
    file.write_text(f"# Above\n{BEGIN}\nold\n{END}\nBelow\n", encoding="utf-8")
    for _ in range(2):
        write_section(file, "figures", "| new |")
        text = file.read_text(encoding="utf-8")
        assert text == f"# Above\n{BEGIN}\n\n| new |\n\n{END}\nBelow\n"
    assert section(text, "figures", source="a.md")[1] == "| new |"


@pytest.mark.parametrize("text", ["", BEGIN, f"{END}\n{BEGIN}", f"{BEGIN}\n{END}\n{END}", begin("other") + END])
def test_a_file_without_the_section_stays_unchanged(tmp_path: Path, text: str) -> None:
    file = tmp_path / "a.md"
    file.write_text(text, encoding="utf-8")
    with pytest.raises(UserError, match=r"a\.md: expected the lines"):
        write_section(file, "figures", "new")
    assert file.read_text(encoding="utf-8") == text


def test_a_missing_file_is_an_error(tmp_path: Path) -> None:
    with pytest.raises(UserError, match=r"a\.md: no such file"):
        write_section(tmp_path / "a.md", "figures", "new")
