"""The reason of a verdict: its sentences and their order."""

from __future__ import annotations

from typing import Any

from harness.store.frame import to_frame
from harness.store.interim import InterimAnalysis
from harness.verdicts.baselines import AgainstBaseline
from harness.verdicts.evidence import Compared, Evidence, Relation
from harness.verdicts.lean import Lean
from harness.verdicts.missing_evidence import OneSidedFailures
from harness.verdicts.outcomes import OutcomeColumn
from harness.verdicts.pairs import PairingCounts
from harness.verdicts.resolution import Resolution
from harness.verdicts.stated import sample_verdict
from harness.verdicts.verdict import Verdict, VerdictWord
from harness.verdicts.words.reasons import claim_reason, left_out, mixture, nothing_paired, sample_reason
from tests.verdicts.records import paired, trials
from tests.verdicts.words.samples import LOSS, RATIO, TREND, evidence


def test_the_sentences_of_a_sample_come_in_this_order() -> None:
    gru = AgainstBaseline("gru", "trigram", 2.0, 2.3, beats=True)
    analysis = InterimAnalysis(8, 0.0, 0.0, 0.0, 1.0, 1.0)
    everything = evidence(
        paired(), -0.01, -0.1, 0.1, p=0.8, analyses=(analysis,), most_seeds=40,
        lean=Lean(0.25, 0.5, 0.25), resolution=Resolution(30, too_coarse=False, finer_helps=False),
        missing=OneSidedFailures(0.25), seeds_for_power=12, noise_of_times=True, baselines=((gru,),),
    )  # fmt: skip
    assert sample_reason(everything) == (
        "GRU against LSTM, test loss, 8 seeds: worse, −0.01 (95 % interval [−0.1, 0.1])."
        " Neither a difference (p = 0.8) nor equality within 0.05 is established."
        " Probability of a difference beyond 0.05 in favour of the claim: 25 %; within 0.05: 50 %;"
        " beyond 0.05 against it: 25 %."
        " Times to target are known to within 30, the largest interval between two evaluations around them."
        " In 25 % of the pairs one cell failed and the other did not; 'no practical difference' allows at most 5 %."
        " 80 % power to detect a difference of 0.05 requires about 12 seeds (harness run FILE --until-decided)."
        " Measure times on an otherwise idle machine; more seeds do not reduce timing noise."
        " Interim analysis after 8 of at most 40 seeds; p-value and interval are adjusted for it."
        " GRU beats the best baseline, 'trigram' (2 against 2.30)."
    )
    assert sample_reason(evidence(paired(), analyses=(analysis,), word="supported")) == (
        "GRU against LSTM, test loss, 8 seeds: better, +0.2 (95 % interval [0.1, 0.3])."
        " The direction is clear (p = 0.01)."
    )


def over(relation: Relation, *parts: Evidence, **further: Any) -> str:
    overall = evidence(paired(), 0.0, -0.1, 0.1, word="supported", **further)
    compared = Compared(overall, PairingCounts(), parts, relation)
    return claim_reason(compared, [sample_verdict(part) for part in parts])


def test_the_reason_of_several_conditions_states_how_they_relate() -> None:
    better = evidence(paired(), word="supported", scope={"sequence_length": 10})
    worse = evidence(paired(), -0.2, -0.3, -0.1, word="contradicted", scope={"sequence_length": 20})
    equal = evidence(paired(), 0.0, -0.01, 0.01, word="no practical difference", scope={"sequence_length": 30})
    unclear = evidence(paired(), scope={"sequence_length": 40})
    sentence = "GRU against LSTM, test loss, 8 seeds: no difference, 0 (95 % interval [−0.1, 0.1])."
    clear = f"{sentence} The direction is clear (p = 0.01)"
    pooled = "Supported in 2 of 2 conditions. All conditions pooled: GRU against LSTM"
    assert over("one condition").startswith(clear)
    assert over("pooled", better, better).startswith(pooled)
    assert over("depends", better, equal, unclear, worse, better) == (
        "It depends: GRU better for length 10 (+0.2 [0.1, 0.3]), length 10 (+0.2 [0.1, 0.3]); no practical difference"
        " for length 30 (0 [−0.01, 0.01]); GRU worse for length 20 (−0.2 [−0.3, −0.1])."
        f" All conditions pooled: {sentence}"
    )
    assert over("unlike the conditions", worse).startswith(
        "Contradicted in 1 of 1 condition, in contrast to all conditions pooled: GRU against LSTM"
    )
    larger = over("larger in a condition", better, better)
    assert larger.startswith(pooled)
    assert larger.endswith(" In at least one condition the observed difference is larger than the margin.")


