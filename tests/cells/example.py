"""The cell of docs/adding-a-cell.md, taken from the page itself, so that what it shows is what runs."""

from __future__ import annotations

import re
from pathlib import Path

from harness.cells import Cell

PAGE = Path(__file__).parents[2] / "docs" / "adding-a-cell.md"


def load(number: int = 0) -> dict[str, object]:
    """What the page's Python block of that number defines, together with those before it."""
    found: dict[str, object] = {}
    for block in re.findall(r"```python\n(.*?)```", PAGE.read_text(), re.DOTALL)[: number + 1]:
        exec(compile(block, str(PAGE), "exec"), found)
    return found


cell = load()["cell"]
assert isinstance(cell, Cell)
