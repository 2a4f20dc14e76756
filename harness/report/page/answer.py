"""The verdicts as the page shows them first: the word, the claim, the size of the effect, the scope, the reason."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import TYPE_CHECKING, Any

from harness.report.draw.svg import inline
from harness.report.figures.differences import crosses, left_out, strip
from harness.report.figures.looks import Look, title_of
from harness.report.page.forest import forest
from harness.spec.factors import FACTORS, Kind
from harness.spec.trial import SPEC_DEFAULTS
from harness.store.data_names import as_text
from harness.verdicts.verdict import decided_first
from harness.verdicts.words import effects
from harness.verdicts.words.conditions import condition_names
from harness.verdicts.words.effects import interval_of
from harness.verdicts.words.published import as_published, inside_in_words, measured_in_words
from harness.words import NO_VALUE, natural, number, plural, shorten

if TYPE_CHECKING:
    import pandas as pd

    from harness.report.data import ReportData
    from harness.report.figures.plot import Plot
    from harness.verdicts.verdict import Verdict

WORDS = {
    "supported": ("supported", "✓", "The records agree with the claim."),
    "contradicted": ("contradicted", "✗", "The records support the opposite."),
    "no practical difference": (
        "level",
        "≈",
        "The difference is smaller than the margin: too small to matter in practice.",
    ),
    "depends": ("depends", "±", "The verdicts of the conditions differ."),
    "undecided": ("undecided", "?", "The data do not rule out any of several answers."),
    "not testable": ("untestable", "∅", "No finite experiment can decide it."),
}
"""Verdict to the name of its style, its sign, and what it means."""


def answer(data: ReportData, looks: Mapping[str, Look], plots: Sequence[Plot]) -> list[dict[str, Any]]:
    """The verdicts for the template: decided ones first, then those that depend on the condition, then the others."""
    ids = data.frame[["trial_id", "seed"]].dropna() if {"trial_id", "seed"} <= {*data.frame.columns} else None
    trial_seeds = {} if ids is None else dict(zip(ids["trial_id"], ids["seed"].astype(int), strict=True))
    seen = Counter[str]()  # several folders judge the same claims
    shown_verdicts = []
    for place, verdict in enumerate(decided_first(data.verdicts)):
        seen[verdict.id] += 1
        id = verdict.id if seen[verdict.id] == 1 else f"{verdict.id}-{seen[verdict.id]}"
        figures = {"evidence": figure_of(verdict, plots), "mean_outcomes": mean_outcomes(verdict, data.frame, looks)}
        shown_verdicts.append({**shown(verdict, looks, place, trial_seeds), "id": id, **figures})
    return shown_verdicts


def _lean(verdict: Verdict) -> dict[str, Any] | None:
    """The bar of an undecided claim: probabilities of a difference against it, within the margin, and for it."""
    shares = (("against", verdict.lean_against), ("within", verdict.lean_within), ("favour", verdict.lean_favour))
    known = [(name, share) for name, share in shares if share is not None]
    if verdict.verdict != "undecided" or len(known) < len(shares):
        return None
    percent = {name: round(100 * share, 1) for name, share in known}
    starts = (0.0, percent["against"], percent["against"] + percent["within"])
    label = (
        f"Probability of a difference beyond the margin for the claim {percent['favour']:.0f} %, within the margin"
        f" {percent['within']:.0f} %, beyond it against the claim {percent['against']:.0f} %"
    )
    parts = [
        {"name": name, "start": start, "width": percent[name]} for (name, _), start in zip(known, starts, strict=True)
    ]
    return {"label": label, "parts": parts}


def beside(folders: Mapping[str, ReportData]) -> dict[str, Any]:
    """A row a claim, and in it the verdict of each folder, in a word and in numbers."""
    of_folder = [{verdict.id: verdict for verdict in data.verdicts} for data in folders.values()]
    claims = {verdict.id: verdict.claim for verdicts in reversed(of_folder) for verdict in verdicts.values()}
    order = dict.fromkeys(id for verdicts in of_folder for id in verdicts)
    return {
        "folders": [shorten(label, 60) for label in folders],
        "rows": [(shorten(claims[id], 300), [_brief(verdicts.get(id)) for verdicts in of_folder]) for id in order],
    }


def _brief(verdict: Verdict | None) -> tuple[str, str]:
    if verdict is None:
        return "", "not asked"
    words = (effect(verdict), interval_of(verdict), seeds(verdict))
    return verdict.verdict, ", ".join(word for word in words if word and word != NO_VALUE)


def seeds(verdict: Verdict) -> str:
    """'5 seeds'; empty for claims without seeds."""
    return plural(verdict.n, "seed") if verdict.n else ""


def shown(
    verdict: Verdict, looks: Mapping[str, Look], place: int, trial_seeds: Mapping[str, int] | None = None
) -> dict[str, Any]:
    """One verdict in words and numbers, with its strip of differences; `trial_seeds`: the seed of each trial by id."""
    needed = verdict.needed_seeds
    panel = strip(verdict, looks, trial_seeds)
    label = f"Differences, seed by seed: {shorten(verdict.claim, 200)}"
    return {
        "id": verdict.id,
        "kind": verdict.kind,
        "n": verdict.n,
        "forest": forest(verdict),
        "lean": _lean(verdict),
        "claim": shorten(verdict.claim, 600),
        "word": verdict.verdict,
        "means": means(verdict, looks),
        "effect": effect(verdict),
        "interval": interval_of(verdict),
        "margin": margin_in_words(verdict),
        "seeds": seeds(verdict),
        "needed": f"about {needed:,} seeds for 80 % power" if needed and verdict.verdict == "undecided" else "",
        "scope": scope(verdict.conditions),
        "reason": shorten(verdict.reason.replace(verdict.baseline, "") if verdict.baseline else verdict.reason, 1200),
        "baseline": shorten(verdict.baseline, 400),
        "source": shorten(verdict.source, 600),
        "strip": panel and inline(panel, looks, key=f"strip-{place}", label=label),
        "crosses": crosses(panel, verdict) if panel else "",
        "lost": left_out(verdict),
        "p": p_value(verdict),
        "published": published(verdict, looks),
        "conditions": len(verdict.by_condition),
        "parts": parts(verdict),
    }


def published(verdict: Verdict, looks: Mapping[str, Look]) -> dict[str, Any] | None:
    """The figures of a publication beside those measured, one row a cell; None if the claim quotes none."""
    result = verdict.published
    if result is None:
        return None
    rows = [
        (title_of(looks, figure.cell, 40), as_published(figure), measured_in_words(figure), inside_in_words(figure))
        for figure in result.figures
    ]
    return {
        "source": shorten(result.source, 200),
        "finding": shorten(result.finding, 600),
        "unit": shorten(result.unit, 60),
        "setup": shorten(result.setup, 600),
        "rows": rows,
    }


def parts(verdict: Verdict) -> list[tuple[str, str, str, str, str]]:
    """One row for the verdict of each condition, and one for the interquartile mean, if there is one."""
    names = condition_names(verdict.by_condition)
    rows: list[tuple[str, str, str, str, str]] = [
        (name, part.verdict, effect(part), interval_of(part), str(part.n))
        for name, part in zip(names, verdict.by_condition, strict=True)
    ]
    if rows and verdict.interquartile_mean is not None:
        low, high = verdict.interquartile_low, verdict.interquartile_high
        middle = replace(verdict, effect=verdict.interquartile_mean, ci_low=low, ci_high=high)
        rows.append(("interquartile mean over seeds and conditions", "", effect(middle), interval_of(middle), ""))
    return rows


def figure_of(verdict: Verdict, plots: Sequence[Plot]) -> str:
    """The id of the figure or section with a claim's evidence; '' if there is none."""
    if verdict.kind == "not-testable":
        return ""
    if verdict.kind == "exact" and "parameters" not in verdict.unit:
        return "architectures"
    named = verdict.conditions.get("task", ())
    shown = {
        plot.id: {panel.facets.get("task") for panel in plot.panels}
        for plot in plots
        if not named or any(panel.facets.get("task") in _listed(named) for panel in plot.panels)
    }
    return next((figure for figure in _candidates(verdict) if figure in shown), "")


