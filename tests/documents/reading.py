"""README, CONTRIBUTING and docs/ as a reader sees them: parsed as Markdown with the tables of GitHub."""

from __future__ import annotations

import re
import shlex
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from functools import cache
from itertools import takewhile
from pathlib import Path

from markdown_it import MarkdownIt
from markdown_it.token import Token

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


@dataclass(frozen=True)
class Table:
    """A table: the headings above it, and the cells of each row, the header's first, as Markdown text."""

    document: Path
    line: int
    headings: tuple[str, ...]
    rows: tuple[tuple[str, ...], ...]
    written: tuple[int, ...]
    """Cells of each row in the file. A renderer drops those beyond the header's, and fills up a shorter row."""

    def __str__(self) -> str:
        return f"{self.document.name}:{self.line}"


@cache
def rendered(document: Path) -> list[Token]:
    """What a renderer makes of a document."""
    return MarkdownIt("commonmark").enable("table").parse(document.read_text(encoding="utf-8"))


def inline(document: Path) -> Iterator[Token]:
    """Texts, code spans, links and pictures, in order."""
    for token in rendered(document):
        yield from token.children or ()


def blocks(*documents: Path) -> list[Block]:
    """All fenced blocks, in order."""
    return [
        Block(document, token.map[0] + 1, token.info, token.content)
        for document in documents or DOCUMENTS
        for token in rendered(document)
        if token.type == "fence" and token.map
    ]


def code_spans(document: Path) -> list[str]:
    """What stands between backticks, outside of fenced blocks."""
    return [token.content for token in inline(document) if token.type == "code_inline"]


def headings(document: Path) -> list[str]:
    """Headings as they are shown, without markup."""
    tokens = rendered(document)
    titles = [tokens[place + 1].children or [] for place, token in enumerate(tokens) if token.type == "heading_open"]
    return ["".join(part.content for part in title) for title in titles]


def anchors(document: Path) -> set[str]:
    """The names by which a link leads to a heading, as GitHub makes them."""
    lines: list[str] = []
    for heading in headings(document):
        name = re.sub(r"[^\w\- ]", "", heading.lower()).replace(" ", "-")
        lines.append(f"{name}-{lines.count(name)}" if name in lines else name)
    return set(lines)


def tables(document: Path) -> list[Table]:
    """All tables, in order."""
    lines = document.read_text(encoding="utf-8").splitlines()
    listed: list[Table] = []
    under: list[str] = []
    rows: list[tuple[str, ...]] = []
    written: list[int] = []
    begun = 0
    tokens = rendered(document)
    for place, token in enumerate(tokens):
        if token.type == "heading_open":
            under[int(token.tag[1]) - 1 :] = [tokens[place + 1].content]
        elif token.type == "table_open" and token.map:
            rows, written, begun = [], [], token.map[0] + 1
        elif token.type == "tr_open" and token.map:
            rows.append(())
            written.append(len(re.split(r"(?<!\\)\|", lines[token.map[0]].strip().strip("|"))))
        elif token.type in ("th_open", "td_open"):
            rows[-1] = (*rows[-1], tokens[place + 1].content)
        elif token.type == "table_close":
            listed.append(Table(document, begun, tuple(under), tuple(rows), tuple(written)))
    return listed


def commands(*documents: Path) -> list[Command]:
    """The lines of the `sh` blocks, and every code span that is a command."""
    listed = []
    for document in documents or DOCUMENTS:
        lines = [line for block in blocks(document) if block.language == "sh" for line in block.text.splitlines()]
        for text in (*lines, *code_spans(document)):
            words = tuple(_typed(text))
            if words and Path(words[0]).name in _PROGRAMS and len(words) > 1:
                listed.append(Command(document, words))
    return list(dict.fromkeys(listed))


def _typed(text: str) -> Iterator[str]:
    """The words as a shell reads them, up to a comment or a redirection; nothing for code that no shell reads."""
    with suppress(ValueError):  # a quotation mark without its counterpart
        yield from takewhile(lambda word: not word.startswith(">"), shlex.split(re.split(r"(?:^|\s)#", text)[0]))
