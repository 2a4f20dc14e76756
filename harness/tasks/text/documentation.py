"""The default text of the language tasks: docstrings of a package whose version requirements.lock pins."""

from __future__ import annotations

import hashlib
import importlib.metadata
import re
import textwrap
from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property, lru_cache
from pathlib import Path

import numpy as np

from harness.files import read_text
from harness.tasks.common.cache import cached
from harness.tasks.common.task import Array

PACKAGE = "pandas"
"""The package with the most prose among those that requirements.lock pins to one version for every Python."""
_VERSION = "documentation 1"
"""Version of the procedure, for the cache."""
_STRING = re.compile(r'^[ \t]*[rR]?"""(.*?)"""|""".*?"""', re.DOTALL | re.MULTILINE)
"""A string in triple quotes. The group has its content if the string begins a line, as docstrings do."""
_NOT_PROSE = re.compile(r">>>|^\.\. |^[-=~^*]{3,}\s*$|[|{}\\<>]|%\(", re.MULTILINE)
"""Doctests, directives, underlined headings, tables and templates."""
_SHORTEST = 40
"""Minimum characters of a paragraph."""
_LETTERS = 0.9
"""Minimum fraction of letters and spaces in a paragraph."""


@dataclass(frozen=True)
class Text:
    """A text, its name in messages, and the number of omitted duplicates."""

    characters: str
    source: str
    repeated: int = 0

    @cached_property
    def sha256(self) -> str:
        """The SHA-256 (hex) of the UTF-8 bytes."""
        return hashlib.sha256(self.characters.encode()).hexdigest()


@lru_cache(maxsize=1)
def documentation() -> Text:
    """The prose in the docstrings of `PACKAGE`, each paragraph once and on one line; paragraphs are separated by blank
    lines.

    It is read from the package's Python files, which are not imported and are equal in the wheels of all platforms and
    Python versions. Parameter lists, examples, tables and headings are left out. Files are sorted by the hash of their
    names, so that validation and test portions cover the same range of subjects as the training portion.
    """
    package = importlib.metadata.distribution(PACKAGE)
    root = Path(str(package.locate_file(PACKAGE)))
    source = f"documentation of {PACKAGE} {package.version}"
    files = sorted(_files(root), key=lambda file: hashlib.sha256(file[0].encode()).digest())
    read = cached((_VERSION, source, files), lambda: _collected(root, files))
    return Text(read["text"].tobytes().decode(), source, int(read["repeated"]))


def _collected(root: Path, files: Sequence[tuple[str, int, int]]) -> dict[str, Array]:
    paragraphs = Counter(
        paragraph
        for name, _, _ in files
        for string in _STRING.finditer(read_text(root / name))
        for paragraph in _prose(string[1] or "")
    )
    text = "\n\n".join(paragraphs).encode()
    return {"text": np.frombuffer(text, np.uint8), "repeated": np.array(paragraphs.total() - len(paragraphs))}


def _files(root: Path) -> Iterator[tuple[str, int, int]]:
    """The package's modules, without tests: path relative to the package, bytes, and modification time."""
    for path in root.rglob("[!.]*.py"):
        parts = path.relative_to(root).parts
        if not {"tests", "_testing", "conftest.py"} & set(parts):
            stat = path.stat()
            yield "/".join(parts), stat.st_size, stat.st_mtime_ns


def _prose(string: str) -> Iterator[str]:
    """The paragraphs of a docstring that consist of whole sentences and are not indented."""
    first, _, rest = string.partition("\n")
    lines = [first.strip(), *textwrap.dedent(rest).split("\n")]
    margin = "\n".join("" if line[:1].isspace() else line for line in lines)
    for paragraph in re.split(r"\n\s*\n", margin):
        text = " ".join(paragraph.split())
        if len(text) < _SHORTEST or not text[0].isupper() or text[-1] not in ".?!" or _NOT_PROSE.search(paragraph):
            continue
        if sum(character.isalpha() or character == " " for character in text) >= _LETTERS * len(text):
            yield text