def _candidates(verdict: Verdict) -> tuple[str, ...]:
    """The figures that may show a claim's outcome, in order of preference."""
    by_kind = {
        "exact": ("parameters",),
        "horizon": ("horizon", "solved"),
        "data-to-target": ("loss-by-size", "scores"),
        "proportion": ("solved", "scores"),
        "time-to-target": ("time-to-target", "learning-curves"),
    }
    if verdict.kind in by_kind:
        return by_kind[verdict.kind]
    if verdict.on in ("parameters", "recurrent_parameters"):
        return ("parameters",)
    if verdict.on.startswith("memory"):
        return ("memory", "memory-by-units")
    if verdict.on.startswith(("seconds", "cpu_seconds")):
        return ("seconds-per-update",)
    along = ("loss-by-size", "accuracy-by-length")
    lengths = _listed(verdict.conditions.get("sequence_length", ()))
    return (*(reversed(along) if len(lengths) > 1 else along), "scores", "pareto", "learning-curves")


def _listed(value: Any) -> tuple[Any, ...]:
    return tuple(value) if isinstance(value, list | tuple) else (value,)


def means(verdict: Verdict, looks: Mapping[str, Look]) -> str:
    """What the verdict means for this claim, in one sentence."""
    better, than = (title_of(looks, cell, 40) for cell in (verdict.better, verdict.than))
    by = _by(verdict)
    parts = Counter(part.verdict for part in verdict.by_condition)
    if verdict.kind == "exact":
        return {
            "supported": "True: counted or computed, not estimated.",
            "contradicted": "False: counted or computed, not estimated.",
        }.get(verdict.verdict, "It could not be computed here.")
    if verdict.verdict == "supported":
        if verdict.kind == "crossing":
            claimed = f"{better} does better at the smallest value, {than} at the largest{_where(verdict)}"
            return f"The claim holds here: {claimed}."
        claimed = "the advantage changes as claimed" if verdict.kind == "trend" else _better(verdict, better, than)
        return f"The claim holds here: {claimed}{by}."
    if verdict.verdict == "contradicted" and verdict.kind == "crossing":
        return "The claim does not hold here: the advantage does not change sign as claimed."
    if verdict.verdict == "contradicted":
        claimed = (
            "the advantage changes in the opposite direction"
            if verdict.kind == "trend"
            else _better(verdict, than, better)
        )
        return f"The opposite holds here: {claimed}{by}."
    if verdict.verdict == "no practical difference":
        return f"{better} and {than} differ by less than the margin, which is too little to matter in practice."
    if verdict.verdict == "not testable":
        return WORDS["not testable"][2] if verdict.kind == "not-testable" else "It could not be measured here."
    if verdict.verdict == "depends" or set(parts) - {"undecided"}:
        verdict_counts = ", ".join(f"{word} in {count}" for word, count in parts.most_common())
        verdict_counts = f"{verdict_counts} of {plural(len(verdict.by_condition), 'condition')}"
        if verdict.verdict == "depends":
            return f"The verdict depends on the condition: {verdict_counts}."
        return f"Undecided when conditions are pooled; judged separately: {verdict_counts}."
    if not verdict.n:
        return "There are no data to judge yet."
    if verdict.kind == "crossing":
        return f"Undecided: {plural(verdict.n, 'seed')} do not show whether the advantage changes sign."
    which = "needs less data" if verdict.kind == "data-to-target" else "does better"
    return f"Undecided: {plural(verdict.n, 'seed')} do not show whether {better} or {than} {which}."


