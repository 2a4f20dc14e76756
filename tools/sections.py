"""Sections of a Markdown file that a command writes, between two comments with the name of the section."""

from __future__ import annotations

from pathlib import Path

from harness.errors import UserError
from harness.files import read_text, write_atomically


def begin(name: str) -> str:
    """The line above the section."""
    return f"<!-- {name}: written by a command, do not edit -->"


def end(name: str) -> str:
    """The line below the section."""
    return f"<!-- end of {name} -->"


def section(text: str, name: str, *, source: str) -> tuple[str, str, str]:
    """The text before, in and after the section. Raises UserError unless both lines occur once, in order."""
    first, last = begin(name), end(name)
    if text.count(first) != 1 or text.count(last) != 1 or text.index(first) > text.index(last):
        raise UserError(f"{source}: expected the lines {first!r} and, below it, {last!r}, each once")
    before, _, rest = text.partition(first)
    within, _, after = rest.partition(last)
    return before, within.strip("\n"), after


def write_section(file: Path, name: str, content: str) -> None:
    """Replace the section of the file by `content`, atomically. Raises UserError."""
    before, _, after = section(read_text(file), name, source=str(file))
    write_atomically(file, f"{before}{begin(name)}\n\n{content}\n\n{end(name)}{after}")
