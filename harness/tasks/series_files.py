"""Labelled series from a file: CSV, or the .ts format of the UEA and UCR archives (timeseriesclassification.com)."""

from __future__ import annotations

import hashlib
import math
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from functools import lru_cache
from pathlib import Path

import numpy as np

from harness.errors import UserError
from harness.tasks.files import Stamp, named, stamp
from harness.tasks.task import Array

_LARGEST_FILE = 1 << 28
_EXPECTED = "labelled series as .ts or CSV"


@dataclass(frozen=True)
class Series:
    """values (series, time, channels) float32, a label each; the file's name and its SHA-256 (hex)."""

    values: Array
    labels: tuple[str, ...]
    source: str
    sha256: str


class _Malformed(Exception):
    """A line and what is wrong with it."""

    def __init__(self, line: int, wrong: str) -> None:
        super().__init__(f"line {line}: {wrong}")


def load_series(path: Path) -> Series:
    """Every labelled series of a file; all have the same length and number of channels.

    `.ts`: lines of `channel:channel:...:label`, a channel's values separated by commas, after a header that ends with
    `@data`. Any other name is read as CSV, separated by commas, semicolons or tabs: a line a series, its label first; a
    first line without any number is a header. Raises UserError for a file that is missing, malformed, of unequal
    lengths, or holds missing values.
    """
    return _loaded(stamp(path, _EXPECTED, _LARGEST_FILE))


@lru_cache(maxsize=4)
def _loaded(file: Stamp) -> Series:
    path = file.path
    with named(path, _EXPECTED):
        content = path.read_bytes()
        text = content.decode("utf-8-sig")
    lines = [(number, line.strip()) for number, line in enumerate(text.splitlines(), start=1)]
    lines = [(number, line) for number, line in lines if line]
    try:
        values, labels = _from_ts(lines) if path.suffix.lower() == ".ts" else _parsed(_csv_rows(lines), _csv_series)
    except _Malformed as error:
        raise UserError(f"{path}: {error}") from error
    return Series(values, labels, str(path), hashlib.sha256(content).hexdigest())


def _parsed(
    rows: list[tuple[int, str]], parse: Callable[[int, str], tuple[list[list[float]], str]]
) -> tuple[Array, tuple[str, ...]]:
    values: list[Array] = []
    labels = []
    for number, line in rows:
        channels, label = parse(number, line)
        if len({len(channel) for channel in channels}) != 1:
            raise _Malformed(number, "its channels have different lengths")
        found = np.array(channels, dtype=np.float64).T
        if values and found.shape != values[0].shape:
            (length, count), (first_length, first_count) = found.shape, values[0].shape
            raise _Malformed(
                number,
                f"{length} values in {count} channels, the first series has {first_length} in {first_count}; expected "
                "equal lengths",
            )
        if np.abs(found).max() > np.finfo(np.float32).max:
            raise _Malformed(number, "a value is too large for single precision")
        if not label:
            raise _Malformed(number, "no label")
        values.append(found.astype(np.float32))
        labels.append(label)
    if not values:
        raise _Malformed(1, "no series found")
    return np.stack(values), tuple(labels)


def _from_ts(lines: list[tuple[int, str]]) -> tuple[Array, tuple[str, ...]]:
    lines = [(number, line) for number, line in lines if not line.startswith("#")]
    at = next((at for at, (_, line) in enumerate(lines) if line.lower() == "@data"), None)
    if at is None:
        raise _Malformed(lines[-1][0] if lines else 1, "no '@data' found, expected a header that ends with it")
    header = {words[0].lower(): words[1:] for words in (line.split() for _, line in lines[:at])}
    for name, needed in (("@timestamps", "false"), ("@equallength", "true"), ("@classlabel", "true")):
        found = header.get(name, [needed])
        if not found or found[0].lower() != needed:
            raise _Malformed(1, f"the header says {name} {' '.join(found)[:20]}, expected {needed}")
    rows = lines[at + 1 :]
    values, labels = _parsed(rows, _ts_series)
    for name, size in (("@serieslength", values.shape[1]), ("@dimensions", values.shape[2])):
        announced = header.get(name, [str(size)])
        if announced != [str(size)]:
            raise _Malformed(rows[0][0], f"the header says {name} {' '.join(announced)[:20]}, found {size}")
    classes = header.get("@classlabel", [])[1:]
    for (number, _), label in zip(rows, labels, strict=True):
        if classes and label not in classes:
            raise _Malformed(number, f"the label {label[:20]!r} is none of the header's: {' '.join(classes)[:60]}")
    return values, labels


def _ts_series(number: int, line: str) -> tuple[list[list[float]], str]:
    *channels, label = line.split(":")
    if not channels:
        raise _Malformed(number, "expected 'values:label'")
    return [_numbers(number, channel.split(",")) for channel in channels], label.strip()


def _csv_rows(lines: list[tuple[int, str]]) -> list[tuple[int, str]]:
    has_header = bool(lines) and not any(_is_number(cell) for cell in _cells(lines[0][1])[1:])
    return lines[1:] if has_header else lines


def _csv_series(number: int, line: str) -> tuple[list[list[float]], str]:
    label, *values = _cells(line)
    if not values:
        raise _Malformed(number, "expected a label and values")
    return [_numbers(number, values)], label.strip().strip('"')


def _cells(line: str) -> list[str]:
    separator = next((candidate for candidate in "\t;," if candidate in line), ",")
    return line.split(separator)


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
            raise _Malformed(number, f"{cell.strip()[:20]!r} is not a number") from None
        if not math.isfinite(value):
            raise _Malformed(number, f"a value is {cell.strip()[:20]}, expected finite numbers")
        values.append(value)
    return values