def _where(verdict: Verdict) -> str:
    """' and the advantage changes sign at 12 [9, 17]': with its 95 % interval."""
    if verdict.crossing is None:
        return ""
    bounds = effects.interval(verdict.crossing_low, verdict.crossing_high, "")
    return f", and the advantage changes sign at {number(verdict.crossing, 3)} {bounds}"


def _better(verdict: Verdict, better: str, than: str) -> str:
    does = "needs less data" if verdict.kind == "data-to-target" else "does better"
    return f"{better} {does} than {than}"


def _by(verdict: Verdict) -> str:
    """' by 0.1 nats': the size of the difference."""
    if verdict.effect is None or math.isinf(verdict.effect):
        return ""
    return f" by {_one_line(effects.size(verdict.effect, verdict.unit, verdict.scale))}"


def mean_outcomes(verdict: Verdict, frame: pd.DataFrame, looks: Mapping[str, Look]) -> str:
    """'Mean test bits per character: GRU 3.21, LSTM 3.05; baselines: chance 6.9, unigram 4.1.'"""
    if not verdict.on.startswith("test_") or not verdict.pairs:
        return ""
    sides = (
        (verdict.better, [pair.better for pair in verdict.pairs]),
        (verdict.than, [pair.than for pair in verdict.pairs]),
    )
    cell_means = []
    for cell, outcomes in sides:
        values = [value for value in outcomes if math.isfinite(value)]
        if values:
            cell_means.append(f"{title_of(looks, cell, 40)} {number(math.fsum(values) / len(values))}")
    about = frame
    for name, value in verdict.conditions.items():
        if name in about:
            about = about[about[name].isin(_listed(value))]
    ending = verdict.on.removeprefix("test")
    scores = {
        str(name).removeprefix("baseline_").removesuffix(ending).replace("_", " "): about[name].mean()
        for name in about.columns
        if str(name).startswith("baseline_") and str(name).endswith(ending)
    }
    named = [f"{name} {number(float(score))}" for name, score in scores.items() if not math.isnan(score)]
    baselines = f"; baselines: {', '.join(named)}" if named else ""
    return f"Mean {verdict.on.replace('_', ' ')}: {', '.join(cell_means)}{baselines}." if cell_means else ""


