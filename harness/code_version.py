"""A digest of the code that trains a trial, so that a changed cell or task never passes off old records as its own.

As in airspeed velocity, the version of a measurement is a hash of its source. Comments, docstrings and layout do not
count.
"""

from __future__ import annotations

import hashlib
import importlib
import importlib.util
import io
import tokenize
from functools import cache
from pathlib import Path

from harness.cells import cells
from harness.tasks import tasks

_IN_A_TRIAL = ("batches", "gate_bias", "reach", "train", "update")
_TRAINING = ("harness.model", "harness.tuning", *(f"harness.trial.{name}" for name in _IN_A_TRIAL))
"""The modules, besides the cells and the tasks, in which a change can change a result."""
_LAYOUT = {tokenize.COMMENT, tokenize.NL, tokenize.NEWLINE, tokenize.INDENT, tokenize.DEDENT, tokenize.ENCODING}


@cache
def code_version(task: str, cell: str) -> str:
    """12 hexadecimal digits for the code behind trials of this task and this cell (registered names)."""
    digest = hashlib.sha256()
    for text in sorted(map(_meaningful, _sources(task, cell))):  # by content: names may be equal, places may differ
        digest.update(text.encode())
    return digest.hexdigest()[:12]


def _sources(task: str, cell: str) -> set[Path]:
    shared = {_file(module) for module in _TRAINING}
    rooms = {path for room in ("harness.cells", "harness.tasks") for path in _file(room).parent.glob("*.py")}
    one_each = {path for path in rooms if path.stem in {*cells.targets(), *tasks.targets()}}
    own = {_file(_module(cell, cells.targets())), _file(_module(task, tasks.targets()))}
    return shared | (rooms - one_each) | own


def _module(name: str, targets: dict[str, str]) -> str:
    return targets.get(name, name).partition(":")[0]


def _file(module: str) -> Path:
    spec = importlib.util.find_spec(module)
    if spec is None or spec.origin is None:
        raise ModuleNotFoundError(module)
    return Path(spec.origin)


@cache
def _meaningful(path: Path) -> str:
    """The file's tokens without comments, layout and docstrings, as one string."""
    kept: list[str] = []
    line: list[tokenize.TokenInfo] = []
    for token in tokenize.generate_tokens(io.StringIO(path.read_text(encoding="utf-8")).readline):
        if token.type == tokenize.NEWLINE:
            if not all(part.type == tokenize.STRING for part in line):  # a string alone is a docstring
                kept.append(" ".join(part.string for part in line))
            line = []
        elif token.type not in _LAYOUT:
            line.append(token)
    return "\n".join(kept)
