"""The sentences of a verdict's finding: what was compared, the result, the failures, and why this verdict."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Sequence
from functools import cache

from harness.cells import cells
from harness.spec.claims import OPTION, Comparison, Crossing, DataToTarget, Horizon, Proportion, TimeToTarget, Trend
from harness.tasks.common.target import Target
from harness.verdicts.advantages import Advantages, Scale
from harness.verdicts.baselines import AgainstBaseline
from harness.verdicts.evidence import Ends, Evidence
from harness.verdicts.lean import Lean
from harness.verdicts.outcomes import OutcomeColumn, SecondsFrom, ToTarget
from harness.verdicts.stats import ALPHA, FAILURE, FEWEST_SEEDS, Estimate
from harness.verdicts.words.effects import effect, interval, size
from harness.words import number, plural

_SECONDS_FROM: dict[SecondsFrom, str] = {
    "shared machine": "of trials that share the machine",
    "medians": "by the speed lane's seconds per update (medians)",
    "ratios within rounds": "by the speed lane's seconds per update (ratios within rounds)",
    "ratios within rounds of common blocks, else medians": (
        "by the speed lane's seconds per update (ratios within rounds of common timing blocks, else medians)"
    ),
}


@cache
def title(cell: str) -> str:
    """The name of the cell, as sentences write it."""
    return cells[cell].title


def capital(sentence: str) -> str:
    """The sentence with a capital first letter; the other letters stay."""
    return sentence[:1].upper() + sentence[1:]


def finding(evidence: Evidence) -> str:
    """One sentence on what was measured and, if trials failed, one on the failures."""
    claim, estimate, scale = evidence.claim, evidence.sample.estimate, evidence.scale
    failures = _failures(claim, estimate, evidence.sample.advantages, scale)
    subject = f"{capital(_subject(claim, evidence.outcome))}, {plural(estimate.n, 'seed')}"
    if not evidence.informed:
        return f"{subject}: nothing to compare. {failures}".strip()
    shown, low, high = (scale.show(value + 0.0) for value in (estimate.effect, estimate.low, estimate.high))  # no -0
    range_ = f" (95 % interval {interval(low, high, scale.unit, scale.kind, shown)})" if estimate.n > 1 else ""
    if isinstance(claim, Crossing) and evidence.ends is not None:
        return f"{subject}: {_at_both_ends(claim, evidence.ends, scale)}{range_}. {failures}".strip()
    text = f"{subject}: {_direction(claim, shown)}{effect(shown, scale.unit, scale.kind)}{range_}."
    return f"{text} {failures}".strip()


def _at_both_ends(claim: Crossing, ends: Ends, scale: Scale) -> str:
    """Which cell is better at both ends of the factor, where this changes, and the smaller advantage."""

    def better(advantage: float, cells: tuple[str, str]) -> str:
        if advantage == 0:
            return "no difference"
        cell = title(cells[advantage < 0])
        if math.isinf(advantage):
            return f"in at least half of the seeds only {cell} succeeded"
        return f"{cell} better by {size(advantage, scale.unit, scale.kind)}"

    along, pair = along_in_words(claim.along), (claim.better, claim.than)
    first, last = ("the smallest", "the largest") if ends.levels is None else map(number, ends.levels)
    text = f"at {first} {better(ends.first, pair)}, at {last} {better(ends.last, pair[::-1])}"
    if (change := ends.change) is not None:
        where = f"{number(change.at, 3)} (95 % interval {interval(change.low, change.high, '')})"
        text = f"{text}; the advantage changes sign at {along} {where}"
    smaller = min(ends.first, ends.last)
    return f"{text}. The smaller of the two claimed advantages: {effect(smaller, scale.unit, scale.kind)}"


def _failures(claim: Comparison, estimate: Estimate, advantages: Advantages, scale: Scale) -> str:
    """How many trials failed, and how effect and interval count them."""
    count, what, where, before = advantages.failed, "failed", "", ""
    if isinstance(claim, Proportion | Horizon | DataToTarget):
        before = f"{plural(count, 'trial')} failed and count{'s' * (count == 1)} as not solved. " if count else ""
        count, where = advantages.misses, " at every size"
    if isinstance(claim, TimeToTarget | DataToTarget):
        what = "missed the target"
    if not count:
        return before.strip()
    begin = f"{before}{plural(count, 'trial' if not where else 'seed')} {what}{where}"
    if advantages.lopsided == 0:
        return f"{begin}: a pair in which both {what} counts as a tie."
    if advantages.bounded or estimate.bounded:
        times = f"{FAILURE:g} times the largest observed difference"
        size = f"the largest observed ratio to the power of {FAILURE:g}" if scale.kind == "log ratio" else times
    else:
        size = "an infinite difference"
    alone = f"{begin}: a pair in which one cell {what} counts as {size}"
    return f"{alone}, a pair in which both {what} as a tie." if count > 1 else f"{alone}."


def _subject(claim: Comparison, outcome: OutcomeColumn) -> str:
    both = f"{title(claim.better)} against {title(claim.than)}"
    if isinstance(claim, Horizon):
        return f"{both}, largest {along_in_words(claim.along)} solved"
    if isinstance(claim, Trend):
        return f"Change of the advantage of {both}, {outcome_title(outcome)}, along {along_in_words(claim.along)}"
    if isinstance(claim, Crossing):
        return f"{both}, {outcome_title(outcome)}, along {along_in_words(claim.along)}"
    return f"{both}, {outcome_title(outcome)}"


def outcome_title(outcome: OutcomeColumn) -> str:
    """The name of the compared outcome: 'test loss', 'updates to a validation loss of 2'."""
    if outcome.to_target is not None:
        return _time_to_target(outcome.to_target)
    split = "test " if outcome.column.startswith("test_") else ""
    return outcome.title if outcome.title.startswith(split) else split + _lowered(outcome.title)


def _lowered(title: str) -> str:
    """The title as it stands inside a sentence; abbreviations such as F1 and MSE stay."""
    return title if title[1:2].isupper() or title[1:2].isdigit() else title[:1].lower() + title[1:]


def _time_to_target(outcome: ToTarget) -> str:
    text = f"{outcome.by} to {_target(outcome.targets)}"
    return text if outcome.seconds_from is None else f"{text}, {_SECONDS_FROM[outcome.seconds_from]}"


def _target(targets: Sequence[Target]) -> str:
    """'a validation loss of 2.0', 'the validation accuracy of unigram', or, for several, 'the tasks' targets'."""
    if len(targets) != 1:
        return "the tasks' targets"
    ((metric, level),) = targets
    words = f"validation {metric.replace('_', ' ')}"
    return f"the {words} of {level}" if isinstance(level, str) else f"a {words} of {level:g}"


