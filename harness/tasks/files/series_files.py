"""Labelled series from CSV files, or the .ts format of the UEA and UCR archives (timeseriesclassification.com)."""

from __future__ import annotations

import csv
import hashlib
import math
from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import numpy as np

from harness.errors import UserError
from harness.files import decode_text
from harness.tasks.common.task import Array
from harness.tasks.common.user_files import Stamp, read_bytes, stamp

_LARGEST_FILE = 1 << 28
_EXPECTED = "labelled series as .ts or CSV"
_NAMES = ("label", "class", "target")
"""Usual names of the column of labels."""


@dataclass(frozen=True)
class Series:
    """values (series, time, channels) float32, one label per series; the file's name and its SHA-256 (hex)."""

    values: Array
    labels: tuple[str, ...]
    source: str
    sha256: str


class _Row(NamedTuple):
    """A line's number, from 1, its label and its channels."""

    line: int
    label: str
    channels: list[list[float]]


class _Malformed(Exception):
    """A line number and the error in that line."""

    def __init__(self, line: int, wrong: str) -> None:
        super().__init__(f"line {line}: {wrong}")


def load_series(path: Path) -> Series:
    """Every labelled series of a file; all have the same length and number of channels.

    `.ts`: lines of `channel:channel:...:label`, with values separated by commas, after a header that ends with `@data`.
    Other files are read as CSV, separated by commas, semicolons, tabs or spaces, with one series per line, its label
    first. The first line is a header if it contains no number, or if its label occurs in no other line and either is a
    column name, or the line's values count up from 0 or 1 and every other label occurs at least twice. Raises UserError
    for a file that is missing, larger than 256 MiB or malformed, for unequal lengths, missing values or time stamps,
    and for a regression set.
    """
    return _loaded(stamp(path, _EXPECTED, _LARGEST_FILE))


@lru_cache(maxsize=4)
def _loaded(file: Stamp) -> Series:
    path = file.path
    content = read_bytes(path, _EXPECTED)
    lines = [(number, line.strip()) for number, line in enumerate(decode_text(content, path, _EXPECTED).split("\n"), 1)]
    lines = [(number, line) for number, line in lines if line]
    try:
        values, labels = (_from_ts if _is_ts(path, lines) else _from_csv)(lines)
    except _Malformed as error:
        raise UserError(f"{path}: {error}") from error
    return Series(values, labels, str(path), hashlib.sha256(content).hexdigest())


def _is_ts(path: Path, lines: Sequence[tuple[int, str]]) -> bool:
    words = [(number, line.split()[0].lower()) for number, line in lines if line.startswith("@")]
    for number, word in words:
        if word in ("@relation", "@attribute"):
            raise _Malformed(number, "ARFF files are not supported; expected labelled series as .ts or CSV")
    return path.suffix.lower() == ".ts" or bool(words)


def _stacked(rows: Iterable[_Row]) -> tuple[Array, tuple[str, ...]]:
    values: list[Array] = []
    labels = []
    for number, label, channels in rows:
        if len({len(channel) for channel in channels}) != 1:
            raise _Malformed(number, "its channels have different lengths")
        series = np.array(channels, dtype=np.float64).T
        if values and series.shape != values[0].shape:
            (length, count), (first_length, first_count) = series.shape, values[0].shape
            raise _Malformed(
                number,
                f"{length} values in {count} channels, but the first series has {first_length} values in {first_count} "
                "channels; expected equal sizes",
            )
        if np.abs(series).max() > np.finfo(np.float32).max:
            raise _Malformed(number, "a value is too large for single precision")
        if not label:
            raise _Malformed(number, "no label")
        values.append(series.astype(np.float32))
        labels.append(label)
    if not values:
        raise _Malformed(1, "no series found")
    return np.stack(values), tuple(labels)


