"""The table of failures in docs/method.md lists the verdicts that judging gives."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from harness.verdicts.verdict import Verdict
from tests.verdicts.records import NOISE, Record, claim, compared, evidence_of, paired, verdict_of
from tools.simulate import simulated_record

SEEDS = 60
METHOD = Path(__file__).parents[2] / "docs" / "method.md"
LEVELS = {
    "horizon": (10, 20, 40), "data-to-target": (100, 102, 104), "trend": (100, 200, 400), "crossing": (100, 200),
}  # fmt: skip
"""By the kind of claim, the values of the factor that it needs."""
Failing = Callable[[str, int], bool]
"""A function (cell, seed) -> whether the trials fail."""
CASES: dict[str, Failing] = {
    "none": lambda cell, seed: False,
    "one trial": lambda cell, seed: cell == "gru" and seed == 3,
    "both trials of one seed": lambda cell, seed: seed == 3,
    "one cell alone in 4 seeds": lambda cell, seed: cell == "gru" and seed < 4,
    "both in half of the seeds": lambda cell, seed: seed < 30,
    "both in all seeds": lambda cell, seed: True,
    "one cell in all seeds, the other does its task": lambda cell, seed: cell == "lstm",
    "one cell in all seeds, the other never solves it": lambda cell, seed: cell == "lstm",
}


def trial(cell: str, seed: int, fails: bool, **spec: Any) -> Record:
    noise = NOISE[seed + SEEDS * (cell == "gru")] / 10
    curve = [(update, 1.0 if update >= 100 and not fails else 3.0) for update in (50, 99, 100, 250)]
    fields = {"curve": curve, "status": "crashed" if fails else "ok", "accuracy": 1.0} | spec
    return simulated_record(cell, seed, 2 + seed / 10 + noise, **fields)


def records(kind: str, case: str) -> list[Record]:
    """Records of equal cells with the failures of the case; in some cases neither cell solves the task."""
    levels = LEVELS.get(kind, (100,))
    along = "sequence_length" if kind == "horizon" else "train_size"
    task = "recall" if kind in ("proportion", "horizon", "data-to-target") else "language"
    cells_seen = []
    for cell in ("gru", "lstm"):
        for seed in range(SEEDS):
            for level in levels:
                not_yet = {"horizon": levels[-1], "data-to-target": levels[0]}.get(kind)
                solved = "never" not in case and level != not_yet
                fields = {"task": task, along: level, "accuracy": float(solved)}
                cells_seen.append(trial(cell, seed, CASES[case](cell, seed), **fields))
    return cells_seen


CLAIMS = {
    "paired": paired(margin=0.05),
    "proportion": claim(kind="proportion", margin=0.2),
    "horizon": claim(kind="horizon", margin="50%"),
    "data-to-target": claim(kind="data-to-target", margin="50%"),
    "trend": paired(kind="trend", along="train_size", advantage="grows", margin=0.05),
    "crossing": paired(kind="crossing", along="train_size", margin=0.05),
    "time-to-target": claim(kind="time-to-target", target=1.0, margin="10%"),
}


def table() -> list[tuple[str, str, str]]:
    """(case, kind, verdict in the table) for each cell of the table that is not empty."""
    lines = METHOD.read_text(encoding="utf-8").split("| failed, of 60 seeds |")[1].splitlines()
    kinds = [word.strip() for word in lines[0].strip(" |").split("|")]
    cells_seen = []
    for line in lines[2:]:
        if not line.startswith("|"):
            break
        case, *cells = (word.strip() for word in line.strip(" |").split("|"))
        cells_seen += [(case, kind, words) for kind, words in zip(kinds, cells, strict=True) if words != "–"]
    return cells_seen


def judged(kind: str, case: str) -> Verdict:
    return verdict_of(records(kind, case), CLAIMS[kind])


@pytest.mark.parametrize(("case", "kind", "words"), table())
def test_the_verdict_is_the_one_in_the_table_of_failures(case: str, kind: str, words: str) -> None:
    verdict = judged(kind, case)
    assert verdict.verdict == words, verdict.reason
    failed = evidence_of(records(kind, case), CLAIMS[kind]).sample.advantages.failed
    assert (failed > 0) == (case != "none")


def test_the_table_has_every_case_and_kind() -> None:
    listed = table()
    assert {case for case, _, _ in listed} == set(CASES)
    assert {kind for _, kind, _ in listed} == set(CLAIMS)
    assert len(listed) == len(CASES) * len(CLAIMS) - 4, "only what is solved or not can be solved by neither"


@pytest.mark.parametrize("infinite", [("gru",), ("gru", "lstm")])
def test_a_metric_that_is_infinite_counts_as_a_failure(infinite: tuple[str, ...]) -> None:
    cells_seen = []
    for cell in ("gru", "lstm"):
        for seed in range(8):
            record = trial(cell, seed, fails=False)
            perplexity = np.inf if cell in infinite and seed == 2 else 2.0 + NOISE[seed] * (cell == "gru")
            cells_seen.append({**record, "test": {"loss": 2.0, "perplexity": perplexity}})
    for margin in (0.05, "5%"):
        said = verdict_of(cells_seen, paired(on="test_perplexity", margin=margin))
        known = compared(cells_seen, paired(on="test_perplexity", margin=margin))
        assert known.overall.sample.advantages.failed == known.counts.not_finite == len(infinite)
        assert [pair.advantage for pair in said.pairs][2] == (0.0 if len(infinite) == 2 else -np.inf)
