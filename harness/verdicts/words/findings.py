"""The sentences of a verdict: what was compared, what was found, why this word."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from harness.cells import cells
from harness.spec.claims import Comparison, Horizon, Proportion, TimeToTarget, Trend
from harness.store.looks import Look
from harness.verdicts.advantages import Advantages, Scale
from harness.verdicts.condition_names import condition_names
from harness.verdicts.effects import effect, effect_in_words, interval, size
from harness.verdicts.lean import Lean
from harness.verdicts.outcomes import Outcome
from harness.verdicts.power import ADVISED
from harness.verdicts.rounds import COLUMN
from harness.verdicts.stats import ALPHA, FAILURE, FEWEST_SEEDS, Estimate
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.words import number

DECIDED: tuple[VerdictWord, ...] = ("supported", "contradicted", "no practical difference")


@cache
def title(cell: str) -> str:
    """The cell's name in sentences."""
    return cells[cell].title


def capital(sentence: str) -> str:
    """With a capital first letter, the others as they are."""
    return sentence[:1].upper() + sentence[1:]


class AgainstBaseline(NamedTuple):
    """A cell's mean over its seeds, and the score of the best baseline, in one condition."""

    cell: str
    baseline: str
    mean: float
    score: float
    beats: bool


def beaten(remarks: Sequence[Sequence[AgainstBaseline]]) -> str:
    """Which cells beat the best baseline, in every condition; remarks: a list for each condition."""
    named = dict.fromkeys(remark.cell for condition in remarks for remark in condition)
    winners = [
        cell for cell in named if all((cell, True) in {(one.cell, one.beats) for one in each} for each in remarks)
    ]
    if not winners:
        return ""
    text = f"{' and '.join(capital(title(cell)) for cell in winners)} beat{'s' * (len(winners) == 1)} the best baseline"
    if len(remarks) > 1:
        return f"{text} in each condition."
    means = " and ".join(number(remark.mean) for remark in remarks[0] if remark.beats)
    return f"{text}, {remarks[0][0].baseline!r} ({means} against {number(remarks[0][0].score)})."


def not_beaten(remarks: Sequence[Sequence[AgainstBaseline]]) -> str:
    """Which cell does not beat which baseline; remarks: a list for each condition."""
    failing = Counter((one.cell, one.baseline) for condition in remarks for one in condition if not one.beats)
    sentences = []
    for (cell, baseline), count in sorted(failing.items()):
        text = f"{capital(title(cell))} does not beat the baseline {baseline!r}"
        if len(remarks) > 1:
            sentences.append(f"{text} in {count} of {len(remarks)} conditions.")
        else:
            mean, score = next((one.mean, one.score) for one in remarks[0] if one.cell == cell)
            sentences.append(f"{text} ({number(mean)} against {number(score)}).")
    return " ".join(sentences)


def finding(claim: Comparison, estimate: Estimate, found: Advantages, scale: Scale, outcome: Outcome) -> str:
    """What was measured, in one sentence, and what failed, in another."""
    seeds = f"{estimate.n} seed{'s' * (estimate.n != 1)}"
    subject = f"{capital(_subject(claim, outcome))}, {seeds}"
    if found.uninformative == estimate.n:
        return f"{subject}: nothing to compare. {_failures(claim, estimate, found, scale)}".strip()
    shown, low, high = (scale.show(value + 0.0) for value in (estimate.effect, estimate.low, estimate.high))  # no -0
    range_ = f" (95 % interval {interval(low, high, scale.unit, scale.kind, shown)})" if estimate.n > 1 else ""
    text = f"{subject}: {_direction(claim, shown)}{effect(shown, scale.unit, scale.kind)}{range_}."
    return f"{text} {_failures(claim, estimate, found, scale)}".strip()


def _failures(claim: Comparison, estimate: Estimate, found: Advantages, scale: Scale) -> str:
    """How many trials failed, and what effect and interval take them for."""
    if not found.failed:
        return ""
    what = "missed the target" if isinstance(claim, TimeToTarget) else "failed"
    begin = f"{found.failed} trial{'s' * (found.failed != 1)} {what}"
    if isinstance(claim, Proportion | Horizon):
        return f"{begin} and count{'s' * (found.failed == 1)} as not solved."
    if found.lopsided == 0:
        return f"{begin}: a pair in which both {what} counts as a tie."
    if found.bounded or "bounded" in estimate.method:
        times = f"{FAILURE:g} times the largest difference seen"
        size = f"the largest ratio seen to the power of {FAILURE:g}" if scale.kind == "log ratio" else times
    else:
        size = "larger than any number"
    alone = f"{begin}: where one cell alone {what}, the pair counts as {size}"
    return f"{alone}; where both {what}, as a tie." if found.failed > 1 else f"{alone}."


