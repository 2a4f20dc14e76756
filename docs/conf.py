"""The site of the documents: `make docs` builds docs/*.md into build/docs/. A broken link or reference is an error."""

from __future__ import annotations

import re
from collections.abc import Iterator
from itertools import groupby
from pathlib import Path
from typing import Any

from sphinx.application import Sphinx
from sphinx.highlighting import PygmentsBridge

ROOT = Path(__file__).parents[1]

project = "harness"
extensions = ["myst_parser", "sphinx.ext.autodoc"]
html_theme = "furo"
html_title = "harness"
html_copy_source = False
default_role = "code"  # docstrings have single backticks
myst_heading_anchors = 3  # a link may name a heading, as on GitHub
autodoc_mock_imports = ["harness.cells.keras_backend", "keras", "tensorflow"]  # their import takes seconds
autodoc_typehints_format = "short"
autodoc_member_order = "bysource"
autodoc_preserve_defaults = True
python_maximum_signature_line_length = 80

_CODE_LINK = re.compile(r"\[`([\w./]+)`\]\(\.\./(\w[\w/]*\.py)(?:#L(\d+))?\)")
_ENTRY = re.compile(r"(\w+(?:, \w+)*(?:\(.*?\)(?: -> [\w\[\]]+)?)?):\s+(\S.*)")


def link_code(app: Sphinx, document: str, source: list[str]) -> None:
    """Lead links to lines of code to the page that shows the module."""
    source[0] = _CODE_LINK.sub(r'<a href="code/\2.html#L-\3"><code>\1</code></a>', source[0]).replace('#L-"', '"')


def code_pages(app: Sphinx) -> Iterator[tuple[str, dict[str, Any], str]]:
    """A page for each module that a document links to, with an anchor for each line."""
    texts = (path.read_text(encoding="utf-8") for path in sorted((ROOT / "docs").glob("*.md")))
    bridge = PygmentsBridge("html", "default")
    for name in sorted({match[2] for text in texts for match in _CODE_LINK.finditer(text)}):
        code = (ROOT / name).read_text(encoding="utf-8")
        lines = bridge.highlight_block(code, "python", linenos="inline", lineanchors="L", anchorlinenos=True)
        yield f"code/{name}", {"title": name, "body": f"<h1>{name}</h1>{lines}"}, "page.html"


def list_entries(app: Sphinx, what: str, name: str, thing: object, options: object, lines: list[str]) -> None:
    """Make a list of each paragraph of a docstring that has the form `name: text`, with further lines indented."""
    paragraphs = [[*group] for _, group in groupby(lines, key=bool)]
    lines[:] = [line for paragraph in paragraphs for line in _as_list(paragraph)]


def _as_list(paragraph: list[str]) -> list[str]:
    if not all(_ENTRY.match(line) or line.startswith(" ") for line in paragraph) or paragraph[0].startswith(" "):
        return paragraph
    return [_ENTRY.sub(r"* `\1`: \2", line) if line[:1] != " " else f"  {line.strip()}" for line in paragraph]


def setup(app: Sphinx) -> None:
    """Add the above to the build."""
    app.connect("source-read", link_code)
    app.connect("html-collect-pages", code_pages)
    app.connect("autodoc-process-docstring", list_entries)
