"""Plain values as TOML text. Python's own `tomllib` reads TOML, and writes none."""

from __future__ import annotations

import json
import re
from collections.abc import Mapping
from pathlib import PurePath
from typing import Any

_BARE_KEY = re.compile(r"[A-Za-z0-9_-]+")


def to_toml(table: Mapping[str, Any]) -> str:
    """A table as a TOML document; a list of tables under a key of it becomes `[[key]]` tables.

    Values are those of TOML but for dates: strings, numbers, booleans, lists and tables; a path becomes a string. A key
    whose value is None is left out. Raises TypeError for another value.
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
    if isinstance(value, float):  # NumPy's too
        return repr(float(value))
    if isinstance(value, PurePath):
        return _value(str(value))
    if isinstance(value, str):  # JSON's escapes are those of TOML, but for this character, which JSON does not escape
        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, list | tuple):
        return f"[{', '.join(map(_value, value))}]"
    if isinstance(value, Mapping):
        return f"{{ {', '.join(_pairs(value))} }}"
    raise TypeError(f"TOML has no {type(value).__name__}: {value!r}")
