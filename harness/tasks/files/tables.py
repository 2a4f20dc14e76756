"""Columns of a CSV or Parquet file that the user names: of numbers, or of texts."""

from __future__ import annotations

import csv
import hashlib
import warnings
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from io import BytesIO
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from harness.errors import UserError, nearest
from harness.tasks.common.task import Array
from harness.tasks.common.user_files import Stamp, read_bytes, stamp

if TYPE_CHECKING:
    import pandas as pd

_EXPECTED = "a CSV or Parquet file with a column of numbers for each series"
_LARGEST = 256 * 2**20


@dataclass(frozen=True)
class Table:
    """The numeric columns of a file."""

    columns: Mapping[str, Array]
    """Name to values, (rows,) of float64, all finite."""
    others: tuple[str, ...]
    """Names of the columns without numbers, such as dates."""
    sha256: str


def load_table(path: Path, columns: Sequence[str] | None = None) -> Table:
    """The columns of the file, or of these the ones named.

    CSV: UTF-8 with a header; separated by commas, semicolons, tabs or spaces. Raises UserError for a file that cannot
    be read, an unknown column, and a missing or non-numeric value in a column that has numbers.
    """
    table = _read(stamp(path, _EXPECTED, _LARGEST))
    if columns is None:
        return table
    known = {*table.columns, *table.others}
    for name in columns:
        if name not in known:
            raise UserError(f"{path}: no column {name!r}.{nearest(name, known)}")
        if name in table.others:
            raise UserError(f"{path}: the column {name!r} has no numbers")
    return Table({name: table.columns[name] for name in columns}, table.others, table.sha256)


@lru_cache(maxsize=4)
def _read(file: Stamp) -> Table:
    content = read_bytes(file.path, _EXPECTED)
    head = content[:65_536].decode("utf-8-sig", errors="replace")
    try:
        separator = csv.Sniffer().sniff(head, delimiters=",;\t ").delimiter
    except csv.Error:  # a single column has no separator
        separator = ","
    frame = _frame(file.path, content, _EXPECTED, sep=separator, skipinitialspace=True)
    columns, others = {}, []
    for name in frame.columns:
        values = _numbers(file.path, str(name), frame[name])
        if values is None:
            others.append(str(name))
        else:
            columns[str(name)] = values
    if not columns:
        raise UserError(f"{file.path}: no column has numbers, expected {_EXPECTED}")
    return Table(columns, tuple(others), hashlib.sha256(content).hexdigest())


def read_texts(path: Path, columns: Sequence[str], expected: str) -> tuple[bytes, list[list[str]]]:
    """The content of the file, and the values of these columns as texts, exactly as they are written.

    CSV: UTF-8 with a header; separated by commas, semicolons or tabs. Raises UserError for a file that cannot be read
    and an unknown column. `expected` describes the file for messages.
    """
    content = read_bytes(path, expected)
    header = content[:65_536].decode("utf-8-sig", errors="replace").partition("\n")[0].strip()
    names = {separator: [name.strip('" ') for name in header.split(separator)] for separator in ",;\t"}
    separator = max(names, key=lambda one: (len({*columns} & {*names[one]}), len(names[one])))
    frame = _frame(path, content, expected, sep=separator, dtype=str, keep_default_na=False)
    known = [str(name).strip() for name in frame.columns]
    for name in columns:
        if name not in known:
            raise UserError(f"{path}: no column {name!r}.{nearest(name, known)}")
    values = [frame.iloc[:, known.index(name)] for name in columns]
    return content, [["" if value is None else str(value) for value in column] for column in values]


def _frame(path: Path, content: bytes, expected: str, **of_csv: Any) -> pd.DataFrame:
    """The table; `of_csv` are arguments of `pandas.read_csv`."""
    import pandas as pd

    try:
        if content[:4] == b"PAR1":
            frame: pd.DataFrame = pd.read_parquet(BytesIO(content))
            return frame
        with warnings.catch_warnings():
            warnings.simplefilter("error", pd.errors.ParserWarning)  # rows that are longer than the header
            # Otherwise the first column of such rows would be taken for their names.
            table: pd.DataFrame = pd.read_csv(BytesIO(content), encoding="utf-8-sig", index_col=False, **of_csv)
            return table
    except pd.errors.ParserWarning:
        why = "rows have more columns than the header"
    except (ValueError, OSError, pd.errors.ParserError) as error:
        why = str(error).splitlines()[0]
    raise UserError(f"{path}: cannot be read ({why}), expected {expected}")


def _numbers(path: Path, name: str, column: pd.Series) -> Array | None:
    """The values as float64; None if not a single one is a number. Raises UserError if only some are."""
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column) or pd.api.types.is_bool_dtype(column):
        return None
    values = pd.to_numeric(column, errors="coerce").to_numpy(dtype=np.float64, na_value=np.nan)
    wrong = np.flatnonzero(~np.isfinite(values))
    if len(wrong) == len(values):
        return None
    if len(wrong):
        found = column.iloc[int(wrong[0])]
        raise UserError(
            f"{path}: column {name!r}, row {wrong[0] + 1:,}: expected a finite number, found {str(found)!r}"
            + (f" ({len(wrong):,} such rows)" if len(wrong) > 1 else "")
        )
    return values
