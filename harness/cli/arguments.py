"""Arguments and options that several commands have, and the terminal that they write to."""

from __future__ import annotations

from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from harness.cli import completion
from harness.files import user_path

if TYPE_CHECKING:
    from rich.console import Console

path_argument = partial(typer.Argument, parser=user_path)
path_option = partial(typer.Option, parser=user_path)
"""These two are of a path, in which `~` is the home folder."""
File = Annotated[
    Path,
    path_argument(
        metavar="FILE",
        help="Experiment file (TOML), or the name of a bundled experiment, such as compare.",
        autocompletion=completion.experiments,
    ),
]
Directory = Annotated[
    Path,
    path_argument(
        metavar="DIR",
        help="Results folder of an experiment, such as results/compare.",
        autocompletion=completion.results,
    ),
]
Claims = Annotated[
    Path | None,
    path_option(
        "--claims",
        metavar="FILE",
        help="Judge the claims of this file instead of the experiment's own.",
        autocompletion=completion.experiments,
    ),
]
TrialId = Annotated[str, typer.Argument(metavar="TRIAL", help="Id of a trial, or its first characters.")]
Results = Annotated[
    Path,
    path_option("--results", metavar="DIR", help="Folder for results; the experiment gets DIR/<name>."),
]
Jobs = Annotated[
    int | None,
    typer.Option(
        "--jobs",
        min=1,
        metavar="N",
        help="Maximum number of trials that run at the same time [default: number of cores].",
    ),
]
Seeds = Annotated[
    int | None,
    typer.Option(
        "--seeds", min=1, metavar="N", help="Number of seeds: those of the file, then the following integers."
    ),
]
Verbose = Annotated[bool, typer.Option("--verbose", "-v", help="Also print the reason and the scope of each verdict.")]

_PIPED_WIDTH = 120
"""Columns of tables that go to a file or a pipe."""


def new_console() -> Console:
    """The terminal, or the file or pipe in its place."""
    import os

    from rich.console import Console

    console = Console(highlight=False, emoji=False)
    if not console.is_terminal and "COLUMNS" not in os.environ:
        console.width = _PIPED_WIDTH
    return console


def say(console: Console, text: str) -> None:
    """Print a text as it is: not wrapped, and without markup, which names of files and titles may look like."""
    console.print(text, soft_wrap=True, markup=False)
