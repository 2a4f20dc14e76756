"""Claims and simulated records with a known difference, for the tests of judging."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from pydantic import TypeAdapter

from harness.spec.claims import Claim, Comparison
from harness.store.frame import curves_frame, to_frame
from harness.verdicts.evidence import Compared, Evidence
from harness.verdicts.judge import examine_pairs, judge
from harness.verdicts.outcomes import with_outcome
from harness.verdicts.pairs import find_pairs
from harness.verdicts.verdict import Verdict
from tools.simulate import simulated_record

CLAIM: TypeAdapter[Claim] = TypeAdapter(Claim)
Record = dict[str, Any]
NOISE = np.random.default_rng(0).normal(0, 0.01, size=1000)


def claim(**fields: Any) -> Claim:
    defaults = {"id": "c", "claim": "A sentence.", "kind": "paired", "better": "gru", "than": "lstm"}
    return CLAIM.validate_python(defaults | fields)


def paired(**fields: Any) -> Claim:
    return claim(**{"on": "test_loss", "margin": 0.05} | fields)


def not_testable() -> Claim:
    return CLAIM.validate_python({"id": "t", "claim": "T.", "kind": "not-testable", "reason": "No finite experiment."})


def trials(advantage: float | Callable[[int], float], seeds: int = 8, **spec: Any) -> list[Record]:
    """Records with losses near 2; those of the GRU are lower by the advantage (of the seed), with little noise."""
    records = []
    for seed in range(seeds):
        lower = advantage(seed) if callable(advantage) else advantage
        records.append(simulated_record("lstm", seed, 2 + seed / 10, **spec))
        records.append(simulated_record("gru", seed, 2 + seed / 10 - lower + NOISE[seed], **spec))
    return records


def verdict_of(records: list[Record], *claims: Claim) -> Verdict:
    return judge(claims, to_frame(records), curves_frame(records))[0]


def compared(records: list[Record], *claims: Claim) -> Compared:
    """The evidence for the first claim; all claims are comparisons with pairs in the records."""
    measured = []
    for one in claims:
        assert isinstance(one, Comparison)
        rows, outcome = with_outcome(to_frame(records), one, curves_frame(records))
        measured.append((one, find_pairs(rows, one, outcome.column, outcome.low), outcome))
    return examine_pairs(measured)[0]


def evidence_of(records: list[Record], *claims: Claim) -> Evidence:
    """The evidence for the first claim: of its only condition, or of all of its conditions pooled."""
    return compared(records, *claims).overall


def why_not(records: list[Record], *claims: Claim) -> str:
    """The reason why the first claim cannot be measured."""
    verdict = verdict_of(records, *claims)
    assert (verdict.verdict, verdict.n) == ("not testable", 0)
    return verdict.reason.removeprefix("These records cannot measure the claim: ").removesuffix(".")


def solving(solved: Callable[[str, int, int], bool], lengths: tuple[int, ...] = (10,), seeds: int = 10) -> list[Record]:
    return [
        simulated_record(
            cell, seed, 1.0, task="recall", sequence_length=length, accuracy=1.0 if solved(cell, length, seed) else 0.2
        )
        for cell in ("gru", "lstm")
        for length in lengths
        for seed in range(seeds)
    ]


def timed(reached: Callable[[str, int], int | None], seeds: int = 10) -> list[Record]:
    records = []
    for cell in ("gru", "lstm"):
        for seed in range(seeds):
            when = reached(cell, seed)
            curve = [(update, 1.0 if when is not None and update >= when else 3.0) for update in range(10, 210, 10)]
            records.append(simulated_record(cell, seed, 1.0, curve=curve, baselines={"unigram": {"loss": 2.0}}))
    return records


def of_sizes(
    needed: Callable[[str, int], float],
    sizes: tuple[int, ...] = (100, 200, 400, 800),
    seeds: int = 10,
    **spec: Any,
) -> list[Record]:
    """Records of cells that solve the task from a size of the training set on."""
    return [
        simulated_record(
            cell, seed, 1.0, task="recall", train_size=size, accuracy=1.0 if size >= needed(cell, seed) else 0.2, **spec
        )
        for cell in ("gru", "lstm")
        for size in sizes
        for seed in range(seeds)
    ]


ALL_KINDS = [
    paired(id="paired"),
    paired(id="ratio", on="seconds_per_update", margin="5%"),
    claim(id="proportion", kind="proportion", margin=0.2, where={"task": "recall"}),
    claim(id="horizon", kind="horizon", margin="25%", where={"task": "recall"}),
    claim(id="data", kind="data-to-target", margin="25%", where={"task": "recall"}),
    paired(id="trend", kind="trend", along="sequence_length", advantage="grows"),
    paired(id="crossing", kind="crossing", along="sequence_length"),
    claim(id="time", kind="time-to-target", target=1.0, margin="10%"),
    CLAIM.validate_python({"id": "exact", "claim": "E.", "kind": "exact", "fact": "fewer-parameters"}),
]


def mixed_records() -> list[Record]:
    generator = np.random.default_rng(7)
    return [
        simulated_record(
            cell, seed, float(generator.normal(2, 0.2)), task=task, sequence_length=length,
            status="ok" if generator.random() > 0.1 else "diverged", accuracy=float(generator.integers(2)),
            curve=[(10, 2.0), (20, float(generator.normal(1, 0.2)))], seconds_per_update=float(generator.lognormal()),
        )
        for task in ("language", "recall") for length in (10, 20, 40) for cell in ("gru", "lstm") for seed in range(7)
    ]  # fmt: skip
