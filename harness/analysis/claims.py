"""Claims as data: what an experiment file may declare in `[[claim]]`, and what a verdict is. Judging is in judge.py."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict

VerdictWord = Literal["supported", "contradicted", "no practical difference", "undecided", "not testable"]


class Claim(BaseModel):
    """A sentence to be judged."""

    model_config = ConfigDict(extra="forbid", frozen=True, strict=True)

    id: str
    claim: str
    kind: Literal["exact", "paired", "not-testable"]


@dataclass(frozen=True)
class Verdict:
    """What the records say of a claim. The figures are None where there is nothing to measure."""

    id: str
    claim: str
    verdict: VerdictWord
    effect: float | None
    ci_low: float | None
    ci_high: float | None
    unit: str
    n: int
    """Seeds (pairs) behind the verdict."""
    conditions: dict[str, Any] = field(default_factory=dict)
    reason: str = ""
    """One or two sentences for a reader: what was compared, what was found, why this verdict."""
