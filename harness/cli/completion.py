"""What the shell offers after `harness ...` and Tab; where nothing here fits, it offers files."""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

import typer


def experiments(incomplete: str) -> list[str]:
    """Bundled experiments by name, and TOML files."""
    from harness.spec.bundled import bundled_experiments

    beside = Path(f"{incomplete}x").parent
    files = (str(path) for path in sorted(beside.glob("[!.]*.toml")))
    return _fitting(incomplete, [*bundled_experiments(), *files])


def results(incomplete: str) -> list[str]:
    """Results folders under ./results."""
    from harness.store import FILE_NAME

    return _fitting(incomplete, (str(path.parent) for path in sorted(Path("results").glob(f"*/{FILE_NAME}"))))


def more_results(ctx: typer.Context, incomplete: str) -> list[str]:
    """Results folders under ./results that the command does not name yet."""
    named = {Path(name) for name in ctx.params["directories"] or ()}
    return [word for word in results(incomplete) if Path(word) not in named]


def cells(incomplete: str) -> list[str]:
    """Cells by name."""
    from harness.cells import cells

    return _fitting(incomplete, cells)


def backends(incomplete: str) -> list[str]:
    """Backends by name."""
    from harness.cells import BACKENDS

    return _fitting(incomplete, BACKENDS)


def _fitting(incomplete: str, words: Iterable[str]) -> list[str]:
    return [word for word in words if word.startswith(incomplete)]
