"""Verdicts on disk: `verdicts.json`, a list of objects with the fields of Verdict and the schema's version.

JSON has no infinity: an unbounded figure is the string "Infinity" or "-Infinity", the outcome of a failed trial is
null. docs/results.md has the schema; a test holds it to what is written here.
"""

from __future__ import annotations

import json
from collections.abc import Sequence
from pathlib import Path

from pydantic import ConfigDict, TypeAdapter
from pydantic_core import from_json

from harness.errors import UserError
from harness.files import read_text, replacing, user_path
from harness.verdicts.verdict import Verdict

SCHEMA = 3
"""Grows when a key changes its meaning or is removed; further keys do not change it."""
_VERDICTS = TypeAdapter(list[Verdict], config=ConfigDict(ser_json_inf_nan="strings"))


def write_verdicts(verdicts: Sequence[Verdict], path: str | Path) -> None:
    """Write them in one step: a reader sees the old file or the new one, never half of one. Raises UserError."""
    path = user_path(path)
    rows = [{"schema": SCHEMA, **row} for row in from_json(_VERDICTS.dump_json(list(verdicts)))]
    text = json.dumps(rows, indent=2, ensure_ascii=False)
    with replacing(path, "Choose another place with --output") as file:
        file.write(f"{text}\n".encode())


def read_verdicts(path: str | Path) -> list[Verdict]:
    """The verdicts in a file of `write_verdicts`. Raises UserError where there is none, or it is something else."""
    path = user_path(path)
    text = read_text(path, "the verdicts that `harness run` or `harness judge` writes")
    try:
        rows = from_json(text)
        newest = max((row.get("schema", 0) for row in rows), default=0)
        if newest > SCHEMA:
            raise UserError(
                f"{path}: written by a newer harness (schema {newest}, this one reads up to {SCHEMA});"
                " `harness judge` writes a new one"
            )
        return _VERDICTS.validate_python(rows)
    except (ValueError, TypeError, AttributeError) as error:
        raise UserError(f"{path}: not a file of verdicts ({error}); `harness judge` writes a new one") from error
