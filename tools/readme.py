"""Write the verdicts of a results folder into a section of a Markdown file; `make readme` updates the README."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from harness.errors import UserError
from harness.results import VERDICTS_NAME
from harness.store.sqlite import open_store
from harness.verdicts.saved import read_verdicts
from harness.verdicts.verdict import Verdict
from harness.verdicts.words.conditions import scope
from harness.verdicts.words.effects import effect_in_words
from tools.sections import write_section

SECTION = "verdicts"


def verdicts_section(verdicts: Sequence[Verdict], records: Sequence[dict[str, Any]]) -> str:
    """A table of the verdicts, below a line with the dates, the machines and the commits of the records."""
    lines = [
        f"{origin(records)}:",
        "",
        "| verdict | claim | effect [95 % interval] | seeds | where |",
        "|---|---|---|---|---|",
    ]
    for verdict in verdicts:
        cells = (
            f"**{verdict.verdict}**",
            verdict.claim,
            effect_in_words(verdict),
            str(verdict.n or "-"),
            scope({name: value for name, value in verdict.conditions.items() if name != "machine"}) or "-",
        )
        lines.append(f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |")
    return "\n".join(lines)


def origin(records: Sequence[dict[str, Any]]) -> str:
    """The dates, the number, the machines and the commits of the records, on one line."""
    days = sorted({record["started_at"][:10] for record in records})
    commits = sorted({(record["git_commit"] or "unknown")[:12] for record in records})
    machines = dict.fromkeys(_machine(record["machine"]) for record in records)
    when = days[0] if len(days) == 1 else f"{days[0]} to {days[-1]}"
    return f"{when}, {len(records):,} trials on {'; '.join(machines)}; commit {', '.join(commits)}"


def _machine(machine: dict[str, Any]) -> str:
    versions = ", ".join(f"{name} {machine[key]}" for name, key in _VERSIONS.items())
    return f"{machine['cpu']}, {machine['cores']} cores, {machine['memory_bytes'] / 2**30:.0f} GiB ({versions})"


_VERSIONS = {"Python": "python", "TensorFlow": "tensorflow", "Keras": "keras", "NumPy": "numpy"}


def update(directory: Path, file: Path) -> None:
    """Replace the verdicts section of `file` by the verdicts of the results folder. Raises UserError."""
    verdicts = read_verdicts(directory / VERDICTS_NAME)
    with open_store(directory) as store:
        records = list(store.records())
    if not records:
        raise UserError(f"{directory}: has no records yet")
    write_section(file, SECTION, verdicts_section(verdicts, records))


def main(arguments: list[str] | None = None) -> int:
    """Update the file; returns 2 and prints the error if that fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.readme", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directory", type=Path, metavar="DIR", help="the results folder")
    parser.add_argument("file", type=Path, metavar="FILE", help="the Markdown file with a section for verdicts")
    options = parser.parse_args(arguments)
    try:
        update(options.directory, options.file)
    except UserError as error:
        print(f"harness: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
