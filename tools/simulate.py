"""Simulate experiments with a known truth: difference, spread, correlation, shape, ties and failures."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any, Literal

import numpy as np

from harness.spec.trial import TrialSpec
from harness.store.interim import InterimAnalyses
from harness.verdicts.arrays import Floats
from harness.verdicts.judge import Measured, judge_pairs
from harness.verdicts.pairs import PairedTrials
from harness.verdicts.verdict import Verdict
from tools.simulate_kinds import LOSS, comparison, pairs_of

Shape = Literal["normal", "heavy tails", "skewed", "ties"]


def simulated_record(
    cell: str,
    seed: int,
    loss: float,
    *,
    task: str = "language",
    status: str = "ok",
    accuracy: float = 0.5,
    curve: list[tuple[int, float]] | None = None,
    machine: str = "simulated",
    seconds_per_update: float = 0.01,
    recurrent_parameters: int | None = None,
    baselines: dict[str, dict[str, float]] | None = None,
    validation_baselines: dict[str, dict[str, float]] | None = None,
    **spec: Any,
) -> dict[str, Any]:
    """A record in its JSON form; `spec` replaces fields of the spec, `curve` lists (update, validation loss).

    validation_baselines: default: those of the test split, `baselines`
    """
    complete = TrialSpec.model_construct(
        **{
            "task": task,
            "options": {},
            "data": {"procedure": "simulated"},
            "code": "simulated",
            "cell": cell,
            "backend": "keras",
            "units": 32,
            "reference_units": spec.get("units", 32),
            "train_size": 1000,
            "sequence_length": 25,
            "learning_rate": 3e-3,
            "batch_size": 32,
            "updates": 100,
            "evaluate_every": 10,
            "seed": seed,
            **spec,
        }
    )
    ok = status == "ok"
    phase = {"wall_seconds": 1.0, "cpu_seconds": 1.0, "memory_peak_bytes": 2_000_000}
    return {
        "trial_id": complete.id(),
        "attempt": 1,
        "spec": complete.model_dump(mode="json"),
        "status": status,
        "started_at": "2026-01-01T00:00:00+00:00",
        "machine": {"fingerprint": machine},
        "threads": 1,
        "git_commit": None,
        "git_dirty": None,
        "parameters": 10_000,
        "recurrent_parameters": recurrent_parameters,
        "phases": {"train": phase, "evaluate": phase},
        "seconds_total": 2.0,
        "updates": 100,
        "seconds_per_update": seconds_per_update,
        "memory": {"baseline_bytes": 1_000_000, "peak_bytes": 2_000_000, "method": "simulated"},
        "curve": [
            {
                "update": update,
                "seconds": update * seconds_per_update,
                "train_loss": value,
                "validation_loss": value,
                "validation": {"loss": value},
            }
            for update, value in curve or []
        ],
        "noisy": None,
        "test_at": {},
        "gradient_reach": {},
        "train": {"loss": loss} if ok else {},
        "validation": {"loss": loss} if ok else {},
        "test": {"loss": loss, "accuracy": accuracy} if ok else {},
        "baselines": baselines or {},
        "validation_baselines": (baselines or {}) if validation_baselines is None else validation_baselines,
        "validation_labels": 1000,
        "near_target": [],
        "failure": None if ok else {"phase": "train", "message": "simulated", "stderr": "", "exit_code": None},
    }


@dataclass(frozen=True)
class Scenario:
    """How simulated cells differ. Sizes are in units of one cell's standard deviation within a seed.

    difference:  how much lower the loss of `better` is
    margin:      the margin of the claim
    correlation: correlation of the losses of the two cells over seeds
    shape:       distribution of a cell's noise
    failures:    probability that a trial fails
    """

    seeds: int
    difference: float = 0.0
    margin: float = 1.0
    correlation: float = 0.5
    shape: Shape = "normal"
    failures: float = 0.0


def simulated_outcomes(scenario: Scenario, generator: np.random.Generator) -> tuple[Floats, Floats]:
    """The losses of `better` and of `than` for each seed, (seeds,) each; NaN for failed trials."""
    shared = np.sqrt(scenario.correlation / (1 - scenario.correlation)) * generator.normal(size=scenario.seeds)
    sides = []
    for difference in (scenario.difference, 0.0):
        loss = 10 + shared + _noise(scenario.shape, scenario.seeds, generator) - difference
        if scenario.shape == "ties":
            loss = np.round(loss * 2) / 2
        sides.append(np.where(generator.random(scenario.seeds) < scenario.failures, np.nan, loss))
    return sides[0], sides[1]


def _noise(shape: Shape, size: int, generator: np.random.Generator) -> Floats:
    """Draws of mean 0 and standard deviation 1."""
    if shape == "heavy tails":
        return np.asarray(generator.standard_t(3, size=size) / np.sqrt(3))
    if shape == "skewed":
        return np.asarray((generator.lognormal(0, 1, size=size) - np.exp(0.5)) / np.sqrt((np.e - 1) * np.e))
    return generator.normal(size=size)


def simulated_verdicts(scenario: Scenario, claims: int, generator: np.random.Generator) -> list[Verdict]:
    """The verdicts of one experiment with this number of paired claims on independent trials, judged as one family."""
    return judge_pairs(_measured(scenario, claims, generator))


def verdict_after_analyses(scenario: Scenario, counts: Sequence[int], generator: np.random.Generator) -> Verdict:
    """The verdict on one claim after interim analyses at these numbers of seeds, until it is decided.

    The scenario has the maximum number of seeds.
    """
    measured = _measured(scenario, 1, generator)
    for analyses in range(1, len(counts) + 1):
        through = tuple(count - 1 for count in counts[:analyses])
        (verdict,) = judge_pairs(measured, {"claim-0": InterimAnalyses(through, scenario.seeds)})
        if verdict.verdict != "undecided":
            break
    return verdict


def _measured(scenario: Scenario, claims: int, generator: np.random.Generator) -> list[Measured]:
    measured: list[Measured] = []
    for index in range(claims):
        claim = comparison("paired", id=f"claim-{index}", on="test_loss", margin=scenario.margin)
        pairs = pairs_of(*simulated_outcomes(scenario, generator))
        measured.append((claim, PairedTrials((pairs,)), LOSS))
    return measured


def simulated_records(scenario: Scenario, generator: np.random.Generator, **spec: Any) -> list[dict[str, Any]]:
    """Simulated outcomes as records of trials of `gru` and `lstm`."""
    records = []
    for cell, losses in zip(("gru", "lstm"), simulated_outcomes(scenario, generator), strict=True):
        for seed, loss in enumerate(losses):
            status = "diverged" if np.isnan(loss) else "ok"
            records.append(simulated_record(cell, seed, float(np.nan_to_num(loss)), status=status, **spec))
    return records
