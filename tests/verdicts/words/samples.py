"""Evidence for the tests of sentences."""

from __future__ import annotations

from typing import Any

import numpy as np

from harness.spec.claims import Comparison
from harness.store.interim import InterimAnalysis
from harness.verdicts.advantages import Advantages, Scale
from harness.verdicts.evidence import Evidence
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.samples import Sample
from harness.verdicts.stats import Estimate
from harness.verdicts.verdict import VerdictWord
from tests.verdicts.records import claim, paired

INF = float("inf")
PAIRED = paired()
LOSS = OutcomeColumn("test_loss", "test loss", "", True)
PLAIN = Scale("difference", "", 0.05)
RATIO = Scale("log ratio", "%", float(np.log1p(0.05)))
SHARE = Scale("share", "percentage points", 0.2)
TREND = paired(kind="trend", along="train_size", advantage="grows")
HORIZON = claim(kind="horizon", margin="25%")
SOLVED = claim(kind="proportion", margin=0.2)
TIME = claim(kind="time-to-target", target=1.0, margin="10%")


def evidence(
    of: Comparison,
    effect: float = 0.2,
    low: float = 0.1,
    high: float = 0.3,
    scale: Scale = PLAIN,
    *,
    n: int = 8,
    failed: int = 0,
    blank: int = 0,
    alone: int = 0,
    bounded: bool = False,
    pooled_bounded: bool = False,
    word: VerdictWord = "undecided",
    p: float = 0.01,
    outcome: OutcomeColumn = LOSS,
    analyses: tuple[InterimAnalysis, ...] = (),
    later: int = 0,
    **further: Any,
) -> Evidence:
    """blank: pairs without information; alone: pairs in which one cell alone failed."""
    advantages = Advantages(np.full(n, effect), (), blank, failed, alone / n, bounded=pooled_bounded)
    estimate = Estimate(effect, low, high, 0.5, False, n, bounded=bounded)
    sample = Sample(advantages, estimate, analyses=analyses, later=later)
    scope = further.pop("scope", {})
    return Evidence(of, outcome, scale, sample, word, p, scope, **further)
