"""Seeded mutations of bytes, of text and of JSON values."""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import reduce
from random import Random
from typing import Any, TypeVar

T = TypeVar("T")
NUMBERS: tuple[float, ...] = (
    0, -1, 1, 2, 127, 128, 255, 256, 65_535, 65_536, 2**31 - 1, 2**31, 2**32 - 1, 2**32, 2**53 + 1, 2**63 - 1, 2**63,
    2**64, -(2**31), -(2**63), 10**30, -(10**30), 10**400, 0.5, -0.0, 1e-320, 1e308, -1e308,
    float("inf"), float("-inf"), float("nan"),
)  # fmt: skip
TEXTS = (
    "", " ", "\0", "\ufeff", "\n", "\r", "\t", "\x1b[31m", "é", "中文", "\u202eabc", "\u2028", "🦀",
    "a" * 300, "a" * 5000,
    "..", "../..", "/", "~", "~nobody/x", "-", "--", "%s", "{{ 7 * 7 }}", "[bold]", "[/]", "'", '"', "\\", "null",
    "NaN",
    "inf", "1e999", "9" * 5000, "0x10", "1_000", "smallest", "gru", "lstm:lstm", "harness.cells.gru:cell", ":", "a:b",
    "os:path", "loss", "test_loss", "5%", "0%", "2026-01-01T00:00:00+00:00", "1.2.3", "<script>", "$x^2_{3$",
)  # fmt: skip


def some(random: Random, most: int) -> range:
    """One repetition to `most`, rather few than many."""
    return range(1 + int(most * random.random() ** 3))


def mutated_bytes(random: Random, data: bytes) -> bytes:
    """The bytes after one to eight changes."""
    for _ in some(random, 8):
        data = random.choice(_OF_BYTES)(random, data)
    return data


def _flip(random: Random, data: bytes) -> bytes:
    if not data:
        return b"\x00"
    at = random.randrange(len(data))
    return data[:at] + bytes([data[at] ^ (1 << random.randrange(8))]) + data[at + 1 :]


def _overwrite(random: Random, data: bytes) -> bytes:
    """An integer of 1, 2, 4 or 8 bytes, near the beginning more often than elsewhere."""
    size = random.choice((1, 2, 4, 8))
    number = int(random.choice([n for n in NUMBERS if n == n and abs(n) < 2**65])) % 256**size
    at = int(len(data) * random.random() ** random.choice((1, 4)))
    return data[:at] + number.to_bytes(size, random.choice(("little", "big"))) + data[at + size :]


def _cut(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.randrange(len(data) + 1) for _ in range(2))
    return random.choice((data[:first], data[last:], data[:first] + data[last:], data[first:last]))


def _repeat(random: Random, data: bytes) -> bytes:
    first, last = sorted(random.randrange(len(data) + 1) for _ in range(2))
    return data[:last] + data[first:last][:10_000] + data[last:]


def _insert(random: Random, data: bytes) -> bytes:
    at = random.randrange(len(data) + 1)
    new = random.choice((random.randbytes(random.randrange(1, 9)), random.choice(TEXTS).encode(), b"\xff\xfe", b"\xc3"))
    return data[:at] + new + data[at:]


_OF_BYTES = (_flip, _flip, _flip, _overwrite, _overwrite, _cut, _repeat, _insert)


def mutated_text(random: Random, text: str) -> bytes:
    """The encoded text after changes of its lines and words, and sometimes of its bytes."""
    for _ in some(random, 6):
        text = random.choice(_OF_TEXT)(random, text)
    content = text.encode(random.choice(("utf-8",) * 12 + ("utf-8-sig", "utf-16", "utf-16-le")), errors="replace")
    return mutated_bytes(random, content) if random.random() < 0.15 else content


def _lines(random: Random, text: str) -> str:
    lines = text.split("\n")
    at, other = random.randrange(len(lines)), random.randrange(len(lines))
    match random.randrange(5):
        case 0:
            del lines[at]
        case 1:
            lines.insert(other, lines[at])
        case 2:
            lines[at], lines[other] = lines[other], lines[at]
        case 3:
            lines = lines[:at]
        case _:
            lines[at] += lines[other]
    return random.choice(("\n",) * 6 + ("\r\n", "\r", "\n\n")).join(lines)


def _words(random: Random, text: str) -> str:
    """Replace a word or number by another one."""
    numbers = list(re.finditer(r"[\w.+-]+", text))
    if not numbers:
        return random.choice(TEXTS)
    word = random.choice(numbers)
    number = str(random.choice([n for n in NUMBERS if abs(n) != 10**400]))
    new = random.choice((number, random.choice(TEXTS), random.choice(numbers)[0], ""))
    return text[: word.start()] + new + text[word.end() :]


def _characters(random: Random, text: str) -> str:
    at = random.randrange(len(text) + 1)
    new = random.choice((random.choice(TEXTS), random.choice("[]{}()\"',;:=#@.\t "), "[" * 2000, '{"a":' * 2000))
    return text[:at] + new + text[at + random.choice((0, 0, 1, 5)) :]


_OF_TEXT = (_lines, _words, _words, _characters)


def mutated_value(random: Random, value: Any) -> Any:
    """A JSON value after one to four changes of its parts."""
    for _ in some(random, 4):
        value = _changed(random, value)
    return value


def _changed(random: Random, value: Any) -> Any:
    if isinstance(value, dict) and value and random.random() < 0.85:
        value, key = dict(value), random.choice(list(value))
        match random.randrange(12):
            case 0:
                del value[key]
            case 1:
                value[random.choice((*TEXTS, *value))] = value.pop(key)
            case 2:
                value[random.choice(TEXTS)] = odd_value(random)
            case _:
                value[key] = _changed(random, value[key])
        return value
    if isinstance(value, list) and value and random.random() < 0.8:
        at = random.randrange(len(value))
        before, after = value[:at], value[at + 1 :]
        changed = [*before, _changed(random, value[at]), *after]
        return random.choice((changed, [*before, *after], [*value, value[at]], []))
    return odd_value(random)


def odd_value(random: Random) -> Any:
    """An odd JSON value: a number, a text, null, a list, an object, a deeply nested list."""
    match random.randrange(10):
        case 0:
            return None
        case 1:
            return random.choice((True, False))
        case 2:
            return random.choice(([], {}, [[]], [None], {"a": 1}, [1, 2, 3], [[1, 2]], {"loss": "x"}, {"": None}))
        case 3:
            return reduce(lambda value, _: [value], range(random.choice((20, 150, 3000))), 1)
        case 4 | 5 | 6:
            return random.choice(TEXTS)
        case _:
            return random.choice([n for n in NUMBERS if abs(n) != 10**400 or random.random() < 0.2])


def pick(random: Random, usual: Sequence[T], odd: Sequence[T], share: float = 0.2) -> T:
    """One of the usual values, or with the probability `share` one of the odd ones."""
    return random.choice(odd if random.random() < share else usual)
