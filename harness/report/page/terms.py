"""Statistical terms of the page: what they mean, and links to the meaning from the texts that use them."""

from __future__ import annotations

import re
from dataclasses import dataclass

from markupsafe import Markup, escape


@dataclass(frozen=True)
class Term:
    """A term of statistics."""

    title: str
    pattern: str
    """A regular expression for the term in a text."""
    meaning: str
    """Two sentences for a reader without training in statistics."""


TERMS = {
    "interval": Term(
        "95 % interval",
        r"95\s%\s(?:confidence\s)?interval",
        "A range of values that agree with the data. If the experiment were repeated many times, about 95 % of such "
        "intervals would contain the true value.",
    ),
    "p": Term(
        "p-value",
        r"\bp(?:-value)?(?=\s?[=<≤]|\sis\b)|\bp-values?",
        "The probability of a difference at least as large as the observed one if there is no true difference. "
        "A small p-value, here at most 0.05, is evidence of a true difference.",
    ),
    "holm": Term(
        "Holm's correction",
        r"\bHolm\b",
        "With many claims, some would look true by chance, so Holm's correction raises their p-values. It keeps the "
        "probability of even one false positive among all claims at or below 5 %.",
    ),
    "margin": Term(
        "Equivalence margin",
        r"\b(?:equivalence\s)?margin\b",
        "The largest difference that has no practical importance, declared in the experiment file. The verdict is "
        "“no practical difference” if a test shows that the true difference is smaller than the margin.",
    ),
    "power": Term(
        "Power",
        r"\bpower\b(?!\sof)",
        "The probability that a test detects a difference that exists. It grows with the number of seeds and with the "
        "size of the difference.",
    ),
    "interim": Term(
        "Interim analysis",
        r"\binterim\sanalys[ei]s\b",
        "A test of the claims before all planned seeds have run. Testing repeatedly would cause more false positives, "
        "so p-values and intervals are adjusted for it.",
    ),
}
"""Terms by the end of their anchor, `term-<key>`."""

_ANY = re.compile("|".join(f"(?P<{key}>{term.pattern})" for key, term in TERMS.items()), re.IGNORECASE)


def explained(text: str) -> Markup:
    """The text, escaped, where the first use of each term links to its meaning and has it as a tooltip."""
    seen: set[str] = set()

    def link(match: re.Match[str]) -> str:
        key = match.lastgroup or ""
        if key in seen:
            return match[0]
        seen.add(key)
        return f'<a class="term" href="#term-{key}" title="{escape(TERMS[key].meaning)}">{match[0]}</a>'

    return Markup(_ANY.sub(link, str(escape(text))))