def p_value(verdict: Verdict) -> str:
    """'p = 0.02', corrected; nothing where there is none."""
    p = verdict.p_adjusted
    if p is None or math.isnan(p):
        return ""
    return "p\u00a0<\u00a00.001" if p < 0.001 else f"p\u00a0=\u00a0{number(p, 2)}"


def effect(verdict: Verdict) -> str:
    """'+0.12 nats': the effect, kept on one line."""
    return _one_line(effects.effect(verdict.effect, verdict.unit, verdict.scale, verdict.kind))


def margin_in_words(verdict: Verdict) -> str:
    """'±0.02 nats'; nothing where there is none."""
    if not verdict.margin:
        return ""
    return f"±{_one_line(effects.size(verdict.margin, verdict.unit, verdict.scale))}"


def _one_line(text: str) -> str:
    """The text with a non-breaking space between number and unit."""
    return text.replace(" ", "\u00a0", 1)


def _as_a_scope_has_it(value: Any, kind: Kind) -> Any:
    """A default in its JSON form as the frame's column holds it."""
    if isinstance(value, list):
        return as_text(value)
    return "" if value is None and kind == "text" else value


USUAL = {
    factor.column: _as_a_scope_has_it(SPEC_DEFAULTS[name], factor.kind)
    for name, factor in FACTORS.items()
    if factor.scope and factor.usual and name in SPEC_DEFAULTS
}
"""Usual settings of a network, which the scope leaves out."""


def scope(conditions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The conditions that the verdict covers, a name and its values each; values that are as usual are left out."""
    shown = {name: value for name, value in conditions.items() if name not in USUAL or value != USUAL[name]}
    if shown.get("reference_units") == shown.get("units"):
        shown.pop("reference_units", None)
    return [(str(name).replace("_", " "), shorten(_values(value), 120)) for name, value in shown.items()]


def _values(value: Any) -> str:
    values = _listed(value)
    if all(isinstance(one, str) for one in values):
        values = tuple(sorted(values, key=natural))
    return ", ".join(map(_one_value, values))


def _one_value(value: Any) -> str:
    if value is None:
        return "none"
    return number(value) if isinstance(value, int | float) and not isinstance(value, bool) else str(value)
