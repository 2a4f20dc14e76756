"""The bottom line of a report: at most three sentences that follow from its matrix and verdicts by fixed rules.

1. Which cells are among the best on how many tasks: rows of the matrix, `Entry.best`.
2. What the cell that is among the best most often costs, against the cell that the claims compare it with most often
   (where no cell is best: the pair that the claims compare most often);
   times only if they were measured alone, in the speed lane.
3. How many of the measured claims have which verdict.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence

from harness.report.figures.cost import PARAMETERS, SECONDS_PER_UPDATE
from harness.report.summary.matrix import Entry, Matrix, Row
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.effects import size
from harness.words import number, plural, shorten

MOST_CELLS, MOST_TASKS = 4, 3
"""Cells, and tasks of one cell, that a sentence names."""
_ABSENT = Entry(None, 0)
PHRASES: Mapping[VerdictWord, tuple[str, str]] = {
    "supported": ("is supported", "are supported"),
    "contradicted": ("is contradicted", "are contradicted"),
    "no practical difference": ("shows no practical difference", "show no practical difference"),
    "depends": ("depends on the condition", "depend on the condition"),
    "undecided": ("is undecided", "are undecided"),
    "not testable": ("could not be measured", "could not be measured"),
}


def bottom_line(matrix: Matrix, verdicts: Sequence[Verdict], titles: Mapping[str, str]) -> list[str]:
    """The sentences; none of a part about which there are no results. `titles`: cell to its title."""
    named = {cell: shorten(titles.get(cell, cell), 40) for cell in matrix.cells}
    ranked = _ranked(matrix)
    return [*_quality(matrix, ranked, named), *_cost(matrix, ranked, verdicts, named), *_counts(verdicts)]


def _ranked(matrix: Matrix) -> list[str]:
    """The cells that are among the best most often first; ties in the order of the report."""
    counts = Counter(cell for row in matrix.rows if row.decided for cell, entry in row.entries.items() if entry.best)
    return sorted(matrix.cells, key=lambda cell: -counts[cell])


def _quality(matrix: Matrix, ranked: Sequence[str], named: Mapping[str, str]) -> list[str]:
    rows = [row for row in matrix.rows if len(row.entries) > 1]
    if not rows:
        return []
    decided = [row for row in rows if row.decided]
    if not decided:
        where = f"on {shorten(rows[0].title, 60)}" if len(rows) == 1 else f"on any of the {len(rows)} tasks"
        return [f"The trials do not show that one cell is better than another {where}{_below_baselines(rows)}."]
    left = len(rows) - len(decided)
    undecided = f"; on {plural(left, 'task')} no difference is shown" if left else ""
    rest = undecided + _below_baselines(rows)
    best = {cell: [row for row in decided if row.entries.get(cell, _ABSENT).best] for cell in ranked}
    named_first = [cell for cell in ranked if best[cell]]
    more = len(named_first) - MOST_CELLS
    further = [f"{more} more"] if more > 0 else []
    if len(decided) == 1:
        titles = [named[cell] for cell in named_first[:MOST_CELLS]] + further
        verb = "is" if len(titles) == 1 else "are"
        return [f"On {shorten(decided[0].title, 60)}, {_joined(titles)} {verb} best{rest}."]
    parts = [
        f"{named[cell]} {'' if place else 'is among the best '}on {_tasks(best[cell], len(rows), counted=not place)}"
        for place, cell in enumerate(named_first[:MOST_CELLS])
    ]
    return [f"{_joined([*parts, *further])}{rest}."] if parts else []


def _below_baselines(rows: Sequence[Row]) -> str:
    """'; no cell beats the strongest baseline on Recall', where that is so."""
    below = [row.title for row in rows if row.baseline and not any(e.beats_baseline for e in row.entries.values())]
    if not below:
        return ""
    where = shorten(below[0], 50) if len(below) == 1 else f"{len(below)} tasks"
    return f"; no cell beats the strongest baseline on {where}"


def _tasks(best: Sequence[Row], among: int, *, counted: bool) -> str:
    """'2 of 3 tasks (Recall, Adding)'; '2 (Recall, Adding)' if the number of tasks is not `counted` again."""
    if len(best) == among > 1:
        return "both tasks" if among == 2 else f"all {among} tasks"
    names = list(dict.fromkeys(shorten(row.title, 50) for row in best))
    listed = ", ".join(names[:MOST_TASKS]) + (", …" if len(names) > MOST_TASKS else "")
    return f"{len(best)}{f' of {among} tasks' if counted else ''} ({listed})"


def _cost(matrix: Matrix, ranked: Sequence[str], verdicts: Sequence[Verdict], named: Mapping[str, str]) -> list[str]:
    compared = Counter((verdict.better, verdict.than) for verdict in verdicts if verdict.better in ranked)
    if not any(row.decided for row in matrix.rows) and compared:  # no cell is best: the pair of the claims
        ranked = [*max(compared, key=lambda pair: compared[pair])]
    rivals = sorted(ranked[1:], key=lambda cell: -compared[ranked[0], cell] - compared[cell, ranked[0]])
    if not matrix.costs or not rivals:
        return []
    first, rival = ranked[0], rivals[0]
    times = [row for row in matrix.costs if row.quantity is SECONDS_PER_UPDATE and matrix.alone]
    phrases: list[str] = []
    for row in times:
        than = "" if phrases else f" {named[rival]}"
        if phrase := _speed(row, first, rival, than):
            phrases.append(phrase + (f" with backend {shorten(row.backend, 20)}" if len(times) > 1 else ""))
    weights = _weights(matrix.costs, first, rival)
    if phrases:
        weights = weights and f"; it has {weights}"
        return [f"Per update, {named[first]} is {' and '.join(phrases)}{weights}."]
    return [f"{named[first]} has {weights} than {named[rival]}."] if weights else []


def _speed(row: Row, first: str, rival: str, than: str) -> str:
    """How the times of two cells compare: '14.7 % faster than LSTM'; `than` is empty after it was named once."""
    pairs = row.verdicts or {}
    verdict, sign = pairs.get((first, rival)), 1
    if verdict is None:
        verdict, sign = pairs.get((rival, first)), -1
    if verdict is None or verdict.effect is None:
        return ""
    if verdict.word in ("supported", "contradicted"):
        word = "faster" if sign * verdict.effect > 0 else "slower"
        return f"{size(verdict.effect, verdict.unit, verdict.scale)} {word}{than and f' than{than}'}"
    if verdict.word == "no practical difference":
        return f"about as fast{than and f' as{than}'}"
    return f"not shown to be faster or slower{than and f' than{than}'}"


def _weights(costs: Sequence[Row], first: str, rival: str) -> str:
    entries = next((row.entries for row in costs if row.quantity is PARAMETERS), {})
    counts = [entry.centre.mean for cell in (first, rival) if (entry := entries.get(cell)) and entry.centre]
    if len(counts) < 2 or counts[0] == counts[1]:
        return ""
    share = 100 * (counts[0] / counts[1] - 1)
    return f"{number(abs(share), 2)} % {'more' if share > 0 else 'fewer'} parameters"


def _counts(verdicts: Sequence[Verdict]) -> list[str]:
    measured = [verdict for verdict in verdicts if verdict.kind not in ("exact", "not-testable")]
    if not measured:
        return []
    if len(measured) == 1:
        return [f"The claim {PHRASES[measured[0].verdict][0]}."]
    counts = Counter(verdict.verdict for verdict in measured)
    if set(counts) <= {"undecided", "not testable"}:
        return [f"None of the {len(measured)} measured claims is decided yet."]
    parts = [f"{counts[word]} {PHRASES[word][counts[word] > 1]}" for word in PHRASES if counts[word]]
    return [f"Of {len(measured)} measured claims, {_joined(parts)}."]


def _joined(parts: Sequence[str]) -> str:
    return parts[0] if len(parts) == 1 else f"{', '.join(parts[:-1])} and {parts[-1]}"
