"""What changed since the last judging of the folder that differed: verdicts, effects, seeds, the claims themselves."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING

from harness.report.page.answer import effect, seeds
from harness.verdicts.earlier import changed
from harness.verdicts.words.effects import interval_of
from harness.words import NO_VALUE, plural, shorten

if TYPE_CHECKING:
    from harness.report.data import ReportData
    from harness.verdicts.verdict import Verdict


@dataclass(frozen=True)
class Change:
    """A claim whose verdict, effect or seeds changed; empty texts where one of the judgings did not have it."""

    id: str
    """Empty where the claim is no longer judged."""
    claim: str
    note: str
    """'new', 'no longer judged', 'the claim itself changed', or nothing."""
    words: tuple[str, str]
    """The verdict before and now."""
    effects: tuple[str, str]
    seeds: tuple[str, str]


@dataclass(frozen=True)
class Changes:
    """What the page and the summary show."""

    since: str
    """When the earlier verdicts were written, ISO 8601."""
    sentence: str
    rows: tuple[Change, ...]
    """Changed verdicts first, then changed claims, then changed effects."""


def changes(data: ReportData) -> Changes | None:
    """The changes since the last judging that differed; None where there is no such judging."""
    if data.earlier is None:
        return None
    before = {verdict.id: verdict for verdict in data.earlier.verdicts}
    now = {verdict.id: verdict for verdict in data.verdicts}
    rows = [_row(before.get(id), now.get(id)) for id in [*now, *(before.keys() - now.keys())] if _has(before, now, id)]
    rows.sort(key=lambda row: (row.words[0] == row.words[1], not row.note))
    return Changes(data.earlier.judged_at, _sentence(rows, len(now)), tuple(rows))


def _has(before: dict[str, Verdict], now: dict[str, Verdict], id: str) -> bool:
    """Whether the claim is to be listed."""
    return id not in before or id not in now or changed(before[id], now[id])


def _row(before: Verdict | None, now: Verdict | None) -> Change:
    either = now or before
    assert either is not None
    if before is None or now is None:
        note = "new" if before is None else "no longer judged"
    else:
        same = (before.claim, before.margin, before.unit) == (now.claim, now.margin, now.unit)
        note = "" if same else "the claim itself changed"
    return Change(
        now.id if now else "",
        shorten(either.claim, 300),
        note,
        (before.verdict if before else "", now.verdict if now else ""),
        (_effect(before), _effect(now)),
        (seeds(before) if before else "", seeds(now) if now else ""),
    )


def _effect(verdict: Verdict | None) -> str:
    if verdict is None or effect(verdict) == NO_VALUE:
        return ""
    return f"{effect(verdict)} {interval_of(verdict)}".strip()


def _sentence(rows: list[Change], claims: int) -> str:
    """'2 of 14 claims have another verdict, 5 another effect or number of seeds; 1 is new, 1 is no longer judged.'"""
    kept = [row for row in rows if row.note not in ("new", "no longer judged")]
    words = sum(row.words[0] != row.words[1] for row in kept)
    gone = sum(row.note == "no longer judged" for row in rows)
    new = len(rows) - len(kept) - gone
    parts = [
        f"{words} of {plural(claims, 'claim')} {'has' if words == 1 else 'have'} another verdict"
        if words
        else "no claim has another verdict",
        f"{len(kept) - words} another effect or number of seeds" if len(kept) > words else "",
        f"{new} {'is' if new == 1 else 'are'} new" if new else "",
        f"{gone} {'is' if gone == 1 else 'are'} no longer judged" if gone else "",
    ]
    text = ", ".join(part for part in parts if part)
    return f"{text[0].upper()}{text[1:]}."