def test_what_it_depends_on_is_stated_in_the_words_of_the_kind() -> None:
    faster = OutcomeColumn("seconds_per_update", "seconds per update", "s", True)
    fused, keras = {"backend": "fused"}, {"backend": "keras"}
    both = [
        evidence(paired(), 0.2, 0.1, 0.3, RATIO, word="supported", scope=fused, outcome=faster),
        evidence(paired(), -0.2, -0.3, -0.1, RATIO, word="contradicted", scope=keras, outcome=faster),
    ]
    assert over("depends", *both, outcome=faster).startswith(
        "It depends: GRU faster for backend fused (+22.1 % [10.5, 35.0]); GRU slower for backend keras (−22.1 % ["
    )
    trends = [evidence(TREND, word="supported", scope=fused), evidence(TREND, -0.2, word="contradicted", scope=keras)]
    compared = Compared(evidence(TREND), PairingCounts(), tuple(trends), "depends")
    text = claim_reason(compared, [sample_verdict(part) for part in trends])
    assert text.startswith("It depends: the advantage grows for backend fused (")
    assert "; the advantage shrinks for backend keras (" in text


def test_trials_in_no_pair_and_outcomes_that_are_not_finite_are_counted() -> None:
    assert left_out(PairingCounts(), LOSS) == ""
    assert left_out(PairingCounts(unpaired=1, reused=1, not_finite=1), LOSS) == (
        "1 of the failed trials ran to the end, but the test loss is not finite."
        " 1 trial without a counterpart is left out."
        " 1 trial is left out because the compiled program of an earlier trial was reused: memory and compile time are"
        " measured in the first trial of a process."
    )
    assert left_out(PairingCounts(unpaired=4, reused=2, not_finite=2), LOSS) == (
        "2 of the failed trials ran to the end, but the test loss is not finite."
        " 4 trials without a counterpart are left out."
        " 2 trials are left out because the compiled program of an earlier trial was reused: memory and compile time"
        " are measured in the first trial of a process."
    )


def test_a_claim_without_pairs_states_what_it_requires_and_what_the_records_have() -> None:
    start = "No records for this claim: it requires trials of gru and lstm with the same seed"
    frame = to_frame([*trials(0.2, seeds=1), *trials(0.2, seeds=1, units=64)])
    narrow = paired(where={"units": [77, 78], "task": "language"})
    assert nothing_paired(narrow, frame) == (
        f"{start}, task language, units 77 or 78. The records have units 32 and 64."
    )
    assert (
        nothing_paired(TREND, frame) == f"{start}, at 3 or more values of train_size. No two records form such a pair."
    )
    smallest = paired(where={"train_size": "smallest"})
    assert nothing_paired(smallest, to_frame([])) == f"{start}, train_size smallest. There are no records."


def test_a_mixture_begins_with_the_most_frequent() -> None:
    words: list[VerdictWord] = ["contradicted", "supported", "supported"]
    parts = [Verdict("c", "C.", word, None, None, None, "", 0) for word in words]
    assert mixture(parts) == "supported in 2 of 3 conditions, contradicted in 1"
    assert mixture(parts[:1]) == "contradicted in 1 of 1 condition"
