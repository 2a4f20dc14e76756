"""The help of every command as a section of a Markdown file; `make docs` keeps docs/commands.md as the program is.

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
    """What `harness WORDS --help` prints."""
    done = CliRunner().invoke(
        app, [*words, "--help"], prog_name="harness", terminal_width=WIDTH, env={"COLUMNS": str(WIDTH)}
    )
    return "\n".join(line.rstrip() for line in done.output.strip().splitlines())


def names() -> list[str]:
    """The commands in the order of `harness --help`."""
    listed = help_of().partition("Commands:\n")[2]
    return [line.split()[0] for line in listed.splitlines() if line.startswith("  ") and not line.startswith("   ")]


def commands_section() -> str:
    """A heading and the help for each command."""
    return "\n\n".join(f"### {name}\n\n```text\n{help_of(name)}\n```" for name in names())


def main() -> None:
    """Renew the section in the file that is given as the argument."""
    (file,) = sys.argv[1:]
    try:
        write_section(Path(file), SECTION, commands_section())
    except UserError as error:
        sys.exit(str(error))


if __name__ == "__main__":
    main()
