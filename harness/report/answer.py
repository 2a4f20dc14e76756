"""The verdicts as the page shows them first: the word, the claim, the size of the effect, the scope, the reason."""

from __future__ import annotations

import math
from collections.abc import Collection, Mapping, Sequence
from typing import TYPE_CHECKING, Any

from markupsafe import Markup

from harness.report.appearance import Look, shorten
from harness.report.differences import condition_names, left_out, strip
from harness.report.svg import inline
from harness.report.wording import NO_VALUE, number, plural, with_unit

if TYPE_CHECKING:
    from harness.analysis.claims import Verdict
    from harness.report.data import ReportData
    from harness.report.plot import Plot

WORDS = {
    "supported": ("supported", "✓", "The records agree with the claim."),
    "contradicted": ("contradicted", "✗", "The records say the opposite."),
    "no practical difference": ("level", "≈", "Measured, and too small to matter: inside the margin."),
    "undecided": ("undecided", "?", "The interval leaves more than one answer open."),
    "not testable": ("untestable", "∅", "No finite experiment can decide it."),
}
"""Verdict to the name of its style, its sign, and what it means."""


def answer(data: ReportData, looks: Mapping[str, Look], plots: Sequence[Plot]) -> dict[str, Any]:
    """The verdicts for the template, in the order of the experiment file, and how many there are of each word."""
    counts = [(word, sum(verdict.verdict == word for verdict in data.verdicts)) for word in WORDS]
    return {
        "counts": [
            {"word": word, "style": WORDS[word][0], "sign": WORDS[word][1], "count": n} for word, n in counts if n
        ],
        "verdicts": [
            shown(verdict, looks, place, {plot.id for plot in plots}) for place, verdict in enumerate(data.verdicts)
        ],
        "words": [
            {"word": word, "style": style, "sign": sign, "meaning": meaning}
            for word, (style, sign, meaning) in WORDS.items()
        ],
    }


def shown(verdict: Verdict, looks: Mapping[str, Look], place: int, figures: Collection[str]) -> dict[str, Any]:
    """One verdict in words and numbers, with its strip of differences and a link to its figure."""
    style, sign, _ = WORDS.get(verdict.verdict, ("undecided", "?", ""))
    needed = getattr(verdict, "needed_seeds", None)
    return {
        "id": verdict.id,
        "claim": shorten(verdict.claim, 600),
        "word": verdict.verdict,
        "style": style,
        "sign": sign,
        "effect": effect(verdict.effect, verdict.unit),
        "interval": bounds(verdict.ci_low, verdict.ci_high),
        "margin": with_unit(getattr(verdict, "margin", None), verdict.unit) if getattr(verdict, "margin", None) else "",
        "seeds": plural(verdict.n, "seed") if verdict.n else "",
        "needed": f"about {needed:,} seeds needed to decide" if needed and verdict.verdict == "undecided" else "",
        "scope": scope(verdict.conditions),
        "reason": shorten(verdict.reason, 1200),
        "baseline": shorten(getattr(verdict, "baseline", ""), 400),
        "source": shorten(getattr(verdict, "source", ""), 600),
        "strip": _strip(verdict, looks, place),
        "lost": left_out(verdict),
        "p": _p_value(verdict),
        "parts": parts(verdict),
        "evidence": figure_of(verdict, figures),
    }


def parts(verdict: Verdict) -> list[dict[str, str]]:
    """The verdict of each condition."""
    by_condition = getattr(verdict, "by_condition", ())
    return [
        {
            "name": name,
            "word": part.verdict,
            "effect": effect(part.effect, part.unit),
            "interval": bounds(part.ci_low, part.ci_high),
            "n": str(part.n),
        }
        for name, part in zip(condition_names(by_condition), by_condition, strict=True)
    ]


FIGURE_OF = (
    ("horizon", "horizon"),
    ("proportion", "solved"),
    ("time-to-target", "time-to-target"),
    ("parameters", "parameters"),
    ("seconds", "seconds-per-update"),
    ("memory", "memory"),
    ("loss", "loss-by-size"),
    ("accuracy", "accuracy-by-length"),
)
"""What a claim's kind, or the column it compares, has in it, and the figure that shows that."""


def figure_of(verdict: Verdict, figures: Collection[str]) -> str:
    """The id of the figure that a claim rests on, of those that the page has; '' where none is known."""
    words = f"{getattr(verdict, 'kind', '')} {getattr(verdict, 'on', '')} {verdict.id}"
    varied = verdict.conditions.get("sequence_length")
    if isinstance(varied, list | tuple) and len(varied) > 1 and "test_" in words and "accuracy-by-length" in figures:
        return "accuracy-by-length"
    return next((figure for word, figure in FIGURE_OF if word in words and figure in figures), "")


def _strip(verdict: Verdict, looks: Mapping[str, Look], place: int) -> Markup | None:
    panel = strip(verdict, looks)
    if panel is None:
        return None
    label = f"Differences, seed by seed: {shorten(verdict.claim, 200)}"
    return Markup(inline(panel, looks, key=f"strip-{place}", label=label))


def _p_value(verdict: Verdict) -> str:
    p = getattr(verdict, "p_adjusted", None)
    if p is None or math.isnan(p):
        return ""
    return "p < 0.001" if p < 0.001 else f"p = {number(p, 2)}"


def effect(value: float | None, unit: str) -> str:
    """'+0.12 nats'; a sign always, since an effect is a difference."""
    if value is None or math.isnan(value):
        return NO_VALUE
    return ("+" if value > 0 else "") + with_unit(value, unit)


def bounds(low: float | None, high: float | None) -> str:
    """'[0.05, 0.19]', or nothing where there is no interval."""
    if low is None or high is None or math.isnan(low) or math.isnan(high):
        return ""
    return f"[{number(low)}, {number(high)}]"


def scope(conditions: Mapping[str, Any]) -> list[tuple[str, str]]:
    """The conditions that the verdict covers, a name and its values each."""
    return [(str(name).replace("_", " "), shorten(_values(value), 120)) for name, value in conditions.items()]


def _values(value: Any) -> str:
    items: Sequence[Any] = value if isinstance(value, list | tuple) else (value,)
    return ", ".join(
        number(item) if isinstance(item, int | float) and not isinstance(item, bool) else str(item) for item in items
    )
