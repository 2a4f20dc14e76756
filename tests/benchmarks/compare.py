"""Which benchmarks have become slower: ratios to a reference, compared with those of a baseline.

Functions of plain values: what pytest-benchmark wrote in, a row a benchmark out. Seconds of two machines, or of two
hours, cannot be compared; what a benchmark takes beside a reference of its kind, measured just before and after, can.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from statistics import median
from typing import Any, Literal

THRESHOLD = {"matrix product": 1.3, "keras update": 1.3, "python loop": 1.3, "fsync": 1.6}
"""By reference: the change of a ratio from which a benchmark is slower. Disks vary more than processors."""
OTHER_MACHINE = 1.6
"""By what the thresholds are multiplied where the baseline is another machine's: processors differ in what they are
good at, so that a ratio differs between them without any change of the code."""

Finding = Literal["", "slower", "faster", "new", "gone"]


@dataclass(frozen=True)
class Ratio:
    """A benchmark's time over its reference's: the median of the rounds."""

    reference: str
    ratio: float
    seconds: float = 0.0
    """Its own time, for the table."""


@dataclass(frozen=True)
class Row:
    """A benchmark in the baseline and now. `change` is its ratio over the baseline's; 1 where there is only one."""

    name: str
    reference: str
    seconds: float
    change: float
    threshold: float
    finding: Finding


def ratios(written: Mapping[str, Any]) -> dict[str, Ratio]:
    """Each benchmark's ratio, from the JSON of `pytest --benchmark-json`."""
    by_name = {}
    for benchmark in written["benchmarks"]:
        info, rounds = benchmark["extra_info"], benchmark["stats"]["data"]
        if "reference" in info:
            ratio = median(this / beside for this, beside in zip(rounds, info["reference_seconds"], strict=True))
            by_name[benchmark["fullname"]] = Ratio(info["reference"], ratio, median(rounds))
    return by_name


def middle(runs: Sequence[Mapping[str, Ratio]]) -> dict[str, Ratio]:
    """Of several runs of the same benchmarks, for each the run with the median ratio (the lower of two)."""
    return {
        name: sorted((run[name] for run in runs), key=lambda found: found.ratio)[(len(runs) - 1) // 2]
        for name in runs[0]
    }


def compared(baseline: Mapping[str, Ratio], now: Mapping[str, Ratio], slack: float = 1.0) -> list[Row]:
    """A row for each benchmark that is in either; `slack` multiplies the thresholds."""
    rows = []
    for name in sorted({*baseline, *now}):
        one = now.get(name) or baseline[name]
        change = now[name].ratio / baseline[name].ratio if name in now and name in baseline else 1.0
        threshold = slack * THRESHOLD[one.reference]
        finding: Finding = ""
        if name not in now:
            finding = "gone"
        elif name not in baseline:
            finding = "new"
        elif change > threshold:
            finding = "slower"
        elif change < 1 / threshold:
            finding = "faster"
        rows.append(Row(name, one.reference, now[name].seconds if name in now else 0.0, change, threshold, finding))
    return rows


def named(rows: Iterable[Row], finding: Finding) -> list[str]:
    """The benchmarks of which this was found."""
    return [row.name for row in rows if row.finding == finding]


def table(rows: Iterable[Row]) -> str:
    """The rows as Markdown, fit for the summary of a CI job."""
    lines = [
        "| benchmark | reference | a round, ms | change | slower from | |",
        "|---|---|---:|---:|---:|---|",
    ]
    for row in rows:
        name = row.name.rpartition("/")[2].replace("::test_", " ").removeprefix("test_").replace(".py", "")
        change = "" if row.finding in ("new", "gone") else f"{row.change:.2f}"
        finding = f"**{row.finding}**" if row.finding else ""
        lines.append(
            f"| {name} | {row.reference} | {1e3 * row.seconds:.3g} | {change} | {row.threshold:.2f} | {finding} |"
        )
    return "\n".join(lines)
