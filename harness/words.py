"""Numbers, counts and durations as text; long texts made short."""

from __future__ import annotations

import math
import textwrap

NO_VALUE = "–"
MINUS = "−"
_RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def number(value: float | None, digits: int = 3) -> str:
    """A number for reading: significant digits, thousands separated, a dash where there is none."""
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


def quantity(value: float, unit: str) -> str:
    """A number with its unit."""
    return f"{number(value)} {unit}".strip()


def plural(count: int, noun: str, nouns: str = "") -> str:
    """'1 seed', '5 seeds'."""
    return f"{count:,} {noun if count == 1 else nouns or noun + 's'}"


def duration(seconds: float) -> str:
    """Seconds for reading: '45 s', '1 min 05 s', '2 h 10 min'."""
    seconds = round(seconds)
    if seconds < 60:
        return f"{seconds} s"
    if seconds < 3600:
        return f"{seconds // 60} min {seconds % 60:02d} s"
    return f"{seconds // 3600} h {seconds % 3600 // 60:02d} min"


def shorten(text: str, most: int) -> str:
    """At most so many characters, on one line, without control characters; an ellipsis says that there were more."""
    line = " ".join("".join(character if character.isprintable() else " " for character in text).split())
    return line if len(line) <= most else line[: most - 1].rstrip() + "…"


def two_lines(text: str, width: int) -> list[str]:
    """The text on a line, or on two at most, of so many characters each; an ellipsis says that there were more."""
    lines = textwrap.wrap(shorten(text, 2 * width), width) or [""]
    return lines if len(lines) <= 2 else [lines[0], shorten(" ".join(lines[1:]), width)]
