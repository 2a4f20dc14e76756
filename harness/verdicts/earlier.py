"""The judging before the present one, kept beside `verdicts.json`, so that a report can show what has changed.

When other verdicts replace `verdicts.json`, its former content becomes `verdicts-before.json`. Judging again without
new records gives equal verdicts and keeps that file: changes are always those since the last judging that differed.
"""

from __future__ import annotations

import math
import os
from collections.abc import Sequence
from contextlib import suppress
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path

from harness.errors import UserError
from harness.files import replacing, user_path
from harness.verdicts.saved import read_verdicts, write_verdicts
from harness.verdicts.verdict import Verdict

VERDICTS_NAME = "verdicts.json"
EARLIER_NAME = "verdicts-before.json"


@dataclass(frozen=True)
class Earlier:
    """The verdicts of the last judging that differed, and when their file was written (UTC, ISO 8601)."""

    verdicts: tuple[Verdict, ...]
    judged_at: str


def earlier_verdicts(directory: str | Path, verdicts: Sequence[Verdict]) -> Earlier | None:
    """The last judging in the folder that differs from these verdicts; None if there is none that can be read."""
    for name in (VERDICTS_NAME, EARLIER_NAME):
        path = user_path(directory) / name
        with suppress(UserError, OSError):
            former = tuple(read_verdicts(path))
            if differ(former, verdicts):
                return Earlier(former, datetime.fromtimestamp(path.stat().st_mtime, UTC).isoformat(timespec="seconds"))
    return None


def replace_verdicts(verdicts: Sequence[Verdict], directory: str | Path) -> None:
    """Write `verdicts.json` of a folder; if its verdicts differ, keep the former ones. Raises UserError."""
    path = user_path(directory) / VERDICTS_NAME
    with suppress(UserError, OSError):  # a damaged file is replaced, and has nothing to compare with
        if differ(read_verdicts(path), verdicts):
            written = path.stat().st_mtime
            kept = path.with_name(EARLIER_NAME)
            with replacing(kept) as file:
                file.write(path.read_bytes())
            os.utime(kept, (written, written))
    write_verdicts(verdicts, path)


def differ(former: Sequence[Verdict], verdicts: Sequence[Verdict]) -> bool:
    """Whether claims, verdicts, effects, intervals or seeds of two judgings differ."""
    before, now = ({verdict.id: verdict for verdict in judging} for judging in (former, verdicts))
    return before.keys() != now.keys() or any(changed(before[id], now[id]) for id in now)


def changed(before: Verdict, now: Verdict) -> bool:
    """Whether the verdict, its claim, effect, interval, margin or number of seeds differ."""
    words = before.verdict, before.claim, before.unit, before.n
    return words != (now.verdict, now.claim, now.unit, now.n) or not all(
        _equal(getattr(before, name), getattr(now, name)) for name in ("effect", "ci_low", "ci_high", "margin")
    )


def _equal(first: float | None, second: float | None) -> bool:
    """Whether two figures are equal up to rounding; the file has null for NaN."""
    first, second = (math.nan if value is None else value for value in (first, second))
    both_nan = math.isnan(first) and math.isnan(second)
    return both_nan or math.isclose(first, second, rel_tol=1e-9, abs_tol=1e-12)
