"""Update links to definitions: `[train](../harness/trial/train.py#L40)` gets the line that defines `train`.

python -m tools.line_links docs/architecture.md
"""

from __future__ import annotations

import ast
import re
import sys
from functools import cache
from pathlib import Path

from harness.errors import UserError
from harness.files import read_text, write_atomically

_LINK = re.compile(r"\[`([\w.]+)`\]\(([\w./-]+\.py)(?:#L\d+)?\)")


def renewed(text: str, folder: Path) -> str:
    """The text with current line numbers; paths are relative to the folder. Raises UserError for an undefined name."""

    def link(match: re.Match[str]) -> str:
        name, path = match[1], match[2]
        if name.endswith(".py"):
            return match[0]
        lines = definitions(folder / path)
        if name not in lines:
            raise UserError(f"{path}: defines no {name!r}; it defines {', '.join(lines)}")
        return f"[`{name}`]({path}#L{lines[name]})"

    return _LINK.sub(link, text)


@cache
def definitions(path: Path) -> dict[str, int]:
    """Line numbers of the functions, classes and constants of a module, and of methods as `Class.method`."""
    lines: dict[str, int] = {}

    def add(body: list[ast.stmt], prefix: str) -> None:
        for node in body:
            if isinstance(node, ast.FunctionDef | ast.ClassDef):
                lines[prefix + node.name] = node.lineno
            if isinstance(node, ast.ClassDef):
                add(node.body, f"{prefix}{node.name}.")
            targets = [node.target] if isinstance(node, ast.AnnAssign) else getattr(node, "targets", [])
            lines.update({prefix + target.id: node.lineno for target in targets if isinstance(target, ast.Name)})

    add(ast.parse(read_text(path)).body, "")
    return lines


def main() -> None:
    """Update the links in the files that the arguments name."""
    for file in map(Path, sys.argv[1:]):
        try:
            write_atomically(file, renewed(read_text(file), file.parent))
        except UserError as error:
            sys.exit(f"{file}: {error}")


if __name__ == "__main__":
    main()
