"""Judge a results folder and write its report."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Literal, NamedTuple, get_args

from harness.errors import UserError, check_name
from harness.files import resolved, user_path
from harness.spec.claims import Claim
from harness.spec.experiment import Experiment
from harness.spec.load import load_claims
from harness.store.folder import (
    load_stored_experiment,
    make_writable,
)
from harness.store.sqlite import naming_damage
from harness.stored import Stored, read_results
from harness.verdicts.earlier import VERDICTS_NAME as VERDICTS_NAME
from harness.verdicts.earlier import Earlier, earlier_verdicts, replace_verdicts
from harness.verdicts.verdict import Verdict

if TYPE_CHECKING:
    from harness.report import ReportData

ReportFormat = Literal["html", "md"]
OUTPUT = "--output DIR"
"""The option of `harness report` that chooses another folder."""


def judge_results(
    directory: str | Path, claims_file: str | Path | None = None, *, output: str | Path | None = None
) -> list[Verdict]:
    """Judge the records of a results folder and write `verdicts.json` there. Nothing is trained.

    directory:   the results folder
    claims_file: an experiment file, or a file with claims only, whose claims are judged instead of the folder's;
                 their verdicts are not written to `verdicts.json`
    output:      write the verdicts to this file instead

    Returns the verdicts in the order of the claims. Raises UserError if a file is missing or damaged.
    """
    verdicts = judged(directory, claims_file)
    write_judged(verdicts, directory, claims_file, output)
    return verdicts


def judged(directory: str | Path, claims_file: str | Path | None = None) -> list[Verdict]:
    """The verdicts of `judge_results`; writes nothing. Raises UserError."""
    experiment = load_stored_experiment(directory)  # first, as it imports the modules that the claims may need
    claims = load_claims(claims_file) if claims_file else None
    with naming_damage(directory):
        return _judged(read_results(directory, experiment), claims)


def write_judged(
    verdicts: Sequence[Verdict], directory: str | Path, claims_file: str | Path | None, output: str | Path | None
) -> None:
    """Write the verdicts to the file that `judge_results` documents. Raises UserError."""
    from harness.verdicts.judge import write_verdicts

    if output is not None:
        write_verdicts(verdicts, output)
    elif claims_file is None:
        replace_verdicts(verdicts, directory)


def render_results(
    directory: str | Path,
    verdicts: list[Verdict] | None = None,
    *,
    format: ReportFormat = "html",
    output: str | Path | None = None,
) -> Path:
    """Judge the records of a results folder and write the report there. Nothing is trained.

    directory: the results folder
    verdicts:  show these verdicts instead of judging the records
    format:    "html" for `report.html`, "md" for `report.md`, a summary with pictures
    output:    write the report to this folder instead

    Returns the path of the report. Raises UserError if a file is missing or damaged, or cannot be written.
    """
    return judge_and_render(directory, verdicts, format=format, output=output).path


class Reported(NamedTuple):
    """What was judged and written."""

    verdicts: list[Verdict]
    path: Path
    """The report."""
    bottom_line: tuple[str, ...] = ()
    """The sentences at the top of the report."""


def judge_and_render(
    directory: str | Path,
    verdicts: list[Verdict] | None = None,
    *,
    format: ReportFormat = "html",
    output: str | Path | None = None,
    experiment: Experiment | None = None,
) -> Reported:
    """Read the folder once, judge it and write the report. Raises UserError."""
    from harness.report.summary import summary_of

    render = _renderer(format)
    stored = read_results(directory, experiment)
    output = stored.directory if output is None else user_path(output)
    make_writable(output, OUTPUT)
    earlier = None
    with naming_damage(directory):
        if verdicts is None:
            verdicts = _judged(stored)
            earlier = earlier_verdicts(output, verdicts) or earlier_verdicts(stored.directory, verdicts)
            replace_verdicts(verdicts, output)
        data = report_data(stored, verdicts, earlier)
        summary = summary_of(data)
        return Reported(verdicts, render(data, output, summary), summary.sentences)


def _renderer(format: ReportFormat) -> Callable[..., Path]:
    from harness.report import render, render_markdown

    check_name("format", format, get_args(ReportFormat))
    return render if format == "html" else render_markdown


def render_beside(directories: Sequence[str | Path], output: str | Path, *, format: ReportFormat = "html") -> Path:
    """Write one report that shows several results folders side by side into `output`; returns its path.

    Records are not pooled: each folder is judged and drawn separately. Raises UserError.
    """
    from harness.report.data import beside

    render = _renderer(format)
    output, folders = user_path(output), [user_path(directory) for directory in directories]
    labels = _labels(folders)
    if resolved(output) in {resolved(folder) for folder in folders}:
        raise UserError(f"{output}: this results folder has its own report. Choose another folder with --output DIR")
    stored = [read_results(folder) for folder in folders]
    make_writable(output, OUTPUT)
    with naming_damage(*folders):
        data = beside({label: report_data(one, _judged(one)) for label, one in zip(labels, stored, strict=True)})
        return render(data, output)


def live_report(directory: str | Path, state: str) -> dict[str, bytes]:
    """The files of the current report by path, without writing them. Raises UserError.

    The page polls its server for `state` and reloads when it has changed.
    """
    from harness.report import report_files

    with naming_damage(directory):
        stored = read_results(directory)
        verdicts = _judged(stored)
        return report_files(report_data(stored, verdicts, earlier_verdicts(directory, verdicts)), state=state)


def _labels(directories: Sequence[Path]) -> list[str]:
    """Labels of the folders: their names or, if two have the same name, as many parts of their paths as needed."""
    paths = [resolved(directory) for directory in directories]
    twice = next((path for path in paths if paths.count(path) > 1), None)
    if twice is not None:
        raise UserError(f"{twice}: given twice. Name different results folders to see them side by side")
    for parts in range(1, max(len(path.parts) for path in paths) + 1):
        labels = ["/".join(path.parts[-parts:]) for path in paths]
        if len(set(labels)) == len(labels):
            break
    return labels


def _judged(stored: Stored, claims: Sequence[Claim] | None = None) -> list[Verdict]:
    from harness.verdicts.judge import judge

    data = stored.data
    return judge(stored.experiment.claim if claims is None else claims, data.frame, data.curves, stored.analyses)


def report_data(stored: Stored, verdicts: list[Verdict], earlier: Earlier | None = None) -> ReportData:
    """The data of the report, with the verdicts and those of the judging before."""
    return replace(stored.data, verdicts=verdicts, earlier=earlier)