def _subject(claim: Comparison, outcome: Outcome) -> str:
    both = f"{title(claim.better)} against {title(claim.than)}"
    if isinstance(claim, Horizon):
        return f"{both}, largest {_spaced(claim.along)} solved"
    if isinstance(claim, Trend):
        return f"Change of the advantage of {both}, {outcome.title}, along {_spaced(claim.along)}"
    return f"{both}, {outcome.title}"


def _direction(claim: Comparison, shown: float) -> str:
    """'better, ': what the sign of the effect means; a reason where the effect is infinite."""
    if shown == 0:
        return "no difference, "
    if isinstance(claim, Trend):
        direction = claim.advantage if shown > 0 else opposite(claim)
        beyond = ", beyond any number because of failures in at least half of the seeds" * math.isinf(shown)
        return f"it {direction}{beyond}, "
    if math.isinf(shown):
        return f"in at least half of the seeds only {title(claim.better if shown > 0 else claim.than)} succeeded, "
    if isinstance(claim, Proportion):
        return f"{'more' if shown > 0 else 'fewer'} seeds solve it, "
    return f"{'better' if shown > 0 else 'worse'}, "


def opposite(claim: Trend) -> str:
    """What the advantage does where it does not do what is claimed."""
    return "grows" if claim.advantage == "shrinks" else "shrinks"


def why(word: VerdictWord, estimate: Estimate, found: Advantages, p_adjusted: float, scale: Scale, unknown: str) -> str:
    """Why this word, in one sentence; `unknown` says what a tie for want of a measurement is."""
    margin = size(scale.show(scale.margin), scale.unit, scale.kind)
    p = f"p = {p_adjusted:.2g}" if p_adjusted >= 0.001 else "p < 0.001"
    if word in ("supported", "contradicted"):
        small = min(abs(estimate.low), abs(estimate.high)) < scale.margin
        return f"The direction is clear ({p})" + (
            f"; the difference may be below {margin}, the least that counts in practice." if small else "."
        )
    if word == "no practical difference":
        return f"A difference as large as {margin}, the least that counts in practice, is ruled out."
    if estimate.n < FEWEST_SEEDS:
        return f"Fewer than {FEWEST_SEEDS} seeds decide nothing."
    if 2 * found.uninformative >= estimate.n:
        return f"In {found.uninformative} of {estimate.n} seeds {unknown}, which is no information about a difference."
    if p_adjusted <= ALPHA:
        return f"The test rejects equality ({p}), but the 95 % interval includes zero."
    return f"Neither a difference ({p}) nor its absence (within {margin}) is established."


def lean_in_words(leaning: Lean, margin: str) -> str:
    """Which way an undecided claim leans, in a sentence."""
    favour, within, against = (_probability(share) for share in (leaning.favour, leaning.within, leaning.against))
    return (
        f"Probability of a difference beyond {margin} in favour of the claim: {favour}; within {margin}: {within};"
        f" beyond {margin} against it: {against}."
    )


def _probability(share: float) -> str:
    percent = 100 * share
    return "< 1 %" if 0 < percent < 1 else "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def unknown_words(claim: Comparison) -> str:
    """What a tie without information is, for this kind of claim."""
    if isinstance(claim, Horizon):
        return "both cells solve all that was tested, or nothing"
    return "both missed the target" if isinstance(claim, TimeToTarget) else "both cells failed"


def known_within(step: str, too_coarse: bool, helps: str) -> str:
    """How finely times are known; whether no number of seeds would decide; and what would help, where that is why."""
    text = f"Times are known to within {step}, the largest distance between the evaluations around them."
    if too_coarse:
        return f"{text} That is too coarse to decide the claim with any number of seeds; {helps} would be finer."
    return f"{text} With exact times it might be decided: {helps} would be finer." if helps else text


def instead_of_seeds(claim: Comparison, outcome: Outcome) -> str:
    """What else than more seeds would decide an undecided claim."""
    if isinstance(claim, TimeToTarget | Horizon | Proportion):
        return "a wider margin, or longer training"
    if isinstance(claim, Trend):
        return f"a wider margin, or more values of {_spaced(claim.along)}"
    return "a wider margin, or more test data" if outcome.column.startswith("test_") else "a wider margin"


