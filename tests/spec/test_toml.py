"""Values written as TOML are read back by Python's own reader."""

from __future__ import annotations

import tomllib
from pathlib import Path

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from harness.spec.toml import to_toml

TEXTS = st.text(st.characters(exclude_categories=["Cs"]))
SCALARS = st.booleans() | st.integers(-(2**63), 2**63 - 1) | st.floats(allow_nan=False) | TEXTS
VALUES = st.recursive(
    SCALARS, lambda inner: st.lists(inner, max_size=3) | st.dictionaries(TEXTS, inner, max_size=3), max_leaves=8
)
TABLES = st.dictionaries(TEXTS, VALUES, max_size=4)


@given(TABLES, st.lists(TABLES, min_size=1, max_size=3))
def test_what_is_written_is_read_back(table: dict[str, object], rows: list[dict[str, object]]) -> None:
    whole = {**table, "sweep": rows}
    assert tomllib.loads(to_toml(whole)) == whole


def test_a_list_of_tables_is_written_as_a_reader_would() -> None:
    table = {"name": "a", "sweep": [{"task": "recall", "units": [4, 8]}, {"options": {"text": "a.txt"}}]}
    assert to_toml(table) == (
        'name = "a"\n\n[[sweep]]\ntask = "recall"\nunits = [4, 8]\n\n[[sweep]]\noptions = { text = "a.txt" }\n'
    )


def test_a_key_without_a_value_is_left_out_and_what_toml_lacks_is_refused() -> None:
    assert to_toml({"a": None, "b": {"c": None}}) == "b = {  }\n"
    assert to_toml({"a": Path("b/c"), "d": np.float64(0.1)}) == 'a = "b/c"\nd = 0.1\n'
    with pytest.raises(TypeError, match="TOML has no NoneType"):
        to_toml({"a": [None]})
