"""Write published figures beside those of results folders into `docs/literature.md`; `make literature` runs it."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path

from harness.errors import UserError
from harness.results import VERDICTS_NAME
from harness.spec.load import load_experiment
from harness.store.folder import EXPERIMENT_NAME
from harness.store.sqlite import open_store
from harness.verdicts.saved import read_verdicts
from harness.verdicts.verdict import PublishedResult, Verdict
from harness.verdicts.words.effects import effect_in_words
from harness.verdicts.words.findings import title
from harness.verdicts.words.published import as_published, inside_in_words, measured_in_words
from tools.readme import origin
from tools.sections import write_section

SECTION = "literature"


def section_of(directory: Path) -> str:
    """The heading of an experiment, where its records come from, and a table of its claims with published figures.

    Raises UserError if the folder has no records, or no claim that quotes a publication.
    """
    with open_store(directory) as store:
        records = list(store.records())
    quoting = [verdict for verdict in read_verdicts(directory / VERDICTS_NAME) if verdict.published]
    if not records or not quoting:
        raise UserError(f"{directory}: expected records, and verdicts on claims with the key 'published'")
    experiment = load_experiment(directory / EXPERIMENT_NAME)
    head = f"## {experiment.title}\n\n`{experiment.name}`: {origin(records)}."
    table = [
        "| claim | published | here [95 % interval] | published figure | verdict | effect [95 % interval] | seeds |",
        "|---|---|---|---|---|---|---|",
        *(_row(verdict, verdict.published) for verdict in quoting if verdict.published),
    ]
    setups = dict.fromkeys(verdict.published.setup for verdict in quoting if verdict.published)
    differences = [f"Differences in set-up: {setup}" for setup in setups if setup]
    return "\n\n".join([head, "\n".join(table), *differences])


def _row(verdict: Verdict, published: PublishedResult) -> str:
    unit = f" {published.unit}" if published.unit else ""
    cells = (
        verdict.claim,
        "<br>".join(
            [
                *filter(None, [published.finding]),
                *(f"{title(one.cell)} {as_published(one)}{unit}" for one in published.figures),
                f"({published.source})",
            ]
        ),
        "<br>".join(f"{title(one.cell)} {measured_in_words(one)}" for one in published.figures) or "-",
        "<br>".join(inside_in_words(one) or "-" for one in published.figures) or "-",
        f"**{verdict.verdict}**",
        effect_in_words(verdict),
        str(verdict.n or "-"),
    )
    return f"| {' | '.join(cell.replace('|', '&#124;') for cell in cells)} |"


def main(arguments: list[str] | None = None) -> int:
    """Update the file; returns 2 and prints the error if that fails."""
    parser = argparse.ArgumentParser(prog="python -m tools.literature", description=(__doc__ or "").partition("\n")[0])
    parser.add_argument("directories", type=Path, nargs="+", metavar="DIR", help="results folders, in order")
    parser.add_argument("file", type=Path, metavar="FILE", help="the Markdown file with a section for them")
    options = parser.parse_args(arguments)
    try:
        write_section(options.file, SECTION, "\n\n".join(map(section_of, options.directories)))
    except UserError as error:
        print(f"harness: {error}", file=sys.stderr)
        return 2
    return 0


if __name__ == "__main__":
    sys.exit(main())