def measured_better(claim: Comparison, outcome: Outcome) -> str:
    """What would decide an undecided claim on time."""
    rounds = ", or more rounds (a smaller margin asks for more)" if outcome.column == COLUMN else ""
    return f"A time is known better on a quiet machine{rounds}; more seeds are no remedy for noise."


def seeds_wanted(
    needed: int | None, n: int, margin: str, most: int | None = None, instead: str = "a wider margin"
) -> str:
    """What it would take to decide a claim after n seeds.

    most: the number of seeds fixed beforehand, where seeds are added; instead: what is advised where more than 100
    seeds would be needed.
    """
    if needed is None:
        return ""
    if needed <= n:
        return (
            f"{n} seeds have at least 80 % power against a difference of {margin}: if there is a difference, it is"
            " probably smaller."
        )
    if needed > ADVISED:
        return (
            f"For 80 % power against a difference of {margin} it would take more than {max(ADVISED, n)} seeds:"
            f" {instead}, would decide sooner."
        )
    how = f"harness run FILE --seeds {needed}" if most is None else "harness run FILE --until-decided"
    if most is not None and needed > most:
        how = f"more than the {most} that were fixed beforehand"
    return f"For 80 % power against a difference of {margin} it would take about {needed} seeds ({how})."


def looked_at(looks: Sequence[Look], most: int, later: int) -> str:
    """When a claim was looked at while seeds were added; `later` seeds came after the last look."""
    counts = [str(look.n) for look in looks]
    text = ""
    if counts:
        when = " and ".join(filter(None, (", ".join(counts[:-1]), counts[-1])))
        text = f"Looked at after {when} of at most {most} seeds: interval and p allow for such looks."
    if later:
        text += f" {later} seed{'s' * (later != 1)} came after the last look and do{'es' * (later == 1)} not count."
    return text.strip()


def mixture(conditions: Sequence[Verdict]) -> str:
    """'supported in 3 of 8 conditions, contradicted in 2', the most frequent first."""
    counts = Counter(condition.verdict for condition in conditions).most_common()
    first, *others = [f"{word} in {count}" for word, count in counts]
    plural = "s" * (len(conditions) != 1)
    return ", ".join([f"{first} of {len(conditions)} condition{plural}", *others])


def dependence(claim: Comparison, outcome: Outcome, conditions: Sequence[Verdict]) -> str:
    """'It depends: GRU faster for backend fused (+18 % [15, 21]); GRU slower for backend keras (−17 % [−20, −14]).'"""
    found: dict[str, list[str]] = {}
    for name, condition in zip(condition_names(conditions), conditions, strict=True):
        if condition.verdict in DECIDED:
            comparative = _comparative(claim, outcome, condition.verdict)
            found.setdefault(comparative, []).append(f"{name} ({effect_in_words(condition)})")
    said = [f"{comparative} for {', '.join(names)}" for comparative, names in found.items()]
    return f"It depends: {'; '.join(said)}."


def _comparative(claim: Comparison, outcome: Outcome, word: VerdictWord) -> str:
    """What a condition's verdict says of the cell that is held to be better."""
    if word == "no practical difference":
        return word
    if isinstance(claim, Trend):
        return f"the advantage {claim.advantage if word == 'supported' else opposite(claim)}"
    better, worse = ("faster", "slower") if outcome.unit in ("s", "updates") else ("better", "worse")
    return f"{title(claim.better)} {better if word == 'supported' else worse}"


_SCOPE = {
    "task": "{}",
    "dataset": "data {}",
    "train_size": "size {}",
    "sequence_length": "length {}",
    "units": "{} units",
    "backend": "backend {}",
    "matched": "equal {}",
    "lane": "{} lane",
    "machine": "machine {}",
}
"""What of a verdict's conditions is told on one line; the report tells all of them."""


def scope(conditions: Mapping[str, Any]) -> str:
    """'language; size 2,000, 8,000; length 64; backend fused; equal units; machine 3f2a9c'."""
    parts = []
    for name, words in _SCOPE.items():
        if name in conditions:
            value = conditions[name]
            values = value if isinstance(value, list | tuple) else (value,)
            parts.append(words.format(", ".join(v if isinstance(v, str) else f"{v:,}" for v in values)))
    return "; ".join(parts)


def _spaced(column: str) -> str:
    return column.replace("_", " ")
