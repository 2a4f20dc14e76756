"""The cells of docs/adding-a-cell.md, extracted from the page, so that its code is tested."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cells import Cell

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-cell.md"


def load(*numbers: int) -> dict[str, object]:
    """What the page's Python blocks of these numbers define, run in this order."""
    defined: dict[str, object] = {}
    page = PAGE.read_text(encoding="utf-8")
    blocks = [*re.finditer(r"```python\n(.*?)```", page, re.DOTALL)]
    for number in numbers:
        lines_before = "\n" * page.count("\n", 0, blocks[number].start(1))  # so that the page is the functions' source
        exec(compile(lines_before + blocks[number][1], str(PAGE), "exec"), defined)
    return defined


cell = load(0)["cell"]
min_gru = load(2)["min_gru"]
assert isinstance(cell, Cell)
assert isinstance(min_gru, Cell)
