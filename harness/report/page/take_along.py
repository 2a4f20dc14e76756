"""What a reader takes along to a paper: verdicts as sentences with their statistics, and how to report the results."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from importlib.metadata import version
from typing import TYPE_CHECKING

from harness.report.figures.looks import Look, title_of
from harness.report.figures.panels import task_title
from harness.report.page.answer import effect, margin_in_words, p_value, seeds
from harness.store.datasets import of_frame
from harness.verdicts.counted import compared
from harness.verdicts.stats import RESAMPLING_FROM
from harness.verdicts.verdict import decided_first
from harness.verdicts.words.effects import interval_of
from harness.words import NO_VALUE, number, plural, shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData
    from harness.verdicts.verdict import Verdict

HEADER = ("Verdict", "Claim", "Effect", "95 % interval", "Margin", "p (corrected)", "Seeds")
COUNTED = ("exact", "not-testable")
"""Kinds of claims that no trial decides."""
PROPORTIONS = ("proportion",)
MOST_MACHINES = 8


def rows(verdicts: Sequence[Verdict]) -> list[tuple[str, ...]]:
    """The verdicts as a table, in the order of the page."""
    return [
        (
            verdict.verdict,
            shorten(verdict.claim, 600),
            effect(verdict),
            interval_of(verdict),
            margin_in_words(verdict),
            p_value(verdict),
            str(verdict.n or ""),
        )
        for verdict in decided_first(verdicts)
    ]


def sentence(verdict: Verdict) -> str:
    """'GRUs need fewer updates (supported: +11 % [7, 15], margin ±5 %, p = 0.01 after Holm's correction, 5 seeds).'"""
    measured = effect(verdict)
    interval, margin, p = interval_of(verdict), margin_in_words(verdict), p_value(verdict)
    figures = [
        measured if measured != NO_VALUE else "",
        interval and f"95 % interval {interval}",
        margin and f"margin {margin}",
        p and f"{p} after Holm's correction",
        seeds(verdict),
        f"{plural(len(verdict.by_condition), 'condition')} pooled" if verdict.by_condition else "",
    ]
    statistics = ", ".join(figure for figure in figures if figure)
    claim = shorten(verdict.claim, 600).rstrip(".")
    return f"{claim} ({verdict.verdict}{': ' if statistics else ''}{statistics})."


def paragraphs(data: ReportData, frame: pd.DataFrame, looks: Mapping[str, Look]) -> list[str]:
    """A paragraph on methods for each results folder; none where no trial counts."""
    if data.folders:
        each = ((label, paragraphs(folder, folder.frame, looks)) for label, folder in data.folders.items())
        return [f"{shorten(label, 60)}: {text}" for label, texts in each for text in texts]
    counted = compared(frame)
    return [" ".join(_sentences(data, counted, looks))] if len(counted) else []


def _sentences(data: ReportData, frame: pd.DataFrame, looks: Mapping[str, Look]) -> Iterator[str]:
    cells = [title_of(looks, str(cell), 40) for cell in frame["cell"].unique()]
    tasks = [shorten(task_title(data.tasks, str(task)), 60) for task in frame["task"].unique()]
    failed = int((frame["status"] != "ok").sum())
    counts = frame.groupby([name for name in ("task", "cell", "lane") if name in frame])["seed"].nunique()
    each = number(counts.min()) if counts.min() == counts.max() else f"{counts.min()} to {counts.max()}"
    outcome = f"Of these, {failed:,} failed and count as failures." if failed else "None failed."
    yield (
        f"We compared {_listed(cells)} on {_listed(tasks)} with harness {version('harness')}{_commit(data)}:"
        f" {plural(len(frame), 'trial')}, with {each} seeds for each cell and task. {outcome}"
    )
    yield from _statistics([verdict for verdict in data.verdicts if verdict.kind not in COUNTED and verdict.n])
    yield from _setting(data, frame)


def _statistics(judged: Sequence[Verdict]) -> Iterator[str]:
    """How the claims were judged: pairs, test, correction, equivalence, interim analyses."""
    if not judged:
        return
    fewest, most = min(verdict.n for verdict in judged), max(verdict.n for verdict in judged)
    n = f"n = {fewest}" if fewest == most else f"n = {fewest} to {most}"
    yield f"The unit of replication is the seed: cells were compared in pairs of trials with the same seed ({n} pairs)."
    others = [verdict for verdict in judged if verdict.kind not in PROPORTIONS]
    resampled = any(verdict.n >= RESAMPLING_FROM for verdict in others)
    permutation = f"a sign-flip permutation test (from {RESAMPLING_FROM} pairs on, of signed ranks where trials failed)"
    tests = [
        ("Student's t-test", any(verdict.n < RESAMPLING_FROM for verdict in others)),
        (permutation, resampled),
        ("McNemar's exact test (proportions)", len(others) < len(judged)),
    ]
    used = _listed([test for test, applies in tests if applies])
    conditions = " and their conditions" if any(verdict.by_condition for verdict in judged) else ""
    yield (
        f"Differences were tested two-sided with {used}; p-values are corrected by Holm's method over"
        f" {plural(len(judged), 'claim')}{conditions}, with a family-wise type I error of 5 %. Intervals cover 95 %."
    )
    if any(verdict.margin for verdict in judged):
        yield '"No practical difference" means that an equivalence test rules out a difference as large as the margin.'
    limits = {verdict.most_seeds for verdict in judged if verdict.interim_analyses and verdict.most_seeds}
    if limits:
        yield (
            f"Seeds were added until claims were decided, up to {max(limits)}; p-values and intervals are adjusted for"
            " the interim analyses (alpha spending of Pocock's type)."
        )


def _setting(data: ReportData, frame: pd.DataFrame) -> Iterator[str]:
    """Machines, versions and data."""
    machines = [
        f"{shorten(str(machine.get('cpu', 'unknown processor')), 80)}, {plural(int(machine.get('cores', 0)), 'core')},"
        f" {number(float(machine.get('memory_bytes', 0)) / 2**30)} GiB, {shorten(str(machine.get('system', '')), 60)}"
        for machine in data.machines
    ]
    if machines:
        more = f"; and {len(machines) - MOST_MACHINES} more" if len(machines) > MOST_MACHINES else ""
        yield f"{'Machines' if len(machines) > 1 else 'Machine'}: {'; '.join(machines[:MOST_MACHINES])}{more}."
    if data.versions:
        yield f"Versions: {shorten(data.versions, 300)}."
    described = [f"{shorten(one.task, 60)}: {shorten(one.in_words, 200)}" for one in of_frame(frame) if one.identity]
    if described:
        yield f"Data: {'; '.join(dict.fromkeys(described))}."


def _commit(data: ReportData) -> str:
    if not data.commit or data.commit == "unknown":
        return ""
    changed = ", with uncommitted changes" if data.dirty and data.dirty not in ("no", "False") else ""
    return f" (commit {shorten(data.commit, 90)}{changed})"


def _listed(names: Sequence[str]) -> str:
    return f"{', '.join(names[:-1])} and {names[-1]}" if len(names) > 1 else "".join(names)
