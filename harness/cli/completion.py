"""What the shell offers after `harness ...` and Tab: typer keeps what fits, and without a match offers files."""

from __future__ import annotations

from pathlib import Path

import typer


def experiments(incomplete: str) -> list[str]:
    """Bundled experiments by name, and TOML files."""
    from harness.spec.bundled import bundled_experiments

    beside = Path(f"{incomplete}x").parent
    files = (str(path) for path in sorted(beside.glob("[!.]*.toml")))
    return [*bundled_experiments(), *files]


def results() -> list[str]:
    """Results folders under ./results."""
    from harness.store import FILE_NAME

    return [str(path.parent) for path in sorted(Path("results").glob(f"*/{FILE_NAME}"))]


def more_results(ctx: typer.Context) -> list[str]:
    """Results folders under ./results that the command does not name yet."""
    named = {Path(name) for name in ctx.params["directories"] or ()}
    return [word for word in results() if Path(word) not in named]


def cells() -> list[str]:
    """Cells by name."""
    from harness.cells import cells

    return list(cells)


def backends() -> list[str]:
    """Backends by name."""
    from harness.cells import BACKENDS

    return list(BACKENDS)
