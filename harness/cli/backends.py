"""`harness backends`: how fast the backends execute the cells on this machine."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import Annotated

import typer

from harness.cli import completion
from harness.cli.arguments import new_console, say
from harness.errors import UserError

_LARGEST_SIZE = 1_000_000


def backends(
    shape: Annotated[
        str, typer.Option("--shape", help="Batch size, time steps, features and units, separated by commas.")
    ] = "32,256,256,32",
    cell: Annotated[
        list[str] | None,
        typer.Option("--cell", help="Cell to time, repeatable [default: all cells].", autocompletion=completion.cells),
    ] = None,
    backend: Annotated[
        list[str] | None,
        typer.Option(
            "--backend", help="Backend to time, repeatable [default: all backends].", autocompletion=completion.backends
        ),
    ] = None,
    dropout: Annotated[
        float, typer.Option("--dropout", min=0.0, max=0.99, help="Dropout rate of the inputs and of the hidden state.")
    ] = 0.5,
    rounds: Annotated[int, typer.Option("--rounds", min=1, help="Maximum number of timing rounds.")] = 60,
    predict: Annotated[
        bool,
        typer.Option(
            "--predict", help="Time predictions instead of updates: a batch, and a time step at batch size 1."
        ),
    ] = False,
) -> None:
    """Benchmark every cell and backend.

    Measured are the time of an update, the time of the first update with compiling, and peak memory. The network is
    the article's. Each pair of cell and backend runs in a process of its own. The processes take turns until the ratios
    to the backend keras are known to 2 %. Run nothing else on the machine meanwhile.
    """
    from harness.cells import BACKENDS, cells
    from harness.cli.terminal import backend_notes, backend_table, backend_title
    from harness.errors import check_name
    from harness.registry import find_beside
    from harness.runner.backends import Shape, Work, measure_backends

    sizes = _shape(shape)
    for name in backend or ():
        check_name("backend", name, BACKENDS)
    names = tuple(cell or cells)
    find_beside(Path.cwd(), (name for name in names if ":" in name))
    for name in names:
        cells[name]
    console, failed = new_console(), False
    works: tuple[Work, ...] = ("batch", "step") if predict else ("update",)
    for work in works:
        measured = measure_backends(
            names,
            tuple(backend or BACKENDS),
            work=work,
            shape=Shape(*sizes),
            dropout=dropout,
            most_rounds=rounds,
            say=partial(say, console),
        )
        say(console, backend_title(measured))
        console.print(backend_table(measured))
        for line in backend_notes(measured):
            say(console, line)
        failed = failed or any(record.status != "ok" for record in measured)
    if failed:
        raise typer.Exit(1)


def _shape(text: str) -> tuple[int, int, int, int]:
    try:
        batch, time, features, units = map(int, text.split(","))
        if not 1 <= min(batch, time, features, units) <= max(batch, time, features, units) <= _LARGEST_SIZE:
            raise ValueError
    except ValueError:
        raise UserError(
            f"--shape {text!r}: expected four whole numbers from 1 to {_LARGEST_SIZE:,}, such as 32,256,256,32"
        ) from None
    return batch, time, features, units
