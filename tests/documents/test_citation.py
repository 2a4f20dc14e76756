"""CITATION.cff states what pyproject.toml and LICENSE state."""

from __future__ import annotations

import tomllib
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[2]
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text(encoding="utf-8"))["project"]
LINES = (ROOT / "CITATION.cff").read_text(encoding="utf-8").splitlines()


@pytest.mark.parametrize(
    "line",
    [
        f"title: {PROJECT['name']}",
        f"version: {PROJECT['version']}",
        f"license: {PROJECT['license']}",
        f"  {PROJECT['description']}",
    ],
)
def test_the_citation_file_agrees_with_the_project(line: str) -> None:
    assert LINES.count(line) == 1


def test_the_cited_authors_hold_the_copyright() -> None:
    (author,) = [line.removeprefix("  - name: ") for line in LINES if line.startswith("  - name: ")]
    assert f"Copyright (c) 2026 {author}" in (ROOT / "LICENSE").read_text(encoding="utf-8")
