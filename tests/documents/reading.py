"""README, CONTRIBUTING and docs/ as data: their fenced blocks, and the commands that they tell the reader to type."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

ROOT = Path(__file__).parents[2]
DOCUMENTS = [
    *(ROOT / name for name in ("README.md", "CONTRIBUTING.md", "results/README.md")),
    *sorted((ROOT / "docs").glob("*.md")),
]
_PROGRAMS = ("harness", "make", "python", "pip", "pytest", "pre-commit")


@dataclass(frozen=True)
class Block:
    """A fenced block: its language and text, and the line of its fence."""

    document: Path
    line: int
    language: str
    text: str

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


@dataclass(frozen=True)
class Command:
    """What a reader types: the words, without what redirects its output."""

    document: Path
    words: tuple[str, ...]

    def __str__(self) -> str:
        return f"{self.document.name}: {' '.join(self.words)}"


def blocks(*documents: Path) -> list[Block]:
    """All fenced blocks, in order."""
    found = []
    for document in documents or DOCUMENTS:
        text = document.read_text(encoding="utf-8")
        for match in re.finditer(r"^```(\w*)\n(.*?)^```$", text, flags=re.DOTALL | re.MULTILINE):
            line = text.count("\n", 0, match.start()) + 1
            found.append(Block(document, line, match[1], match[2]))
    return found


def code_spans(document: Path) -> list[str]:
    """What stands between backticks, outside of fenced blocks."""
    text = re.sub(r"^```.*?^```$", "", document.read_text(encoding="utf-8"), flags=re.DOTALL | re.MULTILINE)
    return re.findall(r"(?<!`)`([^`]+)`(?!`)", text)


def commands(*documents: Path) -> list[Command]:
    """The lines of the `sh` blocks, and every code span that is a command."""
    found = []
    for document in documents or DOCUMENTS:
        lines = [line for block in blocks(document) if block.language == "sh" for line in block.text.splitlines()]
        for text in (*lines, *code_spans(document)):
            words = tuple(_typed(text))
            if words and Path(words[0]).name in _PROGRAMS and len(words) > 1:
                found.append(Command(document, words))
    return list(dict.fromkeys(found))


def _typed(text: str) -> Iterator[str]:
    for word in text.split():
        if word.startswith(("#", ">")):
            return
        yield word
