"""Numbers, counts and durations as text; shortened texts."""

from __future__ import annotations

import math
import re
import textwrap

NO_VALUE = "–"
MINUS = "−"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 3) -> str:
    """A number for readers: significant digits, thousands separators, a dash for None and NaN."""
    if value is None or math.isnan(value):
        return NO_VALUE
    if math.isinf(value):
        return ("" if value > 0 else MINUS) + "∞"
    size = float(f"{abs(value):.12g}")  # 5.000000000000004 is 5
    sign = MINUS if value < 0 else ""
    if size == 0:
        return "0"
    if float(size).is_integer() and size < 1e9:
        return f"{sign}{size:,.0f}"
    if size < 1e-4 or size >= 1e9:
        mantissa, exponent = f"{size:.{digits - 1}e}".split("e")
        return f"{sign}{mantissa} × 10{str(int(exponent)).translate(_RAISED)}"
    decimals = max(0, digits - 1 - math.floor(math.log10(size)))
    text = f"{size:,.{decimals}f}"
    return sign + (text.rstrip("0").removesuffix(".") if size < 1 else text)


def natural(text: str) -> list[tuple[int, str]]:
    """A sort key for names with numbers in them: 'size 9' comes before 'size 16'."""
    return [(int(part), "") if part.isdecimal() else (-1, part) for part in re.split(r"(\d+)", text) if part]


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {unit}".strip()


def plural(count: int, noun: str, nouns: str = "") -> str:
    """'1 seed', '5 seeds'."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """A number of seconds for readers: '45 s', '1 min 05 s', '2 h 10 min'."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def shorten(text: str, most: int) -> str:
    """The text on one line of at most `most` characters, without control characters; an ellipsis marks a cut."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def two_lines(text: str, width: int) -> list[str]:
    """The text on one or two lines of at most `width` characters each; an ellipsis marks a cut."""
    lines = textwrap.wrap(shorten(text, 2 * width), width) or [""]
    return lines if len(lines) <= 2 else [lines[0], shorten(" ".join(lines[1:]), width)]