def _direction(claim: Comparison, shown: float) -> str:
    """What the sign of the effect means, such as 'better, '; for an infinite effect also the reason."""
    if shown == 0:
        return "no difference, "
    if isinstance(claim, Trend):
        direction = claim.advantage if shown > 0 else opposite(claim)
        beyond = " without bound because of failures in at least half of the seeds" * math.isinf(shown)
        return f"it {direction}{beyond}, "
    if math.isinf(shown):
        return f"in at least half of the seeds only {title(claim.better if shown > 0 else claim.than)} succeeded, "
    if isinstance(claim, Proportion):
        return f"{'more' if shown > 0 else 'fewer'} seeds solve it, "
    if isinstance(claim, DataToTarget):
        return f"{'less' if shown > 0 else 'more'} data needed, "
    return f"{'better' if shown > 0 else 'worse'}, "


def opposite(claim: Trend) -> str:
    """What the advantage does if the claim is contradicted."""
    return "grows" if claim.advantage == "shrinks" else "shrinks"


def why(evidence: Evidence) -> str:
    """Why the sample has this verdict, in one sentence."""
    word, estimate, p_adjusted = evidence.word, evidence.sample.estimate, evidence.p_adjusted
    margin, ties = margin_of(evidence.scale), evidence.sample.advantages.uninformative
    p = f"p = {p_adjusted:.2g}" if p_adjusted >= 0.001 else "p < 0.001"
    if word in ("supported", "contradicted"):
        if isinstance(evidence.claim, Crossing):
            return _why_crossing(evidence, p)
        small = min(abs(estimate.low), abs(estimate.high)) < evidence.scale.margin
        return f"The direction is clear ({p})" + (
            f"; the difference may be smaller than the margin, {margin}." if small else "."
        )
    if word == "no practical difference":
        where = " at both ends" if isinstance(evidence.claim, Crossing) else ""
        return f"A difference as large as the margin, {margin}, is ruled out{where}."
    if estimate.n < FEWEST_SEEDS:
        return f"A decision requires at least {FEWEST_SEEDS} seeds."
    if 2 * ties >= estimate.n:
        return f"In {ties} of {estimate.n} seeds {_tie(evidence.claim)}, which does not show a difference either way."
    if p_adjusted <= ALPHA:
        return f"The test rejects equality ({p}), but the 95 % interval includes zero."
    return f"Neither a difference ({p}) nor equality within {margin} is established."


def _why_crossing(evidence: Evidence, p: str) -> str:
    if evidence.word == "contradicted":
        return f"At one end at least, the opposite of the claim is clear ({p})."
    if evidence.sample.estimate.low < evidence.scale.margin:
        margin = margin_of(evidence.scale)
        return f"Both directions are clear ({p}); the smaller advantage may be smaller than the margin, {margin}."
    return f"Both directions are clear ({p})."


def lean_in_words(leaning: Lean, margin: str) -> str:
    """The probabilities of a difference within the margin and beyond it, for an undecided claim, in a sentence."""
    favour, within, against = (_probability(share) for share in (leaning.favour, leaning.within, leaning.against))
    return (
        f"Probability of a difference beyond {margin} in favour of the claim: {favour}; within {margin}: {within};"
        f" beyond {margin} against it: {against}."
    )


def _probability(share: float) -> str:
    percent = 100 * share
    return "< 1 %" if 0 < percent < 1 else "> 99 %" if 99 < percent < 100 else f"{percent:.0f} %"


def margin_of(scale: Scale) -> str:
    """The margin with its unit."""
    return size(scale.show(scale.margin), scale.unit, scale.kind)


def _tie(claim: Comparison) -> str:
    """What happens in a pair that ties without information, for this kind of claim."""
    if isinstance(claim, Horizon):
        return "both cells solve every tested value, or none"
    if isinstance(claim, DataToTarget):
        return "both cells reach the target at the smallest size, or at none"
    return "both missed the target" if isinstance(claim, TimeToTarget) else "both cells failed"


def beaten(remarks: Sequence[Sequence[AgainstBaseline]]) -> str:
    """A sentence on the cells that beat the best baseline in every condition; remarks: a list for each condition."""
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
    """Sentences on the cells that do not beat a baseline; remarks: a list for each condition."""
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


def along_in_words(along: str) -> str:
    """The name of the factor of a claim, or of the task's option, as sentences write it."""
    return spaced(along.removeprefix(OPTION))


def spaced(column: str) -> str:
    """The name of a column, as sentences write it."""
    return column.replace("_", " ")
