"""Conditions in words: names that distinguish the conditions of a claim, and the scope of a verdict."""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

from harness.spec.factors import FACTORS
from harness.verdicts.verdict import Verdict
from harness.words import number

_WORDS = {factor.column: factor.words for factor in FACTORS.values() if factor.words} | {"machine": "machine {}"}
_SCOPE = ("task", "dataset", "train_size", "sequence_length", "units", "backend", "matched", "lane", "machine")
"""The conditions of a verdict that `scope` states; the report states all of them."""
_SCOPE_WORDS = {"task": "{}", "dataset": "data {}"} | _WORDS
_NONE = {factor.column: factor.none for factor in FACTORS.values() if factor.none}


def condition(factors: Mapping[str, Any], names: Sequence[str]) -> str:
    """'length 64 · 32 units': the named factors in words."""
    words = []
    for name in names:
        value = factors.get(name)
        missing = value is None or value == "" or (isinstance(value, float) and math.isnan(value))
        plain = name.replace("_", " ")
        if missing:
            words.append(_NONE.get(name, f"no {plain}"))
            continue
        if isinstance(value, int | float) and not isinstance(value, bool):
            written = number(float(value))
        else:
            written = str(value)[:12]
        words.append(_WORDS.get(name, plain + " {}").format(written))
    return " · ".join(words)


def condition_names(parts: Sequence[Verdict]) -> list[str]:
    """A name for each condition, from the factors that distinguish it from the others."""
    keys = list(dict.fromkeys(key for part in parts for key in part.conditions))
    telling: list[str] = []
    apart = 1
    for key in keys:  # a key that distinguishes no further conditions follows from the keys before it
        distinct = len({tuple(str(part.conditions.get(name)) for name in (*telling, key)) for part in parts})
        if distinct > apart:
            telling, apart = [*telling, key], distinct
    return [condition(part.conditions, telling) or f"condition {place}" for place, part in enumerate(parts, 1)]


def scope(conditions: Mapping[str, Any]) -> str:
    """'language; size 2,000, 8,000; length 64; backend fused; equal units; machine 3f2a9c'."""
    parts = []
    for name in _SCOPE:
        if name in conditions:
            value = conditions[name]
            values = value if isinstance(value, list | tuple) else (value,)
            parts.append(_SCOPE_WORDS[name].format(", ".join(v if isinstance(v, str) else f"{v:,}" for v in values)))
    return "; ".join(parts)
