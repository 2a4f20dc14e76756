"""Writes plain values as TOML text. Python's `tomllib` only reads TOML."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(table: Mapping[str, Any]) -> str:
    """A table as a TOML document. A list of tables at the top level becomes `[[key]]` tables.

    Values may be strings, numbers, booleans, lists and tables, but not dates. A path becomes a string. A key with the
    value None is left out. Raises TypeError for any other value.
    """
    tables = {key: value for key, value in table.items() if _is_list_of_tables(value)}
    lines = _pairs({key: value for key, value in table.items() if key not in tables})
    for key, rows in tables.items():
        for row in rows:
            lines += ["", f"[[{_key(key)}]]", *_pairs(row)]
    return "\n".join(lines) + "\n"


def _pairs(table: Mapping[str, Any]) -> list[str]:
    return [f"{_key(key)} = {_value(value)}" for key, value in table.items() if value is not None]


def _is_list_of_tables(value: object) -> bool:
    return isinstance(value, list | tuple) and bool(value) and all(isinstance(row, Mapping) for row in value)


def _key(name: str) -> str:
    return name if _BARE_KEY.fullmatch(name) else _value(name)


def _value(value: object) -> str:
    if isinstance(value, bool):
        return str(value).lower()
    if isinstance(value, int):
        return repr(int(value))
    if isinstance(value, float):  # also a NumPy float, which has another repr
        return repr(float(value))
    if isinstance(value, PurePath):
        return _value(str(value))
    if isinstance(value, str):  # JSON's escapes are valid TOML, but TOML requires one more: the DEL character
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}"
    raise TypeError(f"TOML has no {type(value).__name__}: {value!r}")
