"""Commands that need no results: list, schema, summary."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

import typer

from harness.cli import completion

Kind = Literal["cells", "backends", "tasks", "figures", "experiments"]


def list_(kind: Annotated[Kind | None, typer.Argument(help="What to list [default: everything].")] = None) -> None:
    """List the cells, backends, tasks, figures and experiments."""
    from harness.cli.terminal import listing

    for text in listing(kind):
        print(text)


def schema() -> None:
    """Print the JSON schema of experiment files.

    Editors use it to complete and check an experiment file while you type.
    """
    import json

    from harness.spec.schema import experiment_schema

    print(json.dumps(experiment_schema(), indent=1))


def summary(
    cell: Annotated[
        str,
        typer.Argument(help="Cell: simple_rnn, gru, lstm, or module:attribute.", autocompletion=completion.cells),
    ],
    backend: Annotated[
        str | None,
        typer.Option(
            "--backend",
            help="Backend: article, keras or fused [default: the first that the cell has].",
            autocompletion=completion.backends,
        ),
    ] = None,
    units: Annotated[
        list[int] | None,
        typer.Option(
            "--units", help="Units of a recurrent layer; repeat the option for several layers [default: 32 32]."
        ),
    ] = None,
) -> None:
    """Print the Keras summary of the article's network with this cell."""
    from harness.cells import BACKENDS, cells
    from harness.errors import check_name
    from harness.registry import find_beside

    find_beside(Path.cwd(), [cell] if ":" in cell else [])
    backends = cells[cell].backends
    if backend is not None:
        check_name("backend", backend, BACKENDS)
    from harness.trial.quiet import quiet_stderr
    from harness.trial.settings import settle

    with quiet_stderr():
        settle()
        from harness.cells.network import summary_text

        text = summary_text(cell, backend=backend or backends[0], rnn_units=tuple(units or (32, 32)))
    print(text, end="")
