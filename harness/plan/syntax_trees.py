"""The imports and the code of a Python source file, from its syntax tree; the same on Python 3.11 to 3.13.

This module imports only the standard library, so that an interpreter without packages can run it.
"""

from __future__ import annotations

import ast
import threading
import warnings
from collections.abc import Iterator
from functools import cache
from itertools import groupby
from pathlib import Path
from typing import NamedTuple


class Source(NamedTuple):
    """The parts of a source file that count for the digest."""

    imports: frozenset[str]
    """Names of modules that the file may import; for `from x import y` both x and x.y."""
    text: str
    """The syntax tree as text, without positions and docstrings."""


@cache
def read_source(name: str, path: Path) -> Source:
    """The source of a module with this name."""
    tree = _parsed(path)
    return Source(_imports(name, path, tree), _as_text(tree))


def _imports(name: str, path: Path, tree: ast.Module) -> frozenset[str]:
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    names: set[str] = set()
    waiting: list[ast.AST] = [tree]
    while waiting:  # statements only: an expression imports nothing
        node = waiting.pop()
        if isinstance(node, ast.Import):
            names |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom):
            above = package.split(".")[: package.count(".") + 2 - node.level] if node.level else []
            base = ".".join([*above, *filter(None, [node.module])])
            names |= {base, *(f"{base}.{alias.name}" for alias in node.names)}
        elif isinstance(node, ast.If) and ast.unparse(node.test).endswith("TYPE_CHECKING"):
            waiting += node.orelse
        else:
            waiting += (inner for block in _BLOCKS for inner in getattr(node, block, ()))
    return frozenset(names)


_BLOCKS = ("body", "orelse", "handlers", "finalbody", "cases")
"""The fields of a statement that contain other statements."""


_PARSING = threading.Lock()
"""Python 3.11 raises SystemError if two threads parse at the same time, and filters of warnings are global."""


def _parsed(path: Path) -> ast.Module:
    with _PARSING, warnings.catch_warnings():
        warnings.simplefilter("ignore")  # Python has shown these warnings when the module was imported
        return ast.parse(path.read_bytes())


def _as_text(tree: ast.Module) -> str:
    """The tree as text, without absent and empty fields, so that fields new in a version of Python do not change it."""
    parts: list[str] = []
    opened: list[tuple[Iterator[tuple[str, object]], str]] = [(iter([("", tree)]), "")]
    while opened:
        entries, end = opened[-1]
        for label, value in entries:
            parts.append(label)
            if isinstance(value, list):
                parts.append("[")
                opened.append((iter([("", item) for item in value]), "]"))
                break
            if isinstance(value, ast.AST):
                parts.append(f"({type(value).__name__}")
                opened.append((_fields(value), ")"))
                break
            parts.append(ascii(value))  # repr() escapes other characters in each version of Unicode
        else:
            parts.append(end)
            opened.pop()
    return "".join(parts)


def _fields(node: ast.AST) -> Iterator[tuple[str, object]]:
    """The fields that the text includes, each with its label."""
    if isinstance(node, ast.Constant):
        yield " value=", node.value
        return
    for name, value in ast.iter_fields(node):
        if isinstance(value, list):
            value = _joined(value) if isinstance(node, ast.JoinedStr) else [v for v in value if not _stands_alone(v)]
        if value is not None and value != [] and name not in ("ctx", "type_comment"):
            yield f" {name}=", value


def _stands_alone(node: object) -> bool:
    """Whether a statement is only a string, such as a docstring."""
    return isinstance(node, ast.Expr) and isinstance(node.value, ast.Constant) and isinstance(node.value.value, str)


def _joined(parts: list[ast.expr]) -> list[object]:
    """The parts of an f-string, with adjacent texts joined, because versions of Python split them differently."""
    joined: list[object] = []
    for constant, group in groupby(parts, lambda part: isinstance(part, ast.Constant)):
        here = list(group)
        joined += ["".join(part.value for part in here)] if constant else here  # type: ignore[attr-defined]
    return [part for part in joined if part != ""]