def _from_ts(lines: list[tuple[int, str]]) -> tuple[Array, tuple[str, ...]]:
    lines = [(number, line) for number, line in lines if not line.startswith("#")]
    at = next((at for at, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if at is None:
        raise _Malformed(lines[-1][0] if lines else 1, "no '@data' found, expected a header that ends with it")
    header = {words[0].lower(): (number, words[1:]) for number, line in lines[:at] if (words := line.split())}
    for name, needed, why in (
        ("@targetlabel", "false", "this task classifies, and does not support regression sets"),
        ("@timestamps", "false", "values with time stamps are not supported"),
        ("@equallength", "true", "all series need the same length"),
        ("@classlabel", "true", "each series needs a label"),
    ):
        number, stated = header.get(name, (0, [needed]))
        if not stated or stated[0].lower() != needed:
            raise _Malformed(number, f"the header has {name} {' '.join(stated)[:20]}, expected {needed}: {why}")
    rows = [_ts_row(number, line) for number, line in lines[at + 1 :]]
    values, labels = _stacked(rows)
    (_, length, channels), univariate = values.shape, header.get("@univariate", (0, []))[1]
    sizes = [("@serieslength", length), ("@dimensions", channels), ("@dimension", channels)]
    for name, size in sizes:
        number, announced = header.get(name, (0, [str(size)]))
        if announced != [str(size)]:
            raise _Malformed(number, f"the header has {name} {' '.join(announced)[:20]}, found {size}")
    if [word.lower() for word in univariate] == ["true"] and channels > 1:
        raise _Malformed(header["@univariate"][0], f"the header has @univariate true, found {channels} channels")
    classes = header.get("@classlabel", (0, []))[1][1:]
    for row in rows:
        if classes and row.label not in classes:
            raise _Malformed(row.line, f"the label {row.label[:20]!r} is not in the header: {' '.join(classes)[:60]}")
    return values, labels


def _ts_row(number: int, line: str) -> _Row:
    *channels, label = line.split(":")
    if not channels:
        raise _Malformed(number, "expected 'values:label'")
    return _Row(number, label.strip(), [_numbers(number, channel.split(",")) for channel in channels])


def _from_csv(lines: list[tuple[int, str]]) -> tuple[Array, tuple[str, ...]]:
    if lines and lines[0][1].lower().startswith("sep="):  # Excel's separator line
        lines = lines[1:]
    separator = next((candidate for candidate in "\t;," if lines and candidate in lines[0][1]), " ")
    rows = [(number, _cells(number, line, separator)) for number, line in lines]
    header = rows[0][1] if rows and _is_header(rows[0][1], [cells[0] for _, cells in rows[1:]]) else None
    rows = rows[1:] if header else rows
    counted = [cells[0] for _, cells in rows]
    if (header and not header[0]) or (len(rows) > 2 and _counts_up(counted) and not _is_number((*rows[0][1], "")[1])):
        raise _Malformed(
            rows[0][0] if rows else 1,
            f"the first column is the number of the row ({', '.join(counted[:3])}, ...), expected the label; write the "
            "file without it (pandas: index=False, R: row.names=FALSE)",
        )
    return _stacked(_csv_row(number, cells, separator) for number, cells in rows)


def _cells(number: int, line: str, separator: str) -> list[str]:
    try:
        return [cell.strip() for cell in next(csv.reader([line], delimiter=separator, skipinitialspace=True))]
    except csv.Error as error:
        raise _Malformed(number, f"not a line of CSV ({error})") from error


def _is_header(first: Sequence[str], other_labels: Sequence[str]) -> bool:
    label, *values = first
    if not any(map(_is_number, values)):
        return True
    if not other_labels or label in other_labels:
        return False
    is_name = label.lower() in _NAMES or (all(map(_is_number, other_labels)) and not _is_number(label))
    return is_name or (len(values) > 2 and _counts_up(values) and min(Counter(other_labels).values()) > 1)


def _counts_up(cells: Sequence[str]) -> bool:
    """Whether the cells are 0, 1, 2, ... or 1, 2, 3, ... in order."""
    return any(list(cells) == [str(first + at) for at in range(len(cells))] for first in (0, 1))


def _csv_row(number: int, cells: Sequence[str], separator: str) -> _Row:
    label, *values = cells
    if not values:
        raise _Malformed(number, "expected a label and values")
    if separator != "," and any("," in cell and _is_number(cell.replace(",", ".")) for cell in values):
        raise _Malformed(number, "numbers with a decimal comma, expected a decimal point")
    if not _is_number(values[-1]) and all(map(_is_number, cells[:-1])) and values[-1] not in ("", "?"):
        raise _Malformed(number, f"{values[-1][:20]!r} is not a number, expected the label first and then the values")
    return _Row(number, label, [_numbers(number, values)])


def _is_number(cell: str) -> bool:
    try:
        float(cell)
    except ValueError:
        return False
    return True


def _numbers(number: int, cells: Iterable[str]) -> list[float]:
    values = []
    for cell in cells:
        try:
            value = float(cell)
        except ValueError:
            if cell.strip() in ("", "?", "NA"):
                raise _Malformed(number, f"a missing value ({cell.strip()!r} is not a number)") from None
            raise _Malformed(number, f"{cell.strip()[:20]!r} is not a number") from None
        if not math.isfinite(value):
            raise _Malformed(number, f"a value is {cell.strip()[:20]}, expected finite numbers")
        values.append(value)
    return values
