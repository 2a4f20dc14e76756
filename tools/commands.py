"""Write the help of every command into a section of a Markdown file; `make docs` updates docs/commands.md with it.

python -m tools.commands docs/commands.md
"""

from __future__ import annotations

import sys
from pathlib import Path

from typer.testing import CliRunner

from harness.cli.main import app
from harness.errors import UserError
from tools.sections import write_section

SECTION = "commands"
WIDTH = 100


def help_of(*words: str) -> str:
    """The output of `harness WORDS --help`."""
    done = CliRunner().invoke(
        app, [*words, "--help"], prog_name="harness", terminal_width=WIDTH, env={"COLUMNS": str(WIDTH)}
    )
    return "\n".join(line.rstrip() for line in done.output.strip().splitlines())


def names() -> list[str]:
    """The commands in the order of `harness --help`."""
    return [str(command.name) for command in app.registered_commands]


def commands_section() -> str:
    """A heading and the help for each command."""
    return "\n\n".join(f"### {name}\n\n```text\n{help_of(name)}\n```" for name in names())


def main() -> None:
    """Update the section in the file that the argument names."""
    (file,) = sys.argv[1:]
    try:
        write_section(Path(file), SECTION, commands_section())
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
