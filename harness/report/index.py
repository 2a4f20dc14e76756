"""The page that lists results folders: a row for each, with a link to its report."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from urllib.parse import quote

from harness.report.page.html import assets, environment, moment


@dataclass(frozen=True)
class Entry:
    """A results folder in the index."""

    folder: str
    """Its path below the folder of the index."""
    title: str
    """Of the experiment; empty if its file cannot be read."""
    last: str
    """When its last trial started, ISO 8601; empty without one."""
    planned: int
    done: int
    failed: int
    verdicts: Mapping[str, int] | None
    """How many claims have which verdict; None where they have not been judged."""
    report: str
    """The path of its report as seen from the index; empty where there is none."""
    problems: tuple[str, ...] = ()
    """What could not be read."""


def index(directory: str, entries: Sequence[Entry]) -> str:
    """The page as HTML, the folder with the latest trial first."""
    return (
        environment()
        .get_template("index.html.j2")
        .render(
            directory=directory,
            css=assets("page.css", "take_along.css"),
            entries=[
                {
                    "entry": entry,
                    "when": moment(entry.last) if entry.last else "",
                    "address": quote(entry.report, errors="surrogateescape"),
                }
                for entry in sorted(entries, key=lambda entry: entry.last, reverse=True)
            ],
        )
    )
